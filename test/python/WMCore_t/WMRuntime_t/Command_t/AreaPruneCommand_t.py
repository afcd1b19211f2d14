"""
Test `wmruntime area prune` from its words to what it prints.
"""
import os

import pytest

from WMCore.WMRuntime.Command.Main import main
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import NAME, smallRequest


@pytest.fixture
def switch(tmp_path):
    """Give an area with three builds."""
    switch = AreaSwitch(str(tmp_path / "root" / "WMRuntime"), NAME)
    request = smallRequest(tmp_path / "input")
    for _number in range(3):
        publishArea(request, switch)
    return switch


def prune(capsys, switch, *words):
    """Run the command; give its status and what it printed to both streams."""
    status = main(["area", "prune", "--root", os.path.dirname(switch.folder)] + list(words))
    out, err = capsys.readouterr()
    return status, out + err


def test_nothingIsRemovedUnlessItIsAskedFor(switch, capsys):
    words = ["--all", "--keep", "1", "--drop-pins"]
    status, text = prune(capsys, switch, *words)
    assert status == 0 and switch.builds() == [1, 2, 3]
    lines = text.splitlines()
    assert lines[0] == "%-16s build 3 stays, jobs see it" % NAME
    assert lines[1].split()[:4] == ["build", "2", "can", "go,"] and lines[1].endswith(" MB")
    assert lines[3].strip() == "build 3 would no longer offer 3.9.18-wm1, 3.9.18-wm2 to jobs that pin it"
    assert lines[4] == "nothing was removed: --remove does it"
    status, text = prune(capsys, switch, "--remove", *words)
    assert status == 0 and switch.builds() == [3] and "build 2 is removed" in text and "nothing" not in text


def test_pinnedPythonsAndTheNewestThreeStayByDefault(switch, capsys):
    status, text = prune(capsys, switch, NAME, "--remove", "--keep", "1")
    assert status == 0 and switch.builds() == [1, 2, 3]
    assert "build 1 stays, build 3 offers its python 3.9.18-wm1 to jobs that pin it" in text
    assert "build 1 stays, one of the 3 newest" in prune(capsys, switch, NAME, "--remove", "--drop-pins")[1]
    assert switch.builds() == [1, 2, 3]


def test_anAreaThatFailsDoesNotKeepTheOthersFromBeingPruned(switch, capsys):
    other = AreaSwitch(switch.folder, "rhel6_x86_64")
    os.makedirs(other.directory(1))
    os.symlink("slc6_amd64_gcc700", other.link)
    status, text = prune(capsys, switch, "--all", "--remove", "--keep", "1", "--drop-pins")
    assert status == 1 and "rhel6_x86_64     FAILED" in text and "not published from here" in text
    assert (other.builds(), switch.builds()) == ([1], [3])


@pytest.mark.parametrize("words, said", [
    ([], "not said which areas"), (["--all", NAME], "not said which areas"), (["rhel5_x86_64"], "There is no area rhel5_x86_64"),
    ([NAME, "--keep", "0"], "--keep needs"), ([NAME, "--area-path", "../x"], "--area-path needs"),
    ([NAME, "--area-path", "COMP"], "found none")])
def test_mistakesAreSaid(switch, capsys, words, said):
    status, text = prune(capsys, switch, *words)
    assert status == 1 and said in text and "what to do" in text and switch.builds() == [1, 2, 3]
