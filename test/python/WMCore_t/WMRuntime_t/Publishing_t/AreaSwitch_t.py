"""
Test that jobs see one whole build of an area or another, never half of one.
"""
import os
import threading

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch, publishedAreas

NAME = "rhel8_x86_64"


@pytest.fixture
def switch(tmp_path):
    """Give a switch with the builds 1, 2 and 10; names that are no builds lie beside them."""
    for name in ("-1", "-2", "-10", "-0", "-x", "-3.partial", "-01", "x-4"):
        (tmp_path / "builds" / (NAME + name)).mkdir(parents=True)
        for part in "abc":
            (tmp_path / "builds" / (NAME + name) / part).write_text(name)
    return AreaSwitch(str(tmp_path), NAME)


def test_buildsAreCountedAsNumbers(switch):
    assert switch.builds() == [1, 2, 10] and switch.current() is None


def test_aShownBuildIsWhatTheLinkLeadsTo(switch):
    switch.show(2)
    assert switch.current() == 2 and os.readlink(switch.link) == "builds/rhel8_x86_64-2"
    assert os.path.realpath(switch.link) == os.path.realpath(switch.directory(2))


def test_goingBackGoesToTheBuildBefore(switch):
    switch.show(10)
    assert switch.rollback() == (10, 2) and switch.rollback() == (2, 1) and switch.current() == 1
    with pytest.raises(WMRuntimeError, match="nothing to go back to"):
        switch.rollback()
    assert switch.rollback(10) == (1, 10) and switch.current() == 10


def test_withoutAnAreaThereIsNothingToGoBackTo(switch):
    with pytest.raises(WMRuntimeError, match="it shows none"):
        switch.rollback()


def test_aBuildThatIsNotThereIsRefusedAndNothingChanges(switch):
    switch.show(1)
    with pytest.raises(WMRuntimeError, match="no build 3 of rhel8_x86_64(.|\n)*found 1, 2, 10"):
        switch.show(3)
    assert switch.current() == 1


@pytest.mark.parametrize("target", ["slc7_amd64_gcc630", "builds/rhel9_x86_64-1", "/builds/rhel8_x86_64-1", None])
def test_anAreaOfSomebodyElseIsLeftAlone(switch, target):
    os.mkdir(switch.link) if target is None else os.symlink(target, switch.link)
    with pytest.raises(WMRuntimeError, match="was not published from here"):
        switch.show(1)
    assert os.path.isdir(switch.link) if target is None else os.readlink(switch.link) == target


def test_aDirectoryThatCannotBeWrittenIsToldAndNothingIsLeft(switch, monkeypatch):
    def fail(*_arguments):
        raise OSError("read-only file system")
    switch.show(1)
    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(WMRuntimeError, match="read-only file system(.|\n)*transaction"):
        switch.show(2)
    assert switch.current() == 1 and not [name for name in os.listdir(os.path.dirname(switch.directory(1)))
                                          if "tmp" in name]


def test_readersNeverSeeHalfOfABuild(switch):
    switch.show(1)
    ended, wrong = threading.Event(), []

    def read():
        while not ended.is_set():
            try:
                whole = os.path.realpath(switch.link)
                seen = [open(os.path.join(place, part)) for place in (switch.link, whole) for part in "abc"]
                texts = [(handle.read(), handle.close())[0] for handle in seen]
            except OSError as ex:
                wrong.append(str(ex))
                return
            if len(set(texts[3:])) != 1 or not set(texts) <= {"-1", "-2", "-10"}:
                wrong.append(texts)
    readers = [threading.Thread(target=read) for _number in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1000):
        switch.show((1, 2, 10)[number % 3])
    ended.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_areasAreListedByTheirBuilds(switch, tmp_path):
    for name in ("rhel10_x86_64-1", "rhel6_aarch64-3", "notes"):
        (tmp_path / "builds" / name).mkdir()
    assert [area.name for area in publishedAreas(str(tmp_path))] == ["rhel6_aarch64", NAME, NAME + "x", "rhel10_x86_64"]
    assert publishedAreas(str(tmp_path / "nothing")) == []
