"""
Test that publishing changes what jobs see in one step, and nothing when it fails.
"""
import os
import shutil

import pytest

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing import AreaPublisher
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import NAME, smallRequest, snapshot


@pytest.fixture
def request_(tmp_path):
    """Give the request for an area that builds in a moment."""
    return smallRequest(tmp_path / "input")


@pytest.fixture
def switch(tmp_path):
    """Give the place the area is published at, where nothing is yet."""
    return AreaSwitch(str(tmp_path / "root" / "WMRuntime"), NAME)


def versions(switch):
    """List the pythons jobs find, the one first that they get."""
    found = AreaVersions.read(os.path.join(switch.link, "external", "python3"))
    return [version.name for version in found.candidates() if os.path.isfile(version.init)]


def test_theFirstBuildIsShown(request_, switch):
    built = publishArea(request_, switch)
    assert (switch.builds(), switch.current()) == ([1], 1) and built.directory == switch.directory(1)
    assert loadManifest(switch.link) == built.manifest and versions(switch) == ["3.9.18-wm1"]


def test_aPinHoldsWhenAnotherBuildIsPublished10642(request_, switch):
    for _number in range(3):
        publishArea(request_, switch)
    assert switch.current() == 3 and versions(switch) == ["3.9.18-wm3", "3.9.18-wm2", "3.9.18-wm1"]
    for version in versions(switch):
        assert os.path.isfile(os.path.join(switch.link, "external/python3", version, "bin/python3"))


def test_aPinHoldsAsLongAsItsBuildIsThere10642(request_, switch):
    for _number in range(5):
        publishArea(request_, switch)
    shutil.rmtree(switch.directory(2))
    publishArea(request_, switch)
    assert versions(switch) == ["3.9.18-wm%d" % number for number in (6, 5, 4, 3, 1)]


def test_aDefaultCanBeKeptAsOftenAsOneLikes10642(request_, switch):
    publishArea(request_, switch)
    for _number in range(5):
        publishArea(request_, switch, keepDefault=True)
    assert switch.current() == 6 and versions(switch)[:2] == ["3.9.18-wm1", "3.9.18-wm6"]


def test_aBuildWithADamagedManifestIsLeftOutAndToldOf(request_, switch):
    for _number in range(2):
        publishArea(request_, switch)
    with open(os.path.join(switch.directory(1), "manifest.json"), "w") as handle:
        handle.write("{}")
    built = publishArea(request_, switch)
    assert versions(switch) == ["3.9.18-wm3", "3.9.18-wm2"]
    assert [text for text in built.warnings if "without the python of build 1: " in text]


def test_aNewPythonCanBePublishedWithoutJobsGettingIt10642(request_, switch):
    publishArea(request_, switch)
    publishArea(request_, switch, keepDefault=True)
    assert switch.current() == 2 and versions(switch) == ["3.9.18-wm1", "3.9.18-wm2"]
    publishArea(request_, switch, keepDefault=True)
    assert versions(switch) == ["3.9.18-wm1", "3.9.18-wm3", "3.9.18-wm2"]
    publishArea(request_, switch)
    assert versions(switch)[0] == "3.9.18-wm4"


def test_aDefaultThatIsNotThereCannotBeKept(request_, switch):
    with pytest.raises(WMRuntimeError, match="(?s)cannot be kept.*--keep-default"):
        publishArea(request_, switch, keepDefault=True)
    assert switch.builds() == []


def test_aBuildCanWaitUnseen(request_, switch):
    publishArea(request_, switch)
    publishArea(request_, switch, show=False)
    assert (switch.builds(), switch.current()) == ([1, 2], 1)
    assert switch.rollback(2) == (1, 2) and versions(switch)[0] == "3.9.18-wm2"


def test_goingBackGivesTheVeryFilesOfBefore(request_, switch):
    publishArea(request_, switch)
    before = snapshot(os.path.realpath(switch.link))
    publishArea(request_, switch)
    assert switch.rollback() == (2, 1) and snapshot(os.path.realpath(switch.link)) == before


@pytest.mark.parametrize("failure", [WMRuntimeError(None, "it cannot be built"), OSError(28, "No space left on device"),
                                     KeyboardInterrupt()])
def test_aBuildThatFailsChangesNothing(request_, switch, monkeypatch, failure):
    publishArea(request_, switch)
    before = snapshot(switch.folder)

    def fail(_request, _build, directory, _older):
        open(os.path.join(directory, "half"), "w").close()
        raise failure
    monkeypatch.setattr(AreaPublisher, "buildArea", fail)
    with pytest.raises((WMRuntimeError, KeyboardInterrupt)):
        publishArea(request_, switch)
    after = snapshot(switch.folder)
    assert {name: one[2] for name, one in after.items()} == {name: one[2] for name, one in before.items()}


def test_twoCannotBuildTheSameAtATime(request_, switch, monkeypatch):
    build, told = AreaPublisher.buildArea, []

    def meanwhile(*arguments):
        with pytest.raises(WMRuntimeError) as caught:
            publishArea(request_, switch)
        told.append(str(caught.value))
        return build(*arguments)
    monkeypatch.setattr(AreaPublisher, "buildArea", meanwhile)
    publishArea(request_, switch)
    assert "Another build" in told[0] and ".%s.lock" % NAME in told[0]
    assert os.listdir(os.path.dirname(switch.directory(1))) == [NAME + "-1"]


def test_whatIsLeftOfAKilledBuildIsRemovedAndToldOf(request_, switch):
    remains = os.path.join(switch.folder, "builds", ".%s-7.partial" % NAME)
    others = [os.path.join(switch.folder, "builds", name) for name in (".%sx-1.partial" % NAME, ".other.lock")]
    for path in [remains] + others:
        os.makedirs(os.path.join(path, "half"))
    with open(os.path.join(switch.folder, "builds", ".%s.lock" % NAME), "w"):
        pass
    built = publishArea(request_, switch)
    assert switch.current() == 1 and "%s-7.partial" % NAME in built.warnings[0]
    assert sorted(os.listdir(os.path.join(switch.folder, "builds"))) == sorted(
        [NAME + "-1"] + [os.path.basename(path) for path in others])


def test_aSwitchThatSomebodyMadeDuringABuildStands(request_, switch, monkeypatch):
    for _number in range(2):
        publishArea(request_, switch)
    build = AreaPublisher.buildArea

    def meanwhile(*arguments):
        switch.rollback()
        return build(*arguments)
    monkeypatch.setattr(AreaPublisher, "buildArea", meanwhile)
    with pytest.raises(WMRuntimeError, match="(?s)made, and not shown.*from build 2 to build 1.*--to 3"):
        publishArea(request_, switch)
    assert (switch.builds(), switch.current()) == ([1, 2, 3], 1)


def test_whatFinishingABuildRaisesLeavesNoBuild(request_, switch):
    def fail(built):
        assert loadManifest(built.directory) == built.manifest
        raise WMRuntimeError(None, "the archive cannot be written")
    with pytest.raises(WMRuntimeError, match="archive"):
        publishArea(request_, switch, finish=fail)
    assert switch.current() is None and os.listdir(os.path.join(switch.folder, "builds")) == []


def test_aPlaceThatIsNoDirectoryIsSaid(request_, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WMRuntimeError, match="directory cannot be made(.|\n)*file/WMRuntime"):
        publishArea(request_, AreaSwitch(str(tmp_path / "file" / "WMRuntime"), NAME))


def test_anAreaOfSomebodyElseIsFoundBeforeAnythingIsBuilt(request_, switch):
    os.makedirs(switch.folder)
    os.symlink("slc7_amd64_gcc630", switch.link)
    with pytest.raises(WMRuntimeError, match="was not published from here"):
        publishArea(request_, switch)
    assert os.listdir(switch.folder) == [NAME]
