"""
An interpreter that was chosen, one that was not, and the answer that holds both.
"""
import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff


def versionText(version):
    """
    Write a version.

    :param version: tuple of int
    :return: str, such as 3.9.14; `unknown version` for none
    """
    return ".".join(str(part) for part in version) or "unknown version"


def _shown(text):
    """Keep text from outside on one line of a log."""
    return text if text.isprintable() else ascii(text)


@attr.s(frozen=True)
class Interpreter(object):
    """
    Hold an interpreter that runs, and what it must be started with.

    :param path: str
    :param version: tuple of three int
    :param environment: EnvDiff; it states every variable that steers a python, so that applied to whatever
        environment it gives the same, unmixed start
    :param provider: str, name of the provider that found it
    :param reasons: tuple of str, what the choice rests on
    """
    path = attr.ib(type=str)
    version = attr.ib(type=tuple)
    environment = attr.ib(factory=EnvDiff)
    provider = attr.ib(default="")
    reasons = attr.ib(default=())

    @property
    def major(self):
        """Give the major version, an int."""
        return self.version[0]

    def describe(self):
        """
        Say in one line what was chosen and why.

        :return: str
        """
        why = "; ".join(self.reasons)
        return "python %s, %s, from %s%s" % (versionText(self.version), self.path, self.provider,
                                             " (%s)" % why if why else "")

    def toDict(self):
        """
        Give the choice for JSON. The environment's values stay out: they may hold credentials.

        :return: dict
        """
        return {"path": self.path, "version": versionText(self.version), "provider": self.provider,
                "reasons": list(self.reasons), "set": sorted(self.environment.toSet),
                "unset": list(self.environment.toUnset)}


@attr.s(frozen=True)
class Rejected(object):
    """
    Hold a candidate that was not taken.

    :param path: str, empty when a provider had nothing to propose
    :param provider: str, name of the provider
    :param reason: str, what is wrong with it
    :param binding: bool, whether it was asked for by name: nothing else is taken then
    """
    path = attr.ib(type=str)
    provider = attr.ib(type=str)
    reason = attr.ib(type=str)
    binding = attr.ib(default=False)

    def describe(self):
        """
        Say in one line what was rejected and why.

        :return: str
        """
        return "not %s: %s" % (" ".join(part for part in (self.provider, _shown(self.path)) if part), _shown(self.reason))

    def toDict(self):
        """
        Give the rejection for JSON.

        :return: dict
        """
        return {"path": self.path, "provider": self.provider, "reason": self.reason}


@attr.s(frozen=True)
class Resolution(object):
    """
    Hold the answer to one question for an interpreter.

    :param interpreter: Interpreter, or None when nothing fits
    :param rejected: tuple of Rejected, in the order they were tried
    :param purpose: str, what was asked for
    :param requirement: str, the versions that were asked for
    """
    interpreter = attr.ib(default=None)
    rejected = attr.ib(default=())
    purpose = attr.ib(default="")
    requirement = attr.ib(default="")

    def describe(self):
        """
        Say the choice and every rejection.

        :return: str, lines
        """
        wanted = "%s, python %s" % (self.purpose, self.requirement or "of any version")
        head = self.interpreter.describe() if self.interpreter else "no python fits"
        return "\n".join(["%s: %s" % (wanted, head)] + ["  " + rejection.describe() for rejection in self.rejected])

    def toDict(self):
        """
        Give the answer for JSON.

        :return: dict
        """
        return {"purpose": self.purpose, "requirement": self.requirement,
                "interpreter": self.interpreter.toDict() if self.interpreter else None,
                "rejected": [rejection.toDict() for rejection in self.rejected]}
