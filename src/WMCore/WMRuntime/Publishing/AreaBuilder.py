"""
Build an area: one python, the libraries it needs, what makes them usable, and a manifest of all files.

The same input gives the same bytes, wherever and whenever the area is built.
"""
import os
import time

import attr

from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME, AreaManifest, manifestText
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles
from WMCore.WMRuntime.Publishing.AreaLibraries import layLibraries, licenceText
from WMCore.WMRuntime.Publishing.AreaProof import compileModules, proveArea
from WMCore.WMRuntime.Publishing.InitScript import libraryInit, pythonInit
from WMCore.WMRuntime.Publishing.InterpreterTree import layInterpreter
from WMCore.WMRuntime.Publishing.SharedLibraries import SharedLibraries
from WMCore.WMRuntime.Publishing.WheelTarget import WheelTarget

# 1980-01-01, the earliest time a zip can say; and a second for each build, because WMCore's own wrapper takes the
# python whose init.sh was written last.
_FIRST_TIME = 315532800
LICENCES_NAME = "LICENCES.txt"
DEFAULT_NAME = "external/python3/default"


@attr.s(frozen=True)
class AreaRequest(object):
    """
    Say which area to build.

    :param system: str, such as rhel8
    :param cpu: str, as `uname -m` names it
    :param version: str, of its python, such as 3.9.18
    :param prefix: PythonPrefix to copy; None for the layout and the libraries alone
    :param description: Description
    :param wheels: WheelIndex
    :param keepSymbols: bool, whether the interpreter keeps the symbols for a debugger
    """
    system = attr.ib(type=str)
    cpu = attr.ib(type=str)
    version = attr.ib(type=str)
    prefix = attr.ib()
    description = attr.ib(repr=False)
    wheels = attr.ib(repr=False)
    keepSymbols = attr.ib(default=False, type=bool)

    @property
    def name(self):
        """Give the area's name, such as rhel8_x86_64."""
        return "%s_%s" % (self.system, self.cpu)


@attr.s(frozen=True)
class OlderPythons(object):
    """
    Say which pythons of other builds an area offers beside its own.

    :param links: dict of str, name of a version's directory, to str, what the link there says
    :param default: str, the version that jobs get that ask for none; empty for the area's own
    :param warnings: tuple of str, which of them cannot be offered, and why
    """
    links = attr.ib(factory=dict)
    default = attr.ib(default="", type=str)
    warnings = attr.ib(default=(), converter=tuple)


@attr.s(frozen=True)
class BuiltArea(object):
    """
    Hold a built area.

    :param directory: str
    :param manifest: AreaManifest
    :param warnings: tuple of str, what a person should know before jobs use it
    :param seconds: float, it took
    """
    directory = attr.ib(type=str)
    manifest = attr.ib()
    warnings = attr.ib(type=tuple)
    seconds = attr.ib(type=float)

    def at(self, directory):
        """
        Say where the area lies now.

        :param directory: str
        :return: BuiltArea
        """
        return attr.evolve(self, directory=directory)


def areaTime(build):
    """
    Give the time all files of a build have.

    :param build: int
    :return: int, seconds since the epoch
    """
    return _FIRST_TIME + build


def buildArea(request, build, directory, older=OlderPythons()):
    """
    Build an area.

    :param request: AreaRequest
    :param build: int, its number; the name of the python's directory and the time of the files come from it
    :param directory: str, to be filled; it is there and empty
    :param older: OlderPythons
    :return: BuiltArea
    :raises WMRuntimeError: when a part is missing or the built area does not work
    """
    start = time.monotonic()
    _checkMachine(request)
    python = "external/python3/%s-wm%d" % (request.version, build) if request.prefix else ""
    target = WheelTarget(request.system, request.cpu, tuple(int(part) for part in request.version.split(".")[:2]),
                         request.description.system(request.system).glibc)
    laid = layLibraries(request.description, request.wheels, target, request.version, directory)
    shared = _layPython(request, directory, python, laid.libraries) if python else SharedLibraries((), (), True)
    series = "%d.%d" % target.python
    for library in laid.libraries:
        _writeInit(directory, library.directory, libraryInit(library.name, library.version, series))
    _write(directory, LICENCES_NAME, licenceText(directory, request.version, python, laid.libraries))
    manifest = AreaManifest(request.system, request.cpu, build, request.description.sha256, request.version, python,
                            laid.libraries, systemLibraries=shared.system,
                            glibc="2.%d" % shared.glibc if shared.glibc else "")
    os.chmod(directory, 0o755)
    _settle(directory, areaTime(build))
    if python:
        compileModules(directory, python)
        proveArea(directory, manifest)
        _offer(directory, older, os.path.basename(python))
    _settle(directory, areaTime(build))
    manifest = attr.evolve(manifest, files=scanFiles(directory))
    _write(directory, MANIFEST_NAME, manifestText(manifest))
    _settle(directory, areaTime(build))
    warnings = tuple("without %s: %s" % missing for missing in laid.missing) + _foreignGlibc(target, shared.glibc)
    return BuiltArea(directory, manifest, older.warnings + warnings, time.monotonic() - start)


def _checkMachine(request):
    if request.prefix is not None and request.prefix.machine != request.cpu:
        raise WMRuntimeError(None, "The area %s cannot be built here." % request.name,
                             "expected a python for %s, found %s for %s" % (request.cpu, request.prefix.prefix,
                                                                           request.prefix.machine),
                             "build it on a machine of that CPU, or its layout and libraries alone: --layout-only")


def _foreignGlibc(target, minor):
    """Warn of a python that was compiled on a newer system than it is for; it starts here, and not there."""
    if minor <= target.glibc:
        return ()
    return ("its python needs glibc 2.%d, %s has 2.%d: it does not start there; build it from a python that was compiled "
            "on %s" % (minor, target.system, target.glibc, target.system),)


def _layPython(request, directory, python, libraries):
    """Lay the interpreter out, with its init.sh."""
    place = os.path.join(directory, python)
    shared = layInterpreter(request.prefix, place, request.keepSymbols)
    version = os.path.basename(python)
    text = pythonInit(version, request.prefix.series, [os.path.relpath(library.directory, "external")
                                                       for library in libraries], not shared.findEachOther)
    _writeInit(directory, python, text)
    return shared


def _offer(directory, older, own):
    """Name the python jobs get, and make the other ones there to be asked for."""
    for version, target in older.links.items():
        os.symlink(target, os.path.join(directory, "external", "python3", version))
    _write(directory, DEFAULT_NAME, (older.default or own) + "\n")


def _writeInit(directory, part, text):
    _write(directory, "%s/etc/profile.d/init.sh" % part, text)


def _write(directory, name, text):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text)


def _settle(directory, seconds):
    """Give all files one time, and the mode of a program or of a file: neither is the building machine's."""
    for folder, folders, names in os.walk(directory, topdown=False):
        for path in [os.path.join(folder, name) for name in folders + names]:
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
            os.utime(path, (seconds, seconds), follow_symlinks=False)
    os.utime(directory, (seconds, seconds))
