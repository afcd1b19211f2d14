"""Tests of the CMSSW step's diagnosis: the same errors as upstream's, and no crash for lack of a file."""
import pytest

pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")

import WMCore.WMSpec.Steps.Diagnostics as Diagnostics  # noqa: E402
from WMCore.WMRuntime.Payload.JobReportRead import readJobReport  # noqa: E402
from WMCore.WMSpec.Steps.Diagnostics import CMSSW as ours  # noqa: E402
from WMCore.WMSpec.Steps.Executor import Executor  # noqa: E402
from WMCore.WMSpec.Steps.WMExecutionFailure import WMExecutionFailure  # noqa: E402
from WMCore_t.WMSpec_t.Steps_t.StepHarness import (ERROR, FILE, GOOD_REPORT, INPUT, StepHarness, errorsOf,  # noqa: E402
                                                   jobReport, upstreamModule)

FAILED = jobReport(INPUT, FILE % {"name": "RAWoutput"}, ERROR % (8020, "FileOpenError"))
REPORTS = {"none": None, "failed": FAILED, "good": GOOD_REPORT, "broken": FAILED[:FAILED.index("<FrameworkError")], "cut": FAILED[:-30]}
# Where ours differs, with why: upstream's code and ours.
DIFFERENT = {
    # 50116 was meant for it, but the check compared a status that had just been set to the code.
    (1, "good"): ([1, 99999], [1, 50116]), (139, "good"): ([139, 99999], [139, 50116]),
    # The payload's own code first (#9333, #9006, #9009).
    (65, "broken"): ([50115, 8001], [8001, 50115]), (90, "broken"): ([50115, 7002], [7002, 50115]),
    (255, "broken"): ([50115, 255], [255, 50115]), (99108, "broken"): ([50115, 99108], [99108, 50115]),
    (8001, "broken"): ([50115, 8001], [8001, 50115]), (99109, "broken"): ([50115, 99109], [99109, 50115]),
}
# A report that ends inside its error still gives the error's code, which is the first then.
DIFFERENT.update({(code, "cut"): tuple([8020] + codes for codes in DIFFERENT[code, "broken"])
                  for code, kind in list(DIFFERENT) if kind == "broken"})
CODES = (1, 65, 90, 126, 127, 139, 255, 8001, 50115, 50513, 99108, 99109)


@pytest.fixture
def harness(tmp_path, monkeypatch):
    return StepHarness(tmp_path, monkeypatch)


def diagnose(harness, module, code, xml, logs=("stdout", "stderr"), exception=True, **attributes):
    executor = harness.executor(Executor, module.CMSSW)
    for name, value in attributes.items():
        setattr(executor, name, value)
    if xml is not None:
        (harness.directory / "FrameworkJobReport.xml").write_text(xml)
    for stream in logs:
        (harness.directory / ("cmsRun1-%s.log" % stream)).write_bytes(b"line\n" * 50 + b"last of %s\xff\0\n" % stream.encode())
    arguments = {"ExceptionInstance": WMExecutionFailure(code, "CmsRunFailure", "it failed")} if exception else {}
    executor.diagnostic(code, executor, **arguments)
    return executor.report


def details(report):
    errors = report.retrieveStep("cmsRun1").errors
    return [getattr(errors, "error%d" % number).details for number in range(getattr(errors, "errorCount", 0))]


@pytest.mark.parametrize("xml", sorted(REPORTS))
@pytest.mark.parametrize("code", CODES)
def testErrorsEqualUpstreams(harness, code, xml):
    upstream = upstreamModule(Diagnostics, "CMSSW")
    if upstream is None:
        pytest.skip("upstream's diagnosis is not behind ours on the path")
    theirs = diagnose(harness, upstream, code, REPORTS[xml])
    mine = diagnose(harness, ours, code, REPORTS[xml])
    if (code, xml) in DIFFERENT:
        assert ([error[0] for error in errorsOf(theirs)], [error[0] for error in errorsOf(mine)]) == DIFFERENT[code, xml]
    else:
        assert errorsOf(mine) == errorsOf(theirs)
        assert mine.report.status == theirs.report.status
    assert len(mine.getAllFiles()) == len(theirs.getAllFiles())


@pytest.mark.parametrize("logs, xml", [((), xml) for xml in sorted(REPORTS)] + [
    pytest.param((log,), xml, marks=[] if xml == "failed" else pytest.mark.slow)
    for log in ("stdout", "stderr") for xml in sorted(REPORTS)])
@pytest.mark.parametrize("code", CODES)
def testNoMissingFileMakesAHandlerRaise(harness, code, logs, xml):
    """UnboundLocalError without stdout, NotADirectoryError without stderr upstream: the rest of the job was lost."""
    report = diagnose(harness, ours, code, REPORTS[xml], logs=logs)
    assert report.getExitCode() not in (0, 99999)
    assert not report.stepSuccessful("cmsRun1")


def testHandlersNeedNoException(harness):
    for code in CODES:
        assert diagnose(harness, ours, code, None, exception=False).getExitCode() != 0


def testLogThatCannotBeReadIsSaid(harness):
    executor = harness.executor(Executor, ours.CMSSW)
    (harness.directory / "cmsRun1-stdout.log").mkdir()
    executor.diagnostic(139, executor, ExceptionInstance=None)
    assert "not readable" in details(executor.report)[0]


@pytest.mark.parametrize("code", [1, 65, 8001])
def testTailsOfTheLogsAreClean(harness, code):
    text = "".join(details(diagnose(harness, ours, code, GOOD_REPORT)))
    assert "last of stdout" in text and "last of stderr" in text
    assert "\0" not in text and "\ufffd" not in text
    assert text.count("line\n") < 26 * 4


@pytest.mark.parametrize("code", [1, 65, 8001])
def testReportTheExecutorHasReadIsNotReadAgain(harness, code):
    executor = harness.executor(Executor, ours.CMSSW)
    path = harness.directory / "FrameworkJobReport.xml"
    path.write_text(FAILED)
    executor.jobReportRead = readJobReport(executor.report, str(path), "cmsRun1")
    executor.diagnostic(code, executor, ExceptionInstance=None)
    assert len(executor.report.getAllInputFiles()) == len(executor.report.getAllFiles()) == 1
    assert (8020, "FileOpenError") in errorsOf(executor.report)


def testBrokenReportTheExecutorHasReadIsReported(harness):
    executor = harness.executor(Executor, ours.CMSSW)
    path = harness.directory / "FrameworkJobReport.xml"
    path.write_text(REPORTS["broken"])
    executor.jobReportRead = readJobReport(executor.report, str(path), "cmsRun1")
    executor.diagnostic(139, executor, ExceptionInstance=None)
    assert errorsOf(executor.report)[:2] == [(139, "CMSSWStepFailure"), (50115, "BadFWJRXML")]


def testScramFailureMarksASuccessfulStepAsFailed(harness):
    executor = harness.executor(Executor, ours.CMSSW)
    executor.report.setStepStatus("cmsRun1", 0)
    executor.diagnostic(50513, executor)
    assert errorsOf(executor.report) == [(50513, "SCRAMScriptFailure")] and executor.report.report.status != 0


def test_5572_aScriptThatFailsIsNotReportedAsScram(harness):
    executor = harness.executor(Executor, ours.CMSSW)
    failure = WMExecutionFailure(50513, "PreScriptFailure", "edm_pset_tweak.py failed")
    executor.diagnostic(50513, executor, ExceptionInstance=failure)
    assert errorsOf(executor.report) == [(50513, "PreScriptFailure")] and executor.report.report.status != 0
    message = executor.report.getStepExitCodeAndMessage("cmsRun1")[1]
    assert "edm_pset_tweak.py failed" in message and "SCRAM" not in message


def testEveryProcessStatusHasAHandler():
    diagnostic = ours.CMSSW()
    assert set(range(255)) | {50110, 50513} == set(diagnostic.handlers)
    assert isinstance(diagnostic.handlers[0], ours.EDMExceptionHandler)
    assert isinstance(diagnostic.defaultHandler, ours.CMSDefaultHandler)
