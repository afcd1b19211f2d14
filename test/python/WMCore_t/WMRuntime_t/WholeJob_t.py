"""
Whole jobs on the worker node in a box: from the agent's sandbox to the report it gets back.
"""
import json
import os
import signal
import threading
import time

import pytest

RELEASES = ("CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3", "CMSSW_13_0_3_patch1")


def run(workerNode, directory, environment=None, onOutput=None, throttle=False, **options):
    """Run a job; return its result."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
    return runJob(workerNode, JobRequest(**options), str(directory), onOutput=onOutput, environment=environment,
                  throttle=throttle)


def codesOf(result):
    """Load the report with WMCore's own Report and give the exit codes of each step."""
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    report.load(result.report)
    return report, {step: sorted(report.getStepExitCodes(step)) for step in report.listSteps()}


def scramCalls(result, verb):
    """Give the scram calls of a job with this verb (scram takes any unique prefix)."""
    calls = [call for call in result.calls if call["program"] in ("scram", "scramv1")]
    verbs = [[word for word in call["argv"] if not word.startswith("-")] for call in calls]
    return [words for words in verbs if any(word and verb.startswith(word) for word in words)]


def runnable(workerNode, release):
    """Skip, with the node's own reason, when the machine lacks the python of a release."""
    if not workerNode.releases[release]["runnable"]:
        pytest.skip(workerNode.releases[release]["why"])


def processesOf(directory):
    """List the processes whose working directory is in the job's."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid).startswith(str(directory)):
                with open("/proc/%s/cmdline" % pid, "rb") as handle:
                    found.append((int(pid), handle.read().replace(b"\0", b" ").decode("utf-8", "replace")))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("release", RELEASES)
def test_everyReleaseRunsChainsOfSteps(release, steps, workerNode, upstreamTree, tmp_path):
    runnable(workerNode, release)
    result = run(workerNode, tmp_path / "job", release=release, steps=steps)
    assert result.exit.shellCode == 0, result.output() + result.output("err")
    report, codes = codesOf(result)
    expected = ["cmsRun%d" % number for number in range(1, steps + 1)] + ["stageOut1", "logArch1"]
    assert codes == {name: [] for name in expected}
    outputs = report.getAllFilesFromStep(expected[steps - 1])
    assert [aFile["events"] for aFile in outputs] == [10]
    stored = os.path.join(workerNode.storage, outputs[0]["lfn"].lstrip("/"))
    assert os.path.getsize(stored) == outputs[0]["size"]
    assert os.path.getsize(result.log) > 0


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3])
def test_section2_2_2_scramRunsOncePerJob(steps, workerNode, upstreamTree, tmp_path):
    # Upstream: three projects and five runtimes a step (known defect: executor, SetupCMSSWPset, main.sh).
    result = run(workerNode, tmp_path / "job", steps=steps)
    assert result.exit.shellCode == 0, result.output() + result.output("err")
    assert len(scramCalls(result, "project")) == len(scramCalls(result, "runtime")) == 1
    first = result.stepFile("cmsRun1", "CMSSW_13_0_3")
    for number in range(1, steps + 1):
        name = "cmsRun%d" % number
        assert os.path.samefile(result.stepFile(name, "CMSSW_13_0_3"), first)
        with open(result.stepFile(name, "%s-stdout.log" % name), encoding="utf-8") as handle:
            assert "Using the SCRAM environment of" in handle.read()


# What a script of WMCore does that runs for a release: it reads the step and writes beside it.
NOTE_PYTHON = """
import json, os, sys
from WMCore.WMRuntime.ScriptInterface import ScriptInterface

class NotePython(ScriptInterface):
    def __call__(self):
        said = {"version": "%d.%d" % sys.version_info[:2], "environ": dict(os.environ), "step": self.step.name()}
        with open(os.path.join(self.stepSpace.location, "python.json"), "w") as handle:
            json.dump(said, handle)
        return 0
"""


@pytest.mark.slow
@pytest.mark.parametrize("release, provider, version", [("CMSSW_8_0_31", "COMP area", None),
                                                        ("CMSSW_10_6_30", "release manifest", "3.6"),
                                                        ("CMSSW_13_0_3", "release manifest", "3.9")])
def test_aScriptForTheReleaseRunsInItsPython3WhereWMCoreRunsOnThat(release, provider, version, workerNode, upstreamTree,
                                                                   tmp_path, monkeypatch):
    runnable(workerNode, release)
    scripts = tmp_path / "more" / "WMCore" / "WMRuntime" / "Scripts"
    scripts.mkdir(parents=True)
    for package in (scripts, scripts.parent, scripts.parent.parent):
        (package / "__init__.py").write_text("")
    (scripts / "NotePython.py").write_text(NOTE_PYTHON)
    monkeypatch.setenv("WMCORE_UPSTREAM", os.pathsep.join([str(tmp_path / "more")] + upstreamTree))
    result = run(workerNode, tmp_path / "job", release=release, scramScripts=["NotePython"], stageOut=False)
    assert result.exit.shellCode == 0, result.output() + result.output("err")
    with open(os.path.join(result.startDir, "job", "runtimeInfo.json"), encoding="utf-8") as handle:
        chosen = json.load(handle)["scriptPythons"]["cmsRun1"]["interpreter"]
    with open(result.stepFile("cmsRun1", "python.json"), encoding="utf-8") as handle:
        said = json.load(handle)
    assert chosen["provider"] == provider and chosen["version"].startswith((version or said["version"]) + ".")
    assert (said["version"], said["step"]) == (version or said["version"], "cmsRun1")
    assert said["environ"]["CMSSW_VERSION"] == release
    paths = [path for name in ("PYTHONPATH", "LD_LIBRARY_PATH") for path in said["environ"].get(name, "").split(":")]
    assert not [path for path in paths if ("/COMP/" if version else "/%s/" % release) in path], "two pythons are mixed"
    assert len(scramCalls(result, "project")) == len(scramCalls(result, "runtime")) == 1


@pytest.mark.slow
def test_section2_1_1b_thePythonOfTheWrapperStaysSmallWhileCmsRunPrints300MB(workerNode, upstreamTree, tmp_path):
    peak = []
    finished = threading.Event()

    def watch():
        while not finished.wait(0.05):
            for pid, command in processesOf(tmp_path / "job"):
                if "Startup.py" in command and "python" in command.split()[0]:
                    try:
                        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as handle:
                            peak.extend(int(line.split()[1]) for line in handle if line.startswith("VmHWM"))
                    except OSError:
                        continue

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        result = run(workerNode, tmp_path / "job",
                     fault={"step": None, "fault": "bigOutput", "value": 300 * 1000 * 1000}, stageOut=False)
    finally:
        finished.set()
        watcher.join()
    assert os.path.getsize(result.stepFile("cmsRun1", "cmsRun1-stdout.log")) > 300 * 1000 * 1000
    print("peak memory of Startup's python: %.1f MB" % (max(peak) / 1000.0))
    assert max(peak) < 60 * 1000


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_aKilledJobSaysSoAndLeavesNoProcess(number, workerNode, upstreamTree, tmp_path):
    started = tmp_path / "job" / "job" / "WMTaskSpace" / "cmsRun1" / "process.id"

    def kill(pid):
        def wait():
            end = time.time() + 120
            while time.time() < end and not started.exists():
                time.sleep(0.05)
            time.sleep(0.5)
            os.kill(pid, number)
        threading.Thread(target=wait, daemon=True).start()

    begin = time.time()
    result = run(workerNode, tmp_path / "job", onOutput=kill, throttle=True,
                 fault={"step": None, "fault": "hang", "value": None})
    assert result.exit.shellCode == 128 + number
    assert time.time() - begin < 120
    _, codes = codesOf(result)
    assert 50669 in codes["cmsRun1"]
    assert processesOf(tmp_path / "job") == []
    assert os.path.getsize(result.stepFile("cmsRun1", "cmsRun1-stdout.log")) > 0


@pytest.mark.slow
def test_htcondorTermsEveryProcessAtOnce_CS4699(workerNode, upstreamTree, tmp_path):
    started = tmp_path / "job" / "job" / "WMTaskSpace" / "cmsRun1" / "process.id"

    def killAll(_):
        def wait():
            end = time.time() + 120
            while time.time() < end and not started.exists():
                time.sleep(0.05)
            time.sleep(0.5)
            for pid, _ in processesOf(tmp_path / "job"):
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass
        threading.Thread(target=wait, daemon=True).start()

    result = run(workerNode, tmp_path / "job", onOutput=killAll, throttle=True,
                 fault={"step": None, "fault": "hang", "value": None})
    _, codes = codesOf(result)
    assert result.exit.shellCode == 143
    assert any(codes.values())
    assert processesOf(tmp_path / "job") == []


@pytest.mark.slow
def test_theStepCanBeRunAgainByHand(workerNode, upstreamTree, tmp_path):
    from WMCore.WMRuntime.Tools.ChildProcess import runCaptured
    result = run(workerNode, tmp_path / "job", stageOut=False)
    step = os.path.dirname(result.stepFile("cmsRun1", "x"))
    os.remove(os.path.join(step, "FrameworkJobReport.xml"))
    with open(os.path.join(step, "cmsRun1-main.sh"), encoding="utf-8") as handle:
        text = handle.read()
    command = [line.lstrip("# ").strip() for line in text.splitlines()
               if line.startswith("#") and "cmsRun1-main.sh" in line and "CMSSW_13_0_3" in line][0]
    ended, out, _ = runCaptured(["/bin/bash", "-c", command], cwd=step, mergeStderr=True,
                                env=workerNode.environment(requiredOS="rhel8", jobAd="", machineAd="",
                                                           home=str(tmp_path)))
    assert ended.ok, out
    assert os.path.exists(os.path.join(step, "FrameworkJobReport.xml"))


@pytest.mark.slow
def test_theStatusFileKeepsTheFullStory(workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", stageOut=False, fault={"step": None, "fault": "exit", "value": 8009})
    with open(result.stepFile("cmsRun1", "cmsRun1-status.json"), encoding="utf-8") as handle:
        status = json.load(handle)
    # 8009 modulo 256 is 73, which is also main.sh's word for a failed scram runtime.
    assert (status["stage"], status["exitCode"]) == ("payload", 73)
    assert codesOf(result)[1]["cmsRun1"][0] == 8009


def oddReport(name, value=None):
    """Give the options of a job without stage-out whose cmsRun leaves such a report."""
    return {"stageOut": False, "fault": {"step": None, "fault": name, "value": value}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rawAmpersand", "nul", "latin1"])
def test_cmssw47555_aReportThatCanBeRepairedFailsNoJob(kind, workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", **oddReport("dirtyReport", kind))
    assert result.exit.shellCode == 0, result.output() + result.output("err")
    report, codes = codesOf(result)
    assert codes["cmsRun1"] == [] and report.stepSuccessful("cmsRun1")
    noted = report.retrieveStep("cmsRun1").jobReport
    assert noted.status == "repaired" and len(noted.repairs) == 1
    assert [aFile["events"] for aFile in report.getAllFilesFromStep("cmsRun1")] == [10]
    if kind == "rawAmpersand":
        assert report.retrieveStep("cmsRun1").skipped.files.file0.PhysicalFileName.endswith("?x=1&y=2")


@pytest.mark.slow
def test_9333_whatATruncatedReportHasCompleteIsInTheJobsReport(workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", **oddReport("truncatedReport", {"keep": 0.95, "exit": 0}))
    report, codes = codesOf(result)
    assert result.exit.shellCode == 50115 % 256 and codes["cmsRun1"] == [50115]
    assert report.retrieveStep("cmsRun1").jobReport.status == "truncated"
    assert [aFile["events"] for aFile in report.getAllFilesFromStep("cmsRun1")] == [10]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_cmssw41124_thePlaceholderDoesNotHideTheSignal(number, workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", **oddReport("placeholder8901", number.name))
    report, codes = codesOf(result)
    assert report.getExitCode() == 128 + number == result.exit.shellCode
    assert 8901 in codes["cmsRun1"] and report.retrieveStep("cmsRun1").jobReport.status == "placeholder"


@pytest.mark.matrix
def test_aWholeJobRunsOnThisPython(workerNode, upstreamTree, interpreters, tmp_path):
    version = os.environ.get("WMRUNTIME_MATRIX", "")
    if not version:
        pytest.skip("WMRUNTIME_MATRIX does not name a python; bin/run-tests matrix does")
    assert version in interpreters, "this machine has no python %s" % version
    result = run(workerNode, tmp_path / "job", steps=2, environment={"WMRUNTIME_PYTHON": interpreters[version]})
    assert result.exit.shellCode == 0, result.output() + result.output("err")
    assert set(map(tuple, codesOf(result)[1].values())) == {()}
    with open(result.log, encoding="utf-8") as handle:
        assert "Python version: %s." % version in handle.read()
