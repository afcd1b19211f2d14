"""
What a check is, and how it says what it found.
"""
import attr

from WMCore.WMRuntime.Environment.EnvironmentProvider import Finding


@attr.s(frozen=True)
class Check(object):
    """
    Describe one kind of check.

    :param name: str, as `--only` names it
    :param title: str, what it shows when it passes
    :param look: callable taking CheckBench, CheckedArea, AreaStart or None, and CheckRelease or None; gives an Outcome
    :param runs: bool, whether it runs the area's programs: only where they are for this machine's CPU
    :param perRelease: bool, whether it is made for each release series the area serves
    :param isJob: bool, whether it is a whole job, which `--no-jobs` leaves out
    """
    name = attr.ib(type=str)
    title = attr.ib(type=str)
    look = attr.ib()
    runs = attr.ib(default=False)
    perRelease = attr.ib(default=False)
    isJob = attr.ib(default=False)


@attr.s(frozen=True)
class Outcome(object):
    """
    Hold what a check saw.

    :param findings: tuple of Finding
    :param facts: dict of str to str, for people
    :param skipped: str, why there was nothing to check; empty when there was
    """
    findings = attr.ib(default=(), converter=tuple)
    facts = attr.ib(factory=dict)
    skipped = attr.ib(default="")


def error(code, message, remedy, path=""):
    """Give a Finding that fails an area."""
    return Finding(code, "error", message, remedy, path)


def warning(code, message, remedy, path=""):
    """Give a Finding that a person should see, and that fails nothing."""
    return Finding(code, "warning", message, remedy, path)


def info(code, message, remedy="", path=""):
    """Give a Finding that explains."""
    return Finding(code, "info", message, remedy, path)
