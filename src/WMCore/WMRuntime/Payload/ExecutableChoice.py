"""
What a step asks for, and what it runs, and why: for the log, main.sh, runtimeInfo.json and the report.
"""
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

AS_REQUESTED, PREFER_PYTHON3, MATCH_PSET = "asRequested", "preferPython3", "matchPSet"
POLICIES = (AS_REQUESTED, PREFER_PYTHON3, MATCH_PSET)
#: What a step names to leave the choice to the runtime, and what the policies choose between.
AUTO, PYTHON2_TWIN, PYTHON3_TWIN = "auto", "cmsRun", "cmsRunPython3"


@attr.s(frozen=True)
class ExecutableRequest(object):
    """
    Hold what a step asks for.

    :param text: str, the step's application.command.executable
    :param words: tuple of str, the program and its options, cut where main.sh cuts: at white space, and quotes
        mean nothing
    :param policy: str, the one of POLICIES that is in force
    :param reasons: tuple of str, why it is another than the step names
    """
    text = attr.ib()
    words = attr.ib()
    policy = attr.ib()
    reasons = attr.ib(default=())

    @classmethod
    def of(cls, executable, policy=None):
        """
        Read what a step asks for.

        :param executable: str, a name with or without options; `auto` for the policy matchPSet
        :param policy: str, one of POLICIES; None for asRequested, or for matchPSet when `auto` is asked for. For
            anything but auto, cmsRun and cmsRunPython3 it is asRequested, whatever the step names
        :return: ExecutableRequest
        :raises WMRuntimeError: for an unknown policy
        """
        if policy and policy not in POLICIES:
            raise WMRuntimeError(None, "There is no policy %r." % (policy,), "known are %s" % ", ".join(POLICIES),
                                 "set one of these")
        words = tuple(re.findall("[^ \\t\\n]+", executable or ""))
        program, named, reasons = words[0] if words else "", policy or AS_REQUESTED, ()
        policy = MATCH_PSET if program == AUTO and named == AS_REQUESTED else named
        if policy != AS_REQUESTED and program not in (AUTO, PYTHON2_TWIN, PYTHON3_TWIN):
            policy = AS_REQUESTED
            reasons = ("the policy %s only chooses between %s and %s" % (named, PYTHON2_TWIN, PYTHON3_TWIN),)
        return cls(executable, words, policy, reasons)

    @property
    def program(self):
        """Give the program alone, empty when none is named."""
        return self.words[0] if self.words else ""

    @property
    def isOpen(self):
        """Say whether the step leaves the choice to the runtime."""
        return self.policy != AS_REQUESTED

    def withProgram(self, program):
        """
        Give the command of another program with the options of this request.

        :param program: str
        :return: str
        """
        return " ".join((program,) + self.words[1:])


@attr.s(frozen=True)
class RejectedExecutable(object):
    """
    Hold an executable that was not taken, or a provider or plugin that could not be asked.

    :param name: str
    :param path: str, or None when it is not there
    :param reason: str
    """
    name = attr.ib()
    path = attr.ib()
    reason = attr.ib()


@attr.s(frozen=True)
class ExecutableChoice(object):
    """
    Hold what a step runs, and why.

    :param name: str, as main.sh is to call it, with the options the step gave
    :param path: str, the file that is started; None when nobody looked
    :param python: int, 2 or 3; None when that is unknown or does not matter
    :param policy: str, one of POLICIES
    :param reasons: tuple of str
    :param rejected: tuple of RejectedExecutable
    :param language: PSetLanguage, or None when the PSet was not looked at
    :param requested: str, what the step asks for
    """
    name = attr.ib()
    path = attr.ib()
    python = attr.ib(default=None)
    policy = attr.ib(default=AS_REQUESTED)
    reasons = attr.ib(default=())
    rejected = attr.ib(default=())
    language = attr.ib(default=None)
    requested = attr.ib(default=None)

    @property
    def ours(self):
        """Say whether the runtime had a hand in it: it is not just what the step names."""
        return self.policy != AS_REQUESTED or self.name != self.requested

    def describe(self):
        """
        Say it in lines for people.

        :return: list of str; a line may hold any character of the PSet or of a path
        """
        lines = ["%s (%s, python %s), policy %s" % (self.name, self.path or "taken unseen", self.python or "unknown",
                                                    self.policy)]
        lines += ["because: %s" % reason for reason in self.reasons]
        return lines + ["not %s: %s" % (item.name, item.reason) for item in self.rejected]

    def toDict(self):
        """
        Give it for JSON.

        :return: dict
        """
        return {"name": self.name, "requested": self.requested, "path": self.path, "python": self.python,
                "policy": self.policy, "reasons": list(self.reasons),
                "rejected": [attr.asdict(item) for item in self.rejected],
                "pset": None if self.language is None else {
                    "verdict": self.language.verdict, "findings": [str(item) for item in self.language.findings],
                    "notes": list(self.language.notes)}}
