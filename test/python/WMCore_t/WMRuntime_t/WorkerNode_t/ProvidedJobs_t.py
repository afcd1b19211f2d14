"""The same job with each provider of its environment gives the same report, and says which provider it was, and why."""
import os

import pytest

from WMCore_t.ReportSnapshot import differences, errorsOf, snapshot

pytestmark = pytest.mark.slow
# What each way says: the providers that gave something, and words of the reasons.
EXPECTED = {
    "COMP area": ((), "nothing was asked for"),
    "WMRuntime area": ((), "nothing was asked for"),
    "container": (("containerImage", "CVMFS area"), "WMRUNTIME_CONTAINER"),
    "bare python and wheels": (("wheels",), "this python has no psutil"),
    "bare python": ((), "nothing was asked for"),
    "bare python 3.6": ((), "nothing was asked for"),
}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory, upstreamTree, sandboxPackages):
    """Give a node's jobs, with an area built and wheels collected."""
    from WMCore.WMRuntime.Errors import WMRuntimeError
    from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
    from WMCore.WMRuntime.WorkerNode.ProvidedJobs import RELEASE, ProvidedJobs
    top = tmp_path_factory.mktemp("provided")
    node = createNode(str(top / "node"), log=lambda text: None)
    if not node.releases[RELEASE]["runnable"]:
        pytest.skip(node.releases[RELEASE]["why"])
    made = ProvidedJobs(node, str(top))
    try:
        made.prepare()
    except WMRuntimeError as ex:
        if "pip" in ex.message:
            pytest.skip("pip cannot fetch wheels here: %s" % ex.context[-200:])
        raise
    return made


@pytest.fixture(scope="module")
def first(jobs, tmp_path_factory):
    """Give the run all others are compared with."""
    return ranWell(jobs, "COMP area", tmp_path_factory.mktemp("first") / "job")


def ranWell(jobs, way, directory):
    run = jobs.run(way, str(directory))
    with open(run.result.log, encoding="utf-8", errors="replace") as log:
        assert run.result.exit.shellCode == 0, run.result.output()[-3000:] + log.read()[-3000:]
    return run


def areaOf(run):
    """Give the CMS path of the area that the job says its python came from, COMP or WMRuntime; none for a bare one."""
    python = run.environment["python"]
    assert (python["provider"] == "CVMFS area") == bool(python["area"])
    assert python["path"].startswith(python["area"])
    return [part for part in python["area"].split(os.sep) if part in ("COMP", "WMRuntime")]


@pytest.mark.parametrize("way", sorted(EXPECTED))
def test_theSameJobGivesTheSameReportWithEachProvider(way, jobs, first, tmp_path):
    if not jobs.canRun(way):
        pytest.skip("this machine lacks its python")
    run = first if way == "COMP area" else ranWell(jobs, way, tmp_path / "job")
    one, other = (snapshot(each.result.report, each.result.startDir) for each in (first, run))
    assert errorsOf(other) == [] and one["steps"] == other["steps"]
    assert differences(one, other) == []
    said = run.environment
    providers, words = EXPECTED[way]
    assert tuple(prepared["provider"] for prepared in said["prepared"]) == providers
    assert any(words in reason for reason in said["reasons"]) or any(
        words == asked["where"] for asked in said["asked"].values()), said
    assert all(prepared["reasons"] for prepared in said["prepared"])
    assert areaOf(run) == {"COMP area": ["COMP"], "WMRuntime area": ["WMRuntime"], "container": ["COMP"]}.get(way, [])
    series = "3.6" if way == "bare python 3.6" else jobs.series
    assert said["python"]["version"].startswith(series + ".")
