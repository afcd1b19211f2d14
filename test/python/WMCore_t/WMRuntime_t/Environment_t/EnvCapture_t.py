"""Tests of Environment/EnvCapture."""
import os

import pytest

from WMCore.WMRuntime.Environment.EnvCapture import parseEnvironment, runShell

BASE = {"PATH": "/usr/bin:/bin"}


def test_valuesWithNewlinesDoNotInjectVariables():
    """practices 4.3: a line-wise reading would find FAKE."""
    run = runShell([("set", "export MULTI=$'a\\nFAKE=x' QUOTE=\"it's \\\"q\\\"\"")], BASE, capture=True)
    assert run.environ["MULTI"] == "a\nFAKE=x"
    assert run.environ["QUOTE"] == "it's \"q\""
    assert "FAKE" not in run.environ


def test_aStageThatExitsZeroLeavesNoEnvironment():
    run = runShell([("first", "export A=1"), ("second", "exit 0"), ("third", "export B=1")], BASE, capture=True)
    assert (run.exit.returnCode, run.stage, run.environ) == (0, "second", None)


def test_theStageThatFailedIsNamedAndItsStatusKept():
    run = runShell([("first", "true"), ("second", "exit 7"), ("third", "true")], BASE)
    assert (run.exit.returnCode, run.stage) == (7, "second")


def test_theCaptureNeedsNoPathOfTheEnvironmentItCaptures():
    run = runShell([("break", "export PATH=/nowhere")], BASE, capture=True)
    assert run.environ["PATH"] == "/nowhere"


def test_theCaptureStartsNoProcessBesideBash():
    """bash has become the program that dumps: its own EXIT trap is gone."""
    run = runShell([("trap", "trap 'echo still bash' EXIT")], BASE, capture=True)
    assert run.exit.ok and run.environ["PATH"] == BASE["PATH"]
    assert run.stdout == ""


def test_aProgramCannotEatTheScriptFromStandardInput():
    run = runShell([("eat", "cat; read x; echo after")], BASE)
    assert run.stdout == "after\n"


def test_moreOutputThanAPipeHoldsDoesNotBlock():
    run = runShell([("print", "for i in {1..30000}; do echo 0123456789; done")], BASE, capture=True, timeout=30)
    assert len(run.stdout) == 330000
    assert run.environ


def test_theTimeLimitEndsTheWholeGroup():
    run = runShell([("hang", "sleep 60 & wait")], BASE, timeout=0.3, stopGrace=1.0)
    assert run.exit.timedOut
    assert run.environ is None


def test_noProfileAndNoBashEnvIsRead(tmp_path):
    (tmp_path / "rc").write_text("echo noise; export NOISY=1\n")
    run = runShell([("look", "echo quiet")], dict(BASE, BASH_ENV=str(tmp_path / "rc"), HOME=str(tmp_path)), capture=True)
    assert run.stdout == "quiet\n"
    assert "NOISY" not in run.environ


def test_undecodableOutputBecomesText():
    assert "\ufffd" in runShell([("print", "printf 'a\\377b'")], BASE).stdout


def test_nothingIsLeftBehind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runShell([("print", "echo x")], BASE, capture=True)
    assert os.listdir(str(tmp_path)) == []


def test_aMissingDirectoryIsAnOSError():
    with pytest.raises(OSError):
        runShell([("print", "echo x")], BASE, cwd="/nonexistent/directory")


def test_aDumpIsReadByItsNulBytes():
    assert parseEnvironment(b"A=1\n2\0B==\0=odd\0nothing\0C=\0") == {"A": "1\n2", "B": "=", "C": ""}
