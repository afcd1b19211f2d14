"""Tests of Doctor/: what it says of a node that is as it should be, and of nodes where nothing is."""
import json
import os
import subprocess
import sys
import tarfile

import pytest

from WMCore.WMRuntime.Doctor import Doctor as module
from WMCore.WMRuntime.Doctor.Diagnosis import Diagnosis, Section, Station
from WMCore.WMRuntime.Doctor.Doctor import examine
from WMCore.WMRuntime.Doctor.DoctorProgram import examineNode, jobDirectoryOf, main, textLines
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, INFO, WARNING, Finding


@pytest.fixture
def bare(tmp_path):
    """Give the environment of a node without anything."""
    return {"PATH": "/usr/bin:/bin", "WMRUNTIME_CVMFS_ROOT": str(tmp_path / "cvmfs")}


def codes(diagnosis, severity=ERROR):
    return [finding.code for finding in diagnosis.allFindings() if finding.severity == severity]


def station(diagnosis, name):
    return next(one for one in diagnosis.stations if one.name == name)


def test_aNodeWithoutAnythingIsToldToHaveNothing(bare):
    diagnosis = examine(bare)
    assert not diagnosis.canRun
    assert codes(diagnosis)[:3] == ["cmsEnvironmentMissing", "siteConfigurationMissing", "noPython"]
    assert all(finding.remedy for finding in diagnosis.allFindings())
    assert station(diagnosis, "libraries").ok is None


@pytest.mark.parametrize("spoil", [
    {"PATH": ""}, {"TMPDIR": "/nowhere"}, {"WMRUNTIME_OS_RELEASE": "/"}, {"VO_CMS_SW_DIR": "/dev/null"},
    {"REQUIRED_OS": "rhel, rm -rf"}, {"_CONDOR_JOB_AD": "/proc/self/mem", "X509_USER_PROXY": "/dev/null"},
    {"WMRUNTIME_CONTAINER": "not a path"}, {"WMRUNTIME_PYTHON_VERSION": "../.."}, {"WMRUNTIME_PYTHON": "/bin/false"},
    {"WMRUNTIME_PYTHON": "/nowhere/python3"}, {"WMRUNTIME_ENVIRONMENTS": "no.such:thing"}, {"KRB5CCNAME": "KCM:1000"},
    {"SITECONFIG_PATH": "/proc"}, {"LD_LIBRARY_PATH": "\udcff"}])
def test_itTellsSomethingOfEveryOddNode(bare, spoil):
    diagnosis = examine(dict(bare, **spoil))
    assert not diagnosis.canRun
    assert len(diagnosis.sections) == len(module.SECTIONS) and len(diagnosis.stations) == 6
    assert json.loads(json.dumps(diagnosis.toDict(bare))) and textLines(diagnosis.toDict(bare))


@pytest.mark.parametrize("name, content", [
    ("environment.cfg", b"\xff\xfe["), ("environment.cfg", b"[python]\nversion = ../../x\n"),
    ("wheels/wheels.json", b"[]"), ("WMCore.zip", b"PK\x03\x04"), ("WMCore.zip", b"")])
def test_aJobDirectoryMayHoldAnything(bare, tmp_path, name, content):
    path = tmp_path / "start" / "job" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    diagnosis = examine(bare, str(tmp_path / "start" / "job"))
    assert not diagnosis.canRun and len(diagnosis.stations) == 6


def test_aSectionThatFailsIsAFindingAndEndsNothing(bare, monkeypatch):
    def broken(patient):
        raise RecursionError("deep")
    monkeypatch.setattr(module, "SECTIONS", (("broken", broken), ("fine", lambda patient: Section("fine", [("a", "b")]))))
    diagnosis = examine(bare)
    assert [section.name for section in diagnosis.sections] == ["broken", "fine"]
    assert "cannotBeTold" in codes(diagnosis, WARNING)


def test_withoutATemporaryDirectoryItSaysSo(bare, monkeypatch):
    def refuse(**options):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(module.tempfile, "mkdtemp", refuse)
    diagnosis = examine(bare)
    assert not diagnosis.canRun and codes(diagnosis) == ["noTemporaryDirectory"]


def test_itRunsWhereTheCurrentDirectoryIsGone(bare, tmp_path, sourceTree):
    gone = tmp_path / "gone"
    gone.mkdir()
    # As in a script: with "" on its path no python imports anything there.
    program = "import os, sys; os.rmdir(os.getcwd()); sys.path.remove(\"\"); " \
        "from WMCore.WMRuntime.Doctor.DoctorProgram import main; sys.exit(main([]))"
    environ = dict(bare, PYTHONPATH=os.pathsep.join([sourceTree] + [path for path in sys.path if path]))
    done = subprocess.run([sys.executable, "-c", program], cwd=str(gone), env=environ, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 1, done.stderr
    assert b"CANNOT run" in done.stdout and b"Traceback" not in done.stderr


def test_credentialsAreToldToBeThereAndNothingMore(bare, tmp_path, capsys, monkeypatch):
    proxy = tmp_path / "my-secret-proxy-name"
    proxy.write_text("-----BEGIN PRIVATE KEY-----")
    proxy.chmod(0o644)
    secrets = {"X509_USER_PROXY": str(proxy), "BEARER_TOKEN": "eyJhbGciOi.of-a.token", "DB_PASSWORD": "hunter2hunter2",
               "BEARER_TOKEN_FILE": "/nowhere/token-of-mine"}
    monkeypatch.setattr(os, "environ", dict(bare, SITECONFIG_PATH="/site/hunter2hunter2", **secrets))
    for arguments in ([], ["--json"]):
        assert main(arguments) == 1
        said = capsys.readouterr().out
        assert "X509_USER_PROXY" in said and "credentialOpen" in said and "credentialMissing" in said
        for secret in ("my-secret-proxy", "PRIVATE KEY", "eyJhbGciOi", "hunter2hunter2", "token-of-mine"):
            assert secret not in said


def test_aFullDiskEndsAJob(bare, monkeypatch):
    from WMCore.WMRuntime.Doctor import JobPlan
    monkeypatch.setattr(JobPlan, "freeBytes", lambda path: 10 ** 6)
    assert "startDirectoryUnusable" in codes(examine(bare))


def test_theFindingsComeWorstFirstAndOnce():
    worst, least = Finding("b", ERROR, "m", "r"), Finding("a", INFO, "m", "r")
    stations = [Station("one", None, "x"), Station("two", True, "y")]
    diagnosis = Diagnosis([Section("s", (), [least, worst])], stations, [least])
    assert diagnosis.allFindings() == [worst, least]
    assert diagnosis.canRun and not Diagnosis().canRun


def test_theJobIsFoundFromItsStartDirectoryToo(tmp_path, monkeypatch):
    job = tmp_path / "job"
    (job / "Utils").mkdir(parents=True)
    (job / "WMCore.zip").write_bytes(b"")
    assert jobDirectoryOf(str(tmp_path)) == jobDirectoryOf(str(job)) == str(job)
    monkeypatch.chdir(str(job))
    assert jobDirectoryOf(None) == "."
    monkeypatch.chdir(str(tmp_path))
    assert jobDirectoryOf(None) == os.path.join(".", "job")
    monkeypatch.chdir("/")
    assert jobDirectoryOf(None) is None and jobDirectoryOf("/nowhere") == "/nowhere"


def test_theCodeAloneIsNoJobUnlessItIsNamed(tmp_path, monkeypatch):
    (tmp_path / "WMCore.zip").write_bytes(b"")
    monkeypatch.chdir(str(tmp_path))
    assert jobDirectoryOf(None) is None and jobDirectoryOf(str(tmp_path)) == str(tmp_path)


def test_theCommandLineHasIt():
    import argparse
    from WMCore.WMRuntime.Command import DoctorCommand
    parser = argparse.ArgumentParser()
    DoctorCommand.register(parser.add_subparsers())
    arguments = parser.parse_args(["doctor", "--job", "x", "--json"])
    assert arguments.run is examineNode and arguments.job == "x" and arguments.json


@pytest.fixture(scope="module")
def archive(workerNode, upstreamTree, sandboxPackages, tmp_path_factory):
    """Give a real sandbox."""
    from WMCore.WMRuntime.SandboxCreator import SandboxCreator
    from WMCore.WMRuntime.WorkerNode.ExampleWorkload import buildWorkload, chainOf
    top = tmp_path_factory.mktemp("doctor")
    release = "CMSSW_13_0_3"
    workload = buildWorkload("Doctor", chainOf(release, (workerNode.releases[release]["arch"],), 1))
    return SandboxCreator().makeSandbox(str(top / "agent"), workload)


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    """Give a job directory with a real sandbox, as HTCondor and the Unpacker would leave it."""
    job = tmp_path_factory.mktemp("unpacked") / "start" / "job"
    job.mkdir(parents=True)
    with tarfile.open(archive) as sandbox:
        sandbox.extractall(str(job))
    return str(job)


def call(python, environ, cwd, *arguments):
    """Start the doctor as support does on a node that has only the sandbox; give its status and its JSON."""
    done = subprocess.run([python, "-m", "WMCore.WMRuntime.Doctor", "--json"] + list(arguments), cwd=cwd, env=environ,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout.decode("ascii"))


def environmentOf(workerNode, tmp_path, **more):
    return dict(workerNode.environment(home=str(tmp_path)), WMRUNTIME_CVMFS_ROOT=workerNode.cvmfs,
                PYTHONPATH="WMCore.zip", **more)


@pytest.mark.slow
@pytest.mark.parametrize("series", ["3.6", "3.8", "3.12", "3.13"])
def test_supportStartsItFromASandboxAlone(series, interpreters, workerNode, unpacked, tmp_path):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    status, said = call(interpreters[series], environmentOf(workerNode, tmp_path), unpacked)
    assert status == 0 and said["canRun"], said
    assert [one["ok"] for one in said["job"]] == [True] * 6
    libraries = said["job"][-1]
    assert "attrs from %s/WMCore.zip" % unpacked in libraries["reasons"]
    assert not [finding for finding in said["findings"] if finding["severity"] == ERROR]


def documentedLines():
    """Give what docs/environment.md tells support to type."""
    path = os.path.join(os.path.dirname(__file__), *[os.pardir] * 5 + ["docs", "environment.md"])
    with open(path, encoding="utf-8") as handle:
        section = handle.read().partition("`wmruntime doctor`\n")[2].partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def typed(lines, interpreters, workerNode, archive, tmp_path):
    """Type lines in a directory that has a sandbox and nothing else; give the status and what was said."""
    (tmp_path / "bin").mkdir()
    os.symlink(interpreters["3.8"], str(tmp_path / "bin" / "python3"))
    (tmp_path / "start").mkdir()
    os.symlink(archive, str(tmp_path / "start" / "Doctor-Sandbox.tar.bz2"))
    environ = environmentOf(workerNode, tmp_path)
    environ["PATH"] = "%s:%s" % (tmp_path / "bin", environ["PATH"])
    done = subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=str(tmp_path / "start"), env=environ,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    return done.returncode, done.stdout.decode("utf-8", "replace")


@pytest.mark.slow
def test_theDocumentedLinesFindAGoodNodeGood(interpreters, workerNode, archive, tmp_path):
    lines = documentedLines()
    assert any("Sandbox.tar.bz2" in line for line in lines) and "WMCore.WMRuntime.Doctor" in lines[-1]
    status, said = typed(lines, interpreters, workerNode, archive, tmp_path)
    assert status == 0 and "A job can run here." in said, said
    assert "ok libraries " in said and "sandboxIncomplete" not in said


@pytest.mark.slow
def test_theSandboxsCodeAloneLeavesTheLibrariesUntold(interpreters, workerNode, archive, tmp_path):
    lines = ["tar xf *-Sandbox.tar.bz2 WMCore.zip", "PYTHONPATH=WMCore.zip python3 -m WMCore.WMRuntime.Doctor"]
    status, said = typed(lines, interpreters, workerNode, archive, tmp_path)
    assert status == 0 and "A job can run here." in said, said
    assert "-- libraries " in said and "sandboxIncomplete" not in said


@pytest.mark.slow
def test_aPinThatCannotBeHadIsToldWithItsReasons(interpreters, workerNode, unpacked, tmp_path):
    environ = environmentOf(workerNode, tmp_path, WMRUNTIME_PYTHON_VERSION="3.99")
    status, said = call(interpreters["3.6"], environ, unpacked)
    failed = {finding["code"]: finding for finding in said["findings"]}
    assert status == 1 and "3.99 is asked for" in failed["noPython"]["message"]


@pytest.mark.slow
def test_theContainerAJobAsksForIsTriedOut(interpreters, workerNode, unpacked, tmp_path):
    environ = environmentOf(workerNode, tmp_path, WMRUNTIME_CONTAINER="auto")
    status, said = call(interpreters["3.6"], environ, unpacked)
    if any(finding["code"] == "userNamespacesRefused" for finding in said["findings"]):
        pytest.skip("this user may make no user namespaces")
    asked = next(one for one in said["job"] if one["station"] == "environment")
    assert status == 0 and " in " in asked["text"], said
    assert any("image" in reason for reason in asked["reasons"])


@pytest.mark.slow
def test_aDamagedSandboxIsFoundByTheJobsPython(interpreters, workerNode, unpacked, tmp_path, sourceTree):
    job = tmp_path / "start" / "job"
    job.mkdir(parents=True)
    with open(os.path.join(unpacked, "WMCore.zip"), "rb") as whole:
        (job / "WMCore.zip").write_bytes(whole.read(100000))
    environ = environmentOf(workerNode, tmp_path)
    environ["PYTHONPATH"] = os.path.join(unpacked, "WMCore.zip")
    status, said = call(interpreters["3.6"], environ, str(tmp_path), "--job", str(job))
    assert status == 1 and "jobDoesNotImport" in [finding["code"] for finding in said["findings"]]
    # From the damaged sandbox itself it can only say that.
    environ["PYTHONPATH"] = str(job / "WMCore.zip")
    done = subprocess.run([interpreters["3.6"], "-m", "WMCore.WMRuntime.Doctor"], env=environ, stderr=subprocess.PIPE,
                          timeout=60)
    assert done.returncode == 1


def test_anInterpreterThatIsTooOldIsToldSo(interpreters, sourceTree):
    if "2.7" not in interpreters:
        pytest.skip("this machine has no python 2.7")
    program = os.path.join(sourceTree, "WMCore", "WMRuntime", "Doctor", "__main__.py")
    done = subprocess.run([interpreters["2.7"], program], stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"3.6 or later needed" in done.stderr
