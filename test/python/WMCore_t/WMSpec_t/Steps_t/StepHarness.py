"""
Make CMSSW steps for tests: a real workload and report, a scram and a cmsRun that are shell scripts.

cmsRun here copies the report it is told to (REPORT_XML) and ends as it is told to (CMSRUN_TAIL).
"""
import importlib.util
import os

SCRAM = """#!/bin/bash
echo "$@" >> "$STEP_CALLS"
[ "$1" = --arch ] && shift 2
case $1 in
    project) mkdir -p "$3/.SCRAM/$SCRAM_ARCH" "$3/config"
             echo 'RELEASETOP=/usr' > "$3/.SCRAM/$SCRAM_ARCH/Environment" ;;
    ru|runtime) [ "$STEP_SCRAM_FAILS" = runtime ] && { echo "scram is ill" >&2; exit 9; }
        echo "export CMSSW_BASE=\\"$PWD\\";"; echo "export CMSSW_VERSION=\\"CMSSW_13_0_3\\";"
        echo "export SCRAM_ARCH=\\"$SCRAM_ARCH\\";" ;;
esac
[ "$STEP_SCRAM_FAILS" != "$1" ]
"""

CMSRUN = """#!/bin/bash
env > cmsRunEnvironment.txt
printf '%s\\n' "$@" > cmsRunArguments.txt
echo "a line of cmsRun"
echo events > RAWoutput.root; echo events > DQMoutput.root
[ -z "$REPORT_XML" ] || cp "$REPORT_XML" "$2"
eval "$CMSRUN_TAIL"
"""

FILE = """<File><LFN>/store/%(name)s.root</LFN><PFN>file:%(name)s.root</PFN><Catalog></Catalog>
<ModuleLabel>%(name)s</ModuleLabel><GUID>B1</GUID><OutputModuleClass>PoolOutputModule</OutputModuleClass>
<TotalEvents>2</TotalEvents><BranchHash>b</BranchHash>
<Runs><Run ID="1"><LumiSection NEvents="2" ID="1"/></Run></Runs><Inputs></Inputs></File>"""
INPUT = """<InputFile><LFN>/store/in.root</LFN><PFN>file:in.root</PFN><Catalog></Catalog><InputType>primaryFiles</InputType>
<ModuleLabel>source</ModuleLabel><GUID>A1</GUID><InputSourceClass>PoolSource</InputSourceClass>
<EventsRead>2</EventsRead><Runs><Run ID="1"><LumiSection ID="1"/></Run></Runs></InputFile>"""
ERROR = '<FrameworkError ExitStatus="%s" Type="%s">what went wrong</FrameworkError>'
ANALYSIS = '<AnalysisFile><FileName>hist.root</FileName><Source Value="TFileService"/></AnalysisFile>'


def jobReport(*parts):
    """Compose the text of a job report."""
    return "<FrameworkJobReport>\n%s\n</FrameworkJobReport>\n" % "\n".join(parts)


GOOD_REPORT = jobReport(INPUT, FILE % {"name": "RAWoutput"}, FILE % {"name": "DQMoutput"})


def upstreamModule(package, name):
    """Load the module of the same name that lies behind ours on the package's path; None when none does."""
    for directory in list(package.__path__)[1:]:
        path = os.path.join(directory, name + ".py")
        if os.path.exists(path):
            spec = importlib.util.spec_from_file_location("upstream" + package.__name__.replace(".", "") + name, path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return None


class StepHarness(object):
    """
    A step's directory and the environment its programs run in.

    :param directory: pathlib.Path of an empty directory
    :param monkeypatch: pytest's
    """

    def __init__(self, directory, monkeypatch):
        self.root, self.monkeypatch = directory, monkeypatch
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.calls = directory / "calls.txt"
        self.program("scramv1", SCRAM)
        self.program("cmsRun", CMSRUN)
        monkeypatch.setenv("PATH", "%s:%s" % (self.bin, os.environ["PATH"]))
        monkeypatch.setenv("STEP_CALLS", str(self.calls))
        monkeypatch.delenv("CONDOR_CONFIG", raising=False)
        monkeypatch.setattr("WMCore.WMRuntime.Tools.Scram.Scram._pause", lambda scram, seconds: None)
        self.directory = None

    def program(self, name, text):
        """Put a program on the path."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def executor(self, executorClass, diagnosticClass, **settings):
        """Make an initialised executor in a fresh step directory, which becomes the current one."""
        from WMCore.FwkJobReport.Report import Report
        from WMCore.WMSpec.Steps.Templates.CMSSW import CMSSW as Template
        from WMCore.WMSpec.WMWorkload import newWorkload
        self.directory = self.root / "cmsRun1"
        if self.directory.exists():
            self.directory.rename(self.root / ("cmsRun1.%d" % len(os.listdir(str(self.root)))))
        self.directory.mkdir()
        self.monkeypatch.chdir(self.directory)

        workload = newWorkload("Workload")
        task = workload.newTask("Task")
        step = task.makeStep("cmsRun1").data
        template = Template()
        template(step)
        helper = template.helper(step)
        helper.setGlobalTag("GT")
        for module in ("RAWoutput", "DQMoutput"):
            helper.addOutputModule(module, primaryDataset="Primary", processedDataset="Era-v1", dataTier="RAW")
        step.section_("builder")
        step.builder.workingDir = str(self.directory)
        setup = step.application.setup
        setup.cmsswVersion, setup.scramArch, setup.softwareEnvironment = "CMSSW_13_0_3", "el8_amd64_gcc12", ""
        step.user.lfnBase = "/store/user"
        step.section_("execution")
        step.execution.exitStatus = 0
        step.execution.reportLocation = str(self.directory / "Report.pkl")
        for name, value in settings.items():
            section, attribute = name.split("__")
            parent = step.application if section in ("setup", "command") else step
            setattr(parent.section_(section), attribute, value)

        executor = executorClass()
        executor.step, executor.stepName, executor.task, executor.workload = step, "cmsRun1", task, workload
        executor.job = {"id": 1, "counter": 7, "workflow": "Workload"}
        executor.diagnostic = diagnosticClass()
        executor.report = Report("cmsRun1")
        executor.report.data.workload = "Workload"
        executor.report.setStepStatus("cmsRun1", 1)
        executor.chirped = {}
        executor.setCondorChirpAttrDelayed = \
            lambda key, value, compress=False, maxLen=5120: executor.chirped.__setitem__(key, value)
        return executor


def runAsMaster(executor):
    """Run a step as ExecuteMaster does; return its report."""
    from WMCore.WMSpec.Steps.WMExecutionFailure import WMExecutionFailure
    failed = False
    try:
        executor.execute()
    except WMExecutionFailure as ex:
        failed = True
        executor.diagnostic(ex.code, executor, ExceptionInstance=ex)
        executor.report.addError(executor.stepName, ex.code, "WMAgentStepExecutionError", str(ex))
    except Exception as ex:
        failed = True
        executor.diagnostic(99109, executor, ExceptionInstance=ex)
        executor.report.addError(executor.stepName, 99109, "WMAgentStepExecutionError", str(ex))
    executor.saveReport()
    if not failed and not executor.report.getExitCode():
        executor.report.setStepStatus(executor.stepName, 0)
    return executor.report


def errorsOf(report, stepName="cmsRun1"):
    """List a report's errors in their order, as (code, type)."""
    errors = report.retrieveStep(stepName).errors
    found = [getattr(errors, "error%d" % number) for number in range(getattr(errors, "errorCount", 0))]
    return [(error.exitCode, error.type) for error in found]


def content(report, stepName="cmsRun1"):
    """Give a step's report as plain values: times and the note on the XML out, the errors as errorsOf gives them."""
    whole = report.retrieveStep(stepName).dictionary_whole_tree_()
    whole["errors"] = errorsOf(report, stepName)
    # What our parser adds when the report was not whole.
    whole.pop("jobReport", None)
    usage = whole.pop("WMCMSSWSubprocess", None)
    whole["usage"] = usage and sorted(usage)
    return repr(sorted(whole.items(), key=lambda item: item[0]))
