"""Test the job's log."""
import io
import logging
import os
import sys
import threading

import pytest

from WMCore.WMRuntime import JobLog


@pytest.fixture(autouse=True)
def rootLogger():
    """Give a root logger without handlers; put the old ones back."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    logger.handlers[:] = []
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:] = handlers
    logger.setLevel(level)


def read(path):
    """Read a log."""
    with open(str(path), "r", encoding="utf-8") as handle:
        return handle.read()


def test_recordsGoToTheFileInTheKnownFormat(tmp_path, rootLogger):
    JobLog.setupLogging(str(tmp_path))
    logging.info("hello %s", "there")
    logging.debug("not this")
    line = read(tmp_path / "wmagentJob.log").strip()
    assert line.endswith(":INFO:JobLog_t:hello there")
    assert rootLogger.level == logging.INFO and threading.current_thread().logger is rootLogger
    handler, = [one for one in rootLogger.handlers if isinstance(one, JobLog.JobLogHandler)]
    assert (handler.maxBytes, handler.backupCount) == (1000000000, 3)


def test_anotherNameMayBeGiven(tmp_path):
    JobLog.setupLogging(str(tmp_path), logName="other.log")
    logging.info("x")
    assert "x" in read(tmp_path / "other.log")


def test_settingUpTwiceWritesEachRecordOnce(tmp_path):
    for _ in range(2):
        JobLog.setupLogging(str(tmp_path))
    logging.info("once")
    assert read(tmp_path / "wmagentJob.log").count("once") == 1


def test_theFileRotates(tmp_path, monkeypatch):
    monkeypatch.setattr(JobLog, "MAX_BYTES", 2000)
    JobLog.setupLogging(str(tmp_path))
    for number in range(200):
        logging.info("record %d", number)
    assert sorted(os.listdir(str(tmp_path))) == ["wmagentJob.log"] + ["wmagentJob.log.%d" % n for n in (1, 2, 3)]


def test_charactersOutsideAsciiAndSurrogatesAreKept(tmp_path):
    JobLog.setupLogging(str(tmp_path))
    logging.info(u"caf\u00e9 \udcff")
    assert u"caf\u00e9 \\udcff" in read(tmp_path / "wmagentJob.log")


def test_standardOutputIsUsedInsteadOfTheFile(tmp_path, monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    JobLog.setupLogging(str(tmp_path), useStdout=True)
    logging.info(u"caf\u00e9")
    stream.flush()
    assert raw.getvalue().strip().endswith(b":INFO:JobLog_t:caf\\xe9")
    assert os.listdir(str(tmp_path)) == []


def test_aLogThatCannotBeOpenedLeavesStandardError(tmp_path, capsys):
    JobLog.setupLogging(str(tmp_path / "no" / "such" / "directory"))
    logging.info("still here")
    text = capsys.readouterr().err
    assert "Cannot write the job's log" in text and "still here" in text


def test_aFullDiskIsReportedOnceAndRaisesNothing(tmp_path, capsys):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    handler = JobLog.JobLogHandler("/dev/full")
    JobLog.addHandler(logging.getLogger(), handler)
    for _ in range(3):
        logging.error("x")
    assert capsys.readouterr().err.count("Logging error") == 1
    # What the buffer still holds cannot be written either.
    with pytest.raises(OSError):
        handler.stream.close()
    handler.stream = None


def test_aRecordWithWrongArgumentsRaisesNothing(tmp_path):
    # pytest's own handlers do raise.
    logging.getLogger().handlers[:] = []
    JobLog.setupLogging(str(tmp_path))
    logging.info("%d", "no number")
    logging.info("after")
    assert "after" in read(tmp_path / "wmagentJob.log")
