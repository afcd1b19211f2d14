"""Whole jobs: one python of the release for a step's PSet, and a report that says why a PSet could not be set up."""
import json

import pytest

from WMCore.WMExceptions import WM_JOB_ERROR_CODES
from WMCore_t.WMRuntime_t.WholeJob_t import codesOf, run, runnable

pytestmark = pytest.mark.slow
TOOLS = ("edm_", "cmssw_")


def toolsOf(result):
    """Give the calls of the PSet's tools."""
    return [call for call in result.calls if call["program"].startswith(TOOLS)]


@pytest.mark.parametrize("release", ["CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3_patch1"])
def test_eachStepsPSetTakesOnePythonOfTheRelease(release, workerNode, upstreamTree, tmp_path):
    runnable(workerNode, release)
    result = run(workerNode, tmp_path / "job", release=release, steps=2)
    assert len({call["pid"] for call in toolsOf(result)}) == 2 and len(toolsOf(result)) > 20
    with open(str(tmp_path / "job" / "job" / "runtimeInfo.json"), encoding="utf-8") as handle:
        told = json.load(handle)["psetSetup"]
    assert sorted(told) == ["cmsRun1", "cmsRun2"]
    for summary in told.values():
        assert (summary["state"], summary["ownProcess"]) == ("done", 0) and summary["driven"] >= 10
        assert summary["python"]["version"][0] == workerNode.releases[release]["cmsRunPython"]


def test_5572_theReportSaysWhyAPSetCouldNotBeSetUp(workerNode, upstreamTree, tmp_path):
    pset = tmp_path / "PSet.py"
    pset.write_text("import FWCore.ParameterSet.Config as cms\nprocess = cms.Process('X')\nprocess.source = nonsense\n")
    report, codes = codesOf(run(workerNode, tmp_path / "job", pset=str(pset)))
    assert codes["cmsRun1"] == [50513]
    message = report.getStepExitCodeAndMessage("cmsRun1")[1]
    for part in ("edm_pset_pickler.py failed with exit code 1", "PSet.py, line 3: process.source = nonsense",
                 "NameError: name 'nonsense' is not defined"):
        assert part in message
    assert report.retrieveStep("cmsRun1").errors.error0.type == "PreScriptFailure"
    assert WM_JOB_ERROR_CODES[50513] not in message and "SCRAM scripts" not in message
