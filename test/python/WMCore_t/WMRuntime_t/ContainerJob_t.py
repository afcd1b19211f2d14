"""
Whole jobs that are continued in a container, which really has another root (the worker node's stand-in for apptainer).
"""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow
RELEASE = "CMSSW_13_0_3"


@pytest.fixture(scope="module", autouse=True)
def namespaces(workerNode, upstreamTree):
    """Skip where the kernel allows no namespaces, as a real apptainer would fail."""
    done = subprocess.run([os.path.join(workerNode.root, "bin", "apptainer"), "exec", workerNode.images["rhel9"], "true"],
                          stderr=subprocess.PIPE)
    if done.returncode == 255 and b"unshare" in done.stderr:
        pytest.skip("this machine allows neither mount nor user namespaces: %s" % done.stderr)


def run(node, directory, wrapper="ours", onOutput=None, environment=None, **options):
    """Run a job that asks for a container, under a wrapper; give its result."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, findWrapper, runJob
    return runJob(node, JobRequest(release=RELEASE, **options), str(directory / "job"), onOutput=onOutput,
                  stageHook=lambda start: shutil.copyfile(findWrapper(wrapper), os.path.join(start, "submit_py3.sh")),
                  environment=dict({"WMRUNTIME_CONTAINER": "auto", "WMA_MIN_JOB_RUNTIMESECS": "0"}, **(environment or {})))


def text(*parts):
    """Read a file as text."""
    with open(os.path.join(*parts), encoding="utf-8", errors="replace") as handle:
        return handle.read()


def exitCode(result):
    """Give the exit code that WMCore's own Report makes of the job's."""
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    report.load(result.report)
    return report.getExitCode()


@pytest.mark.parametrize("wrapper", ["ours", "upstream"])
def test_a_whole_job_runs_in_the_container_of_its_system(workerNode, tmp_path, wrapper):
    result = run(workerNode, tmp_path, wrapper)
    assert (exitCode(result), result.exit.shellCode) == (0, 0), text(result.log)[-3000:]
    info = json.loads(text(result.startDir, "job", "runtimeInfo.json"))["environment"]
    assert info["prepared"][0]["provider"] == "containerImage"
    assert info["prepared"][0]["prefix"][-1] == workerNode.images["rhel8"]
    calls = [call["argv"] for call in result.calls if call["program"] == "apptainer"]
    assert [argv[-1] for argv in calls if "Startup.py" in argv[-1]] and len(calls) == 3


def test_a_payload_has_another_root_and_when_it_is_stopped_its_report_comes_back(workerNode, tmp_path):
    step, seen = tmp_path / "job" / "job" / "WMTaskSpace" / "cmsRun1", []

    def stop(pid):
        end = time.monotonic() + 120
        log = step / "cmsRun1-stderr.log"
        while time.monotonic() < end and not (log.exists() and "Begin processing" in text(str(log))):
            time.sleep(0.1)
        seen.append(text("/proc", text(str(step / "process.id")).strip(), "root", "etc", "os-release"))
        os.kill(pid, signal.SIGTERM)
    result = run(workerNode, tmp_path, onOutput=stop, fault={"step": None, "fault": "hang", "value": {"seconds": 600}})
    assert exitCode(result) == 50669, text(result.log)[-3000:]
    assert 'VERSION_ID="8.10"' in seen[0]
    time.sleep(0.5)
    left = subprocess.run(["pgrep", "-f", str(tmp_path / "job")], stdout=subprocess.PIPE).stdout
    assert left == b""


def test_a_job_whose_container_does_not_start_says_so_in_its_report(workerNode, tmp_path):
    result = run(workerNode, tmp_path, environment={"APPTAINER_BINDPATH": "/no/such/storage"})
    assert exitCode(result) == 11014
    assert "mount source /no/such/storage doesn't exist" in text(result.log)
