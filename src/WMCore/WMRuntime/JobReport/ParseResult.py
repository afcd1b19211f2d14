"""
What reading a job report gave: the model, how far it can be trusted, and what was done to read it.
"""
import attr

from WMCore.WMRuntime.Errors import PLACEHOLDER as PLACEHOLDER_CODE, exitCause
from WMCore.WMRuntime.JobReport.Element import Value
from WMCore.WMRuntime.JobReport.ReportAttempt import (COMPLETE, DEFAULT_CODE, PLACEHOLDER, REPAIRED, TRUNCATED,
                                                      UNUSABLE, exitCodeOf, reportedCode)

STATUSES = (COMPLETE, PLACEHOLDER, REPAIRED, TRUNCATED, UNUSABLE)


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class Repair(Value):
    """
    Tell of one kind of repair; the file itself is never changed.

    :param kind: str, what was repaired: one of the kinds of Sanitiser, or "garbageAtEnd"
    :param count: int, how many times; for "garbageAtEnd" the bytes left out
    :param offset: int, byte of the file where the first one was
    """
    kind = attr.ib(type=str)
    count = attr.ib(type=int)
    offset = attr.ib(type=int)

    def describe(self):
        """
        Say it in a line.

        :return: str
        """
        return "%s: %d, first at byte %d" % (self.kind, self.count, self.offset)


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class ReadError(Value):
    """
    Tell of a trouble that could not be repaired.

    :param kind: str, the kind of XmlTrouble ("malformed", "truncated", "doctype", "tooLarge", "notAReport"...),
        "noFile" for a file that is not there, "unreadable" for one that is no regular file or that the system does not
        let be read to its end, "empty", or a constant of FailureSigns
    :param message: str, what was found and what was expected
    :param line: int, from 1; None when unknown
    :param column: int, from 0; None when unknown
    :param offset: int, byte of the file; None when unknown
    :param elementsSeen: int, direct children of the root that were complete before it; None when that says nothing
    :param exitStatus: int, the code of an error that is not readable as an element; None when there is none
    """
    kind = attr.ib(type=str)
    message = attr.ib(type=str)
    line = attr.ib(default=None)
    column = attr.ib(default=None)
    offset = attr.ib(default=None)
    elementsSeen = attr.ib(default=None)
    exitStatus = attr.ib(default=None)

    def describe(self):
        """
        Say where it is and how much came before it, in a line.

        :return: str, empty when nothing is known
        """
        known = (("line", self.line), ("column", self.column), ("byte", self.offset))
        places = ", ".join("%s %d" % (name, value) for name, value in known if value is not None)
        place = "at %s" % places if places else ""
        seen = "" if self.elementsSeen is None else "%d complete element%s before it" % (
            self.elementsSeen, "" if self.elementsSeen == 1 else "s")
        return "; ".join(part for part in (self.kind, place, seen) if part)


@attr.s(frozen=True, eq=False)
class ParseResult(object):
    """
    Hold what ReportParser.parse made of a file.

    :param report: FrameworkJobReport, everything that was complete; empty when nothing was
    :param status: str, one of STATUSES. COMPLETE: strictly read to its end. PLACEHOLDER: the last error is 8901, cmsRun
        still runs or was killed. REPAIRED: read to its end after the repairs named. TRUNCATED: complete elements
        before the trouble. UNUSABLE: not one element.
    :param repairs: tuple of Repair, empty unless REPAIRED (or repaired and still TRUNCATED or PLACEHOLDER)
    :param errors: tuple of ReadError: why the file is not whole, and signs of a failure no element tells of
    :param path: str, the file
    :param size: int, its bytes; None when it is not there
    """
    report = attr.ib()
    status = attr.ib(type=str, validator=attr.validators.in_(STATUSES))
    repairs = attr.ib(type=tuple, default=())
    errors = attr.ib(type=tuple, default=())
    path = attr.ib(type=str, default="")
    size = attr.ib(default=None)

    @property
    def elementCodes(self):
        """
        Read the codes of the errors that are elements of the report.

        :return: list of int above 0
        """
        return [errorCode(error) for error in self.report.errors]

    @property
    def failed(self):
        """
        Say whether the job failed as far as this file can tell.

        A file that is not whole may have lost the error, which cmsRun writes late: it never says success.

        :return: bool; False only for a file read to its end, without any error in it or sign of one
        """
        return self.status not in (COMPLETE, REPAIRED) or bool(self.errors) or bool(self.report.errors)

    @property
    def exitCode(self):
        """
        Choose the exit code the report gives.

        :return: int, the strongest as Errors.exitCause has it, 8001 when all there is are errors with the code 0, and 0
            when the report names no code: see `failed`, a damaged report may tell a failure and no code
        """
        codes = [reportedCode(error.exitStatus) for error in self.report.errors]
        codes += [error.exitStatus for error in self.errors if error.exitStatus is not None]
        if not codes and self.status == PLACEHOLDER:
            return PLACEHOLDER_CODE
        return exitCause(reportCodes=codes).code if any(codes) or not codes else DEFAULT_CODE

    def toDict(self):
        """
        Give everything but the path in types JSON knows.

        :return: dict
        """
        return {"status": self.status, "failed": self.failed, "exitCode": self.exitCode, "size": self.size,
                "repairs": [repair.toDict() for repair in self.repairs],
                "errors": [error.toDict() for error in self.errors], "report": self.report.toDict()}


def errorCode(error):
    """
    Read the code of an error that is an element of the report.

    :param error: FrameworkError
    :return: int above 0, see ReportAttempt.exitCodeOf
    """
    return exitCodeOf(error.exitStatus)
