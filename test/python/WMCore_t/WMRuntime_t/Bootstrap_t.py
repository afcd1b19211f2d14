"""Test that Bootstrap offers what WMAgent, T0 and CRAB call, as they call it."""
import inspect
import json
import os
import sys
import threading

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox

SIGNATURES = """
import inspect, json
import WMCore.WMRuntime.Bootstrap as Bootstrap
print(json.dumps({name: [(p.name, str(p.kind)) for p in inspect.signature(value).parameters.values()]
                  for name, value in vars(Bootstrap).items()
                  if inspect.isfunction(value) and value.__module__ == "WMCore.WMRuntime.Bootstrap"}))
"""


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory."""
    return JobSandbox(tmp_path / "start")


def test_everyFunctionOfUpstreamIsThereWithItsParameters(sandbox, upstreamTree):
    found = {}
    for ours in (True, False):
        environ = sandbox.environment(upstreamTree, ours)
        assert sandbox.run(upstreamTree, arguments=["-c", SIGNATURES], PYTHONPATH=environ["PYTHONPATH"]) == 0
        found[ours] = json.loads(sandbox.text("out"))
    assert len(found[False]) >= 13
    for name, parameters in found[False].items():
        assert found[True][name][:len(parameters)] == parameters, name


def test_theWatchdogIsWhereExecuteMasterLooksForIt(upstreamTree, tmp_path, monkeypatch):
    from WMCore.WMRuntime import Bootstrap
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setattr(threading.currentThread, "watchdogMonitor", None, raising=False)
    monitor = Bootstrap.setupMonitoring(logName="Report.3.pkl")
    assert threading.currentThread.watchdogMonitor is monitor
    assert monitor.logPath == os.path.join(os.getcwd(), "Report.3.pkl") and not monitor.is_alive()


def test_9883AWatchdogThatCannotBeMadeSaysWhy(upstreamTree, monkeypatch):
    from WMCore.WMRuntime import Bootstrap, Watchdog

    def broken(logPath):
        raise ValueError("no thread for %s" % logPath)
    monkeypatch.setattr(Watchdog, "Watchdog", broken)
    with pytest.raises(Bootstrap.BootstrapException, match="ValueError: no thread for Report.0.pkl"):
        Bootstrap.setupMonitoring("Report.0.pkl")


def test_theExceptionIsAWMExceptionAndKnowsTheCode(upstreamTree):
    from WMCore.WMException import WMException
    from WMCore.WMRuntime.Bootstrap import BootstrapException
    error = BootstrapException("text", 11011)
    assert isinstance(error, WMException) and error.code == 11011 and error["ErrorNr"] == 11011
    assert BootstrapException("text").code is None


def test_aMissingSandboxIsABootstrapException(upstreamTree):
    from WMCore.WMRuntime import Bootstrap
    assert "WMSandbox" not in sys.modules
    for function in (Bootstrap.locateWMSandbox, Bootstrap.loadWorkload):
        with pytest.raises(Bootstrap.BootstrapException, match="WMSandbox"):
            function()


def test_loadJobDefinitionAndLoadTaskGiveJobAndTask(sandbox, upstreamTree):
    code = ("from WMCore.WMRuntime import Bootstrap\njob = Bootstrap.loadJobDefinition()\n"
            "task = Bootstrap.loadTask(job)\nwork = Bootstrap.loadWorkload()\n"
            "print(type(job).__name__, job['id'], type(task).__name__, task.getPathName(), type(work).__name__, "
            "work.name())")
    assert sandbox.run(upstreamTree, arguments=["-c", code]) == 0, sandbox.text("err")
    assert sandbox.text("out").split() == ["Job", "7", "WMTaskHelper", "/probe/Production", "WMWorkloadHelper", "probe"]


def test_importingBootstrapLeavesTheHeavyPartsAlone(sandbox, upstreamTree):
    code = ("import sys\nfrom WMCore.WMRuntime.Bootstrap import setupLogging\nsetupLogging('.')\n"
            "print([name for name in sys.modules if name.startswith(('WMCore.WMSpec', 'WMCore.FwkJobReport'))])")
    assert sandbox.run(upstreamTree, arguments=["-c", code]) == 0, sandbox.text("err")
    assert sandbox.text("out").strip() == "[]"
    assert os.path.exists(os.path.join(sandbox.jobDir, "wmagentJob.log"))


def test_establishFunctionsTakeWhatTheBuildersWrite():
    from WMCore.WMRuntime import Bootstrap
    for function in (Bootstrap.establishTaskSpace, Bootstrap.establishStepSpace):
        assert [p.kind for p in inspect.signature(function).parameters.values()] == [inspect.Parameter.VAR_KEYWORD]
