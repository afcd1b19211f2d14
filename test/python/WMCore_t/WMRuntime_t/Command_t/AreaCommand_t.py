"""
Test `wmruntime area build`, `rollback` and `list` from their words to what they print.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import threading
import time

import pytest

from WMCore.WMRuntime.Command.Main import main
from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Publishing import AreaPublisher
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import MACHINE, NAME, fakePrefix, smallWheels

FOREIGN = "rhel9_ppc64le" if MACHINE != "ppc64le" else "rhel9_x86_64"


@pytest.fixture
def words(tmp_path):
    """Give the words that build an area in a moment: a fake python, small wheels, a root of the test's own."""
    fakePrefix(tmp_path / "prefix")
    return ["--root", str(tmp_path / "root"), "--python", str(tmp_path / "prefix"), "--wheels",
            smallWheels(tmp_path / "wheels")]


def run(capsys, *words):
    """Run the command; give its status and what it printed to both streams."""
    status = main(["area"] + list(words))
    out, err = capsys.readouterr()
    return status, out + err


def test_anAreaIsBuiltShownListedAndGoneBackFrom(words, tmp_path, capsys):
    root = words[:2]
    for number in (1, 2):
        status, text = run(capsys, "build", NAME, *words)
        assert status == 0 and re.search(r"%s +build %d in [0-9.]+ s: python 3.9.18, 5 libraries" % (NAME, number), text)
    assert loadManifest(str(tmp_path / "root/WMRuntime" / NAME)).build == 2
    status, text = run(capsys, "list", *root)
    assert status == 0 and re.search(r"\* 2: python 3.9.18, attrs 25.3.0, ", text) and "  1: python 3.9.18" in text
    assert run(capsys, "rollback", NAME, *root) == (0, "%s shows build 1 now, it was build 2\n" % NAME)
    assert loadManifest(str(tmp_path / "root/WMRuntime" / NAME)).build == 1
    status, text = run(capsys, "rollback", NAME, *root)
    assert status == 1 and "nothing to go back to" in text and "what to do" in text
    assert run(capsys, "rollback", NAME, "--to", "2", *root)[0] == 0


def test_theListIsThereAsJson(words, tmp_path, capsys):
    run(capsys, "build", NAME, *words)
    run(capsys, "build", NAME, "--no-switch", *words)
    (tmp_path / "root/WMRuntime/builds" / (NAME + "-7")).mkdir()
    (tmp_path / "root/WMRuntime/builds" / (NAME + "-8")).mkdir()
    (tmp_path / "root/WMRuntime/builds" / (NAME + "-8") / "manifest.json").write_text("{}")
    status, text = run(capsys, "list", "--json", *words[:2])
    area, = json.loads(text)
    assert (status, area["area"], area["shown"]) == (0, NAME, 1)
    assert [build["build"] for build in area["builds"]] == [1, 2, 7, 8]
    assert [bool(build["error"]) for build in area["builds"]] == [False, False, True, True]


def test_nothingPublishedIsSaid(tmp_path, capsys):
    assert run(capsys, "list", "--root", str(tmp_path)) == (0, "no areas were published in %s/WMRuntime\n" % tmp_path)


def test_allAreasAreBuiltWithLayoutsForOtherCpus(words, tmp_path, capsys):
    words = ["--description", onePythonDescription(tmp_path)] + words
    status, text = run(capsys, "build", "--all", "--jobs", "2", *words)
    assert status == 0 and text.count("layout only") == text.count(" build 1 in ") - 2
    assert loadManifest(str(tmp_path / "root/WMRuntime" / FOREIGN)).layoutOnly
    assert not loadManifest(str(tmp_path / "root/WMRuntime" / NAME)).layoutOnly
    lines = run(capsys, "list", *words[:4])[1].splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "][-1].startswith("rhel10_")


def onePythonDescription(tmp_path):
    """Write the runtime's description with its two newest systems alone, which the fake python will do for."""
    from WMCore.WMRuntime.Environment import Description
    path = os.path.join(os.path.dirname(Description.__file__), "requirements.cfg")
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    text = re.sub(r"\[system rhel[678]\]\n(?:[^\[]+)", "", text)
    (tmp_path / "requirements.cfg").write_text(text)
    return str(tmp_path / "requirements.cfg")


def test_anAreaThatFailsIsToldAndTheOthersAreBuilt(words, tmp_path, capsys):
    os.makedirs(str(tmp_path / "root/WMRuntime" / NAME))
    status, text = run(capsys, "build", NAME, "rhel10_" + MACHINE, *words)
    assert status == 1 and re.search(r"(?s)%s +FAILED\n.*was not published from here" % NAME, text)
    assert re.search(r"rhel10_%s +build 1 in" % MACHINE, text)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_anInterruptLeavesTheRestUndoneAndNothingHalfDone(words, tmp_path, capsys, monkeypatch, jobs):
    begun = []

    def interrupt(request, *_arguments):
        begun.append(request.name)
        if len(begun) > 1:
            time.sleep(0.5)
        raise KeyboardInterrupt
    monkeypatch.setattr(AreaPublisher, "buildArea", interrupt)
    status, text = run(capsys, "build", "--all", "--jobs", jobs, "--description", onePythonDescription(tmp_path), *words)
    assert (status, text) == (130, "wmruntime: interrupted\n")
    assert len(begun) < 6 and os.listdir(str(tmp_path / "root/WMRuntime/builds")) == []


def test_anArchiveIsWrittenBeside(words, tmp_path, capsys):
    assert run(capsys, "build", NAME, "--archive", str(tmp_path / "area.tar.xz"), *words)[0] == 0
    with tarfile.open(str(tmp_path / "area.tar.xz")) as archive:
        names = archive.getnames()
    assert NAME + "-1/manifest.json" in names and all(name.split("/")[0] == NAME + "-1" for name in names)


def test_anArchiveThatCannotBeWrittenLeavesJobsWithWhatTheySaw(words, tmp_path, capsys):
    run(capsys, "build", NAME, *words)
    status, text = run(capsys, "build", NAME, "--archive", str(tmp_path / "nowhere" / "area.tar.xz"), *words)
    assert status == 1 and "nowhere/area.tar.xz" in text
    assert os.listdir(str(tmp_path / "root/WMRuntime/builds")) == [NAME + "-1"]


def test_anInterruptWhileTwoAreasAreBuiltShowsNeither(words, tmp_path, capsys, monkeypatch):
    build, begun = AreaPublisher.buildArea, threading.Barrier(3)

    def wait(request, *arguments):
        begun.wait(10)
        time.sleep(0.5)
        return build(request, *arguments)

    def interrupt():
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)
    monkeypatch.setattr(AreaPublisher, "buildArea", wait)
    thread = threading.Thread(target=interrupt)
    thread.start()
    status, text = run(capsys, "build", "--jobs", "2", NAME, "rhel10_" + MACHINE, *words)
    thread.join()
    assert (status, text) == (130, "wmruntime: interrupted\n")
    assert os.listdir(str(tmp_path / "root/WMRuntime")) == ["builds"]
    assert os.listdir(str(tmp_path / "root/WMRuntime/builds")) == []


@pytest.mark.parametrize("signalNumber, left", [(signal.SIGTERM, False), (signal.SIGKILL, True)])
def test_aBuildThatIsStoppedOrKilledStandsInNobodysWay(words, tmp_path, capsys, signalNumber, left):
    busy, builds = tmp_path / "busy", tmp_path / "root/WMRuntime/builds"
    busy.write_text("")
    program = tmp_path / "prefix/bin/python3.9"
    program.write_text(program.read_text().replace("*compileall*) ", "*compileall*) echo > %s.begun; while [ -e %s ]; do "
                                                   "sleep 0.1; done; " % (busy, busy)))
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "area", "build", NAME] + words,
                               stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=str(tmp_path / "temporary"),
                                                                PYTHONPATH=os.pathsep.join(sys.path)))
    deadline = time.monotonic() + 30
    while not os.path.exists(str(busy) + ".begun") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signalNumber)
    err = process.communicate(timeout=30)[1].decode()
    busy.unlink()
    assert process.returncode == (-signal.SIGKILL if left else 130), err
    assert bool(os.listdir(str(builds))) == left and (left or os.listdir(str(tmp_path / "temporary")) == [])
    status, text = run(capsys, "build", NAME, *words)
    assert status == 0 and ("what was left of an action that was killed" in text) == left
    assert os.listdir(str(builds)) == [NAME + "-1"]


def test_theListSaysWhichPythonJobsGet(words, capsys):
    for options in ([], ["--keep-default"]):
        run(capsys, "build", NAME, *(options + words))
    assert re.search(NAME + " +build 2, jobs get python 3.9.18-wm1\n", run(capsys, "list", *words[:2])[1])
    assert json.loads(run(capsys, "list", "--json", *words[:2])[1])[0]["python"] == "3.9.18-wm1"


def test_theListSaysThatADefaultNamesNothing(words, tmp_path, capsys):
    run(capsys, "build", NAME, *words)
    (tmp_path / "root/WMRuntime" / NAME / "external/python3/default").write_text("3.1\n")
    status, text = run(capsys, "list", *words[:2])
    assert status == 0 and "jobs get python 3.9.18-wm1" in text and "names '3.1'" in text


@pytest.mark.parametrize("areaPath", ["../../escaped", "/escaped", "..", "a/../b", ""])
def test_anAreaPathLeadsNowhereElse(words, tmp_path, capsys, areaPath):
    for action in (["build", NAME] + words, ["list"] + words[:2], ["rollback", NAME] + words[:2]):
        status, text = run(capsys, *(action + ["--area-path", areaPath]))
        assert status == 1 and "--area-path needs the name of a directory" in text
    assert sorted(os.listdir(str(tmp_path))) == ["prefix", "wheels"]


def test_aRootThatIsAFileIsSaid(words, tmp_path, capsys):
    (tmp_path / "root").write_text("")
    for action in (["build", NAME] + words, ["list"] + words[:2], ["rollback", NAME] + words[:2]):
        status, text = run(capsys, *action)
        assert status == 1 and "--root needs a directory" in text and "what to do: " in text


def test_aLibraryThatIsLeftOutIsTold(words, tmp_path, capsys):
    words[-1] = smallWheels(tmp_path / "fewer", without=("lxml",))
    status, text = run(capsys, "build", NAME, *words)
    assert status == 0 and "without lxml: no wheel of 5.3.2 for python 3.9 on %s" % NAME in text


@pytest.mark.parametrize("arguments, expected", [
    ([], "not said which areas"), (["--all", NAME], "not said which areas"), (["rhel5_x86_64"], "no area rhel5_x86_64"),
    ([NAME, "rhel10_" + MACHINE, "--archive", "x"], "One archive holds one area"), ([FOREIGN], "--layout-only"),
    ([NAME, "--jobs", "0"], "--jobs needs a number"), (["rhel6_" + MACHINE], "no python for an area of rhel6")])
def test_whatCannotBeBuiltIsSaidWithWhatToDo(words, capsys, arguments, expected):
    status, text = run(capsys, "build", *(arguments + words))
    assert status == 1 and expected in text and "what to do: " in text


def test_wheelsThatAreNotThereAreSaid(words, tmp_path, capsys):
    words[-1] = str(tmp_path)
    status, text = run(capsys, "build", NAME, *words)
    assert status == 1 and "wheels.json" in text and "wmruntime wheels collect" in text


def test_anAreaThatDoesNotExistCannotBeGoneBackFrom(tmp_path, capsys):
    assert "expected one of rhel" in run(capsys, "rollback", "COMP", "--root", str(tmp_path))[1]
