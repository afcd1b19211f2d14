"""The stand-ins are installed as Install says, and move with their node."""
import os
import shutil

import pytest

from WMCore.WMRuntime.WorkerNode.payload.Install import installRelease, installTools

LOST_RELEASE, PYTHON2_RELEASE, PYTHON3_RELEASE = "CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_13_0_3"


def testReleaseWithoutItsPythonSaysWhyAndExits127(tree, tmp_path):
    before = len(tree.calls()) if os.path.exists(tree.callsLog) else 0
    _, err = tree.run(LOST_RELEASE, ["cmsRun", "PSet.py"], tmp_path, expect=127)
    assert err.strip() == "cmsRun: cannot run in CMSSW_8_0_31 (el8_amd64_gcc12): this machine has no python 2.7"
    assert [call["exit"] for call in tree.calls()[before:]] == [127]


def testOnlyThePython2ReleaseHasATwin(tree):
    twins = [os.path.exists(os.path.join(tree.release(name), "bin", "el8_amd64_gcc12", "cmsRunPython3"))
             for name in (LOST_RELEASE, PYTHON2_RELEASE, PYTHON3_RELEASE)]
    assert twins == [False, True, False]


def testTwinRunsOnPython3InAPython2Release(tree, tmp_path):
    out, _ = tree.run(PYTHON2_RELEASE, ["cmsRunPython3", "--help"], tmp_path)
    assert out.startswith("cmsRunPython3: stand-in of CMSSW_10_6_30 for el8_amd64_gcc12, python 3.")


def testCmsRunModuleIsThereOnlyWhereCmsRunIsPython3(tree):
    module = os.path.join("python", "FWCore", "PythonFramework", "CmsRun.py")
    assert not os.path.exists(os.path.join(tree.release(PYTHON2_RELEASE), module))
    assert os.path.exists(os.path.join(tree.release(PYTHON3_RELEASE), module))


def testMovedNodeStillRunsAndLogs(tree, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(tree.root, str(moved), symlinks=True)
    (moved / "var" / "calls.jsonl").write_text("")
    program = moved / "cms" / "cmssw" / PYTHON3_RELEASE / "bin" / "el8_amd64_gcc12" / "cmsRun"
    tree.run(PYTHON3_RELEASE, [program, "--help"], tmp_path)
    assert "cmsRun" in (moved / "var" / "calls.jsonl").read_text()


def testPatchReleaseGetsNoCmsRun(tmp_path):
    release = tmp_path / "CMSSW_13_0_3_patch1"
    made = installRelease(str(release), "a", None, None, "3", False, str(tmp_path / "var" / "calls.jsonl"), hasCmsRun=False)
    assert made == [] and not (release / "bin").exists() and (release / "python" / "FWCore").is_dir()


def testInstallingTwiceIsAllowed(tmp_path):
    for _ in range(2):
        made = installRelease(str(tmp_path / "CMSSW_1_2_3"), "a", None, None, "2", True, str(tmp_path / "calls.jsonl"))
    assert len(made) == 2


def testToolsRefuseAPlaceTheyCouldNotWorkFrom(tmp_path):
    with pytest.raises(ValueError, match="overridesPython"):
        installTools(str(tmp_path / "bin"), str(tmp_path / "elsewhere"), str(tmp_path / "calls.jsonl"))


def testUnknownPythonOfCmsRunIsRefused(tmp_path):
    with pytest.raises(ValueError, match="cmsRunPython"):
        installRelease(str(tmp_path / "CMSSW_1_2_3"), "a", None, None, "4", False, str(tmp_path / "calls.jsonl"))
