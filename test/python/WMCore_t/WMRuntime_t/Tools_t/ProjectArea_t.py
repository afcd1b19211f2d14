"""Tests of Tools/ProjectArea."""
import os
import shutil

import pytest

from WMCore.WMRuntime.Tools.ProjectArea import ProjectArea

ARCH = "el8_amd64_gcc11"
OTHER = "slc7_amd64_gcc700"


@pytest.fixture
def area(tmp_path):
    """Give the path of a whole project area."""
    (tmp_path / "release").mkdir()
    path = tmp_path / "area"
    (path / "config").mkdir(parents=True)
    (path / ".SCRAM" / ARCH).mkdir(parents=True)
    (path / ".SCRAM" / ARCH / "Environment").write_text("RELEASETOP=%s\n" % (tmp_path / "release"))
    (path / ".SCRAM" / "Environment").write_text("SCRAM_PROJECTNAME=CMSSW\n")
    return path


def test_aWholeAreaHasNoProblem(area):
    whole = ProjectArea(str(area), ARCH)
    assert (whole.problem(), whole.problem(justMade=True), whole.vanishedRelease()) == (None, None, None)
    assert ProjectArea(str(area)).problem() is None
    assert whole.architectures() == [ARCH]
    assert whole.releaseTop(ARCH) == str(area.parent / "release")


@pytest.mark.parametrize("justMade", [False, True])
@pytest.mark.parametrize("text, said", [("", "names no RELEASETOP"), ("RELEASETOP=\n", "names no RELEASETOP"),
                                        ("RELEASETOP=/gone\n", "/gone"), ("OTHER=1\n", "names no RELEASETOP")])
def test_anEnvironmentFileThatLeadsNowhereIsAProblem(area, text, said, justMade):
    (area / ".SCRAM" / ARCH / "Environment").write_text(text)
    assert said in ProjectArea(str(area), ARCH).problem(justMade)
    assert ProjectArea(str(area), ARCH).vanishedRelease() == ("/gone" if said == "/gone" else None)


def test_eachThingMissingIsNamed(area):
    assert "not for " + OTHER in ProjectArea(str(area), OTHER).problem()
    (area / ".SCRAM" / ARCH / "Environment").unlink()
    assert ".SCRAM/%s/Environment" % ARCH in ProjectArea(str(area), ARCH).problem()
    (area / "config").rmdir()
    assert "config" in ProjectArea(str(area), ARCH).problem()
    assert "is not there" in ProjectArea(str(area / "nothing"), ARCH).problem()


def test_anAreaJustMadeNeedsOnlyBeThereAndForTheRightArch(area):
    """The scram stand-in of WMCore's own tests makes a bare directory."""
    (area / "config").rmdir()
    assert ProjectArea(str(area), ARCH).problem(justMade=True) is None
    assert "not for " + OTHER in ProjectArea(str(area), OTHER).problem(justMade=True)
    shutil.rmtree(str(area / ".SCRAM"))
    assert ProjectArea(str(area), ARCH).problem(justMade=True) is None
    assert "is not there" in ProjectArea(str(area / "nothing"), ARCH).problem(justMade=True)


def test_eachBrokenAreaGetsANameOfItsOwn(area):
    names = []
    for _number in range(2):
        names.append(ProjectArea(str(area)).moveAside())
        area.mkdir()
    assert names == [str(area) + ".broken.1", str(area) + ".broken.2"]


def test_whatCannotBeReadIsNoArchitecture(area):
    assert ProjectArea("/no\0where").architectures() == [] and ProjectArea("/no\0where").releaseTop("x") is None
    (area / ".SCRAM" / OTHER).mkdir()
    os.mkfifo(str(area / ".SCRAM" / OTHER / "Environment"))
    assert ProjectArea(str(area), OTHER).releaseTop(OTHER) is None, "a fifo would be waited for"


def test_theContentsOfAnAreaAreTheSameUntilSomethingChanges(area):
    def look():
        return ProjectArea(str(area)).contents()
    seen = [look()]
    assert look() == seen[0] and ProjectArea(os.path.join(str(area), "..", "area")).contents() == seen[0]
    (area / "config" / os.fsdecode(b"odd \xff\nname")).write_text("")
    seen.append(look())
    (area / "lib").mkdir()
    seen.append(look())
    (area / "lib").chmod(0o700)
    seen.append(look())
    (area / "link").symlink_to("nowhere")
    seen.append(look())
    assert None not in seen and len(set(seen)) == len(seen)


def test_anAreaThatCannotBeLookedAtOrIsEndlessHasNoContents(area, monkeypatch):
    assert ProjectArea(str(area / "gone")).contents() is None
    (area / "loop").symlink_to(area)
    assert ProjectArea(str(area)).contents()
    monkeypatch.setattr("WMCore.WMRuntime.Tools.ProjectArea.MOST_ENTRIES", 5)
    assert ProjectArea(str(area)).contents() is None
