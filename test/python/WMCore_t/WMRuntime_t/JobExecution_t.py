"""Test whole runs of a job in its job directory: success, every kind of failure, and signals."""
import os
import shutil
import signal
import time

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox, errorsOf, makePackage, makeWorkload


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory with three probe steps, and the wrapper's empty report beside it."""
    made = JobSandbox(tmp_path / "start")
    made.write(os.path.join(made.startDir, "Report.2.pkl"), "")
    return made


def waitFor(path, process=None, seconds=30):
    """Wait until a file is there."""
    end = time.time() + seconds
    while not os.path.exists(path):
        assert time.time() < end, "%s never appeared" % path
        assert process is None or process.poll() is None, "the job ended early"
        time.sleep(0.02)


def stopDuring(sandbox, upstreamTree, step, number=signal.SIGTERM, times=1):
    """Start, wait until a step began, send a signal, give the return code and the seconds it took."""
    # Tests run in the background have SIGINT ignored, and so would the job.
    former = signal.signal(number, signal.SIG_DFL)
    try:
        process = sandbox.start(upstreamTree)
    finally:
        signal.signal(number, former)
    waitFor(os.path.join(sandbox.startDir, step + ".began"), process)
    begin = time.time()
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.01)
    return process.wait(40), time.time() - begin


def test_aSuccessfulJobLeavesTheFinalReportInBothPlaces(sandbox, upstreamTree):
    assert sandbox.run(upstreamTree) == 0, sandbox.text("err")
    for inside in ("", "job/WMTaskSpace"):
        report = sandbox.report(inside=inside)
        assert report.listSteps() == ["first", "second", "third"]
        assert report.getExitCode() == 0 and report.data.completed is True
        assert report.data.WMAgentJobID == 7 and report.getTaskName() == "/probe/Production"


def test_everyRecordIsOnceInTheLogAndOnceOnStandardError(sandbox, upstreamTree):
    sandbox.run(upstreamTree)
    for name in ("wmagentJob.log", "err"):
        assert sandbox.text(name).count("Loading job definition") == 1
        assert sandbox.text(name).count("Completing task at directory") == 1
    assert "Loading job" not in sandbox.text("out")


def test_theStationsComeInTheirOrder(sandbox, upstreamTree):
    sandbox.run(upstreamTree)
    log = sandbox.text("wmagentJob.log")
    marks = ["Process id", "Loading job definition", "Job Index = 7", "Loading task", "Setting up monitoring",
             "Creating WM runtime information json", "Building task", "Executing task", "Completing task",
             "The job's exit code is 0", "Shutting down monitor"]
    places = [log.index(mark) for mark in marks]
    assert places == sorted(places)


def test_theExitStatusIsTheLowByteOfTheReportsCode(sandbox, upstreamTree):
    sandbox.behave(first="fail")
    assert sandbox.run(upstreamTree) == 60311 % 256
    assert "The job's exit code is 60311" in sandbox.text("wmagentJob.log")
    assert sandbox.report().getExitCode() == 60311


def test_aCodeWhoseLowByteIsZeroStillFails(sandbox, upstreamTree):
    sandbox.behave(first="code:self.report.addError(self.stepName, 60416, 'x', 'y')")
    assert 60416 % 256 == 0
    assert sandbox.run(upstreamTree) == 1


def test_aMissingSiteConfigurationStillGivesAReport8179(sandbox, upstreamTree):
    sandbox.run(upstreamTree)
    report = sandbox.report()
    assert report.data.siteName == "Unknown" and report.data.pnn == "Unknown"
    assert "SITECONFIG_PATH variable is not defined" in sandbox.text("wmagentJob.log")


@pytest.mark.parametrize("damage, code, kind", [
    (lambda box: box.write(box.sandbox + "/JobPackage.pcl", "cos\nsystem\n(S'touch bad'\ntR."), 11011, "JobPackageError"),
    (lambda box: box.write(box.sandbox + "/JobIndex.py", "jobIndex = 'seven'"), 11012, "JobIndexError"),
    (lambda box: box.write(box.sandbox + "/JobIndex.py", "jobIndex = 8"), 11013, "JobExtractionError"),
    (lambda box: box.write(box.sandbox + "/WMWorkload.pkl", "cos\nsystem\n(S'touch bad'\ntR."), 11101,
     "TaskLookupError"),
    (lambda box: makePackage(task="/probe/Production/Sub").save(box.sandbox + "/JobPackage.pcl"), 11102,
     "TaskNotFound"),
    (lambda box: makePackage(task=None).save(box.sandbox + "/JobPackage.pcl"), 11103, "TaskNotInJob"),
    (lambda box: shutil.rmtree(box.sandbox), 11011, "JobPackageError"),
])
def test_aSandboxThatDefinesNoJobIsReportedUnderTheRetryCount7273(sandbox, upstreamTree, damage, code, kind):
    damage(sandbox)
    assert sandbox.run(upstreamTree) == code % 256
    report = sandbox.report()
    assert errorsOf(report) == [("CRITICAL", code, kind)]
    assert not os.path.exists(os.path.join(sandbox.jobDir, "bad"))
    assert not os.path.exists(os.path.join(sandbox.startDir, "Report.0.pkl"))
    details = report.retrieveStep("CRITICAL").errors.error0.details
    if code in (11011, 11012, 11013):
        assert "formerly code %d" % (code - 10) in details


def test_aTaskThatCannotBeBuiltIsReported(sandbox, upstreamTree):
    broken = makeWorkload()
    for step in broken.getTaskByPath("/probe/Production").steps().nodeIterator():
        step.stepType = "NoSuchType"
    broken.save(os.path.join(sandbox.sandbox, "WMWorkload.pkl"))
    assert sandbox.run(upstreamTree) != 0
    report = sandbox.report()
    assert ("CRITICAL", 99109, "UncaughtException") in errorsOf(report)
    assert report.data.WMAgentJobID == 7
    assert "NoSuchType" in report.retrieveStep("CRITICAL").errors.error0.details


def test_aTruncatedStepReportIsFlaggedAndTheRestKept11817(sandbox, upstreamTree):
    spoil = "code:open(os.path.join(start, 'job/WMTaskSpace/first/Report.pkl'), 'r+b').truncate(40)"
    sandbox.behave(third=spoil)
    assert sandbox.run(upstreamTree) == 99996 % 256
    report = sandbox.report()
    assert errorsOf(report) == [("first", 99996, "ReportManipulatingError")]
    assert report.listSteps() == ["first", "second", "third"]
    assert "Report.pkl" in report.retrieveStep("first").errors.error0.details.splitlines()[-1]
    assert os.path.exists(os.path.join(sandbox.jobDir, "WMTaskSpace", "first", "Report.unreadable.pkl"))


def test_completingTheTaskMayFailAndTheStepsAreKept(sandbox, upstreamTree):
    sandbox.behave(third="code:import shutil; shutil.rmtree(os.path.join(start, 'job/WMTaskSpace/second'))")
    assert sandbox.run(upstreamTree) == 99996 % 256
    report = sandbox.report()
    assert ("CRITICAL", 99996, "ReportManipulatingError") in errorsOf(report)
    assert {"first", "third"} <= set(report.listSteps())


def test_anExecutorThatCallsExitDoesNotEndAsSuccess(sandbox, upstreamTree):
    sandbox.behave(second="sysexit")
    assert sandbox.run(upstreamTree) != 0
    assert errorsOf(sandbox.report()) == [("CRITICAL", 99109, "UncaughtException")]
    assert "first" in sandbox.report().listSteps()


def test_anInitialReportThatVanishedIsReplaced(sandbox, upstreamTree):
    sandbox.behave(third="code:open(os.path.join(start, 'Report.2.pkl'), 'wb').close()")
    assert sandbox.run(upstreamTree) != 0
    assert {"first", "second", "third"} <= set(sandbox.report().listSteps())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_aSignalBringsTheReportBack5067(sandbox, upstreamTree, number):
    sandbox.behave(second="sleep")
    status, seconds = stopDuring(sandbox, upstreamTree, "second", number)
    assert status == 128 + number and seconds < 10
    for inside in ("", "job/WMTaskSpace"):
        report = sandbox.report(inside=inside)
        assert errorsOf(report) == [("second", 50669, "StoppedBySignal"), ("third", 99108, "StepSkipped")]
        assert report.retrieveStep("first").status == 0 and report.getExitCode() == 50669
        assert number.name in report.retrieveStep("second").errors.error0.details
    assert "told to stop by signal %d" % number in sandbox.text("wmagentJob.log")
    assert not os.path.exists(os.path.join(sandbox.startDir, "third.began"))


def test_manySignalsAtOnceAreOneStop(sandbox, upstreamTree):
    sandbox.behave(first="sleep")
    status, _seconds = stopDuring(sandbox, upstreamTree, "first", times=20)
    assert status == 128 + signal.SIGTERM
    assert [error[:2] for error in errorsOf(sandbox.report())] == [("first", 50669), ("second", 99108),
                                                                  ("third", 99108)]
    assert sandbox.text("wmagentJob.log").count("told to stop by signal") == 1


# The payload takes its time to end, as cmsRun does when it closes its files.
SLOW_PAYLOAD = """code:
from WMCore.WMRuntime.Tools.ChildProcess import runChild
runChild(["/bin/sh", "-c", "trap 'sleep 1.5; echo finished > ended; exit 1' TERM; touch began; "
          "while :; do sleep 0.05; done"], cwd=start)
"""
# Writing the report takes its time, as on a full or a network disk.
SLOW_REPORT = """code:
import time
from WMCore.WMRuntime import FinalReport
save = FinalReport.saveReport
def slowly(report, path):
    open(os.path.join(start, "began"), "w").close()
    time.sleep(1.5)
    save(report, path)
FinalReport.saveReport = slowly
%s
"""


def stopAgainWhenBegan(sandbox, upstreamTree, first):
    """Send a second and a third SIGTERM once the file `began` is there; the first one is sent or not."""
    process = sandbox.start(upstreamTree)
    if first:
        waitFor(os.path.join(sandbox.startDir, "first.began"), process)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
    waitFor(os.path.join(sandbox.startDir, "began"), process)
    for number in (signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
        time.sleep(0.3)
    return process.wait(40)


def test_aSecondSignalLeavesThePayloadTheTimeToEnd(sandbox, upstreamTree):
    # HTCondor signals every process, the wrapper passes on what it gets.
    sandbox.behave(first=SLOW_PAYLOAD)
    process = sandbox.start(upstreamTree)
    waitFor(os.path.join(sandbox.startDir, "began"), process)
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    assert process.wait(40) == 128 + signal.SIGTERM
    assert sandbox.text("ended") == "finished\n"
    assert errorsOf(sandbox.report())[0] == ("first", 50669, "StoppedBySignal")


def test_aSecondSignalLeavesTheReportTheTimeToGetToDisk(sandbox, upstreamTree):
    sandbox.behave(first=SLOW_REPORT % "time.sleep(60)")
    assert stopAgainWhenBegan(sandbox, upstreamTree, first=True) == 128 + signal.SIGTERM
    for inside in ("", "job/WMTaskSpace"):
        assert errorsOf(sandbox.report(inside=inside)) == [("first", 50669, "StoppedBySignal"),
                                                           ("second", 99108, "StepSkipped"),
                                                           ("third", 99108, "StepSkipped")]
    assert sandbox.text("wmagentJob.log").count("told to stop by signal") == 1


def test_signalsWhileTheFinalReportIsWrittenTakeNothingFromAFinishedJob(sandbox, upstreamTree):
    sandbox.behave(third=SLOW_REPORT % "")
    assert stopAgainWhenBegan(sandbox, upstreamTree, first=False) == 0
    assert sandbox.report().getExitCode() == 0 and sandbox.report().data.completed is True


@pytest.mark.slow
def test_anExceptionSwallowedByAStepIsRaisedAgain(sandbox, upstreamTree):
    sandbox.behave(first="swallow")
    status, seconds = stopDuring(sandbox, upstreamTree, "first")
    assert status == 128 + signal.SIGTERM and 10 < seconds < 30
    assert errorsOf(sandbox.report())[0] == ("first", 50669, "StoppedBySignal")


@pytest.mark.slow
def test_aStepThatNeverLetsGoIsReportedInTime(sandbox, upstreamTree):
    sandbox.behave(first="hang")
    status, seconds = stopDuring(sandbox, upstreamTree, "first")
    assert status == 128 + signal.SIGTERM and seconds < 31
    assert errorsOf(sandbox.report())[0] == ("first", 50669, "StoppedBySignal")
    assert "did not come to an end in time" in sandbox.text("wmagentJob.log")


def test_aSignalBeforeTheJobIsKnownIsReportedToo(sandbox, upstreamTree):
    sandbox.write(os.path.join(sandbox.sandbox, "JobIndex.py"),
                  "import os, time\nopen(%r, 'w').close()\ntime.sleep(60)\n"
                  % os.path.join(sandbox.startDir, "index.began"))
    status, _seconds = stopDuring(sandbox, upstreamTree, "index")
    assert status == 128 + signal.SIGTERM
    assert errorsOf(sandbox.report()) == [("CRITICAL", 50669, "StoppedBySignal")]


def test_aSignalThatWasIgnoredFromTheStartStaysIgnored(sandbox, upstreamTree):
    sandbox.behave(first="code:import time; time.sleep(2)")
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = sandbox.start(upstreamTree)
    finally:
        signal.signal(signal.SIGHUP, former)
    waitFor(os.path.join(sandbox.startDir, "first.began"), process)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0


def test_runtimeInformationThatCannotBeWrittenDoesNotKillTheJob12426(sandbox, upstreamTree):
    os.makedirs(os.path.join(sandbox.jobDir, "runtimeInfo.json", "in the way"))
    assert sandbox.run(upstreamTree) == 0, sandbox.text("err")
    assert "Cannot write the runtime information" in sandbox.text("wmagentJob.log")


def test_theLogIsUtf8InAnAsciiLocale(sandbox, upstreamTree):
    sandbox.behave(first=u"code:import logging; logging.info(u'caf\\u00e9 \\udcff')")
    assert sandbox.run(upstreamTree, LC_ALL="C", LANG="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0",
                       PYTHONCOERCECLOCALE="0") == 0, sandbox.text("err")
    assert u"caf\u00e9 \\udcff" in sandbox.text("wmagentJob.log")
    assert "caf\\xe9 \\udcff" in sandbox.text("err")
    assert "Logging error" not in sandbox.text("err")


def test_noTemporaryFilesAreLeft(sandbox, upstreamTree):
    sandbox.run(upstreamTree)
    left = [name for _top, _dirs, names in os.walk(sandbox.startDir) for name in names if name.endswith(".tmp")]
    assert left == []
