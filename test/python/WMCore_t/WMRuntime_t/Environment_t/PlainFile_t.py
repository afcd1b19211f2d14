"""Tests of PlainFile."""
import errno
import os

import pytest

from WMCore.WMRuntime.Environment.PlainFile import openPlain, readPlain


def testARegularFileIsReadAlsoThroughALink(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert readPlain(str(tmp_path / "link"), 5) == b"12345"
    with openPlain(str(tmp_path / "file")) as handle:
        assert handle.read(2) == b"12"


def testALargerFileIsRefused(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    with pytest.raises(OSError, match="more than 4 bytes") as caught:
        readPlain(str(tmp_path / "file"), 4)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "link to a pipe"])
def testWhatIsNoFileIsRefusedAtOnceAndLeavesNothingOpen(tmp_path, kind):
    path = tmp_path / "it"
    os.mkfifo(str(tmp_path / "pipe"))
    if kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "pipe")
    path = tmp_path / "pipe" if kind == "pipe" else path
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match=str(path)):
        openPlain(str(path))
    assert os.listdir("/proc/self/fd") == before


def testAFileThatIsNotThereIsSaidAsSuch(tmp_path):
    with pytest.raises(FileNotFoundError):
        readPlain(str(tmp_path / "nowhere"), 5)
