"""
What a probe found out about one candidate.
"""
import attr

from WMCore.WMRuntime.Interpreter.Interpreter import versionText


class ProbeAnswerError(ValueError):
    """Say that an interpreter's answer is not what ProbeScript prints."""


@attr.s(frozen=True)
class ProbeVerdict(object):
    """
    Hold what a candidate said of itself, or why it said nothing.

    :param path: str, what was started
    :param version: tuple of three int, None when it did not answer
    :param level: str, final, candidate, beta or alpha
    :param implementation: str, CPython or another
    :param executable: str, the interpreter's own account of where it is; behind a shim another than path
    :param prefix: str
    :param missing: dict of module name to error, of those that could not be imported
    :param problem: str, why there is no answer; empty when there is one
    :param definite: bool, False for a problem that may be gone at the next try, such as a timeout
    :param started: int, processes started for this verdict; 0 when it was known already
    """
    path = attr.ib(type=str)
    version = attr.ib(default=None)
    level = attr.ib(default="final")
    implementation = attr.ib(default="")
    executable = attr.ib(default="")
    prefix = attr.ib(default="")
    missing = attr.ib(factory=dict)
    problem = attr.ib(default="")
    definite = attr.ib(default=True)
    started = attr.ib(default=0, eq=False)

    @property
    def answered(self):
        """Tell whether the candidate is a python that runs."""
        return not self.problem

    def whyUnfit(self, requirement):
        """
        Compare with what is asked for.

        :param requirement: SpecifierSet
        :return: str, None when it fits
        """
        if self.problem:
            return self.problem
        if not fits(requirement, self.version):
            return "it is python %s, %s is needed" % (versionText(self.version), requirement)
        if self.missing:
            return "it cannot import %s" % "; ".join("%s (%s)" % pair for pair in sorted(self.missing.items()))
        return None


def fits(requirement, version):
    """
    Tell whether a version fits.

    :param requirement: SpecifierSet
    :param version: tuple of int
    :return: bool
    """
    return requirement.contains(versionText(version), prereleases=True)


def _text(facts, name):
    value = facts.get(name)
    if not isinstance(value, str):
        raise ProbeAnswerError("%s is %r, expected text" % (name, value))
    return value


def readAnswer(path, facts, started=1):
    """
    Check what a probe printed, or what a file kept of it.

    :param path: str, what was started
    :param facts: what came of the JSON
    :param started: int
    :return: ProbeVerdict
    :raises ProbeAnswerError: when it has another shape
    """
    if not isinstance(facts, dict):
        raise ProbeAnswerError("expected an object, found %r" % (facts,))
    version, missing = facts.get("version"), facts.get("missing")
    if not isinstance(version, list) or len(version) != 3 or not all(type(part) is int and part >= 0
                                                                     for part in version):
        raise ProbeAnswerError("version is %r, expected three numbers" % (version,))
    if not isinstance(missing, dict) or not all(isinstance(error, str) for error in missing.values()):
        raise ProbeAnswerError("missing is %r, expected names and errors" % (missing,))
    return ProbeVerdict(path, tuple(version), _text(facts, "level"), _text(facts, "implementation"),
                        _text(facts, "executable"), _text(facts, "prefix"), missing, started=started)
