"""How a job is prepared for the worker node in a box."""
import os

import pytest

from WMCore.WMRuntime.WorkerNode.JobRun import (OURS, UPSTREAM, JobRequest, findWrapper, rhelOf, runJob,
                                                upstreamEntries)
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNodeError


@pytest.mark.parametrize("arch, rhel", [("slc5_amd64_gcc462", "rhel6"), ("slc6_amd64_gcc700", "rhel6"),
                                        ("slc7_amd64_gcc900", "rhel7"), ("el8_amd64_gcc12", "rhel8"),
                                        ("cs9_aarch64_gcc13", "rhel9")])
def test_theRequiredSystemFollowsFromTheScramArch(arch, rhel):
    assert rhelOf(arch) == rhel


def test_eachRuntimeHasItsOwnWrapper(upstreamTree):
    assert findWrapper(OURS) != findWrapper(UPSTREAM)
    assert all(os.path.basename(findWrapper(runtime)) == "submit_py3.sh" for runtime in (OURS, UPSTREAM))


def test_withoutWMCoreTheErrorSaysHowToGetIt(monkeypatch, tmp_path):
    monkeypatch.delenv("WMCORE_UPSTREAM", raising=False)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(WorkerNodeError, match="WMCORE_UPSTREAM"):
        upstreamEntries()


def test_aReleaseTheNodeLacksIsRefusedBeforeAnythingIsMade(workerNode, tmp_path):
    with pytest.raises(WorkerNodeError, match="CMSSW_99_0_0"):
        runJob(workerNode, JobRequest(release="CMSSW_99_0_0"), str(tmp_path / "job"))
    assert not (tmp_path / "job").exists()


def test_aPathWithWhiteSpaceIsRefusedInOneSentence(workerNode, tmp_path):
    with pytest.raises(WorkerNodeError, match="white space"):
        runJob(workerNode, JobRequest(), str(tmp_path / "my jobs" / "job"))


@pytest.mark.parametrize("options, words", [({"steps": 0}, "at least one step"), ({"pset": "nowhere.py"}, "nowhere.py")])
def test_aRequestThatCannotRunIsRefusedBeforeAnythingIsMade(options, words, workerNode, tmp_path):
    with pytest.raises(WorkerNodeError, match=words):
        runJob(workerNode, JobRequest(**options), str(tmp_path / "job"))
    assert not (tmp_path / "job").exists()


def test_aJobDirectoryThatIsThereIsNotTouched(workerNode, tmp_path):
    with pytest.raises(WorkerNodeError, match="there already"):
        runJob(workerNode, JobRequest(), str(tmp_path))
