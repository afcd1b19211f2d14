"""Tests of finding the machine's interpreters."""
import os
import stat
import sys

from WMCore.WMRuntime.WorkerNode.MachinePythons import (MachinePython, findMachinePythons, nearestPython3, newestPython3,
                                                        probePython)


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(path)


def fake(series, micro=0, where="/x"):
    major, minor = (int(part) for part in series.split("."))
    return MachinePython((major, minor, micro), "%s/python%s" % (where, series), "/lib")


def testRunningInterpreterIsDescribedByItsRealExecutable():
    python = probePython(sys.executable)
    assert python.version == sys.version_info[:3]
    assert python.series == "%d.%d" % sys.version_info[:2]
    assert not os.path.islink(python.executable) and os.access(python.executable, os.X_OK)
    assert os.path.isfile(os.path.join(python.stdlib, "os.py"))


def testShimIsResolvedToTheInterpreterBehindIt(tmp_path):
    shim = script(tmp_path / "shims" / "python3", "#!/bin/sh\nexec '%s' \"$@\"\n" % sys.executable)
    python = probePython(shim)
    assert python.executable == probePython(sys.executable).executable


def testDeadInterpretersAreSkipped(tmp_path):
    assert probePython(str(tmp_path / "missing")) is None
    assert probePython(script(tmp_path / "dies", "#!/bin/sh\nexit 3\n")) is None
    assert probePython(script(tmp_path / "talks", "#!/bin/sh\necho 3.9\n")) is None
    assert probePython(script(tmp_path / "hangs", "#!/bin/sh\nexec sleep 30\n"), timeout=0.3) is None
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    assert probePython(str(dangling)) is None


def testPathAndPyenvVersionsAreSearchedAndShimsBesideThemAreNotRun(tmp_path):
    onPath = script(tmp_path / "bin" / "python3", "")
    inPyenv = script(tmp_path / "pyenv" / "versions" / "3.9.1" / "bin" / "python3.9", "")
    script(tmp_path / "pyenv" / "shims" / "python3", "")
    asked = []

    def probe(path):
        asked.append(path)
        return {onPath: fake("3.11"), inPyenv: fake("3.9")}.get(path)

    found = findMachinePythons({"PATH": "%s:%s" % (tmp_path / "pyenv" / "shims", tmp_path / "bin"),
                                "PYENV_ROOT": str(tmp_path / "pyenv"), "HOME": str(tmp_path)}, probe)
    assert list(found) == ["3.9", "3.11"]
    assert asked == [inPyenv, onPath]


def testHighestMicroVersionWinsAndUnsupportedSeriesAreLeftOut(tmp_path):
    old = script(tmp_path / "a" / "python3.9", "")
    new = script(tmp_path / "b" / "python3.9", "")
    odd = script(tmp_path / "b" / "python3", "")
    answers = {old: fake("3.9", 2), new: fake("3.9", 10), odd: fake("3.5", 1)}
    found = findMachinePythons({"PATH": "%s:%s" % (tmp_path / "a", tmp_path / "b"), "HOME": str(tmp_path)}, answers.get)
    assert {series: python.version for series, python in found.items()} == {"3.9": (3, 9, 10)}


def testNearestPython3PrefersTheSameThenNewerThenOlder():
    pythons = {series: fake(series) for series in ("2.7", "3.6", "3.8", "3.11", "3.13")}
    assert nearestPython3("3.8", pythons).series == "3.8"
    assert nearestPython3("3.9", pythons).series == "3.11"
    assert nearestPython3("3.6", {"3.12": fake("3.12")}).series == "3.12"
    assert nearestPython3("3.13", {"3.6": fake("3.6"), "3.9": fake("3.9")}).series == "3.9"
    assert nearestPython3("3.9", {"2.7": fake("2.7")}) is None


def testNewestPython3OrdersByNumber():
    assert newestPython3({series: fake(series) for series in ("2.7", "3.9", "3.10")}).series == "3.10"
    assert newestPython3({"2.7": fake("2.7")}) is None
