"""
The job's report, put together from the initial one and what the steps left.
"""
import logging
import os

import attr

from WMCore.WMRuntime.EarlyReport import CRITICAL, newReport, withoutPlaceholder
from WMCore.WMRuntime.Errors import STOPPED, errorRank, exitCodeInfo
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.Payload.StepErrors import errorCodes, strongestFirst
from WMCore.WMRuntime.PickleLoader import PickleLoadError
from WMCore.WMRuntime.ReportFile import cleanText, loadReport, loadStepReport, saveReport

with needsWMCore(__name__):
    from WMCore.FwkJobReport.Report import Report

REPORT_ERROR = 99996
SKIPPED = 99108
SET_ASIDE = "Report.unreadable.pkl"


@attr.s(frozen=True)
class ReportPlaces(object):
    """
    Hold where the reports of a job are.

    :param startDir: str, directory HTCondor started the job in and brings the report back from
    :param taskSpace: str, the WMTaskSpace directory; the wrapper copies its report to the start directory
    :param reportName: str, Report.N.pkl
    """
    startDir = attr.ib(type=str)
    taskSpace = attr.ib(type=str)
    reportName = attr.ib(type=str)

    @property
    def start(self):
        """Give the path of the report that is brought back."""
        return os.path.join(self.startDir, self.reportName)

    @property
    def final(self):
        """Give the path of the report that the wrapper adds its timing to."""
        return os.path.join(self.taskSpace, self.reportName)

    def step(self, stepName):
        """Give the path of a step's report."""
        return os.path.join(self.taskSpace, stepName, "Report.pkl")


def persistFinal(report, places):
    """
    Write the report to both places.

    The start directory's comes first: it is the one that survives when nothing else runs any more.

    :param report: Report
    :param places: ReportPlaces
    :return: bool, whether the start directory has it
    """
    written = []
    for path in (places.start, places.final):
        if not os.path.isdir(os.path.dirname(path)):
            continue
        try:
            saveReport(report, path)
            written.append(path)
        except OSError as ex:
            logging.error("Cannot write the report %s: %s", path, ex)
    return places.start in written


def readStepReports(places, stepNames):
    """
    Load the reports the steps left.

    :param places: ReportPlaces
    :param stepNames: list of str
    :return: (dict of step name to Report, dict of step name to why its report cannot be used); steps that
        left none are in neither
    """
    reports, problems = {}, {}
    for name in stepNames:
        path = places.step(name)
        if not os.path.lexists(path):
            continue
        try:
            reports[name] = loadStepReport(path, name)
        except PickleLoadError as ex:
            problems[name] = str(ex)
    return reports, problems


def setUnreadableAside(places, stepNames):
    """
    Rename step reports that do not load, so that completing the task finds them missing instead of failing.

    :param places: ReportPlaces
    :param stepNames: list of str
    :return: dict of step name to what is wrong with its report
    """
    _reports, problems = readStepReports(places, stepNames)
    for name, problem in problems.items():
        logging.error("Step %s: %s", name, problem)
        path = places.step(name)
        os.replace(path, os.path.join(os.path.dirname(path), SET_ASIDE))
    return problems


def explainMissing(report, problems):
    """
    Say in the errors about missing step reports that they were there, and what is wrong with them.

    :param report: Report, completed
    :param problems: dict from setUnreadableAside
    """
    for name, problem in problems.items():
        errors = report.retrieveStep(name).errors
        for number in range(getattr(errors, "errorCount", 0)):
            error = getattr(errors, "error%d" % number)
            if error.exitCode == REPORT_ERROR:
                error.details = cleanText("%s\n%s" % (error.details, problem))


def _initialReport(places):
    """Load the initial report; a new one when it is gone or damaged."""
    try:
        report = withoutPlaceholder(loadReport(places.start, "the initial report"))
    except PickleLoadError as ex:
        logging.error("%s; a new one is made", ex)
        report = newReport()
    return report


def _mergeSteps(report, reports, problems):
    """Add the steps that left a usable report, and an error for those whose report is damaged."""
    for name, stepReport in reports.items():
        report.setStep(name, stepReport.retrieveStep(name))
        logUrl = stepReport.getLogURL()
        if logUrl:
            report.setLogURL(logUrl)
    for name, problem in problems.items():
        report.addError(name, REPORT_ERROR, exitCodeInfo(REPORT_ERROR).name, cleanText(problem))


def _inOrder(report, stepNames):
    """
    List the steps of a report in the task's order, for the first error is the one that counts.

    Before them goes a step that is none of the task's and tells the stronger cause: the Watchdog's, who leaves
    his error in the initial report.
    """
    stopped = errorRank(STOPPED)
    known = [name for name in stepNames if name in report.data.steps]
    others = [name for name in report.data.steps if name not in known]
    before = [name for name in others
              if any(errorRank(code) < stopped for code in errorCodes(report.retrieveStep(name)))]
    report.data.steps = before + known + [name for name in others if name not in before]


def reportFailure(places, stepNames, code, details):
    """
    Put together the report of a job that the runtime could not finish.

    :param places: ReportPlaces
    :param stepNames: list of str, the task's steps in order; empty when they are not known
    :param code: int, full exit code
    :param details: str, what happened
    :return: Report: the initial one, the steps' as far as they load, the error in a step CRITICAL
    """
    report = _initialReport(places)
    _mergeSteps(report, *readStepReports(places, stepNames))
    _inOrder(report, stepNames)
    report.addError(CRITICAL, code, exitCodeInfo(code).name, cleanText(details))
    return report


def interruptedStep(places, stepNames, directory):
    """
    Find the step that a directory belongs to.

    :param places: ReportPlaces
    :param stepNames: list of str
    :param directory: str, the current directory when the job was interrupted
    :return: str, or None when it is not a step's
    """
    inside = os.path.relpath(os.path.realpath(directory), os.path.realpath(places.taskSpace)).split(os.sep)[0]
    return inside if inside in stepNames else None


def reportStopped(places, stepNames, directory, reason):
    """
    Put together the report of a job that was told to stop.

    :param places: ReportPlaces
    :param stepNames: list of str, the task's steps in order; empty when they are not known
    :param directory: str, the current directory when the job was interrupted
    :param reason: str, names the signal
    :return: Report: steps that had finished as they are, the interrupted one with 50669, later ones with 99108
    """
    report = _initialReport(places)
    finished, problems = readStepReports(places, stepNames)
    current = interruptedStep(places, stepNames, directory)
    if current is None:
        # Between two steps: the next one is the one that was stopped.
        current = next((name for name in stepNames if name not in finished), CRITICAL)
    # A step that was stopped while it wrote its report has no other error than that.
    problems.pop(current, None)
    _mergeSteps(report, finished, problems)
    _markStopped(report, current, STOPPED, reason)
    for name in stepNames[stepNames.index(current) + 1:] if current in stepNames else []:
        if name not in finished and name not in problems:
            _markStopped(report, name, SKIPPED, "Step %s was not run: %s" % (name, reason))
    _inOrder(report, stepNames)
    return report


def _markStopped(report, stepName, code, details):
    """Add an error to a step and see to it that the step is no success."""
    report.addError(stepName, code, exitCodeInfo(code).name, cleanText(details))
    strongestFirst(report.retrieveStep(stepName))
    report.setStepStatus(stepName, code)
    if code == STOPPED:
        report.setStepStopTime(stepName)


def completeTask(task, places):
    """
    Let WMCore put the final report together, then make sure it is on disk whole.

    :param task: WMTaskHelper
    :param places: ReportPlaces
    :return: Report
    """
    problems = setUnreadableAside(places, task.listAllStepNames())
    os.chdir(places.taskSpace)
    report = task.completeTask(jobLocation=places.taskSpace, reportName=places.reportName)
    if not isinstance(report, Report):
        raise TypeError("completing the task gave %r, a Report was expected" % (report,))
    explainMissing(withoutPlaceholder(report), problems)
    # WMCore writes the file in place; once more under a temporary name, and for the start directory too.
    if not persistFinal(report, places):
        raise OSError("the final report %s could not be written to %s" % (places.reportName, places.startDir))
    return report
