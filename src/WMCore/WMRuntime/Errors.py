"""
One error base, one table of the exit codes this runtime sets, and one of what decides a step's code.

A process keeps eight bits of its exit code, WMCore's codes have five digits: the full code lives in the
reports and in the errors below, the process status is its image modulo 256.

Named tuples, no attrs classes: whatever can fail imports this, and to import attrs takes longer than most of that.
"""
import collections

SITE, INFRASTRUCTURE, PAYLOAD, USER, RUNTIME = "site", "infrastructure", "payload", "user", "runtime"


class ExitCode(collections.namedtuple("ExitCode", "code name meaning category retryable setBy")):
    """
    Describe one exit code.

    :param code: int, the full code as it stands in reports
    :param name: str, the error type written beside it
    :param meaning: str, one sentence for the people who debug jobs
    :param category: str, who can mend it: site, infrastructure, payload, user or runtime
    :param retryable: bool, whether the same job may succeed elsewhere or later
    :param setBy: str, the station that sets it
    """
    __slots__ = ()

    @property
    def processStatus(self):
        """
        Give the status a process ends with when this is its exit code.

        :return: int, the code modulo 256, and 1 where that would be 0: a failure never looks like success
        """
        return processStatus(self.code)


def processStatus(code):
    """
    Fold a full exit code into the eight bits a process keeps.

    :param code: int, full exit code; 0 is success
    :return: int from 0 to 255, 0 only for 0
    """
    code = int(code)
    return (code & 255 or 1) if code else 0


def signalOfStatus(status):
    """
    Tell which signal the status of a shell stands for.

    :param status: int
    :return: int, or None when it stands for none
    """
    return status - 128 if 128 < status <= 192 else None


# The numbers of Bootstrap were 11001 to 11003, which are also the wrapper's (#7273): they have their own
# now, and their messages name the old ones. 11008 stays unused: its low byte is 0, success.
_ROWS = (
    (7002, "ConfigFileReadError", "No executable of the release can run the PSet, or cmsRun cannot read it.", USER,
     False, "CMSSW step, cmsRun"),
    (8901, "UnexpectedJobTermination", "cmsRun was ended before it could finish its report.", PAYLOAD, True, "cmsRun"),
    (11001, "NoSandboxArgument", "The wrapper got no sandbox argument.", INFRASTRUCTURE, False, "submit_py3.sh"),
    (11002, "NoJobIndexArgument", "The wrapper got no job index argument.", INFRASTRUCTURE, False, "submit_py3.sh"),
    (11003, "NoCmssetDefault", "No cmsset_default.sh under VO_CMS_SW_DIR, OSG_APP, CVMFS or /cvmfs.", SITE, True,
     "submit_py3.sh"),
    (11004, "NoCompPython", "No COMP python3 area fits the operating system and the CPU.", SITE, True,
     "submit_py3.sh"),
    (11005, "PythonNotRunnable", "COMP python3 areas were found, but none of their pythons starts.", SITE, True,
     "submit_py3.sh"),
    (11006, "UnpackFailed", "The sandbox or the job package could not be unpacked.", INFRASTRUCTURE, True,
     "submit_py3.sh, Unpacker"),
    (11007, "NoReportOfItsOwn", "The job ended before any station could write a report.", SITE, True,
     "submit_py3.sh"),
    (11011, "JobPackageError", "JobPackage.pcl could not be loaded (was 11001).", INFRASTRUCTURE, True, "Bootstrap"),
    (11012, "JobIndexError", "WMSandbox.JobIndex could not be imported (was 11002).", INFRASTRUCTURE, True,
     "Bootstrap"),
    (11013, "JobExtractionError", "The job index is not in the job package (was 11003).", INFRASTRUCTURE, False,
     "Bootstrap"),
    (11014, "RuntimeEnvironmentError", "The python, the container or the wheels the job asks for cannot be had.", SITE,
     True, "Startup"),
    (11101, "TaskLookupError", "Looking the task up in the workload failed.", INFRASTRUCTURE, False, "Bootstrap"),
    (11102, "TaskNotFound", "The workload has no task of the job's name.", INFRASTRUCTURE, False, "Bootstrap"),
    (11103, "TaskNotInJob", "The job does not say which task it belongs to.", INFRASTRUCTURE, False, "Bootstrap"),
    (50110, "ExecutableNotFound", "The step's executable does not exist.", PAYLOAD, False, "CMSSW step"),
    (50111, "ExecutableBadPermissions", "The step's executable may not be executed.", PAYLOAD, False, "CMSSW step"),
    (50115, "BadJobReportXML", "cmsRun left no readable FrameworkJobReport.xml.", PAYLOAD, True, "CMSSW step"),
    (50116, "MissingErrorReport", "cmsRun failed and its report does not say why.", PAYLOAD, True, "CMSSW step"),
    (50513, "ScramSetupFailure", "The release's environment or a script before cmsRun failed.", SITE, True,
     "CMSSW step"),
    (50660, "PerformanceKill", "The payload used too much memory and was stopped.", PAYLOAD, False, "Watchdog"),
    (50664, "PerformanceKill", "The payload took too much wall clock time and was stopped.", PAYLOAD, False,
     "Watchdog"),
    (50669, "StoppedBySignal", "The job was told to stop by a signal.", INFRASTRUCTURE, True, "Startup"),
    (60307, "StageOutFailure", "An output file could not be staged out.", SITE, True, "StageOut"),
    (60311, "LocalStageOutFailure", "The site's stage-out command failed.", SITE, True, "StageOut"),
    (60312, "LogStageInFailure", "A log archive could not be fetched for collection.", SITE, True, "LogCollect"),
    (60313, "DeleteFailure", "A file that is no longer needed could not be deleted.", SITE, True, "DeleteFiles"),
    (60315, "StageOutInitialisationError", "The site's stage-out configuration cannot be used.", SITE, True,
     "StageOut"),
    (60319, "AlcaHarvestStageOutFailure", "A file of conditions could not be staged out.", SITE, True,
     "AlcaHarvest"),
    (60401, "DirectToMergeFailure", "The LFN of an output to be merged directly cannot be made.", RUNTIME, False,
     "StageOut"),
    (60403, "StageOutTimeout", "Staging an output file out took too long.", SITE, True, "StageOut"),
    (60404, "LogStageOutTimeout", "Staging a log archive out took too long.", SITE, True, "LogArchive"),
    (60405, "LogStageOutFailure", "A log archive could not be staged out.", SITE, True, "LogArchive"),
    (60407, "LogStageInTimeout", "Fetching a log archive for collection took too long.", SITE, True, "LogCollect"),
    (60408, "LogCollectStageOutFailure", "The collected logs could not be staged out.", SITE, True, "LogCollect"),
    (60409, "LogCollectStageOutTimeout", "Staging the collected logs out took too long.", SITE, True, "LogCollect"),
    (60450, "NoOutput", "The report of a successful cmsRun names no output file.", PAYLOAD, False, "CMSSW step"),
    (60451, "NoChecksum", "An output file has no adler32 checksum.", RUNTIME, True, "CMSSW step"),
    (70318, "DQMUploadFailure", "The upload to the DQM server failed.", INFRASTRUCTURE, True, "DQMUpload"),
    (70452, "NoRunLumi", "An output file has no run and lumi sections.", PAYLOAD, False, "CMSSW step"),
    (99108, "StepSkipped", "The step was not run because one before it failed.", RUNTIME, True, "CMSSW step"),
    (99109, "UncaughtException", "An error in the runtime itself ended the step.", RUNTIME, True, "ExecuteMaster"),
    (99996, "ReportManipulatingError", "A step left no report.", RUNTIME, True, "Startup"),
)

EXIT_CODES = {row[0]: ExitCode(*row) for row in _ROWS}


def exitCodeInfo(code):
    """
    Look an exit code up.

    :param code: int, full exit code; None for none
    :return: ExitCode; for a code the table does not have, what its range tells: cmsRun's own, a signal, unknown
    """
    if code in EXIT_CODES:
        return EXIT_CODES[code]
    code = code or 0
    if 7000 <= code < 10000:
        # EDMException.h of CMSSW; WMExceptions.WM_JOB_ERROR_CODES words them one by one.
        return ExitCode(code, "CmsRunError", "cmsRun ended with an error of its own.", PAYLOAD, False, "cmsRun")
    number = signalOfStatus(code)
    if number:
        return ExitCode(code, "Signal%d" % number, "Signal %d ended the payload." % number, PAYLOAD, True, "CMSSW step")
    return ExitCode(code, "Unknown", "Not a code this runtime sets.", PAYLOAD, False, "unknown")


PLACEHOLDER = 8901
STOPPED = 50669
NO_CODE = 99999


def isRealCode(code):
    """
    Tell whether a code out of a report says what went wrong.

    :param code: int, or None for an error that has none
    :return: bool; False for none, 0, 99999, and for the placeholder that cmsRun keeps in its report while it runs
    """
    return code not in (None, 0, NO_CODE, PLACEHOLDER)


#: The one order of precedence of the runtime, the strongest cause first: its name, why it stands where it stands, and
#: what gives its code, None when it is not the cause; see exitCause for the arguments.
EXIT_RULES = (
    ("watchdog", "the runtime ended the payload itself and knows why; all that follows is an echo of it",
     lambda status, codes, watchdog, stop: watchdog or None),
    ("stopSignal", "whatever the payload says while it is being stopped is an echo of that, too",
     lambda status, codes, watchdog, stop: STOPPED if stop else None),
    ("reportCode", "four digits say more than the eight bits of a process, whether they match or not; "
                   "CRAB: the report's code unless it is 0 (CRABServer#7571)",
     lambda status, codes, watchdog, stop: next(filter(isRealCode, codes), None)),
    ("payloadSignal", "a report that names no error never hides that a signal ended the payload",
     lambda status, codes, watchdog, stop: status if signalOfStatus(status) else None),
    ("processStatus", "nor that it failed (#10749); a status that is but the placeholder's says nothing new",
     lambda status, codes, watchdog, stop:
     status or None if PLACEHOLDER not in codes or status != processStatus(PLACEHOLDER) else None),
    ("placeholder", "the report was never finished, and nothing tells why",
     lambda status, codes, watchdog, stop: PLACEHOLDER if PLACEHOLDER in codes else None),
    ("errorWithoutCode", "an error is a failure even when it has no code",
     lambda status, codes, watchdog, stop: NO_CODE if codes else None),
    ("success", "nothing says otherwise", lambda status, codes, watchdog, stop: 0),
)


class ExitCause(collections.namedtuple("ExitCause", "cause code")):
    """
    Hold what decided an exit code.

    :param cause: str, as in EXIT_RULES
    :param code: int, full exit code
    """
    __slots__ = ()

    @property
    def rank(self):
        """Give the place of the cause in EXIT_RULES, 0 for the strongest."""
        return [cause for cause, _reason, _find in EXIT_RULES].index(self.cause)


def exitCause(processStatus=0, reportCodes=(), watchdogCode=None, stopSignal=None):
    """
    Choose the exit code of a step out of all that is known of its end.

    :param processStatus: int, how the payload ended as a shell gives it (128 + number for a signal); 0 for success
    :param reportCodes: sequence of int, the codes in the job report in their order; None for an error without one
    :param watchdogCode: int, full code when the runtime ended the payload on purpose, else None
    :param stopSignal: int, the signal that told the job to stop, or None
    :return: ExitCause; its code is 0 only when the process ended with 0 and nothing else speaks of a failure
    """
    found = ((cause, find(processStatus, reportCodes, watchdogCode, stopSignal)) for cause, _reason, find in EXIT_RULES)
    return next(ExitCause(cause, code) for cause, code in found if code is not None)  # "success" always has one


def errorRank(code):
    """
    Rank an error of a report by its code alone, by the same order.

    :param code: int, or None for an error without one
    :return: int, smaller for a stronger cause
    """
    byWatchdog = code in EXIT_CODES and EXIT_CODES[code].setBy == "Watchdog"
    return exitCause(watchdogCode=byWatchdog and code, stopSignal=code == STOPPED, reportCodes=[code]).rank


class WMRuntimeError(Exception):
    """
    Tell what happened, to which file, and what to do.

    :param code: int, full exit code from the table; None for an error outside a job, of a tool
    :param message: str, what happened
    :param context: str, which file, what was expected, what was found
    :param hint: str, what to do about it
    """

    def __init__(self, code, message, context="", hint=""):
        super(WMRuntimeError, self).__init__(code, message, context, hint)
        info = exitCodeInfo(code)
        self.code = code
        self.name = info.name
        self.category = info.category
        self.retryable = info.retryable
        self.message = message
        self.context = context
        self.hint = hint

    def __str__(self):
        lines = [self.message if self.code is None else "%s [%s %s]" % (self.message, self.code, self.name)]
        if self.context:
            lines.append("  %s" % self.context)
        if self.hint:
            lines.append("  what to do: %s" % self.hint)
        return "\n".join(lines)


class JobTerminated(BaseException):
    """
    Say that a signal asked the job to stop.

    A BaseException, because ExecuteMaster catches every Exception of a step, logs it and goes on with
    the next one: a job that was told to stop must not.

    :param signalNumber: int, the signal received
    """

    def __init__(self, signalNumber):
        super(JobTerminated, self).__init__(signalNumber)
        self.signalNumber = signalNumber

    def __str__(self):
        return "the job was told to stop by signal %s" % self.signalNumber
