"""
Run a step's runtime script in a process of its own.

ScriptInvoke keeps the scripts' modules and failures out of the job's process; they run in the
wrapper's python and environment.
"""
import logging
import os
import re
import sys

import attr

from WMCore.WMRuntime.Payload.LogFollower import LogFollower
from WMCore.WMRuntime.Payload.LogTail import tailBytes
from WMCore.WMRuntime.Tools.ChildProcess import runChild

INVOKER = "WMCore.WMRuntime.ScriptInvoke"
# SetupCMSSWPset runs a release's tools from CVMFS; hours mean that CVMFS does not answer.
SCRIPT_SECONDS = 2 * 3600


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


def scriptSeconds(runtime):
    """
    Say how long a step's script may take.

    :param runtime: ConfigSection, the step's; its scriptTimeout, in seconds, goes before SCRIPT_SECONDS
    :return: float seconds
    """
    asked = getattr(runtime, "scriptTimeout", None)
    if asked is None:
        return SCRIPT_SECONDS
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not asked > 0:
        logging.warning("The step's runtime.scriptTimeout is %r, seconds above 0 were expected; scripts get %d",
                        asked, SCRIPT_SECONDS)
        return SCRIPT_SECONDS
    return asked


def scriptLog(stepModule, script):
    """
    Name the file that takes what a script prints.

    :param stepModule: str, `WMTaskSpace.<step>`
    :param script: str, its name
    :return: str, name in the step's directory
    """
    return "%s-%s.log" % (stepModule.rpartition(".")[2], re.sub(r"[^\w.-]", "_", script))


def runStepScript(stepModule, script, directory, timeout=SCRIPT_SECONDS, command=None):
    """
    Run a runtime script to its end.

    All it prints goes, while it runs and also when it is stopped, to a file in the step's directory (see scriptLog)
    and to the job's log.

    :param stepModule: str, `WMTaskSpace.<step>`
    :param script: str, its name
    :param directory: str, the step's directory, where it runs
    :param timeout: float seconds
    :param command: list of str to run instead of ScriptInvoke
    :return: ScriptRun
    :raises OSError: when it cannot be started, or its log cannot be written
    """
    args = command or scriptCommand(stepModule, script)
    path = os.path.join(directory, scriptLog(stepModule, script))
    logging.info("Invoking: %s", " ".join(args))
    with open(path, "ab") as output:
        start = output.tell()
        with LogFollower(path, start):
            child = runChild(args, cwd=directory, stdout=output, stderr=output, timeout=timeout)
    return ScriptRun(args, child, tailBytes(path, start))
