"""
Tests of SandboxArchive.
"""
import io
import os
import tarfile
import time

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.SandboxArchive import ArchiveEntry, directoryEntries, extractArchive, tarFilter, \
    writeSandbox, zipBytes


def makeTar(path, members):
    """Write a tar of (TarInfo or name, bytes) pairs."""
    with tarfile.open(str(path), "w:bz2") as tar:
        for info, content in members:
            info = info if isinstance(info, tarfile.TarInfo) else tarfile.TarInfo(info)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


def link(kind, name, target):
    """Give a TarInfo of a link or device."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def testTheSameContentGivesTheSameBytesAtAnyTimeAndInAnyOrder(tmp_path):
    script = tmp_path / "script.sh"
    script.write_text("true\n")
    entries = [ArchiveEntry("b", content=b"2"), ArchiveEntry("a", isDirectory=True), ArchiveEntry("a/s", str(script))]
    writeSandbox(str(tmp_path / "one"), entries)
    os.utime(str(script), (time.time() + 5000, time.time() + 5000))
    writeSandbox(str(tmp_path / "two"), reversed(entries))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert zipBytes({"a": b"1", "b": b"2"}) == zipBytes({"b": b"2", "a": b"1"})


def testAnExecutableStaysExecutable(tmp_path):
    script = tmp_path / "script.sh"
    script.write_text("true\n")
    script.chmod(0o700)
    writeSandbox(str(tmp_path / "x"), [ArchiveEntry("script.sh", str(script)), ArchiveEntry("plain", content=b"")])
    extractArchive(str(tmp_path / "x"), str(tmp_path / "out"))
    assert os.access(str(tmp_path / "out" / "script.sh"), os.X_OK)
    assert (tmp_path / "out" / "plain").stat().st_mode & 0o777 == 0o644


def testAFailureLeavesNoArchiveAndNoTemporaryFile(tmp_path):
    target = tmp_path / "x.tar.bz2"
    with pytest.raises(OSError):
        writeSandbox(str(target), [ArchiveEntry("a", str(tmp_path / "nowhere"))])
    with pytest.raises(WMRuntimeError, match="same place"):
        writeSandbox(str(target), [ArchiveEntry("a", content=b"1"), ArchiveEntry("a", content=b"2")])
    assert os.listdir(str(tmp_path)) == []


def testLinksAndVersionControlStayOut(tmp_path):
    base = tmp_path / "base"
    (base / ".git").mkdir(parents=True)
    (base / ".git" / "config").write_text("")
    (base / "sub").mkdir()
    (base / "sub" / "kept").write_text("")
    (base / "link").symlink_to("/etc/hostname")
    (base / "linkedDirectory").symlink_to("/etc")
    assert [entry.name for entry in directoryEntries(str(base), "top")] == ["top", "top/sub", "top/sub/kept"]


@pytest.mark.parametrize("name, kept", [("a/.git", False), ("a/.svn/x", False), ("a/b.svn", False), ("a/b", True)])
def testTheFilterLeavesVersionControlOut(name, kept):
    assert (tarFilter(tarfile.TarInfo(name)) is not None) == kept
    assert tarFilter(link(tarfile.SYMTYPE, name, "x")) is None


@pytest.mark.parametrize("member", [
    "../escape", "/absolute", "a/../../escape", link(tarfile.SYMTYPE, "link", "/etc"),
    link(tarfile.LNKTYPE, "link", "/etc/hostname"), link(tarfile.CHRTYPE, "device", ""),
    link(tarfile.FIFOTYPE, "pipe", "")])
def testAnUnsafeMemberIsRefusedAndNothingIsUnpacked(tmp_path, member):
    archive = makeTar(tmp_path / "x.tar", [("good", b"1"), (member, b"")])
    with pytest.raises(WMRuntimeError, match="not safe"):
        extractArchive(archive, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists() and not (tmp_path / "escape").exists()


def testALinkAlreadyInTheTargetIsNotWrittenThrough(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "good").symlink_to(str(victim))
    extractArchive(makeTar(tmp_path / "x.tar", [("good", b"new")]), str(tmp_path / "out"))
    assert victim.read_text() == "untouched" and (tmp_path / "out" / "good").read_bytes() == b"new"


@pytest.mark.parametrize("content", [b"", b"BZh9garbage", b"plain text"])
def testABrokenArchiveIsNamed(tmp_path, content):
    (tmp_path / "x.tar.bz2").write_bytes(content)
    with pytest.raises(WMRuntimeError, match="x.tar.bz2"):
        extractArchive(str(tmp_path / "x.tar.bz2"), str(tmp_path / "out"))


def testATruncatedArchiveIsNamed(tmp_path):
    whole = makeTar(tmp_path / "whole", [("a", os.urandom(200000))])
    with open(whole, "rb") as handle:
        (tmp_path / "cut").write_bytes(handle.read()[:100000])
    with pytest.raises(WMRuntimeError, match="cut"):
        extractArchive(str(tmp_path / "cut"), str(tmp_path / "out"))
