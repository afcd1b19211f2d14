"""For which CPU the programs of an area are."""
import os
import platform
import struct
import sys

import pytest

from WMCore.WMRuntime.AreaCheck.MachineCode import elfMachine, machineCode, walkFiles


def elf(machine, order="<"):
    """Give the first bytes of an ELF file for a machine."""
    return b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + bytes(10) + struct.pack(order + "HH", 3, machine)


@pytest.mark.parametrize("data, cpu", [
    (elf(62), "x86_64"), (elf(183), "aarch64"), (elf(21), "ppc64le"), (elf(21, ">"), "ppc64"), (elf(3), "i686"),
    (elf(40), "ELF machine 40"), (b"#!/bin/sh\nexit 0\n    ", None), (b"", None), (b"\x7fELF", None),
    (elf(62)[:19], None), (b"\x7fELF\x02\x07" + elf(62)[6:], None)])
def test_theFirstBytesTellTheCpu(tmp_path, data, cpu):
    (tmp_path / "file").write_bytes(data)
    assert elfMachine(str(tmp_path / "file")) == cpu


def test_theRunningInterpreterIsForThisMachine():
    assert elfMachine(os.path.realpath(sys.executable)) == platform.machine()


def test_programsAndLibrariesAreLookedAtAndNothingElse(tmp_path):
    for folder, name in (("bin", "python3"), ("lib", "libz.so.1"), ("lib", "README"), ("share", "tool")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(elf(183))
    (tmp_path / "bin" / "script").write_bytes(b"#!/bin/sh\n")
    found = {os.path.relpath(path, str(tmp_path)): cpu for path, cpu in machineCode([str(tmp_path)]).items()}
    assert found == {"bin/python3": "aarch64", "lib/libz.so.1": "aarch64"}


def test_linksInACircleAndLinksToNowhereEnd(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.so").write_bytes(elf(62))
    os.symlink("..", str(tmp_path / "lib" / "up"))
    os.symlink("self", str(tmp_path / "lib" / "self"))
    os.symlink("/nowhere", str(tmp_path / "lib" / "b.so"))
    assert [os.path.basename(path) for path in walkFiles([str(tmp_path), str(tmp_path / "lib")])] == ["a.so"]


def test_aPipeIsNotOpened(tmp_path):
    (tmp_path / "bin").mkdir()
    os.mkfifo(str(tmp_path / "bin" / "python3"))
    assert machineCode([str(tmp_path)]) == {}
