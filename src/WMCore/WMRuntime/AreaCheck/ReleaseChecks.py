"""
The checks made with a release: nothing of the area reaches SCRAM or cmsRun, and a whole job runs on it.
"""
import os
import re
import stat

from WMCore.WMRuntime.AreaCheck.Check import Check, Outcome, error, info
from WMCore.WMRuntime.AreaCheck.CheckBench import JOB_SECONDS
from WMCore.WMRuntime.AreaCheck.RunningChecks import inside, lastLines, sandboxStart
from WMCore.WMRuntime.Environment.CleanEnvironment import PYTHON_VARIABLES
from WMCore.WMRuntime.Environment.EnvCapture import parseEnvironment
from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNodeError

_CHILDREN = {"scram": "scram", "command": "a command in the release", "cmsRun": "cmsRun"}
# What the loader, perl and python look into; PYTHONHOME and its like must not be there at all.
_SEARCHED = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LD_PRELOAD", "LD_AUDIT", "PERL5LIB")
# The job's own notes, read by nobody but the runtime.
_OWN = re.compile(r"^(WMRUNTIME_|WMA_|WMAGENT|JOBSTARTDIR$|_$)")
_TAKEN = re.compile(r":submit_py3:(python [0-9.]+): (.*?)(?: \(WMRUNTIME_PYTHON_VERSION\))?$", re.MULTILINE)


def checkLeak(bench, area, start, release):
    """Dump what scram, a command in the release and the payload get, and look for the area in it."""
    directory = bench.workDirectory(area, "leak")
    dumps = {child: os.path.join(directory, "%s.environ" % child) for child in _CHILDREN}
    payload = os.path.join(directory, "payload")
    with open(payload, "w", encoding="utf-8") as handle:
        handle.write("#!/bin/sh\nexec /usr/bin/env -0 > '%s'\n" % dumps["cmsRun"])
    os.chmod(payload, os.stat(payload).st_mode | stat.S_IXUSR)
    answer = bench.ask(sandboxStart(bench, start), "release", {
        "release": release.name, "arch": release.arch, "dumps": dumps, "payload": payload}, directory)
    if answer.get("error"):
        return Outcome([error("releaseUnusable", "SCRAM cannot set %s up from this area's python:\n%s" % (
            release.name, lastLines(answer["error"], 20)), "see what SCRAM says", area.directory)])
    findings = []
    for child, path in dumps.items():
        with open(path, "rb") as handle:
            findings.extend(leaks(parseEnvironment(handle.read(1024 * 1024)), _CHILDREN[child],
                                  (area.directory, bench.areaRoot(area) + "/" + area.areaPath), bench.job))
    return Outcome(findings, {"looked at": ", ".join(_CHILDREN.values())})


def leaks(environ, child, areas, job):
    """
    Look for the wrapper's python in a foreign program's environment.

    :param environ: dict, what the program got
    :param child: str, which program, for people
    :param areas: sequence of str, directories of the area
    :param job: str, the unpacked sandbox
    :return: list of Finding
    """
    findings = []
    for name, value in sorted(environ.items()):
        if name in PYTHON_VARIABLES:
            findings.append(error("pythonVariableLeaks", "%s gets %s=%s" % (child, name, value),
                                  "keep the area's init.sh from setting it"))
            continue
        entries = [entry for entry in value.split(":") if os.path.isabs(entry) and not _OWN.match(name)]
        lost = [entry for entry in entries if any(inside(entry, place) for place in tuple(areas) + (job,))]
        if lost and name in _SEARCHED:
            findings.append(error("areaLeaks", "%s gets %s with %s" % (child, name, ":".join(lost)),
                                  "let init.sh set only what is taken back: PATH, LD_LIBRARY_PATH, PYTHONPATH"))
        elif lost:
            findings.append(info("areaNamed", "%s gets %s=%s" % (child, name, value)))
    return findings


def checkJob(bench, area, start, release):
    """Run a job of the worker node in a box on a root with this area alone; see that it ran, and on which python."""
    directory = os.path.join(bench.workDirectory(area, "job"), "job")
    request = JobRequest(release=release.name, scramArchs=(release.arch,), requiredOS=release.system,
                         timeout=JOB_SECONDS)
    pids = []

    def note(pid):
        pids.append(pid)
        bench.children.started(pid)
    environ = {name: value for name, value in bench.environment(area, release.system).items()
               if name not in ("PATH", "HOME", "TMPDIR")}
    try:
        result = runJob(bench.node, request, directory, onOutput=note, environment=environ)
    except WorkerNodeError as ex:
        return Outcome([error("jobNotPrepared", str(ex), "see above", directory)])
    finally:
        for pid in pids:
            bench.children.ended(pid)
    with open(result.log, encoding="utf-8", errors="replace") as handle:
        log = handle.read(8 * 1024 * 1024)
    facts = {"exit code": "%s" % result.exit.shellCode, "ran on": " ".join(_taken(log))}
    if release.system != area.system:
        facts["passed for"] = "%s, of which the worker node has a release" % release.system
    return Outcome(list(_jobFindings(area, start, result, log)), facts)


def _taken(log):
    """Give the python a job's log names, (version, path); empty when it names none."""
    found = _TAKEN.search(log)
    return found.groups() if found else ()


def _jobFindings(area, start, result, log):
    """Judge a job."""
    if not result.exit.ok or not os.path.isfile(result.report) or not os.path.getsize(result.report):
        # The first errors tell the cause, the later ones what it led to.
        words = [line for line in log.splitlines() if ":ERROR:" in line or ":CRITICAL:" in line][:6]
        how = "was stopped after %d s" % JOB_SECONDS if result.exit.timedOut else "status %s" % result.exit.shellCode
        yield error("jobFails", "the job of %s failed, %s:\n%s" % (result.request.release, how,
                                                                 "\n".join(words) or lastLines(log)),
                    "repeat it with --work DIR, which keeps its directory", area.directory)
    taken = _taken(log)
    if not taken or os.path.realpath(taken[1]) != os.path.realpath(start.python):
        yield error("jobOnOtherPython", "the job ran on %s, expected %s" % (
            taken[1] if taken else "no python that its log names", start.python),
                    "see the wrapper's part of its log", area.directory)


RELEASE_CHECKS = (
    Check("leak", "scram, commands and cmsRun get nothing of the area", checkLeak, runs=True, perRelease=True),
    Check("job", "a job runs on this area's python", checkJob, runs=True, perRelease=True, isJob=True))
