"""
Run one runtime script in its step's directory: `python -m WMCore.WMRuntime.ScriptInvoke <WMTaskSpace.step> <Script>`.
"""
import importlib
import logging
import os
import sys
import traceback

from WMCore.WMRuntime import Bootstrap, JobDefinition
from WMCore.WMRuntime.Errors import processStatus
from WMCore.WMRuntime.ScriptFactory import getScript

USAGE = "Usage: ScriptInvoke.py <Step Module> <Script Module>"


class ScriptInvoke(object):
    """
    Give a runtime script what it needs and run it.

    :param stepModule: str, the step's module, WMTaskSpace.<step>
    :param scriptModule: str, the script's name in WMCore.WMRuntime.Scripts
    """

    def __init__(self, stepModule, scriptModule):
        self.stepModule = stepModule
        self.module = scriptModule
        self.exitCode = 0
        self.stepSpace = None
        self.script = None
        self.step = None
        self.task = None
        self.job = None
        currentDir = os.getcwd()
        Bootstrap.setupLogging(currentDir, useStdout=True)
        logging.info("Invoking scripts in current directory: %s", currentDir)

    def boot(self):
        """Load the job, its task and the step's space, and make the script."""
        # Not through Bootstrap, whose error reports are for the job's start directory, not for a step's.
        index, self.job = JobDefinition.readJob()
        logging.info("Job Index = %s\nJob Instance = %s\n", index, self.job)
        self.task = JobDefinition.findTask(JobDefinition.readWorkload(), self.job)
        self.stepSpace = importlib.import_module(self.stepModule).stepSpace
        self.step = self.task.getStep(self.stepSpace.stepName)
        if self.step is None:
            raise RuntimeError("Task %s has no step %s; it has %s" % (
                self.task.getPathName(), self.stepSpace.stepName, self.task.listAllStepNames()))
        adoptSessionArchitecture(self.step, self.stepSpace.location)
        self.script = getScript(self.module)
        self.script.task = self.task
        self.script.step = self.step
        self.script.job = self.job
        self.script.stepSpace = self.stepSpace

    def invoke(self):
        """Run the script."""
        self.exitCode = checkedExitCode(self.script(), self.module)

    def exit(self):
        """
        Give the script's exit code.

        :return: int
        """
        return self.exitCode


def checkedExitCode(value, scriptName):
    """
    Make an exit code of what a script returned.

    :param value: int, or None for success
    :param scriptName: str, for the message
    :return: int
    :raises TypeError: when it is anything else
    """
    if value is None:
        return 0
    if not isinstance(value, int):
        raise TypeError("script %s returned %r, an exit code was expected" % (scriptName, value))
    return int(value)


def adoptSessionArchitecture(step, directory):
    """
    Let a script see the one architecture the step's SCRAM session was made for.

    The step's executor chooses from the step's list by the node it runs on; a script that takes the list's
    first entry would set up another architecture, and a second time.

    :param step: WMStepHelper, changed in memory only
    :param directory: str, the step's directory
    """
    from WMCore.WMRuntime.Tools.ScramSession import readSession
    try:
        request = readSession(directory).request
    except FileNotFoundError:
        return
    except (OSError, ValueError) as ex:
        logging.warning("The SCRAM session of %s is not used: %s", directory, ex)
        return
    setup = getattr(step.data.application, "setup", None)
    if setup is None or not isinstance(request.architecture, str):
        return
    if request.release != getattr(setup, "cmsswVersion", None):
        logging.warning("The SCRAM session of %s is for %s, the step runs %s: its architecture is not used",
                        directory, request.release, getattr(setup, "cmsswVersion", None))
        return
    setup.scramArch = [request.architecture]


def main(arguments):
    """
    Run the script named on the command line.

    :param arguments: list of str, step module and script name
    :return: int, the script's exit code as a process status; 1 when it could not run or raised
    """
    if len(arguments) < 2:
        print(USAGE, file=sys.stderr)
        return 1
    stepModule, scriptModule = arguments[:2]
    action = "booting script invoker"
    try:
        invoker = ScriptInvoke(stepModule, scriptModule)
        invoker.boot()
        action = "invoking script"
        invoker.invoke()
        return processStatus(invoker.exit())
    except Exception as ex:
        message = "Error %s for step %s\nwith Script module: %s\n%s: %s\nDetails:\n%s" % (
            action, stepModule, scriptModule, type(ex).__name__, ex, traceback.format_exc())
        sys.stderr.write(message.encode("ascii", "backslashreplace").decode("ascii"))
        sys.stderr.flush()
        return 1


def _asTheyHappen(stream):
    """Give a standard stream again that writes each line at once; a file's waits for 8 kB otherwise."""
    return open(stream.fileno(), "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False)


if __name__ == "__main__":
    sys.stdout = _asTheyHappen(sys.stdout)
    sys.exit(main(sys.argv[1:]))
