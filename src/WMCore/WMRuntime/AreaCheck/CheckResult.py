"""
What the checks of areas came to: of one check, of one area, of all.
"""
import platform
import time

import attr

FAILED, WARNING, PASSED, SKIPPED = "failed", "warning", "passed", "skipped"
_WORST = (FAILED, WARNING, PASSED, SKIPPED)
_OF_SEVERITY = {"error": FAILED, "warning": WARNING}
FORMAT = 1
#: The check that stands for all others where there is no area.
PRESENT = "present"


@attr.s(frozen=True)
class CheckResult(object):
    """
    Hold what one check of one area came to.

    :param check: str, name of the check
    :param title: str, what it shows when it passes, for people
    :param release: str, release it was made with; empty when it needs none
    :param findings: tuple of Finding
    :param facts: dict of str to str, what was seen
    :param skipped: str, why it was not made; empty when it was
    :param seconds: float
    :param command: str, repeats this check alone
    """
    check = attr.ib(type=str)
    title = attr.ib(type=str)
    release = attr.ib(default="")
    findings = attr.ib(default=(), converter=tuple)
    facts = attr.ib(factory=dict)
    skipped = attr.ib(default="")
    seconds = attr.ib(default=0.0)
    command = attr.ib(default="")

    @property
    def name(self):
        """Give the check's name with its release."""
        return "%s[%s]" % (self.check, self.release) if self.release else self.check

    @property
    def status(self):
        """Give FAILED, WARNING, PASSED or SKIPPED."""
        if self.skipped:
            return SKIPPED
        return worst(_OF_SEVERITY.get(finding.severity, PASSED) for finding in self.findings)

    def toDict(self):
        """Give the result for JSON."""
        return {"check": self.check, "title": self.title, "release": self.release, "status": self.status,
                "skipped": self.skipped, "seconds": round(self.seconds, 3), "facts": self.facts,
                "command": self.command, "findings": [finding.toDict() for finding in self.findings]}


@attr.s(frozen=True)
class AreaResult(object):
    """
    Hold what all checks of one area came to.

    :param area: CheckedArea
    :param results: tuple of CheckResult
    :param executed: bool, whether anything of the area could be run here
    """
    area = attr.ib()
    results = attr.ib(converter=tuple)
    executed = attr.ib(type=bool)

    @property
    def status(self):
        """Give the worst status of the checks; SKIPPED when there is no area."""
        return worst(result.status for result in self.results)

    @property
    def missing(self):
        """Tell whether there was no area to check."""
        return any(result.check == PRESENT for result in self.results)

    @property
    def findings(self):
        """Give all findings, those of each check together."""
        return tuple(finding for result in self.results for finding in result.findings)

    def count(self, severity):
        """Count the findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def toDict(self):
        """Give the result for JSON."""
        return {"name": self.area.name, "directory": self.area.directory, "system": self.area.system,
                "cpu": self.area.cpu, "executed": self.executed, "status": self.status,
                "checks": [result.toDict() for result in self.results]}


@attr.s(frozen=True)
class CheckReport(object):
    """
    Hold a whole run.

    :param areas: tuple of AreaResult
    :param systems: tuple of str, the rows of the grid
    :param cpus: tuple of str, its columns
    :param description: str, SHA-256 of the description the areas were compared with
    :param started: float, seconds since the epoch
    :param seconds: float
    :param machine: str, CPU of this machine
    :param host: str, name of this machine
    :param stray: tuple of str, paths that look like areas and are none
    """
    areas = attr.ib(converter=tuple)
    systems = attr.ib(converter=tuple)
    cpus = attr.ib(converter=tuple)
    description = attr.ib(type=str)
    started = attr.ib(type=float)
    seconds = attr.ib(type=float)
    machine = attr.ib(factory=platform.machine)
    host = attr.ib(factory=platform.node)
    stray = attr.ib(default=(), converter=tuple)

    @property
    def ok(self):
        """Tell whether no check found an error."""
        return all(area.status != FAILED for area in self.areas)

    @property
    def startedText(self):
        """Give the time of the run, UTC."""
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.started))

    def cell(self, system, cpu):
        """Give the AreaResults of one system and CPU."""
        return [result for result in self.areas if (result.area.system, result.area.cpu) == (system, cpu)]

    def count(self, status):
        """Count the areas of a status."""
        return sum(area.status == status for area in self.areas)

    def toDict(self):
        """Give the report for JSON."""
        return {"format": FORMAT, "ok": self.ok, "started": self.startedText, "seconds": round(self.seconds, 1),
                "machine": self.machine, "host": self.host, "description": self.description,
                "stray": list(self.stray), "areas": [area.toDict() for area in self.areas]}


def worst(statuses):
    """
    Choose the worst of some statuses.

    :param statuses: iterable of str
    :return: str, PASSED for none
    """
    given = set(statuses)
    return next((status for status in _WORST if status in given), PASSED)
