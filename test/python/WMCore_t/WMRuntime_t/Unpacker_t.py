"""
Test the Unpacker: what a sandbox may hold, what is refused, and what is left behind on failure.
"""
import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime import Unpacker
from WMCore.WMRuntime.Unpacker import SandboxArchive, UnpackError
from WMCore_t.Counts import examples


def zipWithStartup(member="WMCore/WMRuntime/Startup.py", text="print('started')\n"):
    """
    Give the bytes of a WMCore.zip.
    """
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w") as archive:
        archive.writestr(member, text)
    return handle.getvalue()


def member(name, kind=tarfile.REGTYPE, data=b"", link="", mode=0o644):
    """
    Give a tar member and its bytes.
    """
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data)
    info.linkname = link
    info.mode = mode
    return info, data


def goodMembers():
    """
    Give the members every sandbox has.
    """
    return [member("WMSandbox", tarfile.DIRTYPE, mode=0o755), member("WMSandbox/__init__.py"),
            member("WMCore.zip", data=zipWithStartup())]


def makeTar(members):
    """
    Give the bytes of a plain tar archive.
    """
    handle = io.BytesIO()
    with tarfile.open(fileobj=handle, mode="w") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return handle.getvalue()


@pytest.fixture
def start(tmp_path, monkeypatch):
    """
    Enter a start directory that has blanks in its name.
    """
    directory = tmp_path / "start dir"
    directory.mkdir()
    monkeypatch.chdir(str(directory))
    for name in Unpacker.options.values():
        monkeypatch.delenv(name, raising=False)
    return directory


def writeSandbox(members, name="S.tar.bz2", pack=bz2.compress):
    """
    Write a sandbox in the current directory.
    """
    with open(name, "wb") as handle:
        handle.write(pack(makeTar(members)))
    return name


def refuse(members, match, **caps):
    """
    Unpack members that must be refused, and check that nothing got out of the directory.
    """
    os.mkdir("outer")
    os.mkdir("outer/base")
    with open("s.tar", "wb") as handle:
        handle.write(makeTar(members))
    with pytest.raises(UnpackError, match=match) as info:
        SandboxArchive("s.tar", **caps).extractTo("outer/base")
    assert os.listdir("outer") == ["base"]
    assert "s.tar" in str(info.value) and "what to do: " in str(info.value)


def plainData(section, above=()):
    """
    Turn a report's ConfigSection into plain values, each attribute of each section; the parent as its path.
    """
    above = above + (section,)
    plain = {}
    for name, value in vars(section).items():
        if name == "_internal_parent_ref":
            plain[name] = None if value is None else [value is item for item in above]
        elif hasattr(value, "_internal_name"):
            plain[name] = plainData(value, above)
        else:
            plain[name] = (type(value).__name__, value)
    return plain


class TestCreateWorkArea(object):
    """
    Unpack good sandboxes.
    """

    @pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
    def test_unpacksEveryCompressionWhateverTheName(self, start, pack):
        writeSandbox(goodMembers(), "x.tar.bz2", pack)
        jobDir = Unpacker.createWorkArea("x.tar.bz2")
        assert jobDir == str(start / "job")
        assert sorted(os.listdir(jobDir)) == ["Startup.py", "StartupScript", "WMCore.zip", "WMSandbox"]
        assert (start / "job" / "Startup.py").read_text() == "print('started')\n"
        assert sorted(os.listdir(".")) == ["job", "x.tar.bz2"]

    def test_linksInsideAreKept(self, start):
        writeSandbox(goodMembers() + [
            member("d/", tarfile.DIRTYPE), member("d/file", data=b"abc"), member("d/soft", tarfile.SYMTYPE, link="file"),
            member("up", tarfile.SYMTYPE, link="d/../d/file"), member("hard", tarfile.LNKTYPE, link="d/file"),
            member("dangling", tarfile.SYMTYPE, link="d/none")])
        Unpacker.createWorkArea("S.tar.bz2")
        for name in ("d/soft", "up", "hard"):
            assert (start / "job" / name).read_bytes() == b"abc"
        assert os.path.islink("job/dangling")

    def test_setuidAndWriteForOthersAreTakenAway(self, start):
        writeSandbox(goodMembers() + [member("tool", data=b"x", mode=0o6777), member("closed", data=b"x", mode=0)])
        Unpacker.createWorkArea("S.tar.bz2")
        assert stat.S_IMODE(os.stat("job/tool").st_mode) == 0o755
        assert stat.S_IMODE(os.stat("job/closed").st_mode) == 0o600

    def test_topDirectoryAndRepeatedDirectoriesAreAccepted(self, start):
        top = [member(".", tarfile.DIRTYPE, mode=0o755), member("./Utils/", tarfile.DIRTYPE),
               member("Utils", tarfile.DIRTYPE, mode=0o755), member("./Utils/a.py", data=b"1")]
        writeSandbox(top + goodMembers())
        Unpacker.createWorkArea("S.tar.bz2")
        assert (start / "job/Utils/a.py").read_bytes() == b"1"

    def test_jobDirectoryOfAnEarlierRunIsSetAside(self, start):
        writeSandbox(goodMembers())
        for _ in range(2):
            (start / "job").mkdir(exist_ok=True)
            (start / "job" / "Report.0.pkl").write_text("old")
            Unpacker.createWorkArea("S.tar.bz2")
            assert not os.path.exists("job/Report.0.pkl")
        assert (start / "job.old-1" / "Report.0.pkl").read_text() == "old"
        assert os.path.exists("job.old-2/Report.0.pkl")

    def test_longNamesAndManyMembers(self, start):
        deep = "/".join(["d" * 60] * 4) + "/file"
        writeSandbox(goodMembers() + [member(deep, data=b"z")] + [member("m/%d" % n) for n in range(500)])
        Unpacker.createWorkArea("S.tar.bz2")
        assert (start / "job" / deep).read_bytes() == b"z"
        assert len(os.listdir("job/m")) == 500


class TestRefusedMembers(object):
    """
    CVE-2007-4559 and its relatives (PR #11371).
    """

    @pytest.mark.parametrize("name", ["../evil", "/tmp/evil-of-unpacker-test", "a/../../evil", "a/..", "..", "./../evil"])
    def test_pathOutside(self, start, name):
        refuse([member(name, data=b"x")], "inside the job directory")

    @pytest.mark.parametrize("link", ["/etc/passwd", "../outside", "a/../../x", "..", "/"])
    def test_symlinkOutside(self, start, link):
        refuse([member("link", tarfile.SYMTYPE, link=link)], "outside the job directory")

    def test_symlinkThatLeadsOutThroughAnotherLink(self, start):
        refuse([member("x/y", tarfile.DIRTYPE, mode=0o755), member("x/y/top", tarfile.SYMTYPE, link="../.."),
                member("out", tarfile.SYMTYPE, link="x/y/top/..")], "leads out of the job directory")

    def test_fileBelowASymlink(self, start):
        refuse([member("d", tarfile.DIRTYPE, mode=0o755), member("link", tarfile.SYMTYPE, link="d"),
                member("link/file", data=b"x")], "not a directory")

    def test_fileOverASymlink(self, start):
        refuse([member("link", tarfile.SYMTYPE, link="file"), member("link", data=b"x")], "twice")

    @pytest.mark.parametrize("link", ["/etc/passwd", "../s.tar", "missing", "soft", "d"])
    def test_hardlinkToAnythingButAnEarlierFile(self, start, link):
        refuse([member("d", tarfile.DIRTYPE, mode=0o755), member("soft", tarfile.SYMTYPE, link="x"),
                member("hard", tarfile.LNKTYPE, link=link)], "hard link")

    @pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
    def test_devicesAndPipes(self, start, kind):
        refuse([member("thing", kind)], "neither file, directory nor link")

    @pytest.mark.parametrize("second", ["a", "./a", "a/"])
    def test_duplicates(self, start, second):
        refuse([member("a", data=b"1"), member(second, data=b"2")], "twice")

    def test_fileWhereADirectoryWasImplied(self, start):
        refuse([member("a/b", data=b"1"), member("a", data=b"2")], "twice")

    def test_tooManyMembers(self, start):
        refuse([member("f%d" % n) for n in range(11)], "more than 10 members", maxMembers=10)

    def test_tooLargeAFile(self, start):
        refuse([member("f", data=b"x" * 101)], "allowed are 100", maxMemberBytes=100)

    def test_tooManyBytesInAll(self, start):
        refuse([member("f%d" % n, data=b"x" * 90) for n in range(3)], "allowed are", maxTotalBytes=200)


class TestDamagedSandbox(object):
    """
    A sandbox that did not come whole (#7755, #7025).
    """

    def test_zeroSizeSandbox7025(self, start):
        open("S.tar.bz2", "w").close()
        with pytest.raises(UnpackError, match="0 bytes"):
            Unpacker.createWorkArea("S.tar.bz2")

    @pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
    def test_truncatedSandbox7755(self, start, pack):
        payload = [member("data%d" % n, data=os.urandom(3000)) for n in range(10)]
        whole = pack(makeTar(goodMembers() + payload))
        end = len(makeTar(payload)) if pack is bytes else len(whole)
        for part in sorted(set([1, 100, 511, 512, 513, end // 4, end // 2, end - 10240 if pack is bytes else end - 9])):
            with open("S.tar", "wb") as handle:
                handle.write(whole[:part])
            with pytest.raises(UnpackError, match="S.tar"):
                Unpacker.createWorkArea("S.tar")
            assert os.listdir(".") == ["S.tar"], "nothing half unpacked stays"

    def test_plainTarCutBetweenTwoMembersIsNoticed(self, start):
        whole = makeTar(goodMembers() + [member("last", data=b"x" * 512)])
        position = whole.index(b"last" + b"\0" * 20)
        with open("S.tar", "wb") as handle:
            handle.write(whole[:position])
        with pytest.raises(UnpackError, match="cut short"):
            Unpacker.createWorkArea("S.tar")

    def test_flippedBitIsNoticed(self, start):
        data = bytearray(bz2.compress(makeTar(goodMembers())))
        data[len(data) // 2] ^= 1
        with open("S.tar", "wb") as handle:
            handle.write(bytes(data))
        with pytest.raises(UnpackError, match="damaged"):
            Unpacker.createWorkArea("S.tar")

    @pytest.mark.parametrize("data", [b"<html>404 not found</html>", b"\0" * 10240, b"BZh9garbage"])
    def test_somethingElseThanATar(self, start, data):
        with open("S.tar", "wb") as handle:
            handle.write(data)
        with pytest.raises(UnpackError, match="S.tar"):
            Unpacker.createWorkArea("S.tar")

    def test_missingSandbox(self, start):
        with pytest.raises(UnpackError, match="no such file"):
            Unpacker.createWorkArea("S.tar")

    @pytest.mark.parametrize("members, match", [
        ([member("WMSandbox", tarfile.DIRTYPE)], "WMCore.zip is not in the sandbox"),
        ([member("WMSandbox", tarfile.DIRTYPE), member("WMCore.zip", data=b"no zip")], "damaged"),
        ([member("WMSandbox", tarfile.DIRTYPE), member("WMCore.zip", data=zipWithStartup("WMCore/Other.py"))],
         "holds no WMCore/WMRuntime/Startup.py"),
        ([member("WMCore.zip", data=zipWithStartup())], "no directory WMSandbox")])
    def test_incompleteSandboxNamesWhatIsMissing(self, start, members, match):
        writeSandbox(members)
        with pytest.raises(UnpackError, match=match):
            Unpacker.createWorkArea("S.tar.bz2")
        assert os.listdir(".") == ["S.tar.bz2"]


NAMES = st.lists(st.sampled_from(["a", "b", "link", "..", ".", "", "/", "\\", "é", "x" * 120]), min_size=1,
                 max_size=4).map("/".join).filter(bool)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
                         tarfile.CHRTYPE, tarfile.CONTTYPE])


@settings(max_examples=examples(250), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(NAMES, KINDS, NAMES, st.integers(0, 0o7777)), max_size=6))
def test_nothingIsEverWrittenOutsideWhateverTheMembers(entries):
    with tempfile.TemporaryDirectory() as outer:
        base = os.path.join(outer, "u1", "u2", "base")
        os.makedirs(base)
        path = os.path.join(outer, "s.tar")
        with open(path, "wb") as handle:
            handle.write(makeTar([member(name, kind, b"x" if kind == tarfile.REGTYPE else b"", link, mode)
                                  for name, kind, link, mode in entries]))
        before = os.stat(path)
        try:
            SandboxArchive(path).extractTo(base)
        except UnpackError:
            pass
        else:
            for folder, folders, files in os.walk(base):
                for name in folders + files:
                    real = os.path.realpath(os.path.join(folder, name))
                    assert real == os.path.realpath(base) or real.startswith(os.path.realpath(base) + os.sep)
                    assert not os.lstat(os.path.join(folder, name)).st_mode & 0o6000
        assert os.listdir(os.path.join(outer, "u1")) == ["u2"]
        assert os.listdir(os.path.join(outer, "u1", "u2")) == ["base"]
        assert sorted(os.listdir(outer)) == ["s.tar", "u1"]
        assert (os.stat(path).st_nlink, os.stat(path).st_mode) == (before.st_nlink, before.st_mode)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200), st.integers(0, 20000))
def test_damagedBytesGiveOneKindOfError(noise, position):
    data = bytearray(makeTar(goodMembers()))
    position %= len(data)
    data[position:position + len(noise)] = noise
    with tempfile.TemporaryDirectory() as outer:
        path = os.path.join(outer, "s.tar")
        with open(path, "wb") as handle:
            handle.write(bytes(data))
        os.mkdir(os.path.join(outer, "base"))
        try:
            SandboxArchive(path).extractTo(os.path.join(outer, "base"))
        except UnpackError:
            pass
        assert sorted(os.listdir(outer)) == ["base", "s.tar"]
