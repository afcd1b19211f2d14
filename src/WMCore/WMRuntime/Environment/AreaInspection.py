"""
Look at an area without running anything: whether it is there, what it is for, which python jobs take from it.
"""
import os
import re

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import DEFAULT_FILE, AreaVersions
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, INFO, WARNING, Finding
from WMCore.WMRuntime.Environment.VersionInspection import VersionInspection
from WMCore.WMRuntime.Errors import WMRuntimeError

# A scram arch such as el8_amd64_gcc12, and the names of areas themselves, for what a link leads to.
_ARCH = re.compile(r"([a-z]+[0-9]+)_([a-z0-9]+)_gcc[0-9]+")
_AREA = re.compile(r"(rhel[0-9]+)_(x86_64|[a-z0-9]+)")
_CPUS = {"amd64": "x86_64"}


class AreaInspection(object):
    """
    Inspect an area.

    :param directory: str, as jobs name it: .../COMP/rhel8_x86_64
    :param system: str, whom it is for, such as rhel8
    :param cpu: str, likewise, as `uname -m` names it
    :param description: Description
    :param pin: str, the version a job asks for; empty for any
    """

    def __init__(self, directory, system, cpu, description, pin=""):
        self.directory = directory
        self.system = system
        self.cpu = cpu
        self.needs = description.system(system)
        self.pin = pin
        self.python3 = os.path.join(directory, "external", "python3")
        self.layoutOnly = False

    def findings(self):
        """
        Give all that is wrong.

        :return: list of Finding
        """
        found = list(self._place())
        if found:
            return found
        found = list(self._origin()) + list(self._manifest())
        if self.layoutOnly:
            return found + [Finding("layoutOnly", INFO, "the area was made without an interpreter",
                                    "build it again on a machine with this CPU", self.directory)]
        versions = self.versions()
        if versions is None or not versions.versions:
            return found + list(self._noVersion(versions))
        found.extend(self._choice(versions))
        for number, version in enumerate(versions.candidates()):
            severity = WARNING if number else ERROR
            found.extend(VersionInspection(version, self.cpu, self.needs, severity).findings())
        return found + list(self._future(versions.candidates()[0]))

    def versions(self):
        """
        Read the pythons.

        :return: AreaVersions, None when there is no directory to read
        """
        try:
            return AreaVersions.read(self.python3)
        except OSError:
            return None

    def _place(self):
        """Look at the path itself."""
        path = self.directory
        if not os.path.lexists(path):
            yield Finding("areaMissing", ERROR, "there is no such directory", "publish it: wmruntime area build", path)
        elif not os.path.exists(path):
            yield Finding("areaLinkBroken", ERROR, "a link to %s, which leads nowhere or to itself" % os.readlink(path),
                          "let it lead to an area: wmruntime area rollback", path)
        elif not os.path.isdir(path):
            yield Finding("areaNotDirectory", ERROR, "expected a directory, found a file", "publish the area again", path)

    def _origin(self):
        """Compare the system and CPU in the name of what the link leads to (#11893)."""
        name = os.path.basename(os.path.realpath(self.directory))
        found = _ARCH.match(name) or _AREA.match(name)
        if not found:
            return
        system, cpu = found.group(1), _CPUS.get(found.group(2), found.group(2))
        known = (self.system,) + (self.needs.serves if self.needs else ())
        if system not in known:
            yield self._wrong("System", "it leads to %s, which is for %s and not for %s" % (name, system, self.system))
        if cpu != self.cpu:
            yield self._wrong("Cpu", "it leads to %s, which is for %s and not for %s" % (name, cpu, self.cpu))

    def _wrong(self, what, message):
        return Finding("areaWrong" + what, ERROR, message + ": its libraries do not fit what jobs find there (#11893)",
                       "let the link lead to an area made for it", self.directory)

    def _manifest(self):
        try:
            manifest = loadManifest(self.directory)
        except WMRuntimeError as ex:
            yield Finding("manifestBroken", ERROR, "%s %s" % (ex.message, ex.context), ex.hint, self.directory)
            return
        if manifest is None:
            return
        self.layoutOnly = manifest.layoutOnly
        if manifest.system != self.system:
            yield self._wrong("System", "its manifest says %s, expected %s" % (manifest.system, self.system))
        if manifest.cpu != self.cpu:
            yield self._wrong("Cpu", "its manifest says %s, expected %s" % (manifest.cpu, self.cpu))

    def _noVersion(self, versions):
        remedy = "publish a python, or take the area away"
        if versions is None and os.path.lexists(self.python3):
            yield Finding("areaUnreadable", ERROR, "expected a directory that can be listed", remedy, self.python3)
        else:
            odd = ", ".join(repr(name) for name in versions.ignored) if versions else ""
            yield Finding("areaEmpty", ERROR, "there is no python in it%s" % (odd and "; no version: " + odd), remedy,
                          self.python3)

    def _choice(self, versions):
        """Look at what decides which version jobs take."""
        if versions.problem:
            yield Finding("defaultBad", ERROR, versions.problem, "write the name of a version directory into it",
                          os.path.join(self.python3, DEFAULT_FILE))
        for name in versions.ignored:
            yield Finding("versionNameOdd", WARNING, "%r is no name of a version: no job looks there" % name,
                          "rename it, or take it away", os.path.join(self.python3, name))
        if self.pin and not versions.candidates(self.pin):
            yield Finding("pinnedMissing", ERROR, "the job asks for python %s, found %s" % (
                self.pin, ", ".join(version.name for version in versions.versions)), "publish it, or ask for another",
                          self.python3)
        taken = versions.candidates()[0]
        latest = _latest(versions.versions)
        if latest is not None and latest != taken and os.path.isfile(taken.init):
            yield Finding("newestByTime", WARNING, "%s was written last, so a wrapper that goes by time takes it; this "
                          "one takes %s (#10641)" % (latest.name, taken.name),
                          "touch the init.sh of %s, or use this runtime's wrapper alone" % taken.name, latest.init)

    def _future(self, python):
        """Look whether py3-future has anything for the python jobs take (#11401)."""
        try:
            futures = AreaVersions.read(os.path.join(self.directory, "external", "py3-future")).versions
        except OSError:
            return
        wanted = "python%d.%d" % python.version[:2] if len(python.version) > 1 else ""
        for future in futures[:1]:
            lib = os.path.join(future.directory, "lib")
            names = sorted(os.listdir(lib)) if os.path.isdir(lib) else []
            if names and wanted and wanted not in names:
                yield Finding("futureWrongPython", WARNING, "py3-future %s has %s, expected %s (#11401): jobs go without" % (
                    future.name, ", ".join(names), wanted), "publish it for this python, or take it away", lib)


def _latest(versions):
    """Find the version whose init.sh was written last, which upstream's `ls -t` takes; None when that is not clear."""
    times = sorted(((os.stat(version.init).st_mtime, version) for version in versions if os.path.isfile(version.init)),
                   key=lambda pair: pair[0])
    return times[-1][1] if times and (len(times) == 1 or times[-1][0] > times[-2][0]) else None
