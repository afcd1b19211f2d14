"""Tests of following a file that grows."""
import logging
import os
import time

import pytest

from WMCore.WMRuntime.Payload import LogFollower as module
from WMCore.WMRuntime.Payload.LogFollower import LogFollower


@pytest.fixture
def log(tmp_path, caplog):
    """Give a file that is written to, without a buffer."""
    caplog.set_level(logging.INFO)
    with open(str(tmp_path / "log"), "ab", 0) as handle:
        yield handle


def waitUntil(condition):
    """Wait for something that has to happen soon."""
    end = time.time() + 10
    while not condition() and time.time() < end:
        time.sleep(0.01)
    assert condition()


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


def test_wholeLinesComeAsTheyAreWritten(log, caplog):
    with LogFollower(log.name, seconds=0.01):
        log.write(b"one\ntwo\nthr")
        waitUntil(lambda: messages(caplog) == ["one\ntwo"])
        log.write(b"ee\n")
        waitUntil(lambda: messages(caplog) == ["one\ntwo", "three"])
        log.write(b"the rest")
    assert messages(caplog) == ["one\ntwo", "three", "the rest"]


def test_whatWasThereBeforeIsNotLoggedAgain(log, caplog):
    log.write(b"old\n")
    with LogFollower(log.name, start=log.tell()):
        log.write(b"new\n")
    assert messages(caplog) == ["new"]


def test_aLineWithoutEndIsLoggedInPieces(log, caplog, monkeypatch):
    monkeypatch.setattr(module, "_LOG_BLOCK", 100)
    with LogFollower(log.name):
        log.write(b"x" * 1050)
    assert "".join(messages(caplog)) == "x" * 1050 and len(messages(caplog)) > 2


def test_anExceptionPassesAndNothingIsLost(log, caplog):
    with pytest.raises(KeyboardInterrupt):
        with LogFollower(log.name):
            log.write(b"so far")
            raise KeyboardInterrupt()
    assert messages(caplog) == ["so far"]


def test_aFileThatCannotBeReadIsSaid(tmp_path, caplog):
    with LogFollower(os.path.join(str(tmp_path), "none")):
        pass
    assert "none cannot be read" in caplog.text
