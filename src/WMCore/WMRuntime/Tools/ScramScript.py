"""
The bash text that starts scram, in stages whose names tell how far a run came.
"""
import os
import shlex

import attr

from WMCore.WMRuntime.Environment.EnvDiff import quoteForBash

INITIALISE_FAILED = 2


def _commandWords(command):
    """Quote the scram command: a path of any spelling, or a program with options."""
    if os.path.exists(command):
        return quoteForBash(command)
    try:
        return " ".join(quoteForBash(word) for word in shlex.split(command))
    except ValueError:
        return quoteForBash(command)


@attr.s(frozen=True)
class ScramScript(object):
    """
    Hold what every script starts with.

    :param command: str, the scram program, a path or a name, options allowed
    :param architecture: str, or None to let scram choose
    :param initialise: str, bash text that makes scram available, or None
    """
    command = attr.ib()
    architecture = attr.ib()
    initialise = attr.ib()

    def preCommand(self):
        """
        Give the bash text that runs before everything else.

        :return: str, which exits with INITIALISE_FAILED when initialise fails
        """
        text = self._forceArchitecture()
        if self.initialise:
            text += '%s\nif [ "$?" -ne "0" ]; then exit %d; fi\n' % (self.initialise, INITIALISE_FAILED)
        return text

    def _forceArchitecture(self):
        return "export SCRAM_ARCH=%s\n" % quoteForBash(self.architecture) if self.architecture else ""

    def _atScram(self, directory):
        # initialise may have changed both the arch and the directory.
        enter = "cd %s || exit 1\n%s" % (quoteForBash(directory), self._forceArchitecture())
        return [("initialise", self.preCommand()), ("enter", enter)]

    def project(self, version, directory):
        """
        Give the stages that make a project area.

        :param version: str, the release
        :param directory: str, where the area is made
        :return: list of (str name, str text)
        """
        forced = " --arch %s" % quoteForBash(self.architecture) if self.architecture else ""
        return self._atScram(directory) + [
            ("project", "%s%s project CMSSW %s" % (_commandWords(self.command), forced, quoteForBash(version)))]

    def runtime(self, area):
        """
        Give the stages that bring the environment of a project area into the shell.

        :param area: str, its path
        :return: list of (str name, str text)
        """
        return self._atScram(area) + [
            ("runtime", "wmruntimeScram=$(%s runtime -sh) || exit\nprintf '%%s\\n' \"$wmruntimeScram\"\n"
                        "eval \"$wmruntimeScram\" || exit" % _commandWords(self.command))]

    def run(self, command, envCmd):
        """
        Give the stages that run a command of the job.

        :param command: str, bash text
        :param envCmd: str, bash text to run before it, or None
        :return: list of (str name, str text)
        """
        return [("initialise", self.preCommand()), ("envCmd", envCmd or ""), ("command", command)]
