"""
One job under one runtime, and the figures of it.
"""
import json
import os
import pickle
import re
import shlex
import shutil
import statistics
import sys
import tempfile
import time

import attr

from jobcosts.CpuClock import cpuAt
from jobcosts.Executions import RELEASE_PYTHON, Execution, countKinds
from WMCore.WMRuntime.Tools.ChildProcess import runChild
from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob

# Both runtimes' executors write it when a step begins; the next step's is the end of the one before.
_STEP = re.compile(r"^(\S+ \S+),(\d{3}):INFO:[^:]*:Steps\.Executors\.\w+\.pre called", re.MULTILINE)
SCRAM_CALLS, PROGRAMS, PSET_PYTHONS = "SCRAM calls", "programs executed", "starts of the release's python for the PSet"
OPENS, FILES = "opens under the fake CVMFS", "files opened under the fake CVMFS"
PYTHON_CPU, JOB_CPU, MEMORY = "CPU of the pythons, s", "CPU of the whole job, s", "largest process, MB"
TO_CMSRUN, FROM_CMSRUN = "wrapper's start to cmsRun's first line, s", "cmsRun's end to wrapper's end, s"
WALL = "whole job, s"
CPU_TO_CMSRUN = "CPU to cmsRun's start, s"
SANDBOX, UNPACK_CPU, UNPACK_WALL = "sandbox, kB", "unpacking, CPU s", "unpacking, s"
# Upstream packs what the agent's installation has beside the sources: often bytecode, none as the wheel comes.
WITH_BYTECODE = {figure: "with upstream's bytecode: " + figure for figure in (SANDBOX, UNPACK_CPU, UNPACK_WALL)}
STEP_WALL, STEP_CPU = "a step, s", "a step, CPU s"
BEFORE_WALL, BEFORE_CPU = "a step's start to its cmsRun, s", "a step's start to its cmsRun, CPU s"
AFTER_WALL, AFTER_CPU = "cmsRun's end to the step's end, s", "cmsRun's end to the step's end, CPU s"
EXECUTED = "executed: "


@attr.s(frozen=True)
class Setting(object):
    """
    Say what to run.

    :param runtime: str, OURS or UPSTREAM
    :param steps: int
    :param delay: float, seconds per open and per program; 0 for none
    :param counted: bool, whether opens and programs are watched
    :param alone: bool, whether no other job runs on the node; else the pythons' CPU cannot be told apart
    """
    runtime = attr.ib()
    steps = attr.ib()
    delay = attr.ib(default=0.0)
    counted = attr.ib(default=False)
    alone = attr.ib(default=True)


class Bench(object):
    """
    Run jobs on a node.

    :param node: WorkerNode
    :param release: str
    :param directory: str, where jobs get theirs
    """

    def __init__(self, node, release, directory):
        self.node, self.release, self.directory = node, release, directory
        self.tree = os.path.realpath(os.path.join(node.root, "cvmfs"))
        self.comp = os.path.join(self.tree, "cms.cern.ch", "COMP")
        self.inodes = pythonInodes(self.tree)

    def run(self, setting, name):
        """
        Run one job.

        :param setting: Setting
        :param name: str, of its directory
        :return: (dict of figure name to number, in which one that was not measured is missing; dict of what could not
            be watched to the reason)
        :raises SystemExit: when the job fails
        """
        directory = os.path.join(self.directory, name)
        seen = directory + ".json"
        plan = {"tree": self.tree, "pythons": [os.path.realpath(path) for path in self._prefixes()],
                "gate": setting.counted, "inodes": self.inodes, "openDelay": setting.delay,
                "executeDelay": setting.delay, "result": seen}
        request = JobRequest(release=self.release, steps=setting.steps, runtime=setting.runtime, timeout=6 * 3600.0)
        result = runJob(self.node, request, directory, stageHook=lambda start: putInFront(start, plan))
        if result.exit.shellCode:
            raise SystemExit("the %s job failed; see %s" % (setting.runtime, directory))
        with open(seen, encoding="utf-8") as handle:
            watched = json.load(handle)
        calls = [call for call in result.calls if (call.get("cwd", "") + os.sep).startswith(directory + os.sep)]
        found = figures(result, watched, calls, setting, self.tree)
        if setting.steps == 1 and not setting.counted:
            found.update(self._unpacking(result))
        shutil.rmtree(directory)
        return found, watched["missing"]

    def _prefixes(self):
        """Give where links of the tree's pythons lead to."""
        yield os.path.join(self.node.root, "libexec", "stdlib")
        for path in self.node.pythons.values():
            if path:
                yield os.path.dirname(os.path.dirname(os.path.realpath(path)))

    def _unpacking(self, result):
        """Unpack the job's sandbox again as its wrapper did, with the python it did."""
        runs = [self._unpack(result) for _ in range(3)]
        return {UNPACK_CPU: statistics.median(ended.userTime + ended.sysTime for ended in runs),
                UNPACK_WALL: statistics.median(ended.endTime - ended.startTime for ended in runs)}

    def _unpack(self, result):
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            package = os.path.join(directory, "JobPackage.pkl")
            with open(package, "wb") as handle:
                pickle.dump({}, handle)
            sandbox = [name for name in os.listdir(result.startDir) if name.endswith("-Sandbox.tar.bz2")][0]
            errors = os.path.join(directory, "errors")
            ended = runChild([newestComp(self.comp), "-B", os.path.join(result.startDir, "Unpacker.py"), "--index=1",
                              "--jobname=any", "--sandbox=" + os.path.join(result.startDir, sandbox),
                              "--package=" + package],
                             cwd=directory, env={"PATH": os.environ["PATH"]}, stdout=errors, stderr=errors, timeout=300)
            if not ended.ok:
                with open(errors, encoding="utf-8", errors="replace") as handle:
                    raise SystemExit("unpacking %s failed:\n%s" % (sandbox, handle.read()[-2000:]))
            return ended


def pythonInodes(tree):
    """
    Find the pythons of a tree; they are copies, so that no other process of the machine has their inodes.

    :param tree: str, the node's CVMFS
    :return: list of int
    """
    found = set()
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.basename(folder) == "bin" and re.match(r"^python[\d.]*$", name) and os.path.isfile(path):
                found.add(os.stat(path).st_ino)
    return sorted(found)


def newestComp(comp):
    """Give the python of the COMP area that rhel8's jobs get."""
    machine = os.path.join(comp, "rhel8_%s" % os.uname()[4], "external", "python3")
    return os.path.join(machine, sorted(os.listdir(machine))[-1], "bin", "python3")


def putInFront(start, plan):
    """
    Let the wrapper run under Watch.py.

    :param start: str, the job's start directory
    :param plan: dict for Watch.py
    """
    wrapper, planFile = os.path.join(start, "submit_py3.sh"), plan["result"] + ".plan"
    with open(planFile, "w", encoding="utf-8") as handle:
        json.dump(plan, handle)
    os.rename(wrapper, wrapper + ".real")
    watch = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Watch.py")
    with open(wrapper, "w", encoding="utf-8") as handle:
        handle.write("#!/bin/bash\nexec %s /bin/bash %s \"$@\"\n" % (
            " ".join(shlex.quote(word) for word in (sys.executable, "-I", "-B", watch, planFile)),
            shlex.quote(wrapper + ".real")))


def stepStarts(log):
    """
    Read from a job's log when its steps began.

    :param log: str, text of wmagentJob.log
    :return: list of float, seconds since the epoch
    """
    return [time.mktime(time.strptime(moment, "%Y-%m-%d %H:%M:%S")) + int(thousandths) / 1000.0
            for moment, thousandths in _STEP.findall(log)]


def figures(result, watched, calls, setting, tree):
    """
    Make figures of what was seen.

    :return: dict of figure name to number
    """
    runs = [call for call in calls if call["program"].startswith("cmsRun")]
    starts = [call["time"] for call in runs]
    ends = [os.stat(result.stepFile("cmsRun%d" % number, "FrameworkJobReport.xml")).st_mtime
            for number in range(1, setting.steps + 1)]
    found = {SCRAM_CALLS: sum(call["program"] in ("scram", "scramv1") for call in calls),
             TO_CMSRUN: starts[0] - watched["start"], FROM_CMSRUN: watched["end"] - ends[-1],
             WALL: watched["end"] - watched["start"], JOB_CPU: watched["cpu"], MEMORY: watched["maxRss"] / 1e6,
             SANDBOX: result.sandboxBytes / 1e3}
    if watched["threads"] is not None and setting.alone:
        payload = {call["pid"] for call in runs}
        found[PYTHON_CPU] = sum(cpu for pid, _, cpu in watched["threads"] if pid not in payload)
    if watched["executions"] is not None:
        kinds = countKinds([Execution(*one) for one in watched["executions"]], tree)
        found.update({EXECUTED + kind: count for kind, count in kinds.items()})
        found.update({PROGRAMS: sum(kinds.values()), PSET_PYTHONS: kinds[RELEASE_PYTHON],
                      OPENS: watched["opens"], FILES: watched["files"]})
    with open(result.log, encoding="utf-8", errors="replace") as handle:
        begun = stepStarts(handle.read())
    found.update({STEP_WALL: begun[1] - begun[0], BEFORE_WALL: starts[0] - begun[0], AFTER_WALL: begun[1] - ends[0]})
    if watched["samples"]:
        def used(begin, end):
            return cpuAt(watched["samples"], end) - cpuAt(watched["samples"], begin)
        found.update({STEP_CPU: used(begun[0], begun[1]), BEFORE_CPU: used(begun[0], starts[0]),
                      AFTER_CPU: used(ends[0], begun[1]), CPU_TO_CMSRUN: used(watched["start"], starts[0])})
    return found
