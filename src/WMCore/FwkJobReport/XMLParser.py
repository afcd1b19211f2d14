"""
Read cmsRun's FrameworkJobReport.xml into WMCore's Report.

Takes the place of WMCore's module of this name: the same values on every good file, all that can be saved of a bad
one. Thin on purpose: reading is WMRuntime/JobReport, and so is filling.
"""
from WMCore.WMRuntime.JobReport.MetricCasts import castMetricValue, withSite
from WMCore.WMRuntime.JobReport.ParseResult import COMPLETE, TRUNCATED, UNUSABLE
from WMCore.WMRuntime.JobReport.ReportFiller import ReportFiller
from WMCore.WMRuntime.JobReport.ReportParser import FAILURE_TRACE, parse

__all__ = ["xmlToJobReport", "castMetricValue", "castXrdSiteStatistics", "childrenMatching"]


def xmlToJobReport(reportInstance, xmlFile):
    """
    Fill a report from cmsRun's.

    :param reportInstance: WMCore.FwkJobReport.Report.Report, its current step is filled
    :param xmlFile: str, path of the file; it is never changed
    :raises JobReportError: (50115) when the file ends too early, cannot be used, or hides a failure whose code is
        lost; what was complete is in the report then, too
    """
    result = parse(xmlFile)
    filler = ReportFiller(reportInstance)
    untold = _untoldFailures(result)
    filler.fill(result.report.items, [(error.exitStatus, "FrameworkError", error.message) for error in untold
                                      if error.exitStatus])
    problems = result.report.problems
    if result.status != COMPLETE or result.errors or problems:
        filler.note({"status": result.status, "repairs": [repair.toDict() for repair in result.repairs],
                     "errors": [error.toDict() for error in result.errors], "problems": list(problems)})
    if result.status in (TRUNCATED, UNUSABLE) or not all(error.exitStatus for error in untold):
        from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
        raise JobReportError(xmlFile, result.errors[0])


def _untoldFailures(result):
    """
    List the failures of which no element tells.

    An orderly end after a signal is none: it is an element of its own, and it is for who sent the signal to say.
    """
    untold = [error for error in result.errors if error.kind == FAILURE_TRACE]
    if untold and result.status == COMPLETE and any(item.name == "ShutdownSignal" for item in result.report.items):
        untold = [error for error in untold if error.exitStatus]
    return untold


def castXrdSiteStatistics(summRep, name, site, value):
    """
    Add what a site measured to a metric that a section has for all sites.

    :param summRep: ConfigSection
    :param name: str, the metric
    :param site: str, the site
    :param value: str, as written
    :return: list of dict of site and value, to be set as the metric
    """
    return withSite(summRep.dictionary_().get(name), site, value)


def childrenMatching(node, nname):
    """
    Select children by their name.

    :param node: object with children that have a name
    :param nname: str
    :return: list
    """
    return [child for child in node.children if child.name == nname]
