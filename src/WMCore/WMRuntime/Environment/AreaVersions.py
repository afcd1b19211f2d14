"""
The versions of a package in an area, in the order they are to be tried; nothing is run to learn it.

The order and the file `default` are the job wrapper's (submit_py3.sh), so that both come to the same python.
"""
import os
import re

import attr

from WMCore.WMRuntime.Environment.PlainFile import openPlain

DEFAULT_FILE = "default"
INIT = os.path.join("etc", "profile.d", "init.sh")
_MAX_BYTES = 200
_VERSION = re.compile(r"^[0-9][A-Za-z0-9._+-]*$")
_LEADING = re.compile(r"^(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?")


def isVersionName(name):
    """
    Tell whether a name is one of a version directory; others are left out, as the wrapper does.

    :param name: str
    :return: bool
    """
    return _VERSION.match(name) is not None and not name.endswith("\n")


def versionKey(name):
    """
    Order version directories as `sort -V` does, numbers by value.

    :param name: str, such as 3.9.14-comp
    :return: key for sorted
    """
    return [(1, int(part), "") if part[0] in "0123456789" else (0, 0, part)
            for part in re.findall(r"[0-9]{1,9}|[^0-9]+", name)]


def leadingVersion(name):
    """
    Read the numbers a version directory's name begins with.

    :param name: str, such as 3.9.14-comp
    :return: tuple of up to three int, empty when there are none
    """
    found = _LEADING.match(name)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def isAskedFor(name, pin):
    """
    Tell whether a version is the one a pin names.

    :param name: str, such as 3.9.14-comp
    :param pin: str, the whole name or what it begins with: `3.9` is 3.9.14-comp, `3.9.1` is not; empty for any
    :return: bool
    """
    return not pin or name == pin or (name.startswith(pin) and name[len(pin)] not in "0123456789")


@attr.s(frozen=True)
class AreaVersion(object):
    """
    Hold one version of a package in an area.

    :param name: str, of its directory
    :param directory: str
    """
    name = attr.ib(type=str)
    directory = attr.ib(type=str)

    @property
    def version(self):
        """Give the numbers of its name, a tuple of int."""
        return leadingVersion(self.name)

    @property
    def init(self):
        """Give the path of its init.sh."""
        return os.path.join(self.directory, INIT)

    @property
    def python(self):
        """Give the path of its interpreter."""
        return os.path.join(self.directory, "bin", "python3")


@attr.s(frozen=True)
class AreaVersions(object):
    """
    Hold the versions of a package in an area.

    :param directory: str, such as .../external/python3
    :param versions: tuple of AreaVersion, newest first
    :param ignored: tuple of str, names that begin as a version does and are none
    :param default: str, the version the file `default` names; empty without the file, or with a bad one
    :param problem: str, what is wrong with the file `default`; empty when nothing is
    """
    directory = attr.ib(type=str)
    versions = attr.ib(default=())
    ignored = attr.ib(default=())
    default = attr.ib(default="")
    problem = attr.ib(default="")

    @classmethod
    def read(cls, directory):
        """
        Read the directory of a package.

        :param directory: str, such as .../external/python3
        :return: AreaVersions
        :raises OSError: when it is no directory that can be read
        """
        names = [name for name in os.listdir(directory) if name[:1] in tuple("0123456789")]
        good = sorted(filter(isVersionName, names), key=versionKey, reverse=True)
        versions = tuple(AreaVersion(name, os.path.join(directory, name)) for name in good)
        default, problem = _readDefault(directory)
        return cls(directory, versions, tuple(sorted(set(names) - set(good))), default, problem)

    def candidates(self, pin=""):
        """
        List the versions to try, best first: the default, then the newest first.

        With a default a version that is published changes nothing by itself (#10642); when things were written
        never counts (#10641).

        :param pin: str, what the job asks for (see isAskedFor); empty for any
        :return: list of AreaVersion
        """
        first = [version for version in self.versions if version.name == self.default]
        rest = [version for version in self.versions if version.name != self.default]
        return [version for version in first + rest if isAskedFor(version.name, pin)]


def _readDefault(directory):
    """Read the file `default`: (str name, str problem)."""
    path = os.path.join(directory, DEFAULT_FILE)
    if not os.path.lexists(path):
        return "", ""
    try:
        with openPlain(path) as handle:
            # As the wrapper: what comes behind is not looked at.
            name = handle.read(_MAX_BYTES).decode("utf-8", "replace").rstrip("\n")
    except OSError as ex:
        return "", "%s cannot be read: %s" % (path, ex.strerror)
    if isVersionName(name) and os.path.isdir(os.path.join(directory, name)):
        return name, ""
    return "", "%s names %r, expected one of the version directories beside it" % (path, name)
