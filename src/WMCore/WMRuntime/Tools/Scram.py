"""
Run commands in the environment of a CMSSW release.

    scram = Scram(version="CMSSW_13_0_3", architecture="el8_amd64_gcc11", directory=stepDirectory,
                  initialise=". /cvmfs/cms.cern.ch/cmsset_default.sh")
    if scram.project() or scram.runtime():
        logging.error(scram.diagnostic())
    else:
        status = scram("edmFileUtil file.root")

scram runs once for the project area and once for its environment. Both are stored in the directory
(scramSession.json, scramSession.sh; harmless where nobody looks for them), and a later object with the
same request there starts no scram at all.
"""
import logging
import os
import random
import re
import shlex
import sys
import time

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import (allowedOnly, withoutSecrets, withoutWrapperPython,
                                                           withWrapperPython)
from WMCore.WMRuntime.Environment.EnvCapture import ShellRun, runShell
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, isVariableName, quoteForBash
from WMCore.WMRuntime.Tools import ScramSession as sessions
from WMCore.WMRuntime.Tools.ChildProcess import ChildExit
from WMCore.WMRuntime.Tools.CMSSWVersion import isCMSSWSupported, isEnforceGUIDInFileNameSupported
from WMCore.WMRuntime.Tools.ScramArch import (ARCH_TO_OS, ARCH_TO_SCRAM, OS_TO_ARCH, SCRAM_TO_ARCH, chooseScramArch,
                                              getPlatformMachine, getSingleScramArch)

__all__ = ["Scram", "ARCH_TO_OS", "OS_TO_ARCH", "SCRAM_TO_ARCH", "ARCH_TO_SCRAM", "getPlatformMachine",
           "getSingleScramArch", "chooseScramArch", "isCMSSWSupported", "isEnforceGUIDInFileNameSupported"]

INITIALISE_FAILED = 2
PROJECT_FAILED = 3
RUNTIME_FAILED = 4
TIMED_OUT = 124
# Seconds. A command may be the payload itself (CRAB), so its limit is a job's longest life.
TIMEOUTS = {"project": 600.0, "runtime": 300.0, "command": 172800.0}
RETRY_PAUSES = (5.0, 20.0)
MAX_OUTPUT = 16 * 1024 * 1024
# What a failing CVMFS makes scram say, and what scram says with the file system in order.
_CVMFS_TROUBLE = re.compile(r"Transport endpoint|Input/output error|Stale file handle|Connection timed out|Bus error|"
                            r"Resource temporarily unavailable|Missing Release top|Unable to find SCRAM version|"
                            r"cvmfs\S*.*No such (?:file|device)", re.IGNORECASE)
_FINAL_ANSWER = re.compile(r"is not available for arch|Unable to find release area|Error parsing arguments")
_VERSION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")
# Site and job settings that a job may change after runtime(): what the job says now wins (#11473).
_JOB_SETTINGS = ("VO_CMS_SW_DIR", "CMS_PATH", "SITECONFIG_PATH")
_PERL_VARIABLES = ("PERL5LIB", "PERLLIB", "PERL5OPT")
_SCRAM_BACKUP = re.compile(r"^SRT_(\w+)_SCRAMRT(?:DEL)?$")


@attr.s(frozen=True)
class ScramAttempt(object):
    """
    Hold how one start of bash for scram went.

    :param action: str, project, runtime or command
    :param stage: str, the last stage begun: start, initialise, project, runtime, ...
    :param code: int, exit status of bash, 128+N for signal N
    :param seconds: float, how long it took
    :param note: str, what was wrong, empty for nothing
    """
    action = attr.ib(type=str)
    stage = attr.ib(type=str)
    code = attr.ib(type=int)
    seconds = attr.ib(type=float)
    note = attr.ib(default="", type=str)


def _commandWords(command):
    """Quote the scram command: a path of any spelling, or a program with options."""
    if os.path.exists(command):
        return quoteForBash(command)
    try:
        return " ".join(quoteForBash(word) for word in shlex.split(command))
    except ValueError:
        return quoteForBash(command)


def _setAside(path):
    """Rename what is at path to a name not taken yet, and return that."""
    number = 1
    while os.path.lexists("%s.broken.%d" % (path, number)):
        number += 1
    aside = "%s.broken.%d" % (path, number)
    os.rename(path, aside)
    return aside


def _looksTransient(run):
    """Tell whether a failing CVMFS can explain how a run of scram ended."""
    text = run.stdout + run.stderr
    if run.exit.timedOut or run.exit.shellCode > 128:
        return True
    return bool(_CVMFS_TROUBLE.search(text)) and not _FINAL_ANSWER.search(text)


def _releaseVariables(environ):
    """
    Pick the variables scram speaks for, by the names of its own backups.

    They belong to the session even when a caller that already was in the release had the same values.
    """
    names = {found.group(1) for found in map(_SCRAM_BACKUP.match, environ) if found}
    return {name: value for name, value in environ.items()
            if isVariableName(name) and (name in names or name.startswith(("CMSSW_", "SCRAMRT_", "SRT_", "LOCALRT")))}


def _environmentProblem(environ, base, area, version, architecture):
    """
    Look for what makes a captured environment useless; scram exits 0 for all of it.

    :return: str, or None when it is good
    """
    if not environ:
        return "scram runtime left no environment"
    if not environ.get("CMSSW_BASE") or not (environ.get("CMSSW_RELEASE_BASE") or environ.get("CMSSW_VERSION")):
        return "scram runtime set no CMSSW_BASE with CMSSW_RELEASE_BASE or CMSSW_VERSION: %s is not set up for %s" % (
            area, architecture)
    if environ["CMSSW_BASE"] == base.get("CMSSW_BASE") \
            and os.path.realpath(environ["CMSSW_BASE"]) != os.path.realpath(area):
        return "scram runtime left CMSSW_BASE at %s, an area of before" % environ["CMSSW_BASE"]
    release = environ.get("CMSSW_RELEASE_BASE")
    if release and not os.path.isdir(release):
        return "the release %s is not there" % release
    return _setForOther(environ, version, architecture)


def _setForOther(environ, version, architecture):
    """Compare what scram says it was set up for with what was asked."""
    # SCRAMRT_SET is project:release:arch:scram version:prefix; SCRAM_ARCH is printed only when it differs.
    fields = environ.get("SCRAMRT_SET", "").split(":")
    found = fields[1:3] if len(fields) > 2 else ["", ""]
    for what, got, wanted in (("release", found[0], version), ("architecture", found[1], architecture),
                              ("architecture", environ.get("SCRAM_ARCH"), architecture)):
        if got and wanted and got != wanted:
            return "scram runtime set up the %s %s instead of %s" % (what, got, wanted)
    return None


class Scram(object):
    """
    A SCRAM session: make a project area, take its environment, run commands in it.

    Nothing scram, bash or the file system does raises: project(), runtime() and the call return a status,
    and diagnostic() tells the story. After project() failed runtime() returns 1 and changes nothing.

    Attributes: `projectArea` (path, None until project() succeeded), `runtimeEnv` (dict of the session's
    variables, name to value without quotes), `code`, `stdout`, `stderr`, `lastExecuted` of the last action,
    `attempts` (tuple of ScramAttempt), `sessionReused` (bool), `sessionFile` (path of scramSession.json).

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
    :param ignored: other options, which are logged
    """

    def __init__(self, command="scramv1", version=None, initialise=None, directory=None, architecture=None,
                 envCmd=None, test=False, timeouts=None, retryPauses=RETRY_PAUSES, storeSession=True, **ignored):
        if ignored:
            logging.warning("Scram does not know the options %s", ", ".join(sorted(ignored)))
        self.command = command or "scramv1"
        self.version = version
        self.initialise = initialise
        self.directory = os.path.join(_currentDirectory(), directory or "")
        self.architecture = architecture
        self.envCmd = envCmd
        self.test_mode = test
        if test:
            self.command = "/bin/echo"
        self.timeouts = dict(TIMEOUTS, **(timeouts or {}))
        self.retryPauses = tuple(retryPauses)
        self.storeSession = storeSession and not test
        self.projectArea = None
        self.runtimeEnv = {}
        self.stdout = None
        self.stderr = None
        self.code = None
        self.lastExecuted = None
        self.attempts = ()
        self.sessionReused = False
        self._session = None

    @property
    def sessionFile(self):
        """Give the path of the session's json file, whether it exists or not."""
        return os.path.join(self.directory, sessions.JSON_NAME)

    def preCommand(self):
        """
        Give the bash text that runs before scram and before each command.

        :return: str, which exits 2 when the initialisation fails
        """
        lines = []
        if self.architecture:
            lines.append("export SCRAM_ARCH=%s" % quoteForBash(self.architecture))
        if self.initialise:
            lines.extend([self.initialise, 'if [ "$?" -ne "0" ]; then exit %d; fi' % INITIALISE_FAILED])
        return "".join(line + "\n" for line in lines)

    # -- project

    def project(self):
        """
        Make the project area, or find the one of a stored session.

        An existing area is used when it is whole; a broken one is renamed and made anew, once.

        :return: int, 0; 2 when initialise failed, 3 when scram did or made an unusable area
        """
        self.lastExecuted = "%s project CMSSW %s" % (self.command, self.version)
        self.projectArea, self._session, self.runtimeEnv = None, None, {}
        problem = self._requestProblem()
        if problem:
            return self._fail(PROJECT_FAILED, problem)
        area = os.path.join(self.directory, self.version)
        if self.test_mode:
            return self._pretendProject(area)
        if self._storedSession() is not None:
            self.sessionReused = True
            self._say("The area %s of the stored session is used." % area)
            self.code = 0
        else:
            self.code = self._makeArea(area)
        if self.code == 0:
            self.projectArea = area
        return self.code

    def _requestProblem(self):
        if not isinstance(self.version, str) or not _VERSION.match(self.version):
            return "%r is no release such as CMSSW_13_0_3" % (self.version,)
        for name in ("command", "directory", "architecture", "initialise", "envCmd"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or "\0" in value):
                return "%r is no text to be used as %s" % (value, name)
        return None

    def _projectStages(self):
        forced = " --arch %s" % quoteForBash(self.architecture) if self.architecture else ""
        return self._initialStages(self.directory) + [
            ("project", "%s%s project CMSSW %s" % (_commandWords(self.command), forced, quoteForBash(self.version)))]

    def _initialStages(self, directory):
        # initialise may have changed both the arch and the directory.
        back = "cd %s || exit 1\n" % quoteForBash(directory)
        if self.architecture:
            back += "export SCRAM_ARCH=%s\n" % quoteForBash(self.architecture)
        return [("initialise", self.preCommand()), ("enter", back)]

    def _makeArea(self, area):
        """Run scram project until the area is good, what can be mended is mended, or the tries are used up."""
        pauses, mended = list(self.retryPauses), False
        while True:
            existed = os.path.lexists(area)
            run = self._shell("project", self._projectStages(), self.directory, self._scramBase())
            problem = "scram project failed" if not run.exit.ok else sessions.areaProblem(area, self.architecture)
            if problem is None:
                return 0
            self._note(problem)
            if run.stage == "initialise":
                code, again, clear = INITIALISE_FAILED, _looksTransient(run), False
            else:
                present = sessions.areaArchitectures(area)
                foreign = bool(self.architecture and present) and self.architecture not in present
                clear = os.path.lexists(area) and sessions.areaProblem(area, self.architecture) is not None
                mend = existed and clear and not mended
                code = PROJECT_FAILED
                again = mend or _looksTransient(run) or (run.exit.ok and not foreign)
                if mend:
                    mended = True
                    pauses.insert(0, 0)
            if not again or not pauses:
                return self._fail(code, problem)
            if clear and not self._clearAway(area):
                return self._fail(code, self.attempts[-1].note)
            self._pause(pauses.pop(0))

    def _clearAway(self, area):
        try:
            aside = _setAside(area)
        except OSError as ex:
            self._note("it cannot be renamed: %s" % ex)
            return False
        self._note("it was renamed to %s and is made anew" % aside)
        return True

    def _pretendProject(self, area):
        self.stdout = "".join(text + "\n" for _name, text in self._projectStages())
        self.stderr, self.code = "", 0
        try:
            os.makedirs(area, exist_ok=True)
        except OSError as ex:
            return self._fail(PROJECT_FAILED, "cannot make %s: %s" % (area, ex))
        self.projectArea = area
        return 0

    # -- runtime

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
            self.stdout, self.stderr, self.code = self.lastExecuted + "\n", "", 0
            return 0
        session = self._storedSession()
        if session is None:
            self.code = self._takeEnvironment()
            return self.code
        self.sessionReused = True
        self._adopt(session)
        self._say("The environment of the stored session %s is used." % self.sessionFile)
        self.code = 0
        return 0

    def _takeEnvironment(self):
        command = _commandWords(self.command)
        stages = self._initialStages(self.projectArea) + [
            ("runtime", "wmruntimeScram=$(%s runtime -sh) || exit\nprintf '%%s\\n' \"$wmruntimeScram\"\n"
                        "eval \"$wmruntimeScram\" || exit" % command)]
        pauses = list(self.retryPauses)
        base = self._scramBase()
        while True:
            run = self._shell("runtime", stages, self.projectArea, base, capture=True)
            problem = "scram runtime failed" if not run.exit.ok else _environmentProblem(
                run.environ, base, self.projectArea, self.version, self.architecture)
            if problem is None and "Missing Release top" in run.stderr:
                problem = "the release of %s has vanished" % self.projectArea
            if problem is None:
                self._keep(base, run.environ)
                return 0
            self._note(problem)
            if not _looksTransient(run) or not pauses:
                return self._fail(INITIALISE_FAILED if run.stage == "initialise" else RUNTIME_FAILED, problem)
            self._pause(pauses.pop(0))

    def _keep(self, base, environ):
        diff = EnvDiff.between(base, environ)
        diff = EnvDiff(dict(_releaseVariables(environ), **diff.toSet), diff.toUnset)
        area = os.path.abspath(self.projectArea)
        self._adopt(sessions.ScramSession(self._request(), area, diff, sessions.basePicture(base, self.architecture),
                                          sessions.gatherEvidence(area, diff.apply(base))))
        # One left here holds for another request: it is that of the step, and main.sh waits for it.
        if self.storeSession and not os.path.exists(self.sessionFile):
            try:
                sessions.storeSession(self._session, self.directory)
            except (OSError, ValueError) as ex:
                logging.warning("The SCRAM session is not stored in %s: %s", self.directory, ex)

    def _adopt(self, session):
        self._session = session
        self.runtimeEnv = dict(session.diff.toSet)

    def _request(self):
        return sessions.ScramRequest(self.command, self.version, self.architecture or None,
                                     (self.initialise or "").strip() or None)

    def _storedSession(self):
        """Give the session stored in the directory when it holds; remove one that holds for nobody."""
        if not self.storeSession:
            return None
        token = os.environ.get(sessions.SESSION_VARIABLE)
        try:
            session = sessions.readSession(self.directory)
            base = self._scramBase()
            reason = sessions.staleReason(session, self._request(), self.directory, base, token)
            if reason is None:
                return session
            if sessions.staleReason(session, session.request, self.directory, base, token) is None:
                logging.info("The SCRAM session in %s is another's: %s", self.directory, reason)
                return None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as ex:
            reason = str(ex)
        logging.info("The SCRAM session in %s is not used: %s", self.directory, reason)
        try:
            sessions.dropSession(self.directory)
        except OSError as ex:
            logging.warning("The stale SCRAM session in %s cannot be removed: %s", self.directory, ex)
        return None

    # -- commands

    def __call__(self, command, hackLdLibPath=False, runtimeDir=None, cleanEnv=True, timeout=None):
        """
        Run a command in the release's environment, after initialise and envCmd.

        A command of the running python (it starts with sys.executable) gets that python's own PYTHON* and
        LD_LIBRARY_PATH beside the release's other variables: the two pythons are never mixed.

        :param command: str, bash text
        :param hackLdLibPath: bool; for a command of the running python, hand its whole module search path
            on in PYTHONPATH. It has no other effect
        :param runtimeDir: str, where to run; the project area by default
        :param cleanEnv: bool; True: the session's variables and what CleanEnvironment.allowedOnly names,
            False: the job's environment without the wrapper's python, and the session's variables
        :param timeout: float seconds, instead of timeouts["command"]
        :return: int, the command's own exit status, 128+N for signal N; 2 when initialise failed, 124 when the
            time limit stopped it, 126 or 127 when bash could not be started
        :raises RuntimeError: when project() or runtime() was not called, or failed
        """
        if self.projectArea is None:
            raise RuntimeError("Scram Project Area not set/project() not called%s" % self._lastFailure())
        if not self.runtimeEnv:
            raise RuntimeError("Scram runtime environment is empty/runtime() not called%s" % self._lastFailure())
        self.lastExecuted = command
        if self.test_mode:
            self.stdout, self.stderr, self.code = command + "\n", "", 0
            return 0
        logging.info("    Invoking command: %s", withoutSecrets(command))
        stages = [("initialise", self.preCommand()), ("envCmd", self.envCmd or ""), ("command", command)]
        run = self._shell("command", stages, runtimeDir or self.projectArea,
                          self.commandEnvironment(command, cleanEnv, hackLdLibPath), mergeStderr=True,
                          timeout=timeout, maxBytes=MAX_OUTPUT)
        self.code = TIMED_OUT if run.exit.timedOut else run.exit.shellCode
        if run.stage == "initialise" or (run.stage == "envCmd" and not self.code):
            # The command never ran, whatever status the text before it ended the shell with.
            self.code = INITIALISE_FAILED
        logging.info("Subprocess output was:\n%s", withoutSecrets(self.stdout))
        return self.code

    def commandEnvironment(self, command="", cleanEnv=True, hackLdLibPath=False):
        """
        Build the environment a command would run in, before initialise and envCmd.

        :param command: str, which decides whether it is for the running python
        :param cleanEnv: bool, as for the call
        :param hackLdLibPath: bool, as for the call
        :return: dict
        """
        job = self._base()
        environ = allowedOnly(job) if cleanEnv else job
        for name in self._session.diff.toUnset if self._session else ():
            environ.pop(name, None)
        environ.update((name, str(value)) for name, value in self.runtimeEnv.items() if isVariableName(name))
        environ.update((name, job[name]) for name in job if name in _JOB_SETTINGS or name.startswith("_CONDOR_"))
        if job.get("OSG_APP"):
            environ["VO_CMS_SW_DIR"] = "%s/cmssoft/cms" % job["OSG_APP"]
        if self._session is not None:
            environ[sessions.SESSION_VARIABLE] = self._session.token(self.directory)
        if _isOwnPython(command):
            environ = withWrapperPython(environ, os.environ)
            if hackLdLibPath:
                environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        return environ

    # -- what all share

    def _base(self):
        return withoutWrapperPython(dict(os.environ))

    def _scramBase(self):
        """Give the base without the modules of a site's perl, which break SCRAM V2 (cmsdist#9361)."""
        return {name: value for name, value in self._base().items() if name not in _PERL_VARIABLES}

    def _shell(self, action, stages, cwd, environ, timeout=None, **options):
        """Run bash for an action and record the attempt; a bash that cannot be started is an attempt too."""
        begin = time.time()
        try:
            run = runShell(stages, environ, cwd=cwd, timeout=timeout or self.timeouts[action], **options)
        except (OSError, ValueError) as ex:
            code = 126 if isinstance(ex, PermissionError) else 127
            run = ShellRun(ChildExit(0, code), "start", "", "cannot start bash in %s: %s\n" % (cwd, ex))
        note = "stopped after the time limit of %g s" % (timeout or self.timeouts[action]) if run.exit.timedOut else ""
        self.stdout, self.stderr = run.stdout, run.stderr
        self.attempts += (ScramAttempt(action, run.stage, run.exit.shellCode, time.time() - begin, note),)
        return run

    def _note(self, problem):
        last = self.attempts[-1]
        note = "%s; %s" % (last.note, problem) if last.note else problem
        self.attempts = self.attempts[:-1] + (attr.evolve(last, note=note),)
        logging.warning("scram %s: %s (exit status %d in stage %s)", last.action, note, last.code, last.stage)

    def _pause(self, seconds):
        if seconds:
            # Not all jobs of a node at once, when CVMFS comes back.
            time.sleep(seconds * random.uniform(0.8, 1.2))

    def _fail(self, code, problem):
        self.code = code
        self.stdout = self.stdout or ""
        self.stderr = "%s%s\n" % (self.stderr or "", problem)
        return code

    def _say(self, text):
        logging.info(text)
        self.stdout, self.stderr = text + "\n", ""

    def _lastFailure(self):
        return "; what went wrong before:\n%s" % self.diagnostic() if self.code else ""

    def diagnostic(self):
        """
        Tell what was run last and how it went, for a log or a report; credentials are blotted out.

        :return: str
        """
        tries = ["  %d. %s: exit status %d in stage %s after %.1f s%s" % (
            number, attempt.action, attempt.code, attempt.stage, attempt.seconds,
            ": " + attempt.note if attempt.note else "") for number, attempt in enumerate(self.attempts, 1)]
        lines = ["Scram Command Diagnostic:", "Command : %s" % self.command, "Architecture: %s" % self.architecture,
                 "Executed: %s" % self.lastExecuted, "Exit Status: %s" % self.code,
                 "Attempts: %d" % len(tries)] + tries[-20:]
        lines.extend(["Stdout: %s" % self.stdout, "Stderr: %s" % self.stderr])
        return withoutSecrets("\n".join(lines))

    def getStdout(self):
        """
        Give the output of the last command, standard error merged in.

        :return: str
        """
        return self.stdout


def _currentDirectory():
    try:
        return os.getcwd()
    except OSError:
        # A removed directory: project() will say so; the constructor raises for nobody.
        return os.environ.get("PWD") or "."


def _isOwnPython(command):
    words = command.lstrip()
    return any(words == name or words.startswith((name + " ", name + "\t"))
               for name in (sys.executable, quoteForBash(sys.executable)) if sys.executable)
