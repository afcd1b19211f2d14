"""
Put what can be saved of a job report that is not sound into WMCore's Report, with what is wrong with it.
"""
from WMCore.WMRuntime.JobReport.FailureSigns import SHUTDOWN_SIGNAL
from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
from WMCore.WMRuntime.JobReport.ReportAttempt import COMPLETE, TRUNCATED, UNUSABLE
from WMCore.WMRuntime.JobReport.ReportParser import resultOf
from WMCore.WMRuntime.JobReport.SignWatch import SHUTDOWN


def fillUnsound(filler, attempt, elements, path):
    """
    Fill a report from one that is damaged, or in which numbers are none, and note both.

    :param filler: ReportFiller; the elements of a complete report without errors are in it already
    :param attempt: ReportAttempt that has ended
    :param elements: list of elements it gave
    :param path: str, the file
    :raises JobReportError: (50115) when the file ends too early, cannot be used, or hides a failure whose code is lost
    """
    result = resultOf(attempt, elements, path)
    problems = result.report.problems
    if result.status != COMPLETE or result.errors:
        filler.fill(elements, _untoldErrors(result))
    elif not problems:
        return
    filler.note({"status": result.status, "repairs": [repair.toDict() for repair in result.repairs],
                 "errors": [error.toDict() for error in result.errors], "problems": list(problems)})
    if result.status in (TRUNCATED, UNUSABLE) or _hidesFailure(result):
        raise JobReportError(path, result.errors[0])


def _untoldErrors(result):
    """Give the error whose code is known though no element tells of it: of a damaged part, or a placeholder's rest."""
    code = result.exitCode
    if not code or code in result.elementCodes:
        return []
    return [(code, "FrameworkError", "\n".join(error.message for error in result.errors))]


def _hidesFailure(result):
    """
    Tell whether there was a failure of which no code is left.

    An orderly end after a signal is none: it is an element of its own, and it is for who sent the signal to say.
    """
    if not result.failed or result.exitCode:
        return False
    signalled = any(item.name == SHUTDOWN for item in result.report.items)
    return not signalled or result.status != COMPLETE or any(error.kind != SHUTDOWN_SIGNAL for error in result.errors)
