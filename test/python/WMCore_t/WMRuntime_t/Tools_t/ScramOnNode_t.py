"""Test Tools/Scram with the SCRAM stand-in of the worker node in a box."""
import json
import os
import subprocess
import sys
import zipfile

import pytest

from WMCore.WMRuntime.Tools.Scram import Scram

RELEASES = ["CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3", "CMSSW_13_0_3_patch1"]


@pytest.fixture
def onNode(workerNode, tmp_path, monkeypatch):
    """Put this process into the environment of a job on the node; give its CVMFS set-up."""
    env = workerNode.environment(requiredOS="rhel8", jobAd="", machineAd="", home=str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("WMRUNTIME_", "CMSSW_", "SCRAM")):
            monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return ". '%s/cmsset_default.sh'" % workerNode.cvmfs


def scramCalls(node):
    """Count the starts of scram project and scram runtime on the node so far."""
    return len([call for call in node.calls() if call["program"].startswith("scram")
                and any(word in call["argv"] for word in ("project", "runtime", "ru"))])


@pytest.mark.parametrize("release", RELEASES)
def test_everyReleaseIsSetUpOnceAndReused(release, onNode, workerNode, tmp_path):
    arch = workerNode.releases[release]["arch"]
    before = scramCalls(workerNode)
    for number in range(3):
        scram = Scram(version=release, architecture=arch, initialise=onNode, directory=str(tmp_path))
        assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
        assert scram.sessionReused is (number > 0)
        assert scram("echo $CMSSW_VERSION $CMSSW_BASE; command -v edm_pset_pickler.py") == 0, scram.stdout
        assert scram.getStdout().split()[:2] == [release, os.path.join(str(tmp_path), release)]
    assert scramCalls(workerNode) - before == 2


def test_issue6_stepsOfTwoReleasesInTurnRunScramOnceForEach(onNode, workerNode, tmp_path):
    before = scramCalls(workerNode)
    for number, release in enumerate(["CMSSW_13_0_3", "CMSSW_10_6_30"] * 3, 1):
        directory = tmp_path / ("cmsRun%d" % number)
        directory.mkdir()
        scram = Scram(version=release, architecture=workerNode.releases[release]["arch"], initialise=onNode,
                      directory=str(directory), shareWithin=str(tmp_path))
        assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
        assert scram.sessionReused is (number > 2)
        assert scram("echo $CMSSW_VERSION $CMSSW_BASE; command -v edm_pset_pickler.py; command -v cmsRun") == 0, scram.stdout
        first = str(tmp_path / ("cmsRun%d" % (2 - number % 2)) / release)
        assert scram.getStdout().split()[:2] == [release, first] == [release, os.path.realpath(scram.projectArea)]
    assert scramCalls(workerNode) - before == 4


@pytest.mark.parametrize("release", RELEASES)
def test_scramByHandInTheLinkOfALaterStepWorksInTheSharedArea(release, onNode, workerNode, tmp_path):
    """As main.sh does when scramSession.sh is deleted: project finds the area there, runtime is the first step's."""
    arch = workerNode.releases[release]["arch"]
    for name in ("cmsRun1", "cmsRun2"):
        (tmp_path / name).mkdir()
        scram = Scram(version=release, architecture=arch, initialise=onNode, directory=str(tmp_path / name),
                      shareWithin=str(tmp_path))
        assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    text = '%s; export SCRAM_ARCH=%s; scramv1 project CMSSW %s && cd %s && eval "$(scramv1 runtime -sh)" && ' \
           'echo "in $CMSSW_BASE"' % (onNode, arch, release, release)
    run = subprocess.run(["/bin/bash", "--noprofile", "--norc", "-c", text], cwd=str(tmp_path / "cmsRun2"),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert run.returncode == 0 and "in %s\n" % (tmp_path / "cmsRun1" / release) in run.stdout.decode(), run.stdout


def test_anUnknownReleaseSaysSoAtOnce(onNode, workerNode, tmp_path):
    arch = workerNode.releases["CMSSW_13_0_3"]["arch"]
    scram = Scram(version="CMSSW_99_0_0", architecture=arch, initialise=onNode, directory=str(tmp_path))
    before = scramCalls(workerNode)
    assert scram.project() == 3
    assert "available for arch %s" % arch in scram.diagnostic() or "for arch %s" % arch in scram.diagnostic()
    assert scramCalls(workerNode) - before == 1


@pytest.fixture
def fault(workerNode):
    """Give a function that has scram on the node misbehave."""
    files = [os.path.join(workerNode.root, "var", name) for name in ("scramFault.json", "scramFault.count")]

    def tell(**what):
        with open(files[0], "w") as handle:
            json.dump(what, handle)
    yield tell
    for path in files:
        if os.path.exists(path):
            os.unlink(path)


@pytest.mark.parametrize("command, kind, codes, starts", [
    ("project", "exit", (3, 1), 1), ("runtime", "exit", (0, 4), 2), ("project", "flaky", (0, 0), 3),
    ("runtime", "flaky", (0, 0), 3)])
def test_onlyAFailureThatCvmfsExplainsIsTriedAgain(command, kind, codes, starts, fault, onNode, workerNode, tmp_path):
    fault(command=command, fault=kind, value=1)
    scram = Scram(version="CMSSW_13_0_3", architecture=workerNode.releases["CMSSW_13_0_3"]["arch"], initialise=onNode,
                  directory=str(tmp_path), retryPauses=(0.01, 0.01))
    before = scramCalls(workerNode)
    assert (scram.project(), scram.runtime()) == codes, scram.diagnostic()
    assert scramCalls(workerNode) - before == starts


def test_aVanishedReleaseIsFoundOut(onNode, workerNode, tmp_path):
    """scram says 0 and prints the environment from its cache."""
    arch = workerNode.releases["CMSSW_13_0_3"]["arch"]
    scram = Scram(version="CMSSW_13_0_3", architecture=arch, initialise=onNode, directory=str(tmp_path), retryPauses=())
    assert scram.project() == 0, scram.diagnostic()
    path = os.path.join(scram.projectArea, ".SCRAM", arch, "Environment")
    with open(path, "w") as handle:
        handle.write("RELEASETOP=/gone/CMSSW_13_0_3\n")
    assert scram.runtime() == 4, scram.diagnostic()
    assert Scram(version="CMSSW_13_0_3", architecture=arch, initialise=onNode, directory=str(tmp_path)).project() == 0
    assert os.path.isdir(os.path.join(str(tmp_path), "CMSSW_13_0_3.broken.1"))


def test_theStoredTextServesTheWrapperScript(onNode, workerNode, tmp_path):
    arch = workerNode.releases["CMSSW_13_0_3"]["arch"]
    scram = Scram(version="CMSSW_13_0_3", architecture=arch, initialise=onNode, directory=str(tmp_path))
    assert (scram.project(), scram.runtime()) == (0, 0)
    text = ". ./scramSession.sh; command -v cmsRun; echo $CMSSW_BASE"
    said = subprocess.check_output(["/bin/bash", "--noprofile", "--norc", "-c", text], cwd=str(tmp_path)).decode().split()
    assert said[0].endswith("/cmsRun") and said[1] == scram.projectArea


@pytest.fixture
def inJob(onNode, sourceTree, sandboxPackages, tmp_path, monkeypatch):
    """Make this process that of a job, whose directory holds the runtime and what it imports; give onNode."""
    job = tmp_path / "jobdir"
    job.mkdir()
    with zipfile.ZipFile(str(job / "WMCore.zip"), "w") as archive:
        for top in (sourceTree, sandboxPackages):
            for folder, _folders, names in os.walk(top):
                for name in names:
                    if name.endswith(".py"):
                        path = os.path.join(folder, name)
                        archive.write(path, os.path.relpath(path, top))
    monkeypatch.setenv("WMAGENTJOBDIR", str(job))
    return onNode


def pythonOfScript(release, onNode, workerNode, directory, **options):
    """Run a script in a release; give the Scram, the script's python version and its environment."""
    if not workerNode.releases[release]["runnable"]:
        pytest.skip(workerNode.releases[release]["why"])
    directory.mkdir()
    scram = Scram(version=release, architecture=workerNode.releases[release]["arch"], initialise=onNode,
                  directory=str(directory), **options)
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    code = "import bz2, ctypes, json, os, sys; print(json.dumps([sys.version_info[:2], dict(os.environ)]))"
    assert scram("%s -c '%s'" % (sys.executable, code)) == 0, scram.diagnostic()
    version, environ = json.loads(scram.stdout)
    return scram, tuple(version), environ


@pytest.mark.parametrize("release, expected", [("CMSSW_8_0_31", None), ("CMSSW_10_6_30", (3, 6)), ("CMSSW_12_0_0", (3, 9)),
                                               ("CMSSW_13_0_3", (3, 9)), ("CMSSW_13_0_3_patch1", (3, 9))])
def test_aScriptRunsInTheReleasesPython3OrInTheJobsAndNeverInAMixture(release, expected, inJob, workerNode, tmp_path,
                                                                      monkeypatch):
    """A script got the python 2.7 of a release, or a mixture of two pythons (2.8, #6179)."""
    monkeypatch.setenv("PYTHONPATH", "/wrapper/python")
    monkeypatch.setenv("PYTHONHOME", sys.base_prefix)
    scram, version, environ = pythonOfScript(release, inJob, workerNode, tmp_path / "step")
    assert environ["CMSSW_VERSION"] == release and environ["PATH"] == scram.runtimeEnv["PATH"]
    chosen = scram.scriptResolution.interpreter
    if expected is None:
        assert chosen.provider in ("COMP area", "running")
        assert not [path for path in environ.get("LD_LIBRARY_PATH", "").split(":") if release in path]
    else:
        assert (version, chosen.provider) == (expected, "release manifest")
        assert environ["LD_LIBRARY_PATH"] == scram.runtimeEnv["LD_LIBRARY_PATH"]
        assert "/wrapper" not in environ.get("PYTHONPATH", "")
    assert chosen.path in scram.lastExecuted


def test_outsideAJobAScriptRunsWhereTheRuntimeCanBeImported(onNode, workerNode, tmp_path, monkeypatch):
    """A release's python3 has no attrs; a script would die of it (by hand, in CRAB)."""
    monkeypatch.delenv("WMAGENTJOBDIR", raising=False)
    scram, version, _environ = pythonOfScript("CMSSW_13_0_3", onNode, workerNode, tmp_path / "step")
    assert scram.scriptResolution.interpreter.path == sys.executable and version == sys.version_info[:2]
    assert any("cannot import attr" in rejected.reason for rejected in scram.scriptResolution.rejected)


def test_onlyTheScriptsPythonGetsItsEnvironment(inJob, workerNode, tmp_path):
    scram, _version, environ = pythonOfScript("CMSSW_10_6_30", inJob, workerNode, tmp_path / "step")
    assert environ["PYTHONPATH"].startswith(os.environ["WMAGENTJOBDIR"])
    assert scram("%s -c 'print(1)'; echo ${PYTHONPATH-unset}:$LD_LIBRARY_PATH" % sys.executable) == 0
    assert scram.stdout == "1\nunset:%s\n" % scram.runtimeEnv["LD_LIBRARY_PATH"]


def test_theStepsSettingNamesThePythonOfItsScripts(onNode, workerNode, tmp_path):
    scram, version, _ = pythonOfScript("CMSSW_13_0_3", onNode, workerNode, tmp_path / "step", scriptPython=sys.executable)
    assert version == sys.version_info[:2]
    assert scram.scriptResolution.interpreter.provider == "explicit"


def test_aSettingThatDoesNotDoEndsTheScriptBeforeItStarts(onNode, workerNode, tmp_path):
    scram = Scram(version="CMSSW_13_0_3", architecture=workerNode.releases["CMSSW_13_0_3"]["arch"], initialise=onNode,
                  directory=str(tmp_path), scriptPython="/no/such/python3")
    assert (scram.project(), scram.runtime()) == (0, 0)
    assert scram("%s -c 'open(\"started\", \"w\")'" % sys.executable, runtimeDir=str(tmp_path)) == 127
    assert "/no/such/python3" in scram.diagnostic() and not (tmp_path / "started").exists()
    assert scram("true") == 0, "only scripts need it"
