"""
Read cmsRun's FrameworkJobReport.xml into WMCore's Report.

Takes the place of WMCore's module of this name: the same values on every good file, all that can be saved of a bad
one. Thin on purpose: reading is WMRuntime/JobReport, and so is filling.
"""
from WMCore.WMRuntime.JobReport.ReportAttempt import COMPLETE, TRUNCATED, UNUSABLE, readReport
from WMCore.WMRuntime.JobReport.ReportFiller import ReportFiller

__all__ = ["xmlToJobReport", "castMetricValue", "castXrdSiteStatistics", "childrenMatching"]


def xmlToJobReport(reportInstance, xmlFile):
    """
    Fill a report from cmsRun's.

    :param reportInstance: WMCore.FwkJobReport.Report.Report, its current step is filled
    :param xmlFile: str, path of the file; it is never changed
    :raises JobReportError: (50115) when the file ends too early, cannot be used, or hides a failure whose code is
        lost; what was complete is in the report then, too
    """
    attempt, elements = readReport(xmlFile)
    filler = ReportFiller(reportInstance)
    if attempt.status == COMPLETE and not attempt.errors:
        filler.fill(elements)
        if not filler.sawProblems:
            return
    # Only a report that is not sound needs the model: importing it takes longer than all the rest.
    from WMCore.WMRuntime.JobReport.ReportParser import resultOf
    result = resultOf(attempt, elements, xmlFile)
    problems = result.report.problems
    if result.status != COMPLETE or result.errors:
        filler.fill(elements, _untoldErrors(result))
    elif not problems:
        return
    filler.note({"status": result.status, "repairs": [repair.toDict() for repair in result.repairs],
                 "errors": [error.toDict() for error in result.errors], "problems": list(problems)})
    if result.status in (TRUNCATED, UNUSABLE) or _hidesFailure(result):
        from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
        raise JobReportError(xmlFile, result.errors[0])


def _untoldErrors(result):
    """Give the error whose code is known though no element tells of it: of a damaged part, or a placeholder's rest."""
    code = result.exitCode
    if not code or code in result.elementCodes:
        return []
    details = "\n".join(error.message for error in result.errors) or "The rest of an error is at the end of the report."
    return [(code, "FrameworkError", details)]


def _hidesFailure(result):
    """
    Tell whether there was a failure of which no code is left.

    An orderly end after a signal is none: it is an element of its own, and it is for who sent the signal to say.
    """
    if not result.failed or result.exitCode:
        return False
    from WMCore.WMRuntime.JobReport.FailureSigns import SHUTDOWN, SHUTDOWN_SIGNAL
    signalled = any(item.name == SHUTDOWN for item in result.report.items)
    return not signalled or result.status != COMPLETE or any(error.kind != SHUTDOWN_SIGNAL for error in result.errors)


def castMetricValue(value):
    """
    Make a number or a bool of a text that is one.

    :param value: str; anything else is given back as it is
    :return: int, float, bool, or the text without the white space around it
    """
    from WMCore.WMRuntime.JobReport import PerformanceFiller
    return PerformanceFiller.castMetricValue(value)


def castXrdSiteStatistics(summRep, name, site, value):
    """
    Add what a site measured to a metric that a section has for all sites.

    :param summRep: ConfigSection
    :param name: str, the metric
    :param site: str, the site
    :param value: str, as written
    :return: list of dict of site and value, to be set as the metric
    """
    from WMCore.WMRuntime.JobReport.PerformanceFiller import withSite
    return withSite(summRep.dictionary_().get(name), site, value)


def childrenMatching(node, nname):
    """
    Select children by their name.

    :param node: object with children that have a name
    :param nname: str
    :return: list
    """
    return [child for child in node.children if child.name == nname]
