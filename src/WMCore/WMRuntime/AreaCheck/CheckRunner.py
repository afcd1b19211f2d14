"""
Make the checks of all areas, several at a time.
"""
import os
import platform
import re
import shlex
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import attr

from WMCore.WMRuntime.AreaCheck.AreaStart import startArea
from WMCore.WMRuntime.AreaCheck.Check import Outcome, error
from WMCore.WMRuntime.AreaCheck.CheckBench import ProbeFailed
from WMCore.WMRuntime.AreaCheck.CheckResult import PRESENT, AreaResult, CheckReport, CheckResult
from WMCore.WMRuntime.AreaCheck.ReleaseChecks import RELEASE_CHECKS
from WMCore.WMRuntime.AreaCheck.RunningChecks import RUNNING_CHECKS
from WMCore.WMRuntime.AreaCheck.StaticChecks import STATIC_CHECKS
from WMCore.WMRuntime.Errors import WMRuntimeError

CHECKS = STATIC_CHECKS + RUNNING_CHECKS + RELEASE_CHECKS
NAMES = tuple(check.name for check in CHECKS)
PYTHON = "python"


@attr.s(frozen=True)
class CheckRequest(object):
    """
    Say which checks to make.

    :param areas: tuple of CheckedArea
    :param stray: tuple of str, paths that look like areas and are none
    :param only: tuple of str, names of checks; none for all
    :param releases: tuple of str, releases for the checks that need one; none for those each area must serve
    :param withJobs: bool, whether whole jobs are run
    :param workers: int, checks at a time
    :param options: tuple of str, options of the command line that a repeated check needs as well
    """
    areas = attr.ib(converter=tuple)
    stray = attr.ib(default=(), converter=tuple)
    only = attr.ib(default=(), converter=tuple)
    releases = attr.ib(default=(), converter=tuple)
    withJobs = attr.ib(default=True)
    workers = attr.ib(default=2)
    options = attr.ib(default=(), converter=tuple)

    def checks(self):
        """
        Choose the checks; one that runs something comes with the check that the python starts.

        :return: tuple of Check
        """
        chosen = [check for check in CHECKS if not self.only or check.name in self.only]
        if any(check.runs for check in chosen):
            chosen += [check for check in CHECKS if check.name == PYTHON and check not in chosen]
        return tuple(sorted((check for check in chosen if self.withJobs or not check.isJob), key=CHECKS.index))


class CheckRunner(object):
    """
    Make the checks of one request.

    :param bench: CheckBench
    :param request: CheckRequest
    :param progress: callable taking (CheckedArea, CheckResult or None, checks done, checks in all)
    """

    def __init__(self, bench, request, progress=lambda area, result, done, total: None):
        self.bench = bench
        self.request = request
        self.progress = progress
        self._machine = platform.machine()
        self._results = {area: {} for area in request.areas}
        self._total = 0
        self._waiting = {}

    def run(self):
        """
        Make all checks.

        :return: CheckReport
        :raises WMRuntimeError: when what the checks need cannot be made
        """
        started = time.time()
        checks = self.request.checks()
        runs = [check for check in checks if check.runs and any(map(self._canRun, self.request.areas))]
        if runs:
            self.bench.prepareNode()
        plan = {area: self._plan(area, checks) for area in self.request.areas}
        if any(check.name in ("closure", "leak") for check in runs):
            self.bench.prepareSandbox()
        self._total = sum(map(len, plan.values()))
        self._work(plan)
        description = self.bench.description
        areas = [AreaResult(area, self._inOrder(area), self._canRun(area)) for area in self.request.areas]
        return CheckReport(areas, [system.name for system in description.systems], description.cpus,
                           description.sha256, started, time.time() - started, stray=self.request.stray)

    def _canRun(self, area):
        return area.there and area.cpu == self._machine

    def _plan(self, area, checks):
        """List an area's checks, (Check, CheckRelease or None), in the order they are reported in."""
        if not area.there:
            return []
        planned = []
        for check in checks:
            if check.runs and not self._canRun(area):
                continue
            releases = self.bench.checkReleases(area, self.request.releases) if check.perRelease else (None,)
            planned.extend((check, release) for release in releases)
        return planned

    def _work(self, plan):
        """Make the planned checks; those that need an area's python wait until it has started."""
        with ThreadPoolExecutor(self.request.workers) as pool:
            try:
                # The areas that run first: their checks are the long ones.
                for area in sorted(plan, key=lambda area: not self._canRun(area)):
                    first = [item for item in plan[area] if not item[0].runs or item[0].name == PYTHON]
                    for item in sorted(first, key=lambda item: not item[0].runs):
                        self._waiting[pool.submit(self._make, area, item, None)] = (area, item)
                while self._waiting:
                    for future in wait(self._waiting, return_when=FIRST_COMPLETED)[0]:
                        area, item = self._waiting.pop(future)
                        result, start = future.result()
                        self._keep(area, result)
                        if item[0].name == PYTHON:
                            self._goOn(pool, area, plan[area], start)
            except BaseException:
                for future in self._waiting:
                    future.cancel()
                self.bench.children.stop()
                raise

    def _goOn(self, pool, area, planned, start):
        """Start the checks that waited for an area's python, or say why they are not made."""
        for check, release in planned:
            if not check.runs or check.name == PYTHON:
                continue
            if start is None or start.problem:
                self._keep(area, self._result(area, check, release, Outcome(
                    skipped="the python does not start: see the check python"), 0.0))
            else:
                self._waiting[pool.submit(self._make, area, (check, release), start)] = (area, (check, release))

    def _keep(self, area, result):
        self._results[area][result.name] = result
        self.progress(area, result, sum(map(len, self._results.values())), self._total)

    def _make(self, area, item, start):
        """Make one check, in a thread; gives its result, and what came of starting the area when it was started."""
        check, release = item
        began = time.monotonic()
        try:
            if check.name == PYTHON:
                start = startArea(self.bench, area)
            outcome = check.look(self.bench, area, start, release)
        except (ProbeFailed, WMRuntimeError, OSError) as ex:
            outcome = Outcome([error("checkFailed", "the check gave no answer: %s" % ex,
                                     "see the message; on CVMFS, see whether the area can be read", area.directory)])
        return self._result(area, check, release, outcome, time.monotonic() - began), start

    def _result(self, area, check, release, outcome, seconds):
        """Compose a result; each finding gets the command that repeats its check."""
        command = self.command(area, check.name, release)
        findings = [attr.evolve(finding, message=self._real(area, finding.message), path=self._real(area, finding.path),
                                command=self._real(area, finding.command) or command) for finding in outcome.findings]
        facts = {name: self._real(area, value) for name, value in outcome.facts.items()}
        return CheckResult(check.name, check.title, release.name if release else "", findings, facts, outcome.skipped,
                           seconds, command)

    def _real(self, area, text):
        """Put an area's own path in place of the links made for its checks, which mean nothing to a reader."""
        made = re.escape(os.path.join(self.bench.work, "roots")) + r"/%s-rhel[0-9]+/%s/rhel[0-9]+_%s" % tuple(
            re.escape(part) for part in (area.key, area.areaPath, area.cpu))
        return re.sub(made, lambda _: area.directory, text)

    def command(self, area, check, release):
        """
        Give the command that repeats one check.

        :param area: CheckedArea
        :param check: str
        :param release: CheckRelease, or None
        :return: str, for a shell
        """
        words = ["wmruntime", "area", "check", area.directory, "--only", check]
        words += ["--release", release.name] if release else []
        return shlex.join(words + list(self.request.options))

    def _inOrder(self, area):
        """List an area's results in the order of the checks; what is not there at all has one of its own."""
        if area.there:
            return [self._results[area][name] for name in sorted(self._results[area], key=_rank)]
        root = os.path.dirname(os.path.dirname(area.directory))
        command = shlex.join(["wmruntime", "area", "check", "--all", "--root", root, "--only", "layout"])
        others = [other for other in self.request.areas if other.there and other.system == area.system]
        if not others:
            why = "there is no area for %s on any CPU" % area.system
            return [CheckResult(PRESENT, "the area is there", skipped=why, command=command)]
        return [CheckResult(PRESENT, "the area is there", findings=[attr.evolve(error(
            "areaMissing", "there is no area for %s on %s, and one on %s" % (
                area.system, area.cpu, ", ".join(sorted({other.cpu for other in others}))),
            "publish it: `wmruntime area build`", area.directory), command=command)], command=command)]


def _rank(name):
    check, _, release = name.partition("[")
    return NAMES.index(check), release
