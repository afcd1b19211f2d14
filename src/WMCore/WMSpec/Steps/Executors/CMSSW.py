"""
Run a CMSSW step on the worker node.

Thin on purpose: SCRAM is `WMRuntime/Tools/Scram`, scripts and cmsRun are run by `WMRuntime/Payload`. What is
here takes the settings out of the step and puts the outcome into its report.
"""
import logging
import os
import shlex

from WMCore.WMRuntime.Errors import PLACEHOLDER, WMRuntimeError, exitCause
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.Payload.CmsRun import payloadEnvironment, runPayload
from WMCore.WMRuntime.Payload.JobReportRead import readJobReport
from WMCore.WMRuntime.Payload.LogTail import cleanText
from WMCore.WMRuntime.Payload.MainScript import MainArguments, extraArguments
from WMCore.WMRuntime.Payload.PayloadExit import setupFailure, signalNote
from WMCore.WMRuntime.Payload.StepErrors import strongestFirst
from WMCore.WMRuntime.Payload.StepExecutable import chooseStepExecutable, noteInReport
from WMCore.WMRuntime.Payload.StepScript import runStepScript, scriptCommand, scriptSeconds
from WMCore.WMRuntime.RuntimeInfo import addStepInfo
from WMCore.WMRuntime.Tools.Scram import Scram, getSingleScramArch
from WMCore.WMRuntime.Tools.ScramArch import chooseScramArch, readRequiredOS

with needsWMCore(__name__):
    from WMCore.FwkJobReport.Report import addAttributesToFile
    from WMCore.WMExceptions import WM_JOB_ERROR_CODES
    from WMCore.WMSpec.Steps.Executor import Executor
    from WMCore.WMSpec.Steps.WMExecutionFailure import WMExecutionFailure
    from WMCore.WMSpec.WMStep import WMStepHelper


def analysisFileLFN(fileName, lfnBase, job):
    """
    Compose the LFN of a user's file.

    :param fileName: str, the file's name or path on the worker node
    :param lfnBase: str, directory of the LFN
    :param job: dict with the job's counter and workflow
    :return: str
    """
    root, extension = os.path.splitext(os.path.basename(fileName))
    return os.path.join(lfnBase, job['workflow'], 'output', "%s_%04d%s" % (root, job['counter'], extension))


def _setupFailed(name, details):
    """Compose the failure of what comes before cmsRun."""
    msg = "%s\nDetails: %s" % (WM_JOB_ERROR_CODES[50513], cleanText(str(details)))
    logging.critical(msg)
    return WMExecutionFailure(50513, name, msg)


def _whatIsMissing(codes):
    """Say what a job report that tells no cause has instead."""
    if PLACEHOLDER in codes:
        return "was not finished: it holds only the placeholder %d" % PLACEHOLDER
    return "names no error code"


class CMSSW(Executor):
    """
    Execute a CMSSW step: SCRAM, the scripts before cmsRun, cmsRun, and what its job report says.
    """

    def __init__(self):
        super(CMSSW, self).__init__()
        self.failedPreviousStep = None
        # What reading the job report gave, for the diagnosis of a failure.
        self.jobReportRead = None

    def _chirp(self, name, returnCode, returnMessage):
        """Tell HTCondor one exit code; that it cannot be told must not become the step's failure."""
        try:
            self.setCondorChirpAttrDelayed('Chirp_WMCore_%s_ExitCode' % name, returnCode)
            if returnMessage and returnCode != 0:
                self.setCondorChirpAttrDelayed('Chirp_WMCore_%s_Exception_Message' % name, returnMessage, compress=True)
        except Exception as ex:
            logging.error("Could not tell HTCondor the exit code of %s: %s", name, ex)
        logging.info("Step %s: Chirp_WMCore_%s_ExitCode %s", self.stepName, name, returnCode)

    def _setStatus(self, returnCode, returnMessage):
        """
        Tell HTCondor and the step the step's exit code.

        :param returnCode: int, full exit code
        :param returnMessage: str, or None
        """
        returnMessage = cleanText(returnMessage) if returnMessage else returnMessage
        # A step skipped with 99108 must not replace the code of the one that failed (#11349).
        if not self.failedPreviousStep:
            self._chirp("cmsRun", returnCode, returnMessage)
        self._chirp(self.stepName, returnCode, returnMessage)
        self.step.execution.exitStatus = returnCode

    def pre(self, emulator=None):
        """
        Fetch the step's files from the sandbox and have the PSet set up.

        :param emulator: emulator to do it instead, or None
        :return: name of the step to go to instead; None to go on
        """
        if emulator is not None:
            return emulator.emulatePre(self.step)
        logging.info("Steps.Executors.%s.pre called", self.__class__.__name__)

        if hasattr(self.step.application.configuration, 'configCacheUrl'):
            command = self.step.application.command
            for name in (command.configuration, command.psetTweak):
                if name:
                    self.stepSpace.getFromSandbox(name)
        if hasattr(self.step, "pileup"):
            self.stepSpace.getFromSandbox("pileupconf.json")
        self.step.runtime.preScripts.append("SetupCMSSWPset")
        return None

    def execute(self, emulator=None):
        """
        Run the step.

        :param emulator: emulator to do it instead, or None
        :return: what the emulator returns; else None
        :raises WMExecutionFailure: with the step's exit code
        """
        if emulator is not None:
            return emulator.emulate(self.step, self.job)
        logging.info("Steps.Executors.%s.execute called", self.__class__.__name__)

        self._checkPreviousStep()
        arch = self._chooseArch()
        self._logSettings()
        scram = self._setUpScram(arch)
        choice = self._chooseExecutable(scram)
        self._runScripts()
        self._runScramScripts(scram)
        self._runCmsRun(arch, choice)
        self._completeReport()
        return None

    def post(self, emulator=None):
        """
        Choose where to go on after the step.

        :param emulator: emulator to do it instead, or None
        :return: name of the step the workload names for errors; None to go on with the next
        """
        if emulator is not None:
            return emulator.emulatePost(self.step)
        logging.info("Steps.Executors.%s.post called", self.__class__.__name__)
        return self.errorDestination if self.report.getStepErrors(self.stepName) else None

    def _checkPreviousStep(self):
        overrides = self.step.override.dictionary_() if hasattr(self.step, 'override') else {}
        self.failedPreviousStep = overrides.get('previousCmsRunFailure', False)
        if self.failedPreviousStep:
            msg = WM_JOB_ERROR_CODES[99108]
            logging.critical(msg)
            self._setStatus(99108, msg)
            raise WMExecutionFailure(99108, "CmsRunFailure", msg)

    def _chooseArch(self):
        wanted = self.step.application.setup.scramArch
        try:
            arch = getSingleScramArch(wanted)
        except Exception as ex:
            raise _setupFailed("ScramSetupFailure", "choosing one of the scram archs %s: %s" % (wanted, ex))
        if arch is None and wanted:
            raise _setupFailed("ScramSetupFailure",
                               "none of the scram archs %s runs on this node: %s, machine ad %s: %s. The job needs a "
                               "node whose GLIDEIN_REQUIRED_OS and CPU fit one of them."
                               % (wanted, " ".join(os.uname()), os.environ.get("_CONDOR_MACHINE_AD", "missing"),
                                  chooseScramArch(wanted, readRequiredOS()).describe()))
        return arch

    def _logSettings(self):
        application = self.step.application
        multicore = getattr(application, "multicore", None)
        logging.info("CMSSW configured for %s cores and %s event streams",
                     getattr(multicore, "numberOfCores", "no number of"),
                     getattr(multicore, "eventStreams", "no number of"))
        gpu = getattr(application, "gpu", None)
        logging.info("CMSSW configured for GPU required: %s, with these settings: %s",
                     getattr(gpu, "gpuRequired", "not set"), getattr(gpu, "gpuRequirements", "not set"))

    def _setUpScram(self, arch):
        setup, directory = self.step.application.setup, self.step.builder.workingDir
        logging.info("Running SCRAM")
        try:
            scram = Scram(command=setup.scramCommand, version=setup.cmsswVersion,
                          initialise=setup.softwareEnvironment, directory=directory, architecture=arch,
                          scriptPython=getattr(self.step.runtime, "scriptPython", None),
                          shareWithin=os.path.dirname(os.path.abspath(directory)))
            # A negative status, a signal's, is a failure too.
            failed = scram.project() != 0 or scram.runtime() != 0
        except Exception as ex:
            raise _setupFailed("ScramSetupFailure", ex)
        if failed:
            raise _setupFailed("ScramSetupFailure", scram.diagnostic())
        return scram

    def _chooseExecutable(self, scram):
        try:
            choice = chooseStepExecutable(self.stepName, self.step.builder.workingDir, self.step.application.command,
                                          scram)
        except WMRuntimeError as ex:
            msg = cleanText(str(ex))
            logging.critical(msg)
            raise WMExecutionFailure(ex.code or 50513, ex.name, msg)
        noteInReport(self.report.retrieveStep(self.stepName), choice)
        return choice

    def _runScripts(self):
        logging.info("Running PRE scripts")
        for script in self.step.runtime.preScripts:
            run = runStepScript("WMTaskSpace.%s" % self.stepName, script, self.step.builder.workingDir,
                                timeout=scriptSeconds(self.step.runtime))
            if run.failure:
                msg = "Error running command\n%s\n%s\n%s\n" % (" ".join(run.args), run.failure, run.output)
                logging.critical("Error running command %s: %s", " ".join(run.args), run.failure)
                raise WMExecutionFailure(50513, "PreScriptFailure", msg)

    def _runScramScripts(self, scram):
        logging.info("RUNNING SCRAM SCRIPTS")
        runtime = self.step.runtime
        for script in runtime.scramPreScripts:
            if hasattr(runtime, 'invokeCommand'):
                command = "%s %s \n" % (runtime.invokeCommand, script)
            else:
                words = scriptCommand("WMTaskSpace.%s" % self.stepName, script)
                command = " ".join(shlex.quote(word) for word in words) + " \n"
            code = scram(command, runtimeDir=getattr(runtime, 'scramPreDir', None), timeout=scriptSeconds(runtime))
            if scram.scriptResolution is not None:
                addStepInfo(self.step.builder.workingDir, "scriptPythons", self.stepName,
                            scram.scriptResolution.toDict())
            if code != 0:
                msg = "Error running command\n%s\n%s\n %s" % (command, code, cleanText(str(scram.diagnostic())))
                logging.critical(msg)
                raise WMExecutionFailure(50513, "PreScriptScramFailure", msg)

    def _arguments(self, arch, executable):
        setup, command = self.step.application.setup, self.step.application.command
        try:
            extra = extraArguments(command.arguments)
        except ValueError as ex:
            raise _setupFailed("CmsRunArgumentsFailure", "the arguments for cmsRun, %r, are no shell words: %s"
                               % (command.arguments, ex))
        return MainArguments(setup.softwareEnvironment, arch, setup.scramCommand, setup.scramProject,
                             setup.cmsswVersion, self.step.output.jobReport, executable,
                             command.configuration, extra)

    def _jobReport(self):
        return os.path.join(self.step.builder.workingDir, self.step.output.jobReport)

    def _runCmsRun(self, arch, choice):
        workload = getattr(self.report.data, "workload", "unknown")
        run = runPayload(self.stepName, self.step.builder.workingDir, self._arguments(arch, choice.name),
                         payloadEnvironment(os.environ, workload), self.step.output.stdout, self.step.output.stderr,
                         remarks=choice.describe())
        child = run.child
        self.report.updateSubprocessInfo(child.sysTime, child.userTime, child.startTime, child.endTime)
        failure = setupFailure(run.exit, child)
        if failure:
            logs = os.path.join(self.step.builder.workingDir, self.step.output.stderr)
            failed = _setupFailed("ScramSetupFailure", "%s See %s" % (failure, logs))
            self._setStatus(50513, failed.detail)
            raise failed
        if child.shellCode != 0:
            raise self._cmsRunFailed(run)

    def _cmsRunFailed(self, run):
        """Compose the failure of a cmsRun that did not end with 0, with the code that says most."""
        status = run.child.shellCode
        self.jobReportRead = readJobReport(self.report, self._jobReport(), self.stepName)
        cause = exitCause(processStatus=status, reportCodes=self.jobReportRead.codes)
        message = None
        msg = "Error running cmsRun\n%s\n" % {'arguments': run.args}
        if cause.cause == "reportCode":
            message = self.report.getStepExitCodeAndMessage(stepName=self.stepName)[1]
            msg += "CMSSW Return code: %s\n" % cause.code
        else:
            # A report that cannot be read has trouble of its own, which comes second, as error 50115 (#9333).
            msg += "Linux Return code: %s%s\n" % (status, signalNote(status))
            if self.jobReportRead.problem is None:
                message = "cmsRun ended with status %s%s, but its job report %s" \
                          % (status, signalNote(status), _whatIsMissing(self.jobReportRead.codes))
                msg += message + "\n"
        if run.problem:
            msg += "The script's status file tells nothing: %s\n" % run.problem
        msg = cleanText(msg)
        logging.critical(msg)
        logging.critical("Error message: %s", message)
        self._setStatus(cause.code, message)
        return WMExecutionFailure(cause.code, "CmsRunFailure", msg)

    def _completeReport(self):
        """Read the job report of a successful cmsRun and add what the workload knows about its files."""
        self.jobReportRead = readJobReport(self.report, self._jobReport(), self.stepName)
        # A cmsRun that ends with 0 may still have written an error.
        code = exitCause(reportCodes=self.jobReportRead.codes).code
        strongestFirst(self.report.retrieveStep(self.stepName))
        if self.jobReportRead.problem is not None:
            msg = "%s\nDetails: %s" % (WM_JOB_ERROR_CODES[50115], cleanText(str(self.jobReportRead.problem)))
            self._setStatus(code or 50115, msg)
            raise WMExecutionFailure(50115, "BadJobReportXML", msg)
        self._setStatus(code, self.report.getStepExitCodeAndMessage(stepName=self.stepName)[1] if code else None)
        helper = WMStepHelper(self.step)
        self._addDatasetInfo(helper)

        self.report.checkForOutputFiles(stepName=self.stepName)
        self.report.checkForAdlerChecksum(stepName=self.stepName)
        self.report.checkForRunLumiInformation(stepName=self.stepName)

        if self.step.output.keep != True:  # noqa: E712: anything but True means not to keep it
            self.report.killOutput()
        else:
            for module in helper.getIgnoredOutputModules():
                self.report.deleteOutputModuleForStep(stepName=self.stepName, moduleName=module)
        self._addAnalysisFiles(helper)

    def _addDatasetInfo(self, helper):
        report, task = self.report, self.task
        settings = helper.getTypeHelper()
        # Asked for before anything is set: a workload that cannot answer leaves the report as it is.
        globalTag = settings.getGlobalTag()
        prepID = settings.getPrepId() or task.getPrepID()
        names = {"acquisitionEra": settings.getAcqEra() or task.getAcquisitionEra(),
                 "processingVer": settings.getProcVer() or task.getProcessingVersion(),
                 "processingStr": settings.getProcStr() or task.getProcessingString()}
        # cache URL, database and document, in the order getConfigInfo gives them
        configURL = ";;".join(str(part) for part in helper.getConfigInfo())

        report.setValidStatus(validStatus=self.workload.getValidStatus())
        report.setGlobalTag(globalTag=globalTag)
        report.setCampaign(self.workload.getCampaign())
        report.setPrepID(prepID)
        report.setInputDataset(inputPath=task.getInputDatasetPath())
        report.setAcquisitionProcessing(**names)
        report.setConfigURL(configURL=configURL)
        report.addInfoToOutputFilesForStep(stepName=self.stepName, step=self.step)

    def _addAnalysisFiles(self, helper):
        # what TFileService wrote is in the job report already and still needs the LFN to be staged out to
        for known in self.report.getAnalysisFilesFromStep(self.stepName):
            lfn = analysisFileLFN(known.fileName, self.step.user.lfnBase, self.job)
            addAttributesToFile(known, pfn=known.fileName, lfn=lfn, validate=False)
        for name in helper.listAnalysisFiles():
            wanted = helper.getAnalysisFile(name)
            if os.path.isfile(wanted.fileName):
                self.report.addAnalysisFile(wanted.fileName, Source='UserDefined', validate=False,
                                            lfn=analysisFileLFN(wanted.fileName, wanted.lfnBase, self.job),
                                            pfn=os.path.join(os.getcwd(), wanted.fileName))
