"""
Test that pruning takes what nobody needs, and nothing else.
"""
import os
import shutil
import subprocess

import pytest

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing import AreaPruning
from WMCore.WMRuntime.Publishing.AreaBuilder import areaTime
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles
from WMCore.WMRuntime.Publishing.AreaLock import areaLock
from WMCore.WMRuntime.Publishing.AreaPruning import planPruning, pruneArea
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import MACHINE, NAME, smallRequest, snapshot


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Publish an area six times; each build offers the pythons of those before."""
    root = tmp_path_factory.mktemp("published")
    request = smallRequest(root / "input")
    switch = AreaSwitch(str(root / "WMRuntime"), NAME)
    for _number in range(6):
        publishArea(request, switch)
    return switch


@pytest.fixture
def switch(published, tmp_path):
    """Give an area of the test's own with six builds, the last one shown."""
    shutil.copytree(published.folder, str(tmp_path / "root" / "WMRuntime"), symlinks=True)
    return AreaSwitch(str(tmp_path / "root" / "WMRuntime"), NAME)


def unpin(switch):
    """Take the older pythons out of all builds, as if none had ever been offered."""
    for build in switch.builds():
        folder = os.path.join(switch.directory(build), "external", "python3")
        for name in os.listdir(folder):
            if os.path.islink(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))


def versions(switch):
    return [one.name for one in AreaVersions.read(os.path.join(switch.link, "external", "python3")).candidates()]


def testBuildsWhosePythonJobsMayPinStay(switch):
    plan = planPruning(switch, [], keep=1)
    assert plan.goes == {} and plan.pins == {}
    assert plan.stays[6] == "jobs see it" and plan.stays[1] == "build 6 offers its python 3.9.18-wm1 to jobs that pin it"


def testWhatNoLinkNamesGoesAndTheNewestAndTheShownStay(switch):
    unpin(switch)
    switch.show(2)
    before = {build: snapshot(switch.directory(build)) for build in (2, 5, 6)}
    assert sorted(planPruning(switch, [], keep=2).goes) == [1, 3, 4] and switch.builds() == [1, 2, 3, 4, 5, 6]
    plan = pruneArea(switch, [], keep=2)
    assert (switch.builds(), switch.current()) == ([2, 5, 6], 2)
    assert plan.stays == {2: "jobs see it", 5: "one of the 2 newest", 6: "one of the 2 newest"}
    assert min(plan.goes.values()) > 1000
    assert {build: snapshot(switch.directory(build)) for build in (2, 5, 6)} == before
    assert sorted(os.listdir(os.path.join(switch.folder, "builds"))) == [NAME + "-2", NAME + "-5", NAME + "-6"]


def testPinsAreDroppedOnPurposeAndTheBuildsThatStayAreWholeWithoutThem(switch):
    plan = pruneArea(switch, [], keep=2, dropPins=True)
    assert switch.builds() == [5, 6] and versions(switch) == ["3.9.18-wm6", "3.9.18-wm5"]
    assert plan.pins == {number: tuple("3.9.18-wm%d" % one for one in (1, 2, 3, 4)) for number in (5, 6)}
    for build in (5, 6):
        area = switch.directory(build)
        assert loadManifest(area).files == scanFiles(area)
        assert {int(found[1]) for found in snapshot(area).values()} == {areaTime(build)}
    assert pruneArea(switch, [], keep=2, dropPins=True).goes == {}


def testTheNextBuildOffersWhatIsLeft(switch, tmp_path):
    pruneArea(switch, [], keep=2, dropPins=True)
    publishArea(smallRequest(tmp_path / "input"), switch)
    assert versions(switch) == ["3.9.18-wm7", "3.9.18-wm6", "3.9.18-wm5"]


def testThePythonThatJobsGetByDefaultStaysInAllBuildsOneMayGoBackTo(switch):
    for build, default in ((5, 2), (6, 5)):
        with open(os.path.join(switch.directory(build), "external/python3/default"), "w") as handle:
            handle.write("3.9.18-wm%d\n" % default)
    plan = pruneArea(switch, [], keep=1, dropPins=True)
    assert switch.builds() == [2, 5, 6] and versions(switch)[0] == "3.9.18-wm5"
    assert plan.stays[2] == "build 5 gives its python 3.9.18-wm2 to jobs that ask for none"


@pytest.mark.parametrize("place", ["WMRuntime/test", "WMRuntime/builds/stable", "COMP/" + NAME])
def testABuildThatAnyLinkLeadsToStays(switch, place):
    link = os.path.join(os.path.dirname(switch.folder), place)
    os.makedirs(os.path.dirname(link), exist_ok=True)
    os.symlink(os.path.join(os.path.realpath(switch.directory(3)), "external"), link)
    folders = [os.path.join(os.path.dirname(switch.folder), name) for name in ("WMRuntime", "COMP", "absent")]
    plan = pruneArea(switch, folders, keep=1, dropPins=True)
    assert switch.builds() == [3, 6] and plan.stays[3] == "%s leads to it" % link


def testABuildInWhichAProcessRunsStays(switch):
    program = os.path.join(switch.directory(1), "external", "python3", "3.9.18-wm1", "bin", "sleeper")
    shutil.copy(shutil.which("sleep"), program)
    child = subprocess.Popen([program, "60"])
    try:
        plan = pruneArea(switch, [], keep=1, dropPins=True)
    finally:
        child.kill()
        child.wait()
    assert switch.builds() == [1, 6] and plan.stays[1] == "process %d runs in it" % child.pid


def testAnAreaThatWasNeverShownKeepsItsNewest(switch):
    os.unlink(switch.link)
    pruneArea(switch, [], keep=1, dropPins=True)
    assert switch.builds() == [6]


def testAnAreaOfSomebodyElseIsLeftAlone(switch):
    os.unlink(switch.link)
    os.symlink("el9_amd64_gcc12", switch.link)
    with pytest.raises(WMRuntimeError, match="not published from here"):
        pruneArea(switch, [], keep=1, dropPins=True)
    assert len(switch.builds()) == 6


def testOtherAreasAreLeftAlone(switch):
    other = AreaSwitch(switch.folder, "rhel8_" + MACHINE)
    os.makedirs(other.directory(1))
    pruneArea(switch, [], keep=1, dropPins=True)
    assert other.builds() == [1]


def testNothingIsRemovedWhileABuildIsMade(switch):
    with areaLock(switch.lock):
        with pytest.raises(WMRuntimeError, match="being made"):
            pruneArea(switch, [], keep=1, dropPins=True)
    assert len(switch.builds()) == 6


def testASwitchThatComesInBetweenStands(switch, monkeypatch):
    unpin(switch)
    plan = planPruning(switch, [], keep=1)
    monkeypatch.setattr(AreaPruning, "planPruning", lambda *_: plan)
    switch.show(1)
    with pytest.raises(WMRuntimeError, match="(?s)Build 1 of .* is not removed.*jobs see it"):
        pruneArea(switch, [], keep=1)
    assert switch.current() == 1 and os.path.isdir(os.path.join(switch.link, "external"))


def testAKilledRemovalIsEndedByTheNextOneAndByTheNextBuild(switch, tmp_path, monkeypatch):
    def kill(_path):
        raise KeyboardInterrupt()
    builds = os.path.join(switch.folder, "builds")
    for end in (lambda: pruneArea(switch, [], keep=2, dropPins=True),
                lambda: publishArea(smallRequest(tmp_path / "input"), switch)):
        with monkeypatch.context() as patched:
            patched.setattr(AreaPruning.shutil, "rmtree", kill)
            with pytest.raises(KeyboardInterrupt):
                pruneArea(switch, [], keep=1, dropPins=True)
        assert [name for name in os.listdir(builds) if name.endswith(".removed")]
        end()
        assert not [name for name in os.listdir(builds) if name.startswith(".")]


def testWhatCannotBeRemovedIsSaid(switch, monkeypatch):
    def refuse(*_):
        raise OSError(30, "Read-only file system")
    monkeypatch.setattr(AreaPruning.os, "rename", refuse)
    with pytest.raises(WMRuntimeError, match="(?s)cannot be removed.*Read-only file system.*transaction"):
        pruneArea(switch, [], keep=1, dropPins=True)
    assert len(switch.builds()) == 6
