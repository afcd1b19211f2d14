"""
What a provider of environments is asked, what it answers, and the class it derives from.
"""
import abc

import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff

GROUP = "wmcore.runtime.environments"
# More providers, as module:attribute, separated by blanks or commas.
SETTING = "WMRUNTIME_ENVIRONMENTS"
ERROR, WARNING, INFO = "error", "warning", "info"
# What a provider gives. Of the first two a job has one each; of libraries, whatever every provider of them gives.
CONTAINER, PYTHON, LIBRARIES = "container", "python", "libraries"


@attr.s(frozen=True)
class Finding(object):
    """
    Hold one thing a check found.

    :param code: str, what it is, for programs: initMissing
    :param severity: str, "error", "warning" or "info"
    :param message: str, what was expected and what was found
    :param remedy: str, what to do about it
    :param path: str, the file or directory it is about
    :param command: str, a command that shows it again
    """
    code = attr.ib(type=str)
    severity = attr.ib(type=str, validator=attr.validators.in_((ERROR, WARNING, INFO)))
    message = attr.ib(type=str)
    remedy = attr.ib(type=str)
    path = attr.ib(type=str, default="")
    command = attr.ib(type=str, default="")

    def toDict(self):
        """
        Give the finding for JSON.

        :return: dict of str to str
        """
        return attr.asdict(self)


@attr.s(frozen=True)
class Availability(object):
    """
    Hold whether a provider can do anything on a node.

    :param ok: bool
    :param reason: str, what that rests on
    """
    ok = attr.ib(type=bool)
    reason = attr.ib(type=str)


@attr.s(frozen=True)
class Prepared(object):
    """
    Hold what a provider has made ready for a job.

    :param provider: str, its name
    :param python: str, the interpreter the job is to run in; None to stay with the running one
    :param version: tuple of int, that python's, as far as it is known
    :param environment: EnvDiff against the environment of the node it was asked about
    :param reasons: tuple of str
    :param prefix: tuple of str, put before a command so that it runs inside a container
    :param libraries: tuple of (str name, str version, str where), what it gives
    :param inside: NodeFacts, what the providers asked next are told: the inside of a container; None for no container
    """
    provider = attr.ib(type=str)
    python = attr.ib(default=None)
    version = attr.ib(default=(), converter=tuple)
    environment = attr.ib(factory=EnvDiff, repr=False, validator=attr.validators.instance_of(EnvDiff))
    reasons = attr.ib(default=(), converter=tuple)
    prefix = attr.ib(default=(), converter=tuple)
    libraries = attr.ib(default=(), converter=tuple)
    inside = attr.ib(default=None, repr=False)

    def launch(self, command, environ):
        """
        Say how a command is run with it.

        :param command: sequence of str
        :param environ: dict, the environment the command is to have
        :return: (list of str, dict environment), for os.execve or runChild
        """
        return list(self.prefix) + list(command), dict(environ)

    def toDict(self):
        """
        Give it for JSON; of the environment the names alone, values may be secrets.

        :return: dict
        """
        return {"provider": self.provider, "python": self.python, "version": ".".join(map(str, self.version)),
                "environment": {"set": sorted(self.environment.toSet), "unset": list(self.environment.toUnset)},
                "reasons": list(self.reasons), "prefix": list(self.prefix),
                "libraries": [dict(zip(("name", "version", "where"), library)) for library in self.libraries]}


@attr.s(frozen=True)
class EnvironmentContext(object):
    """
    Hold what providers are made for.

    :param description: Description, what the runtime needs
    :param request: EnvironmentRequest, what the job asks for
    """
    description = attr.ib(repr=False)
    request = attr.ib()


class EnvironmentProvider(abc.ABC):
    """
    Provide a container, a python or libraries.

    Class attributes: `name` (str); `priority` (int), the lowest is asked first; `gives`, one of CONTAINER,
    PYTHON, LIBRARIES. They are asked in this order, so a python is looked for inside the container, if any.
    """
    name = ""
    priority = 100
    gives = PYTHON

    @classmethod
    @abc.abstractmethod
    def create(cls, context):
        """
        Make a provider for a job.

        :param context: EnvironmentContext
        :return: EnvironmentProvider; None when it has nothing to do with what is asked for
        """

    @abc.abstractmethod
    def available(self, node):
        """
        Tell, at the price of a few stats, whether it can do anything on a node.

        :param node: NodeFacts
        :return: Availability
        """

    @abc.abstractmethod
    def prepare(self, node):
        """
        Make ready what is asked for.

        :param node: NodeFacts
        :return: Prepared
        :raises WMRuntimeError: with the code 11014 when it cannot be had
        """

    @abc.abstractmethod
    def check(self, node):
        """
        Look for everything that is wrong with what it would use.

        :param node: NodeFacts
        :return: tuple of Finding
        """
