"""
Read cmsRun's FrameworkJobReport.xml into WMCore's Report.

Takes the place of WMCore's module of this name: the same values on every good file, all that can be saved of a bad
one. Thin on purpose: reading is WMRuntime/JobReport, and so is filling.
"""
import gc

__all__ = ["xmlToJobReport", "castMetricValue", "castXrdSiteStatistics", "childrenMatching"]


def xmlToJobReport(reportInstance, xmlFile):
    """
    Fill a report from cmsRun's.

    :param reportInstance: WMCore.FwkJobReport.Report.Report, its current step is filled
    :param xmlFile: str, path of the file; it is never changed
    :raises JobReportError: (50115) when the file ends too early, cannot be used, or hides a failure whose code is
        lost; what was complete is in the report then, too
    """
    # Nothing of this leaves garbage in cycles, and to look for it in all that a job has loaded takes as long as to read.
    collects = gc.isenabled()
    gc.disable()
    try:
        _fill(reportInstance, xmlFile)
    finally:
        if collects:
            gc.enable()


def _fill(reportInstance, xmlFile):
    """Read the file and fill the report, with what only a damaged one needs imported for that alone."""
    from WMCore.WMRuntime.JobReport.ReportAttempt import COMPLETE, readReport
    from WMCore.WMRuntime.JobReport.ReportFiller import ReportFiller
    attempt, elements = readReport(xmlFile)
    filler = ReportFiller(reportInstance)
    isSound = attempt.status == COMPLETE and not attempt.errors
    if isSound:
        filler.fill(elements)
    if filler.sawProblems or not isSound:
        # Only such a report needs the model: importing it takes longer than all the rest.
        from WMCore.WMRuntime.JobReport.UnsoundReport import fillUnsound
        fillUnsound(filler, attempt, elements, xmlFile)


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
