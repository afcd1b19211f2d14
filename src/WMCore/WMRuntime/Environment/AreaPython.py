"""
Start a python of an area as the job wrapper does: init.sh in a bash of its own, then the interpreter.

The wrapper's words for the same are in bin/submit_py3.sh (wma_source_apart); tests keep both in step.
"""
import json
import os
import shutil

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import PYTHON_VARIABLES
from WMCore.WMRuntime.Environment.EnvCapture import runShell
from WMCore.WMRuntime.Environment.EnvDiff import quoteForBash
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

TIMEOUT = 60.0
# What the wrapper cannot do without after it has taken an environment over.
_PROGRAMS = ("timeout", "mv")
_MAX_BYTES = 64 * 1024
_SHOWN = 300
# In posix mode no function goes before these commands. The rest of the capture needs printf and exec.
_CALM = """POSIXLY_CORRECT=1
unset -f unset set trap exec printf
set +aefukC +o pipefail
trap - EXIT ERR DEBUG
unset POSIXLY_CORRECT
"""
# The modules are those the wrapper asks for: what Unpacker and Startup import.
_QUESTION = """import sys
if sys.version_info < (3, 6): sys.exit("python %d.%d found, 3.6 or later needed" % sys.version_info[:2])
import bz2, encodings.utf_8, getopt, hashlib, logging, pickle, subprocess, tarfile, zipfile
import json
print("\\n" + json.dumps({"version": list(sys.version_info[:3]), "path": sys.path}))
"""
_FUTURE = """import os, sys
top, name = os.path.realpath(sys.argv[1]) + os.sep, "python%d.%d" % sys.version_info[:2]
added = [os.path.realpath(entry) for entry in sys.path if os.path.realpath(entry).startswith(top)]
if not any(name in entry.split(os.sep) for entry in added):
    sys.exit("it has nothing for %s: %s" % (name, added or "no entry of PYTHONPATH"))
import future.standard_library, future.utils, past.builtins
"""


@attr.s(frozen=True)
class PythonStart(object):
    """
    Hold how a python of an area started.

    :param problem: str, what kind of failure it was (initMissing, initHangs, initEndsShell, pathRuined,
        pythonDoesNotStart); empty for none
    :param message: str, the failure in words
    :param version: tuple of three int
    :param path: tuple of str, its sys.path
    :param environ: dict, the environment it runs in
    :param printed: str, what init.sh printed
    :param functions: tuple of str, the bash functions init.sh exported
    :param home: str, the PYTHONHOME init.sh set, which was dropped
    """
    problem = attr.ib(default="")
    message = attr.ib(default="")
    version = attr.ib(default=(), converter=tuple)
    path = attr.ib(default=(), converter=tuple)
    environ = attr.ib(factory=dict, repr=False)
    printed = attr.ib(default="")
    functions = attr.ib(default=(), converter=tuple)
    home = attr.ib(default="")

    @property
    def ok(self):
        """Tell whether it runs."""
        return not self.problem


def _shown(text):
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else "...%s" % words[-_SHOWN:]


def sourceFiles(paths, environ, timeout=TIMEOUT):
    """
    Source bash files one after the other and capture what comes of the environment.

    :param paths: sequence of str
    :param environ: dict, the environment to start from
    :param timeout: float seconds
    :return: PythonStart without a version: its environ, or its problem
    """
    # 32768 KiB: what prints without end must not fill the disk.
    stages = [("limit", "ulimit -S -f 32768")]
    stages.extend((path, ". %s || :\n%s" % (quoteForBash(path), _CALM)) for path in paths)
    run = runShell(stages, environ, cwd="/", timeout=timeout, capture=True, mergeStderr=True, maxBytes=_MAX_BYTES,
                   stopGrace=1.0)
    said = _shown(run.stdout)
    if run.exit.timedOut:
        return PythonStart("initHangs", "%s was not done after %g s" % (run.stage, timeout), printed=said)
    if run.environ is None:
        return PythonStart("initEndsShell", "%s: bash ended with status %s before it was done; it said: %s" % (
            run.stage, run.exit.shellCode, said or "nothing"), printed=said)
    lost = [name for name in _PROGRAMS if not shutil.which(name, path=run.environ.get("PATH", ""))]
    if lost:
        return PythonStart("pathRuined", "the PATH after %s is %r, which has no %s" % (
            run.stage if len(paths) != 1 else paths[0], run.environ.get("PATH", ""), " and no ".join(lost)), printed=said)
    functions = sorted(name[len("BASH_FUNC_"):].rstrip("%()") for name in run.environ if name.startswith("BASH_FUNC_"))
    left = {name: value for name, value in run.environ.items()
            if name not in PYTHON_VARIABLES and not name.startswith("BASH_FUNC_")}
    return PythonStart(environ=left, printed=said, functions=functions, home=run.environ.get("PYTHONHOME", ""))


def _ask(python, code, arguments, environ, timeout):
    """Run a program in an interpreter: (str output, str why it failed)."""
    try:
        child, out, err = runCaptured([python, "-c", code] + arguments, env=environ, cwd="/", timeout=timeout, stopGrace=1.0,
                                      maxBytes=_MAX_BYTES)
    except (OSError, ValueError) as ex:
        return "", "%s cannot be started: %s" % (python, getattr(ex, "strerror", None) or ex)
    if child.timedOut:
        return "", "%s did not answer within %g s" % (python, timeout)
    if not child.ok:
        return "", "%s ended with status %s: %s" % (python, child.shellCode, _shown(err) or _shown(out) or "no word")
    return out, ""


def startPython(version, environ, timeout=TIMEOUT):
    """
    Start a python in the environment of its init.sh.

    :param version: AreaVersion
    :param environ: dict, the environment to start from
    :param timeout: float seconds, for init.sh and for the interpreter each
    :return: PythonStart
    """
    if not os.path.isfile(version.init) or not os.access(version.init, os.R_OK):
        return PythonStart("initMissing", "%s: it is not there, or may not be read" % version.init)
    sourced = sourceFiles([version.init], environ, timeout)
    if not sourced.ok:
        return sourced
    out, why = _ask(version.python, _QUESTION, [], sourced.environ, timeout)
    if why:
        return attr.evolve(sourced, problem="pythonDoesNotStart", message=why)
    try:
        answer = json.loads(out.strip().splitlines()[-1])
        return attr.evolve(sourced, version=[int(part) for part in answer["version"]], path=map(str, answer["path"]))
    except (ValueError, KeyError, IndexError, TypeError):
        return attr.evolve(sourced, problem="pythonDoesNotStart",
                           message="%s gave no answer: %s" % (version.python, _shown(out) or "nothing"))


def startFuture(start, version, future, environ, timeout=TIMEOUT):
    """
    Put py3-future on top of a python, when that python can use it (#11401).

    :param start: PythonStart of the python
    :param version: AreaVersion of the python
    :param future: AreaVersion of py3-future
    :param environ: dict, the environment to start from
    :param timeout: float seconds
    :return: (PythonStart with it, or without it as before; str why it is left out, empty when it is not)
    """
    sourced = sourceFiles([version.init, future.init], environ, timeout)
    why = sourced.message or _ask(version.python, _FUTURE, [future.directory], sourced.environ, timeout)[1]
    if why:
        return start, why
    added = [entry for entry in sourced.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and entry not in start.path]
    return attr.evolve(start, environ=sourced.environ, path=added + list(start.path)), ""
