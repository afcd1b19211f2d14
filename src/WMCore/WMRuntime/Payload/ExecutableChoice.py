"""
What a step runs, and why: the outcome of a selection, for the log, main.sh, runtimeInfo.json and the report.
"""
import attr

AS_REQUESTED, PREFER_PYTHON3, MATCH_PSET = "asRequested", "preferPython3", "matchPSet"
POLICIES = (AS_REQUESTED, PREFER_PYTHON3, MATCH_PSET)


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
