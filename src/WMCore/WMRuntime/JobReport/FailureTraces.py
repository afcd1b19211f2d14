"""
Find what a failure leaves in the bytes of a job report, even where damage keeps it from being read.

A failed job must never look like a success because its report was damaged: when no element tells of an error,
these words decide. No report of a successful job has them.
"""
import re

# The names of the error element and its attribute, cmsRun's placeholder, and what it writes when a signal stopped
# it in an orderly way (JobReport.cc of CMSSW).
STATUS = "ExitStatus"
TERMINATION = "UnexpectedJobTermination"
SHUTDOWN = "ShutdownSignal"
WORDS = tuple(word.encode("ascii") for word in ("FrameworkError", STATUS, TERMINATION, SHUTDOWN))
# At most so many places are remembered: errors are few, a hostile file is not.
MAX_PLACES = 64
BLOCK_BYTES = 65536

_OVERLAP = max(len(word) for word in WORDS) - 1
_CODE = re.compile(br"ExitStatus\s*=\s*[\"']?([0-9]{1,6})(?![0-9])")
_CODE_BYTES = 64


class FailureTraces(object):
    """
    Pass the bytes of a report on and remember where the words of a failure are.

    :param stream: binary file; read once from its start, and again by exitCodes
    """

    def __init__(self, stream):
        self._stream = stream
        self._tail = b""
        self._offset = 0
        self.places = []

    def read(self, size=-1):
        """
        Read on.

        :param size: int, as read of a file takes it
        :return: bytes
        """
        block = self._stream.read(size)
        seen = self._tail + block
        for word in WORDS:
            if word in seen:
                self._remember(word, seen)
        self._offset += len(block)
        self._tail = seen[-_OVERLAP:]
        return block

    def drain(self, maxBytes):
        """
        Read to the end, to see what an early end of the parsing left unread.

        :param maxBytes: int, the offset at which to stop: a file may grow for ever while it is read
        """
        while self._offset < maxBytes and self.read(BLOCK_BYTES):
            pass

    def _remember(self, word, seen):
        """Note the places of a word that end in the block just read."""
        first = self._offset - len(self._tail)
        start = max(0, len(self._tail) - len(word) + 1)
        found = seen.find(word, start)
        while found >= 0 and len(self.places) < MAX_PLACES:
            self.places.append((first + found, word.decode("ascii")))
            found = seen.find(word, found + 1)

    def exitCodes(self):
        """
        Read the codes beside the places of ExitStatus.

        :return: list of (int, int), byte offset and code, in the order of the file
        """
        codes = []
        for offset, word in sorted(self.places):
            if word == STATUS:
                self._stream.seek(offset)
                match = _CODE.match(self._stream.read(_CODE_BYTES))
                if match:
                    codes.append((offset, int(match.group(1))))
        return codes
