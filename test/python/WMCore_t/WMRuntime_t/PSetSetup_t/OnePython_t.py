"""The release's python is started once for a PSet, scram not at all; a tool that refuses is run all the same."""
import os
import stat

import pytest

from WMCore_t.WMRuntime_t.PSetSetup_t.PSetRuns import PYTHON2, PYTHON3, PSetRuns


@pytest.fixture(scope="module")
def runs(workerNode, tmp_path_factory, sourceTree, upstreamTree):
    """Give a PSetRuns."""
    return PSetRuns(workerNode, tmp_path_factory.mktemp("psets"), sourceTree, upstreamTree)


@pytest.fixture(params=[PYTHON3, PYTHON2])
def release(request, runs):
    """Give a release whose cmsRun is python 3, and one whose cmsRun is python 2."""
    if not runs.node.releases[request.param]["runnable"]:
        pytest.skip(runs.node.releases[request.param]["why"])
    return request.param


def callsOf(runs, directory):
    """Give the stand-ins' calls that worked on a step."""
    return [call for call in runs.node.calls() if any(directory in word for word in call["argv"])]


def test_allToolsRunInOneProcessOfTheReleasesPython(runs, release):
    run = runs.run("processing", release)
    tools = callsOf(runs, run.directory)
    assert len(tools) == 11 and {call["exit"] for call in tools} == {0}
    assert len({call["pid"] for call in tools}) == 1
    assert {call["python"][0] for call in tools} == {runs.node.releases[release]["cmsRunPython"]}
    assert len({call["cwd"] for call in tools}) == 1 and tools[0]["cwd"].endswith(release)
    assert {call["how"] for call in run.calls} == {"driven", "builtIn"}
    record = run.json("psetCalls.json")
    assert (record["state"], record["loads"], record["dumps"]) == ("done", 1, 2)


def test_neighbouringTweaksAreOneCall(runs, release):
    run = runs.run("skipBadFiles", release)
    tweaks = [call for call in run.calls if call["program"] == "edm_pset_tweak.py"]
    assert [call["why"] for call in tweaks] == [
        "what output modules must have, threads", "threads and conditions, input of the job", "names of the output",
        "performance services", "settings of the step"]


def test_whatIsLeftInTheStepsDirectory(runs):
    run = runs.run("generation")
    assert run.read("PSet.py").splitlines() == [
        "import FWCore.ParameterSet.Config as cms", "import pickle", "with open('PSet.pkl', 'rb') as handle:",
        "    process = pickle.load(handle)"]
    left = set(os.listdir(run.directory))
    assert {"PSet.pkl", "PSetTweak.json", "psetPlan.json", "psetCalls.json", "psetTools.log", "psetDriver"} <= left
    assert not [name for name in left if name.endswith(".tmp")]
    assert "Set attribute process.source.numberEventsInLuminosityBlock" in run.log


def test_aToolThatRefusesRunsInItsOwnProcess(runs, release, tmp_path):
    bin = os.path.join(runs.node.cvmfs, "share", "overrides", "bin")
    path = os.path.join(bin, "cmssw_handle_nEvents.py")
    with open(path) as handle:
        text = handle.read()
    try:
        with open(path, "w") as handle:
            handle.write(text + "\n# os.fork() is what it would like to do\n")
        os.chmod(path, stat.S_IRWXU)
        run = runs.run("eventBased", release)
    finally:
        with open(path, "w") as handle:
            handle.write(text)
    last = [call for call in run.calls if call["program"] == "cmssw_handle_nEvents.py"][0]
    assert (last["how"], last["status"]) == ("ownProcess", 0) and "uses its process" in last["reason"]
    assert len({call["pid"] for call in callsOf(runs, run.directory)}) == 2
    assert "process.source.fileNames" in runs.parameters(run, release)


def test_aToolThatIsNotThereIsNamed(runs):
    path = os.path.join(runs.node.cvmfs, "share", "overrides", "bin", "cmssw_handle_random_seeds.py")
    os.rename(path, path + ".away")
    try:
        run = runs.run("chained", expect=1)
    finally:
        os.rename(path + ".away", path)
    assert "cmssw_handle_random_seeds.py failed with exit code 127" in run.log
    assert "cmssw_handle_random_seeds.py cannot be started" in run.log


def test_scramThatFailsIsSaidToBeScram(runs):
    runs.node.setScramFault("project", "exit", 7)
    try:
        run = runs.run("lumiBased", expect=1)
    finally:
        runs.node.clearScramFault()
    end = run.log[run.log.rindex("WMRuntimeError"):]
    assert "The environment of CMSSW_13_0_3 cannot be set up" in end and "Exit Status: 3" in end
