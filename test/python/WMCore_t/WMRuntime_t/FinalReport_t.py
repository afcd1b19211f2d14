"""Test how reports are put together when the runtime could not finish."""
import os

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import errorsOf

STEPS = ["cmsRun1", "stageOut1", "logArch1"]

pytestmark = pytest.mark.usefixtures("upstreamTree")


@pytest.fixture
def places(tmp_path):
    """Lay out a job with three step directories and an initial report."""
    from WMCore.FwkJobReport.Report import Report
    from WMCore.WMRuntime.FinalReport import ReportPlaces
    made = ReportPlaces(str(tmp_path), str(tmp_path / "job" / "WMTaskSpace"), "Report.1.pkl")
    for name in STEPS:
        os.makedirs(os.path.join(made.taskSpace, name))
    initial = Report()
    initial.data.WMAgentJobID = 5
    initial.data.completed = False
    initial.save(made.start)
    return made


def finish(places, name, error=None):
    """Leave a step's report."""
    from WMCore.FwkJobReport.Report import Report
    report = Report(name)
    report.setStepStatus(name, 0)
    if error:
        report.addError(name, error, "x", "y")
    report.setLogURL("https://logs/" + name)
    report.persist(places.step(name))


def spoil(places, name):
    """Leave half a step's report."""
    finish(places, name)
    with open(places.step(name), "r+b") as handle:
        handle.truncate(50)


def stopped(places, directory):
    """Put the report of a stopped job together."""
    from WMCore.WMRuntime.FinalReport import reportStopped
    return reportStopped(places, STEPS, directory, "signal 15")


def test_theStepIsFoundByTheCurrentDirectory(places):
    from WMCore.WMRuntime.FinalReport import interruptedStep
    inside = os.path.join(places.taskSpace, "cmsRun1", "CMSSW_13_0_3", "src")
    os.makedirs(inside)
    assert interruptedStep(places, STEPS, inside) == "cmsRun1"
    assert interruptedStep(places, STEPS, os.path.join(places.taskSpace, "cmsRun1")) == "cmsRun1"
    assert interruptedStep(places, STEPS, places.taskSpace) is None
    assert interruptedStep(places, STEPS, "/") is None


def test_aStoppedJobIsNeverASuccess(places):
    finish(places, "cmsRun1")
    report = stopped(places, os.path.join(places.taskSpace, "stageOut1"))
    assert errorsOf(report) == [("stageOut1", 50669, "StoppedBySignal"), ("logArch1", 99108, "StepSkipped")]
    assert report.data.WMAgentJobID == 5 and report.getLogURL() == "https://logs/cmsRun1"
    assert all(report.retrieveStep(name).status for name in STEPS[1:])


def test_betweenTwoStepsTheNextOneWasStopped(places):
    finish(places, "cmsRun1")
    assert errorsOf(stopped(places, places.taskSpace))[0] == ("stageOut1", 50669, "StoppedBySignal")


def test_whenAllStepsHadEndedTheJobItselfWasStopped(places):
    for name in STEPS:
        finish(places, name)
    report = stopped(places, places.taskSpace)
    assert errorsOf(report) == [("CRITICAL", 50669, "StoppedBySignal")]
    assert report.listSteps() == STEPS + ["CRITICAL"]


def test_anEarlierFailureStaysTheCause(places):
    finish(places, "cmsRun1", error=8001)
    assert stopped(places, os.path.join(places.taskSpace, "logArch1")).getExitCode() == 8001


def test_aStepStoppedWhileItWroteItsReportSaysThatOnly(places):
    spoil(places, "cmsRun1")
    report = stopped(places, os.path.join(places.taskSpace, "cmsRun1"))
    assert errorsOf(report)[0] == ("cmsRun1", 50669, "StoppedBySignal")
    assert ("cmsRun1", 99996, "ReportManipulatingError") not in errorsOf(report)


def test_9515AFailureKeepsTheStepsThatLoadAndFlagsTheOthers(places):
    from WMCore.WMRuntime.FinalReport import reportFailure
    spoil(places, "cmsRun1")
    finish(places, "stageOut1")
    report = reportFailure(places, STEPS, 99109, "what happened")
    assert errorsOf(report) == [("cmsRun1", 99996, "ReportManipulatingError"),
                                ("CRITICAL", 99109, "UncaughtException")]
    assert report.listSteps() == ["cmsRun1", "stageOut1", "CRITICAL"]


@pytest.mark.parametrize("content", [b"", b"cos\nsystem\n(S'true'\ntR.", b"I1\n."])
def test_aDamagedInitialReportIsReplaced(places, content):
    from WMCore.WMRuntime.FinalReport import reportFailure
    with open(places.start, "wb") as handle:
        handle.write(content)
    finish(places, "cmsRun1")
    assert reportFailure(places, STEPS, 99109, "x").listSteps() == ["cmsRun1", "CRITICAL"]


def test_aReportOfAnotherStepIsNotTaken(places):
    from WMCore.WMRuntime.FinalReport import readStepReports
    finish(places, "cmsRun1")
    os.rename(places.step("cmsRun1"), places.step("logArch1"))
    reports, problems = readStepReports(places, STEPS)
    assert reports == {} and "['cmsRun1'] only" in problems["logArch1"]


def test_theReportIsWrittenToBothPlacesOrSaysSo(places):
    from WMCore.WMRuntime.FinalReport import persistFinal, reportFailure
    report = reportFailure(places, STEPS, 99109, "x")
    assert persistFinal(report, places) is True
    assert os.path.exists(places.final) and os.path.getsize(places.start)
    os.remove(places.start)
    os.mkdir(places.start)
    assert persistFinal(report, places) is False
    assert not [name for name in os.listdir(places.startDir) if name.endswith(".tmp")]


def test_theWatchdogsReasonComesBeforeTheSignalThatFollowed(places):
    from WMCore.FwkJobReport.Report import Report
    initial = Report()
    initial.load(places.start)
    initial.addError("PerformanceError", 50660, "PerformanceKill", "too much memory")
    initial.save(places.start)
    report = stopped(places, os.path.join(places.taskSpace, "cmsRun1"))
    assert report.getExitCode() == 50660 and 50669 in report.getStepExitCodes("cmsRun1")


def test_whatAStepSaidWhileItWasStoppedComesAfterTheStop(places):
    finish(places, "cmsRun1", error=143)
    report = stopped(places, os.path.join(places.taskSpace, "cmsRun1"))
    assert report.getStepExitCode("cmsRun1") == 50669 and report.getExitCode() == 50669
