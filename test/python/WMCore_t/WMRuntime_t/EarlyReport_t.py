"""Test the reports a job has before any step ran."""
import pytest

from WMCore_t.WMRuntime_t.JobSandbox import errorsOf, makePackage

pytestmark = pytest.mark.usefixtures("upstreamTree")


@pytest.fixture
def startDir(tmp_path, monkeypatch):
    """Stand in a job directory without any site; give its start directory."""
    (tmp_path / "job").mkdir()
    monkeypatch.chdir(str(tmp_path / "job"))
    for name in ("SITECONFIG_PATH", "WMAGENT_SITE_CONFIG_OVERRIDE", "MACHINEFEATURES", "JOBFEATURES",
                 "GLOBUS_GRAM_JOB_CONTACT", "NORDUGRID_CE", "WMAGENT_RETRY_COUNT", "_CONDOR_JOB_AD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def load(path):
    """Load a report as the agent does."""
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    report.load(str(path))
    return report


def job():
    """Give a job."""
    return makePackage()[7]


def test_theInitialReportTellsJobAndNode(startDir, monkeypatch):
    from WMCore.WMRuntime.Bootstrap import createInitialReport
    (startDir / "hs06").write_text("12.5\n")
    (startDir / "hs06_job").write_text("not a number")
    monkeypatch.setenv("MACHINEFEATURES", str(startDir))
    monkeypatch.setenv("JOBFEATURES", str(startDir))
    createInitialReport(job=job(), reportName="Report.2.pkl")
    data = load(startDir / "Report.2.pkl").data
    assert (data.WMAgentJobID, data.WMAgentJobName, data.task) == (7, "probe-job", "/probe/Production")
    assert data.machineFeatures == {"hs06": 12.5, "total_cpu": None}
    assert data.jobFeatures == {"hs06_job": None, "allocated_cpu": None}
    assert data.completed is False
    assert data.hostName and data.ceName


def test_theInitialReportSaysThatNothingFollowedUntilSomethingDoes(startDir):
    from WMCore.WMRuntime.Bootstrap import createInitialReport
    from WMCore.WMRuntime.EarlyReport import withoutPlaceholder
    createInitialReport(job=job(), reportName="Report.2.pkl")
    report = load(startDir / "Report.2.pkl")
    assert report.getStepExitCodes("CRITICAL") == {11007}
    assert withoutPlaceholder(report).data.steps == [] and report.getExitCode() == 0


def test_aRealErrorOfTheSameStepIsNotTakenOut(startDir):
    from WMCore.WMRuntime.Bootstrap import createErrorReport
    from WMCore.WMRuntime.EarlyReport import withoutPlaceholder
    createErrorReport(exitCode=11011, errorType="JobPackageError", logLocation="Report.2.pkl")
    assert withoutPlaceholder(load(startDir / "Report.2.pkl")).getExitCode() == 11011


def test_8179BothReportsAreWrittenWithoutASiteConfiguration(startDir):
    from WMCore.WMRuntime.Bootstrap import createErrorReport, createInitialReport
    createInitialReport(job(), "Report.2.pkl")
    createErrorReport(11012, "JobIndexError", "text", logLocation="Report.3.pkl")
    for name in ("Report.2.pkl", "Report.3.pkl"):
        data = load(startDir / name).data
        assert (data.pnn, data.siteName) == ("Unknown", "Unknown")


@pytest.mark.parametrize("error", [KeyError("phedex-node"), OSError("storage.json"), RuntimeError("x")])
def test_12255AnyFailureOfTheSiteConfigurationLeavesAReport(startDir, monkeypatch, error):
    from WMCore.WMRuntime import EarlyReport

    def broken():
        raise error
    monkeypatch.setattr(EarlyReport, "loadSiteLocalConfig", broken)
    EarlyReport.createErrorReport(11012, "JobIndexError", "text")
    assert errorsOf(load(startDir / "Report.0.pkl")) == [("CRITICAL", 11012, "JobIndexError")]
    assert type(error).__name__ in EarlyReport.readSite().problem


def test_theSiteIsNamedWhenItsConfigurationLoads(startDir, monkeypatch):
    from WMCore.WMRuntime import EarlyReport

    class Config(object):
        siteName = "T2_XX_Probe"
        localStageOut = {"phedex-node": "T2_XX_Probe_Disk"}
    monkeypatch.setattr(EarlyReport, "loadSiteLocalConfig", Config)
    assert EarlyReport.readSite() == EarlyReport.SiteIdentity("T2_XX_Probe_Disk", "T2_XX_Probe")
    Config.localStageOut = {}
    assert EarlyReport.readSite().pnn == "Unknown"


def test_theErrorReportGoesUnderTheNumberTheWrapperUsed(startDir):
    from WMCore.WMRuntime.Bootstrap import createErrorReport
    (startDir / "Report.4.pkl").write_text("")
    createErrorReport(11011, "JobPackageError", b"bytes \xff")
    report = load(startDir / "Report.4.pkl")
    assert errorsOf(report) == [("CRITICAL", 11011, "JobPackageError")] and report.getExitCode() == 11011
    assert report.retrieveStep("CRITICAL").errors.error0.details == "bytes \\xff"
    assert report.data.completed is False and report.retrieveStep("CRITICAL").status != 0


def test_8056TextThatNobodyCanEncodeIsEscaped(startDir):
    from WMCore.WMRuntime.Bootstrap import createErrorReport
    createErrorReport(11011, "JobPackageError", u"odd \udc80 text")
    details = load(startDir / "Report.0.pkl").retrieveStep("CRITICAL").errors.error0.details
    assert details.encode("utf-8") == b"odd \\udc80 text"


@pytest.mark.parametrize("environ, expected", [
    ({"GLOBUS_GRAM_JOB_CONTACT": "https://ce.example.org:1234/x"}, "ce.example.org"),
    ({"GLOBUS_GRAM_JOB_CONTACT": "nonsense", "NORDUGRID_CE": "arc"}, None),
    ({"NORDUGRID_CE": "arc.example.org"}, "arc.example.org"),
    ({}, None),
])
def test_theComputingElementIsFoundAsUpstreamDoes(startDir, monkeypatch, environ, expected):
    import socket
    from WMCore.WMRuntime.Bootstrap import getSyncCE
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert getSyncCE() == (expected or socket.gethostname())
