"""Tests of Environment/EnvironmentRequest."""
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvironmentRequest import FILE_NAME, EnvironmentRequest
from WMCore.WMRuntime.Errors import WMRuntimeError

WHOLE = b"[python]\nversion = 3.9.14-wm1\n[container]\nimage = /cvmfs/images/el8\ngpu = yes\n"


def ask(tmp_path, data=None, **environ):
    if data is not None:
        (tmp_path / FILE_NAME).write_bytes(data)
    return EnvironmentRequest.fromJob(environ, str(tmp_path))


def test_aJobThatSaysNothingAsksForNothing(tmp_path):
    assert ask(tmp_path) == EnvironmentRequest()
    assert EnvironmentRequest.fromJob({}) == EnvironmentRequest()


def test_theSandboxAsksThroughItsFile(tmp_path):
    found = ask(tmp_path, WHOLE)
    assert (found.pythonVersion, found.container, found.gpu) == ("3.9.14-wm1", "/cvmfs/images/el8", True)
    assert {found.origin(field) for field in ("pythonVersion", "container", "gpu")} == {str(tmp_path / FILE_NAME)}


def test_theJobsEnvironmentIsStronger(tmp_path):
    found = ask(tmp_path, WHOLE, WMRUNTIME_PYTHON_VERSION="3.8.2-comp", WMRUNTIME_CONTAINER="auto",
                WMRUNTIME_CONTAINER_GPU="0")
    assert (found.pythonVersion, found.container, found.gpu) == ("3.8.2-comp", "auto", False)
    assert found.origin("pythonVersion") == "WMRUNTIME_PYTHON_VERSION"


def test_theJobsEnvironmentCanRefuseTheSandboxsContainer(tmp_path):
    found = ask(tmp_path, WHOLE, WMRUNTIME_CONTAINER="none")
    assert found.container == "" and found.origin("container") == "WMRUNTIME_CONTAINER"


def test_anEmptyVariableAsksForNothing(tmp_path):
    assert ask(tmp_path, WHOLE, WMRUNTIME_PYTHON_VERSION="").pythonVersion == "3.9.14-wm1"


def test_wheelsAreThoseTheSandboxBrought(tmp_path):
    assert ask(tmp_path).wheels is None
    (tmp_path / "wheels").mkdir()
    found = ask(tmp_path)
    assert found.wheels == str(tmp_path / "wheels") and found.origin("wheels") == "the sandbox"


@pytest.mark.parametrize("data", [
    b"[python]\nversion = ../../../tmp/evil\n", b"[python]\nversion = 3.9/../..\n", b"[python]\nversion = newest\n",
    b"[python]\nversions = 3.9\n", b"[pyhton]\nversion = 3.9\n", b"[container]\nimage = relative/image\n",
    b"[container]\nimage = /a b\n", b"[container]\ngpu = perhaps\n", b"[python\n", b"\xff\xfe", b"version = 3.9\n"])
def test_anUnusableFileIsNamedWithTheRemedy(tmp_path, data):
    with pytest.raises(WMRuntimeError) as caught:
        ask(tmp_path, data)
    assert caught.value.code == 11014 and caught.value.hint
    assert str(tmp_path / FILE_NAME) in str(caught.value) and "expected" in str(caught.value)


def test_aFileThatCannotBeOpenedIsNoSilence(tmp_path):
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "nowhere")
    with pytest.raises(WMRuntimeError):
        ask(tmp_path)


def test_aPipeIsRefusedAndNotWaitedFor(tmp_path):
    os.mkfifo(str(tmp_path / FILE_NAME))
    with pytest.raises(WMRuntimeError, match="no regular file"):
        ask(tmp_path)


def test_aByteOrderMarkAtTheBeginningIsNoPartOfTheText(tmp_path):
    assert ask(tmp_path, b"\xef\xbb\xbf" + WHOLE) == ask(tmp_path, WHOLE)


@pytest.mark.parametrize("name, value", [("WMRUNTIME_PYTHON_VERSION", "3.9; rm"), ("WMRUNTIME_CONTAINER", "el8"),
                                         ("WMRUNTIME_CONTAINER_GPU", "2")])
def test_anUnusableVariableIsNamed(tmp_path, name, value):
    with pytest.raises(WMRuntimeError) as caught:
        ask(tmp_path, **{name: value})
    assert name in str(caught.value) and repr(value) in str(caught.value)


def test_itIsWrittenWithWhereEachWasAsked(tmp_path):
    assert json.loads(json.dumps(ask(tmp_path, WMRUNTIME_CONTAINER="auto").toDict())) == {
        "container": {"value": "auto", "where": "WMRUNTIME_CONTAINER"}}


@given(st.data())
def test_anyMangledFileGivesARequestOrTheError(tmp_path_factory, data):
    text = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        text[start:start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    try:
        found = ask(tmp_path_factory.mktemp("job"), bytes(text))
        assert "/" not in found.pythonVersion and found.container in ("", "auto") or found.container.startswith("/")
    except WMRuntimeError as ex:
        assert ex.code == 11014


@pytest.mark.parametrize("request_", [
    EnvironmentRequest(), EnvironmentRequest(pythonVersion="3.9"),
    EnvironmentRequest(pythonVersion="3.9.18-wm2", container="auto", gpu=True), EnvironmentRequest(container="/a/b.sif")])
def test_whatIsWrittenForASandboxReadsBackTheSame(tmp_path, request_):
    path = tmp_path / FILE_NAME
    path.write_text(request_.toText())
    found = EnvironmentRequest.fromFile(str(path))
    assert [getattr(found, field) for field in ("pythonVersion", "container", "gpu")] == \
        [getattr(request_, field) for field in ("pythonVersion", "container", "gpu")]


@pytest.mark.parametrize("request_", [EnvironmentRequest(pythonVersion="3.9\n[container]\nimage = /evil"),
                                      EnvironmentRequest(container="el8")])
def test_noSandboxIsMadeWithWhatNoJobUnderstands(request_):
    with pytest.raises(WMRuntimeError):
        request_.toText()


def test_startupLooksForWhatIsReadHere():
    from WMCore.WMRuntime import Startup
    from WMCore.WMRuntime.Environment import EnvironmentOutcome, EnvironmentRequest as module
    variables = {question.variable for question in module.QUESTIONS} | {EnvironmentOutcome.APPLIED_VARIABLE}
    assert set(Startup.ASKING_VARIABLES) == variables
    assert set(Startup.ASKING_FILES) == {module.FILE_NAME, module.WHEELS_DIRECTORY}
