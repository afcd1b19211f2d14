"""Tests of Tools/SessionEvidence."""
import os

from WMCore.WMRuntime.Tools.ScramSession import ScramRequest, storeSession
from WMCore.WMRuntime.Tools.SessionEvidence import basePicture, findSession, gatherEvidence, leaveSession, takeSession

ARCH = "el8_amd64_gcc11"
REQUEST = ScramRequest("scramv1", "CMSSW_13_0_3", ARCH, None)


def test_scramArchCountsOnlyWhenScramChooses():
    environ = {"SCRAM_ARCH": "x", "SCRAM_IGNORE_RUNTIME_HOOK": "y", "HOME": "/h"}
    assert "SCRAM_ARCH" not in basePicture(environ, ARCH)
    assert basePicture(environ, None)["SCRAM_ARCH"] == "x"
    assert basePicture(environ, ARCH)["SCRAM_IGNORE_RUNTIME_HOOK"] == "y"
    assert "HOME" not in basePicture(environ, ARCH)


def test_anAreaThatNamesNoReleaseBringsNoPathOfTheCurrentDirectory(tmp_path):
    (tmp_path / ".SCRAM" / ARCH).mkdir(parents=True)
    (tmp_path / ".SCRAM" / ARCH / "Environment").write_text("OTHER=1\n")
    assert all(os.path.isabs(path) for path in gatherEvidence(str(tmp_path), {}))


def test_theSessionOfABareAreaHoldsUntilSomethingChanges(tmp_path):
    area = tmp_path / REQUEST.release
    area.mkdir()
    leaveSession(takeSession(REQUEST, str(area), {}, {"GREETING": "Hello World"}), str(tmp_path))
    assert findSession(str(tmp_path), REQUEST, {}).diff.toSet == {"GREETING": "Hello World"}
    (area / "config" / "toolbox").mkdir(parents=True)
    assert findSession(str(tmp_path), REQUEST, {}) is None
    assert os.listdir(str(tmp_path)) == [REQUEST.release], "a session that holds for nobody is removed"


def test_aSessionIsNotReplacedByThatOfAnotherRequest(tmp_path):
    area = tmp_path / REQUEST.release
    area.mkdir()
    first = takeSession(REQUEST, str(area), {}, {"A": "1"})
    storeSession(first, str(tmp_path))
    leaveSession(takeSession(ScramRequest("scram", REQUEST.release, ARCH, None), str(area), {}, {}), str(tmp_path))
    assert findSession(str(tmp_path), REQUEST, {}) == first


def test_aFileOfEvidenceThatNamesADeviceIsNotReadForEver(tmp_path):
    area = tmp_path / REQUEST.release
    area.mkdir()
    session = takeSession(REQUEST, str(area), {}, {})
    session.evidence["/dev/zero"] = "0"
    storeSession(session, str(tmp_path))
    assert findSession(str(tmp_path), REQUEST, {}) is None
