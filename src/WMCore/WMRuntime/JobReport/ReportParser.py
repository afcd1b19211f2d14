"""
Read a FrameworkJobReport.xml: all of it when it is sound, else what is whole; never a success that is none.
"""
from WMCore.WMRuntime.JobReport.FailureTraces import SHUTDOWN, TERMINATION
from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
from WMCore.WMRuntime.JobReport.Limits import Limits
from WMCore.WMRuntime.JobReport.Model import FrameworkError, FrameworkJobReport
from WMCore.WMRuntime.JobReport.ParseResult import (COMPLETE, PLACEHOLDER, PLACEHOLDER_CODE, REPAIRED, TRUNCATED,
                                                    UNUSABLE, ParseResult, ReadError, errorCode)
from WMCore.WMRuntime.JobReport.ReportAttempt import ReportAttempt
from WMCore.WMRuntime.JobReport.ReportEnd import isRestOfPlaceholder
from WMCore.WMRuntime.JobReport.XmlTrouble import MALFORMED

FAILURE_TRACE = "failureTrace"
STRAY_TEXT = "strayText"
SHUTDOWN_SIGNAL = "shutdownSignal"


def parse(path, limits=Limits(), backend=None):
    """
    Read a report into a model, whatever is in the file; the file is only read.

    The ladder: strictly; when that fails, through a Sanitiser; when that is no better, the direct children of the root
    that were complete before the trouble. No step guesses structure.

    :param path: str, the report
    :param limits: Limits
    :param backend: str or None, as Reader.readElements takes it
    :return: ParseResult
    """
    attempt, values = _attempt(path, limits, backend)
    if attempt.trouble is not None and attempt.trouble.kind == MALFORMED:
        repaired, more = _attempt(path, limits, backend, sanitised=True)
        if repaired.wholeRoot or len(more) > len(values):
            attempt, values = repaired, more
    errors = _readErrors(attempt, values)
    return ParseResult(report=FrameworkJobReport(tuple(values)), status=_status(attempt, values, errors),
                       repairs=attempt.repairs, errors=errors, path=path, size=attempt.size)


def iterEvents(path, limits=Limits(), backend=None, sanitised=False):
    """
    Give the files, errors, performance reports and so on of a report as they complete; memory does not grow.

    :param path: str, the report
    :param limits: Limits
    :param backend: str or None, as Reader.readElements takes it
    :param sanitised: bool, whether to repair the usual damage on the way, as parse does when a strict reading failed
    :return: iterator of values of the model, in the order of the file
    :raises JobReportError: after everything that was complete, when the report is not whole, or shows traces of an
        error that none of the values was
    """
    attempt = ReportAttempt(path, limits, backend, sanitised)
    failures = []
    for value in attempt.values():
        if not failures and value.__class__ is FrameworkError:
            failures.append(value)
        yield value
    errors = _readErrors(attempt, failures)
    if not errors and not attempt.wholeRoot:
        errors = (_readError(attempt.trouble),)
    if errors:
        raise JobReportError(path, errors[0])


def _attempt(path, limits, backend, sanitised=False):
    """Read the report once; give the attempt and its values."""
    attempt = ReportAttempt(path, limits, backend, sanitised)
    return attempt, list(attempt.values())


def _readErrors(attempt, values):
    """Tell what is wrong with the report besides the errors that are elements of it."""
    errors = []
    if not attempt.wholeRoot:
        errors.append(_readError(attempt.trouble))
    codes = [errorCode(value) for value in values if value.__class__ is FrameworkError]
    if not [code for code in codes if code != PLACEHOLDER_CODE]:
        errors.extend(_traceErrors(attempt, codes))
    return tuple(errors)


def _readError(trouble):
    """Make a value of a reader's trouble."""
    return ReadError(trouble.kind, trouble.message, trouble.line, trouble.column, trouble.byteOffset,
                     trouble.elementsSeen)


def _traceErrors(attempt, codes):
    """Tell of failures that no element told of, and of their code; `codes` are the placeholder's at most."""
    real = [(offset, code) for offset, code in attempt.codes if code not in (0, PLACEHOLDER_CODE)]
    if real:
        offset, code = real[0]
        return [ReadError(FAILURE_TRACE, "an error with the exit status %d, in a part that is not readable" % code,
                          offset=offset, exitStatus=code)]
    if codes:
        return []
    if attempt.places:
        return [_trace(attempt)]
    if attempt.strayText:
        text = attempt.strayText
        return [ReadError(STRAY_TEXT, "text that belongs to no element: %.80r" % text.decode("utf-8", "replace"),
                          exitStatus=PLACEHOLDER_CODE if isRestOfPlaceholder(text) else None)]
    return []


def _trace(attempt):
    """Tell of the first word of a failure, and of the placeholder when it is one of the words."""
    offset, word = attempt.places[0]
    if word == SHUTDOWN:
        return ReadError(SHUTDOWN_SIGNAL, "cmsRun was stopped by a signal", offset=offset)
    placeholder = [one for one in attempt.places if one[1] == TERMINATION] or \
        [one for one in attempt.codes if one[1] == PLACEHOLDER_CODE]
    return ReadError(FAILURE_TRACE, "the word %s, though no readable element tells of a failure" % word, offset=offset,
                     exitStatus=PLACEHOLDER_CODE if placeholder else None)


def _status(attempt, values, errors):
    """Choose the status; see ParseResult."""
    if not attempt.wholeRoot:
        return TRUNCATED if values else UNUSABLE
    codes = [errorCode(value) for value in values if value.__class__ is FrameworkError]
    codes += [error.exitStatus for error in errors if error.exitStatus is not None]
    if codes and codes[-1] == PLACEHOLDER_CODE:
        return PLACEHOLDER
    return REPAIRED if attempt.repairs else COMPLETE
