"""The wmruntime node commands."""
import json
import os

import pytest

from WMCore.WMRuntime.Command.Main import main
from WMCore.WMRuntime.Command.NodeCommand import parseFault
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNodeError


def test_showSaysWhichReleasesRunAndWhichPythonsThereAre(workerNode, capsys):
    assert main(["node", "show", workerNode.root]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in workerNode.releases)
    assert out.count("runs\n") == sum(release["runnable"] for release in workerNode.releases.values())


def test_createMakesANodeThatShowCanRead(tmp_path, capsys):
    assert main(["node", "create", str(tmp_path / "node")]) == 0
    assert main(["node", "show", str(tmp_path / "node")]) == 0
    assert "made the worker node" in capsys.readouterr().out


def test_aDirectoryWithoutANodeGivesOneErrorWithTheRemedy(tmp_path, capsys):
    assert main(["node", "show", str(tmp_path)]) == 1
    assert "node create" in capsys.readouterr().err


def test_aDirectoryThatHoldsSomethingElseIsNotReplaced(tmp_path, capsys):
    (tmp_path / "precious").write_text("x")
    assert main(["node", "create", str(tmp_path)]) == 1
    assert (tmp_path / "precious").exists() and capsys.readouterr().err.startswith("wmruntime: ")


def test_anUnknownReleaseGivesOneErrorThatListsTheKnown(workerNode, tmp_path, capsys):
    assert main(["node", "run", workerNode.root, "--release", "CMSSW_99_0_0", "--job-dir", str(tmp_path / "j")]) == 1
    assert "CMSSW_13_0_3" in capsys.readouterr().err


def test_faultsListsWhatCmsRunCanBeToldTo(capsys):
    assert main(["node", "faults"]) == 0
    assert "truncatedReport" in capsys.readouterr().out


@pytest.mark.parametrize("text, value", [("hang", None), ("exit=8001", 8001), ("signal=SEGV", "SEGV"),
                                         ('hang={"ignoreTerm": true}', {"ignoreTerm": True})])
def test_aFaultIsReadWithItsValue(text, value):
    assert parseFault(text, "cmsRun2") == {"step": "cmsRun2", "fault": text.split("=")[0], "value": value}


def test_anUnknownFaultIsAnErrorBeforeAnythingRuns():
    with pytest.raises(WorkerNodeError, match="no fault 'explode'"):
        parseFault("explode", None)


def test_withoutACommandTheUsageIsPrinted(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2 and "usage: wmruntime" in capsys.readouterr().err


def test_anUnknownPolicyIsAUsageErrorThatListsTheKnown(workerNode, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["node", "run", workerNode.root, "--policy", "guess"])
    assert ended.value.code == 2 and "matchPSet" in capsys.readouterr().err


@pytest.mark.slow
def test_runSaysWhichExecutableThePolicyChose(workerNode, upstreamTree, tmp_path, capsys):
    if not workerNode.releases["CMSSW_10_6_30"]["runnable"]:
        pytest.skip(workerNode.releases["CMSSW_10_6_30"]["why"])
    assert main(["node", "run", workerNode.root, "--job-dir", str(tmp_path / "job"), "--release", "CMSSW_10_6_30",
                 "--policy", "preferPython3"]) == 0
    assert "executable   cmsRun1    cmsRunPython3 (python 3, policy preferPython3)\n" in capsys.readouterr().out


@pytest.mark.slow
def test_runSaysHowTheJobWent(workerNode, upstreamTree, tmp_path, capsys):
    jobDir = str(tmp_path / "job")
    assert main(["node", "run", workerNode.root, "--job-dir", jobDir, "--fault", "exit=8021",
                 "--fault-step", "cmsRun1"]) == 1
    out = capsys.readouterr().out
    assert "step         cmsRun1    failed with 8021" in out and "job          exit code 8021" in out
    assert "SCRAM calls  2\n" in out and "MISSING" not in out
    with open(os.path.join(jobDir, "wmruntimeFault.json"), encoding="utf-8") as handle:
        assert json.load(handle)["value"] == 8021
