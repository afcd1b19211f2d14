"""
Start a candidate interpreter and let it say what it is.

A file name proves nothing: links dangle, shims lead elsewhere, sites print banners, file systems hang.
"""
import binascii
import hashlib
import json
import os
import pkgutil

import attr

from WMCore.WMRuntime.Interpreter.ProbeCache import ProbeCache
from WMCore.WMRuntime.Interpreter.ProbeVerdict import ProbeAnswerError, ProbeVerdict, readAnswer
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# Seconds. A cold CVMFS takes its time: the wrapper waits as long for its own python.
TIMEOUT = 60.0
TRIES = 2
_STOP_GRACE = 1.0
_SHOWN = 300
_STEERING = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LC_ALL", "LANG", "HOME")


def probeSource():
    """
    Read the text of ProbeScript, from a directory or from a zip.

    :return: str
    """
    return pkgutil.get_data(__package__, "ProbeScript.py").decode("ascii")


def whyNotStarted(path):
    """
    Tell what keeps a program from being started, as far as its file tells.

    :param path: str
    :return: str, None when nothing does
    """
    try:
        if not path or not os.path.isabs(path):
            return "%r is no absolute path" % path
        if not os.path.exists(path):
            if os.path.islink(path):
                return "the link leads to %s, which is not there" % os.path.realpath(path)
            return "there is no such file"
        if not os.path.isfile(path):
            return "it is no file"
        if not os.access(path, os.X_OK):
            return "it may not be executed"
    except (OSError, ValueError) as ex:
        return "its path cannot be used: %s" % ex
    return None


def _shown(text):
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else "...%s" % words[-_SHOWN:]


class ProbeRunner(object):
    """
    Probe interpreters, each at most once for as long as it is unchanged.

    :param timeout: float seconds for one try
    :param tries: int, for what may be gone at the next one: a timeout, an answer that is not there
    :param cache: ProbeCache; None for one in memory
    """

    def __init__(self, timeout=TIMEOUT, tries=TRIES, cache=None):
        self.timeout = timeout
        self.tries = tries
        self.cache = ProbeCache() if cache is None else cache
        self._source = None
        self._failed = {}

    def probe(self, path, environ, modules=()):
        """
        Ask an interpreter for its version and for modules it must be able to import.

        :param path: str
        :param environ: dict, the whole environment it is to run in
        :param modules: names of modules
        :return: ProbeVerdict; nothing raises
        """
        problem = whyNotStarted(path)
        if problem:
            return ProbeVerdict(path, problem=problem)
        try:
            key = self._key(environ, modules)
        except ValueError as ex:
            return ProbeVerdict(path, problem="no process can have its environment: %s" % ex)
        known = self._failed.get((path, key)) or self.cache.find(path, key)
        return known or self._ask(path, environ, modules, key)

    def _key(self, environ, modules):
        if self._source is None:
            self._source = probeSource()
        steering = sorted("%s=%s" % pair for pair in environ.items()
                          if pair[0] in _STEERING or pair[0].startswith("PYTHON"))
        text = "\0".join([self._source] + steering + list(modules))
        return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]

    def _ask(self, path, environ, modules, key):
        for number in range(1, self.tries + 1):
            verdict, facts = self._try(path, environ, modules)
            if verdict.definite:
                break
        verdict = attr.evolve(verdict, started=number)
        if facts is None:
            # Not in the file: whatever is wrong may be mended, or be this process's own environment.
            self._failed[(path, key)] = attr.evolve(verdict, started=0)
        else:
            self.cache.keep(path, key, facts)
        return verdict

    def _try(self, path, environ, modules):
        start, end = [binascii.hexlify(os.urandom(16)).decode("ascii") for _ in range(2)]
        try:
            # "/": neither modules nor a pyvenv.cfg of the caller's directory may colour the answer.
            child, out, err = runCaptured([path, "-c", self._source, start, end] + list(modules), env=environ,
                                          cwd="/", timeout=self.timeout, stopGrace=_STOP_GRACE)
        except (OSError, ValueError) as ex:
            return ProbeVerdict(path, problem="it cannot be started: %s" % ex), None
        if child.timedOut:
            return _failure(path, "it did not answer within %g s" % self.timeout, False), None
        return _read(path, child, out, err, start[::-1], end[::-1])


def _failure(path, problem, definite=True):
    return ProbeVerdict(path, problem=problem, definite=definite)


def _read(path, child, out, err, start, end):
    head, found, rest = out.partition(start)
    answer, ended, _ = rest.partition(end)
    if not found or not ended:
        said = _shown(err) or _shown(head) or "nothing"
        return _failure(path, "it is no python that runs: status %s, it said: %s" % (child.shellCode, said), False), None
    if not child.ok:
        # Its exit codes would not be those of what it runs.
        return _failure(path, "it answered, then ended with status %s: %s" % (child.shellCode, _shown(err))), None
    try:
        facts = json.loads(answer)
        return readAnswer(path, facts), facts
    except (ProbeAnswerError, ValueError, RecursionError) as ex:
        return _failure(path, "its answer cannot be read: %s" % ex), None
