"""The errors of a step, in the order of what they say about the cause."""
import pytest

pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")

from WMCore.FwkJobReport.Report import Report  # noqa: E402
from WMCore.WMRuntime.Payload.StepErrors import errorCodes, strongestFirst  # noqa: E402


def reportWith(*codes):
    report = Report("cmsRun1")
    for code in codes:
        report.addError("cmsRun1", code, "type%s" % code, "details of %s" % code)
    return report


def test_noStepAndNoErrorsHaveNoCodes():
    assert errorCodes(None) == () == errorCodes(reportWith().report)
    strongestFirst(reportWith().report)


@pytest.mark.parametrize("added, ordered", [
    ((8901, 139), (139, 8901)), ((8901, 8001, 65), (8001, 65, 8901)), ((8001, 50669), (50669, 8001)),
    ((65, 8001), (65, 8001)), ((0, 8001), (8001, 0)), ((8901, None, 0, 66), (66, 8901, None, 0))])
def test_theStrongestGoesFirstAndEqualsStay(added, ordered):
    report = reportWith(*added)
    strongestFirst(report.report)
    assert errorCodes(report.report) == ordered
    assert report.getExitCode() == (ordered[0] or 99999)


def test_aSortedReportIsAsGoodAsAnyOther(tmp_path):
    report = reportWith(8901, 139)
    strongestFirst(report.report)
    report.persist(str(tmp_path / "Report.pkl"))
    again = Report()
    again.unpersist(str(tmp_path / "Report.pkl"), "cmsRun1")
    again.addError("cmsRun1", 65, "more", "more")
    assert errorCodes(again.report) == (139, 8901, 65)
    first = again.report.errors.error0
    assert (first.type, first.details, first.getInternalName()) == ("type139", "details of 139", "error0")
