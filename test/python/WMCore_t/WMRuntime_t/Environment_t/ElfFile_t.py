"""What the first bytes of programs and libraries say."""
import os
import struct
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.ElfFile import elfMachine, whyNotWhole


def elf(machine=62, is64=True, low=True, segments=((0, 100),), size=200):
    """Make an ELF file with a header and a table of segments behind it."""
    order = "<" if low else ">"
    head = b"\x7fELF" + bytes(bytearray([2 if is64 else 1, 1 if low else 2, 1])) + b"\0" * 9
    if is64:
        head += struct.pack(order + "HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
        table = b"".join(struct.pack(order + "IIQQQQQQ", 1, 5, offset, 0, 0, length, length, 0) for offset, length in segments)
    else:
        head += struct.pack(order + "HHIIIIIHHHHHH", 3, machine, 1, 0, 52, 0, 0, 52, 32, len(segments), 0, 0, 0)
        table = b"".join(struct.pack(order + "IIIIIIII", 1, offset, 0, 0, length, length, 5, 0) for offset, length in segments)
    return (head + table).ljust(size, b"\0")


@pytest.fixture
def written(tmp_path):
    """Give a function that writes a file."""
    def write(data):
        path = tmp_path / "file"
        path.write_bytes(data)
        return str(path)
    return write


@pytest.mark.parametrize("data,machine", [
    (elf(62), "x86_64"), (elf(183), "aarch64"), (elf(21), "ppc64le"), (elf(21, low=False), "ppc64"),
    (elf(3, is64=False), "i686"), (elf(9999), "ELF machine 9999"), (b"#!/bin/sh\n", None), (b"", None)])
def test_theCpuIsRead(written, data, machine):
    assert elfMachine(written(data)) == machine


def test_theRunningPythonIsForThisCpuAndWhole():
    path = os.path.realpath(sys.executable)
    assert (elfMachine(path), whyNotWhole(path)) == (os.uname()[4], "")


@pytest.mark.parametrize("is64", [True, False])
def test_aFileThatEndsBeforeItsSegmentsIsNotWhole(written, is64):
    assert whyNotWhole(written(elf(is64=is64, segments=((0, 10), (50, 100))))) == ""
    assert whyNotWhole(written(elf(is64=is64, segments=((0, 10), (50, 200))))) == \
        "it has 200 bytes, its segments end at 250"
    assert "cut short" in whyNotWhole(written(elf(is64=is64)[:60 + 10]))
    assert whyNotWhole(written(b"text")) == "it is no ELF file"


def test_aPipeIsRefusedAndNotWaitedFor(tmp_path):
    os.mkfifo(str(tmp_path / "waits.so"))
    os.symlink("waits.so", str(tmp_path / "link.so"))
    for ask in (elfMachine, whyNotWhole):
        for name in ("waits.so", "link.so"):
            with pytest.raises(OSError, match="no regular file"):
                ask(str(tmp_path / name))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=150), st.booleans())
def test_anyBytesAreJudgedOrRefused(tmp_path_factory, data, marked):
    path = tmp_path_factory.mktemp("elf") / "file"
    path.write_bytes(b"\x7fELF\2\1" + data if marked else data)
    assert isinstance(whyNotWhole(str(path)), str)
    try:
        assert isinstance(elfMachine(str(path)), (str, type(None)))
    except ValueError as ex:
        assert "ELF header" in str(ex)
