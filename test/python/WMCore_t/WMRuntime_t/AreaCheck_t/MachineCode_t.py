"""For which CPU the programs of an area are, and whether they are whole."""
import os
import sys

import pytest

from WMCore.WMRuntime.AreaCheck import MachineCode as module
from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea
from WMCore.WMRuntime.AreaCheck.MachineCode import MachineCode, machineCode, walkFiles
from WMCore_t.WMRuntime_t.Environment_t.ElfFile_t import elf

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)


def cpuFindings(top):
    """Check the CPU of an area of aarch64; give {code: lines}."""
    from WMCore.WMRuntime.AreaCheck.StaticChecks import checkCpu
    outcome = checkCpu(None, CheckedArea(str(top), "COMP", "rhel8", "aarch64"), None, None)
    return {finding.code: finding.message.splitlines() for finding in outcome.findings}


def test_programsAndLibrariesAreLookedAtAndNothingElse(tmp_path):
    for folder, name in (("bin", "python3"), ("lib", "libz.so.1"), ("lib", "README"), ("share", "tool")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(elf(183))
    (tmp_path / "bin" / "script").write_bytes(b"#!/bin/sh\n")
    found = machineCode([str(tmp_path)])
    assert found == MachineCode({str(tmp_path / name): "aarch64" for name in ("bin/python3", "lib/libz.so.1")})


def test_aFileThatIsCutShortIsDamagedAndNotAMatterOfPermissions(tmp_path):
    folder = tmp_path / "external" / "py3-x" / "1" / "lib"
    folder.mkdir(parents=True)
    (folder / "good.so").write_bytes(elf(183))
    (folder / "header.so").write_bytes(elf(183)[:40])
    assert cpuFindings(tmp_path)["fileDamaged"] == [
        "1 file not all there", "external/py3-x/1/lib/header.so: its ELF header is cut short or damaged"]
    assert len(cpuFindings(tmp_path)) == 1
    (folder / "segment.so").write_bytes(elf(183, segments=((0, 300),)))
    assert cpuFindings(tmp_path)["fileDamaged"][0] == "2 files not all there"


def test_aFileThatCannotBeReadIsToldWithItsReason(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", path)
    folder = tmp_path / "external" / "python3" / "3.9" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").write_bytes(elf(183))
    monkeypatch.setattr(module, "elfMachine", refuse)
    assert cpuFindings(tmp_path) == {"fileUnreadable": ["1 file that cannot be read",
                                                        "external/python3/3.9/bin/python3: Permission denied"]}


def test_aFileForAnotherCpuIsCountedAndNamed(tmp_path):
    folder = tmp_path / "external" / "python3" / "3.9" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").write_bytes(elf(62))
    assert cpuFindings(tmp_path) == {"wrongCpu": ["1 file for another CPU than aarch64",
                                                  "external/python3/3.9/bin/python3: x86_64"]}


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
    assert machineCode([str(tmp_path)]) == MachineCode()
