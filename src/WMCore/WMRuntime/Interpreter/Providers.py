"""
The providers that come with the runtime, in the order they are asked.
"""
import os
import re
import shutil

from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Environment.CompAreas import compDirectories, packageOf
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Interpreter.Interpreter import Rejected, versionText
from WMCore.WMRuntime.Interpreter.InterpreterProvider import (AGENT_SCRIPT, IN_RELEASE, RELEASE_SCRIPT, SCRIPTS,
                                                              Candidate, InterpreterProvider, realPath)
from WMCore.WMRuntime.Interpreter.ProbeRunner import whyNotStarted
from WMCore.WMRuntime.Interpreter.StartEnvironment import compStart, ownStart, releaseStart, startOf

PIN_VARIABLE = "WMRUNTIME_PYTHON"
_PYTHON_NAME = re.compile(r"^python(?:(\d)(?:\.(\d+))?)?$")


class Explicit(InterpreterProvider):
    """Propose what was asked for by name: by the step, or for the runtime's scripts by WMRUNTIME_PYTHON."""
    name = "explicit"
    priority = 10

    def candidates(self, context):
        """Propose the one that was named; the step's word counts more than the environment's."""
        pin = context.environ.get(PIN_VARIABLE) if context.purpose in SCRIPTS else None
        for value, where in ((context.setting, "the step's setting"), (pin, PIN_VARIABLE)):
            if value:
                yield self._named(context, value, "asked for by %s" % where)
                return

    def _named(self, context, value, reason):
        path = value if os.sep in value else _onPath(value, context.base.get("PATH", ""))
        if path is None:
            return Rejected(value, self.name, "%s: there is no such program in the PATH" % reason, binding=True)
        try:
            environment = EnvDiff() if whyNotStarted(path) else startOf(context, path)
        except Exception as ex:  # whatever a broken release does: no other python is taken silently
            return Rejected(path, self.name, "%s, but what to start it with cannot be told: %s: %s"
                            % (reason, type(ex).__name__, ex), binding=True)
        return Candidate(path, environment, reason, binding=True)


def _onPath(name, path):
    try:
        return shutil.which(name, path=path)
    except ValueError:  # a NUL, which python 3.6 does not take for a name that is not there
        return None


class _OfRelease(InterpreterProvider):
    """Share what the two providers of a release have in common."""

    @classmethod
    def create(cls, context):
        """Take part in what is done in a release."""
        return cls() if context.purpose in IN_RELEASE else None

    def candidates(self, context):
        """Propose the release's pythons, python3 first."""
        if context.release is None:
            return [Rejected("", self.name, "no release is known")]
        return self.inRelease(context)

    def inRelease(self, context):
        """Propose the pythons of the release that is known."""
        raise NotImplementedError


class ReleaseManifest(_OfRelease):
    """Propose the pythons whose tool manifests the release has selected."""
    name = "release manifest"
    priority = 20

    def inRelease(self, context):
        """Propose the pythons of the tools python3 and python."""
        release = context.release
        found = [python for python in release.pythons() if python.tool]
        for python in sorted(found, key=lambda python: -python.major):
            told = "tool %s %s of %s" % (python.tool, versionText(python.version), release.version)
            if python.path:
                yield Candidate(python.path, releaseStart(context, python.path), told,
                                tuple(python.version) or (python.major,))
            else:
                yield Rejected("", self.name, "%s: %s" % (told, "; ".join(python.reasons) or "nothing says where it is"))
        if not any(python.major == 3 for python in found):
            yield Rejected("", self.name, "%s has no tool python3" % release.version)


class ReleaseExternal(_OfRelease):
    """Propose the pythons linked into the release's external/<arch>/bin: manifests may be broken."""
    name = "release external"
    priority = 30

    def inRelease(self, context):
        """Propose the links of the release, then those of the release it patches."""
        release = context.release
        while release is not None:
            folder = os.path.join(release.directory, "external", release.arch, "bin")
            for name in _pythonNames(folder):
                path = os.path.join(folder, name)
                yield Candidate(path, releaseStart(context, path), "a link of %s" % release.version, _namedVersion(path))
            release = release.base


def _pythonNames(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    known = [(_PYTHON_NAME.match(name), name) for name in names]
    # python3 before python3.9, both before python2 and python; the plain name decides nothing.
    return [name for found, name in sorted(((found, name) for found, name in known if found),
                                           key=lambda pair: (-int(pair[0].group(1) or 0), len(pair[1]), pair[1]))]


def _namedVersion(path):
    """Read the version in the file name, or in that of the file it leads to."""
    for name in (os.path.basename(realPath(path)), os.path.basename(path)):
        found = _PYTHON_NAME.match(name)
        if found and found.group(1):
            return tuple(int(part) for part in found.groups() if part)
    return ()


class CompArea(InterpreterProvider):
    """Propose the pythons of the COMP areas, which the job wrapper takes its python from."""
    name = "COMP area"
    priority = 40

    @classmethod
    def create(cls, context):
        """Take part for the runtime's own scripts: no COMP python can load what a release compiled."""
        return cls() if context.purpose in SCRIPTS else None

    def candidates(self, context):
        """Propose, of each area that fits the node, the newest version first."""
        running = context.running
        if running.path and (packageOf(running.path) or packageOf(realPath(running.path))):
            yield Candidate(running.path, ownStart(context), "the COMP python this job runs in", running.version)
        for external, reason in compDirectories(context.environ, running.prefixes):
            folder = os.path.join(external, "python3")
            try:
                versions = AreaVersions.read(folder).candidates()
            except (OSError, ValueError) as ex:
                yield Rejected(folder, self.name, "%s cannot be used: %s" % (reason, ex))
                continue
            for version in versions:
                yield self._proposal(context, version, reason)

    def _proposal(self, context, version, reason):
        try:
            environment = compStart(context, version.directory)
        except WMRuntimeError as ex:
            return Rejected(version.python, self.name, "%s: %s %s" % (reason, ex.message, ex.context))
        return Candidate(version.python, environment, reason, version.version)


class Running(InterpreterProvider):
    """Propose the interpreter this code runs in."""
    name = "running"
    priority = 50

    @classmethod
    def create(cls, context):
        """Take part for the runtime's own scripts."""
        return cls() if context.purpose in (AGENT_SCRIPT, RELEASE_SCRIPT) else None

    def candidates(self, context):
        """Propose it."""
        if context.running.path:
            yield Candidate(context.running.path, ownStart(context), "the running interpreter", context.running.version)


BUILT_IN = (Explicit, ReleaseManifest, ReleaseExternal, CompArea, Running)
