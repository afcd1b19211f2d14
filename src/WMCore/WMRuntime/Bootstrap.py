"""
What WMAgent's, T0's and CRAB's code calls to find its way in a job: logging, the job, its task, its spaces.

The work is done in modules of one noun each; here are the names and signatures the others know.
"""
import logging
import threading

from WMCore.WMRuntime import JobLog
from WMCore.WMRuntime.NeedsWMCore import needsWMCore

with needsWMCore(__name__):
    from WMCore.WMException import WMException


class BootstrapException(WMException):
    """
    Say that a job cannot be set up.

    :param message: str
    :param code: int, full exit code, also in the report that was written; None when there is none
    """

    def __init__(self, message, code=None, **data):
        WMException.__init__(self, message, code, **data)
        self.code = code


def readFloatFromFile(filePath):
    """
    Read a number from the first line of a file.

    :param filePath: str
    :return: float, or None when there is none
    """
    from WMCore.WMRuntime.EarlyReport import readFloatFromFile as read
    return read(filePath)


def getSyncCE():
    """
    Find the computing element's name.

    :return: str
    """
    from WMCore.WMRuntime.EarlyReport import getSyncCE as find
    return find()


def establishTaskSpace(**args):
    """
    Give a task its space; the generated WMTaskSpace/__init__.py calls this.

    :param TaskName: str, path of the task
    :param Locator: function defined in the caller
    :return: TaskSpace
    """
    from WMCore.WMRuntime.TaskSpace import TaskSpace
    return TaskSpace(**args)


def establishStepSpace(**args):
    """
    Give a step its space; the generated WMTaskSpace/<step>/__init__.py calls this.

    :param TaskName: str, name of the task
    :param StepName: str
    :param Locator: function defined in the caller
    :return: StepSpace
    """
    from WMCore.WMRuntime.StepSpace import StepSpace
    return StepSpace(**args)


def locateWMSandbox():
    """
    Find the sandbox.

    :return: str, its directory with a slash at the end
    :raises BootstrapException: when WMSandbox cannot be imported
    """
    from WMCore.WMRuntime.JobDefinition import sandboxDirectory
    try:
        return sandboxDirectory() + "/"
    except ImportError as ex:
        raise BootstrapException("Error importing WMSandbox module: %s" % ex)


def _refuse(error, logLocation=None):
    """Write the report of a job that is not well defined, and end it."""
    createErrorReport(exitCode=error.code, errorType=error.name, errorDetails=str(error), logLocation=logLocation)
    raise BootstrapException(str(error), error.code)


def loadJobDefinition():
    """
    Load the job; on failure write its error report first.

    :return: Job
    :raises BootstrapException: 11011, 11012 or 11013
    """
    from WMCore.WMRuntime.JobDefinition import JobDefinitionError, readJob
    try:
        index, job = readJob()
    except JobDefinitionError as ex:
        _refuse(ex)
    logging.info("Job Index = %s\nJob Instance = %s\n", index, job)
    return job


def loadWorkload():
    """
    Load the workload.

    :return: WMWorkloadHelper
    :raises BootstrapException: when that fails
    """
    from WMCore.WMRuntime.JobDefinition import JobDefinitionError, readWorkload
    try:
        return readWorkload()
    except JobDefinitionError as ex:
        raise BootstrapException(str(ex), ex.code)


def loadTask(job):
    """
    Load the workload and look the job's task up; on failure write its error report first.

    :param job: Job
    :return: WMTaskHelper
    :raises BootstrapException: 11101, 11102 or 11103
    """
    from WMCore.WMRuntime.JobDefinition import JobDefinitionError, findTask, readWorkload
    try:
        return findTask(readWorkload(), job)
    except JobDefinitionError as ex:
        from WMCore.WMRuntime.EarlyReport import startDirectory
        from WMCore.WMRuntime.RetryCount import learnRetryCount
        _refuse(ex, "Report.%d.pkl" % learnRetryCount(startDirectory(), job=job))


def createWMRuntimeJson(outputPath, jobTypes=("Production", "Processing"), job=None, task=None):
    """
    Write runtimeInfo.json, what the job is going to do; a failure is logged and no more (#12426).

    :param outputPath: str, directory
    :param jobTypes: sequence of str, job types whose information goes to the log too
    :param job: Job; loaded when None
    :param task: WMTaskHelper; loaded when None
    """
    try:
        from WMCore.WMRuntime.JobDefinition import findTask, readJob, readWorkload
        from WMCore.WMRuntime.RuntimeInfo import describeJob, writeRuntimeInfo
        from WMCore.WMSpec.WMWorkload import WMWorkloadHelper
        job = readJob()[1] if job is None else job
        task = findTask(readWorkload(), job) if task is None else task
        information = describeJob(WMWorkloadHelper(task.getTopConfigSection()), task, job)
        text = writeRuntimeInfo(information, outputPath)
    except Exception:
        logging.exception("Cannot write the runtime information to %s; the job goes on without", outputPath)
        return
    if information["job_type"] in jobTypes:
        logging.info("runtime json = %s", text)


def createInitialReport(job, reportName):
    """
    Write the report that is brought back when the job ends before its steps do.

    :param job: Job
    :param reportName: str, Report.N.pkl
    """
    from WMCore.WMRuntime.EarlyReport import createInitialReport as create
    create(job, reportName)


def createErrorReport(exitCode, errorType, errorDetails=None, logLocation=None):
    """
    Write the report of a job that cannot start.

    :param exitCode: int, full exit code
    :param errorType: str
    :param errorDetails: str
    :param logLocation: str, Report.N.pkl; when None its number is learned, Report.0.pkl when nothing tells
    """
    from WMCore.WMRuntime.EarlyReport import createErrorReport as create
    create(exitCode, errorType, errorDetails, logLocation)


def setupLogging(logDir, logName=JobLog.LOG_NAME, useStdout=False):
    """
    Send the records of this process to a log file, or to standard output.

    :param logDir: str, directory of the file
    :param logName: str, its name
    :param useStdout: bool, write to standard output instead
    """
    JobLog.setupLogging(logDir, logName, useStdout)


def setupMonitoring(logName):
    """
    Make the watchdog of the job.

    :param logName: str, name of the report, Report.N.pkl
    :return: Watchdog, not started
    :raises BootstrapException: when it cannot be made
    """
    try:
        from WMCore.WMRuntime.Watchdog import Watchdog
        monitor = Watchdog(logPath=logName)
    except Exception as ex:
        raise BootstrapException("Error setting up Watchdog monitoring:\n%s: %s" % (type(ex).__name__, ex))
    # WMCore's ExecuteMaster looks for it on the function object, not on a thread.
    threading.currentThread.watchdogMonitor = monitor
    return monitor
