"""
Look at one python of an area without running anything: what is missing, cut short, unreadable or for another CPU.
"""
import os
import re
import stat

from WMCore.WMRuntime.Environment.ElfFile import elfMachine, whyNotWhole
from WMCore.WMRuntime.Environment.EnvironmentProvider import WARNING, Finding
from WMCore.WMRuntime.Environment.PlainFile import openPlain
from WMCore.WMRuntime.Tools.ShownText import counted

_SHOWN = 5
_SERIES = re.compile(r"python([0-9]+)\.([0-9]+)\Z")
# Of the modules that Unpacker and Startup import, those every python has as a file of this name, or as a package.
_MODULES = ("os", "encodings", "getopt", "hashlib", "logging", "pickle", "subprocess", "tarfile", "zipfile")
# What is said of several paths of one kind.
_SEVERAL = {"libraryUnreadable": ("file", "%s that not everybody may read"), "libraryLinkBroken": ("link", "%s to nowhere"),
            "libraryNotFile": ("name", "%s of neither file nor directory, such as a pipe")}
_PUBLISH = "publish this version again, or name another one in the file default beside it"


class VersionInspection(object):
    """
    Inspect one version of python in an area.

    :param version: AreaVersion
    :param cpu: str, as `uname -m` names it
    :param needs: SystemNeeds of the area's system; None for a system that is not described
    :param severity: str, of what keeps it from being used
    """

    def __init__(self, version, cpu, needs, severity):
        self.version = version
        self.cpu = cpu
        self.needs = needs
        self.severity = severity

    def findings(self):
        """
        Give what is wrong.

        :return: list of Finding
        """
        directory = self.version.directory
        if not os.path.isdir(directory):
            return [self._finding("versionLinkBroken", "a link to %s, which leads nowhere" % os.readlink(directory),
                                  directory) if os.path.islink(directory) and not os.path.exists(directory) else
                    self._finding("versionNotDirectory", "expected a directory, found a file", directory)]
        found = list(self._init()) + list(self._range()) + list(self._program())
        return found + list(self._libraries())

    def _finding(self, code, message, path, remedy=_PUBLISH, severity=None):
        return Finding(code, severity or self.severity, message, remedy, path)

    def _init(self):
        path = self.version.init
        if not os.path.exists(path):
            yield self._finding("initMissing", "there is no init.sh: nothing says how this python is started", path)
        elif not os.path.isfile(path) or not os.stat(path).st_mode & stat.S_IROTH:
            yield self._finding("initUnreadable", "init.sh is no file that everybody may read", path)

    def _range(self):
        name = self.version.version
        text = ".".join(str(part) for part in name)
        if self.needs is not None and len(name) > 1 and not self.needs.python.contains(text, prereleases=True):
            yield self._finding("versionOutOfRange", "python %s, expected %s on %s" % (
                text, self.needs.python, self.needs.name), self.version.directory,
                                "publish one in that range, or change [system %s] of requirements.cfg" % self.needs.name)

    def _program(self):
        path = self.version.python
        if not os.path.lexists(path):
            yield self._finding("pythonMissing", "there is no bin/python3", path)
        elif not os.path.exists(path):
            yield self._finding("pythonLinkBroken", "a link to %s, which leads nowhere" % os.readlink(path), path)
        elif not os.path.isfile(path) or not os.stat(path).st_mode & stat.S_IXOTH:
            yield self._finding("pythonNotExecutable", "it is no program that everybody may run", path)
        else:
            for finding in self._machineCode(path, "python"):
                yield finding

    def _machineCode(self, path, kind):
        """Look at a program or library; scripts pass."""
        try:
            machine = elfMachine(path)
            why = whyNotWhole(path) if machine or kind == "library" else ""
        except (OSError, ValueError) as ex:
            machine, why = None, str(getattr(ex, "strerror", None) or ex)
        if machine and machine != self.cpu:
            yield self._finding(kind + "WrongCpu", "it is for %s, expected %s" % (machine, self.cpu), path)
        elif why:
            yield self._finding(kind + "Truncated", "it is damaged or not all there: %s" % why, path)

    def _libraries(self):
        lib = os.path.join(self.version.directory, "lib")
        names = sorted(os.listdir(lib)) if os.path.isdir(lib) else []
        for name in names:
            path = os.path.join(lib, name)
            if name.startswith("libpython") and ".so" in name:
                if os.path.exists(path):
                    for finding in self._machineCode(path, "library"):
                        yield finding
                else:
                    yield self._finding("libraryLinkBroken", "expected a library, found a link that leads nowhere", path)
        folders = [name for name in names if _SERIES.match(name)]
        if not folders:
            if _isScript(self.version.python):
                return  # a launcher of a python elsewhere
            yield self._finding("stdlibIncomplete", "there is no lib/pythonX.Y", lib)
        elif len(self.version.version) > 1 and "python%d.%d" % self.version.version[:2] not in folders:
            yield self._finding("versionMisnamed", "it is called %s and holds %s" % (
                self.version.name, ", ".join(folders)), self.version.directory, "rename it", WARNING)
        for name in folders:
            for finding in self._standardLibrary(os.path.join(lib, name)):
                yield finding

    def _standardLibrary(self, folder):
        lost = [name for name in _MODULES if not any(
            os.path.isfile(path) and os.path.getsize(path)
            for path in (os.path.join(folder, name + ".py"), os.path.join(folder, name, "__init__.py")))]
        if lost:
            yield self._finding("stdlibIncomplete", "these modules are missing or empty: %s" % ", ".join(lost), folder)
        wrong = {}
        for path, mode in _filesBelow(folder):
            code = _wrongMode(mode)
            if code:
                wrong.setdefault(code, []).append(path)
            elif path.endswith(".so") and stat.S_ISREG(mode):
                for finding in self._machineCode(path, "library"):
                    yield finding
        for code, paths in sorted(wrong.items()):
            noun, text = _SEVERAL[code]
            shown = ", ".join(os.path.relpath(path, folder) for path in sorted(paths)[:_SHOWN])
            yield self._finding(code, "%s: %s%s" % (
                text % counted(len(paths), noun), shown, ", ..." if len(paths) > _SHOWN else ""), folder)


def _wrongMode(mode):
    """Tell what is wrong with a path of this mode (see _filesBelow); empty when nothing is."""
    if mode is None:
        return "libraryLinkBroken"
    if not mode & stat.S_IROTH:
        return "libraryUnreadable"
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "libraryNotFile"


def _isScript(path):
    try:
        with openPlain(path) as handle:
            return handle.read(2) == b"#!"
    except OSError:
        return False


def _filesBelow(folder):
    """Yield (str path, int mode) of all below a folder; a link that leads nowhere has the mode None."""
    unlisted = []
    for top, folders, files in os.walk(folder, onerror=lambda ex: unlisted.append(ex.filename)):
        for name in folders + files:
            path = os.path.join(top, name)
            try:
                yield path, os.stat(path).st_mode
            except OSError:
                yield path, None
    for path in unlisted:
        yield path, 0
