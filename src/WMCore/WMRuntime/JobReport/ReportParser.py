"""
Read a FrameworkJobReport.xml into the model: all of it when it is sound, else what is whole; never a success that is
none.
"""
from WMCore.WMRuntime.JobReport.ElementBuilder import build
from WMCore.WMRuntime.JobReport.Model import FrameworkJobReport
from WMCore.WMRuntime.JobReport.ParseResult import ParseResult
from WMCore.WMRuntime.JobReport.Reading import Limits
from WMCore.WMRuntime.JobReport.ReportAttempt import ReportAttempt, readReport


def parse(path, limits=None, backend=None):
    """
    Read a report into a model, whatever is in the file; the file is only read.

    The ladder: strictly; when that fails, through a Sanitiser; when that is no better, the direct children of the root
    that were complete before the trouble. No step guesses structure.

    :param path: str, the report
    :param limits: Limits, None for the default ones
    :param backend: str or None, as Reader.readElements takes it
    :return: ParseResult
    """
    maxMessage = (limits or Limits()).maxMessage
    attempt, values = readReport(path, limits, backend, lambda element: build(element, maxMessage))
    return _result(attempt, values, path)


def resultOf(attempt, elements, path):
    """
    Make a model of elements that were read before.

    :param attempt: ReportAttempt
    :param elements: list of elements, from ReportAttempt.readReport
    :param path: str, the report
    :return: ParseResult
    """
    return _result(attempt, [build(element) for element in elements], path)


def iterEvents(path, limits=None, backend=None, sanitised=False):
    """
    Give the files, errors, performance reports and so on of a report as they complete; memory does not grow.

    :param path: str, the report
    :param limits: Limits, None for the default ones
    :param backend: str or None, as Reader.readElements takes it
    :param sanitised: bool, whether to repair the usual damage on the way, as parse does when a strict reading failed
    :return: iterator of values of the model, in the order of the file
    :raises JobReportError: after everything that was complete, when the report is not whole, or shows traces of an
        error that none of the values was
    """
    attempt = ReportAttempt(path, limits, backend, sanitised)
    maxMessage = (limits or Limits()).maxMessage
    for element in attempt.elements():
        yield build(element, maxMessage)
    if attempt.errors:
        # A sound report needs none.
        from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
        raise JobReportError(path, attempt.errors[0])


def _result(attempt, values, path):
    return ParseResult(report=FrameworkJobReport(tuple(values)), status=attempt.status, repairs=attempt.repairs,
                       errors=attempt.errors, path=path, size=attempt.size)
