"""
Test what of an interpreter comes into an area.
"""
import os
import shutil
import subprocess

import attr
import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.InterpreterTree import layInterpreter
from WMCore.WMRuntime.Publishing.PythonPrefix import describePrefix
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import fakePrefix


def test_theProgramIsFoundByBothOfItsNames(tmp_path):
    layInterpreter(fakePrefix(tmp_path / "prefix"), str(tmp_path / "made"))
    assert sorted(os.listdir(str(tmp_path / "made/bin"))) == ["python3", "python3.9"]
    assert os.readlink(str(tmp_path / "made/bin/python3")) == "python3.9"


def test_linksBecomeWhatTheyLeadTo(tmp_path):
    prefix = fakePrefix(tmp_path / "prefix")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "inside.py").write_text("# there\n")
    os.symlink(str(tmp_path / "elsewhere"), os.path.join(prefix.stdlib, "linked"))
    os.symlink("os.py", os.path.join(prefix.stdlib, "alias.py"))
    layInterpreter(prefix, str(tmp_path / "made"))
    made = tmp_path / "made/lib/python3.9"
    assert (made / "linked/inside.py").read_text() == "# there\n" and (made / "alias.py").read_text() == "# os\n"
    assert not (made / "linked").is_symlink() and not (made / "alias.py").is_symlink()


@pytest.mark.parametrize("break_", [lambda path: os.symlink("nowhere", path), lambda path: os.symlink(".", path), os.mkfifo],
                         ids=["dangling link", "circular link", "pipe"])
def test_whatCannotBeCopiedIsAnErrorThatNamesIt(tmp_path, break_):
    prefix = fakePrefix(tmp_path / "prefix")
    break_(os.path.join(prefix.stdlib, "broken"))
    with pytest.raises(WMRuntimeError, match="(?s)cannot be copied.*broken"):
        layInterpreter(prefix, str(tmp_path / "made"))


def test_aMachineWithoutStripIsTold(tmp_path, interpreters, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    prefix = describePrefix(interpreters["3.9"])
    with pytest.raises(WMRuntimeError, match="binutils, or keep the symbols: --keep-symbols"):
        layInterpreter(small(prefix, tmp_path), str(tmp_path / "made"))


def test_librariesOfItsOwnAreFoundWithoutAVariable10765(tmp_path, interpreters):
    """The real program and its libpython, started after a move with what it was copied from out of reach."""
    made = tmp_path / "made"
    shared = layInterpreter(small(describePrefix(interpreters["3.9"]), tmp_path), str(made))
    if not shared.own:
        pytest.skip("this machine's python 3.9 has no libpython of its own")
    assert shared.findEachOther and "libc.so.6" in shared.system and not set(shared.own) & set(shared.system)
    os.rename(str(made), str(tmp_path / "moved to"))
    loaded = subprocess.run(["ldd", str(tmp_path / "moved to/bin/python3")], stdout=subprocess.PIPE, env={"PATH": os.defpath},
                            check=True).stdout.decode()
    assert [line for line in loaded.splitlines() if shared.own[0] in line and str(tmp_path / "moved to") in line]


def test_symbolsForADebuggerAreTakenOutUnlessKept(tmp_path, interpreters):
    prefix = small(describePrefix(interpreters["3.9"]), tmp_path)
    layInterpreter(prefix, str(tmp_path / "small"))
    shared = layInterpreter(prefix, str(tmp_path / "large"), keepSymbols=True)
    name = os.path.join("lib", shared.own[0]) if shared.own else "bin/python3.9"
    sizes = [os.path.getsize(str(tmp_path / kind / name)) for kind in ("small", "large")]
    assert sizes[0] < sizes[1]


def small(prefix, tmp_path):
    """Give a prefix its program and libraries, and a standard library of one file."""
    (tmp_path / "stdlib").mkdir()
    (tmp_path / "stdlib" / "os.py").write_text("")
    return attr.evolve(prefix, stdlib=str(tmp_path / "stdlib"))
