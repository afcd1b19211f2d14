"""
The starts of bash for scram, and of programs in its environment, each recorded with how it went.
"""
import logging
import time

import attr

from WMCore.WMRuntime.Environment.EnvCapture import ShellRun, runShell
from WMCore.WMRuntime.Tools.ChildProcess import ChildExit, runCaptured

_SHOWN = 20


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

    def describe(self):
        """
        Say how it went in one line.

        :return: str
        """
        return "%s: exit status %d in stage %s after %.1f s%s" % (
            self.action, self.code, self.stage, self.seconds, ": " + self.note if self.note else "")


class ScramAttempts(object):
    """
    Start bash for scram and keep the record: `all`, a tuple of ScramAttempt, and `lastRun`, a ShellRun.

    :param timeouts: dict, action to seconds
    """

    def __init__(self, timeouts):
        self.timeouts = timeouts
        self.all = ()
        self.lastRun = None

    def start(self, action, stages, environ, cwd, timeout=None, **options):
        """
        Run bash; one that cannot be started is an attempt too.

        :param action: str, project, runtime or command
        :param stages: list of (str name, str text)
        :param environ: dict, the whole environment
        :param cwd: str
        :param timeout: float seconds, instead of the action's
        :param options: more for runShell
        :return: ShellRun
        """
        return self._record(action, timeout, "bash in %s" % cwd, lambda limit: runShell(
            stages, environ, cwd=cwd, timeout=limit, **options))

    def startProgram(self, args, environ, cwd, timeout=None, **options):
        """
        Run a program of the release as a command, without bash.

        :param args: list of str, the program, looked for in the environment's PATH, and its arguments
        :param environ: dict, the whole environment
        :param cwd: str
        :param timeout: float seconds, instead of the one for commands
        :param options: more for runCaptured
        :return: ShellRun, of the stage `command`
        """
        def run(limit):
            ended, out, err = runCaptured(args, env=environ, cwd=cwd, timeout=limit, **options)
            return ShellRun(ended, "command", out, err)
        return self._record("command", timeout, "%s in %s" % (args[0], cwd), run)

    def _record(self, action, timeout, what, starter):
        timeout = timeout or self.timeouts[action]
        begin = time.time()
        try:
            run = starter(timeout)
        except (OSError, ValueError) as ex:
            code = 126 if isinstance(ex, PermissionError) else 127
            text = "cannot start %s: %s\n" % (what, ex)
            run = ShellRun(ChildExit(0, code), "start", "", text)
        note = "stopped after the time limit of %g s" % timeout if run.exit.timedOut else ""
        self.all += (ScramAttempt(action, run.stage, run.exit.shellCode, time.time() - begin, note),)
        self.lastRun = run
        return run

    def note(self, problem):
        """
        Add to the last attempt what was wrong with it.

        :param problem: str
        """
        last = self.all[-1]
        last = attr.evolve(last, note="; ".join(filter(None, [last.note, problem])))
        self.all = self.all[:-1] + (last,)
        logging.warning("scram %s", last.describe())

    def describe(self):
        """
        Count the attempts and say how the last of them went.

        :return: list of str, lines
        """
        lines = ["  %d. %s" % (number, attempt.describe()) for number, attempt in enumerate(self.all, 1)]
        return ["Attempts: %d" % len(lines)] + lines[-_SHOWN:]
