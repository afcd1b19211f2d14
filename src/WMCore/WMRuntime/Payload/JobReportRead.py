"""
Read cmsRun's job report into a step's report once, and remember how that went.

Parsing it again adds every input and output file a second time, so the executor and the diagnosis of
its failure share this record.
"""
import attr


@attr.s(frozen=True)
class JobReportRead(object):
    """
    Hold how reading a job report went.

    :param path: str, the XML file
    :param errors: int, how many errors it added to the step
    :param problem: Exception that made it unreadable, or None
    """
    path = attr.ib()
    errors = attr.ib(default=0)
    problem = attr.ib(default=None)


def _errorCount(report, stepName):
    return getattr(getattr(report.retrieveStep(stepName), "errors", None), "errorCount", 0)


def readJobReport(report, path, stepName):
    """
    Parse a job report into the report of a step.

    :param report: WMCore.FwkJobReport.Report.Report
    :param path: str, FrameworkJobReport.xml
    :param stepName: str
    :return: JobReportRead, with the problem when it cannot be parsed
    """
    before = _errorCount(report, stepName)
    problem = None
    try:
        report.parse(path, stepName)
    except Exception as ex:  # whatever a broken file does to the parser is a finding about the file
        problem = ex
    return JobReportRead(path, _errorCount(report, stepName) - before, problem)
