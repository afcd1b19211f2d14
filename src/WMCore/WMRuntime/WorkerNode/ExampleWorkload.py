"""
Build a small but real workload with WMCore's own WMSpec, for a job on the worker node in a box.

Agent side: needs WMCore on the path. What differs from production is said here: the configuration comes
from local files instead of ConfigCache, and the job is made by hand instead of by a splitter.
"""
import os
import shutil

import attr

from WMCore.DataStructs.File import File
from WMCore.DataStructs.Job import Job
from WMCore.DataStructs.JobPackage import JobPackage
from WMCore.DataStructs.Run import Run
from WMCore.WMSpec.Steps import StepFactory
from WMCore.WMSpec.WMStep import WMStepHelper
from WMCore.WMSpec.WMWorkload import newWorkload

EXAMPLES = os.path.join(os.path.dirname(__file__), "examples")
FETCHER = "LocalConfigFetcher"
JOB_INDEX = 1


@attr.s(frozen=True)
class StepPlan(object):
    """
    Describe one cmsRun step.

    :param release: str, CMSSW release
    :param scramArchs: tuple of str, scram archs in the workload's order
    :param pset: str, path of the PSet file
    :param outputModule: str, label of its output module
    :param dataTier: str, data tier of the output
    :param executable: str, cmsRun or another name of the release
    :param keepOutput: bool, whether the output is to be staged out
    :param executablePolicy: str, how the runtime chooses the executable; None to leave the setting out
    :param scramScripts: tuple of str, runtime scripts to run in the release's environment
    """
    release = attr.ib()
    scramArchs = attr.ib(converter=tuple)
    pset = attr.ib(default=os.path.join(EXAMPLES, "GenPSet.py"))
    outputModule = attr.ib(default="RAWSIMoutput")
    dataTier = attr.ib(default="GEN-SIM")
    executable = attr.ib(default="cmsRun")
    keepOutput = attr.ib(default=True)
    executablePolicy = attr.ib(default=None)
    scramScripts = attr.ib(default=(), converter=tuple)


def chainOf(release, scramArchs, count, pset=None, executable="cmsRun", executablePolicy=None,
            scramScripts=()):
    """
    Plan a chain of steps: the first generates, each later one reads the output of the one before.

    :param release: str, CMSSW release of all steps
    :param scramArchs: iterable of str
    :param count: int, number of steps, at least 1
    :param pset: str, PSet file for the first step, None for the example's
    :param executable: str, what runs the PSets
    :param executablePolicy: str, see StepPlan
    :param scramScripts: iterable of str, see StepPlan
    :return: list of StepPlan; only the last step's output is kept, as in a StepChain
    """
    plans = []
    for number in range(count):
        options = {"keepOutput": number == count - 1, "executable": executable,
                   "executablePolicy": executablePolicy, "scramScripts": scramScripts}
        if number:
            options.update(pset=os.path.join(EXAMPLES, "RecoPSet.py"), outputModule="AODSIMoutput",
                           dataTier="AODSIM")
        elif pset:
            options["pset"] = os.path.abspath(pset)
        plans.append(StepPlan(release, scramArchs, **options))
    return plans


class LocalConfigFetcher(object):
    """
    Lay PSet files of this machine into the sandbox; stands in for CMSSWFetcher and its ConfigCache.

    :param psets: dict of step name to path
    """

    def __init__(self, psets):
        self.psets = psets
        self.directory = None

    def setWorkingDirectory(self, workingDir):
        """Take the task's directory in the sandbox."""
        self.directory = workingDir

    def setCacheDirectory(self, cacheDir):
        """Ignore the pileup cache; part of a fetcher's interface."""

    def __call__(self, wmTask):
        for step in wmTask.steps().nodeIterator():
            name = WMStepHelper(step).name()
            if name in self.psets:
                shutil.copyfile(self.psets[name], os.path.join(self.directory, name, "PSet.py"))


def _addCmsRun(task, number, plan, previous):
    """Add one cmsRun step to the task and describe it; return its helper."""
    name = "cmsRun%d" % number
    step = task.makeStep(name) if number == 1 else task.getStep("cmsRun%d" % (number - 1)).addTopStep(name)
    step.setStepType("CMSSW")
    StepFactory.getStepTemplate("CMSSW")(step.data)
    helper = step.getTypeHelper()
    helper.cmsswSetup(plan.release, softwareEnvironment="", scramArch=list(plan.scramArchs))
    helper.setGlobalTag("EXAMPLE::All")
    helper.setNumberOfCores(1)
    helper.keepOutput(plan.keepOutput)
    command = helper.data.application.command
    command.executable = plan.executable
    if plan.executablePolicy is not None:
        command.executablePolicy = plan.executablePolicy
    if plan.scramScripts:
        helper.data.runtime.scramPreScripts.extend(plan.scramScripts)
        # The step's directory, where its other scripts run; without it they run in the project area.
        helper.data.runtime.scramPreDir = "."
    # There is a configuration in the sandbox, but no ConfigCache it came from: CMSSWFetcher skips
    # None, the executor only asks whether the attribute exists.
    helper.data.application.configuration.configCacheUrl = None
    base = "/store/%s/Example2026/ExamplePrimary/%s/v1"
    helper.addOutputModule(plan.outputModule, primaryDataset="ExamplePrimary", processedDataset="Example2026-v1",
                           dataTier=plan.dataTier, filterName="", lfnBase=base % ("unmerged", plan.dataTier),
                           mergedLFNBase=base % ("data", plan.dataTier), transient=True)
    if previous:
        helper.setupChainedProcessing("cmsRun%d" % (number - 1), previous.outputModule)
    return helper


def buildWorkload(name, plans, stageOut=True, watchdogSeconds=300):
    """
    Build a workload of one task with a chain of cmsRun steps, stage-out and log archive.

    :param name: str, name of the workload
    :param plans: list of StepPlan
    :param stageOut: bool, whether to add the stageOut1 and logArch1 steps
    :param watchdogSeconds: float, interval of the PerformanceMonitor
    :return: WMWorkloadHelper
    """
    workload = newWorkload(name)
    workload.setRequestType("StepChain" if len(plans) > 1 else "TaskChain")
    workload.setOwnerDetails("example", "DATAOPS", {"vogroup": "DEFAULT", "vorole": "DEFAULT"})
    workload.setCampaign("Example2026")
    task = workload.newTask("ExampleTask")
    task.setTaskType("Production")
    monitoring = task.data.section_("watchdog")
    monitoring.interval = watchdogSeconds
    monitoring.monitors = ["PerformanceMonitor"]
    limits = monitoring.section_("PerformanceMonitor")
    limits.maxPSS, limits.softTimeout, limits.hardTimeout = 2300, 47 * 3600, 47 * 3600 + 300

    helpers = []
    for number, plan in enumerate(plans, 1):
        helpers.append(_addCmsRun(task, number, plan, plans[number - 2] if number > 1 else None))
    if stageOut:
        first = task.getStep("cmsRun1")
        for stepName, stepType in (("stageOut1", "StageOut"), ("logArch1", "LogArchive")):
            step = first.addStep(stepName)
            step.setStepType(stepType)
            StepFactory.getStepTemplate(stepType)(step.data)
            step.data.retryCount, step.data.retryDelay = 1, 1
        for helper in helpers:
            helper.setErrorDestinationStep(stepName="logArch1")
    task.setTaskLogBaseLFN("/store/unmerged/logs")
    task.setSplittingAlgorithm("EventBased", events_per_job=10)
    task.setAcquisitionEra("Example2026")
    task.setProcessingVersion(1)
    task.setCampaignName("Example2026")
    task.data.fetchers = [FETCHER]
    registerFetcher({"cmsRun%d" % number: plan.pset for number, plan in enumerate(plans, 1)})
    return workload


def registerFetcher(psets):
    """
    Let WMCore's fetcher factory know the local configuration files, under their own fetcher name.

    PileupFetcher is replaced by nothing: the example has no pileup, and importing the real one needs
    the DBS and Rucio clients.

    :param psets: dict of step name to path of the PSet file
    """
    # pylint: disable=protected-access
    known = StepFactory._FetcherFactory.objectList
    known[FETCHER] = LocalConfigFetcher(psets)
    known["PileupFetcher"] = LocalConfigFetcher({})


def buildPackage(workload, path, events=10, seeding="AutomaticSeeding", inputLfns=(), retry=0):
    """
    Write a job package with one job, as JobSubmitter would.

    :param workload: WMWorkloadHelper
    :param path: str, where to write JobPackage.pkl
    :param events: int, number of events to generate
    :param seeding: str, kind of random seeding in the job's baggage, None for none
    :param inputLfns: iterable of str; none makes a production job with its fake input file
    :param retry: int, how often the job was tried before
    :return: Job
    """
    taskPath = workload.getTopLevelTask()[0].getPathName()
    job = Job(name="example-job-%d" % JOB_INDEX)
    job.update(id=JOB_INDEX, task=taskPath, workflow=workload.name(), counter=JOB_INDEX, retry_count=retry,
               jobType="Production", owner="example")
    for lfn in inputLfns or ("MCFakeFile-%s" % workload.name(),):
        inputFile = File(lfn=lfn, size=1000, events=events, merged=True)
        inputFile.addRun(Run(1, 1))
        job.addFile(inputFile)
    if not inputLfns:
        job["mask"].update(FirstEvent=1, LastEvent=events, FirstLumi=1, LastLumi=1, FirstRun=1, LastRun=1)
    if seeding:
        job.getBaggage().seeding = seeding
    package = JobPackage(directory=os.path.dirname(os.path.abspath(path)))
    package[JOB_INDEX] = job
    package.save(path)
    return job
