"""
The same job under upstream's runtime and under ours, on the same worker node: the reports must be equal.

Every difference stands in DIFFERENT with the upstream defect that is its reason; one that is not listed
fails, and so does a listed one that is no longer there.
"""
import json
import os
import pickle
import re
import shutil

import attr
import pytest

from WMCore_t.ReportSnapshot import differences, errorsOf, snapshot

pytestmark = pytest.mark.slow


@attr.s(frozen=True)
class Case(object):
    """
    One job to run under both runtimes.

    :param options: dict, options of JobRequest
    :param scramFault: dict for DIR/var/scramFault.json, or None
    :param prepare: callable taking the start directory, called before the wrapper starts
    :param reason: str, the upstream defect that explains why ours differs
    :param upstream: list of (step, code, type), the errors of upstream's report
    :param ours: list of (step, code, type), the errors of ours
    :param elsewhere: tuple of str, parts of the report, as regular expressions, that differ besides
    """
    options = attr.ib(factory=dict)
    scramFault = attr.ib(default=None)
    prepare = attr.ib(default=None)
    reason = attr.ib(default="")
    upstream = attr.ib(default=())
    ours = attr.ib(default=())
    elsewhere = attr.ib(default=())


def fault(name, value=None, step=None):
    """Give the JobRequest option that lets cmsRun fail."""
    return {"fault": {"step": step, "fault": name, "value": value}}


SUCCESS = {
    "oneStep": Case(),
    "twoSteps": Case({"steps": 2}),
    "retried": Case({"retry": 2}),
    "python2Release": Case({"release": "CMSSW_8_0_31"}),
    "cmsRunPython3": Case({"release": "CMSSW_10_6_30", "executable": "cmsRunPython3"}),
    "emptyTags": Case(fault("dirtyReport", "emptyTags")),
    "patchRelease": Case({"release": "CMSSW_13_0_3_patch1", "steps": 2}),
}


def withoutNote(snap):
    """Take out what ours says of a report that was not whole; upstream says nothing."""
    for step in snap.get("steps", []):
        snap[step].pop("jobReport", None)
    return snap


def runBoth(workerNode, tmp_path, case):
    """Run a case under both runtimes; return both results and both snapshots."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
    faultFile = os.path.join(workerNode.root, "var", "scramFault.json")
    results, snaps = {}, {}
    for runtime in ("upstream", "ours"):
        start = str(tmp_path / runtime)
        request = JobRequest(runtime=runtime, name="Parity", **case.options)
        # Both jobs have the same LFNs.
        shutil.rmtree(workerNode.storage)
        os.makedirs(workerNode.storage)
        if case.scramFault:
            with open(faultFile, "w", encoding="utf-8") as handle:
                json.dump(case.scramFault, handle)
        try:
            results[runtime] = runJob(workerNode, request, start, stageHook=case.prepare)
        finally:
            if os.path.exists(faultFile):
                os.remove(faultFile)
        # An empty report is one of upstream's defects.
        readable = os.path.getsize(results[runtime].report) > 0
        snaps[runtime] = snapshot(results[runtime].report, start) if readable else {}
    return results, snaps


@pytest.mark.parametrize("name", sorted(SUCCESS))
def test_aSuccessfulJobGivesTheSameReport(name, workerNode, upstreamTree, tmp_path):
    case = SUCCESS[name]
    release = case.options.get("release", "CMSSW_13_0_3")
    if not workerNode.releases[release]["runnable"]:
        pytest.skip(workerNode.releases[release]["why"])
    results, snaps = runBoth(workerNode, tmp_path, case)
    assert results["upstream"].exit.shellCode == 0, results["upstream"].output()[-3000:]
    assert results["ours"].exit.shellCode == 0, results["ours"].output()[-3000:]
    assert errorsOf(snaps["ours"]) == []
    assert differences(snaps["upstream"], snaps["ours"]) == []


#: Failures of which both runtimes must tell the same.
SAME_FAILURES = {
    "cmsException": Case(fault("exit", 8001)),
    "fileReadError": Case(fault("exit", 8021)),
    "firstStepOfTwoFails": Case(dict(fault("exit", 8001, "cmsRun1"), steps=2)),
    "badConfiguration": Case(fault("badPickle")),
    "noReport": Case(fault("exitNoReport", 8001)),
    "noOutput": Case(fault("noOutput")),
    "scramProjectFails": Case(scramFault={"command": "project", "fault": "exit", "value": 1}),
    "scramRuntimeFails": Case(scramFault={"command": "runtime", "fault": "exit", "value": 1}),
    "configurationErrorLooksLikeScram": Case(fault("exit", 8009)),
}


@pytest.mark.parametrize("name", sorted(SAME_FAILURES))
def test_aFailedJobSaysTheSame(name, workerNode, upstreamTree, tmp_path):
    results, snaps = runBoth(workerNode, tmp_path, SAME_FAILURES[name])
    assert results["upstream"].exit.shellCode and results["ours"].exit.shellCode
    withoutNote(snaps["ours"])
    assert errorsOf(snaps["ours"]) == errorsOf(snaps["upstream"])
    details = [snap.pop("details") for snap in (snaps["upstream"], snaps["ours"])]
    assert differences(snaps["upstream"], snaps["ours"]) == []
    assert set(details[0]) == set(details[1])


def dropJob(startDir):
    """Give the job a package that lacks its index."""
    os.rename(os.path.join(startDir, "JobPackage.pkl"), os.path.join(startDir, "JobPackage.full"))
    with open(os.path.join(startDir, "JobPackage.full"), "rb") as handle:
        package = pickle.load(handle)
    del package[1]
    with open(os.path.join(startDir, "JobPackage.pkl"), "wb") as handle:
        pickle.dump(package, handle, protocol=2)


def breakPackage(startDir):
    """Cut the job package off."""
    with open(os.path.join(startDir, "JobPackage.pkl"), "r+b") as handle:
        handle.truncate(40)


def cutSandbox(startDir):
    """Cut the sandbox off."""
    name = [name for name in os.listdir(startDir) if name.endswith("-Sandbox.tar.bz2")][0]
    with open(os.path.join(startDir, name), "r+b") as handle:
        handle.truncate(20000)


DIFFERENT = {
    "secondStepFails": Case(
        dict(fault("exit", 8001, "cmsRun2"), steps=2),
        reason="Upstream reads the XML twice, in the executor and in the diagnosis, and so lists every input file "
               "of a failed step twice.",
        upstream=[("cmsRun2", 8001, "CMSException")],
        ours=[("cmsRun2", 8001, "CMSException")],
        elsewhere=(r"^\.cmsRun2\.input\.",)),
    "noErrorInTheReport": Case(
        fault("exitNoError", 8001),
        reason="#10749: cmsRun failed, its report says nothing of it, and upstream takes the report's 0. Ours takes "
               "the process's code, and what that code is an image of.",
        upstream=[("cmsRun1", 0, "CMSSWStepFailure"), ("cmsRun1", 50116, "MissingErrorReport"),
                  ("cmsRun1", 0, "WMAgentStepExecutionError")],
        ours=[("cmsRun1", 8001, "CMSException"), ("cmsRun1", 65, "WMAgentStepExecutionError")],
        elsewhere=(r"^\.cmsRun1\.errors\.", r"^\.cmsRun1\.status")),
    "zeroInTheReport": Case(
        fault("zeroCodeReport", 65),
        reason="#10749: cmsRun failed, its report says 0, and upstream believes it.",
        upstream=[("cmsRun1", 0, "Success"), ("cmsRun1", 0, "Success")],
        ours=[("cmsRun1", 8001, "CMSException"), ("cmsRun1", 0, "Success"),
              ("cmsRun1", 65, "WMAgentStepExecutionError")],
        elsewhere=(r"^\.cmsRun1\.errors\.", r"^\.cmsRun1\.status")),
    "truncatedReportOfAGoodJob": Case(
        fault("truncatedReport", 0.95),
        reason="#9333: what the report has complete before its end is in ours; upstream's has none of it.",
        upstream=[("cmsRun1", 50115, "BadFWJRXML")], ours=[("cmsRun1", 50115, "BadFWJRXML")],
        elsewhere=(r"^\.cmsRun1\.(output|parameters|performance)\.", r"^\.cmsRun1\.outputModules$", r"^\.cmsRun1\.jobReport$")),
    "segmentationFault": Case(
        fault("signal", "SEGV"),
        reason="cmsRun keeps the placeholder 8901 at the end of its report while it runs. Upstream takes that for the "
               "cause; the cause is the signal.",
        upstream=[("cmsRun1", 8901, "UnexpectedJobTermination")],
        ours=[("cmsRun1", 139, "CMSSWStepFailure"), ("cmsRun1", 8901, "UnexpectedJobTermination"),
              ("cmsRun1", 99999, "ErrorLoggingAddition")],
        elsewhere=(r"^\.cmsRun1\.errors\.", r"^\.cmsRun1\.status", r"^\.cmsRun1\.jobReport$")),
    "killedWithThePlaceholder": Case(
        fault("placeholder8901", "KILL"),
        reason="The same: 137 tells of an out-of-memory kill, 8901 of nothing.",
        upstream=[("cmsRun1", 8901, "UnexpectedJobTermination")],
        ours=[("cmsRun1", 137, "CMSSWStepFailure"), ("cmsRun1", 8901, "UnexpectedJobTermination"),
              ("cmsRun1", 99999, "ErrorLoggingAddition")],
        elsewhere=(r"^\.cmsRun1\.errors\.", r"^\.cmsRun1\.status", r"^\.cmsRun1\.jobReport$")),
    "noExecutable": Case(
        {"executable": "cmsRunNowhere"},
        reason="An executable that is nowhere is refused before the scripts and main.sh run. Upstream starts bash to "
               "learn it, hence its 127 and the usage of a process.",
        upstream=[("cmsRun1", 50110, "ExecutableNotFound"), ("cmsRun1", 127, "WMAgentStepExecutionError")],
        ours=[("cmsRun1", 50110, "ExecutableNotFound")],
        elsewhere=(r"^\.cmsRun1\.errors\.", r"^\.cmsRun1\.status", r"^\.cmsRun1\.WMCMSSWSubprocess")),
    "jobIsNotInThePackage": Case(
        prepare=dropJob, reason="#7273: Bootstrap's 11003 is also the wrapper's word for a missing CVMFS. The "
                                "wrapper's times are in our report too.",
        upstream=[("CRITICAL", 11003, "JobExtractionError")], ours=[("CRITICAL", 11013, "JobExtractionError")],
        elsewhere=(r"^\.CRITICAL\.(errors\.error0\.exitCode|status)$", r"^\.WMTiming$")),
    "brokenPackage": Case(
        prepare=breakPackage, reason="#7273: Bootstrap's 11001 is also the wrapper's word for a missing sandbox.",
        upstream=[("CRITICAL", 11001, "JobPackageError")], ours=[("CRITICAL", 11011, "JobPackageError")],
        elsewhere=(r"^\.CRITICAL\.(errors\.error0\.exitCode|status)$", r"^\.WMTiming$")),
    "truncatedSandbox": Case(
        prepare=cutSandbox,
        reason="#7755: upstream goes on after a failed unpacking and leaves an empty report.",
        ours=[("CRITICAL", 11006, "UnpackFailed")], elsewhere=(r"^\.",)),
}


@pytest.mark.parametrize("kind", ["nul", "latin1", "rawAmpersand"])
def test_aJobThatUpstreamFailsForOneByteOfItsReportSucceeds_47555(kind, workerNode, upstreamTree, tmp_path):
    results, snaps = runBoth(workerNode, tmp_path, Case(fault("dirtyReport", kind)))
    assert results["upstream"].exit.shellCode == 50115 % 256
    assert errorsOf(snaps["upstream"]) == [("cmsRun1", 50115, "BadFWJRXML")]
    assert results["ours"].exit.shellCode == 0 and errorsOf(snaps["ours"]) == []
    assert snaps["ours"]["cmsRun1"]["jobReport"]["status"] == "repaired"


@pytest.mark.parametrize("name", sorted(DIFFERENT))
def test_aFailedJobSaysMoreThanUpstreams(name, workerNode, upstreamTree, tmp_path):
    case = DIFFERENT[name]
    results, snaps = runBoth(workerNode, tmp_path, case)
    assert results["ours"].exit.shellCode
    print(name, errorsOf(snaps["upstream"]), errorsOf(snaps["ours"]), differences(snaps["upstream"], snaps["ours"]))
    assert errorsOf(snaps["upstream"]) == list(case.upstream)
    assert errorsOf(snaps["ours"]) == list(case.ours)
    for snap in snaps.values():
        snap.pop("details", None)
    paths = [path for path, _, _ in differences(snaps["upstream"], snaps["ours"])]
    assert [path for path in paths if not any(re.search(part, path) for part in case.elsewhere)] == []
    assert all(any(re.search(part, path) for path in paths) for part in case.elsewhere)
