"""
Run a plan in one python of the release, inside the SCRAM session of the step.

What runs there is the program in `inside/`. It is laid into the step's directory beside the plan, so that

    cd <step>; eval `scramv1 runtime -sh`; python3 psetDriver psetPlan.json psetCalls.json psetTools.log python3

repeats it by hand.
"""
import json
import logging
import os
import pkgutil
import time

from WMCore.WMRuntime.Environment.EnvDiff import isVariableName
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.PSetSetup.PSetCalls import PSetCalls
from WMCore.WMRuntime.PSetSetup.PSetSetupError import PSetSetupError
from WMCore.WMRuntime.Release.Release import Release

PLAN, RECORD, LOG, PROGRAM = "psetPlan.json", "psetCalls.json", "psetTools.log", "psetDriver"
MODULES = ("__init__.py", "__main__.py", "Program.py", "HeldProcess.py", "Surroundings.py", "ToolFile.py")
# Seconds. All tools of a step, from a cold CVMFS; the script that waits for this has a limit of its own above it.
DRIVER_SECONDS = 6000.0
WRONG_PYTHON = "wrongPython"


class PSetDriver(object):
    """
    Run plans for one step.

    :param scram: Scram, whose project() and runtime() succeeded
    :param directory: str, the step's directory
    """

    def __init__(self, scram, directory):
        self.scram = scram
        self.directory = directory

    def run(self, plan, configuration=None):
        """
        Run a plan to its end.

        :param plan: PSetPlan
        :param configuration: str, path of the file the process is made from, to name its line in a failure
        :return: PSetCalls
        :raises PSetSetupError: when a call fails, or no python of the release can run them
        :raises OSError: when the step's directory cannot be written
        """
        self._lay(plan)
        pythons, ask = choosePythons(self.scram.runtimeEnv, self.scram.architecture)
        tried = []
        for python in pythons:
            begin = time.time()
            calls = self._start(python, ask and python == "python3")
            if calls is not None and calls.state != WRONG_PYTHON:
                break
            tried.append("%s: %s" % (python, self._whyNot(calls)))
        else:
            raise PSetSetupError("No python of the release can set the PSet up", "; ".join(tried), self.scram.code)
        logging.info("%s", calls.describe(time.time() - begin))
        calls.check(plan, configuration, self.scram.code)
        return calls

    def path(self, name):
        """
        Give the path of a file of the step.

        :param name: str
        :return: str
        """
        return os.path.join(self.directory, name)

    def _lay(self, plan):
        """Write the plan, its files and the program."""
        plan.write(self.path(PLAN))
        os.makedirs(self.path(PROGRAM), exist_ok=True)
        for name in MODULES:
            with open(os.path.join(self.path(PROGRAM), name), "wb") as handle:
                handle.write(pkgutil.get_data("WMCore.WMRuntime.PSetSetup.inside", name))

    def _start(self, python, ask):
        """Start one python; give PSetCalls, or None when it left no record."""
        for name in (RECORD, LOG):
            # What an earlier start left must not be taken for this one's.
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        words = [self.path(PROGRAM), self.path(PLAN), self.path(RECORD), self.path(LOG), python] + ["--ask"] * ask
        self.scram.runProgram([python, "-B"] + words, timeout=DRIVER_SECONDS)
        try:
            with open(self.path(RECORD), encoding="utf-8", errors="replace") as handle:
                return PSetCalls(json.load(handle), self.path(LOG))
        except (FileNotFoundError, ValueError) as ex:
            logging.warning("The driver in %s left no record that can be read: %s", python, ex)
            return None

    def _whyNot(self, calls):
        if calls is not None:
            return "it is not the python of the release's cmsRun"
        return "status %s: %s" % (self.scram.code, (self.scram.getStdout() or "no output").strip()[-500:])


def choosePythons(environ, architecture=None):
    """
    Name the pythons that the tools would run in.

    The tools ask python3 whether it can import cmsRun's modules, and take python when it cannot. Where the release's
    files tell, nothing is asked; where they do not, the driver asks, in the python that then does the work.

    :param environ: dict, the release's variables
    :param architecture: str, scram arch, where the variables do not name it
    :return: (list of str to be tried in this order, bool whether python3 must be asked)
    """
    known = {"SCRAM_ARCH": architecture} if architecture else {}
    known.update((name, value) for name, value in environ.items() if isVariableName(name))
    try:
        release = Release.fromEnvironment(known)
        answer = release.cmsRunPython()
    except (WMRuntimeError, OSError, ValueError) as ex:
        logging.warning("Which python cmsRun has is asked of python3, files do not tell: %s", ex)
        return ["python3", "python"], True
    if answer.sure and answer.major == 2:
        return ["python"], False
    return ["python3", "python"], not answer.sure
