"""Test ScriptInvoke as a program and as a library."""
import os
import sys

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox, makeWorkload

SCRIPT = """
import logging
from WMCore.WMRuntime.ScriptInterface import ScriptInterface
class Probe(ScriptInterface):
    def __call__(self):
        logging.info("probe of %s %s %s %s", self.step.name(), self.task.name(), self.job["id"], self.stepSpace.stepName)
        logging.info("arch %s", getattr(getattr(self.step.data.application, "setup", None), "scramArch", None))
        {body}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, upstreamTree):
    """Give a job directory with a built task of a CMSSW step."""
    box = JobSandbox(tmp_path_factory.mktemp("made") / "start", makeWorkload(("cmsRun1", "stageOut1")))
    box.build(upstreamTree)
    scripts = os.path.join(box.plugins, "WMCore", "WMRuntime", "Scripts")
    os.makedirs(scripts)
    for directory in (scripts, os.path.dirname(scripts)):
        box.write(os.path.join(directory, "__init__.py"),
                  "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n")
    return box


@pytest.fixture
def sandbox(made, tmp_path):
    """Give a copy of the job directory."""
    return made.copied(tmp_path / "start")


def invoke(box, upstreamTree, body="return None", script="Probe", step="WMTaskSpace.cmsRun1", **extra):
    """Run a script in the step's directory; give the exit status."""
    box.write(os.path.join(box.plugins, "WMCore", "WMRuntime", "Scripts", "Probe.py"), SCRIPT.format(body=body))
    return box.run(upstreamTree, arguments=["-m", "WMCore.WMRuntime.ScriptInvoke", step, script],
                   cwd=os.path.join(box.jobDir, "WMTaskSpace", "cmsRun1"), **extra)


@pytest.mark.parametrize("body, status", [
    ("return 3", 3), ("return 60311", 60311 % 256), ("return 'text'", 1), ("raise ValueError('caf\\xe9')", 1)])
def test_theExitStatusIsWhatTheScriptReturned(sandbox, upstreamTree, body, status):
    assert invoke(sandbox, upstreamTree, body) == status, sandbox.text("err")


@pytest.mark.parametrize("value, code", [(None, 0), (0, 0), (3, 3), (256, 256), (-1, -1), (True, 1)])
def test_whatAScriptReturnedIsItsExitCode(upstreamTree, value, code):
    from WMCore.WMRuntime.ScriptInvoke import checkedExitCode
    assert checkedExitCode(value, "Probe") == code


def test_whatIsNoNumberIsNoExitCode(upstreamTree):
    from WMCore.WMRuntime.ScriptInvoke import checkedExitCode
    with pytest.raises(TypeError, match="script Probe returned 'text'"):
        checkedExitCode("text", "Probe")


def test_theScriptGetsItsJobAndLogsToStandardOutput(sandbox, upstreamTree):
    assert invoke(sandbox, upstreamTree) == 0, sandbox.text("err")
    out = sandbox.text("out")
    assert "INFO:Probe:probe of cmsRun1 Production 7 cmsRun1" in out and "Invoking scripts in current directory" in out
    assert sandbox.text("err") == ""
    assert not os.path.exists(os.path.join(sandbox.jobDir, "WMTaskSpace", "cmsRun1", "wmagentJob.log"))


def test_whatAScriptPrintsIsThereAtOnce(sandbox, upstreamTree):
    """What waits in a buffer is lost with the process."""
    assert invoke(sandbox, upstreamTree, "print('printed'); __import__('os')._exit(5)") == 5
    assert "printed\n" in sandbox.text("out")


def test_5572AnExceptionIsShownInFull(sandbox, upstreamTree):
    assert invoke(sandbox, upstreamTree, "raise KeyError('the cause')") == 1
    err = sandbox.text("err")
    assert "Error invoking script for step WMTaskSpace.cmsRun1" in err
    assert "KeyError: 'the cause'" in err and "Probe.py" in err and "Traceback" in err


@pytest.mark.parametrize("options, parts", [
    ({"script": "NoSuchScript"}, ["Error booting", "NoSuchScript", "ModuleNotFoundError"]),
    ({"step": "WMTaskSpace.none"}, ["Error booting", "WMTaskSpace.none"]),
])
def test_aScriptThatCannotBootSaysWhy(sandbox, upstreamTree, options, parts):
    assert invoke(sandbox, upstreamTree, **options) == 1
    assert all(part in sandbox.text("err") for part in parts), sandbox.text("err")


def test_aBrokenJobPackageWritesNoReportIntoTheTaskSpace(sandbox, upstreamTree):
    sandbox.write(os.path.join(sandbox.sandbox, "JobPackage.pcl"), "")
    assert invoke(sandbox, upstreamTree) == 1
    assert "JobPackage.pcl" in sandbox.text("err")
    names = os.listdir(os.path.join(sandbox.jobDir, "WMTaskSpace")) + os.listdir(sandbox.startDir)
    assert not [name for name in names if name.startswith("Report.")]


def test_withoutArgumentsTheUsageIsShown(sandbox, upstreamTree):
    assert sandbox.run(upstreamTree, arguments=["-m", "WMCore.WMRuntime.ScriptInvoke"]) == 1
    assert "Usage: ScriptInvoke.py <Step Module> <Script Module>" in sandbox.text("err")


def storeSession(box, release, architecture):
    """Leave a SCRAM session in the step's directory."""
    from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
    from WMCore.WMRuntime.Tools import ScramSession
    session = ScramSession.ScramSession(ScramSession.ScramRequest("scramv1", release, architecture, None),
                                        "/nowhere/" + release, EnvDiff.fromDict({"set": {}, "unset": []}), {}, {})
    ScramSession.storeSession(session, os.path.join(box.jobDir, "WMTaskSpace", "cmsRun1"))


def test_theScriptSeesTheArchitectureOfTheStepsSession(sandbox, upstreamTree):
    storeSession(sandbox, "CMSSW_13_0_3", "el8_amd64_gcc12")
    assert invoke(sandbox, upstreamTree) == 0
    assert "arch ['el8_amd64_gcc12']" in sandbox.text("out")


def test_withoutASessionTheListIsAsInTheWorkload(sandbox, upstreamTree):
    assert invoke(sandbox, upstreamTree) == 0
    assert "arch ['el9_amd64_gcc12', 'el8_amd64_gcc12']" in sandbox.text("out")


@pytest.mark.parametrize("spoil", ["release", "content"])
def test_aSessionThatIsNotTheStepsIsLeftAlone(sandbox, upstreamTree, spoil):
    if spoil == "release":
        storeSession(sandbox, "CMSSW_12_0_0", "slc7_amd64_gcc900")
    else:
        sandbox.write(os.path.join(sandbox.jobDir, "WMTaskSpace", "cmsRun1", "scramSession.json"), "[]")
    assert invoke(sandbox, upstreamTree) == 0, sandbox.text("err")
    assert "arch ['el9_amd64_gcc12', 'el8_amd64_gcc12']" in sandbox.text("out")
    assert "WARNING:ScriptInvoke:The SCRAM session" in sandbox.text("out")


def test_itCanBeUsedAsALibrary(sandbox, upstreamTree):
    invoke(sandbox, upstreamTree)
    code = ("import sys\nfrom WMCore.WMRuntime.ScriptInvoke import ScriptInvoke\n"
            "one = ScriptInvoke('WMTaskSpace.cmsRun1', 'Probe')\none.boot()\none.invoke()\nsys.exit(40 + one.exit())")
    assert sandbox.run(upstreamTree, arguments=["-c", code]) == 40, sandbox.text("err")


def test_aRecordOutsideAsciiSurvivesAnAsciiLocale(sandbox, upstreamTree):
    assert invoke(sandbox, upstreamTree, "logging.info(u'caf\\xe9')", LC_ALL="C", PYTHONIOENCODING="ascii") == 0
    assert "caf\\xe9" in sandbox.text("out"), sys.version
