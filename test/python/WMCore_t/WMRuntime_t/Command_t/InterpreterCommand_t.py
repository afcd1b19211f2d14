"""The wmruntime interpreter command."""
import json
import sys

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


def test_versionsThatAreNoneAreOneError(capsys):
    assert main(["interpreter", "resolve", "--python", "the best"]) == 1
    assert "the best" in capsys.readouterr().err
