"""Tests of running a step's runtime script."""
import logging
import sys

import pytest

from WMCore.WMRuntime.Payload.StepScript import SCRIPT_SECONDS, runStepScript, scriptCommand, scriptLog, scriptSeconds


def bash(text, tmp_path, **options):
    return runStepScript("WMTaskSpace.cmsRun1", "Script", str(tmp_path), command=["/bin/bash", "-c", text], **options)


def testCommandIsScriptInvokeInThisPython():
    assert scriptCommand("WMTaskSpace.cmsRun1", "SetupCMSSWPset") == [
        sys.executable, "-m", "WMCore.WMRuntime.ScriptInvoke", "WMTaskSpace.cmsRun1", "SetupCMSSWPset"]


def testBothStreamsReachTheLogInOrderAndWhole(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = bash("for i in $(seq 40000); do echo line $i; done; echo error >&2; echo -n end", tmp_path)
    assert run.failure is None
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert all("\nline %d\n" % number in logged for number in (1, 5000, 20000, 40000))
    assert logged.endswith("line 40000\nerror\nend")
    assert run.output.endswith("error\nend") and len(run.output) <= 128 * 1024


def testPR11803_outputIsLoggedAsTextNotAsBytes(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = bash("printf 'caf\\303\\251\\n'; echo warned >&2", tmp_path)
    assert run.output == u"caf\u00e9\nwarned\n" and u"caf\u00e9" in caplog.text
    assert "b'" not in caplog.text.replace(" ".join(run.args), "")


@pytest.mark.parametrize("text, failure", [("exit 0", None), ("exit 3", "status 3"), ("kill -TERM $$", "ended by signal 15")])
def testSection2_1_4_failureIsAnyStatusBut0(tmp_path, text, failure):
    assert bash(text, tmp_path).failure == failure


def testSection2_1_2_scriptThatHangsIsStoppedAndItsOutputLogged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = bash("echo so far; sleep 20", tmp_path, timeout=0.3)
    assert "time limit" in run.failure and "so far" in caplog.text


def testOutputIsLoggedWhenTheJobIsTerminatedMeanwhile(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)

    def interrupted(args, stdout=None, **options):
        stdout.write(b"so far\xff\n")
        stdout.flush()
        raise KeyboardInterrupt()
    monkeypatch.setattr("WMCore.WMRuntime.Payload.StepScript.runChild", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bash("", tmp_path)
    assert "so far" in caplog.text


def testLinesReachTheLogWhileTheScriptRuns(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    bash("echo first; sleep 1.2; echo last", tmp_path)
    times = {record.getMessage(): record.created for record in caplog.records}
    assert times["last"] - times["first"] > 0.4


def testTheStepKeepsWhatTheScriptPrinted(tmp_path):
    log = tmp_path / "cmsRun1-Script.log"
    assert bash("echo one; exit 1", tmp_path).output == "one\n"
    assert bash("echo two", tmp_path).output == "two\n" and log.read_text() == "one\ntwo\n"


def testALogsNameStaysInTheStepsDirectory():
    assert scriptLog("WMTaskSpace.cmsRun1", "../My Script") == "cmsRun1-.._My_Script.log"


class Runtime(object):
    """Stand for a step's section runtime."""

    def __init__(self, **settings):
        self.__dict__.update(settings)


@pytest.mark.parametrize("settings, seconds", [
    ({}, SCRIPT_SECONDS), ({"scriptTimeout": None}, SCRIPT_SECONDS), ({"scriptTimeout": 90}, 90),
    ({"scriptTimeout": 0.5}, 0.5)])
def testAStepSaysHowLongItsScriptsMayTake(settings, seconds, caplog):
    assert scriptSeconds(Runtime(**settings)) == seconds and not caplog.records


@pytest.mark.parametrize("value", [0, -1, "an hour", True, float("nan")])
def testATimeThatIsNoneIsSaidAndNotTaken(value, caplog):
    assert scriptSeconds(Runtime(scriptTimeout=value)) == SCRIPT_SECONDS
    assert "runtime.scriptTimeout" in caplog.text
