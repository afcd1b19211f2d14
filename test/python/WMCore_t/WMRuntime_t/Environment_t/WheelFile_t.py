"""Tests of WheelFile: what a wheel may hold, and how it is unpacked."""
import os
import stat
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from WMCore_t.WMRuntime_t.Environment_t.Wheels import (METADATA, claimSize, entryOf, makeBinaryWheel, makeWheel,
                                                       renameMember, zipInfo)

from WMCore.WMRuntime.Environment import WheelFile
from WMCore.WMRuntime.Environment.WheelFile import readWheel, unpackWheel
from WMCore.WMRuntime.Errors import WMRuntimeError


def filesBelow(directory):
    """List all files below a directory."""
    return sorted(os.path.relpath(os.path.join(folder, name), str(directory))
                  for folder, _, names in os.walk(str(directory)) for name in names)


def testAPureWheelIsReadWithoutBeingUnpacked(tmp_path):
    path = makeWheel(tmp_path, members={"probe/__init__.py": "", "probe_more.py": "", "README": ""})
    content = readWheel(path, entryOf(path, imports=("probe", "probe_more")))
    assert (content.name, content.version, content.imports, content.pure) \
        == ("probe", "1.0", ("probe", "probe_more"), True)


def testABinaryWheelIsUnpackedWithItsPlatlibAndWithoutItsScripts(tmp_path):
    path = makeBinaryWheel(tmp_path)
    assert not readWheel(path, entryOf(path)).pure
    directory = unpackWheel(path, entryOf(path), str(tmp_path / "base"))
    assert filesBelow(directory) == ["probe-1.0.dist-info/METADATA", "probe/__init__.py", "probe/_speed.abi3.so",
                                     "probe/moved.py"]
    assert os.listdir(str(tmp_path / "base")) == [os.path.basename(directory)]
    assert stat.S_IMODE(os.stat(str(tmp_path / "base")).st_mode) == 0o700
    out = subprocess.check_output([sys.executable, "-c", "import probe.moved; print(probe.VERSION, probe.moved.MOVED)"],
                                  env={"PYTHONPATH": directory})
    assert out.split() == [b"1.0", b"True"]


def testAWheelIsUnpackedOnceAndAgainOnlyWhenItWasDamaged(tmp_path):
    path, base = makeBinaryWheel(tmp_path), str(tmp_path / "base")
    directory = unpackWheel(path, entryOf(path), base)
    inode = os.stat(directory).st_ino
    assert unpackWheel(path, entryOf(path), base) == directory and os.stat(directory).st_ino == inode
    os.truncate(os.path.join(directory, "probe", "__init__.py"), 3)
    assert unpackWheel(path, entryOf(path), base) == directory and os.stat(directory).st_ino != inode
    os.unlink(os.path.join(directory, "probe", "__init__.py"))
    os.symlink("/etc/hostname", os.path.join(directory, "probe", "__init__.py"))
    unpackWheel(path, entryOf(path), base)
    assert not os.path.islink(os.path.join(directory, "probe", "__init__.py"))


def testJobsThatUnpackAtTheSameTimeAllGetTheWholeWheel(tmp_path):
    path, base = makeBinaryWheel(tmp_path), str(tmp_path / "base")
    script = ("import sys\nfrom WMCore_t.WMRuntime_t.Environment_t.Wheels import entryOf\n"
              "from WMCore.WMRuntime.Environment.WheelFile import unpackWheel\n"
              "sys.stdin.readline()\nprint(unpackWheel(sys.argv[1], entryOf(sys.argv[1]), sys.argv[2]))\n")
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    children = [subprocess.Popen([sys.executable, "-c", script, path, base], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, env=environ) for _ in range(6)]
    for child in children:
        child.stdin.write(b"\n")
        child.stdin.flush()
    found = {child.communicate(timeout=60)[0].decode().strip() for child in children}
    assert len(found) == 1 and len(filesBelow(found.pop())) == 4 and len(os.listdir(base)) == 1


def testThreadsThatUnpackAtTheSameTimeDoNotDisturbEachOther(tmp_path):
    path, base, found = makeBinaryWheel(tmp_path), str(tmp_path / "base"), []
    threads = [threading.Thread(target=lambda: found.append(unpackWheel(path, entryOf(path), base)))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(os.listdir(base)) == 1


def testAWheelThatWasChangedIsRefused(tmp_path):
    path = makeWheel(tmp_path)
    entry = entryOf(path)
    with open(path, "r+b") as handle:
        handle.seek(40)
        handle.write(b"x")
    with pytest.raises(WMRuntimeError, match="the SHA-256 .* was expected") as caught:
        readWheel(path, entry)
    assert caught.value.code == 11014 and path in caught.value.context
    with open(path, "ab") as handle:
        handle.write(b"more")
    with pytest.raises(WMRuntimeError, match="bytes expected"):
        unpackWheel(path, entry, str(tmp_path / "base"))
    assert not os.path.exists(str(tmp_path / "base"))


HOSTILE = {
    "traversal": {"../outside.py": ""}, "deep traversal": {"probe/../../outside.py": ""},
    "absolute": {"/tmp/outside.py": ""}, "backslash": {"probe\\..\\outside.py": ""}, "dot": {"./probe.py": ""},
    "empty part": {"probe//x.py": ""}, "drive": {"C:/outside.py": ""},
    "data that leads out": {"probe-1.0.data/purelib/../../../outside.py": ""},
    "symbolic link": {zipInfo("probe/__init__.py", 0o120777): "/etc/passwd"},
    "device": {zipInfo("probe/null", 0o020666): ""}, "pipe": {zipInfo("probe/pipe", 0o010666): ""},
    "bomb": {"probe/zeros.py": b"\0" * (30 * 1024 ** 2)},
    "another module": {"probe/__init__.py": "", "psutil/__init__.py": ""},
    "the runtime": {"WMCore/__init__.py": ""}, "a single module": {"probe/__init__.py": "", "attr.py": ""},
    "a compiled module": {"probe/__init__.py": "", "attr.cpython-39-x86_64-linux-gnu.so": ""},
    "a module by platlib": {"probe/__init__.py": "", "probe-1.0.data/platlib/attr/__init__.py": ""},
    "two of one name": {"probe/__init__.py": "", "probe-1.0.data/purelib/probe/__init__.py": "import os\n"},
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def testAHostileWheelIsRefusedAndNothingIsWritten(tmp_path, kind):
    path = makeWheel(tmp_path / "in", members=HOSTILE[kind])
    for look in (lambda: readWheel(path, entryOf(path)),
                 lambda: unpackWheel(path, entryOf(path), str(tmp_path / "to"))):
        with pytest.raises(WMRuntimeError, match="A wheel is refused") as caught:
            look()
        assert caught.value.code == 11014 and path in caught.value.context and caught.value.hint
    assert filesBelow(tmp_path) == ["in/" + os.path.basename(path)]


def testANulInANameIsRefused(tmp_path):
    path = makeWheel(tmp_path, members={"probe/a_b.py": ""})
    renameMember(path, b"probe/a_b.py", b"probe/a\0b.py")
    with pytest.raises(WMRuntimeError, match="no plain relative path"):
        readWheel(path, entryOf(path))


@pytest.mark.parametrize("size", [1, 5000])
def testAMemberOfAnotherSizeThanSaidIsNoWheel(tmp_path, size):
    path = makeWheel(tmp_path, members={"probe/__init__.py": b"x" * 500, "probe/x.so": b""})
    claimSize(path, "probe/__init__.py", size)
    with pytest.raises(WMRuntimeError):
        unpackWheel(path, entryOf(path), str(tmp_path / "base"))
    assert os.listdir(str(tmp_path / "base")) == []


@pytest.mark.parametrize("metadata", [
    "", METADATA.replace("%s", "%.0sother", 1), METADATA.replace("%s\n\n", "%s.1\n\n"), "Name: %s\n\nVersion: %s\n",
    "%.0s%.0s"])
def testAWheelOfAnotherNameOrVersionInsideIsRefused(tmp_path, metadata):
    path = makeWheel(tmp_path, metadata=metadata)
    with pytest.raises(WMRuntimeError, match="METADATA"):
        readWheel(path, entryOf(path))


@pytest.mark.parametrize("digit", "09")
def testAVersionOfAMillionDigitsIsRefusedAtOnce(tmp_path, digit):
    path = makeWheel(tmp_path, metadata=METADATA.replace("%s\n\n", "%s." + digit * 10 ** 6 + "\n\n"))
    start = time.process_time()
    with pytest.raises(WMRuntimeError, match="METADATA"):
        readWheel(path, entryOf(path))
    assert time.process_time() - start < 2


def testTwoMetadataDirectoriesAreRefused(tmp_path):
    path = makeWheel(tmp_path, members={"probe/__init__.py": "", "other-2.0.dist-info/METADATA": "Name: other\n"})
    with pytest.raises(WMRuntimeError, match="one dist-info"):
        readWheel(path, entryOf(path))


def testTooManyMembersAreRefused(tmp_path, monkeypatch):
    monkeypatch.setattr(WheelFile, "MAX_MEMBERS", 3)
    path = makeWheel(tmp_path, members={"probe/m%d.py" % number: "" for number in range(3)})
    with pytest.raises(WMRuntimeError, match="4 members"):
        readWheel(path, entryOf(path))


def testAFileBelowAFileLeavesNothing(tmp_path):
    path = makeWheel(tmp_path, members={"probe/a": "", "probe/a/b.py": "", "probe/x.so": ""})
    with pytest.raises(WMRuntimeError, match="cannot be read or unpacked"):
        unpackWheel(path, entryOf(path), str(tmp_path / "base"))
    assert os.listdir(str(tmp_path / "base")) == []


def testWhatIsNoFileOrNoZipIsOneError(tmp_path):
    path = makeWheel(tmp_path)
    entry = entryOf(path)
    with open(path, "wb") as handle:
        handle.write(b"x" * entry.size)
    with pytest.raises(WMRuntimeError, match="cannot be read"):
        readWheel(path)
    os.unlink(path)
    with pytest.raises(WMRuntimeError, match="cannot be read"):
        readWheel(path, entry)
    os.mkdir(path)
    with pytest.raises(WMRuntimeError, match="cannot be read"):
        readWheel(path, entry)
    os.rmdir(path)
    os.mkfifo(path)
    with pytest.raises(WMRuntimeError, match="no regular file"):
        readWheel(path, entry)


def testAnEncryptedMemberIsRefused(tmp_path):
    path = makeWheel(tmp_path)
    with open(path, "rb") as handle:
        data = handle.read()
    with open(path, "wb") as handle:
        handle.write(data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"))
    with pytest.raises(WMRuntimeError, match="encrypted"):
        readWheel(path, entryOf(path))


def testAStopSignalWhileUnpackingLeavesNothingHalf(tmp_path, monkeypatch):
    path, base = makeBinaryWheel(tmp_path), str(tmp_path / "base")

    def stop(*_arguments):
        raise KeyboardInterrupt()
    monkeypatch.setattr(WheelFile, "_install", stop)
    with pytest.raises(KeyboardInterrupt):
        unpackWheel(path, entryOf(path), base)
    assert os.listdir(base) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=8))
def testAMangledWheelIsReadOrRefusedAndNothingElse(tmp_path, where, piece):
    path = makeWheel(tmp_path)
    with open(path, "r+b") as handle:
        handle.seek(where)
        handle.write(piece)
    try:
        unpackWheel(path, entryOf(path), str(tmp_path / "base"))
    except WMRuntimeError as ex:
        assert ex.code == 11014
    assert all(name.startswith(("base/probe-1.0", "probe-1.0")) for name in filesBelow(tmp_path))


def testAWheelMadeByPipIsAccepted(sandboxPackages, tmp_path):
    path = str(tmp_path / "attrs-22.2.0-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as archive:
        for package in ("attr", "attrs", "attrs-22.2.0.dist-info"):
            for name in filesBelow(os.path.join(sandboxPackages, package)):
                if not name.endswith(".pyc"):
                    archive.write(os.path.join(sandboxPackages, package, name), "%s/%s" % (package, name))
    content = readWheel(path)
    assert (content.name, content.version) == ("attrs", "22.2.0")
    assert content.imports == ("attr", "attrs") and content.pure
