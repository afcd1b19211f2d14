"""
Verdicts of probes, kept in memory and, for the other processes of a job, in a file.

A verdict holds as long as the file that was started and the interpreter behind it have the modification
time and the size they had: behind a shim that is two files.
"""
import json
import logging
import os
import tempfile

from WMCore.WMRuntime.Interpreter.ProbeVerdict import ProbeAnswerError, readAnswer

FORMAT = 1
MAX_BYTES = 1024 * 1024
MAX_ENTRIES = 64


def fileStamp(path):
    """
    Take what tells whether a program was changed.

    :param path: str
    :return: list of str path with links resolved, int nanoseconds of modification, int bytes; None when it is
        not there
    """
    try:
        status = os.stat(path)
        return [os.path.realpath(path), status.st_mtime_ns, status.st_size]
    except (OSError, ValueError):
        return None


class ProbeCache(object):
    """
    Keep verdicts by program, and by what it was started with.

    A file that cannot be read or written costs another probe, never the answer.

    :param path: str, the file; None keeps them in memory only
    """

    def __init__(self, path=None):
        self.path = path
        self._entries = None

    def find(self, program, key):
        """
        Look for a verdict that still holds.

        :param program: str
        :param key: str, what the probe was started with
        :return: ProbeVerdict, None when there is none
        """
        entry = self._load().get("%s %s" % (key, program))
        if not isinstance(entry, dict):
            return None
        try:
            verdict = readAnswer(program, entry.get("facts"), started=0)
        except ProbeAnswerError as ex:
            logging.warning("%s holds a verdict on %s that is not used: %s", self.path, program, ex)
            return None
        stamps = fileStamp(program), fileStamp(verdict.executable or program)
        holds = stamps[0] is not None and stamps == (entry.get("stamp"), entry.get("behind"))
        return verdict if holds else None

    def keep(self, program, key, facts):
        """
        Keep what an interpreter said.

        :param program: str
        :param key: str, what the probe was started with
        :param facts: dict, its answer
        """
        stamp = fileStamp(program)
        if stamp is None:
            return
        entries = self._load()
        entries["%s %s" % (key, program)] = {"stamp": stamp, "behind": fileStamp(facts.get("executable") or program),
                                             "facts": facts}
        for oldest in list(entries)[:-MAX_ENTRIES]:
            del entries[oldest]
        if self.path:
            self._store(entries)

    def _load(self):
        if self._entries is None:
            self._entries = self._read() if self.path else {}
        return self._entries

    def _read(self):
        try:
            with open(self.path, "rb") as handle:
                data = handle.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise ValueError("it has more than %d bytes" % MAX_BYTES)
            content = json.loads(data.decode("utf-8"))
            if not isinstance(content, dict) or content.get("format") != FORMAT \
                    or not isinstance(content.get("entries"), dict):
                raise ValueError("expected format %d with entries" % FORMAT)
            return content["entries"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as ex:
            logging.warning("The verdicts on interpreters in %s are not used: %s", self.path, ex)
            return {}

    def _store(self, entries):
        temporary = None
        try:
            with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=os.path.dirname(self.path) or ".",
                                             prefix=".probes-", delete=False) as handle:
                temporary = handle.name
                json.dump({"format": FORMAT, "entries": entries}, handle)
            os.rename(temporary, self.path)
        except (OSError, ValueError) as ex:
            logging.warning("The verdicts on interpreters cannot be kept in %s: %s", self.path, ex)
            if temporary is not None and os.path.lexists(temporary):
                os.remove(temporary)
