"""What a person sees of a job while it runs."""
import time

import pytest

from WMCore.WMRuntime.Command.Stations import LogFollower, stationOf


def record(module, message):
    return "2026-11-23 00:04:43,120:INFO:%s:%s\n" % (module, message)


@pytest.mark.parametrize("module, message, said", [
    ("submit_py3", "======== WMAgent Unpack the job STARTING at Mon Nov 23 00:04:43 UTC 2026 ========",
     "00:04:43  wrapper       Unpack the job"),
    ("JobExecution", "Building task at directory: /a/b", "00:04:43  Startup       Building task"),
    ("CMSSW", "Running SCRAM", "00:04:43  SCRAM         session of the release"),
    ("StepScript", "Invoking: /x/python3 -m WMCore.WMRuntime.ScriptInvoke WMTaskSpace.cmsRun1 SetupCMSSWPset",
     "00:04:43  ScriptInvoke  SetupCMSSWPset for WMTaskSpace.cmsRun1"),
    ("ExecuteMaster", "StepName: cmsRun1, StepType: CMSSW, with result: 8001",
     "00:04:43  step          cmsRun1 (CMSSW) gave 8001"),
])
def test_aRecordThatShowsAStationIsSaid(module, message, said):
    assert stationOf(record(module, message)) == said


@pytest.mark.parametrize("line", ["", "no record", record("Scram", "Subprocess output was:"),
                                  record("submit_py3", "======== WMAgent Unpack the job FINISHED at Mon ========"),
                                  record("Other", "======== WMAgent Unpack the job STARTING at Mon ========")])
def test_otherLinesAreNot(line):
    assert stationOf(line) is None


def test_theFollowerPrintsWholeLinesOfALogThatGrows(tmp_path, capsys):
    log = tmp_path / "log"
    with LogFollower(str(log), say=lambda line: "<%s>" % line.strip()):
        with open(str(log), "w", encoding="utf-8") as handle:
            for piece in ("one\ntw", "o\nthree\n", "unfinished"):
                handle.write(piece)
                handle.flush()
                time.sleep(0.15)
    assert capsys.readouterr().out == "<one>\n<two>\n<three>\n"


def test_theFollowerEndsWhenThereNeverIsALog(tmp_path):
    with LogFollower(str(tmp_path / "absent")) as follower:
        pass
    assert not follower.is_alive()
