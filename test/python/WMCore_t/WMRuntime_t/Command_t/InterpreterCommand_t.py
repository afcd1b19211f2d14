"""The wmruntime interpreter command."""
import json
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Command.Main import main


def test_resolveSaysWhichPythonAndWhy(capsys):
    assert main(["interpreter", "resolve"]) == 0
    out = capsys.readouterr().out
    assert "interpreter  /" in out and "because" in out


def test_jsonHoldsTheSame(capsys):
    assert main(["interpreter", "resolve", "--python", "==%d.%d.*" % sys.version_info[:2], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["interpreter"]["version"].startswith("%d.%d" % sys.version_info[:2])


def test_nothingThatFitsIsStatus1WithEachRejectionAndARemedy(capsys):
    assert main(["interpreter", "resolve", "--python", ">=9"]) == 1
    captured = capsys.readouterr()
    assert "rejected" in captured.out and "what to do" in captured.err


def test_aBareNameIsLookedForInThePathTheJobStartsWith(tmp_path, monkeypatch, capsys):
    for place in ("shell", "start", "given"):
        (tmp_path / place).mkdir()
        program = tmp_path / place / "python-of-mine"
        program.write_text("#!/bin/sh\nexec '%s' \"$@\"\n" % sys.executable)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % (tmp_path / "shell"))
    monkeypatch.delenv("WMRUNTIME_START_PATH", raising=False)

    def found(*options):
        assert main(["interpreter", "resolve", "--setting", "python-of-mine", "--json"] + list(options)) == 0
        return os.path.basename(os.path.dirname(json.loads(capsys.readouterr().out)["interpreter"]["path"]))
    assert found() == "shell"
    monkeypatch.setenv("WMRUNTIME_START_PATH", "%s:/usr/bin:/bin" % (tmp_path / "start"))
    assert found() == "start"
    assert found("--path", "%s:/usr/bin:/bin" % (tmp_path / "given")) == "given"
    assert main(["interpreter", "resolve", "--setting", "python-of-mine", "--path", "/usr/bin:/bin"]) == 1


def test_versionsThatAreNoneAreOneError(capsys):
    assert main(["interpreter", "resolve", "--python", "the best"]) == 1
    assert "the best" in capsys.readouterr().err


@pytest.mark.parametrize("name, purpose, major", [
    ("CMSSW_8_0_31", "payload", 2), ("CMSSW_8_0_31", "releaseScript", 3), ("CMSSW_10_6_30", "psetTool", 2),
    ("CMSSW_10_6_30", "releaseScript", 3), ("CMSSW_12_0_0", "payload", 3), ("CMSSW_13_0_3_patch1", "payload", 3)])
def test_onANodeEachReleaseGivesThePythonForThePurpose(workerNode, name, purpose, major, monkeypatch, capsys):
    monkeypatch.setenv("VO_CMS_SW_DIR", os.path.join(workerNode.root, "cvmfs", "cms.cern.ch"))
    assert main(["interpreter", "resolve", "--purpose", purpose, "--release", name, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["interpreter"]
    assert found["version"].startswith("%d." % major) and found["reasons"]
    # No COMP python loads what a release compiled; a release without a python3 has its scripts run by one.
    assert (found["provider"] == "COMP area") is ((name, purpose) == ("CMSSW_8_0_31", "releaseScript"))


def test_aTableIsOneLineForEachReasonAndSaysNothingTwice(sourceTree):
    environ = dict(os.environ, LC_ALL="C", PYTHONIOENCODING="ascii")
    environ["PYTHONPATH"] = os.pathsep.join([sourceTree] + sys.path)
    child = subprocess.Popen([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "interpreter", "resolve",
                              "--setting", "/no\u00fcwhere\n\x1b[2J"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = [text.decode("ascii") for text in child.communicate()]
    assert child.returncode == 1 and len(out.splitlines()) == 2 and "\x1b" not in out
    assert "WARNING" not in err and "there is no such file" not in err and "what to do" in err
