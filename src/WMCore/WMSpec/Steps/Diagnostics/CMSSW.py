"""
Say in the step's report why a CMSSW step failed.

Each handler takes the exit code, the executor and the exception, and adds errors to the report. None of
them needs a log or a job report to be there, and none raises for the lack of one.
"""
import logging
import os
import socket

from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.Payload.JobReportRead import JobReportRead, readJobReport
from WMCore.WMRuntime.Payload.LogTail import cleanText, tail
from WMCore.WMRuntime.Payload.StepErrors import strongestFirst

with needsWMCore(__name__):
    from WMCore.WMSpec.Steps.Diagnostic import Diagnostic, DiagnosticHandler

DEFAULT_TAIL_LINES_FROM_LOG = 25


def _jobReportPath(executor):
    return os.path.join(executor.step.builder.workingDir, executor.step.output.jobReport)


def _logTail(executor, stream, lines, words=None):
    """Give the end of one of cmsRun's logs under a heading; an empty text when there is no such log."""
    path = os.path.join(os.path.dirname(_jobReportPath(executor)), "%s-%s.log" % (executor.stepName, stream))
    if not os.path.exists(path):
        logging.error("No %s from CMSSW: %s does not exist", stream, path)
        return ""
    heading = "%s of CMSSW %s:\n" % (words or "\n Adding last %s lines" % lines, stream)
    try:
        return heading + tail(path, lines)
    except OSError as ex:
        return heading + "(not readable: %s)\n" % ex


def _logTails(executor):
    return "".join(_logTail(executor, stream, DEFAULT_TAIL_LINES_FROM_LOG) for stream in ("stderr", "stdout"))


def _addError(executor, code, name, details):
    executor.report.addError(executor.stepName, code, name, cleanText(details))
    strongestFirst(executor.report.retrieveStep(executor.stepName))


def _addBadReport(executor, read):
    _addError(executor, 50115, "BadFWJRXML",
              "Error reading XML job report file, possibly corrupt XML File:\nDetails: %s" % read.problem)


def _readJobReport(executor):
    """
    Read cmsRun's job report, unless the executor has: a second time doubles its files in the report.

    :return: JobReportRead; None when there is no job report
    """
    path = _jobReportPath(executor)
    if not os.path.exists(path):
        return None
    read = getattr(executor, "jobReportRead", None)
    if not isinstance(read, JobReportRead):
        read = readJobReport(executor.report, path, executor.stepName)
    if read.problem is not None:
        logging.error("%s cannot be read: %s", path, read.problem)
    return read


class Exit127(DiagnosticHandler):
    """Report an executable that does not exist."""

    def __call__(self, errCode, executor, **args):
        _addError(executor, 50110, "ExecutableNotFound",
                  "Executable Not Found at host: %s%s" % (socket.getfqdn(), args.get('ExceptionInstance') or ""))


class Exit126(DiagnosticHandler):
    """Report an executable that may not be executed."""

    def __call__(self, errCode, executor, **args):
        _addError(executor, 50111, "ExecutableBadPermissions",
                  "Executable permissions not executable at host: %s%s"
                  % (socket.getfqdn(), args.get('ExceptionInstance') or ""))


class Exit50513(DiagnosticHandler):
    """Report that SCRAM or a script before cmsRun failed; the step must fail, as cmsRun never ran."""

    def __call__(self, errCode, executor, **args):
        exception = args.get('ExceptionInstance')
        # A PSet that cannot be set up has the number of a failing SCRAM, but not its name (CRABServer#5572).
        name, text = ("PreScriptFailure", "A script before cmsRun failed!") \
            if getattr(exception, "name", None) == "PreScriptFailure" \
            else ("SCRAMScriptFailure", "SCRAM scripts failed to run!")
        _addError(executor, 50513, name, "%s\n%s" % (text, exception or ""))
        if executor.report.report.status == 0:
            executor.report.report.status = 1


class CMSDefaultHandler(DiagnosticHandler):
    """Report a failure that has no handler of its own; its code is a full one as a rule."""

    def __call__(self, errCode, executor, **args):
        logging.critical("%s Diagnostic Handler invoked", self.__class__.__name__)
        exception = args.get('ExceptionInstance')
        description = getattr(exception, 'detail', "Misc. CMSSW error")
        msg = "Error in CMSSW: %s\n%s" % (errCode, exception or "")

        read = _readJobReport(executor)
        unreadable = read is not None and read.problem is not None
        if unreadable and errCode == 50115:
            _addBadReport(executor, read)
        _addError(executor, errCode, cleanText(description), msg + _logTails(executor))
        if unreadable and errCode != 50115:
            _addBadReport(executor, read)
        if read is not None:
            executor.report.retrieveStep(executor.stepName).status = errCode


class CMSRunHandler(DiagnosticHandler):
    """
    Report one of the codes cmsRun itself ends with.

    :param code: int, the full code that stands for cmsRun's status
    :param desc: str, the type of the error
    """

    def __init__(self, code, desc):
        DiagnosticHandler.__init__(self)
        self.code = code
        self.desc = desc

    def __call__(self, errCode, executor, **args):
        logging.critical("%s Diagnostic Handler invoked", self.__class__.__name__)
        read = _readJobReport(executor)
        _addError(executor, self.code, self.desc,
                  "Exit %s: %s Exception from cmsRun%s" % (self.code, self.desc, _logTails(executor)))
        if read is not None:
            if read.problem is not None:
                # After the payload's own code, which is what the step is judged by (#9333, #9009).
                _addBadReport(executor, read)
            executor.report.retrieveStep(executor.stepName).status = self.code


class EDMExceptionHandler(DiagnosticHandler):
    """Report a status cmsRun gave no name to, and what its job report has to say about it."""

    def __call__(self, errCode, executor, **args):
        addOn = "\n" + _logTail(executor, "stderr", 10, "\nAdding last ten lines")
        _addError(executor, errCode, "CMSSWStepFailure",
                  "%s%s" % (_logTail(executor, "stdout", DEFAULT_TAIL_LINES_FROM_LOG), args.get('ExceptionInstance')))

        read = _readJobReport(executor)
        if read is None:
            _addError(executor, 50115, "MissingJobReport", "No Job Report Found: %s" % _jobReportPath(executor))
            return
        if read.problem is not None:
            _addBadReport(executor, read)
        elif not read.codes:
            _addError(executor, 50116, "MissingErrorReport",
                      "Job Report contains no error report, but cmsRun exited non-zero: %s%s" % (errCode, addOn))
            return
        _addError(executor, 99999, "ErrorLoggingAddition", "Adding extra error in order to hold error report" + addOn)


class CMSSW(Diagnostic):
    """Choose the handler for an exit code."""

    def __init__(self):
        Diagnostic.__init__(self)
        self.handlers[50513] = Exit50513()
        self.handlers[126] = Exit126()
        self.handlers[127] = Exit127()
        # The executor looks before it runs anything; where it could not, main.sh ends with 127.
        self.handlers[50110] = self.handlers[127]
        self.handlers[65] = CMSRunHandler(8001, "CMSException")
        self.handlers[66] = CMSRunHandler(8002, "StdException")
        self.handlers[67] = CMSRunHandler(8003, "UnknownException")
        self.handlers[68] = CMSRunHandler(8004, "StdBadAlloc")
        self.handlers[88] = CMSRunHandler(7000, "CommandLineProcessing")
        self.handlers[89] = CMSRunHandler(7001, "ConfigFileNotFound")
        self.handlers[90] = CMSRunHandler(7002, "ConfigFileReadError")
        self.defaultHandler = CMSDefaultHandler()

        # What is left of a process's status; 255 is no cmsRun's, it goes to the default handler.
        catchAll = EDMExceptionHandler()
        for code in range(255):
            self.handlers.setdefault(code, catchAll)
