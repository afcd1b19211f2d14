"""
A job directory with a real workload and job package, for tests of the stations that run in it.

What the steps do is faked: `ProbeExecutor.py` beside this file stands in for the executors of StageOut and
DeleteFiles steps and behaves as `<start>/behave.json` says.
"""
import copy
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "..", "..", "..", "..", "src"))
TASK_PATH = "/probe/Production"
JOB_INDEX = 7


def makeWorkload(steps=("first", "second", "third")):
    """
    Build a workload of one task.

    :param steps: sequence of str; names that start with cmsRun are CMSSW steps, the others StageOut
    :return: WMWorkloadHelper
    """
    from WMCore.WMSpec.Steps import StepFactory
    from WMCore.WMSpec.WMWorkload import newWorkload
    workload = newWorkload("probe")
    workload.setRequestType("TaskChain")
    task = workload.newTask("Production")
    task.setTaskType("Production")
    top = None
    for name in steps:
        step = task.makeStep(name) if top is None else top.addStep(name)
        top = top or step
        step.setStepType("CMSSW" if name.startswith("cmsRun") else "StageOut")
        StepFactory.getStepTemplate(step.stepType())(step.data)
        if name.startswith("cmsRun"):
            helper = step.getTypeHelper()
            helper.cmsswSetup("CMSSW_13_0_3", softwareEnvironment="", scramArch=["el9_amd64_gcc12", "el8_amd64_gcc12"])
            helper.addOutputModule("OUT", primaryDataset="P", processedDataset="Q", dataTier="RAW", filterName="",
                                   lfnBase="/store/unmerged/x", mergedLFNBase="/store/x", transient=False)
            helper.keepOutput(True)
    return workload


def makePackage(retryCount=2, lfns=("/store/data/one.root",), task=TASK_PATH):
    """
    Build a job package with one job under JOB_INDEX.

    :return: JobPackage
    """
    from WMCore.DataStructs.File import File
    from WMCore.DataStructs.Job import Job
    from WMCore.DataStructs.JobPackage import JobPackage
    from WMCore.DataStructs.Run import Run
    job = Job("probe-job")
    for lfn in lfns:
        inputFile = File(lfn, 10, 20, {"adler32": "1"}, set([File("/store/parent.root")]), set(["T2_XX_Probe"]))
        inputFile.addRun(Run(1, 2, 3))
        job.addFile(inputFile)
    job["mask"].addRunAndLumis(1, [2, 3])
    job.addBaggageParameter("lheInputFiles", True)
    job.update(id=JOB_INDEX, retry_count=retryCount, jobType="Production")
    if task is not None:
        job["task"] = task
    else:
        del job["task"]
    package = JobPackage(directory="/agent/batch")
    package[JOB_INDEX] = job
    return package


class JobSandbox(object):
    """
    Lay out start directory and job directory as Unpacker does.

    :param startDir: str, made here
    :param workload: WMWorkloadHelper
    :param package: JobPackage
    """

    def __init__(self, startDir, workload=None, package=None):
        workload = workload or makeWorkload()
        package = package or makePackage()
        self.startDir = os.path.realpath(str(startDir))
        self.jobDir = os.path.join(self.startDir, "job")
        self.sandbox = os.path.join(self.jobDir, "WMSandbox")
        task = workload.getTaskByPath(TASK_PATH)
        for name in [""] + task.listAllStepNames():
            directory = os.path.join(self.sandbox, "Production", name)
            os.makedirs(directory, exist_ok=True)
            self.write(os.path.join(directory, "__init__.py"), "")
            self.write(os.path.join(directory, "PSet.py"), "# the step's configuration\n")
        self.write(os.path.join(self.sandbox, "__init__.py"), "")
        self.write(os.path.join(self.sandbox, "JobIndex.py"), "jobIndex = %d\n" % JOB_INDEX)
        workload.save(os.path.join(self.sandbox, "WMWorkload.pkl"))
        package.save(os.path.join(self.sandbox, "JobPackage.pcl"))
        self.plugins = os.path.join(self.startDir, "plugins")
        executors = os.path.join(self.plugins, "WMCore", "WMSpec", "Steps", "Executors")
        os.makedirs(executors)
        shutil.copyfile(os.path.join(HERE, "ProbeExecutor.py"), os.path.join(executors, "StageOut.py"))
        directory = executors
        for _level in range(4):
            self.write(os.path.join(directory, "__init__.py"),
                       "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n")
            directory = os.path.dirname(directory)
        self.behave()

    @staticmethod
    def write(path, text):
        """Write a text file."""
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)

    def behave(self, **behaviours):
        """Say what each step does: see ProbeExecutor."""
        self.write(os.path.join(self.startDir, "behave.json"), json.dumps(behaviours))

    def environment(self, upstreamTree, ours=True, **extra):
        """Give the environment of a process in the job directory."""
        entries = ([self.plugins, SOURCE] if ours else []) + list(upstreamTree) + [self.jobDir]
        environ = {"PATH": os.environ["PATH"], "HOME": self.startDir, "PYTHONPATH": os.pathsep.join(entries),
                   "PROBE_START": self.startDir, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
        environ.update(extra)
        return environ

    def start(self, upstreamTree, arguments=("-m", "WMCore.WMRuntime.Startup"), python=sys.executable, cwd=None,
              **extra):
        """Start a python in the job directory; return the Popen, its output goes to <start>/out and err."""
        with open(os.path.join(self.startDir, "out"), "wb") as out, \
                open(os.path.join(self.startDir, "err"), "wb") as err:
            return subprocess.Popen([python] + list(arguments), cwd=cwd or self.jobDir, stdout=out, stderr=err,
                                    stdin=subprocess.DEVNULL, env=self.environment(upstreamTree, **extra))

    def run(self, upstreamTree, **options):
        """Start, wait and give the return code."""
        return self.start(upstreamTree, **options).wait(60)

    def build(self, upstreamTree):
        """Build the task, so that the spaces are there."""
        code = ("import os\nfrom WMCore.WMRuntime import Bootstrap\n"
                "Bootstrap.loadTask(Bootstrap.loadJobDefinition()).build(os.getcwd())")
        assert self.run(upstreamTree, arguments=["-c", code]) == 0, self.text("err")

    def copied(self, startDir):
        """Give a copy of it all in another start directory, which is made."""
        made = copy.copy(self)
        shutil.copytree(self.startDir, str(startDir), symlinks=True)
        made.startDir = os.path.realpath(str(startDir))
        made.jobDir, made.sandbox, made.plugins = [os.path.join(made.startDir, os.path.relpath(path, self.startDir))
                                                   for path in (self.jobDir, self.sandbox, self.plugins)]
        return made

    def evaluateAll(self, upstreamTree, head, codes, ours=True):
        """Run codes in one process, each after the head; give the dict of what each left in `result`."""
        return self.evaluate(upstreamTree, "result = {}\nfor name, code in sorted(%r.items()):\n    space = {}\n"
                             "    exec(%r + code, space)\n    result[name] = space['result']" % (codes, head), ours)

    def evaluate(self, upstreamTree, code, ours=True):
        """Run code in the job directory; give what it left in `result`, or the error as text."""
        script = ("import json, logging, os, sys\nlogging.disable(logging.CRITICAL)\nresult = None\n"
                  "try:\n" + "".join("    %s\n" % line for line in code.splitlines()) +
                  "except Exception as ex:\n    result = '%s: %s' % (type(ex).__name__, ex)\n"
                  "print('RESULT' + json.dumps(result))\n")
        environ = self.environment(upstreamTree, ours)
        self.run(upstreamTree, arguments=["-c", script], PYTHONPATH=environ["PYTHONPATH"])
        assert "RESULT" in self.text("out"), self.text("err")
        return json.loads(self.text("out").split("RESULT")[1])

    def text(self, name):
        """Read a text file of the start directory."""
        with open(os.path.join(self.startDir, name), "r", encoding="utf-8") as handle:
            return handle.read()

    def report(self, name="Report.2.pkl", inside=""):
        """Load a report of the start directory, or of a directory below it, as the agent does."""
        from WMCore.FwkJobReport.Report import Report
        report = Report()
        report.load(os.path.join(self.startDir, inside, name))
        return report


def errorsOf(report):
    """
    List the errors of a report.

    :param report: Report
    :return: list of (step, exit code, type)
    """
    found = []
    for step in report.listSteps():
        errors = report.retrieveStep(step).errors
        for number in range(getattr(errors, "errorCount", 0)):
            error = getattr(errors, "error%d" % number)
            found.append((step, error.exitCode, error.type))
    return found
