"""
Run commands in the environment of a CMSSW release.

    scram = Scram(version="CMSSW_13_0_3", architecture="el8_amd64_gcc11", directory=stepDirectory,
                  initialise=". /cvmfs/cms.cern.ch/cmsset_default.sh")
    if scram.project() or scram.runtime():
        logging.error(scram.diagnostic())
    else:
        status = scram("edmFileUtil file.root")

scram runs once for the project area and once for its environment. Both are stored in the directory, in
scramSession.json and .sh, and a later object with the same request there starts no scram at all. One that is told
where the job's other steps are (`shareWithin`) takes over the session of another step; see SharedSession.
"""
import logging
import os
import random
import shlex
import time

from WMCore.WMRuntime.Environment.CleanEnvironment import commandEnvironment, scramEnvironment, withoutSecrets
from WMCore.WMRuntime.Release.ReleaseVersion import isCMSSWSupported, isEnforceGUIDInFileNameSupported
from WMCore.WMRuntime.Tools.AreaSetUp import PROJECT_FAILED, AreaSetUp
from WMCore.WMRuntime.Tools.ProjectArea import ProjectArea, currentDirectory
from WMCore.WMRuntime.Tools.ScramArch import (ARCH_TO_OS, ARCH_TO_SCRAM, OS_TO_ARCH, SCRAM_TO_ARCH, chooseScramArch,
                                              getPlatformMachine, getSingleScramArch)
from WMCore.WMRuntime.Tools.ScramChecks import requestProblem
from WMCore.WMRuntime.Tools.ScramOutcome import ScramOutcome
from WMCore.WMRuntime.Tools.ScramScript import INITIALISE_FAILED, ScramScript
from WMCore.WMRuntime.Tools.ScramSession import JSON_NAME, SESSION_VARIABLE, ScramRequest
from WMCore.WMRuntime.Tools.ScriptPython import inPython, isScript, resolveScriptPython, startWith
from WMCore.WMRuntime.Tools.SessionEvidence import findSession, leaveSession, takeSession
from WMCore.WMRuntime.Tools.SharedSession import takeOver

__all__ = ["Scram", "ARCH_TO_OS", "OS_TO_ARCH", "SCRAM_TO_ARCH", "ARCH_TO_SCRAM", "getPlatformMachine",
           "getSingleScramArch", "chooseScramArch", "isCMSSWSupported", "isEnforceGUIDInFileNameSupported"]

TIMED_OUT, NO_COMMAND, NO_PYTHON = 124, 126, 127
# Seconds. A command may be the payload itself (CRAB), so its limit is a job's longest life.
TIMEOUTS = {"project": 600.0, "runtime": 300.0, "command": 172800.0}
RETRY_PAUSES = (5.0, 20.0)
MAX_OUTPUT = 16 * 1024 * 1024
TEXTS = ("command", "directory", "architecture", "initialise", "envCmd")


class Scram(ScramOutcome):
    """
    A SCRAM session: make a project area, take its environment, run commands in it.

    Nothing scram, bash or the file system does raises: project(), runtime() and the call return a status,
    and diagnostic() tells the story. After project() failed runtime() returns 1 and changes nothing.

    Attributes: `projectArea` (path, None until project() succeeded), `runtimeEnv` (dict of the session's
    variables, name to value without quotes), `code`, `stdout`, `stderr`, `lastExecuted` of the last action,
    `attempts` (tuple of ScramAttempt), `sessionReused` (bool), `sessionFile` (path of scramSession.json),
    `scriptResolution` (Resolution of the last script's python, None before).

    :param command: str, the scram program, a path or a name, options allowed
    :param version: str, CMSSW_X_Y_Z
    :param initialise: str, bash text that makes scram available, run before each action
    :param directory: str, where the project area is made; the current directory by default
    :param architecture: str, scram arch; without it scram chooses
    :param envCmd: str, bash text run before a command, after initialise
    :param test: bool, start no process: say what would run, make the area's directory only
    :param timeouts: dict of seconds for `project`, `runtime`, `command`; TIMEOUTS for what is not named
    :param retryPauses: sequence of seconds to wait before each further try when CVMFS seems to fail
    :param storeSession: bool, whether to use and leave session files in the directory
    :param scriptPython: str, path or name of the python for scripts, instead of the one that is found
    :param shareWithin: str, the directory that holds the directories of the job's steps: a session of another step
        there may be used, and this one's by the others; None for neither
    :param ignored: other options, which are logged
    """

    def __init__(self, command="scramv1", version=None, initialise=None, directory=None, architecture=None,
                 envCmd=None, test=False, timeouts=None, retryPauses=RETRY_PAUSES, storeSession=True,
                 scriptPython=None, shareWithin=None, **ignored):
        if ignored:
            logging.warning("Scram does not know the options %s", ", ".join(sorted(ignored)))
        self.timeouts = dict(TIMEOUTS, **(timeouts or {}))
        ScramOutcome.__init__(self, "/bin/echo" if test else command or "scramv1", architecture, self.timeouts)
        self.version = version
        self.initialise = initialise
        self.directory = os.path.join(currentDirectory(), directory or "")
        self.envCmd = envCmd
        self.test_mode = test
        self.retryPauses = tuple(retryPauses)
        self.storeSession = storeSession and not test
        self.scriptPython = scriptPython
        self.shareWithin = os.path.join(currentDirectory(), shareWithin) if shareWithin else None
        self.scriptResolution = None
        self.projectArea, self.runtimeEnv = None, {}
        self._session, self._areaIsNew = None, False

    @property
    def sessionFile(self):
        """Give the path of the session's json file, whether it exists or not."""
        return os.path.join(self.directory, JSON_NAME)

    def preCommand(self):
        """
        Give the bash text that runs before scram and before each command.

        :return: str, which exits 2 when the initialisation fails
        """
        return self._script().preCommand()

    def _script(self):
        # What it is made of may be changed between actions.
        return ScramScript(self.command, self.architecture, self.initialise)

    def project(self):
        """
        Make the project area, or find the one of a stored session.

        An existing area is used when it is whole; a broken one is renamed and made anew, once.

        :return: int, 0; 2 when initialise failed, 3 when scram did or made an unusable area
        """
        self.lastExecuted = "%s project CMSSW %s" % (self.command, self.version)
        self.projectArea, self._session, self._areaIsNew, self.runtimeEnv = None, None, False, {}
        problem = requestProblem(self.version, {name: getattr(self, name) for name in TEXTS})
        if problem:
            return self._fail(PROJECT_FAILED, problem)
        area = ProjectArea(os.path.join(self.directory, self.version), self.architecture)
        if self.test_mode:
            self.code = self._pretendProject(area)
        elif (self._storedSession() or self._takenOver()) is not None:
            self.code = self._reuse("The area %s of the stored session is used." % area.path)
        else:
            self._areaIsNew = not os.path.lexists(area.path)
            self.code = self._finish(self._setUp(area).makeArea())
        if self.code == 0:
            self.projectArea = area.path
        return self.code

    def _pretendProject(self, area):
        self.stderr = ""
        self.stdout = "".join(text + "\n" for _name, text in self._script().project(self.version, self.directory))
        try:
            os.makedirs(area.path, exist_ok=True)
        except OSError as ex:
            return self._fail(PROJECT_FAILED, "cannot make %s: %s" % (area.path, ex))
        return 0

    def runtime(self):
        """
        Take the environment of the project area, from scram or from the stored session.

        :return: int, 0; 1 when there is no project area, 2 when initialise failed, 4 when scram did or set
            up something else than was asked for
        """
        if self.projectArea is None:
            # The failure of project() is the thing to show, not this.
            if self.code in (None, 0):
                self.stdout, self.stderr = "Scram Runtime called with Project Area not set", ""
            return 1
        self.lastExecuted = "eval `%s ru -sh`" % self.command
        if self.test_mode:
            self.runtimeEnv["TEST_MODE"] = "1"
            return self._pretend(self.lastExecuted)
        session = self._storedSession()
        if session is None:
            self.code = self._takeEnvironment()
        else:
            self._adopt(session)
            self.code = self._reuse("The environment of the stored session %s is used." % self.sessionFile)
        return self.code

    def _takeEnvironment(self):
        setUp = self._setUp(ProjectArea(self.projectArea, self.architecture))
        code = self._finish(setUp.takeEnvironment())
        if code == 0:
            # Who knows what is in an area of before, and who put it there.
            shared = self.shareWithin is not None and self._areaIsNew
            self._adopt(takeSession(self._request(), self.projectArea, setUp.environ, self._attempts.lastRun.environ,
                                    shared))
            if self.storeSession:
                leaveSession(self._session, self.directory)
        return code

    def _adopt(self, session):
        self._session = session
        self.runtimeEnv = dict(session.diff.toSet)

    def _request(self):
        return ScramRequest(self.command, self.version, self.architecture or None,
                            (self.initialise or "").strip() or None)

    def _storedSession(self):
        return findSession(self.directory, self._request(), scramEnvironment()) if self.storeSession else None

    def _takenOver(self):
        if self.shareWithin is None or not self.storeSession:
            return None
        return takeOver(self.shareWithin, self.directory, self._request(), scramEnvironment())

    def __call__(self, command, hackLdLibPath=False, runtimeDir=None, cleanEnv=True, timeout=None):
        """
        Run a command in the release's environment, after initialise and envCmd.

        A command that starts with sys.executable is a script of this runtime: it runs in the release's python3,
        or in the job's python, as InterpreterResolver chooses; see ScriptPython.

        :param command: str, bash text
        :param hackLdLibPath: bool; hand the running python's module search path on in PYTHONPATH, when that
            python runs the script. It has no other effect
        :param runtimeDir: str, where to run; the project area by default
        :param cleanEnv: bool; True: the session's variables and what CleanEnvironment.allowedOnly names,
            False: the job's environment without the wrapper's python, and the session's variables
        :param timeout: float seconds, instead of timeouts["command"]
        :return: int, the command's own exit status, 128+N for signal N; 2 when initialise failed, 124 when the
            time limit stopped it, 126 or 127 when it could not be started, or no python does for a script
        :raises RuntimeError: when project() or runtime() was not called, or failed
        """
        self._checkReady()
        self.lastExecuted = command
        if not isinstance(command, str) or "\0" in command:
            return self._refuse(NO_COMMAND, "%r is no text to be used as a command" % (command,))
        if self.test_mode:
            return self._pretend(command)
        if isScript(command):
            self.scriptResolution = resolveScriptPython(*self._releaseVariables(), arch=self.architecture,
                                                        setting=self.scriptPython)
            if self.scriptResolution.interpreter is None:
                return self._refuse(NO_PYTHON, self.scriptResolution.describe())
            self.lastExecuted = inPython(command, self.scriptResolution.interpreter)
            command = startWith(self.scriptResolution.interpreter, hackLdLibPath) + self.lastExecuted
        logging.info("    Invoking command: %s", withoutSecrets(self.lastExecuted))
        run = self._attempts.start("command", self._script().run(command, self.envCmd),
                                   commandEnvironment(*self._releaseVariables(), cleanEnv=cleanEnv),
                                   runtimeDir or self.projectArea, timeout, mergeStderr=True, maxBytes=MAX_OUTPUT)
        return self._ended(run)

    def runProgram(self, args, runtimeDir=None, timeout=None):
        """
        Run a program in the release's environment, as a call does with cleanEnv, but without a shell before it.

        Neither initialise nor envCmd is run again; what initialise did to the environment is in the session.

        :param args: list of str, the program, looked for in the release's PATH, and its arguments
        :param runtimeDir: str, where to run; the project area by default
        :param timeout: float seconds, instead of timeouts["command"]
        :return: int, as for a call
        :raises RuntimeError: as a call
        """
        self._checkReady()
        self.lastExecuted = " ".join(shlex.quote(word) for word in args)
        if self.test_mode:
            return self._pretend(self.lastExecuted)
        logging.info("    Invoking command: %s", withoutSecrets(self.lastExecuted))
        environ = commandEnvironment(*self._releaseVariables())
        environ.update({"SCRAM_ARCH": self.architecture} if self.architecture else {})
        return self._ended(self._attempts.startProgram(args, environ, runtimeDir or self.projectArea, timeout,
                                                       mergeStderr=True, maxBytes=MAX_OUTPUT))

    def _checkReady(self):
        if self.projectArea is None:
            raise RuntimeError("Scram Project Area not set/project() not called%s" % self._lastFailure())
        if not self.runtimeEnv:
            raise RuntimeError("Scram runtime environment is empty/runtime() not called%s" % self._lastFailure())

    def _ended(self, run):
        self._showOutput()
        self.code = TIMED_OUT if run.exit.timedOut else run.exit.shellCode
        if run.stage == "initialise" or (run.stage == "envCmd" and not self.code):
            # The command never ran, whatever status the text before it ended the shell with.
            self.code = INITIALISE_FAILED
        logging.info("Subprocess output was:\n%s", withoutSecrets(self.stdout))
        return self.code

    def _releaseVariables(self):
        if self._session is None:
            return self.runtimeEnv, ()
        token = {SESSION_VARIABLE: self._session.token(self.directory)}
        return dict(self.runtimeEnv, **token), self._session.diff.toUnset

    def _setUp(self, area):
        return AreaSetUp(area, self.version, self._script(), scramEnvironment(), self._attempts, self.retryPauses,
                         self._pause)

    def _pause(self, seconds):
        if seconds:
            # Not all jobs of a node at once, when CVMFS comes back.
            time.sleep(seconds * random.uniform(0.8, 1.2))
