"""Test that files are written whole or not at all."""
import os
import stat

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WholeFile import makeDirectory, wholeFile, writeWholeFile


@pytest.mark.parametrize("content, expected", [("new \ud800", b"new \\ud800"), (b"\xff\0", b"\xff\0"), ("", b"")])
def test_aFileIsReplacedAsAWholeAndLeavesNothingElse(tmp_path, content, expected):
    path = tmp_path / "report.json"
    path.write_text("old")
    writeWholeFile(str(path), content)
    assert path.read_bytes() == expected and os.listdir(str(tmp_path)) == ["report.json"]


def test_aFileCanBeReadByAllWhoeverWritesIt(tmp_path):
    before = os.umask(0o077)
    try:
        writeWholeFile(str(tmp_path / "file"), "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(str(tmp_path / "file")).st_mode) == 0o644


def test_aNameAloneIsAFileOfTheDirectoryOneIsIn(tmp_path, monkeypatch):
    monkeypatch.chdir(str(tmp_path))
    writeWholeFile("file", "x")
    assert os.listdir(str(tmp_path)) == ["file"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_whatFailsHalfwayLeavesTheFileOfBefore(tmp_path, failure):
    (tmp_path / "file").write_text("old")
    with pytest.raises((WMRuntimeError, KeyboardInterrupt, ValueError)) as caught:
        with wholeFile(str(tmp_path / "file")) as handle:
            handle.write(b"half")
            raise failure
    assert (tmp_path / "file").read_text() == "old" and os.listdir(str(tmp_path)) == ["file"]
    assert not isinstance(failure, OSError) or "No space left" in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere/report.json", "file/report.json", "directory"])
def test_aFileThatCannotBeWrittenIsOneErrorThatNamesIt(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    with pytest.raises(WMRuntimeError, match="%s: (.|\n)*what to do" % name):
        writeWholeFile(str(tmp_path / name), "x")
    assert sorted(os.listdir(str(tmp_path))) == ["directory", "file"]


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_aDirectoryThatCannotBeMadeIsOneErrorThatNamesIt(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(WMRuntimeError, match="%s: (.|\n)*what to do" % name):
        makeDirectory(str(tmp_path / name))


def test_aDirectoryMayBeThere(tmp_path):
    for _number in range(2):
        makeDirectory(str(tmp_path / "one" / "two"))
    assert (tmp_path / "one" / "two").is_dir()
