"""The wmruntime release command."""
import json
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Command.Main import main
from WMCore_t.WMRuntime_t.Release_t.ReleaseTrees import ReleaseTree, write


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


@pytest.fixture
def tree(tmp_path):
    """Give a release of which no file tells what python its cmsRun has, with a python3 that runs."""
    made = ReleaseTree(tmp_path / "root", "CMSSW_12_0_0_pre4")
    for tool in ("python", "python3"):
        made.addManifest(tool, "CMSSW_12_0_0")
    made.addSelf("PYTHON27PATH", "PYTHON3PATH")
    made.addProgram("cmsRun")
    made.addLink("python3", sys.executable)
    return made


def test_theReleaseOfTheEnvironmentIsShownWithItsArea(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CMSSW_BASE", tree.addArea(tmp_path / "area"))
    monkeypatch.setenv("CMSSW_RELEASE_BASE", tree.directory)
    monkeypatch.setenv("SCRAM_ARCH", tree.arch)
    assert main(["release", "show"]) == 0
    assert "project area   %s\n" % (tmp_path / "area") in capsys.readouterr().out
    monkeypatch.delenv("CMSSW_BASE")
    monkeypatch.delenv("CMSSW_RELEASE_BASE")
    assert main(["release", "show"]) == 1
    assert "what to do" in capsys.readouterr().err


def test_theReleasesPythonIsAskedInItsOwnEnvironmentOnly(tree, tmp_path, monkeypatch, capsys):
    write(str(tmp_path / "lib" / "FWCore" / "PythonFramework" / "CmsRun.py"), "class CmsRun: pass\n")
    arguments = ["release", "show", tree.version, "--arch", tree.arch, "--root", tree.root, "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["cmsRun"]["rung"] == 3
    monkeypatch.delenv("CMSSW_BASE", raising=False)
    monkeypatch.delenv("CMSSW_RELEASE_BASE", raising=False)
    assert main(arguments + ["--ask"]) == 1
    assert "run cmsenv" in capsys.readouterr().err
    # The python of the tests reads no PYTHON3PATH: its answer is that of a release whose python3 knows no cmsRun.
    for name, value in (("CMSSW_BASE", tree.directory), ("CMSSW_RELEASE_BASE", ""), ("SCRAM_ARCH", tree.arch),
                        ("PYTHONPATH", str(tmp_path / "lib"))):
        monkeypatch.setenv(name, value)
    assert main(arguments + ["--ask"]) == 0
    found = json.loads(capsys.readouterr().out)["cmsRun"]
    assert (found["python"], found["rung"], found["sure"]) == (2, 5, True)


def test_eachBrokenManifestIsOneLineAndATerminalWithoutTheCharactersGetsEscapes(tree, sourceTree):
    write(tree.selected("python3"), '<tool name="python3" version="3.9\u00fc&#x9b;2J&#10;x"/>')
    write(tree.selected("xz"), "")
    environ = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    environ["PYTHONPATH"] = os.pathsep.join([sourceTree] + sys.path)
    out = subprocess.check_output([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "release", "show", tree.version,
                                   "--arch", tree.arch, "--root", tree.root], env=environ).decode("ascii")
    assert "version 3.9\\xfc\\x9b2J\\nx (" in out and "tools          3 selected" in out
    assert [line for line in out.splitlines() if "cannot be used" in line and "xz.xml has no <tool" in line]
    assert all(line[:14].strip() or line.startswith(" " * 15) for line in out.splitlines())
