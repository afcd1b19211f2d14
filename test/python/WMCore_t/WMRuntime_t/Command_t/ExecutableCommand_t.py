"""The wmruntime executable command."""
import json
import os

import pytest

from WMCore.WMRuntime.Command.Main import main


@pytest.fixture
def select(workerNode, tmp_path):
    """Give a callable that runs the command on a PSet's text."""
    def run(release, text, *options):
        (tmp_path / "PSet.py").write_text(text)
        return main(["executable", "select", "--release", release, "--root", os.path.join(
            workerNode.root, "cvmfs", "cms.cern.ch"), "--pset", str(tmp_path / "PSet.py")] + list(options))
    return run


def test_selectSaysWhichExecutableAndWhy(select, capsys):
    assert select("CMSSW_10_6_30", "x = 1\ny = f'{x}'\n") == 0
    out = capsys.readouterr().out
    assert "executable   cmsRunPython3\n" in out and "PSet.py:2: an f-string" in out and "rejected     cmsRun: " in out


def test_jsonHoldsTheSame(select, capsys):
    assert select("CMSSW_10_6_30", "print 'x'\n", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["python"], found["pset"]["verdict"]) == ("cmsRun", 2, "python2")


def test_aPSetThatNothingRunsIsStatus1WithTheLineAndARemedy(select, capsys):
    assert select("CMSSW_13_0_3", "x = 1\nprint 'x'\n") == 1
    error = capsys.readouterr().err
    assert "PSet.py:2: the print statement" in error and "what to do" in error


def test_aMissingExecutableIsStatus1AndNamesWhatThereIs(select, capsys):
    assert select("CMSSW_13_0_3", "", "--requested", "cmsRunPython3") == 1
    assert "it has: cmsRun" in capsys.readouterr().err


def test_withoutAReleaseOrAPSetThereIsOneErrorWithTheRemedy(workerNode, capsys, monkeypatch):
    monkeypatch.delenv("CMSSW_BASE", raising=False)
    assert main(["executable", "select"]) == 1
    assert "--release" in capsys.readouterr().err
    assert main(["executable", "select", "--release", "CMSSW_13_0_3", "--pset", "/no/such", "--root", os.path.join(
        workerNode.root, "cvmfs", "cms.cern.ch")]) == 1
    assert "no PSet /no/such" in capsys.readouterr().err


def test_onlyTheReleasesOwnEnvironmentHasAPathToLookIn(select, workerNode, capsys, monkeypatch):
    assert select("CMSSW_10_6_30", "", "--requested", "ls") == 1
    assert "There is no executable ls" in capsys.readouterr().err
    record = workerNode.releases["CMSSW_10_6_30"]
    for name, value in (("CMSSW_BASE", os.path.join(workerNode.root, record["directory"])), ("CMSSW_RELEASE_BASE", ""),
                        ("CMSSW_VERSION", "CMSSW_10_6_30"), ("SCRAM_ARCH", record["arch"])):
        monkeypatch.setenv(name, value)
    assert main(["executable", "select", "--requested", "ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"].endswith("/ls")
