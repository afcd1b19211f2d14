"""Sourcing init.sh and starting a python; what goes wrong with either is in Sabotages."""
import sys

import pytest

from WMCore.WMRuntime.Environment import AreaPython
from WMCore.WMRuntime.Environment.AreaPython import sourceFiles, startPython
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersion
from WMCore_t.WrapperNode import runBash

BASE = {"PATH": "/usr/bin:/bin", "HOME": "/"}
NASTY = "a\nFAKE=x\n'b' \"c\" `false` $(false) \\ \\n \x01\x7f"


@pytest.fixture
def version(tmp_path):
    """Give a version whose python is the running one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "etc" / "profile.d").mkdir(parents=True)
    (tmp_path / "etc" / "profile.d" / "init.sh").write_text("export MINE=1\n")
    (tmp_path / "bin" / "python3").write_text('#!/bin/sh\nexec "%s" "$@"\n' % sys.executable)
    (tmp_path / "bin" / "python3").chmod(0o755)
    return AreaVersion("3.9.1", str(tmp_path))


def test_theQuestionsAreTheWrappers():
    for line in runBash("wma_python_check")[1].splitlines()[1:3]:
        assert line in AreaPython._QUESTION
    assert runBash("wma_future_check")[1] == AreaPython._FUTURE


def test_itSaysItsVersionAndPath(version):
    start = startPython(version, BASE)
    assert start.ok and start.version == sys.version_info[:3] and start.environ["MINE"] == "1"
    assert any(path.endswith("site-packages") for path in start.path)


@pytest.mark.parametrize("value", [NASTY, "", " ", u"caf\u00e9", "\udcff"])
def test_anyValueComesThrough(tmp_path, value):
    path = tmp_path / "init.sh"
    path.write_bytes(b"export NASTY=$INHERITED\nunset GONE\n")
    found = sourceFiles([str(path)], dict(BASE, INHERITED=value, GONE="x"))
    assert found.environ["NASTY"] == value and "GONE" not in found.environ and "FAKE" not in found.environ


def test_whatItDoesToTheShellStaysInThere(tmp_path):
    path = tmp_path / "init.sh"
    path.write_text("set -aefuC\nIFS=/\ntrap 'echo bye' EXIT\nprintf() { exit 1; }\nexec() { exit 1; }\nexport LAST=1\n")
    found = sourceFiles([str(path)], BASE)
    assert found.ok and found.environ["LAST"] == "1" and found.printed == ""


def test_aPythonThatGivesNoAnswerDoesNotStart(version):
    with open(version.python, "w") as handle:
        handle.write("#!/bin/sh\necho banner\n")
    start = startPython(version, BASE)
    assert start.problem == "pythonDoesNotStart" and "banner" in start.message
