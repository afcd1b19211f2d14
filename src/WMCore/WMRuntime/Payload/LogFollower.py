"""
Bring what a child writes to a file into the job's log while it writes it.
"""
import logging
import threading

from WMCore.WMRuntime.Payload.LogTail import cleanText

FOLLOW_SECONDS = 0.5
_LOG_BLOCK = 64 * 1024


class LogFollower(object):
    """
    Follow a file, as a context: whole lines as they come, the rest of it when the context ends.

    :param path: str, the file
    :param start: int, bytes of it that are older than the context
    :param seconds: float, how often it is looked at
    """

    def __init__(self, path, start=0, seconds=FOLLOW_SECONDS):
        self.path = path
        self.start = start
        self.seconds = seconds
        self._rest = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="LogFollower")
        # A job that is stopped must not wait for it.
        self._thread.daemon = True

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _follow(self):
        try:
            with open(self.path, "rb") as handle:
                handle.seek(self.start)
                while not self._ended.wait(self.seconds):
                    self._logNew(handle)
                self._logNew(handle)
            if self._rest:
                logging.info("%s", cleanText(self._rest))
        except OSError as ex:
            logging.error("%s cannot be read: %s. What is in it does not come into this log.", self.path, ex)

    def _logNew(self, handle):
        """Log the lines that are whole by now; of one without an end, what is longer than a block."""
        for block in iter(lambda: handle.read(_LOG_BLOCK), b""):
            whole, newline, self._rest = (self._rest + block).rpartition(b"\n")
            if not newline and len(self._rest) > _LOG_BLOCK:
                whole, self._rest = self._rest, b""
            if whole:
                logging.info("%s", cleanText(whole))
