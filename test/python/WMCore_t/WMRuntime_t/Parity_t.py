"""
The same job under upstream's runtime and under ours, on the same worker node: the reports must be equal.

Every difference stands in EXPECTED with the upstream defect that is its reason; one that is not listed
fails, and so does a listed one that is no longer there.
"""
import json
import os

import attr
import pytest

from WMCore_t.ReportSnapshot import differences, errorsOf, snapshot

pytestmark = pytest.mark.slow


@attr.s(frozen=True)
class Case(object):
    """
    One job to run under both runtimes.

    :param options: dict, options of JobRequest
    :param ours: list of (step, code, type) our report must hold, or None for the same as upstream's
    :param reason: str, the upstream defect that explains why ours differs
    :param prepare: callable taking the start directory, called before the wrapper starts
    :param scramFault: dict for DIR/var/scramFault.json, or None
    """
    options = attr.ib(factory=dict)
    ours = attr.ib(default=None)
    reason = attr.ib(default="")
    prepare = attr.ib(default=None)
    scramFault = attr.ib(default=None)


def fault(name, value=None, step=None):
    """Give the JobRequest option that lets cmsRun fail."""
    return {"fault": {"step": step, "fault": name, "value": value}}


SUCCESS = {
    "oneStep": Case(),
    "twoSteps": Case({"steps": 2}),
    "retried": Case({"retry": 2}),
    "python2Release": Case({"release": "CMSSW_8_0_31"}),
    "cmsRunPython3": Case({"release": "CMSSW_10_6_30", "executable": "cmsRunPython3"}),
    "patchRelease": Case({"release": "CMSSW_13_0_3_patch1", "steps": 2}),
}


def runBoth(workerNode, tmp_path, case):
    """Run a case under both runtimes; return both results and both snapshots."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
    faultFile = os.path.join(workerNode.root, "var", "scramFault.json")
    results, snaps = {}, {}
    for runtime in ("upstream", "ours"):
        start = str(tmp_path / runtime)
        request = JobRequest(runtime=runtime, **case.options)
        if case.scramFault:
            with open(faultFile, "w", encoding="utf-8") as handle:
                json.dump(case.scramFault, handle)
        try:
            results[runtime] = runJob(workerNode, request, start, stageHook=case.prepare)
        finally:
            if os.path.exists(faultFile):
                os.remove(faultFile)
        snaps[runtime] = snapshot(results[runtime].report, start)
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
