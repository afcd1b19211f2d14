"""Test how reports are written to files and read from them."""
import os
import pickle
import threading

import pytest
from hypothesis import given, settings, strategies

pytestmark = pytest.mark.usefixtures("upstreamTree")


@pytest.fixture
def report(upstreamTree):
    """Give a report of one step."""
    from WMCore.FwkJobReport.Report import Report
    made = Report("cmsRun1")
    made.setStepStatus("cmsRun1", 0)
    return made


def test_whatIsSavedLoadsHereAndInWMCore(report, tmp_path):
    from WMCore.FwkJobReport.Report import Report
    from WMCore.WMRuntime.ReportFile import loadReport, saveReport
    path = str(tmp_path / "Report.0.pkl")
    saveReport(report, path)
    assert loadReport(path).listSteps() == ["cmsRun1"]
    again = Report()
    again.load(path)
    assert again.listSteps() == ["cmsRun1"]


def test_9515AReportIsWrittenWholeOrNotAtAll(report, tmp_path):
    from WMCore.WMRuntime.ReportFile import saveReport
    path = str(tmp_path / "Report.1.pkl")
    saveReport(report, path)
    with open(path, "rb") as handle:
        before = handle.read()

    def persist(name):
        with open(name, "wb") as handle:
            handle.write(b"half")
        raise OSError("No space left on device")
    report.persist = persist
    with pytest.raises(OSError):
        saveReport(report, path)
    with open(path, "rb") as handle:
        assert handle.read() == before
    assert os.listdir(str(tmp_path)) == ["Report.1.pkl"]


def test_twoThreadsMayWriteTheSameReport(report, tmp_path):
    from WMCore.WMRuntime.ReportFile import loadReport, saveReport
    path = str(tmp_path / "Report.1.pkl")
    # Ours and the last resort's; each has its temporary file while the other has.
    both, names, persist = threading.Barrier(2), [], report.persist

    def slowly(name):
        names.append(name)
        both.wait(20)
        persist(name)
    report.persist = slowly
    threads = [threading.Thread(target=saveReport, args=(report, path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(names)) == 2 and os.listdir(str(tmp_path)) == ["Report.1.pkl"]
    assert loadReport(path).listSteps() == ["cmsRun1"]


@pytest.mark.parametrize("content, reason", [
    (b"", "the file is empty"), (pickle.dumps({"steps": []}), "it holds a dict without a list of steps"),
    (b"cos\nsystem\n(S'true'\ntR.", "os.system")])
def test_11817AFileThatHoldsNoReportIsRefusedWithTheReason(tmp_path, content, reason):
    from WMCore.WMRuntime.PickleLoader import PickleLoadError
    from WMCore.WMRuntime.ReportFile import loadReport
    path = tmp_path / "Report.0.pkl"
    path.write_bytes(content)
    with pytest.raises(PickleLoadError) as caught:
        loadReport(str(path), "the initial report")
    assert str(path) in str(caught.value) and "the initial report" in str(caught.value)
    assert reason in str(caught.value)


def test_theReportOfAStepReportsOnThatStep(report, tmp_path):
    from WMCore.WMRuntime.PickleLoader import PickleLoadError
    from WMCore.WMRuntime.ReportFile import loadStepReport, saveReport
    path = str(tmp_path / "Report.pkl")
    saveReport(report, path)
    assert loadStepReport(path, "cmsRun1").listSteps() == ["cmsRun1"]
    with pytest.raises(PickleLoadError, match=r"the report of step logArch1.*it reports on \['cmsRun1'\] only"):
        loadStepReport(path, "logArch1")


@pytest.mark.parametrize("text, clean", [
    (b"bytes \xff", "bytes \\xff"), (u"odd \udc80", "odd \\udc80"), (u"caf\xe9", u"caf\xe9"), (None, "None"),
    (KeyError("x"), "'x'")])
def test_8056TextIsCleanedAndNothingElseChanged(text, clean):
    from WMCore.WMRuntime.ReportFile import cleanText
    assert cleanText(text) == clean


@settings(deadline=None, derandomize=True)
@given(strategies.one_of(strategies.binary(), strategies.text(
    strategies.one_of(strategies.characters(), strategies.characters(whitelist_categories=["Cs"])))))
def test_9150AnyTextCanBeEncodedOnceItIsClean(text):
    from WMCore.WMRuntime.ReportFile import cleanText
    clean = cleanText(text)
    assert cleanText(clean.encode("utf-8")) == cleanText(clean) == clean
