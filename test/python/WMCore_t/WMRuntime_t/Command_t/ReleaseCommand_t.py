"""The wmruntime release command."""
import json
import os

import pytest

from WMCore.WMRuntime.Command.Main import main


@pytest.fixture
def root(workerNode):
    """Give the directory that holds the node's releases."""
    return os.path.join(workerNode.root, "cvmfs", "cms.cern.ch")


def test_showSaysWhatAReleaseHasAndHowThatIsKnown(workerNode, root, capsys):
    assert main(["release", "show", "CMSSW_10_6_30", "--root", root]) == 0
    out = capsys.readouterr().out
    assert "cmsRun         python 2\n" in out and "cmsRunPython3 is there" in out
    assert "executables    2: cmsRun, cmsRunPython3" in out and "the tool python3 is selected" in out


@pytest.mark.parametrize("name, python", [("CMSSW_8_0_31", 2), ("CMSSW_10_6_30", 2), ("CMSSW_12_0_0", 3),
                                          ("CMSSW_13_0_3", 3), ("CMSSW_13_0_3_patch1", 3)])
def test_jsonHoldsTheSame(name, python, workerNode, root, capsys):
    arch = workerNode.releases[name]["arch"]
    assert main(["release", "show", name, "--arch", arch, "--root", root, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["arch"], found["cmsRun"]["python"]) == (arch, python)
    assert found["cmsRun"]["reasons"] and "cmsRun" in found["executables"]


def test_aReleaseThatIsNotThereIsOneErrorWithEachPathTried(root, capsys):
    assert main(["release", "show", "CMSSW_99_0_0", "--root", root]) == 1
    error = capsys.readouterr().err
    assert "CMSSW_99_0_0" in error and root in error and "what to do" in error
