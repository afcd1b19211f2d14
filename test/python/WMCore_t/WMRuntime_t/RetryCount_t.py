"""Test how the retry count is learned when the job cannot tell it."""
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from WMCore.WMRuntime.RetryCount import learnRetryCount
from WMCore_t.Counts import examples


def test_theEnvironmentTells(tmp_path):
    (tmp_path / "Report.3.pkl").write_text("")
    assert learnRetryCount(str(tmp_path), {"WMAGENT_RETRY_COUNT": "5"}) == 5


@pytest.mark.parametrize("value", ["", "x", "-1", "1 2", "9999999", "\u0663x"])
def test_anEnvironmentThatIsNoNumberIsPassedOver(tmp_path, value):
    (tmp_path / "Report.3.pkl").write_text("")
    assert learnRetryCount(str(tmp_path), {"WMAGENT_RETRY_COUNT": value}) == 3


def test_theWrappersEmptyReportTells(tmp_path):
    (tmp_path / "Report.4.pkl").write_text("")
    assert learnRetryCount(str(tmp_path), {}) == 4


def test_ofSeveralReportsTheHighestCounts(tmp_path):
    for name in ("Report.9.pkl", "Report.10.pkl", "Report.11.pkl.1.2.tmp", "Report.pkl", "xReport.12.pkl"):
        (tmp_path / name).write_text("")
    assert learnRetryCount(str(tmp_path), {}) == 10


def test_theJobAdTellsTheLastEntryWins(tmp_path):
    ad = tmp_path / "job.ad"
    ad.write_bytes(b'TransferOutput = "Report.1.pkl"\nCmd = "x"\xff\n'
                   b'transferoutput = "Report.6.pkl,wmagentJob.log"\n')
    assert learnRetryCount(str(tmp_path), {"_CONDOR_JOB_AD": str(ad)}) == 6


def test_whenNothingTellsItIsZero(tmp_path):
    assert learnRetryCount(str(tmp_path), {"_CONDOR_JOB_AD": str(tmp_path / "none")}) == 0
    assert learnRetryCount(str(tmp_path / "none"), {}) == 0


@settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=examples(100))
@given(strategies.binary(max_size=200))
def test_anyJobAdGivesANumber(tmp_path, content):
    (tmp_path / "ad").write_bytes(b'TransferOutput = "' + content)
    assert learnRetryCount(str(tmp_path), {"_CONDOR_JOB_AD": str(tmp_path / "ad")}) >= 0


def test_theWrappersWordCountsBeforeTheJobsAndAMismatchIsLogged(tmp_path, caplog):
    assert learnRetryCount(str(tmp_path), {"WMAGENT_RETRY_COUNT": "3"}, {"retry_count": 0}) == 3
    assert "retry 0" in caplog.text and "retry 3" in caplog.text


def test_withoutAWordOfTheWrapperTheJobsCounts(tmp_path):
    (tmp_path / "Report.7.pkl").write_bytes(b"x")
    assert learnRetryCount(str(tmp_path), {}, {"retry_count": 2}) == 2
