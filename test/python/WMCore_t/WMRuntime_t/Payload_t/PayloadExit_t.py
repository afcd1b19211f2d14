"""Tests of how a payload's end is read and judged."""
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Payload.PayloadExit import (PayloadExit, PayloadStatusError, readPayloadExit, setupFailure,
                                                  signalNote)
from WMCore.WMRuntime.Tools.ChildProcess import ChildExit

GOOD = {"stage": "payload", "exitCode": 65, "signal": None, "executable": "cmsRun", "pid": 12}


def write(tmp_path, data):
    path = tmp_path / "cmsRun1-status.json"
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode("utf-8") + b"\n")
    return str(path)


def testStatusFileIsRead(tmp_path):
    assert readPayloadExit(write(tmp_path, GOOD)) == PayloadExit("payload", 65, None, "cmsRun", 12)


def testFurtherFieldsAreIgnored(tmp_path):
    assert readPayloadExit(write(tmp_path, dict(GOOD, more=1))).exitCode == 65


@pytest.mark.parametrize("data, stage", [
    (b'{"stage": "arguments"%s\n{"stage": "payload"%s\n', "payload"),
    (b'{"stage": "arguments"%s\n{"stage": "payload"%s', "arguments"),
    (b'{"stage": "arguments"%s\nnot read{"stage": "runtime"\n{"stage": "payload"%s\n', "payload")])
def testTheLastWholeLineHolds(tmp_path, data, stage):
    rest = b', "exitCode": null, "signal": null, "executable": "cmsRun", "pid": null}'
    assert readPayloadExit(write(tmp_path, data % (rest, rest))).stage == stage


def testEveryWayToCutTheFileGivesAStageThatWasEnteredOrTheError(tmp_path):
    lines = [json.dumps(dict(GOOD, stage=stage, pid=pid)).encode("ascii") + b"\n"
             for stage, pid in (("arguments", None), ("payload", None), ("payload", 12))]
    whole = b"".join(lines)
    for length in range(len(whole) + 1):
        done = whole[:length].count(b"\n")
        path = write(tmp_path, whole[:length])
        if done == 0:
            with pytest.raises(PayloadStatusError):
                readPayloadExit(path)
        else:
            assert readPayloadExit(path) == PayloadExit(**json.loads(lines[done - 1].decode("ascii")))


@pytest.mark.parametrize("data", [
    b"", b"\n", b"{\n", b"[]\n", b"null\n", b"3\n", b"\xff\xfe\n", b"[" * 30000 + b"\n", b" " * 70000,
    json.dumps(GOOD).encode("ascii"), json.dumps(GOOD).encode("ascii") + b"\n\n", {},
    dict(GOOD, stage="lunch"), dict(GOOD, stage=["payload"]), dict(GOOD, exitCode="65"), dict(GOOD, exitCode=True),
    dict(GOOD, exitCode=-1), dict(GOOD, signal=1.5), dict(GOOD, executable=None), dict(GOOD, pid=[])])
def testBrokenStatusFileIsSaidWithItsName(tmp_path, data):
    path = write(tmp_path, data)
    with pytest.raises(PayloadStatusError) as caught:
        readPayloadExit(path)
    assert path in str(caught.value)


def testMissingStatusFileIsSaid(tmp_path):
    with pytest.raises(PayloadStatusError, match="cannot read"):
        readPayloadExit(str(tmp_path / "none.json"))


@given(st.binary(max_size=200))
def testAnyBytesGiveAStatusOrTheOneError(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("status") / "s.json"
    path.write_bytes(data)
    try:
        assert isinstance(readPayloadExit(str(path)), PayloadExit)
    except PayloadStatusError:
        pass


@pytest.mark.parametrize("exit, child, failed", [
    (PayloadExit("payload", 71), ChildExit(1, 71), False),
    (PayloadExit("project", 71), ChildExit(1, 71), True),
    (PayloadExit("setup", 71), ChildExit(1, 71), True),
    (PayloadExit("project", 143), ChildExit(1, 143), True),
    (PayloadExit("project", None), ChildExit(1, None, 9), True),
    (PayloadExit("runtime", None), ChildExit(1, 84), False),
    (None, ChildExit(1, 71), False)])
def testSetupFailureIsBelievedOnlyFromAFileThatIsUpToDate_8026(exit, child, failed):
    found = setupFailure(exit, child)
    assert bool(found) == failed
    if failed:
        assert exit.stage in found and str(child.shellCode) in found


def testSignalsAreNamed():
    assert signalNote(139) == " (signal 11, SIGSEGV)"
    assert signalNote(65) == signalNote(128) == signalNote(255) == ""
    assert signalNote(128 + 33) == " (signal 33)"
