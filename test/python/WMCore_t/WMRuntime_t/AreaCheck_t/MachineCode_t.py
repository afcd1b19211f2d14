"""For which CPU the programs of an area are."""
import os
import struct

from WMCore.WMRuntime.AreaCheck.MachineCode import machineCode, walkFiles


def elf(machine):
    """Give the header of an ELF file of 64 bits for a machine."""
    return b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HH", 3, machine) + bytes(44)


def test_programsAndLibrariesAreLookedAtAndNothingElse(tmp_path):
    for folder, name in (("bin", "python3"), ("lib", "libz.so.1"), ("lib", "README"), ("share", "tool")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(elf(183))
    (tmp_path / "bin" / "script").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "lib" / "cut.so").write_bytes(elf(183)[:40])
    found = {os.path.relpath(path, str(tmp_path)): cpu for path, cpu in machineCode([str(tmp_path)]).items()}
    assert found == {"bin/python3": "aarch64", "lib/libz.so.1": "aarch64", "lib/cut.so": ""}


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
