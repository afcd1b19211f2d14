"""Tests of Tools/ScriptPython."""
import os
import shlex
import sys

import attr
import pytest

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, quoteForBash
from WMCore.WMRuntime.Interpreter.Interpreter import Interpreter
from WMCore.WMRuntime.Tools.ScriptPython import inPython, isScript, resolveScriptPython, startWith

OTHER = Interpreter("/re lease/bin/python3", (3, 9, 14), EnvDiff({"PYTHONPATH": "/job"}, ["PYTHONHOME"]))
OWN = Interpreter(sys.executable, tuple(sys.version_info[:3]), EnvDiff({"PYTHONPATH": "/job"}, ["PYTHONHOME"]))


@pytest.mark.parametrize("command, script", [
    (sys.executable + " -m x", True), ("  %s -m x" % sys.executable, True), (sys.executable, True),
    (quoteForBash(sys.executable) + " -c 1", True), (sys.executable + "\t-V", True), (sys.executable + "x -V", False),
    ('"%s" -V' % sys.executable, True), (sys.executable + ";true", True), (sys.executable + "<<<1", True),
    ("python3 " + sys.executable, False), ("echo " + sys.executable, False), ("", False)])
def test_aScriptIsACommandForTheRunningPython(command, script):
    assert isScript(command) is script


def test_aPythonThatDoesNotKnowWhereItIsRunsNoScripts(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    assert not isScript("") and not isScript(" -m x")


@pytest.mark.parametrize("own", [sys.executable, " " + quoteForBash(sys.executable), '"%s"' % sys.executable])
def test_onlyTheFirstWordIsReplaced(own):
    text = inPython("%s -m script %s 'a b'\n" % (own, sys.executable), OTHER)
    assert shlex.split(text) == [OTHER.path, "-m", "script", sys.executable, "a b"]


def test_aPythonWhosePathHasABlankIsQuoted(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/my python/bin/python3")
    for form in (sys.executable, "'%s'" % sys.executable, '"%s"' % sys.executable):
        assert shlex.split(inPython(form + " -V", attr.evolve(OWN, path=sys.executable))) == [sys.executable, "-V"]


def test_theEnvironmentIsThatPythonsAloneAndNotThatOfWhatFollows():
    text = startWith(OTHER) + inPython(sys.executable + " -c 1; cmsRun", OTHER)
    assert shlex.split(text)[:6] == ["/usr/bin/env", "-u", "PYTHONHOME", "PYTHONPATH=/job", OTHER.path, "-c"]
    assert text.endswith("; cmsRun")


def test_theModuleSearchPathIsHandedToTheSamePythonOnly(monkeypatch):
    monkeypatch.setattr(sys, "path", ["", "/mi ne"])
    assert "PYTHONPATH='/mi ne' " in startWith(OWN, hackLdLibPath=True)
    assert "PYTHONPATH='/job' " in startWith(OTHER, hackLdLibPath=True)


def test_whatIsBothSetAndUnsetIsSet():
    assert resolveScriptPython({"PERL_LOCAL": "mine"}, ["PERL_LOCAL", "PERL5LIB"]).interpreter is not None


def test_withoutAReleaseOnDiskTheJobsPythonIsTaken(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("VO_CMS_SW_DIR", str(tmp_path))
    resolution = resolveScriptPython({"CMSSW_VERSION": "CMSSW_99_0_0", "BAD NAME": "x", "BAD": "a\0b"})
    assert resolution.interpreter.path == sys.executable
    assert "not run in the release's python" in caplog.text
    assert any("no release is known" in rejection.reason for rejection in resolution.rejected)


def test_whatIsAskedForByNameIsTakenOrNothing():
    assert resolveScriptPython({}, setting=sys.executable).interpreter.path == sys.executable
    resolution = resolveScriptPython({}, setting=os.path.join(os.sep, "no", "python"))
    assert resolution.interpreter is None and "/no/python" in resolution.describe()
