"""The wmruntime wheels command."""
import io
import tarfile

import pytest
from WMCore_t.WMRuntime_t.Environment_t.Wheels import makeBinaryWheel, makeWheel, makeWheelhouse

from WMCore.WMRuntime.Command.Main import main
from WMCore.WMRuntime.Environment.WheelIndex import loadWheelIndex

PIP = {"probe/__init__.py": "", "probe-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
       "probe-1.0.dist-info/RECORD": ""}
DESCRIPTION = """
[runtime]
area paths = WMRuntime COMP
cpus = x86_64 aarch64

[system rhel8]
python = >=3.9,<3.11
serves = el8
glibc = 2.28

[library probe]
imports = probe
need = needed
pure = yes
licence = MIT
why = for tests
versions =
    python >=3.9: >=1, pin 1.0

[library fast]
imports = fast
need = helps
pure = no
licence = MIT
why = for tests
versions =
    python >=3.9: >=1, pin 1.0
"""


@pytest.fixture
def description(tmp_path):
    """Write a description of two libraries."""
    path = tmp_path / "requirements.cfg"
    path.write_text(DESCRIPTION)
    return str(path)


def test_collectSaysWhatItGotAndWhatThereIsNot(tmp_path, description, capsys):
    makeWheel(tmp_path / "source", members=PIP)
    house = str(tmp_path / "house")
    assert main(["wheels", "collect", house, "--description", description, "--no-index", "--find-links",
                 str(tmp_path / "source"), "--cpu", "x86_64", "--python", "3.9"]) == 0
    out = capsys.readouterr().out
    assert "no wheel         fast 1.0 (helps) for 3.9 rhel8_x86_64\n" in out
    assert "collected        1 wheels, " in out and out.rstrip().endswith("1 of them new")
    assert [entry.name for entry in loadWheelIndex(house).wheels] == ["probe"]


def test_collectIsStatus1WhenANeededLibraryIsNotThere(tmp_path, description, capsys):
    (tmp_path / "source").mkdir()
    assert main(["wheels", "collect", str(tmp_path / "house"), "--description", description, "--no-index",
                 "--find-links", str(tmp_path / "source"), "--library", "probe", "--cpu", "aarch64"]) == 1
    assert "probe 1.0 (needed) for 3.9 rhel8_aarch64, 3.10 rhel8_aarch64" in capsys.readouterr().out


@pytest.mark.parametrize("option, value", [("--system", "rhle8"), ("--cpu", "amd64"), ("--library", "prob")])
def test_aNameTheDescriptionDoesNotHaveIsRefused(tmp_path, description, option, value, capsys):
    assert main(["wheels", "collect", str(tmp_path), "--description", description, option, value]) == 1
    assert "%s %s: expected one of" % (option, value) in capsys.readouterr().err


def test_checkNamesTheWheelThatWasChanged(tmp_path, capsys):
    paths = [makeWheel(tmp_path), makeBinaryWheel(tmp_path, "fast")]
    makeWheelhouse(tmp_path, paths)
    assert main(["wheels", "check", str(tmp_path)]) == 0
    assert "binary" in capsys.readouterr().out
    with open(paths[0], "ab") as handle:
        handle.write(b"x")
    assert main(["wheels", "check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "REFUSED          %s: " % paths[0] in out and "2 wheels, 1 refused" in out
    assert main(["wheels", "check", str(tmp_path / "nowhere")]) == 1


def test_checkRefusesAWheelThatWouldReplaceAnotherLibrarysModules(tmp_path, description, capsys):
    members = dict(PIP, **{"lxml/__init__.py": ""})
    paths = [makeWheel(tmp_path, "Probe", members={name.replace("probe-", "Probe-"): text for name, text in members.items()}),
             makeWheel(tmp_path, "other")]
    makeWheelhouse(tmp_path, paths)
    assert main(["wheels", "check", str(tmp_path), "--description", description]) == 1
    out = capsys.readouterr().out
    assert "REFUSED          Probe-1.0-py3-none-any.whl: expected probe, found lxml, too" in out
    assert "good             other-1.0-py3-none-any.whl" in out and "not in the description, so no job takes it" in out


def test_costIsPrintedForEachSystemAndCpuWithTheDaysTotal(tmp_path, description, sandboxPackages, capsys, monkeypatch):
    paths = [makeWheel(tmp_path / "house"), makeBinaryWheel(tmp_path / "house", "fast")]
    makeWheelhouse(tmp_path / "house", paths)
    monkeypatch.setenv("WMRUNTIME_WHEELHOUSE", str(tmp_path / "house"))
    arguments = ["wheels", "cost", "--description", description, "--root", str(tmp_path)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["rhel8_x86_64", "2", "wheels,"], ["rhel8_aarch64", "1", "wheel,"]]
    assert " a day for 500000 jobs; python 3.9 3.10, the description; no area was found" in lines[0]
    assert main(arguments + ["--jobs", "7", "--cpu", "aarch64"]) == 0
    assert "a day for 7 jobs" in capsys.readouterr().out


def test_costOfASandboxIsReadFromIt(tmp_path, capsys):
    path = str(tmp_path / "sandbox.tar.bz2")
    with tarfile.open(path, "w:bz2") as tar:
        info = tarfile.TarInfo("wheels/probe-1.0-py3-none-any.whl")
        info.size = 2000
        tar.addfile(info, io.BytesIO(b"x" * 2000))
    assert main(["wheels", "cost", "--sandbox", path]) == 0
    assert "1 wheel, 2 kB more for each job, 1 GB a day for 500000 jobs" in capsys.readouterr().out


def test_aDirectoryMustBeNamed(capsys, monkeypatch):
    monkeypatch.delenv("WMRUNTIME_WHEELHOUSE", raising=False)
    assert main(["wheels", "cost"]) == 1
    assert "set WMRUNTIME_WHEELHOUSE" in capsys.readouterr().err


def testADirectoryForWheelsThatIsAFileIsSaid(tmp_path, description, capsys):
    (tmp_path / "file").write_text("")
    assert main(["wheels", "collect", str(tmp_path / "file"), "--description", description]) == 1
    assert "A directory cannot be made." in capsys.readouterr().err
