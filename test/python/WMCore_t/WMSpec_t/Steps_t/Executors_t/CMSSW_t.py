"""Tests of the CMSSW step's executor, with WMCore's own workload, step and report, and against upstream's executor."""
import functools
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")

import WMCore.WMSpec.Steps.Diagnostics as Diagnostics  # noqa: E402
import WMCore.WMSpec.Steps.Executors as Executors  # noqa: E402
from WMCore.WMRuntime.Errors import JobTerminated  # noqa: E402
from WMCore.WMRuntime.Payload.CmsRun import runPayload  # noqa: E402
from WMCore.WMRuntime.Tools.Scram import Scram  # noqa: E402
from WMCore.WMSpec.Steps.Diagnostics.CMSSW import CMSSW as Diagnostic  # noqa: E402
from WMCore.WMSpec.Steps.Executors.CMSSW import CMSSW as Executor  # noqa: E402
from WMCore.WMSpec.Steps.Executors.CMSSW import analysisFileLFN  # noqa: E402
from WMCore.WMSpec.Steps.WMExecutionFailure import WMExecutionFailure  # noqa: E402
from WMCore_t.WMSpec_t.Steps_t.StepHarness import (ANALYSIS, ERROR, FILE, GOOD_REPORT, INPUT, StepHarness,  # noqa: E402
                                                   content, errorsOf, jobReport, runAsMaster, upstreamModule)


@pytest.fixture
def harness(tmp_path, monkeypatch):
    return StepHarness(tmp_path, monkeypatch)


def prepare(harness, xml=GOOD_REPORT, tail="exit 0"):
    """Say which report cmsRun leaves (None: none) and what it does then."""
    path = harness.root / "prepared.xml"
    if xml is not None:
        path.write_bytes(xml if isinstance(xml, bytes) else xml.encode("utf-8"))
    harness.monkeypatch.setenv("REPORT_XML", str(path) if xml is not None else "")
    harness.monkeypatch.setenv("CMSRUN_TAIL", tail)


def run(harness, xml=GOOD_REPORT, tail="exit 0", **settings):
    prepare(harness, xml, tail)
    executor = harness.executor(Executor, Diagnostic, **settings)
    return executor, runAsMaster(executor)


def runUpstream(harness, xml=GOOD_REPORT, tail="exit 0", **settings):
    executors, diagnostics = upstreamModule(Executors, "CMSSW"), upstreamModule(Diagnostics, "CMSSW")
    if executors is None or diagnostics is None:
        pytest.skip("upstream's executor is not behind ours on the path")
    prepare(harness, xml, tail)
    executor = harness.executor(executors.CMSSW, diagnostics.CMSSW, **settings)
    return executor, runAsMaster(executor)


FAILED = jobReport(INPUT, FILE % {"name": "RAWoutput"}, ERROR % (8001, "CMSException"))
SAME = {
    "success": {},
    "not kept": {"output__keep": False},
    "analysis files": {"xml": jobReport(INPUT, FILE % {"name": "RAWoutput"}, ANALYSIS)},
    "no output": {"xml": jobReport(INPUT)},
    "error in a report of a success": {"xml": jobReport(FILE % {"name": "RAWoutput"}, ERROR % (8006, "ProductNotFound"))},
    "no run": {"xml": jobReport((FILE % {"name": "RAWoutput"}).replace('<LumiSection NEvents="2" ID="1"/>', ""))},
    "no output file on disk": {"tail": "rm RAWoutput.root; exit 0"},
    "no report of a success": {"xml": None},
    "broken report of a success": {"xml": GOOD_REPORT[:300]},
    "code in the report": {"xml": jobReport(ERROR % (8001, "CMSException")), "tail": "exit 65"},
    "code in the report differs": {"xml": jobReport(ERROR % (8028, "FileInPath"), ERROR % (8020, "X")),
                                   "tail": "exit 1"},
    "signal, no report": {"xml": None, "tail": "kill -KILL $$"},
    "signal, broken report": {"xml": GOOD_REPORT[:300], "tail": "kill -ABRT $$"},
    "status 66, no report": {"xml": None, "tail": "exit 66"},
    "status 255, no report": {"xml": None, "tail": "exit 255"},
    "executable missing": {"xml": None, "command__executable": "./cmsRunNowhere"},
    "executable not executable": {"xml": None, "command__executable": "/etc/hostname"},
    "step before failed": {"override__previousCmsRunFailure": True},
}

#: cmsRun ended with 0 and the step failed all the same: upstream tells HTCondor of a success. What ours tells.
FAILED_WITH_STATUS_0 = {"error in a report of a success": 8006, "no report of a success": 50115,
                        "broken report of a success": 50115}


def stable(report, harness):
    """Give the content without what the run's own text decides: types that hold a whole message keep its start."""
    found = content(report)
    codes = [(code, name.split("\n")[0][:60]) for code, name in errorsOf(report)]
    return found.replace(repr(errorsOf(report)), repr(codes))


@pytest.mark.parametrize("name", sorted(SAME))
def testReportEqualsUpstreams(harness, name):
    settings = dict(SAME[name])
    theirExecutor, theirs = runUpstream(harness, **settings)
    ourExecutor, ours = run(harness, **settings)
    assert stable(ours, harness) == stable(theirs, harness)
    told = [{key: value for key, value in executor.chirped.items() if key.endswith("ExitCode")}
            for executor in (ourExecutor, theirExecutor)]
    if name in FAILED_WITH_STATUS_0:
        assert theirExecutor.step.execution.exitStatus == 0 and set(told[1].values()) == {0}
        assert ourExecutor.step.execution.exitStatus == FAILED_WITH_STATUS_0[name]
        assert set(told[0].values()) == {FAILED_WITH_STATUS_0[name]} and set(told[0]) == set(told[1])
    else:
        assert ourExecutor.step.execution.exitStatus == theirExecutor.step.execution.exitStatus
        assert sorted(ourExecutor.chirped) == sorted(theirExecutor.chirped) and told[0] == told[1]


def testSuccessRunsScramOnceAndLeavesTheStepsFiles(harness):
    _, report = run(harness)
    assert report.getExitCode() == 0 and report.stepSuccessful("cmsRun1")
    assert len(report.getAllFiles()) == 2
    words = [line.split() for line in harness.calls.read_text().splitlines()]
    assert len([line for line in words if "project" in line]) == 1
    assert len([line for line in words if line[0] in ("ru", "runtime")]) == 1
    for name in ("cmsRun1-main.sh", "cmsRun1-status.json", "cmsRun1-stderr.log", "process.id", "Report.pkl"):
        assert (harness.directory / name).exists()
    assert "a line of cmsRun" in (harness.directory / "cmsRun1-stdout.log").read_text()


def testIssue6_theNextStepOfTheJobUsesTheSession(harness):
    run(harness)
    first, second, calls = harness.directory, harness.root / "cmsRun2", harness.calls.read_text()
    executor = harness.executor(Executor, Diagnostic)
    # Which has put the first step's directory aside and its own in its place.
    harness.directory.rename(second)
    next(harness.root.glob("cmsRun1.*")).rename(first)
    harness.monkeypatch.chdir(second)
    executor.step.builder.workingDir = str(second)
    scram = executor._setUpScram("el8_amd64_gcc12")
    assert scram.projectArea == str(second / "CMSSW_13_0_3")
    assert os.readlink(scram.projectArea) == os.path.join("..", "cmsRun1", "CMSSW_13_0_3")
    assert harness.calls.read_text() == calls


def testFilesOfAFailedStepAreNotDoubled(harness):
    """Upstream's executor and diagnosis both parse the report, and every file is there twice."""
    _, report = run(harness, FAILED, "exit 65")
    assert len(report.getAllInputFiles()) == 1
    assert report.getFilesFromOutputModule("cmsRun1", "RAWoutput")[0]["pfn"] == "file:RAWoutput.root"
    assert len(report.getAllFiles()) == 1
    assert errorsOf(report) == [(8001, "CMSException")]


def testSection2_1_1a_aCmsRunThatEndsAtOnceKeepsItsStatus_11665(harness):
    """A child that had ended before wait4(pid, WNOHANG) was a success upstream."""
    harness.program("cmsRun", "#!/bin/bash\nexit 7\n")
    for _ in range(3):
        executor, report = run(harness, None)
        assert report.getExitCode() == 7 and executor.chirped["Chirp_WMCore_cmsRun_ExitCode"] == 7


def testUsageIsTheChilds(harness):
    _, report = run(harness, tail="i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 0.3; exit 0")
    usage = report.getWMCMSSWSubprocess("cmsRun1")
    assert usage["userTime"] > 0.02 and usage["wallClockTime"] > 0.3
    assert 0 <= usage["sysTime"] < usage["wallClockTime"] + 1
    assert usage["endTime"] - usage["startTime"] == usage["wallClockTime"]


@pytest.mark.parametrize("code", [70, 71, 72, 73])
def testSection2_2_8_cmsRunsOwn70To73StayCmsRuns_8026(harness, code):
    _, report = run(harness, None, "exit %d" % code)
    assert errorsOf(report)[0] == (code, "CMSSWStepFailure")
    assert 50513 not in report.getExitCodes()


def testSection2_2_8_scramThatFailsInMainScriptIs50513_8026(harness):
    """The session is gone by then, and so is SCRAM: 71 was retried as cmsRun's 8007."""
    class WithoutSession(Executor):
        def _runScripts(self):
            (harness.directory / "scramSession.sh").unlink()
            os.environ["STEP_SCRAM_FAILS"] = "project"
    harness.monkeypatch.setenv("STEP_SCRAM_FAILS", "")
    prepare(harness)
    executor = harness.executor(WithoutSession, Diagnostic)
    report = runAsMaster(executor)
    assert errorsOf(report) == [(50513, "SCRAMScriptFailure")]
    assert "stage project with status 71" in executor.report.getStepExitCodeAndMessage("cmsRun1")[1]
    assert executor.chirped["Chirp_WMCore_cmsRun_ExitCode"] == 50513


@pytest.mark.parametrize("fails", ["project", "runtime"])
def testScramThatFailsIs50513(harness, fails):
    harness.monkeypatch.setenv("STEP_SCRAM_FAILS", fails)
    _, report = run(harness)
    assert errorsOf(report) == [(50513, "SCRAMScriptFailure")]
    assert not (harness.directory / "cmsRun1-main.sh").exists()


@pytest.mark.parametrize("action", ["project", "runtime"])
def testSection2_1_4_scramKilledByASignalIsAFailure(harness, action):
    """A negative status passed upstream's `> 0`."""
    done = getattr(Scram, action)
    harness.monkeypatch.setattr(Scram, action, lambda self: done(self) or -9)
    _, report = run(harness)
    assert errorsOf(report) == [(50513, "SCRAMScriptFailure")]


def testSection2_2_4_exceptionOfScramIs50513Not99109(harness):
    def broken(self):
        raise ValueError("Couldn't split line")
    harness.monkeypatch.setattr("WMCore.WMSpec.Steps.Executors.CMSSW.Scram.runtime", broken)
    _, report = run(harness)
    assert report.getExitCode() == 50513


def testSection2_2_7_noArchThatFitsIsAFailureThatNamesListAndNode(harness):
    harness.monkeypatch.setattr("WMCore.WMSpec.Steps.Executors.CMSSW.getSingleScramArch", lambda archs: None)
    _, report = run(harness, setup__scramArch=["slc6_amd64_gcc700", "slc7_ppc64le_gcc9"])
    code, message = report.getStepExitCodeAndMessage("cmsRun1")
    assert code == 50513
    for part in ("slc6_amd64_gcc700", "slc7_ppc64le_gcc9", os.uname().nodename, os.uname().machine):
        assert part in message


PPC_AND_AMD, OLD_AND_NEW = ["el8_ppc64le_gcc12", "el8_amd64_gcc12"], ["el8_amd64_gcc9", "el8_amd64_gcc12"]
MIXED = [(PPC_AND_AMD, "X86_64", "el8_amd64_gcc12"), (PPC_AND_AMD, "ppc64le", "el8_ppc64le_gcc12"),
         (PPC_AND_AMD, "aarch64", None), (OLD_AND_NEW, "X86_64", "el8_amd64_gcc12"), (OLD_AND_NEW, "ppc64le", None),
         (OLD_AND_NEW, "aarch64", None), (["el9_amd64_gcc12", "slc7_amd64_gcc900"], "X86_64", None)]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("archs, machine, wanted", MIXED)
def testAMixedArchListGivesEachCpuItsOwnOrAnErrorWithTheList(harness, archs, machine, wanted, backwards):
    ad = harness.root / "machine.ad"
    ad.write_text('GLIDEIN_REQUIRED_OS = "rhel8"\n')
    harness.monkeypatch.setenv("_CONDOR_MACHINE_AD", str(ad))
    harness.monkeypatch.setattr("WMCore.WMRuntime.Tools.ScramArch.getPlatformMachine", lambda: machine)
    _, report = run(harness, setup__scramArch=archs[::-1] if backwards else archs)
    if wanted:
        assert report.getExitCode() == 0, errorsOf(report)
        assert "--arch %s " % wanted in harness.calls.read_text()
        assert wanted in (harness.directory / "cmsRun1-main.sh").read_text()
        return
    assert errorsOf(report) == [(50513, "SCRAMScriptFailure")]
    message = report.getStepExitCodeAndMessage("cmsRun1")[1]
    assert all(arch in message for arch in archs)
    for reason in ["needs rhel9", "needs rhel7"] if machine == "X86_64" else ["this node has %s" % machine]:
        assert reason in message
    assert not harness.calls.exists()


@pytest.mark.parametrize("wanted", [None, []])
def testSection2_2_7_aStepWithoutAnArchLeavesItToScram(harness, wanted):
    harness.monkeypatch.setenv("SCRAM_ARCH", "el8_amd64_gcc12")
    _, report = run(harness, setup__scramArch=wanted)
    assert report.getExitCode() == 0, errorsOf(report)
    assert "--arch" not in harness.calls.read_text()


@pytest.mark.parametrize("tail, code, first", [("exit 134", 134, (134, "CMSSWStepFailure")),
                                               ("exit 66", 66, (8002, "StdException")),
                                               ("kill -TERM $$", 143, (143, "CMSSWStepFailure"))])
def testReportWithoutErrorNeverHidesTheProcessesStatus_10749(harness, tail, code, first):
    executor, report = run(harness, GOOD_REPORT, tail)
    assert errorsOf(report)[0] == first
    assert report.getExitCode() == first[0] and not report.stepSuccessful("cmsRun1")
    assert executor.chirped["Chirp_WMCore_cmsRun_ExitCode"] == code == executor.step.execution.exitStatus
    assert "no error code" in executor.chirped["Chirp_WMCore_cmsRun_Exception_Message"]
    if first[0] == code:
        assert (50116, "MissingErrorReport") in errorsOf(report)


@pytest.mark.parametrize("tail, codes", [("kill -SEGV $$", [139, 8901, 99999]), ("exit 65", [8001, 8901, 65]),
                                         ("exit 197", [8901]), ("exit 0", [8901, 60450])])
def testThePlaceholderNeverMasksWhatEndedCmsRun(harness, tail, codes):
    """Upstream says 8901, which only says that the report was not finished."""
    executor, report = run(harness, jobReport(INPUT, ERROR % (8901, "UnexpectedJobTermination")), tail)
    assert [code for code, _ in errorsOf(report)] == codes
    assert report.getExitCode() == codes[0] and not report.stepSuccessful("cmsRun1")
    if tail == "kill -SEGV $$":
        assert executor.chirped["Chirp_WMCore_cmsRun_ExitCode"] == 139 == executor.step.execution.exitStatus
        assert "placeholder 8901" in executor.chirped["Chirp_WMCore_cmsRun_Exception_Message"]


@pytest.mark.parametrize("codes, expected", [((8021, 8901), 8021), ((8901, 8021), 8021), ((8020,), 8020)])
def testACmsRunThatEndsWith0IsJudgedByTheSameOrder(harness, codes, expected):
    errors = [ERROR % (code, "Type%d" % code) for code in codes]
    executor, report = run(harness, jobReport(FILE % {"name": "RAWoutput"}, *errors))
    assert report.getExitCode() == expected == errorsOf(report)[0][0]
    assert executor.chirped["Chirp_WMCore_cmsRun_ExitCode"] == expected == executor.step.execution.exitStatus


@pytest.mark.parametrize("tail, first", [("exit 139", 139), ("exit 65", 8001)])
def testUnreadableReportComesAfterThePayloadsCode_9333(harness, tail, first):
    _, report = run(harness, FAILED[:FAILED.index("<FrameworkError")], tail)
    codes = [code for code, _ in errorsOf(report)]
    assert codes[0] == first and codes[1] == 50115
    assert report.getExitCode() == first
    assert len(report.getAllInputFiles()) == len(report.getAllFiles()) == 1


@pytest.mark.parametrize("tail, codes", [("exit 139", [8001, 50115]), ("exit 65", [8001, 50115]), ("exit 0", [8001, 50115])])
def testTheCodeInAReportThatIsCutComesBeforeThePayloads(harness, tail, codes):
    _, report = run(harness, FAILED + ANALYSIS, tail)
    assert [code for code, _ in errorsOf(report)] == [8001]
    _, report = run(harness, FAILED[:-len("</FrameworkJobReport>\n")], tail)
    assert [code for code, _ in errorsOf(report)][:2] == codes
    assert report.getExitCode() == 8001


@pytest.mark.parametrize("damage", [b"\0", b"\xff"])
def testAReportThatCanBeRepairedFailsNoJob_47555(harness, damage):
    text = jobReport(INPUT, FILE % {"name": "RAWoutput"}, "<Message>%s</Message>").encode("utf-8").replace(b"%s", damage)
    _, report = run(harness, text.replace(b"/store/in.root", b"/store/in.root?a=1&b=2"))
    assert report.getExitCode() == 0 and report.stepSuccessful("cmsRun1")
    assert report.getAllInputFiles()[0]["lfn"] == "/store/in.root?a=1&b=2"
    assert report.report.jobReport.status == "repaired" and len(report.report.jobReport.repairs) == 2


def testSkippedStepLeavesTheTrueCodeWithHTCondor_11349(harness):
    executor, report = run(harness, override__previousCmsRunFailure=True)
    assert report.getExitCode() == 99108
    assert executor.chirped["Chirp_WMCore_cmsRun1_ExitCode"] == 99108
    assert "Chirp_WMCore_cmsRun_ExitCode" not in executor.chirped
    assert not harness.calls.exists()


def testAnExecutableThatIsNowhereIs50110BeforeAnythingRuns(harness):
    executor, report = run(harness, None, command__executable="cmsRunNowhere", runtime__preScripts=["SetupCMSSWPset"])
    assert errorsOf(report) == [(50110, "ExecutableNotFound")] and report.getExitCode() == 50110
    assert "cmsRunNowhere" in report.getStepExitCodeAndMessage("cmsRun1")[1]
    assert not (harness.directory / "cmsRun1-main.sh").exists()


@pytest.mark.parametrize("tail, code", [("exit 0", 0), ("exit 65", 8001)])
def testAChoiceThatTheRuntimeMadeIsInTheReportAndInMainScript(harness, tail, code):
    _, report = run(harness, GOOD_REPORT if code == 0 else FAILED, tail, command__executable="auto")
    section = report.retrieveStep("cmsRun1").executable
    assert report.getExitCode() == code and len(report.getAllFiles()) == (2 if code == 0 else 1)
    assert (section.name, section.requested, section.policy) == ("cmsRun", "auto", "matchPSet")
    assert section.path == str(harness.bin / "cmsRun") and "there is no PSet to look at" in section.reasons
    script = (harness.directory / "cmsRun1-main.sh").read_text()
    assert "\n# Executable: cmsRun (%s, python unknown), policy matchPSet\n" % section.path in script


def testAPolicyThatDoesNotExistIs50513AndNamesTheKnown(harness):
    _, report = run(harness, command__executablePolicy="guess")
    code, message = report.getStepExitCodeAndMessage("cmsRun1")
    assert code == 50513 and "'guess'" in message and "preferPython3" in message


def testAReportHoldsNothingOfAnExecutableThatTheWorkloadNames(harness):
    _, report = run(harness)
    assert not hasattr(report.retrieveStep("cmsRun1"), "executable")
    assert "policy asRequested\n" in (harness.directory / "cmsRun1-main.sh").read_text()


def testChirpThatFailsDoesNotHideThePayloadsCode(harness):
    prepare(harness, None, "exit 9")
    executor = harness.executor(Executor, Diagnostic)

    def broken(*args, **options):
        raise OSError("no condor_chirp")
    executor.setCondorChirpAttrDelayed = broken
    assert runAsMaster(executor).getExitCode() == 9


def testEnvironmentOfTheJobIsLeftAlone(harness):
    harness.monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", "") + ":/wm/WMCore.zip")
    harness.monkeypatch.delenv("HOME", raising=False)
    harness.monkeypatch.setenv("PWD", "/somewhere")
    prepare(harness)
    executor = harness.executor(Executor, Diagnostic)
    before = dict(os.environ)
    report = runAsMaster(executor)
    assert report.getExitCode() == 0
    assert dict(os.environ) == before
    seen = dict(line.split("=", 1) for line in (harness.directory / "cmsRunEnvironment.txt").read_text().splitlines()
                if "=" in line)
    assert seen["FRONTIER_ID"] == "wmagent_Workload" and seen["FRONTIER_LOG_LEVEL"] == "warning"
    assert seen["HOME"] == "/somewhere" and "PYTHONPATH" not in seen
    assert seen["CMSSW_VERSION"] == "CMSSW_13_0_3"


def testArgumentsOfTheStepReachCmsRun(harness):
    run(harness, command__arguments="maxEvents=3 'two words'")
    assert (harness.directory / "cmsRunArguments.txt").read_text().splitlines() \
        == ["-j", "FrameworkJobReport.xml", "PSet.py", "maxEvents=3", "two words"]


def testArgumentsThatAreNoShellWordsFailClearly(harness):
    _, report = run(harness, command__arguments="it's")
    assert report.getExitCode() == 50513
    assert "it's" in report.getStepExitCodeAndMessage("cmsRun1")[1]


def testMissingStatusFileIsSaid(harness):
    executor, report = run(harness, None, 'until mkdir cmsRun1-status.json; do rm cmsRun1-status.json; done; exit 72')
    assert errorsOf(report)[0] == (72, "CMSSWStepFailure")
    assert "status file tells nothing" in report.getStepExitCodeAndMessage("cmsRun1")[1]


class Script(object):
    """What stands for ScriptInvoke: a command of the test's own."""

    def __init__(self, monkeypatch, text):
        self.command = ["/bin/bash", "-c", text, "--"]
        monkeypatch.setattr("WMCore.WMRuntime.Payload.StepScript.scriptCommand",
                            lambda module, script: self.command + [module, script])


def testScriptGetsModuleAndNameInTheStepsDirectory(harness):
    Script(harness.monkeypatch, 'pwd > pwd.txt; echo "$@" >> pwd.txt')
    _, report = run(harness, runtime__preScripts=["SetupCMSSWPset"])
    assert report.getExitCode() == 0
    assert (harness.directory / "pwd.txt").read_text().splitlines() \
        == [str(harness.directory), "WMTaskSpace.cmsRun1 SetupCMSSWPset"]


@pytest.mark.parametrize("text, said", [("echo all of it; echo and this >&2; exit 3", "status 3"),
                                        ("echo all of it; echo and this >&2; kill -KILL $$", "signal 9")])
def testSection2_1_4_scriptThatFailsOrIsKilledIsAPreScriptFailure(harness, caplog, text, said):
    """A signal's negative status passed upstream's `retCode > 0`."""
    caplog.set_level(logging.INFO)
    Script(harness.monkeypatch, text)
    prepare(harness)
    executor = harness.executor(Executor, Diagnostic, runtime__preScripts=["SetupCMSSWPset"])
    with pytest.raises(WMExecutionFailure) as caught:
        executor.execute()
    assert (caught.value.code, caught.value.name) == (50513, "PreScriptFailure")
    for part in (said, "all of it", "and this"):
        assert part in caught.value.detail
    assert "all of it\nand this" in caplog.text
    assert not (harness.directory / "cmsRun1-main.sh").exists()


def testScramScriptUsesInvokeCommandAndDirectory(harness):
    prepare(harness)
    executor = harness.executor(Executor, Diagnostic, runtime__scramPreScripts=["Clean"],
                                runtime__invokeCommand="pwd > seen.txt; echo", runtime__scramPreDir=str(harness.root))
    assert runAsMaster(executor).getExitCode() == 0
    assert (harness.root / "seen.txt").read_text().strip() == str(harness.root)
    executor = harness.executor(Executor, Diagnostic, runtime__scramPreScripts=["Clean"],
                                runtime__invokeCommand="exit 3; echo")
    with pytest.raises(WMExecutionFailure) as caught:
        executor.execute()
    assert (caught.value.code, caught.value.name) == (50513, "PreScriptScramFailure")


@pytest.mark.parametrize("settings, name, said", [
    ({"runtime__preScripts": ["SetupCMSSWPset"]}, "PreScriptFailure", "time limit"),
    ({"runtime__scramPreScripts": ["Clean"], "runtime__invokeCommand": "sleep 20; echo"}, "PreScriptScramFailure", "124")])
def testAStepSaysHowLongItsScriptsMayTake(harness, settings, name, said):
    Script(harness.monkeypatch, "sleep 20")
    prepare(harness)
    executor = harness.executor(Executor, Diagnostic, runtime__scriptTimeout=0.5, **settings)
    with pytest.raises(WMExecutionFailure) as caught:
        executor.execute()
    assert (caught.value.code, caught.value.name) == (50513, name) and said in caught.value.detail


def testPreFetchesFilesAndAddsTheSetupScript(harness):
    executor = harness.executor(Executor, Diagnostic)
    fetched = []
    executor.stepSpace = type("Space", (), {"getFromSandbox": staticmethod(fetched.append)})
    assert executor.pre() is None
    assert fetched == [] and executor.step.runtime.preScripts == ["SetupCMSSWPset"]
    executor.step.application.section_("configuration")
    executor.step.application.configuration.configCacheUrl = "https://couch"
    executor.step.application.command.psetTweak = "tweak.json"
    executor.step.section_("pileup")
    executor.pre()
    assert fetched == ["PSet.py", "tweak.json", "pileupconf.json"]


def testPostGoesToTheErrorDestinationOnlyAfterAnError(harness):
    executor = harness.executor(Executor, Diagnostic)
    executor.errorDestination = "logArch1"
    assert executor.post() is None
    executor.report.addError("cmsRun1", 8001, "X", "y")
    assert executor.post() == "logArch1"


def testAnalysisFileLFN():
    job = {"counter": 7, "workflow": "Work"}
    assert analysisFileLFN("dir/hist.tar.gz", "/store/user", job) == "/store/user/Work/output/hist.tar_0007.gz"


def _alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as handle:
            return handle.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def testJobTerminatedStopsTheGroupWithGrandchildrenAndKeepsTheOutput(harness):
    prepare(harness, None, "echo printed before; sleep 300 & echo $! > grandchild; trap '' TERM; echo ready > ready; "
                           "while :; do sleep 0.1; done")
    executor = harness.executor(Executor, Diagnostic)
    harness.monkeypatch.setattr("WMCore.WMSpec.Steps.Executors.CMSSW.runPayload",
                                functools.partial(runPayload, stopGrace=1.0))
    ready = harness.directory / "ready"

    def terminate(number, frame):
        raise JobTerminated(number)
    before = signal.signal(signal.SIGTERM, terminate)

    def watch():
        end = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with pytest.raises(JobTerminated):
            executor.execute()
    finally:
        watcher.join()
        signal.signal(signal.SIGTERM, before)
    pids = [int((harness.directory / name).read_text()) for name in ("process.id", "grandchild")]
    end = time.monotonic() + 5
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < end, "left running: %s" % pids
        time.sleep(0.02)
    assert "printed before" in (harness.directory / "cmsRun1-stdout.log").read_text()


def testPayloadIsNotOrphanedWhenItsScriptIsKilled(harness):
    harness.monkeypatch.setattr("WMCore.WMSpec.Steps.Executors.CMSSW.runPayload",
                                functools.partial(runPayload, stopGrace=1.0))
    _, report = run(harness, None, 'kill -KILL $PPID; sleep 300')
    assert errorsOf(report)[0] == (137, "CMSSWStepFailure")
    assert not _alive(int((harness.directory / "process.id").read_text()))


MEMORY = """
import os, sys
sys.path[:0] = %(path)r
from WMCore.WMRuntime.Payload.CmsRun import runPayload
from WMCore.WMRuntime.Payload.MainScript import MainArguments
run = runPayload("cmsRun1", os.getcwd(), MainArguments("", "a", "scramv1", "CMSSW", "CMSSW_13_0_3", "F.xml", "cmsRun", "PSet.py"),
                 dict(os.environ), "cmsRun1-stdout.log", "cmsRun1-stderr.log")
assert run.child.ok, run
from WMCore.WMRuntime.Payload.LogTail import tail
assert tail("cmsRun1-stdout.log", 25).count("x") >= 20
# Not ru_maxrss: that one keeps the peak of the process that forked this one.
print([int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


@pytest.mark.parametrize("line", ["%0100d" % 0 + "x\\n", pytest.param("x" * 4096, marks=pytest.mark.slow)])
def testSection2_1_1b_pythonStaysUnder60MBWhileCmsRunPrints300MB(harness, line):
    harness.program("cmsRun", "#!/bin/bash\nyes '%s' | head -c 314572800\n" % line.replace("\\n", ""))
    (harness.root / "small").mkdir()
    out = subprocess.run([sys.executable, "-c", MEMORY % {"path": sys.path}], stdout=subprocess.PIPE,
                         cwd=str(harness.root / "small"), universal_newlines=True, check=True).stdout
    assert os.path.getsize(str(harness.root / "small" / "cmsRun1-stdout.log")) >= 314572800
    assert int(out.split()[-1]) < 60


def testSection2_1_1c_outputIsOnDiskWhileCmsRunRuns(harness):
    prepare(harness, GOOD_REPORT, "echo early; while [ ! -e goOn ]; do sleep 0.02; done")
    executor = harness.executor(Executor, Diagnostic)
    log, seen = harness.directory / "cmsRun1-stdout.log", []

    def watch():
        end = time.monotonic() + 20
        while time.monotonic() < end and not seen:
            if log.exists() and "early" in log.read_text():
                seen.append(True)
            time.sleep(0.02)
        (harness.directory / "goOn").write_text("")
    watcher = threading.Thread(target=watch)
    watcher.start()
    executor.execute()
    watcher.join()
    assert seen
