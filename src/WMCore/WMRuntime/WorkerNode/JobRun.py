"""
Run a job on the worker node in a box, from the agent's sandbox to the report the agent gets back.
"""
import json
import os
import shutil
import sys
import uuid

import attr

from WMCore.WMRuntime.Payload.ExecutableChoice import POLICIES
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured, runChild
from WMCore.WMRuntime.WorkerNode.ClassAds import writeAds
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNodeError

OURS = "ours"
UPSTREAM = "upstream"
FAULT_FILE = "wmruntimeFault.json"


@attr.s(frozen=True)
class JobRequest(object):
    """
    Say which job to run.

    :param release: str, CMSSW release
    :param scramArchs: tuple of str, empty for the node's own arch of the release
    :param steps: int, length of the chain of cmsRun steps
    :param pset: str, PSet file of the first step, None for the example's
    :param executable: str, cmsRun, cmsRunPython3, auto, ...
    :param executablePolicy: str, one of POLICIES, in the steps' application.command; None for none there
    :param scramScripts: tuple of str, runtime scripts each step runs in the release's environment
    :param fault: dict for cmsRun (step, fault, value), None for none
    :param runtime: str, OURS or UPSTREAM
    :param requiredOS: str, REQUIRED_OS of the job, None for what the scram arch needs
    :param retry: int, retry count of the job
    :param events: int, events to generate
    :param stageOut: bool, whether the task has stage-out and log archive steps
    :param watchdogSeconds: float, interval of the monitors
    :param timeout: float, seconds the wrapper may take
    :param name: str, name of the workload; None for one of its own, as in production: the logs of two jobs of
        one name have one LFN
    """
    release = attr.ib(default="CMSSW_13_0_3")
    scramArchs = attr.ib(default=(), converter=tuple)
    steps = attr.ib(default=1)
    pset = attr.ib(default=None)
    executable = attr.ib(default="cmsRun")
    executablePolicy = attr.ib(default=None, validator=attr.validators.in_((None,) + POLICIES))
    scramScripts = attr.ib(default=(), converter=tuple)
    fault = attr.ib(default=None)
    runtime = attr.ib(default=OURS, validator=attr.validators.in_((OURS, UPSTREAM)))
    requiredOS = attr.ib(default=None)
    retry = attr.ib(default=0)
    events = attr.ib(default=10)
    stageOut = attr.ib(default=True)
    watchdogSeconds = attr.ib(default=300)
    timeout = attr.ib(default=900.0)
    name = attr.ib(default=None)


@attr.s(frozen=True)
class JobResult(object):
    """
    Hold what came back from the worker node.

    :param request: JobRequest
    :param startDir: str, the job's start directory
    :param exit: ChildExit of the wrapper
    :param sandboxBytes: int, size of the sandbox
    :param upstreamBytes: int, what upstream's way of packing would weigh, without the job's own files; or None
    :param calls: list of dict, calls of the node's stand-ins made by this job
    """
    request = attr.ib()
    startDir = attr.ib()
    exit = attr.ib()
    sandboxBytes = attr.ib()
    upstreamBytes = attr.ib()
    calls = attr.ib()

    @property
    def report(self):
        """Give the path of the report that HTCondor would bring back."""
        return os.path.join(self.startDir, "Report.%d.pkl" % self.request.retry)

    @property
    def log(self):
        """Give the path of wmagentJob.log."""
        return os.path.join(self.startDir, "wmagentJob.log")

    def stepFile(self, step, name):
        """Give the path of a file in a step's directory."""
        return os.path.join(self.startDir, "job", "WMTaskSpace", step, name)

    def output(self, stream="out"):
        """Read the wrapper's standard output ("out") or error ("err")."""
        with open(os.path.join(self.startDir, "_condor_std%s" % stream), encoding="utf-8",
                  errors="replace") as handle:
            return handle.read()


def upstreamEntries():
    """
    Find upstream's WMCore: the directories named by WMCORE_UPSTREAM, else those that come with sys.path.

    :return: list of str, path entries that hold WMCore and what it imports
    :raises WorkerNodeError: when there is none
    """
    named = [entry for entry in os.environ.get("WMCORE_UPSTREAM", "").split(os.pathsep) if entry]
    entries = named or [entry for entry in sys.path if os.path.isfile(
        os.path.join(entry, "WMCore", "WMSpec", "WMWorkload.py"))]
    if not entries:
        raise WorkerNodeError("WMCore is not on the path, and a workload cannot be built without it",
                             "looked at WMCORE_UPSTREAM and at sys.path",
                             "install wmcore (with --no-deps) and future in a directory of their own and name "
                             "it in WMCORE_UPSTREAM, or run bin/set-up in a checkout of this project")
    return entries


def sourceTree():
    """Give the directory that holds this project's WMCore package."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.abspath(os.path.join(here, "..", "..", ".."))


def findWrapper(runtime):
    """
    Find the job wrapper of a runtime.

    :param runtime: str, OURS or UPSTREAM
    :return: str, path of submit_py3.sh
    :raises WorkerNodeError: when it is in none of the places
    """
    if runtime == OURS:
        # In a checkout, then where the wheel puts it.
        places = [os.path.join(sourceTree(), "..", "bin"), os.path.join(sys.prefix, "bin")]
    else:
        places = [os.path.join(entry, "etc") for entry in upstreamEntries()]
    for place in places:
        path = os.path.join(place, "submit_py3.sh")
        if os.path.isfile(path):
            return os.path.abspath(path)
    raise WorkerNodeError("submit_py3.sh of the %s runtime was not found" % runtime,
                         "looked in %s" % ", ".join(places), "install the package again")


def _agentSide(node, request, startDir):
    """Build workload, sandbox and package in a process whose path holds the runtime asked for."""
    archs = request.scramArchs or (node.releases[request.release]["arch"],)
    plan = attr.asdict(request)
    plan.update(name=request.name or "Example_%s_%s" % (request.release, uuid.uuid4().hex[:8]),
                scramArchs=list(archs))
    planFile, resultFile = os.path.join(startDir, ".plan.json"), os.path.join(startDir, ".made.json")
    with open(planFile, "w", encoding="utf-8") as handle:
        json.dump(plan, handle)
    path = upstreamEntries()
    if request.runtime == OURS:
        path = [sourceTree()] + path + [entry for entry in sys.path if entry.endswith("site-packages")]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(path))
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "AgentJob.py")
    ended, out, _ = runCaptured([sys.executable, script, planFile, startDir, resultFile], env=env,
                                mergeStderr=True, timeout=300)
    if not ended.ok:
        raise WorkerNodeError("the agent's side of the job failed (status %s)" % ended.shellCode, out,
                             "the last lines above say where")
    with open(resultFile, encoding="utf-8") as handle:
        made = json.load(handle)
    os.remove(planFile)
    os.remove(resultFile)
    return made


def rhelOf(scramArch):
    """
    Give the REQUIRED_OS value for a scram arch, as WMAgent's BasePlugin maps it.

    :param scramArch: str, e.g. el8_amd64_gcc12
    :return: str, e.g. rhel8
    """
    name = scramArch.split("_")[0]
    digits = "".join(char for char in name if char.isdigit())
    return "rhel%s" % max(int(digits), 6)


def _checkRequest(node, request, startDir):
    """Refuse a job that cannot run, before anything is made for it."""
    if request.release not in node.releases:
        raise WorkerNodeError("the node has no release %s" % request.release,
                              "it has %s" % ", ".join(sorted(node.releases)), "take one of these")
    if request.steps < 1:
        raise WorkerNodeError("a job needs at least one step, %d were asked for" % request.steps)
    if request.pset and not os.path.isfile(request.pset):
        raise WorkerNodeError("there is no PSet file %s" % request.pset)
    if os.path.exists(startDir):
        raise WorkerNodeError("the job directory %s is there already" % startDir, hint="name another one")
    for path in (node.root, os.path.abspath(startDir)):
        if any(char.isspace() for char in path):
            # WMCore's SetupCMSSWPset and StageOut write paths into shell text without quotes.
            raise WorkerNodeError("no job can run in %r: WMCore's PSet tools and stage-out do not bear white space in "
                                  "a path" % path, hint="name directories without it: `wmruntime node create DIR`, "
                                  "--job-dir DIR, or WMRUNTIME_NODE=DIR for bin/run-example")


def _withoutThrottle(env, runtime, startDir):
    """
    Take the sleep after a failure away: nobody waits for the next job of this slot.

    Our wrapper has a setting; upstream's overwrites it and finds a `sleep` that returns at once.
    """
    env["WMA_MIN_JOB_RUNTIMESECS"] = "0"
    if runtime == OURS:
        return
    programs = os.path.join(startDir, ".nothrottle")
    os.makedirs(programs)
    sleep = os.path.join(programs, "sleep")
    with open(sleep, "w", encoding="utf-8") as handle:
        handle.write("#!/bin/sh\nexit 0\n")
    os.chmod(sleep, 0o755)
    env["PATH"] = "%s:%s" % (programs, env["PATH"])


def runJob(node, request, startDir, onOutput=None, environment=None, stageHook=None,
           throttle=False):
    """
    Run one job to its end.

    :param node: WorkerNode
    :param request: JobRequest
    :param startDir: str, directory to make; it becomes the job's start directory and HOME
    :param onOutput: callable called with the wrapper's pid once it runs
    :param environment: dict of variables to set over the node's own
    :param throttle: bool, whether a failed job may sleep to its minimum of 300 seconds, as on a real node
    :param stageHook: callable taking startDir, called when all is in place and before the wrapper starts
    :return: JobResult
    :raises WorkerNodeError: when the job cannot be prepared
    """
    _checkRequest(node, request, startDir)
    os.makedirs(startDir)
    made = _agentSide(node, request, startDir)
    shutil.copyfile(findWrapper(request.runtime), os.path.join(startDir, "submit_py3.sh"))
    if request.fault:
        with open(os.path.join(startDir, FAULT_FILE), "w", encoding="utf-8") as handle:
            json.dump(request.fault, handle)
    archs = request.scramArchs or (node.releases[request.release]["arch"],)
    requiredOS = request.requiredOS or rhelOf(archs[0])
    ads = writeAds(startDir, requiredOS=requiredOS)
    env = node.environment(requiredOS=requiredOS, jobAd=ads.job, machineAd=ads.machine, home=startDir)
    env.update(environment or {})
    if not throttle:
        _withoutThrottle(env, request.runtime, startDir)
    if stageHook:
        stageHook(startDir)
    before = len(node.calls())
    ended = runChild(["/bin/bash", os.path.join(startDir, "submit_py3.sh"), made["sandbox"], "1", str(request.retry)],
                     env=env, cwd=startDir, stdout=os.path.join(startDir, "_condor_stdout"),
                     stderr=os.path.join(startDir, "_condor_stderr"), timeout=request.timeout, stopGrace=60,
                     onStart=onOutput)
    return JobResult(request, startDir, ended, made["bytes"], made["upstreamBytes"],
                     node.calls()[before:])
