"""
The way of a job on this node, station by station as the wrapper and Startup go it; no job is started.
"""
import json
import os
import shutil
import tempfile

import attr

from WMCore.WMRuntime.Doctor.Diagnosis import Station
from WMCore.WMRuntime.Doctor.Files import freeBytes
from WMCore.WMRuntime.Doctor.SiteSections import siteConfiguration
from WMCore.WMRuntime.Environment.AreaPython import sourceFiles
from WMCore.WMRuntime.Environment.AutoEnvironment import FIXED_PYTHON, AutoEnvironment
from WMCore.WMRuntime.Environment.CleanEnvironment import START_VARIABLES, withoutWrapperPython
from WMCore.WMRuntime.Environment.CompAreas import cmsRoots
from WMCore.WMRuntime.Environment.CvmfsArea import CvmfsArea
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, INFO, EnvironmentContext, Finding
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# With less a job cannot even unpack its sandbox and write its log.
LEAST_BYTES = 200 * 10 ** 6
# cmsset_default.sh runs the site's own hooks; the wrapper gives it longer still (WMA_CMSSET_TIMEOUT_SECS).
_CMSSET_SECONDS, _PROBE_SECONDS = 120.0, 300.0
_VERSION = "import sys; print('%d %d %d' % sys.version_info[:3])"


class JobPlan(object):
    """
    Go the way of a job.

    :param patient: Patient; its node is told what cmsset_default.sh says
    """

    def __init__(self, patient):
        self.patient = patient
        self.findings = []
        self.place = None
        self.container = None

    def __call__(self):
        """
        Go the whole way; a station that fails ends those that need it, and no others.

        :return: tuple of Station
        """
        steps = (("start directory", "startDirectoryUnusable", self._directory),
                 ("CMS environment", "cmsEnvironmentMissing", self._loadCms),
                 ("site configuration", "siteConfigurationMissing", self._site),
                 ("wrapper's python", "noPython", self._wrapperPython),
                 ("environment", "environmentUnavailable", self._asked),
                 ("libraries", "jobDoesNotImport", self._libraries))
        return tuple(self._station(*step) for step in steps)

    def _station(self, name, code, step):
        try:
            return Station(name, *step())
        except WMRuntimeError as ex:
            message, remedy = ("%s %s" % (ex.message, ex.context)).strip(), ex.hint
        except Exception as ex:  # a node may be broken in ways nobody foresaw, and the rest is to be told all the same
            message, remedy = "%s: %s" % (type(ex).__name__, ex), "report this error of the doctor"
        self.findings.append(Finding(code, ERROR, message, remedy))
        return Station(name, False, message)

    def _directory(self):
        path = self.patient.startDirectory
        try:
            with tempfile.TemporaryFile(dir=path) as handle:
                handle.write(b"\0")
            free = freeBytes(path)
        except OSError as ex:
            raise WMRuntimeError(None, "The start directory cannot be written to.", "%s: %s" % (path, ex.strerror or ex),
                                 "start in a directory of this user, on a disk with space")
        if free < LEAST_BYTES:
            raise WMRuntimeError(None, "The start directory's disk is full.", "%s: %.3f GB free" % (path, free / 1e9),
                                 "make space")
        return True, "%s, %.1f GB free" % (path, free / 1e9)

    def _loadCms(self):
        """Take over the environment of the first cmsset_default.sh that works, as wma_load_cms does."""
        clean, tried = withoutWrapperPython(self.patient.environ), []
        for root in cmsRoots(clean):
            path = os.path.join(root, "cmsset_default.sh")
            sourced = sourceFiles([path], clean, _CMSSET_SECONDS) if os.path.isfile(path) else None
            if sourced is not None and sourced.ok:
                environ = dict(sourced.environ)
                if not any(environ.get(name) for name in ("VO_CMS_SW_DIR", "OSG_APP", "CVMFS")):
                    environ["CVMFS"] = root
                self.patient.node = NodeFacts.fromEnviron(environ, self.patient.jobDirectory)
                return True, path, tried
            tried.append("%s: %s" % (path, sourced.message if sourced else "not there"))
        raise WMRuntimeError(11003, "No cmsset_default.sh can be used.", "\n  ".join(["Tried:"] + tried),
                             "see whether CVMFS is mounted: ls /cvmfs/cms.cern.ch")

    def _site(self):
        path, site = siteConfiguration(self.patient.node.environ)
        return True, "%s%s" % (path, ", site %s" % site if site else ""), []

    def _wrapperPython(self):
        """Choose the python as the wrapper does: what the sandbox asks for it does not know yet."""
        node = self.patient.node
        fixed = node.environ.get(FIXED_PYTHON)
        if fixed:
            path, version = self._fixedPython(fixed, node.environ)
            self.place = attr.evolve(node, executable=path, version=version)
            return True, "python %d.%d.%d, %s" % (version + (path,)), ["%s names it" % FIXED_PYTHON]
        request = EnvironmentRequest.fromJob(node.environ)
        prepared = CvmfsArea(EnvironmentContext(self.patient.description(), request)).prepare(node)
        environ = prepared.environment.apply(node.environ)
        clean = withoutWrapperPython(node.environ)
        environ.update((start, clean.get(name, "")) for name, start in START_VARIABLES.items())
        self.place = attr.evolve(node, executable=prepared.python, version=tuple(prepared.version), environ=environ)
        return True, "python %s, %s" % (".".join(map(str, prepared.version)), prepared.python), prepared.reasons

    def _fixedPython(self, fixed, environ):
        path, said, version = shutil.which(fixed, path=environ.get("PATH", os.defpath)), "it is not there", ()
        if path:
            ended, out, err = runCaptured([path, "-c", _VERSION], env=environ, timeout=60)
            said = "status %s, %s" % (ended.shellCode, err.strip()[-300:] or "and no word")
            version = tuple(int(part) for part in out.split()) if ended.ok else ()
        if version < (3, 6):
            raise WMRuntimeError(11005, "The python that %s names cannot be used." % FIXED_PYTHON, "%s: %s" % (
                fixed, "it is older than 3.6" if version else said), "name another, or unset the variable")
        return path, version

    def _asked(self):
        """Choose what the job's sandbox and environment ask for, as Startup does."""
        if self.place is None:
            return None, "not looked at: there is no python to begin with"
        auto = AutoEnvironment(self.patient.jobDirectory or self._emptyJob(), "", dict(self.place.environ))
        auto.ask()
        self.container, self.place = auto.plan(self.place)
        text = "python %s, %s" % (".".join(map(str, self.place.version)), self.place.executable)
        return True, text + (" in %s" % self.place.container if self.container else ""), auto.outcome.reasons

    def _emptyJob(self):
        path = os.path.join(self.patient.scratch, "job")
        os.makedirs(path, exist_ok=True)
        return path

    def _libraries(self):
        """Let the job's python import what a job imports."""
        if self.place is None:
            return None, "not looked at: there is no python"
        code = self.patient.code()
        if not code or (self.container and not self.patient.jobDirectory):
            return None, "not looked at, they come with the sandbox: name a job's directory by --job"
        answer = self._probe(code)
        lost = [one for one in answer["libraries"] if one["problem"]]
        self.findings.extend(Finding("libraryMissing", INFO, "the job's python goes without %(name)s: %(problem)s" % one,
                                     "put it into the area or the sandbox (wmruntime wheels collect), if it is to be used")
                             for one in lost if one["need"] != "needed")
        needed = ["%(name)s (%(problem)s)" % one for one in lost if one["need"] == "needed"]
        problems = ([answer["error"]] if answer["error"] else []) + needed
        if problems:
            raise WMRuntimeError(None, "What a job imports cannot be imported.", "%s: %s" % (
                self.place.executable, "; ".join(problems)), "make the sandbox again, with wheels for this python if need be")
        had = [one for one in answer["libraries"] if not one["problem"]]
        return True, ", ".join("%(name)s %(version)s" % one for one in had), \
            answer["reasons"] + ["%(name)s from %(where)s" % one for one in had]

    def _probe(self, code):
        environ = dict(self.place.environ, PYTHONDONTWRITEBYTECODE="1")
        rest = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path and path not in code]
        environ["PYTHONPATH"] = os.pathsep.join(code + rest)
        directory = self.patient.jobDirectory or self.patient.scratch
        command = [self.place.executable, "-m", "WMCore.WMRuntime.Doctor.LibraryProbe", self.patient.jobDirectory or ""]
        if self.container:
            command, environ = self.container.launch(command, environ)
        ended, out, err = runCaptured(command, env=environ, cwd=directory, timeout=_PROBE_SECONDS)
        lines = out.strip().splitlines()
        try:
            return json.loads(lines[-1])
        except (IndexError, ValueError):
            raise WMRuntimeError(None, "The job's python does not run the job's code.", "%s: status %s, it said: %s" % (
                " ".join(command), ended.shellCode, (err.strip() or out.strip() or "nothing")[-500:]),
                                 "see whether the sandbox is whole, and what else is on PYTHONPATH")
