"""Tests of Tools/ScramSession: the stored form."""
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Tools.ScramSession import (BASH_NAME, JSON_NAME, MAX_FILE_BYTES, ScramRequest, ScramSession,
                                                 dropSession, readSession, sessionBash, sessionJson, storeSession)
from WMCore.WMRuntime.Tools.SessionEvidence import staleReason
from WMCore_t.Counts import examples

ARCH = "el8_amd64_gcc11"
REQUEST = ScramRequest("scramv1", "CMSSW_13_0_3", ARCH, None)
VALUES = st.binary(max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
JSON = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
                    max_leaves=6)


def makeSession(area="/step/CMSSW_13_0_3", toSet=None, toUnset=()):
    return ScramSession(REQUEST, area, EnvDiff(toSet or {"A": "1"}, toUnset), {"PATH": "/bin"}, {"/x": [1, 2]})


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.dictionaries(st.sampled_from(["A", "B", "C_1"]), VALUES))
def test_whatIsStoredReadsBackTheSame(tmp_path, values):
    session = makeSession(toSet=values, toUnset=["OLD"])
    storeSession(session, str(tmp_path))
    assert readSession(str(tmp_path)) == session
    assert readSession(str(tmp_path)).token(str(tmp_path)) == session.token(str(tmp_path))


def test_twoSessionsHaveTwoTokens(tmp_path):
    assert makeSession(toSet={"A": "1"}).token("/x") != makeSession(toSet={"A": "2"}).token("/x")


@settings(deadline=None, max_examples=examples(150),
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_aSessionFileOfAnyContentIsOneClearErrorOrJudged(tmp_path, data):
    stored = json.loads(sessionJson(makeSession(area=str(tmp_path / "CMSSW_13_0_3"))))
    for key in data.draw(st.lists(st.sampled_from(sorted(stored)), max_size=3)):
        stored[key] = data.draw(JSON)
    raw = json.dumps(stored).encode("ascii")
    cut = data.draw(st.integers(0, len(raw)))
    (tmp_path / JSON_NAME).write_bytes(data.draw(st.sampled_from([raw, raw, raw[:cut], raw[:cut] + b"\xff" + raw[cut:]])))
    try:
        session = readSession(str(tmp_path))
        reason = staleReason(session, REQUEST, str(tmp_path), {"PATH": "/bin"})
    except ValueError:
        return
    assert reason, "there is no area on disk, so no session can hold"


def test_aFileOfAnySizeIsNotReadWhole(tmp_path):
    with open(str(tmp_path / JSON_NAME), "wb") as handle:
        handle.truncate(MAX_FILE_BYTES * 4)
    with pytest.raises(ValueError, match="larger"):
        readSession(str(tmp_path))


def test_deeplyNestedJsonIsOneClearError(tmp_path):
    (tmp_path / JSON_NAME).write_text("[" * 100000)
    with pytest.raises(ValueError, match="no SCRAM session"):
        readSession(str(tmp_path))


def test_filesAreReplacedAndNothingTemporaryIsLeft(tmp_path):
    storeSession(makeSession(), str(tmp_path))
    storeSession(makeSession(toSet={"A": "2"}), str(tmp_path))
    assert sorted(os.listdir(str(tmp_path))) == [JSON_NAME, BASH_NAME]
    assert "export A='2'" in (tmp_path / BASH_NAME).read_text()
    dropSession(str(tmp_path))
    dropSession(str(tmp_path))
    assert os.listdir(str(tmp_path)) == []


def test_theBashTextStartsWithTwoCommentsAndTheFacts():
    lines = sessionBash(makeSession(area="/it's")).splitlines()
    assert [line.startswith("#") for line in lines[:3]] == [True, True, False]
    assert lines[2:5] == ["SCRAM_SESSION_RELEASE='CMSSW_13_0_3'", "SCRAM_SESSION_ARCH='%s'" % ARCH,
                          "SCRAM_SESSION_AREA='/it'\\''s'"]


def test_aRequestWithoutInitialiseIsAnsweredByOneWith():
    one = ScramRequest("scramv1", "V", ARCH, ". setup.sh")
    none = ScramRequest("scramv1", "V", ARCH, None)
    assert one.answers(one) and one.answers(none) and none.answers(none)
    assert not none.answers(one)
    assert not one.answers(ScramRequest("scram", "V", ARCH, None))
