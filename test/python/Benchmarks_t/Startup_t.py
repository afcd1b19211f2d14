"""Test what benchmarks/startup.py concludes from what it sees."""
import json
import os
import struct
import subprocess
import sys

import pytest

BENCHMARKS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "benchmarks"))
sys.path.append(BENCHMARKS)
pytest.importorskip("WMCore.WMSpec.WMWorkload")

import startup  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts import Executions as E  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts import Measurement as M  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts.CpuClock import cpuAt  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts.Machine import refusals  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts.Page import page  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts.Results import Bound, Results, Row  # noqa: E402  pylint: disable=wrong-import-position
from jobcosts.TaskStats import NEEDED, attributes, readStats  # noqa: E402  pylint: disable=wrong-import-position

TREE = "/node/cvmfs"
LOADER = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
PYTHON = TREE + "/el8_amd64_gcc12/cms/cmssw/CMSSW_13_0_3/external/el8_amd64_gcc12/bin/python3.9"


def recorded(*files):
    """Give the executions of files that are opened to be executed, (pid, path, head)."""
    recorder = E.ExecutionRecorder(lambda pid: (1,) if pid == 1 else (pid - 1, 1))
    starts = [recorder.opened(0.0, pid, path, head) for pid, path, head in files]
    assert sum(starts) == len(recorder.executions)
    return recorder.executions


def testScriptInterpreterAndLoaderAreOneProgram():
    found = recorded((5, "/bin/script", b"#!"), (5, "/usr/bin/bash", b"\x7fE"), (5, LOADER, b"\x7fE"))
    assert [one.path for one in found] == ["/bin/script"]


def testWhatEnvStartsIsAnotherProgram():
    found = recorded((5, "/bin/script", b"#!"), (5, "/usr/bin/env", b"\x7fE"), (5, LOADER, b"\x7fE"),
                     (5, "/usr/bin/python3", b"\x7fE"), (5, LOADER, b"\x7fE"))
    assert [one.path for one in found] == ["/bin/script", "/usr/bin/python3"]


def testScriptWhoseInterpreterIsAScriptIsOneProgram():
    assert len(recorded((5, "/a", b"#!"), (5, "/b", b"#!"), (5, "/usr/bin/sh", b"\x7fE"), (5, LOADER, b"\x7fE"))) == 1


@pytest.mark.parametrize("path, kind", [
    (PYTHON, E.RELEASE_PYTHON), (TREE + "/cms.cern.ch/COMP/el8/external/python3/3.8/bin/python3", E.JOB_PYTHON),
    ("/usr/bin/python3", E.OTHER), (TREE + "/common/scramv1", E.SCRAM), ("/usr/bin/dash", E.SHELL),
    ("/usr/bin/sed", E.COREUTILS), (TREE + "/share/overrides/bin/edm_pset_tweak.py", E.TOOL)])
def testKindIsToldByThePath(path, kind):
    assert E.kindOf(path, TREE) == kind


def testWhatScramStartsIsScrams():
    counted = E.countKinds([E.Execution(0.0, 7, (1,), TREE + "/common/scram"),
                            E.Execution(0.0, 9, (8, 7, 1), "/usr/bin/cat"), E.Execution(0.0, 7, (1,), PYTHON), E.Execution(0.0, 10, (1,), "/usr/bin/cat")], TREE)
    assert (counted[E.SCRAM], counted[E.COREUTILS], counted[E.RELEASE_PYTHON]) == (3, 1, 0)


def testCpuIsReadBetweenSamples():
    samples = [(10.0, 0.0), (11.0, 0.5), (12.0, 0.5)]
    assert [cpuAt(samples, moment) for moment in (9.0, 10.5, 11.5, 13.0)] == [0.0, 0.25, 0.5, 0.5]


def testNetlinkAttributesAreReadUpToTheirEnd():
    data = struct.pack("=HH2s2x", 6, 1, b"ab") + struct.pack("=HHI", 8, 0x8000 | 3, 7)
    assert attributes(data) == {1: b"ab", 3: struct.pack("=I", 7)}
    assert attributes(struct.pack("=HH", 0, 1)) == {}


def testOldKernelsTellTooLittle():
    assert readStats(struct.pack("=H", 8) + bytes(NEEDED)) is None
    assert readStats(b"") is None
    data = bytearray(NEEDED)
    struct.pack_into("=H", data, 0, 13)
    struct.pack_into("=Q", data, 72, 1500000000)
    assert readStats(bytes(data)).cpu == 1.5


def testStepsBeginWhereTheirExecutorsPrepare():
    text = ("2026-11-23 11:41:40,754:INFO:CMSSW:Steps.Executors.CMSSW.pre called\nelse\n"
            "2026-11-23 11:41:42,004:INFO:StageOut:Steps.Executors.StageOut.pre called\n")
    first, second = M.stepStarts(text)
    assert abs(second - first - 1.25) < 1e-6


def results():
    """Make rows of three rounds."""
    rows = []
    for runtime, factor in (("upstream", 4.0), ("ours", 1.0)):
        for steps in (1, 10):
            for noise in (0.0, 0.1, 0.5):
                rows.append(Row(runtime, steps, 0.0, False, {
                    M.WALL: factor * (1 + steps) + noise, M.STEP_WALL: factor, M.JOB_CPU: factor * steps,
                    M.STEP_CPU: factor * 0.5}))
            rows.append(Row(runtime, steps, 0.0, True, {M.WALL: 99.0, M.PROGRAMS: 50 * factor}))
    return Results(rows)


def testMediansAreOfRunsThatNobodyWatched():
    assert results().median(M.WALL, "ours", 1) == 2.1
    assert results().median(M.PROGRAMS, "ours", 1) == 50
    assert results().median(M.OPENS, "ours", 1) is None


def testBoundsSayWhatHoldsAndWhatWasNotMeasured():
    found = {bound.text: bound for bound in results().bounds()}
    step = found["a step of a chain of 10 to the step of a one-step job, wall clock"]
    assert (round(step.value, 6), step.state) == (1.0, "holds")
    assert found["a step of a chain of 10 to the step of a one-step job, CPU"].state == "does not hold"
    assert found["programs executed, one step"].state == "holds"
    assert found["bytes of the sandbox, ours to upstream's without bytecode"].state == "not measured"
    assert Bound("a", 1, 1).state == "holds"


def testSandboxesAreHeldAgainstBothOfUpstreams():
    rows = [Row("upstream", 1, 0.0, False, {M.SANDBOX: 1000.0}), Row("ours", 1, 0.0, False, {M.SANDBOX: 400.0}),
            Row("upstream", 1, 0.0, False, {M.WITH_BYTECODE[M.SANDBOX]: 4000.0})]
    found = {bound.text: bound for bound in Results(rows).bounds()}
    assert found["bytes of the sandbox, ours to upstream's without bytecode"].state == "does not hold"
    assert found["bytes of the sandbox, ours to upstream's with bytecode"].value == 0.1


def testPageNamesWhatWasNotMeasured():
    text = page(results(), {"release": "R", "machine": "M", "rounds": 3, "left": [[10, 0.1]],
                            "missing": {"opens and programs": "not root"}})
    assert "10 steps with 100 ms" in text
    assert "**Not measured:** opens and programs (not root)" in text
    assert "| programs executed | 200 | 50 | 0.25 | 200 | 50 | 0.25 |" in text


def testRuntimesTakeTurnsAndLongDelaysAreLeftOut():
    plan = startup.makePlan([1, 10], [0.0, 0.02, 0.1], 2)
    timed = [one for one in plan.inTurn if not one.counted]
    assert [one.runtime for one in timed] == ["upstream", "ours"] * 4
    assert [(one.runtime, one.delay) for one in plan.inTurn if one.delay] == [("upstream", 0.02), ("ours", 0.02)] * 2
    assert {(one.steps, one.delay) for one in plan.beside} == {(10, 0.02), (1, 0.1)}
    assert not any(one.alone for one in plan.beside)
    assert plan.left == [(10, 0.1)]


def testNothingIsWatchedWhereThatIsRefused():
    plan = startup.makePlan([1], [0.0, 0.02], 1, canWatch=False)
    assert [(one.counted, one.delay) for one in plan.inTurn + plan.beside] == [(False, 0.0)] * 2


@pytest.mark.skipif(bool(refusals()), reason="needs root: fanotify, taskstats, control groups")
def testOpensAndProgramsAreCountedAndDelayedSideBySide(tmp_path):
    tree, seen = tmp_path / "tree", tmp_path / "seen.json"
    tree.mkdir()
    (tree / "file").write_text("x\n")
    plan = {"tree": str(tree), "pythons": [], "inodes": [], "gate": True, "openDelay": 0.6, "executeDelay": 0.1,
            "result": str(seen)}
    (tmp_path / "plan").write_text(json.dumps(plan))
    script = "read -r x <{0}; (read -r x <{0}) & (read -r x <{0}) & wait; exec cat /dev/null; exit 3".format(tree / "file")
    code = subprocess.call([sys.executable, "-B", os.path.join(BENCHMARKS, "jobcosts", "Watch.py"),
                            str(tmp_path / "plan"), "/bin/bash", "-c", script])
    found = json.loads(seen.read_text())
    assert code == 0
    assert (found["opens"], found["files"]) == (3, 1)
    assert [os.path.basename(one[3]) for one in found["executions"]] == ["bash", "cat"]
    # bash, an open, two opens at once, cat; one after the other they take 2.0 s.
    assert 1.4 <= found["end"] - found["start"] < 1.95
