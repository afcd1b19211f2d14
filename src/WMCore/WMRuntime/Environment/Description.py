"""
What the runtime needs of a worker node: pythons, libraries, systems, CPUs, as requirements.cfg says.
"""
import hashlib
import pkgutil
from collections import namedtuple

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

PACKAGED = "requirements.cfg"
NEEDED, HELPS = "needed", "helps"

#: For which pythons (SpecifierSet) which versions (SpecifierSet) will do, and which one is built (str).
VersionRow = namedtuple("VersionRow", "python versions pinned")


def versionText(version):
    """
    Write a version as specifiers compare it.

    :param version: tuple of int, or str
    :return: str
    """
    return version if isinstance(version, str) else ".".join(str(part) for part in version)


@attr.s(frozen=True)
class SystemNeeds(object):
    """
    Hold what is asked of a system.

    :param name: str, such as rhel8
    :param python: SpecifierSet, the pythons that will do there
    :param cpus: tuple of str, as `uname -m` names them
    :param images: dict of str CPU to str path of a container image, an unpacked directory or a .sif file
    :param serves: tuple of str, the systems of the scram archs whose jobs run on it, such as el8 and cs8
    :param glibc: int, the minor version of its C library, glibc 2
    """
    name = attr.ib(type=str)
    python = attr.ib()
    cpus = attr.ib(type=tuple)
    images = attr.ib(type=dict, hash=False)
    serves = attr.ib(type=tuple)
    glibc = attr.ib(type=int)

    def servesArch(self, arch):
        """
        Tell whether jobs of a scram arch run on this system.

        :param arch: str, such as el8_amd64_gcc12
        :return: bool
        """
        return arch.split("_")[0] in self.serves


@attr.s(frozen=True)
class LibraryNeeds(object):
    """
    Hold what is asked of a library.

    :param name: str, of the distribution
    :param imports: tuple of str, the names it is imported by
    :param need: str, "needed" or "helps"
    :param pure: bool, whether one wheel serves every CPU
    :param why: str
    :param versions: tuple of VersionRow
    :param licence: str, an SPDX expression
    :param also: tuple of str, modules that come with it and that the runtime does not ask for
    """
    name = attr.ib(type=str)
    imports = attr.ib(type=tuple)
    need = attr.ib(type=str)
    pure = attr.ib(type=bool)
    why = attr.ib(type=str)
    versions = attr.ib(type=tuple)
    licence = attr.ib(type=str)
    also = attr.ib(default=(), type=tuple)

    def rowFor(self, pythonVersion):
        """
        Find what a python needs of the library.

        :param pythonVersion: tuple of int, or str
        :return: VersionRow; None when that python goes without
        """
        text = versionText(pythonVersion)
        return next((row for row in self.versions if row.python.contains(text, prereleases=True)), None)


@attr.s(frozen=True)
class Description(object):
    """
    Hold the whole description.

    :param areaPaths: tuple of str, the directories under a CMS root that hold <system>_<cpu>, best first
    :param systems: tuple of SystemNeeds
    :param libraries: tuple of LibraryNeeds
    :param cpus: tuple of str
    :param sha256: str, of the file's bytes
    """
    areaPaths = attr.ib(type=tuple)
    systems = attr.ib(type=tuple)
    libraries = attr.ib(type=tuple)
    cpus = attr.ib(type=tuple)
    sha256 = attr.ib(type=str)

    def system(self, name):
        """
        Find a system.

        :param name: str, or None
        :return: SystemNeeds, or None for one that is not described
        """
        return next((system for system in self.systems if system.name == name), None)

    def library(self, name):
        """
        Find a library.

        :param name: str, of the distribution
        :return: LibraryNeeds, or None for one that is not described
        """
        return next((library for library in self.libraries if library.name == name), None)

    def targets(self):
        """
        List the areas there are to be.

        :return: tuple of (SystemNeeds, str CPU), system by system
        """
        return tuple((system, cpu) for system in self.systems for cpu in system.cpus)

    def librariesFor(self, pythonVersion):
        """
        List the libraries for a python.

        :param pythonVersion: tuple of int, or str
        :return: tuple of (LibraryNeeds, SpecifierSet of the versions that will do)
        """
        rows = [(library, library.rowFor(pythonVersion)) for library in self.libraries]
        return tuple((library, row.versions) for library, row in rows if row is not None)


def loadDescription(path=None):
    """
    Read a description.

    :param path: str, the file; None for the one that comes with the runtime, also from inside a sandbox
    :return: Description
    :raises WMRuntimeError: when it cannot be read, naming file, section, option, what was expected and found
    """
    # Deferred: a job that asks for nothing has no use for the reader and what it imports.
    from WMCore.WMRuntime.Environment.DescriptionReader import MAX_BYTES, readDescription
    try:
        if path is None:
            path = "%s of %s" % (PACKAGED, __package__)
            data = pkgutil.get_data(__package__, PACKAGED)
        else:
            with open(path, "rb") as handle:
                data = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as ex:
        raise WMRuntimeError(11014, "The description of the runtime's environment cannot be read.",
                             "%s: expected a file, found %s" % (path, ex), "give the path of a readable file")
    return readDescription(data, path, hashlib.sha256(data).hexdigest())
