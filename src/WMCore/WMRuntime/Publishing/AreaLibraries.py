"""
The libraries of an area: of each the wheel its python takes, unpacked into a directory of its own.
"""
import os
import re
import shutil
import tempfile

import attr
from packaging.specifiers import SpecifierSet

from WMCore.WMRuntime.Environment.AreaManifest import AreaLibrary
from WMCore.WMRuntime.Environment.Description import NEEDED
from WMCore.WMRuntime.Environment.WheelFile import unpackWheel
from WMCore.WMRuntime.Environment.WheelIndex import chooseWheel
from WMCore.WMRuntime.Errors import WMRuntimeError

# What an installer leaves for itself; the manifest of the area says it for all libraries.
_LEFT_OUT = ("test", "tests", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "__pycache__")
_LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT)", re.IGNORECASE)


@attr.s(frozen=True)
class LaidLibraries(object):
    """
    Hold which libraries an area got.

    :param libraries: tuple of AreaLibrary
    :param missing: tuple of (str name, str why not), libraries that only help
    """
    libraries = attr.ib(converter=tuple)
    missing = attr.ib(converter=tuple)


def layLibraries(description, index, target, version, areaDirectory):
    """
    Unpack what the description asks for, each in the version it pins.

    :param description: Description
    :param index: WheelIndex
    :param target: WheelTarget
    :param version: str, the python's, such as 3.9.18
    :param areaDirectory: str
    :return: LaidLibraries
    :raises WMRuntimeError: when there is no wheel of a needed library, or a wheel is refused
    """
    laid, missing = [], []
    for library, _versions in description.librariesFor(version):
        pinned = library.rowFor(version).pinned
        entry = chooseWheel(index.candidates(library.name, SpecifierSet("==%s" % pinned)), target.ranks)
        if entry is not None:
            laid.append(_lay(library, entry, index, target, areaDirectory))
        elif library.need == NEEDED:
            raise WMRuntimeError(None, "There is no wheel of %s for %s." % (library.name, target),
                                 "%s: expected version %s" % (index.directory, pinned),
                                 "collect it with `wmruntime wheels collect`, or change the description")
        else:
            missing.append((library.name, "no wheel of %s for %s in %s" % (pinned, target, index.directory)))
    return LaidLibraries(laid, missing)


def _lay(library, entry, index, target, areaDirectory):
    directory = "external/py3-%s/%s" % (library.name, entry.version)
    packages = os.path.join(areaDirectory, directory, "lib", "python%d.%d" % target.python, "site-packages")
    os.makedirs(os.path.dirname(packages))
    scratch = tempfile.mkdtemp(prefix="wheel-", dir=areaDirectory)
    try:
        os.rename(unpackWheel(index.path(entry), entry, scratch), packages)
    finally:
        shutil.rmtree(scratch)
    _trim(packages)
    return AreaLibrary(library.name, entry.version, directory, library.imports, entry.pure, library.licence)


def _trim(packages):
    for folder, folders, names in os.walk(packages):
        for name in [name for name in folders if name in _LEFT_OUT]:
            shutil.rmtree(os.path.join(folder, name))
            folders.remove(name)
        for name in names:
            if name in _LEFT_OUT or name.endswith((".a", ".pyc")):
                os.unlink(os.path.join(folder, name))


def licenceText(areaDirectory, pythonVersion, pythonDirectory, libraries):
    """
    List what an area holds and under which licence, with the files that hold the licences' texts.

    :param areaDirectory: str
    :param pythonVersion: str
    :param pythonDirectory: str, relative to the area; empty for none
    :param libraries: iterable of AreaLibrary
    :return: str
    """
    parts = [("python", pythonVersion, "PSF-2.0", pythonDirectory)] if pythonDirectory else []
    parts += [(library.name, library.version, library.licence, library.directory) for library in libraries]
    lines = ["What this area holds, its licence as an SPDX expression, and the files with the licence's text.", ""]
    for name, version, licence, directory in parts:
        lines.append("%s %s: %s" % (name, version, licence))
        lines += ["    %s" % path for path in _licenceFiles(areaDirectory, directory)]
    return "\n".join(lines) + "\n"


def _licenceFiles(areaDirectory, directory):
    found = []
    for folder, folders, names in os.walk(os.path.join(areaDirectory, directory)):
        below = os.path.relpath(folder, areaDirectory)
        # Of python its own text alone: modules about licences are none.
        if re.search(r"dist-info(/|\Z)|/lib/python[0-9.]+\Z", below):
            found += [os.path.join(below, name) for name in names
                      if _LICENCE_FILE.match(name) and not name.endswith((".py", ".pyc"))]
        folders.sort()
    return sorted(found)
