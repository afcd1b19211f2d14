"""Tests of Tools/SharedSession: the steps of a job that share a project area, on a scram stand-in (FakeScram)."""
import json
import os
import shutil
import subprocess
import time

import pytest

from WMCore.WMRuntime.Payload.MainScript import MainArguments, writeMainScript
from WMCore.WMRuntime.Payload.ToolsPython import setToolsPython
from WMCore.WMRuntime.Release.ReleasePython import ReleasePython
from WMCore.WMRuntime.Tools.Scram import Scram
from WMCore.WMRuntime.Tools.ScramSession import BASH_NAME, JSON_NAME, SESSION_VARIABLE
from WMCore_t.WMRuntime_t.Tools_t.FakeScram import ARCH, RELEASE, FakeScram

OTHER_RELEASE, OTHER_ARCH = "CMSSW_13_0_4", "el8_amd64_gcc12"
ONCE, TWICE = ["project", "runtime"], ["project", "runtime"] * 2


@pytest.fixture
def fake(tmp_path, monkeypatch):
    for name in ("WMRUNTIME_START_PATH", "WMRUNTIME_START_LD_LIBRARY_PATH", SESSION_VARIABLE, "CMS_PATH",
                 "VO_CMS_SW_DIR", "CMSSW_BASE", "SCRAM_ARCH", "SCRAM_SITE_HOOKS_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = FakeScram(tmp_path / "scram")
    made.provide(OTHER_RELEASE, ARCH)
    made.provide(RELEASE, OTHER_ARCH)
    return made


class Job(object):
    """A job's directory with a space and a quote in its name."""

    def __init__(self, fake, top):
        self.fake, self.top = fake, top

    def directory(self, name):
        path = os.path.join(self.top, name)
        os.makedirs(path, exist_ok=True)
        return path

    def scram(self, name, **options):
        """Give a step's Scram, as its executor makes it."""
        wanted = dict(command=self.fake.command, version=RELEASE, architecture=ARCH, directory=self.directory(name),
                      retryPauses=(), shareWithin=self.top)
        wanted.update(options)
        return Scram(**wanted)

    def step(self, name, **options):
        """Have a step set up; give its Scram."""
        scram = self.scram(name, **options)
        assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
        return scram

    def area(self, name, release=RELEASE):
        return os.path.join(self.top, name, release)


@pytest.fixture
def job(fake, tmp_path):
    return Job(fake, str(tmp_path / "the job's dir"))


# -- what is shared


def test_issue6_tenStepsOfOneReleaseRunScramOnce(job, fake):
    scrams = [job.step("cmsRun%d" % number) for number in range(1, 11)]
    assert fake.actions() == ONCE
    assert [scram.sessionReused for scram in scrams] == [False] + [True] * 9
    for scram in scrams:
        assert scram("echo $CMSSW_BASE $CMSSW_VERSION") == 0
        assert scram.stdout == "%s %s\n" % (job.area("cmsRun1"), RELEASE)


def test_eachStepHasAnAreaAndASessionInItsOwnDirectory(job, fake):
    """Users, scripts and main.sh look there, and SetupCMSSWPset's own Scram is told of no other step."""
    job.step("cmsRun1")
    later = [job.step("cmsRun%d" % number) for number in (2, 3)]
    for scram in later:
        assert scram.projectArea == os.path.join(scram.directory, RELEASE)
        assert os.readlink(scram.projectArea) == os.path.join("..", "cmsRun1", RELEASE)
        assert sorted(os.listdir(scram.directory)) == sorted([RELEASE, JSON_NAME, BASH_NAME])
        own = Scram(version=RELEASE, architecture=ARCH, command=fake.command, directory=scram.directory)
        assert (own.project(), own.runtime(), own.sessionReused) == (0, 0, True)
        assert own.runtimeEnv == later[0].runtimeEnv
    assert fake.actions() == ONCE


def test_twoReleasesAndTwoArchsInTurnHaveAnAreaEach(job, fake):
    requests = [{}, {"version": OTHER_RELEASE}, {"architecture": OTHER_ARCH}] * 3
    scrams = [job.step("cmsRun%d" % number, **options) for number, options in enumerate(requests, 1)]
    assert fake.actions() == ONCE * 3
    for first, scram in zip(scrams[:3] * 3, scrams):
        assert os.path.realpath(scram.projectArea) == first.projectArea
        assert scram.runtimeEnv == first.runtimeEnv
    assert [scram.runtimeEnv["SCRAMRT_SET"].split(":")[1:3] for scram in scrams[:3]] == [
        [RELEASE, ARCH], [OTHER_RELEASE, ARCH], [RELEASE, OTHER_ARCH]]


def test_theCostOfTheTenthStepIsThatOfTheSecond(job, monkeypatch):
    """Programs none; files looked at as many, whatever the number of steps before."""
    job.step("cmsRun1")
    seen, original = [], os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **more: seen.append(path) or original(path, **more))
    monkeypatch.setattr(subprocess, "Popen", None)
    counts = []
    for number in range(2, 11):
        del seen[:]
        job.step("cmsRun%d" % number)
        counts.append(len([path for path in seen if RELEASE.encode() in os.fsencode(path)]))
    assert 0 < max(counts) <= 1.1 * min(counts)


def test_aScramThatIsToldOfNoOtherStepNeitherTakesNorGives(job, fake):
    """CRAB, and WMCore's own steps."""
    job.step("first", shareWithin=None)
    job.step("second")
    job.step("third", shareWithin=None)
    assert fake.actions() == ONCE * 3
    assert not any(os.path.islink(job.area(name)) for name in ("first", "second", "third"))


def test_aSessionThatIsNotStoredIsNotShared(job, fake):
    job.step("cmsRun1")
    job.step("cmsRun2", storeSession=False)
    assert fake.actions() == TWICE


# -- what is not


def _write(text, *parts):
    with open(os.path.join(*parts), "a") as handle:
        handle.write(text)


def _inArea(*path):
    def change(job, fake):
        os.makedirs(os.path.join(job.area("cmsRun1"), *path[:-1]), exist_ok=True)
        _write("x", job.area("cmsRun1"), *path)
    return change


def _sameSizeAndTime(job, fake):
    path = os.path.join(job.area("cmsRun1"), ".SCRAM", ARCH, "Environment")
    before = os.stat(path)
    with open(path, "r+b") as handle:
        handle.write(b"releasetop")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _session(**values):
    def change(job, fake):
        path = os.path.join(job.top, "cmsRun1", JSON_NAME)
        with open(path) as handle:
            data = dict(json.load(handle), **values)
        with open(path, "w") as handle:
            json.dump(data, handle)
    return change


def _move(job, fake):
    os.rename(job.top, job.top + " moved")
    job.top += " moved"


CHANGES = {
    "aFileInSrc": _inArea("src", "mine.cc"), "aLibrary": _inArea("lib", ARCH, "libMine.so"),
    "aProgram": _inArea("bin", ARCH, "cmsRun"), "aPythonModule": _inArea("python", "Mine.py"),
    "aFileInConfig": _inArea("config", "Self.xml"), "anAreaHook": _inArea("config", "SCRAM", "hooks", "runtime-hook"),
    "aCacheOfScram": _inArea(".SCRAM", ARCH, "RuntimeCache.json"), "aFileBesides": _inArea("notes"),
    "anEmptyDirectory": lambda job, fake: os.mkdir(os.path.join(job.area("cmsRun1"), "tmp")),
    "aDirectoryLess": lambda job, fake: os.rmdir(os.path.join(job.area("cmsRun1"), "src")),
    "aMode": lambda job, fake: os.chmod(os.path.join(job.area("cmsRun1"), "config"), 0o700),
    "aLink": lambda job, fake: os.symlink("/nowhere", os.path.join(job.area("cmsRun1"), "link")),
    "contentsOfTheSameSizeAndTime": _sameSizeAndTime,
    "theAreaGone": lambda job, fake: shutil.rmtree(job.area("cmsRun1")),
    "theAreaMoved": lambda job, fake: os.rename(job.area("cmsRun1"), job.area("cmsRun1") + ".old"),
    "theReleasesTools": lambda job, fake: os.utime(os.path.join(fake.top, "config", "toolbox"), ns=(1, 1)),
    "theReleaseGone": lambda job, fake: os.rename(fake.top, fake.top + ".gone") or os.makedirs(fake.top),
    "theJobMoved": _move,
    "aSessionCutShort": lambda job, fake: os.truncate(os.path.join(job.top, "cmsRun1", JSON_NAME), 100),
    "aSessionOfAnotherArea": _session(area="/nowhere"),
    "aSessionWithANul": _session(area="/no\0where"),
    "aSessionWithoutContents": _session(contents=None),
    "aSessionWithOddContents": _session(contents=[1]),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_neverStale_whatHasChangedIsNotShared(change, job, fake):
    job.step("cmsRun1")
    CHANGES[change](job, fake)
    second = job.step("cmsRun2")
    assert fake.actions() == TWICE and not second.sessionReused
    assert os.path.isdir(second.projectArea) and not os.path.islink(second.projectArea)
    third = job.step("cmsRun3")
    assert third.sessionReused and os.path.realpath(third.projectArea) == os.path.realpath(second.projectArea)


def test_neverStale_anAreaThatALaterStepHasChangedThroughItsLinkIsNotShared(job, fake):
    job.step("cmsRun1")
    second = job.step("cmsRun2")
    assert second("mkdir -p src/Mine && touch src/Mine/BuildFile.xml") == 0
    assert not job.step("cmsRun3").sessionReused
    assert job.scram("cmsRun2").project() == 0 and fake.actions() == TWICE, "the step that did it goes on with it"


def test_neverStale_anAreaThatWasThereBeforeIsNotShared(job, fake):
    """Nobody knows what is in it, and for whom."""
    job.step("cmsRun1", storeSession=False)
    _inArea("src", "mine.cc")(job, fake)
    assert job.step("cmsRun1").projectArea == job.area("cmsRun1")
    second = job.step("cmsRun2")
    assert not second.sessionReused and os.listdir(os.path.join(second.projectArea, "src")) == []


@pytest.mark.parametrize("options", [{"version": OTHER_RELEASE}, {"architecture": OTHER_ARCH}, {"initialise": "true"}])
def test_neverStale_anotherRequestIsNotShared(options, job, fake):
    job.step("cmsRun1")
    assert not job.step("cmsRun2", **options).sessionReused


def test_neverStale_whoNamesNoInitialiseGetsNoneOfAnotherStep(job):
    """Within a step it does: SetupCMSSWPset asks so for what the executor has set up."""
    job.step("cmsRun1", initialise="export ONE=1")
    assert "ONE" not in job.step("cmsRun2").runtimeEnv


@pytest.mark.parametrize("name", ["PATH", "CMS_PATH", "SCRAM_IGNORE_SITE_RUNTIME_HOOK"])
def test_neverStale_anotherBaseEnvironmentIsNotShared(name, job, monkeypatch):
    job.step("cmsRun1")
    monkeypatch.setenv(name, os.environ.get(name, "") + ":/usr/bin")
    assert not job.step("cmsRun2").sessionReused


@pytest.mark.parametrize("name", ["runtime-hook", "runtime/00-hook"])
@pytest.mark.parametrize("variable, below", [("CMS_PATH", "etc/scramrc/SCRAM/hooks"), ("SCRAM_SITE_HOOKS_DIR", ""),
                                             ("SCRAM_SITE_HOOKS_DIR", "SCRAM/hooks")])
def test_neverStale_aSiteHookWrittenAnewInPlaceIsNoticed(variable, below, name, job, tmp_path, monkeypatch):
    hook = tmp_path / "site" / below / name
    hook.parent.mkdir(parents=True)
    hook.write_text("echo 1")
    monkeypatch.setenv(variable, str(tmp_path / "site"))
    job.step("cmsRun1")
    assert job.step("cmsRun2").sessionReused
    hook.write_text("echo 2")
    assert not job.step("cmsRun3").sessionReused
    assert not job.step("cmsRun1").sessionReused, "nor does the step that has it use it any more"


def test_aStepWithoutASessionHasNothingToShare(job, fake):
    fake.before("runtime", "exit 1")
    first = job.scram("cmsRun1")
    assert (first.project(), first.runtime()) == (0, 4)
    fake.before("runtime", "")
    assert not job.step("cmsRun2").sessionReused
    assert not os.path.islink(job.area("cmsRun2"))


def test_anAreaOfItsOwnStaysAStepsArea(job, fake):
    job.step("cmsRun1")
    job.step("cmsRun2", storeSession=False)
    assert not job.step("cmsRun2").sessionReused
    assert not os.path.islink(job.area("cmsRun2"))


# -- links, and what else a step finds in its directory


def test_aStepThatLosesItsSessionBuildsNotInAnothersArea(job, fake):
    job.step("cmsRun1")
    second = job.step("cmsRun2")
    _inArea("src", "mine.cc")(job, fake)
    os.unlink(second.sessionFile)
    again = job.step("cmsRun2")
    assert not again.sessionReused and not os.path.islink(again.projectArea)


def test_aLinkThatLeadsOutOfTheJobIsTheUsers(job, fake, tmp_path):
    area = tmp_path / "mine" / RELEASE
    (area / "config").mkdir(parents=True)
    (area / ".SCRAM" / ARCH).mkdir(parents=True)
    (area / ".SCRAM" / ARCH / "Environment").write_text("RELEASETOP=%s\n" % fake.top)
    os.symlink(str(area), os.path.join(job.directory("cmsRun1"), RELEASE))
    assert job.step("cmsRun1").runtimeEnv["CMSSW_BASE"] == str(area)
    assert not job.step("cmsRun2").sessionReused


def test_aStepWhoseFirstAreaVanishesGetsItsOwn(job, fake):
    job.step("cmsRun1")
    job.step("cmsRun2")
    shutil.rmtree(os.path.join(job.top, "cmsRun1"))
    own = job.step("cmsRun2", shareWithin=None)
    assert not own.sessionReused and os.path.isdir(own.projectArea) and not os.path.islink(own.projectArea)


def test_aDirectoryThatCannotTakeTheSessionGetsAnAreaOfItsOwn(job, fake, monkeypatch):
    job.step("cmsRun1")

    def refuse(*arguments):
        raise OSError("No space left on device")
    monkeypatch.setattr("WMCore.WMRuntime.Tools.ScramSession._replaceFile", refuse)
    second = job.step("cmsRun2")
    assert not second.sessionReused and not os.path.islink(second.projectArea)


def test_scramByHandInALinkedAreaWorksInTheFirstOne(job, fake):
    job.step("cmsRun1")
    directory = job.step("cmsRun2").directory
    text = 'cd %s && eval "$(%s runtime -sh)" && printf %%s "$CMSSW_BASE"' % (RELEASE, fake.command)
    said = subprocess.check_output(["/bin/bash", "--norc", "-c", text], cwd=directory,
                                   env=dict(os.environ, SCRAM_ARCH=ARCH))
    assert said.decode() == job.area("cmsRun1")


@pytest.mark.parametrize("withSession", [True, False])
def test_mainShRunsInTheSharedAreasEnvironment(withSession, job, fake):
    """By hand, with scramSession.sh deleted as its header says, scram is asked anew, in the same area."""
    job.step("cmsRun1")
    directory = job.step("cmsRun2").directory
    if not withSession:
        os.unlink(os.path.join(directory, BASH_NAME))
    before = len(fake.calls)
    payload = os.path.join(directory, "payload")
    _write('#!/bin/sh\necho "it runs in $CMSSW_BASE"\n', payload)
    os.chmod(payload, 0o755)
    arguments = MainArguments("", ARCH, fake.command, "CMSSW", RELEASE, "report.xml", payload, "PSet.py")
    script = writeMainScript("cmsRun2", directory, arguments)
    run = subprocess.run(["/bin/bash", script] + arguments.words(), cwd=directory, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    assert "it runs in %s\n" % job.area("cmsRun1") in run.stdout.decode()
    assert ("Using the SCRAM environment" in run.stdout.decode()) is withSession
    assert len(fake.calls) - before == (0 if withSession else 2)
    assert os.path.islink(job.area("cmsRun2"))


def test_theStepsOwnToolsPythonIsNotHandedOn(job, fake, tmp_path):
    """A step for cmsRunPython3 puts a `python` of its own into the PATH of its session (ToolsPython)."""
    python = ReleasePython("python3", 3, path="/usr/bin/env", exists=True)
    first = job.step("cmsRun1")
    plain = first.runtimeEnv["PATH"]
    assert setToolsPython(first.directory, python)
    assert job.step("cmsRun1").runtimeEnv["PATH"] != plain
    second = job.step("cmsRun2")
    assert second.sessionReused and second.runtimeEnv["PATH"] == plain
    assert setToolsPython(second.directory, python)
    assert job.step("cmsRun3").runtimeEnv["PATH"] == plain


def test_theAreasOwnDirectoriesStayInThePath(job, fake):
    fake.write("runtime.txt", 'export PATH="$CMSSW_BASE/bin:$PATH";\n')
    first = job.step("cmsRun1")
    assert job.step("cmsRun2").runtimeEnv["PATH"] == first.runtimeEnv["PATH"]
    assert first.runtimeEnv["PATH"].startswith(job.area("cmsRun1") + "/bin:")


def test_anUnchangedAreaLooksUnchangedToAStepThatOnlyReadsIt(job, fake):
    first = job.step("cmsRun1")
    time.sleep(0.02)
    assert first("ls -lR . >/dev/null; cat .SCRAM/*/Environment >/dev/null; touch x && rm x") == 0
    assert job.step("cmsRun2").sessionReused
