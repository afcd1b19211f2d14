"""Tests of Tools/ScramSession: the stored form, and what is looked at on disk."""
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Tools.ScramSession import (BASH_NAME, JSON_NAME, MAX_FILE_BYTES, ScramRequest, ScramSession,
                                                 areaArchitectures, areaProblem, basePicture, dropSession, readSession,
                                                 releaseTop, sessionBash, sessionJson, staleReason,
                                                 storeSession)

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


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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


def test_scramArchCountsOnlyWhenScramChooses():
    environ = {"SCRAM_ARCH": "x", "SCRAM_IGNORE_RUNTIME_HOOK": "y", "HOME": "/h"}
    assert "SCRAM_ARCH" not in basePicture(environ, ARCH)
    assert basePicture(environ, None)["SCRAM_ARCH"] == "x"
    assert basePicture(environ, ARCH)["SCRAM_IGNORE_RUNTIME_HOOK"] == "y"
    assert "HOME" not in basePicture(environ, ARCH)


@pytest.fixture
def area(tmp_path):
    """Give a whole project area."""
    (tmp_path / "release").mkdir()
    path = tmp_path / "area"
    (path / "config").mkdir(parents=True)
    (path / ".SCRAM" / ARCH).mkdir(parents=True)
    (path / ".SCRAM" / ARCH / "Environment").write_text("RELEASETOP=%s\n" % (tmp_path / "release"))
    (path / ".SCRAM" / "Environment").write_text("SCRAM_PROJECTNAME=CMSSW\n")
    return path


def test_aWholeAreaHasNoProblem(area):
    assert areaProblem(str(area), ARCH) is None
    assert areaProblem(str(area)) is None
    assert areaArchitectures(str(area)) == [ARCH]
    assert releaseTop(str(area), ARCH) == str(area.parent / "release")


@pytest.mark.parametrize("text, said", [("", "names no RELEASETOP"), ("RELEASETOP=\n", "names no RELEASETOP"),
                                        ("RELEASETOP=/gone\n", "/gone"), ("OTHER=1\n", "names no RELEASETOP")])
def test_anEnvironmentFileThatLeadsNowhereIsAProblem(area, text, said):
    (area / ".SCRAM" / ARCH / "Environment").write_text(text)
    assert said in areaProblem(str(area), ARCH)


def test_eachThingMissingIsNamed(area):
    assert "not for slc7_amd64_gcc700" in areaProblem(str(area), "slc7_amd64_gcc700")
    (area / ".SCRAM" / ARCH / "Environment").unlink()
    assert ".SCRAM/%s/Environment" % ARCH in areaProblem(str(area), ARCH)
    (area / "config").rmdir()
    assert "config" in areaProblem(str(area), ARCH)
    assert "is not there" in areaProblem(str(area / "nothing"), ARCH)
