"""
The job's log: wmagentJob.log in the job's start directory, and the standard streams.

Records must never end a job nor get lost for want of a locale: python 3.6 in the C locale of RHEL6 would
write ASCII only.
"""
import logging
import os
import sys
import threading
from logging.handlers import RotatingFileHandler

RECORD_FORMAT = "%(asctime)s:%(levelname)s:%(module)s:%(message)s"
LOG_NAME = "wmagentJob.log"
MAX_BYTES = 1000000000
BACKUPS = 3


class JobLogHandler(RotatingFileHandler):
    """
    Append records to a file as utf-8, whatever the locale, and rotate it at 1 GB.

    :param path: str, the log file
    """

    def __init__(self, path):
        self.failed = False
        RotatingFileHandler.__init__(self, path, "a", MAX_BYTES, BACKUPS)

    def _open(self):
        # RotatingFileHandler takes `errors` from python 3.9 on only.
        return open(self.baseFilename, self.mode, encoding="utf-8", errors="backslashreplace")

    def handleError(self, record):
        """
        Report the first record that could not be written, on standard error; a full disk fails them all.

        :param record: LogRecord
        """
        if not self.failed:
            self.failed = True
            RotatingFileHandler.handleError(self, record)


class StreamRecordHandler(logging.StreamHandler):
    """Write records to a standard stream, escaping the characters it cannot take."""

    def format(self, record):
        """
        Format a record for the stream's encoding.

        :param record: LogRecord
        :return: str
        """
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        text = logging.StreamHandler.format(self, record)
        return text.encode(encoding, "backslashreplace").decode(encoding)


def addHandler(logger, handler):
    """
    Add a handler in the job's record format, unless the logger has one for the same target.

    :param logger: Logger
    :param handler: JobLogHandler or StreamHandler
    """
    for other in logger.handlers:
        sameFile = getattr(other, "baseFilename", None)
        sameFile = sameFile is not None and sameFile == getattr(handler, "baseFilename", None)
        # A file handler has a stream as well, its own.
        stream = getattr(handler, "stream", None)
        if sameFile or (stream is not None and getattr(other, "stream", None) is stream):
            handler.close()
            return
    handler.setFormatter(logging.Formatter(RECORD_FORMAT))
    logger.addHandler(handler)


def setupStream(stream):
    """
    Send the records of the process to a standard stream.

    :param stream: file object, sys.stdout or sys.stderr
    """
    logger = logging.getLogger()
    addHandler(logger, StreamRecordHandler(stream))
    logger.setLevel(logging.INFO)


def setupLogging(logDir, logName=LOG_NAME, useStdout=False):
    """
    Send the records of the process to the job's log file or, for scripts, to standard output.

    A log that cannot be opened does not end the job: the records go to standard error, with the reason.

    :param logDir: str, directory of the log file
    :param logName: str, its name there
    :param useStdout: bool, write to standard output instead of the file
    """
    # WMCore's database and service classes look for the logger on the thread.
    threading.current_thread().logger = logging.getLogger()
    if useStdout:
        setupStream(sys.stdout)
        return
    path = os.path.join(logDir, logName)
    try:
        handler = JobLogHandler(path)
    except (OSError, ValueError) as ex:
        setupStream(sys.stderr)
        logging.error("Cannot write the job's log to %s: %s. The records go to standard error only.", path, ex)
        return
    addHandler(logging.getLogger(), handler)
    logging.getLogger().setLevel(logging.INFO)
