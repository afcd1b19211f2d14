"""
What a provider of interpreters is asked, what it proposes, and the class it derives from.
"""
import abc
import os
import sys

import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff

# A runtime script in the python the job itself runs in.
AGENT_SCRIPT = "agentScript"
# A runtime script for a release: in the release's python3, when WMCore can run on it.
RELEASE_SCRIPT = "releaseScript"
# A tool that loads a configuration, so it needs the python cmsRun has.
PSET_TOOL = "psetTool"
# The job's payload itself, when it is a script of a release.
PAYLOAD = "payload"
PURPOSES = (AGENT_SCRIPT, RELEASE_SCRIPT, PSET_TOOL, PAYLOAD)
# Those that run code of this runtime.
SCRIPTS = (AGENT_SCRIPT, RELEASE_SCRIPT)
# Those that know a release.
IN_RELEASE = (RELEASE_SCRIPT, PSET_TOOL, PAYLOAD)


def realPath(path):
    """
    Follow the links of a path.

    :param path: str
    :return: str; the path itself when this process cannot name it to the system, as in an ascii locale
    """
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


@attr.s(frozen=True)
class RunningPython(object):
    """
    Hold the interpreter this code runs in.

    :param path: str, empty when it does not know where it is
    :param version: tuple of three int
    :param prefixes: tuple of str, the directories it belongs to
    """
    path = attr.ib(factory=lambda: sys.executable or "")
    version = attr.ib(factory=lambda: tuple(sys.version_info[:3]))
    prefixes = attr.ib(factory=lambda: (sys.prefix, sys.exec_prefix, getattr(sys, "base_prefix", sys.prefix),
                                        sys.executable or ""))

    def isAt(self, path):
        """
        Tell whether a path starts this very interpreter.

        :param path: str
        :return: bool; False for the base of the virtual environment it runs in
        """
        if not self.path or path == self.path:
            return bool(self.path)
        virtual = len(self.prefixes) > 2 and self.prefixes[0] != self.prefixes[2]
        return not virtual and realPath(path) == realPath(self.path)


@attr.s(frozen=True)
class ResolutionContext(object):
    """
    Hold what an interpreter is looked for: the question and the node.

    :param purpose: str, one of PURPOSES
    :param environ: dict, the job's environment, which the running interpreter was started with
    :param clean: dict, the same without the wrapper's python
    :param base: dict, clean and the release's variables on it, where they are known
    :param requirement: packaging's SpecifierSet
    :param release: Release, or None
    :param setting: str, what the step asks for by name; or None
    :param releaseKnown: bool, whether base holds the release's variables
    :param running: RunningPython
    """
    purpose = attr.ib(validator=attr.validators.in_(PURPOSES))
    environ = attr.ib(repr=False)
    clean = attr.ib(repr=False)
    base = attr.ib(repr=False)
    requirement = attr.ib()
    release = attr.ib(default=None)
    setting = attr.ib(default=None)
    releaseKnown = attr.ib(default=False)
    running = attr.ib(factory=RunningPython)


@attr.s(frozen=True)
class Candidate(object):
    """
    Hold an interpreter a provider proposes; nothing was started yet.

    :param path: str
    :param environment: EnvDiff, what it must be started with (see StartEnvironment)
    :param reason: str, why it is proposed
    :param version: tuple of int, as far as files tell; one that cannot fit is rejected unprobed
    :param binding: bool, whether it was asked for by name: when it does not fit, nothing else is taken
    """
    path = attr.ib(validator=attr.validators.instance_of(str))
    environment = attr.ib(factory=EnvDiff, validator=attr.validators.instance_of(EnvDiff))
    reason = attr.ib(default="")
    version = attr.ib(default=())
    binding = attr.ib(default=False)


class InterpreterProvider(abc.ABC):
    """
    Propose interpreters for a question.

    Class attributes: `name` (str), and `priority` (int): the lowest is asked first.
    """
    name = ""
    priority = 100

    @classmethod
    def create(cls, context):
        """
        Make a provider for this question.

        :param context: ResolutionContext
        :return: InterpreterProvider; None when it has no say in it
        """
        return cls()

    @abc.abstractmethod
    def candidates(self, context):
        """
        Propose interpreters, best first. Each is judged before the next is asked for.

        :param context: ResolutionContext
        :return: iterable of Candidate, and of Rejected for what it leaves out itself
        """
