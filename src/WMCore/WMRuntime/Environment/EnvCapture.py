"""
Run bash text in a built environment, and capture the environment it leaves behind.

An environment is never parsed from a program's text: bash evaluates it, `env -0` dumps what came of
it, separated by NUL bytes, so values with newlines, quotes or `;` arrive as they are.
"""
import os
import shutil
import tempfile

import attr

from WMCore.WMRuntime.Environment.EnvDiff import quoteForBash
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

BASH = "/bin/bash"


@attr.s(frozen=True)
class ShellRun(object):
    """
    Hold what became of a run of bash.

    :param exit: ChildExit of bash
    :param stage: str, name of the last stage that was begun
    :param stdout: str
    :param stderr: str, empty when the streams were merged
    :param environ: dict left behind by the last stage, or None when it was not asked for or not reached
    """
    exit = attr.ib()
    stage = attr.ib(type=str)
    stdout = attr.ib(type=str)
    stderr = attr.ib(type=str)
    environ = attr.ib(default=None)


def parseEnvironment(data):
    """
    Read a dump of NUL-ended NAME=value entries.

    :param data: bytes
    :return: dict of str, decoded as os.environ is
    """
    environ = {}
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name:
            environ[os.fsdecode(name)] = os.fsdecode(value)
    return environ


def _dumpCommand(path):
    # By absolute path: the PATH that the stages leave behind may lead nowhere. exec, for one process less.
    env = shutil.which("env", path="/usr/bin:/bin") or "env"
    return "exec %s -0 >%s\n" % (env, quoteForBash(path))


def _scriptText(stages, scratch, capture):
    mark = quoteForBash(os.path.join(scratch, "stage"))
    parts = []
    for name, text in stages:
        parts.append("printf '%%s' %s >%s\n%s\n" % (quoteForBash(name), mark, text))
    if capture:
        parts.append("printf '%%s' capture >%s\n" % mark)
        parts.append(_dumpCommand(os.path.join(scratch, "environ")))
    return "".join(parts)


def _readBytes(path):
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return b""


def runShell(stages, environ, cwd=None, timeout=None, capture=False, **options):
    """
    Run stages of bash text in one bash, which reads no profile and has no standard input.

    A stage ends the run by `exit`; its name tells afterwards how far the run came. The status of the
    run is that of the last command.

    :param stages: list of (str name, str bash text)
    :param environ: dict, the whole environment of the run
    :param cwd: str, directory to start in
    :param timeout: float seconds, None for no limit
    :param capture: bool, whether to dump the environment after the last stage; no EXIT trap runs then
    :param options: more for runCaptured (mergeStderr, maxBytes, stopGrace)
    :return: ShellRun
    :raises OSError: when bash cannot be started, or no temporary file can be written
    """
    environ = {name: value for name, value in environ.items() if name not in ("BASH_ENV", "ENV")}
    scratch = tempfile.mkdtemp(prefix="wmruntime-")
    try:
        script = os.path.join(scratch, "script")
        with open(script, "wb") as handle:
            handle.write(os.fsencode(_scriptText(stages, scratch, capture)))
        ended, out, err = runCaptured([BASH, "--noprofile", "--norc", script], env=environ, cwd=cwd,
                                      timeout=timeout, **options)
        stage = _readBytes(os.path.join(scratch, "stage")).decode("utf-8", "replace")
        left = parseEnvironment(_readBytes(os.path.join(scratch, "environ"))) if capture and ended.ok else None
        return ShellRun(ended, stage, out, err, left or None)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
