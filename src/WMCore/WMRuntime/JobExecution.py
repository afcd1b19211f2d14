"""
The stations of a job in the job directory, from its definition to its final report.

Whatever happens on the way, a report is left that says so.
"""
import logging
import os
import signal
import sys
import traceback

from WMCore.WMRuntime import Bootstrap, FinalReport, JobLog
from WMCore.WMRuntime.EarlyReport import withoutPlaceholder
from WMCore.WMRuntime.Errors import STOPPED, JobTerminated, exitCodeInfo, processStatus
from WMCore.WMRuntime.FinalReport import REPORT_ERROR, ReportPlaces
from WMCore.WMRuntime.ReportFile import loadReport
from WMCore.WMRuntime.RetryCount import learnRetryCount
from WMCore.WMRuntime.RuntimeInfo import addEnvironment
from WMCore.WMRuntime.StopSignals import StopSignals

UNCAUGHT = 99109


class JobExecution(object):
    """
    Run the job whose job directory is given.

    :param jobDir: str, absolute path; the current directory, and WMSandbox lies there
    :param environment: EnvironmentOutcome, what was done for what the job asks for; None when that is nothing
    """

    def __init__(self, jobDir, environment=None):
        self.jobDir = jobDir
        self.environment = environment
        self.startDir = os.path.realpath(os.path.join(jobDir, ".."))
        self.stepNames = []
        self.monitor = None
        self.places = self._placesFor(learnRetryCount(self.startDir))
        self.signals = StopSignals(lastResort=self._lastResort)

    def _placesFor(self, retryCount):
        return ReportPlaces(self.startDir, os.path.join(self.jobDir, "WMTaskSpace"), "Report.%d.pkl" % retryCount)

    def __call__(self):
        """
        Run the job.

        :return: int, the process status: 0 for success, else the low byte of the report's exit code or,
            after a signal, 128 plus its number
        """
        self._setUpLog()
        try:
            try:
                self.signals.install()
                return self._status(self._runStations().getExitCode())
            except BaseException as ex:
                self.signals.hold()
                return self._ended(ex)
        except JobTerminated as ex:
            # Between the failure and the hold.
            self.signals.hold()
            return self._stopped(ex.signalNumber)
        finally:
            self._shutDown()

    def _setUpLog(self):
        JobLog.setupStream(sys.stderr)
        # In the start directory, from where it is brought back.
        Bootstrap.setupLogging(self.startDir)
        logging.info("Process id: %s\tCurrent working directory: %s", os.getpid(), self.jobDir)
        logging.info("Python version: %s", sys.version)
        logging.info("Python path: %s", sys.path)
        for reason in self.environment.reasons if self.environment else ():
            logging.info("Environment: %s", reason)

    def _checkEnvironment(self):
        """Write the report of a job that does not get the environment it asks for, and end it."""
        error = self.environment.error if self.environment else None
        if isinstance(error, JobTerminated):
            raise error
        if error is not None:
            Bootstrap.createErrorReport(exitCode=error.code, errorType=error.name, errorDetails=str(error))
            raise Bootstrap.BootstrapException(str(error), error.code)

    def _runStations(self):
        self._checkEnvironment()
        logging.info("Loading job definition")
        job = Bootstrap.loadJobDefinition()
        self.places = self._placesFor(learnRetryCount(self.startDir, job=job))
        logging.info("Loading task")
        task = Bootstrap.loadTask(job)

        logging.info("Setting up monitoring")
        Bootstrap.createInitialReport(job=job, reportName=self.places.reportName)
        self.monitor = Bootstrap.setupMonitoring(logName=self.places.reportName)

        logging.info("Creating WM runtime information json")
        Bootstrap.createWMRuntimeJson(outputPath=self.jobDir, job=job, task=task)
        addEnvironment(self.jobDir, self.environment)

        logging.info("Building task at directory: %s", self.jobDir)
        self.stepNames = task.listAllStepNames()
        task.build(self.jobDir)

        logging.info("Executing task at directory: %s", self.jobDir)
        task.execute(job)

        # All steps have ended: a signal can no longer take anything from the job but its report.
        self.signals.hold()
        logging.info("Completing task at directory: %s", self.places.taskSpace)
        try:
            return FinalReport.completeTask(task, self.places)
        except Exception:
            return self._leaveFailure(REPORT_ERROR, "Completing the task failed:\n%s" % traceback.format_exc())

    def _leaveFailure(self, code, details):
        """Log a failure, put the report together and write it."""
        logging.error("%s [%s %s]", details, code, exitCodeInfo(code).name)
        report = FinalReport.reportFailure(self.places, self.stepNames, code, details)
        FinalReport.persistFinal(report, self.places)
        return report

    def _ended(self, error):
        """End a job that did not come to its last station."""
        if isinstance(error, JobTerminated):
            return self._stopped(error.signalNumber)
        if isinstance(error, Bootstrap.BootstrapException) and error.code is not None:
            # Bootstrap has written the report.
            logging.error("The job cannot be set up: %s", error)
            return self._status(error.code)
        return self._failed(error)

    def _failed(self, error):
        """End a job after an error that nobody has reported yet."""
        code = getattr(error, "code", None)
        code = code if isinstance(code, int) and code > 0xff else UNCAUGHT
        details = "The runtime ended with %s: %s\n%s" % (type(error).__name__, error, traceback.format_exc())
        return self._status(self._leaveFailure(code, details).getExitCode() or code)

    def _leaveStopped(self, number):
        """Put the report of a job that was told to stop together and write it."""
        reason = "The job was told to stop by signal %d (%s)" % (number, signal.Signals(number).name)
        logging.error("%s [%s %s]", reason, STOPPED, exitCodeInfo(STOPPED).name)
        try:
            directory = os.getcwd()
        except OSError:
            directory = self.jobDir
        report = FinalReport.reportStopped(self.places, self.stepNames, directory, reason)
        FinalReport.persistFinal(report, self.places)
        return report

    def _stopped(self, number):
        """End a job that was told to stop."""
        report = self._leaveStopped(number)
        logging.info("The report's exit code is %s, the process ends with %d", report.getExitCode(), 128 + number)
        return 128 + number

    def _lastResort(self, number):
        """Write the report in the main thread's stead, which did not get there in time."""
        logging.error("The runtime did not come to an end in time after signal %d", number)
        if self.signals.finishing and self._reportSaysWhy():
            return
        self._leaveStopped(number)

    def _reportSaysWhy(self):
        """Tell whether the main thread has written a report since it stopped running steps."""
        try:
            report = loadReport(self.places.start)
        except ValueError:
            return False
        return bool(report.data.completed or withoutPlaceholder(report).getExitCode())

    def _status(self, code):
        """Give the process status of an exit code; the code itself is in the log and in the report."""
        status = processStatus(code)
        logging.info("The job's exit code is %s (%s), the process ends with %d", code,
                     exitCodeInfo(code).name if code else "success", status)
        return status

    def _shutDown(self):
        """Stop the watchdog and let everybody of the group write to the logs, as WMAgent expects."""
        logging.info("Shutting down monitor")
        for descriptor in (1, 2):
            try:
                os.fchmod(descriptor, 0o664)
            except OSError as ex:
                logging.warning("Cannot make file descriptor %d group writable: %s", descriptor, ex)
        if self.monitor is not None and self.monitor.is_alive():
            self.monitor.shutdown()
        self.signals.ignore()
