"""The choice of a step's executable in a job."""
import json
import os
from types import SimpleNamespace

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.StepExecutable import chooseStepExecutable
from WMCore_t.WMRuntime_t.WholeJob_t import codesOf, run, runnable


def choose(directory, requested, environ, policy=None):
    command = SimpleNamespace(executable=requested, configuration="PSet.py", executablePolicy=policy)
    return chooseStepExecutable("cmsRun1", str(directory), command, environ)


def environment(workerNode, release):
    record = workerNode.releases[release]
    return {"CMSSW_BASE": os.path.join(workerNode.root, record["directory"]), "CMSSW_RELEASE_BASE": "",
            "CMSSW_VERSION": release, "SCRAM_ARCH": record["arch"], "PATH": "/usr/bin"}


@pytest.mark.parametrize("requested, expected", [("cmsRun", "cmsRun"), ("cmsRunNowhere", "cmsRunNowhere"),
                                                 ("auto", "cmsRun")])
def test_anUnknownReleaseNeverFailsAStep(requested, expected, tmp_path):
    for environ in ({}, {"CMSSW_BASE": "/no/such", "CMSSW_RELEASE_BASE": ""}, {"CMSSW_BASE": "\0"}):
        choice = choose(tmp_path, requested, environ)
        assert (choice.name, choice.path) == (expected, None) and "nothing could be looked up" in choice.reasons[0]


def test_aNamedExecutableThatIsNowhereIsRefused(workerNode, tmp_path):
    with pytest.raises(WMRuntimeError, match="it has: cmsRun") as refused:
        choose(tmp_path, "cmsRunNowhere", environment(workerNode, "CMSSW_13_0_3"))
    assert refused.value.code == 50110


def test_aPathIsLeftToMainScriptForAScriptMayYetMakeTheFile(workerNode, tmp_path):
    choice = choose(tmp_path, "./made later --fast", environment(workerNode, "CMSSW_13_0_3"))
    assert (choice.name, choice.path) == ("./made later --fast", None)


def test_withoutAPathInTheSessionTheJobsIsLookedAt(workerNode, tmp_path, monkeypatch):
    environ = environment(workerNode, "CMSSW_13_0_3")
    del environ["PATH"]
    (tmp_path / "mine").write_text("#!/bin/sh\n")
    (tmp_path / "mine").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH"):
        monkeypatch.delenv("WMRUNTIME_START_" + name, raising=False)
    assert choose(tmp_path, "mine", environ).path == str(tmp_path / "mine")


def test_toolsThatCannotRunInThePythonOfTheExecutableEndTheStep(workerNode, tmp_path):
    (tmp_path / "PSet.py").write_text("x = f'{1}'\n")
    with pytest.raises(WMRuntimeError, match="scramSession.json") as refused:
        choose(tmp_path, "auto", environment(workerNode, "CMSSW_10_6_30"))
    assert refused.value.code == 50513


def test_aStepThatLeavesTheChoiceIsRefusedWhenNothingFits(workerNode, tmp_path):
    (tmp_path / "PSet.py").write_text("print 'x'\n")
    with pytest.raises(WMRuntimeError, match="PSet.py:1"):
        choose(tmp_path, "auto", environment(workerNode, "CMSSW_13_0_3"))


def test_theChoiceIsAddedToTheRuntimeInformation(workerNode, tmp_path):
    directory = tmp_path / "WMTaskSpace" / "cmsRun1"
    directory.mkdir(parents=True)
    (directory / "PSet.py").write_text("print 'x'\n")
    (tmp_path / "runtimeInfo.json").write_text('{"job_type": "Production"}')
    assert choose(directory, "auto", environment(workerNode, "CMSSW_10_6_30")).name == "cmsRun"
    written = json.loads((tmp_path / "runtimeInfo.json").read_text())
    assert written["job_type"] == "Production" and written["executables"]["cmsRun1"]["pset"]["verdict"] == "python2"


def withFirstLine(tmp_path, text):
    """Write the example's PSet with a line of its own at the top."""
    from WMCore.WMRuntime.WorkerNode.ExampleWorkload import EXAMPLES
    with open(os.path.join(EXAMPLES, "GenPSet.py"), encoding="utf-8") as handle:
        (tmp_path / "Own.py").write_text(text + "\n" + handle.read())
    return str(tmp_path / "Own.py")


@pytest.mark.slow
@pytest.mark.parametrize("line, expected", [("print 'x'", "cmsRun"), ("x = f'{1}'", "cmsRunPython3"),
                                            ("x = 1", "cmsRun")])
def test_autoRunsAPSetUnderThePythonItIsWrittenFor(line, expected, workerNode, upstreamTree, tmp_path):
    runnable(workerNode, "CMSSW_10_6_30")
    result = run(workerNode, tmp_path / "job", release="CMSSW_10_6_30", executable="auto",
                 pset=withFirstLine(tmp_path, line))
    assert result.exit.shellCode == 0, result.output()[-6000:] + result.output("err")[-3000:]
    assert codesOf(result)[1]["cmsRun1"] == []
    called = [call["program"] for call in result.calls if call["program"].startswith("cmsRun")]
    assert called == [expected]
    with open(os.path.join(result.startDir, "job", "runtimeInfo.json"), encoding="utf-8") as handle:
        assert json.load(handle)["executables"]["cmsRun1"]["name"] == expected


@pytest.mark.slow
def test_aPSetThatNeitherCanRunIsRefusedBeforeCmsRun(workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", release="CMSSW_10_6_30", executable="auto",
                 pset=withFirstLine(tmp_path, "print 'x'; y = f'{1}'"))
    report, codes = codesOf(result)
    assert codes["cmsRun1"] == [7002]
    assert not [call for call in result.calls if call["program"].startswith("cmsRun")]
    details = str([error.details for error in [getattr(report.retrieveStep("cmsRun1").errors, "error0")]])
    assert "PSet.py:1" in details and "the print statement" in details and "an f-string" in details
