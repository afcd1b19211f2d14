"""
Read cmsRun's job report into a step's report once, and remember how that went.

Parsing it again adds every input and output file a second time, so the executor and the diagnosis of
its failure share this record.
"""
import attr

from WMCore.WMRuntime.Payload.StepErrors import errorCodes


@attr.s(frozen=True)
class JobReportRead(object):
    """
    Hold how reading a job report went.

    :param path: str, the XML file
    :param codes: tuple of int or None, the codes of the errors it added to the step, the complete ones of a
        damaged report too
    :param problem: Exception that made it unreadable, or only readable in part; None when all of it was read
    """
    path = attr.ib()
    codes = attr.ib(default=())
    problem = attr.ib(default=None)


def readJobReport(report, path, stepName):
    """
    Parse a job report into the report of a step.

    :param report: WMCore.FwkJobReport.Report.Report
    :param path: str, FrameworkJobReport.xml
    :param stepName: str
    :return: JobReportRead, with the problem when it cannot be parsed
    """
    before = len(errorCodes(report.retrieveStep(stepName)))
    problem = None
    try:
        report.parse(path, stepName)
    except Exception as ex:  # whatever a broken file does to the parser is a finding about the file
        problem = ex
    return JobReportRead(path, errorCodes(report.retrieveStep(stepName))[before:], problem)
