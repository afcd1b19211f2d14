"""Test Startup as the program that the wrapper starts, on every python it may get."""
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import SOURCE, JobSandbox


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory with three probe steps, and the wrapper's empty report beside it."""
    made = JobSandbox(tmp_path / "start")
    made.write(os.path.join(made.startDir, "Report.2.pkl"), "")
    return made


def test_startupRunsAsTheFileThatUnpackerCopied(sandbox, upstreamTree):
    shutil.copyfile(os.path.join(SOURCE, "WMCore", "WMRuntime", "Startup.py"),
                    os.path.join(sandbox.jobDir, "Startup.py"))
    assert sandbox.run(upstreamTree, arguments=["Startup.py"]) == 0, sandbox.text("err")


# The parts of WMCore a job needs; all others are the agent's.
WORKER_SIDE = ("Algorithms", "Configuration", "DataStructs", "FwkJobReport", "Lexicon", "Storage", "WMException",
               "WMExceptions", "WMFactory", "WMRuntime", "WMSpec")
# What a sandbox carries or a job directory holds.
CARRIED = ("WMCore", "Utils", "PSetTweaks", "WMSandbox", "WMTaskSpace", "attr", "attrs", "packaging", "future", "past")
LIST_MODULES = """
import json, sys
from WMCore.WMRuntime import Startup
status = Startup.main()
import WMCore.WMSpec.Steps.Executors.CMSSW, WMCore.WMSpec.Steps.Diagnostics.CMSSW
import WMCore.WMRuntime.ScriptInvoke, WMCore.WMRuntime.Tools.Scram
print("MODULES" + json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
sys.exit(status)
"""


def test_12426AJobImportsNeitherAgentCodeNorOtherPackagesThanItCarries(sandbox, upstreamTree):
    # 9834, PR 12426: BossAir came in for one function, and with it pycurl, which no worker node has.
    assert sandbox.run(upstreamTree, arguments=["-c", LIST_MODULES]) == 0, sandbox.text("err")
    modules = json.loads(sandbox.text("out").split("MODULES")[1])
    agents = {name for name in modules if name.startswith("WMCore.") and name.split(".")[1] not in WORKER_SIDE}
    assert agents == set()
    standard = os.path.dirname(os.__file__)

    def isStandard(path):
        return path is None or (path.startswith(standard) and "site-packages" not in path)
    # A virtual environment's .pth file imports _distutils_hack into every process.
    foreign = {name: path for name, path in modules.items()
               if name.split(".")[0] not in CARRIED + ("__main__", "_distutils_hack") and not isStandard(path)}
    assert foreign == {}


@pytest.mark.parametrize("series", ["3.6", "3.9", "3.13"] + [
    pytest.param(series, marks=pytest.mark.slow) for series in ("3.8", "3.11", "3.12")])
def test_2_8_theClosureOfStartupImportsOnABarePython(sandbox, upstreamTree, sandboxPackages, interpreters, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    code = ("import importlib\n"
            "for name in ('Startup', 'JobExecution', 'Bootstrap', 'ScriptInvoke', 'EarlyReport', 'FinalReport',\n"
            "             'JobDefinition', 'RuntimeInfo', 'TaskSpace', 'StepSpace', 'Sandbox', 'ScriptFactory',\n"
            "             'ScriptInterface', 'Watchdog', 'Scripts.SetupCMSSWPset'):\n"
            "    importlib.import_module('WMCore.WMRuntime.' + name)")
    environ = sandbox.environment(list(upstreamTree) + [sandboxPackages])
    assert sandbox.run(upstreamTree, arguments=["-E", "-s", "-c", "import sys; sys.path[:0] = %r; exec(%r)" % (
        environ["PYTHONPATH"].split(os.pathsep), code)], python=interpreters[series]) == 0, sandbox.text("err")


@pytest.mark.parametrize("series", ["3.6", "3.13"])
def test_aJobRunsOnTheOldestAndTheNewestPython(sandbox, upstreamTree, sandboxPackages, interpreters, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    sandbox.behave(second="fail")
    assert sandbox.run(list(upstreamTree) + [sandboxPackages], python=interpreters[series]) == 60311 % 256
    assert sandbox.report().getExitCode() == 60311, sandbox.text("err")


def test_whatKeepsTheRuntimeFromBeingImportedIsInTheJobsLog(tmp_path):
    job = tmp_path / "job"
    job.mkdir()
    shutil.copy(os.path.join(SOURCE, "WMCore", "WMRuntime", "Startup.py"), str(job))
    (job / "WMCore").mkdir()
    (job / "WMCore" / "__init__.py").write_text("raise ImportError('the sandbox lacks a piece')\n")
    done = subprocess.run([sys.executable, "-S", "Startup.py"], cwd=str(job), stderr=subprocess.PIPE, env={})
    assert done.returncode == 1 and b"the sandbox lacks a piece" in done.stderr
    assert "the sandbox lacks a piece" in (tmp_path / "wmagentJob.log").read_text()


# Runs Startup up to the job itself, and counts what it looks at and imports before that.
COUNT = """
import json, os, sys
from WMCore.WMRuntime import Startup
looked, before = [], set(sys.modules)
for name in ("stat", "lstat"):
    def counting(path, *rest, _plain=getattr(os, name), **options):
        looked.append(str(path))
        return _plain(path, *rest, **options)
    setattr(os, name, counting)
outcome = Startup._prepareEnvironment(os.getcwd())
print("SAID" + json.dumps([outcome is None, sorted(set(sys.modules) - before), looked]))
"""


def prepare(sandbox, upstreamTree, **environ):
    """Give whether nothing was asked for, the modules imported, the files looked at."""
    assert sandbox.run(upstreamTree, arguments=["-c", COUNT], **environ) == 0, sandbox.text("err")
    return json.loads(sandbox.text("out").split("SAID")[1])


def test_aJobThatAsksForNothingPaysTwoStatsAndNoModule(sandbox, upstreamTree):
    nothing, modules, looked = prepare(sandbox, upstreamTree)
    assert nothing and modules == []
    assert sorted(looked) == [os.path.join(sandbox.jobDir, name) for name in ("environment.cfg", "wheels")]


def test_aJobThatAsksIsHeard(sandbox, upstreamTree):
    nothing, modules, _looked = prepare(sandbox, upstreamTree,
                                        WMRUNTIME_PYTHON_VERSION="%d.%d" % tuple(sys.version_info[:2]))
    assert not nothing and "WMCore.WMRuntime.Environment.AutoEnvironment" in modules


def runtimeInfo(sandbox):
    """Read what the job's runtimeInfo.json says of its environment."""
    with open(os.path.join(sandbox.jobDir, "runtimeInfo.json"), encoding="utf-8") as handle:
        return json.load(handle)["environment"]


def test_thePythonOfAJobThatAsksForNothingIsNotedToo(sandbox, upstreamTree):
    assert sandbox.run(upstreamTree) == 0, sandbox.text("err")
    said = runtimeInfo(sandbox)
    assert said["python"]["version"] == "%d.%d.%d" % tuple(sys.version_info[:3])
    assert said["asked"] == {} and "nothing was asked for" in said["reasons"][0]


def test_aPinThatIsMetIsNotedWithWhereItWasAsked(sandbox, upstreamTree):
    sandbox.write(os.path.join(sandbox.jobDir, "environment.cfg"),
                  "[python]\nversion = %d.%d\n" % tuple(sys.version_info[:2]))
    assert sandbox.run(upstreamTree) == 0, sandbox.text("err")
    said = runtimeInfo(sandbox)
    assert said["asked"]["pythonVersion"]["where"].endswith("job/environment.cfg")
    assert "Environment: the job's python is" in sandbox.text("wmagentJob.log")


@pytest.mark.parametrize("text, named", [
    ("[python]\nversion = 3.99.9-wm1\n", "3.99.9-wm1"), ("[python]\nversion = ../../evil\n", "../../evil"),
    ("[container]\nimage = /nowhere/image\n", "/nowhere/image")])
def test_whatCannotBeHadIsTheJobsReport(sandbox, upstreamTree, tmp_path, text, named):
    sandbox.write(os.path.join(sandbox.jobDir, "environment.cfg"), text)
    status = sandbox.run(upstreamTree, WMRUNTIME_CVMFS_ROOT=str(tmp_path / "nothing"))
    assert status == 11014 % 256, sandbox.text("err")
    report = sandbox.report()
    assert report.getExitCode() == 11014
    assert named in sandbox.text("wmagentJob.log")
    details = [getattr(report.retrieveStep(step).errors, "error0").details for step in report.listSteps()
               if getattr(report.retrieveStep(step).errors, "errorCount", 0)]
    assert any(named in text for text in details)


def test_wheelsThatAreBrokenDoNotEndAJobThatLacksNothing(sandbox, upstreamTree, sandboxPackages):
    os.makedirs(os.path.join(sandbox.jobDir, "wheels"))
    sandbox.write(os.path.join(sandbox.jobDir, "wheels", "wheels.json"), "{")
    assert sandbox.run(list(upstreamTree) + [sandboxPackages]) == 0, sandbox.text("err")
    assert runtimeInfo(sandbox)["asked"]["wheels"]["where"] == "the sandbox"


SITE_PYTHON = """
from WMCore.WMRuntime.Environment.EnvironmentProvider import Availability, EnvironmentProvider, Prepared

class SitePython(EnvironmentProvider):
    name, priority = "site python", 1

    @classmethod
    def create(cls, context):
        return cls()

    def available(self, node):
        return Availability(True, "it is there")

    def prepare(self, node):
        return Prepared(self.name, %r, (3, 99), reasons=["the site has it"])

    def check(self, node):
        return ()
"""


def test_aPythonThatDiesAtOnceLeavesTheReportOfItsStart(sandbox, upstreamTree):
    program = os.path.join(sandbox.startDir, "python3")
    sandbox.write(program, "#!/bin/sh\nexit 3\n")
    os.chmod(program, 0o755)
    sandbox.write(os.path.join(sandbox.plugins, "siteplugin.py"), SITE_PYTHON % program)
    status = sandbox.run(upstreamTree, WMRUNTIME_PYTHON_VERSION="3.99", WMRUNTIME_ENVIRONMENTS="siteplugin:SitePython")
    assert status == 3, "this process became the other"
    report = sandbox.report()
    assert report.getExitCode() == 11014
    details = report.retrieveStep("CRITICAL").errors.error0.details
    assert program in details and "site python: the site has it" in details


def test_aJobThatIsStoppedWhileItsEnvironmentIsMadeReadyReportsThat(sandbox, upstreamTree):
    waiting = SITE_PYTHON % "/none" + (
        "    def available(self, node):\n        import signal\n"
        "        open('../ready', 'w').close()\n        signal.pause()\n")
    sandbox.write(os.path.join(sandbox.plugins, "siteplugin.py"), waiting)
    process = sandbox.start(upstreamTree, WMRUNTIME_PYTHON_VERSION="3.99", WMRUNTIME_ENVIRONMENTS="siteplugin:SitePython")
    deadline = time.monotonic() + 30
    while not os.path.exists(os.path.join(sandbox.startDir, "ready")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    assert process.wait(30) == 128 + 15, sandbox.text("err")
    assert sandbox.report().getExitCode() == 50669
