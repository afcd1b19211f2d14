"""
Whole jobs that ask for another environment than the wrapper gives them, under our wrapper and under upstream's.
"""
import json
import os
import shutil

import pytest

pytestmark = pytest.mark.slow
RELEASE = "CMSSW_13_0_3"
WRAPPERS = ("ours", "upstream")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Give a node whose RHEL 8 area has a second python, the newest, beside the one it came with."""
    from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
    node = createNode(str(tmp_path_factory.mktemp("asking") / "node"), log=lambda text: None)
    comp = os.path.join(node.root, "cvmfs", "cms.cern.ch", "COMP")
    pythons = {name: os.path.join(comp, name, "external", "python3") for name in ("rhel8_x86_64", "rhel9_x86_64")}
    if not all(os.path.isdir(path) for path in pythons.values()):
        pytest.skip("this machine's CPU has no areas that run")
    (old,), (new,) = [os.listdir(path) for path in pythons.values()]
    if old == new:
        pytest.skip("this machine has too few pythons")
    shutil.copytree(os.path.join(pythons["rhel9_x86_64"], new), os.path.join(pythons["rhel8_x86_64"], new), symlinks=True)
    return node, pythons["rhel8_x86_64"], old, new


def run(node, directory, wrapper, cfg=None, **environment):
    """Run a job whose sandbox asks for something, under a wrapper; give its result."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, findWrapper, runJob

    def place(startDir):
        shutil.copyfile(findWrapper(wrapper), os.path.join(startDir, "submit_py3.sh"))
    asked = directory / "asked.cfg"
    with pytest.MonkeyPatch.context() as patch:
        if cfg:
            asked.write_text(cfg)
            patch.setenv("WMRUNTIME_SANDBOX_ENVIRONMENT", str(asked))
        return runJob(node, JobRequest(release=RELEASE), str(directory / "job"), stageHook=place, environment=dict(
            environment, WMA_MIN_JOB_RUNTIMESECS="0", PATH=_impatient(directory, node)))


def _impatient(directory, node):
    """Give a PATH on which sleep returns at once: upstream's wrapper sleeps for minutes after a failure."""
    programs = directory / "programs"
    programs.mkdir()
    (programs / "sleep").write_text("#!/bin/sh\nexit 0\n")
    (programs / "sleep").chmod(0o755)
    return "%s:%s" % (programs, node.environment()["PATH"])


def info(result):
    """Read what runtimeInfo.json says of the job's environment."""
    with open(os.path.join(result.startDir, "job", "runtimeInfo.json"), encoding="utf-8") as handle:
        return json.load(handle)["environment"]


def pythonOf(result):
    """Give the directory of the python's version, links resolved: upstream's wrapper resolves them, too."""
    return os.path.dirname(os.path.dirname(os.path.realpath(info(result)["python"]["path"])))


def reportOf(result):
    """Load the report as the agent does."""
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    report.load(result.report)
    return report


def text(result):
    """Give all that was printed, for a failing test."""
    with open(result.log, encoding="utf-8", errors="replace") as handle:
        return result.output()[-4000:] + result.output("err")[-4000:] + handle.read()[-4000:]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_withoutAPinTheWrappersChoiceStays(node, upstreamTree, tmp_path, wrapper):
    result = run(node[0], tmp_path, wrapper)
    assert result.exit.shellCode == 0 and reportOf(result).getExitCode() == 0, text(result)
    assert pythonOf(result) == os.path.realpath(os.path.join(node[1], node[3]))
    assert info(result)["asked"] == {}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_aSandboxsPinIsFollowed(node, upstreamTree, tmp_path, wrapper):
    result = run(node[0], tmp_path, wrapper, "[python]\nversion = %s\n" % node[2])
    assert result.exit.shellCode == 0 and reportOf(result).getExitCode() == 0, text(result)
    said = info(result)
    assert said["python"]["path"] == os.path.join(os.path.realpath(os.path.join(node[1], node[2])), "bin", "python3")
    assert said["asked"]["pythonVersion"]["value"] == node[2] and said["prepared"][0]["python"] == said["python"]["path"]
    with open(result.log, encoding="utf-8") as handle:
        assert any("Environment: CVMFS area: python %s of" % node[2] in line for line in handle)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_nothingOfEitherPythonLeaksIntoCmsRun_10765(node, upstreamTree, tmp_path, wrapper):
    result = run(node[0], tmp_path, wrapper, "[python]\nversion = %s\n" % node[2])
    with open(result.stepFile("cmsRun1", "scramSession.json"), encoding="utf-8") as handle:
        said = json.load(handle)["set"]
    paths = [entry for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH") for entry in said.get(name, "").split(":")]
    assert paths and not [entry for entry in paths if "/COMP/" in entry or entry.startswith(result.startDir + "/job/WMCore.zip")]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_aPinThatCannotBeHadIsReportedWithAllThatWasTried(node, upstreamTree, tmp_path, wrapper):
    result = run(node[0], tmp_path, wrapper, "[python]\nversion = 3.99\n")
    assert reportOf(result).getExitCode() == 11014, text(result)
    with open(result.log, encoding="utf-8") as handle:
        log = handle.read()
    assert "/job/environment.cfg asks for" in log and node[1] in log and "%s: 3.99 is asked for" % node[2] in log
    assert result.exit.shellCode != 0


def test_theJobsOwnPinIsStrongerThanTheSandboxs(node, upstreamTree, tmp_path):
    result = run(node[0], tmp_path, "ours", "[python]\nversion = 3.99\n", WMRUNTIME_PYTHON_VERSION=node[2])
    assert result.exit.shellCode == 0, text(result)
    assert info(result)["asked"]["pythonVersion"] == {"value": node[2], "where": "WMRUNTIME_PYTHON_VERSION"}
    assert info(result)["prepared"] == [], "the wrapper took that python already"


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_aSandboxsContainerIsEnteredWithAnAreasPython(node, upstreamTree, tmp_path, wrapper):
    result = run(node[0], tmp_path, wrapper, "[container]\nimage = auto\n")
    assert result.exit.shellCode == 0 and reportOf(result).getExitCode() == 0, text(result)
    said = info(result)
    assert [one["provider"] for one in said["prepared"]] == ["containerImage", "CVMFS area"]
    assert pythonOf(result) == os.path.realpath(os.path.join(node[1], node[3]))
    with open(result.stepFile("cmsRun1", "scramSession.json"), encoding="utf-8") as handle:
        assert "/COMP/" not in json.dumps(json.load(handle)["set"]), "the area's python leaks into the release"


def test_aContainerAndAPinGoTogether(node, upstreamTree, tmp_path):
    result = run(node[0], tmp_path, "ours", "[python]\nversion = %s\n[container]\nimage = auto\n" % node[2])
    assert result.exit.shellCode == 0 and reportOf(result).getExitCode() == 0, text(result)
    assert pythonOf(result) == os.path.realpath(os.path.join(node[1], node[2]))


def test_aBarePython36RunsTheSandboxAlone(node, upstreamTree, tmp_path, interpreters):
    if "3.6" not in interpreters:
        pytest.skip("this machine has no python 3.6")
    result = run(node[0], tmp_path, "ours", WMRUNTIME_PYTHON=interpreters["3.6"])
    assert result.exit.shellCode == 0 and reportOf(result).getExitCode() == 0, text(result)
    assert info(result)["python"]["version"].startswith("3.6.") and info(result)["prepared"] == []
