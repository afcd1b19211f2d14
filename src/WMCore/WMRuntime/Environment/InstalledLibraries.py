"""
Which libraries an interpreter has, told from files: nothing is imported, so nothing can fail or have side effects.
"""
import importlib.machinery
import os
import re
import sys
import zipfile

import attr
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# attrs-22.2.0.dist-info (PEP 376), psutil-5.9.8-py3.9.egg-info (setuptools)
_METADATA = re.compile(r"^(?P<name>[^-/]+)-(?P<version>[^-/]+)(?:-py[0-9.]+)?(?:-[^/]*)?\.(?:dist|egg)-info(?:/|\Z)")


@attr.s(frozen=True)
class InstalledLibrary(object):
    """
    Hold a library that can be imported.

    :param name: str, distribution
    :param version: str, empty when no metadata beside it tells
    :param where: str, the entry of the path it is imported from: a directory or a zip
    """
    name = attr.ib(type=str)
    version = attr.ib(type=str)
    where = attr.ib(type=str)

    def isIn(self, versions):
        """
        Tell whether the version will do; one that is unknown will, for nothing speaks against it.

        :param versions: packaging SpecifierSet
        :return: bool
        """
        try:
            return not self.version or versions.contains(Version(self.version), prereleases=True)
        except InvalidVersion:
            return True


class InstalledLibraries(object):
    """
    Look libraries up on a path.

    :param paths: sequence of str, directories and zips; None for sys.path
    """

    def __init__(self, paths=None):
        self.paths = list(sys.path if paths is None else paths)
        self._names = {}

    def find(self, name, imports):
        """
        Find a library.

        :param name: str, distribution
        :param imports: sequence of str, the modules that make it up
        :return: InstalledLibrary of the first module; None unless all of them are there
        """
        places = [self._place(module) for module in imports]
        if not places or None in places:
            return None
        return InstalledLibrary(name, self._version(name, places[0]), places[0])

    def _place(self, module):
        """Give the path's entry a module would be imported from, or None."""
        try:
            spec = importlib.machinery.PathFinder.find_spec(module, self.paths)
        except Exception:  # a damaged zip on the path raises what it likes
            return None
        # Without a location it is a directory without __init__.py: a leftover, no library of ours is made so.
        if spec is None or not spec.has_location:
            return None
        return os.path.dirname(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)

    def _version(self, name, place):
        """Read a version from the name of the metadata beside the library."""
        if place not in self._names:
            self._names[place] = distributionsIn(_namesIn(place))
        return self._names[place].get(canonicalize_name(name), "")


def _namesIn(place):
    """List what a directory or a zip holds."""
    try:
        if os.path.isdir(place):
            return os.listdir(place)
        with zipfile.ZipFile(place) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return []


def distributionsIn(names):
    """
    Tell which distributions lie in a directory or a zip, by the names of their metadata directories.

    :param names: iterable of str, relative paths
    :return: dict of str canonical name to str version
    """
    found = [_METADATA.match(name) for name in names]
    return {canonicalize_name(one.group("name")): one.group("version") for one in found if one}
