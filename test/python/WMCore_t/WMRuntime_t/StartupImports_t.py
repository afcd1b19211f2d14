"""
What a job imports, and when. Each process of a job pays for each module, and each node reads its python's from CVMFS.

A change of the list is no mistake; that nobody notices one is.
"""
import json

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox, makeWorkload

# Of the runtime, when the first step begins. What only some steps need is loaded by them.
BEFORE_THE_FIRST_STEP = """
    Bootstrap EarlyReport Environment Environment.CleanEnvironment Environment.EnvDiff Errors FinalReport JobDefinition
    JobExecution JobLog NeedsWMCore Payload Payload.StepErrors PickleLoader Release Release.ScramArch ReportFile
    RetryCount RuntimeInfo Sandbox Startup StepSpace StopSignals TaskSpace Tools Tools.ScramArch Watchdog""".split()
# Of these, and of what WMCore adds: its own, and what it needs of future and past.
MOST_MODULES, MOST_BYTES = 140, 1100 * 1000
CARRIED = ("WMCore", "Utils", "PSetTweaks", "attr", "attrs", "packaging", "future", "past")
TELL = """
import json, os, sys
carried = %r
found = {name: os.path.getsize(module.__file__) for name, module in sys.modules.items()
         if name.split(".")[0] in carried and getattr(module, "__file__", None)}
print("MODULES" + json.dumps(found))
"""
AT_THE_STEP = TELL + "sys.stdout.flush()\nos._exit(0)"
EXECUTOR = "import WMCore.WMRuntime.JobExecution, WMCore.WMSpec.Steps.Executors.CMSSW\n" + TELL
INVOKED = "import WMCore.WMRuntime.ScriptInvoke\n" + TELL


@pytest.fixture(scope="module")
def box(tmp_path_factory, upstreamTree):
    """Give a job directory whose first step is a probe and whose second is a CMSSW step."""
    return JobSandbox(tmp_path_factory.mktemp("imports") / "start", makeWorkload(("first", "cmsRun1")))


def told(box, upstreamTree, **options):
    """Run a python in the job directory; give the modules it tells of, and their bytes."""
    assert box.run(upstreamTree, **options) == 0, box.text("err")
    return json.loads(box.text("out").split("MODULES")[1])


@pytest.fixture(scope="module")
def before(box, upstreamTree):
    """Give the modules, and their bytes, when the first step begins."""
    box.behave(first="code:" + AT_THE_STEP % (CARRIED,))
    return told(box, upstreamTree, arguments=["-c", "import sys\nfrom WMCore.WMRuntime import Startup\n"
                                                    "sys.exit(Startup.main())"])


def test_whatOfTheRuntimeIsLoadedBeforeTheFirstStep(before):
    ours = {name[len("WMCore.WMRuntime."):] for name in before if name.startswith("WMCore.WMRuntime.")}
    assert ours == set(BEFORE_THE_FIRST_STEP)


def test_howMuchIsLoadedBeforeTheFirstStepInAll(before):
    assert len(before) <= MOST_MODULES and sum(before.values()) <= MOST_BYTES


def test_aStepThatNamesItsExecutableLoadsNoGrammarOfPython(box, upstreamTree):
    modules = told(box, upstreamTree, arguments=["-c", EXECUTOR % (CARRIED,)])
    assert "WMCore.WMRuntime.Payload.ExecutableSelector" in modules
    assert not {name for name in modules if "Syntax" in name or "Grammar" in name or "PSetLanguage" in name}
    assert not {name for name in modules if name.startswith(("WMCore.WMRuntime.Interpreter", "packaging"))}


def test_aScriptLoadsNothingOfTheStepsExecutor(box, upstreamTree):
    modules = told(box, upstreamTree, arguments=["-c", INVOKED % (CARRIED,)])
    assert not {name for name in modules if name.startswith(("WMCore.WMSpec.Steps.Executors", "WMCore.Storage",
                                                             "WMCore.WMRuntime.Payload", "WMCore.FwkJobReport"))}
