"""Tests of Tools/ScramChecks, with the texts SCRAM V2 and V3 print."""
import pytest

from WMCore.WMRuntime.Environment.EnvCapture import ShellRun
from WMCore.WMRuntime.Tools.ChildProcess import ChildExit
from WMCore.WMRuntime.Tools.ScramChecks import mayPass, scramVariables

NOT_A_TERMINAL = ("WARNING: In non-interactive mode release checks e.g. deprecated releases, production architectures "
                  "are disabled.\n")


def ended(code, stderr="", **options):
    """Give a run of scram project that ended with a code and said something."""
    return ShellRun(ChildExit(1, code, **options), "project", "", NOT_A_TERMINAL + stderr)


@pytest.mark.parametrize("code, text", [
    (1, ""),
    (1, "scram stand-in: told to end with 1\n"),
    (1, 'ERROR: Project "CMSSW" version "CMSSW_99_0_0" is not available for arch el8_amd64_gcc11.\n'
        'Please make sure you have used the correct name/version.\n'
        'You can run "scram list $projectname" to get the list of available versions.\n'),
    (1, 'ERROR: Unable to find release area for "CMSSW" version "CMSSW_99_0_0" for arch el8_amd64_gcc11.\n'),
    (1, 'ERROR: Project "CMSSW" version "CMSSW_13_0_3" is not available for arch slc7_amd64_gcc700.\n'
        '       "CMSSW" is currently available for following archs.\n'
        '       Please set SCRAM_ARCH properly and re-run the command.\n    el8_amd64_gcc11\n'),
    (1, "SCRAM fatal: Unable to locate the top of local release. Please run this command from a SCRAM-based area.\n"),
    (1, 'SCRAM fatal: Error parsing arguments. See "scram -help" for usage info.\n'),
    (1, "SCRAM warning: >>>> No SCRAM project CMSSW available for architecture el8_amd64_gcc11. <<<<\n"),
    (1, "PermissionError: [Errno 13] Permission denied: '/step/CMSSW_13_0_3'\n"),
    (1, "OSError: [Errno 28] No space left on device: '/step/CMSSW_13_0_3'\n"),
    (13, "Can not create directory /step/CMSSW_13_0_3: Permission denied at scram line 1.\n"),
    (255, "Can not create directory /step/CMSSW_13_0_3: Permission denied at scram line 1.\n"),
    (127, "/bin/bash: line 7: scramv1: command not found\n"),
    (0, "WARNING: There already exists /step/CMSSW_13_0_3 area for SCRAM_ARCH el8_amd64_gcc11.\n")])
def test_aScramThatWouldFailTheSameWayIsNotTriedAgain(code, text):
    assert not mayPass(ended(code, text))


@pytest.mark.parametrize("code, text", [
    (1, "scram: cannot read the release: Transport endpoint is not connected\n"),
    (1, "OSError: [Errno 5] Input/output error: '/cvmfs/cms.cern.ch/el8_amd64_gcc11'\n"),
    (1, "/bin/bash: /cvmfs/cms.cern.ch/cmsset_default.sh: No such file or directory\n"),
    (1, "Unable to find SCRAM version V9_1_0. Something wrong with the sw installation.\n"),
    (0, "********** ERROR: Missing Release top ************\n"),
    (135, "Bus error (core dumped)\n"),
    (137, "")])
def test_aScramThatCvmfsMayHaveStoppedIsTriedAgain(code, text):
    assert mayPass(ended(code, text))


def test_aScramThatWasStoppedIsTriedAgain():
    assert mayPass(ended(None, signal=7))
    assert mayPass(ended(1, timedOut=True))


def test_whatScramSpeaksForIsTheSessionsEvenWhenUnchanged():
    environ = {"PATH": "/r:/bin", "SRT_PATH_SCRAMRT": "/r", "CMSSW_BASE": "/a", "HOME": "/h", "CMSSW_BAD%%": "x"}
    assert sorted(scramVariables(environ)) == ["CMSSW_BASE", "PATH", "SRT_PATH_SCRAMRT"]
