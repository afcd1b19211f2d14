"""
What became of the last thing that was asked of SCRAM, and the story told about it.
"""
import logging

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutSecrets
from WMCore.WMRuntime.Tools.ScramAttempts import ScramAttempts


class ScramOutcome(object):
    """
    Keep the outcome of the last action: `code`, `stdout`, `stderr`, `lastExecuted`.

    :param command: str, the scram program
    :param architecture: str, or None
    :param timeouts: dict, action to seconds
    """

    def __init__(self, command, architecture, timeouts):
        self.command = command
        self.architecture = architecture
        self.stdout, self.stderr, self.code, self.lastExecuted = None, None, None, None
        self.sessionReused = False
        self._attempts = ScramAttempts(timeouts)

    @property
    def attempts(self):
        """Give how each start of a child went, a tuple of ScramAttempt."""
        return self._attempts.all

    def diagnostic(self):
        """
        Tell what was run last and how it went, for a log or a report; credentials are blotted out.

        :return: str
        """
        lines = ["Scram Command Diagnostic:", "Command : %s" % self.command, "Architecture: %s" % self.architecture,
                 "Executed: %s" % self.lastExecuted, "Exit Status: %s" % self.code]
        lines += self._attempts.describe() + ["Stdout: %s" % self.stdout, "Stderr: %s" % self.stderr]
        return withoutSecrets("\n".join(lines))

    def getStdout(self):
        """
        Give the output of the last command, standard error merged in.

        :return: str
        """
        return self.stdout

    def _finish(self, outcome):
        self._showOutput()
        return self._fail(*outcome) if outcome[0] else 0

    def _showOutput(self):
        self.stdout, self.stderr = self._attempts.lastRun.stdout, self._attempts.lastRun.stderr

    def _fail(self, code, problem):
        self.code = code
        self.stdout = self.stdout or ""
        self.stderr = "%s%s\n" % (self.stderr or "", problem)
        return code

    def _refuse(self, code, problem):
        self.stdout, self.stderr = "", ""
        return self._fail(code, problem)

    def _pretend(self, text):
        self.stdout, self.stderr, self.code = text + "\n", "", 0
        return 0

    def _reuse(self, text):
        logging.info(text)
        self.sessionReused, self.stdout, self.stderr = True, text + "\n", ""
        return 0

    def _lastFailure(self):
        return "; what went wrong before:\n%s" % self.diagnostic() if self.code else ""
