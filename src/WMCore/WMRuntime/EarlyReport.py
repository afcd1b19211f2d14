"""
The reports a job has before any step ran: the initial one, and the one of a job that cannot start.

They are written whether or not the site's configuration can be read: without a report the agent sees
99303 or 99998 and nobody learns that, say, all of CVMFS was away (#8179).
"""
import logging
import os
import socket

import attr

from WMCore.WMRuntime.Errors import exitCodeInfo
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.ReportFile import cleanText, saveReport
from WMCore.WMRuntime.RetryCount import learnRetryCount

with needsWMCore(__name__):
    from WMCore.FwkJobReport.Report import Report
    from WMCore.Storage.SiteLocalConfig import loadSiteLocalConfig

UNKNOWN = "Unknown"
#: The step that holds the errors that belong to none; WMAgent knows it by this name.
CRITICAL = "CRITICAL"
#: What an initial report says until a later one replaces it.
UNFINISHED = 11007


@attr.s(frozen=True)
class SiteIdentity(object):
    """
    Hold what a report says about the place where the job runs.

    :param pnn: str, the storage element's name
    :param siteName: str
    :param problem: str, why they are not known, else empty
    """
    pnn = attr.ib(default=UNKNOWN)
    siteName = attr.ib(default=UNKNOWN)
    problem = attr.ib(default="")


def readSite():
    """
    Read who the site is from site-local-config.xml.

    :return: SiteIdentity; "Unknown" and the reason when the file cannot be read
    """
    try:
        config = loadSiteLocalConfig()
        return SiteIdentity(config.localStageOut.get("phedex-node", UNKNOWN), getattr(config, "siteName", UNKNOWN))
    except Exception as ex:
        # SiteConfigError is not all it raises: KeyError (#7216), another site's storage.json (#12255).
        problem = "%s: %s" % (type(ex).__name__, ex)
        logging.error("Couldn't find SiteConfig, the report says %s for the site: %s", UNKNOWN, problem)
        return SiteIdentity(problem=problem)


def readFloatFromFile(filePath):
    """
    Read a number from the first line of a file.

    :param filePath: str
    :return: float, or None when there is none
    """
    try:
        with open(filePath, "r", encoding="utf-8") as handle:
            return float(handle.readline())
    except (OSError, ValueError):
        return None


def getSyncCE():
    """
    Find the computing element's name: Globus' contact on OSG, ARC's variable, else this host.

    :return: str
    """
    contact = os.environ.get("GLOBUS_GRAM_JOB_CONTACT")
    if contact is not None:
        _scheme, found, rest = contact.partition("https://")
        if found:
            return rest.split(":")[0]
        logging.warning("Failed to extract SyncCE from globus: GLOBUS_GRAM_JOB_CONTACT=%r has no https://", contact)
        return socket.gethostname()
    return os.environ.get("NORDUGRID_CE", socket.gethostname())


def readFeatures(variable, names):
    """
    Read the numbers a site publishes as files (HSF machine and job features).

    :param variable: str, the environment variable that names the directory
    :param names: sequence of str, file names
    :return: dict of name to float or None; empty when the variable is not set
    """
    directory = os.environ.get(variable)
    return {name: readFloatFromFile("%s/%s" % (directory, name)) for name in names} if directory else {}


def newReport():
    """
    Make a report that knows where it is made.

    :return: Report without steps, not completed
    """
    site = readSite()
    report = Report()
    report.data.pnn = site.pnn
    report.data.siteName = site.siteName
    report.data.hostName = socket.gethostname()
    report.data.ceName = getSyncCE()
    report.data.completed = False
    return report


def startDirectory():
    """
    Give the directory HTCondor started the job in, above the job directory that is the current one.

    :return: str
    """
    return os.path.join(os.getcwd(), "..")


def createInitialReport(job, reportName):
    """
    Write the report that is brought back when nothing later could be written.

    It says so, in a step CRITICAL that withoutPlaceholder takes out again: a report without any error would
    hide that the job was lost.

    :param job: Job
    :param reportName: str, Report.N.pkl
    """
    report = newReport()
    report.data.WMAgentJobID = job.get("id", None)
    report.data.WMAgentJobName = job.get("name", None)
    report.data.machineFeatures = readFeatures("MACHINEFEATURES", ("hs06", "total_cpu"))
    report.data.jobFeatures = readFeatures("JOBFEATURES", ("hs06_job", "allocated_cpu"))
    report.setTaskName(taskName=job.get("task", "TaskNotFound"))
    report.addError(stepName=CRITICAL, exitCode=UNFINISHED, errorType=exitCodeInfo(UNFINISHED).name,
                    errorDetails="The job was killed, its disk was full or its node went away: nothing after the "
                                 "start of its steps could be written here")
    saveReport(report, os.path.join(startDirectory(), reportName))


def withoutPlaceholder(report):
    """
    Take out of an initial report what it says for the case that no other follows.

    :param report: Report, changed in place
    :return: Report, the same
    """
    if CRITICAL in report.data.steps and report.getStepExitCodes(CRITICAL) == {UNFINISHED}:
        report.data.steps.remove(CRITICAL)
        delattr(report.data, CRITICAL)
    return report


def createErrorReport(exitCode, errorType, errorDetails=None, logLocation=None):
    """
    Write the report of a job that cannot start: one step CRITICAL with the error.

    :param exitCode: int, full exit code
    :param errorType: str
    :param errorDetails: str, what happened
    :param logLocation: str, Report.N.pkl; when None its number is learned from what the wrapper left
    """
    startDir = startDirectory()
    report = newReport()
    report.addError(stepName=CRITICAL, exitCode=exitCode, errorType=errorType, errorDetails=cleanText(errorDetails))
    saveReport(report, os.path.join(startDir, logLocation or "Report.%d.pkl" % learnRetryCount(startDir)))
