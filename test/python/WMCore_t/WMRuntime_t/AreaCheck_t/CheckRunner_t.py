"""Checks of real areas: good ones pass, spoiled ones are found."""
import os
import platform
import shlex
import sys
import threading
import time

import pytest

from WMCore.WMRuntime.AreaCheck.CheckBench import CheckBench
from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea, findAreas
from WMCore.WMRuntime.AreaCheck.CheckRunner import CheckRequest, CheckRunner
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore_t.WMRuntime_t.AreaCheck_t.SpoiledAreas import asChecked, freshArea
from WMCore_t.WMRuntime_t.Environment_t.Sabotages import SABOTAGES

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)
NEED_NODE = pytest.mark.skipif(platform.machine() != "x86_64", reason="the node's releases are for x86_64")


@pytest.fixture(name="bench", scope="module")
def fixtureBench(workerNode, tmp_path_factory):
    """Give a bench with the session's worker node, which makes its sandbox once."""
    return CheckBench(loadDescription(), str(tmp_path_factory.mktemp("bench")), workerNode.root, startSeconds=10.0)


@pytest.fixture(name="freshBench")
def fixtureFreshBench(workerNode, tmp_path):
    """Give a bench of the test's own."""
    (tmp_path / "work").mkdir()
    return CheckBench(loadDescription(), str(tmp_path / "work"), workerNode.root)


def nodeArea(node, system):
    """Name an area of the node for this machine's CPU."""
    return CheckedArea(os.path.join(node.cvmfs, "COMP", "%s_%s" % (system, os.uname().machine)), "COMP", system,
                       os.uname().machine)


def check(bench, *areas, **options):
    """Make checks; give the report."""
    return CheckRunner(bench, CheckRequest(areas, **options)).run()


def codesOf(report):
    """Give the codes of all findings."""
    return {finding.code for area in report.areas for finding in area.findings}


@NEED_NODE
def test_anAreaOfTheNodePassesAllChecksButTheJob(bench, workerNode, upstreamTree, sandboxPackages):
    report = check(bench, nodeArea(workerNode, "rhel7"), withJobs=False)
    results = {result.name: result for result in report.areas[0].results}
    assert report.ok and all(result.status == "passed" for result in results.values() if not result.skipped)
    assert set(results) == {"layout", "manifest", "cpu", "python", "libraries", "closure", "leak[CMSSW_10_6_30]",
                            "leak[CMSSW_12_0_0]"}
    assert results["python"].facts["executable"].startswith(os.path.realpath(nodeArea(workerNode, "rhel7").directory))
    assert int(results["closure"].facts["modules imported"]) > 200


@NEED_NODE
@pytest.mark.slow
@pytest.mark.parametrize("system", ["rhel6", "rhel9"])
def test_aJobRunsOnTheAreasPython(bench, workerNode, system, upstreamTree, sandboxPackages):
    report = check(bench, nodeArea(workerNode, system), only=("job",))
    job = report.areas[0].results[-1]
    assert report.ok and job.check == "job" and job.facts["exit code"] == "0"
    assert nodeArea(workerNode, system).directory in job.facts["ran on"]
    # The node has no release for rhel9; that is said.
    assert ("passed for" in job.facts) == (system == "rhel9")


@NEED_NODE
@pytest.mark.slow
def test_aJobThatFailsFailsTheArea(bench, workerNode, tmp_path, upstreamTree, sandboxPackages):
    area = freshArea(workerNode, tmp_path / "root")
    area.say("export PYTHONWARNINGS=error::Warning:no.such.module: PYTHONVERBOSE=1\nexport PYTHONDONTWRITEBYTECODE=1")
    area.say("export WMA_UNPACK_TIMEOUT_SECS=0.001")
    report = check(bench, asChecked(area), only=("job",))
    assert "jobFails" in codesOf(report) and not report.ok


@NEED_NODE
def test_whatInitLeavesForCmsRunIsFound(bench, workerNode, tmp_path, upstreamTree, sandboxPackages):
    area = freshArea(workerNode, tmp_path / "root")
    area.say("export LD_AUDIT=\"$PYTHON3_ROOT/lib/none.so\" PERL5LIB=\"$PYTHON3_ROOT/lib:$PERL5LIB\" GREETING=hello")
    report = check(bench, asChecked(area), only=("leak",))
    words = " ".join(finding.message for finding in report.areas[0].findings if finding.code == "areaLeaks")
    assert "cmsRun gets LD_AUDIT" in words and "PERL5LIB" not in words and "hello" not in words
    assert not report.ok


@NEED_NODE
def test_aModuleTheAreaPutsBeforeTheSandboxsIsFound(bench, workerNode, tmp_path, upstreamTree, sandboxPackages):
    area = freshArea(workerNode, tmp_path / "root")
    # Imported by every python at its start, before the sandbox is on the path.
    (area.library() / "site-packages" / "sitecustomize.py").write_text("import sys\nsys.path.insert(0, %r)\n" %
                                                                       str(tmp_path / "shadow"))
    for name in ("attr", "attrs"):
        (tmp_path / "shadow" / name).mkdir(parents=True)
        (tmp_path / "shadow" / name / "__init__.py").write_text("__version__ = '1.0'\n")
    report = check(bench, asChecked(area), only=("closure", "libraries"))
    assert {"closureShadowed", "closureBroken", "libraryOutOfRange", "libraryElsewhere"} <= codesOf(report)


def test_aPythonThatDoesNotStartFailsOneCheckAndTheOthersSaySo(bench, workerNode, tmp_path, upstreamTree,
                                                               sandboxPackages):
    area = freshArea(workerNode, tmp_path / "root")
    for version in area.python3.iterdir():
        (version / "bin" / "python3").unlink()
    report = check(bench, asChecked(area), withJobs=False, only=("python", "libraries", "leak"))
    python, libraries, leak = report.areas[0].results
    assert python.status == "failed" and "No such file or directory" in python.findings[0].message
    assert libraries.status == leak.status == "skipped" and not report.ok


def test_oneCheckAloneComesWithTheStartOfThePython(bench, workerNode):
    report = check(bench, nodeArea(workerNode, "rhel8"), only=("libraries",))
    assert [result.check for result in report.areas[0].results] == ["python", "libraries"] and report.ok


def test_everyResultHasTheCommandThatRepeatsIt(bench, workerNode):
    area = nodeArea(workerNode, "rhel8")
    report = check(bench, area, only=("layout", "libraries"), options=("--node", workerNode.root + "/with space"))
    for result in report.areas[0].results:
        assert shlex.split(result.command) == ["wmruntime", "area", "check", area.directory, "--only", result.check,
                                               "--node", workerNode.root + "/with space"]


def test_anAreaForAnotherCpuIsJudgedByItsFiles(freshBench, workerNode):
    bench = freshBench
    areas = [area for area in findAreas(workerNode.cvmfs, bench.description) if area.cpu == "ppc64le"]
    report = check(bench, *areas)
    assert bench.node is None and not any(area.executed for area in report.areas)
    assert {result.check for area in report.areas for result in area.results} == {
        "layout", "manifest", "cpu", "present"}
    # The node has folders and no interpreter for it: no job could run there.
    assert "pythonMissing" in codesOf(report)


def test_anAreaThatOtherCpusHaveIsMissing(bench, workerNode, tmp_path):
    freshArea(workerNode, tmp_path / "root")
    report = check(bench, *findAreas(str(tmp_path / "root"), bench.description), only=("cpu",))
    states = {(area.area.system, area.area.cpu): area.status for area in report.areas}
    machine = os.uname().machine
    assert states[("rhel8", machine)] == "passed" and states[("rhel9", machine)] == "skipped"
    assert states[("rhel8", "ppc64le")] == "failed" and "areaMissing" in codesOf(report)


def test_aReleaseTheNodeLacksIsAnErrorThatNamesThoseItHas(bench, workerNode):
    with pytest.raises(WMRuntimeError, match="CMSSW_13_0_3"):
        check(bench, nodeArea(workerNode, "rhel8"), only=("leak",), releases=("CMSSW_99_0_0",))


def test_linksMadeForTheCheckAreNotInWhatItSays(bench, workerNode, tmp_path):
    area = freshArea(workerNode, tmp_path / "root")
    area.init.unlink()
    report = check(bench, asChecked(area), only=("layout", "python"))
    words = [text for finding in report.areas[0].findings for text in (finding.message, finding.path, finding.command)]
    assert any(str(area.directory) in text for text in words) and not any("/roots/" in text for text in words)


def test_theChecksLeaveNothingInTheArea(bench, workerNode, tmp_path, upstreamTree, sandboxPackages):
    area = freshArea(workerNode, tmp_path / "root")
    area.library()
    before = {(path, path.lstat().st_mtime_ns) for path in (tmp_path / "root").rglob("*")}
    check(bench, asChecked(area), withJobs=False)
    assert {(path, path.lstat().st_mtime_ns) for path in (tmp_path / "root").rglob("*")} == before


def test_aStoppedRunEndsItsChildrenAtOnce(freshBench, workerNode, tmp_path):
    bench = freshBench
    area = freshArea(workerNode, tmp_path / "root")
    area.say("sleep 47")
    bench.startSeconds = 60.0
    runner = CheckRunner(bench, CheckRequest([asChecked(area)], only=("python",)))

    def interrupt():
        while not bench.children.running:
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(os.getpid(), 2)
    threading.Thread(target=interrupt, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        runner.run()
    assert time.monotonic() - began < 30 and not bench.children.running


AREA_SABOTAGES = [sabotage for sabotage in SABOTAGES if not sabotage.environ.get("REQUIRED_OS")]


@pytest.mark.slow
def test_everySabotageIsNamedByItsOwnFinding(freshBench, workerNode, tmp_path):
    bench = freshBench
    bench.startSeconds = 3.0
    areas, expected = [], {}
    for sabotage in AREA_SABOTAGES:
        area = freshArea(workerNode, tmp_path / sabotage.name)
        sabotage.spoil(area)
        areas.append(asChecked(area))
        expected[areas[-1]] = sabotage
    report = check(bench, *areas, only=("layout", "python"))
    unnamed = {expected[area.area].name: sorted({finding.code for finding in area.findings}) for area in report.areas
               if expected[area.area].code not in {finding.code for finding in area.findings}}
    # Root may read everything.
    unnamed = {name: codes for name, codes in unnamed.items() if os.getuid() or not name.startswith("unreadable")}
    assert len(expected) >= 20 and unnamed == {}
