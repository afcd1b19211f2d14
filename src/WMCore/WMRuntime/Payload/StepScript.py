"""
Run a step's runtime script in a process of its own.

ScriptInvoke keeps the scripts' modules and failures out of the job's process; they run in the
wrapper's python and environment.
"""
import logging
import os
import sys
import tempfile

import attr

from WMCore.WMRuntime.Payload.LogTail import cleanText
from WMCore.WMRuntime.Tools.ChildProcess import runChild

INVOKER = "WMCore.WMRuntime.ScriptInvoke"
# SetupCMSSWPset runs some sixteen release tools from CVMFS; hours mean that CVMFS does not answer.
SCRIPT_SECONDS = 2 * 3600
_LOG_BLOCK = 64 * 1024
_KEPT_BYTES = 128 * 1024


@attr.s(frozen=True)
class ScriptRun(object):
    """
    Hold how a script ended.

    :param args: list of str, the command
    :param child: ChildExit
    :param output: str, the end of what it printed
    """
    args = attr.ib()
    child = attr.ib()
    output = attr.ib(default="")

    @property
    def failure(self):
        """Say how it failed, or give None; a signal is a failure like any other status but 0."""
        if self.child.timedOut:
            return "stopped after its time limit of %d seconds" % (self.child.endTime - self.child.startTime)
        if self.child.signal is not None:
            return "ended by signal %d" % self.child.signal
        return "status %d" % self.child.returnCode if self.child.returnCode else None


def scriptCommand(stepModule, script):
    """
    Give the command that runs a runtime script.

    :param stepModule: str, `WMTaskSpace.<step>`
    :param script: str, its name
    :return: list of str
    """
    return [sys.executable, "-m", INVOKER, stepModule, script]


def _logWhole(handle, args):
    """Write the whole output to the log, in blocks, and give its end."""
    size = handle.seek(0, os.SEEK_END)
    handle.seek(0)
    logging.info("Output of %s, %d bytes:", " ".join(args), size)
    rest = b""
    for block in iter(lambda: handle.read(_LOG_BLOCK), b""):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if not newline and len(rest) > _LOG_BLOCK:
            whole, rest = rest, b""
        if whole:
            logging.info("%s", cleanText(whole))
    if rest:
        logging.info("%s", cleanText(rest))
    handle.seek(max(0, size - _KEPT_BYTES))
    return cleanText(handle.read())


def runStepScript(stepModule, script, directory, timeout=SCRIPT_SECONDS, command=None):
    """
    Run a runtime script to its end; all it prints goes to the log, also when it is stopped.

    :param stepModule: str, `WMTaskSpace.<step>`
    :param script: str, its name
    :param directory: str, the step's directory, where it runs
    :param timeout: float seconds
    :param command: list of str to run instead of ScriptInvoke
    :return: ScriptRun
    :raises OSError: when it cannot be started
    """
    args = command or scriptCommand(stepModule, script)
    logging.info("Invoking: %s", " ".join(args))
    with tempfile.TemporaryFile() as output:
        try:
            child = runChild(args, cwd=directory, stdout=output, stderr=output, timeout=timeout)
        finally:
            text = _logWhole(output, args)
        return ScriptRun(args, child, text)
