"""Test Startup as the program that the wrapper starts, on every python it may get."""
import json
import os
import shutil
import subprocess
import sys

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
