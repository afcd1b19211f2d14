"""
The report and the progress for a terminal, or for a log.
"""
import sys

from WMCore.WMRuntime.AreaCheck.CheckResult import PRESENT, SKIPPED
from WMCore.WMRuntime.AreaCheck.PageReport import SIGNS, cellNote
from WMCore.WMRuntime.AreaCheck.ReportTexts import commandsOf, findingText
from WMCore.WMRuntime.Command.Table import shown
from WMCore.WMRuntime.Tools.ShownText import counted

_WIDTH = 34


def reportLines(report, verbose=False):
    """
    Tell a report line by line: each area, under it what was found.

    :param report: CheckReport
    :param verbose: bool, whether to tell each check, and what is only information
    :return: generator of str
    """
    for result in report.areas:
        yield "%-*s %-9s %s" % (_WIDTH, result.area.name, SIGNS[result.status][1], cellNote(result))
        for check in result.results:
            if verbose or check.status == SKIPPED and check.check == PRESENT:
                facts = ", ".join("%s %s" % fact for fact in check.facts.items())
                yield "    %-28s %-8s %5.1f s  %s" % (check.name, check.status, check.seconds, check.skipped or facts)
            told = [finding for finding in check.findings if verbose or finding.severity != "info"]
            for finding in told:
                for line in findingText(finding).splitlines():
                    yield "    " + line
            for command in commandsOf(check, told) if told else ():
                yield "      repeat it: %s" % command
    for path in report.stray:
        yield "%s: looks like an area, and no job ever looks there" % path
    counts = ["%d %s" % (report.count(status), SIGNS[status][2]) for status in SIGNS if report.count(status)]
    yield "%s in %.1f s: %s" % (counted(len(report.areas), "area"), report.seconds, ", ".join(counts) or "none")


def printReport(report, verbose=False):
    """
    Print a report.

    :param report: CheckReport
    :param verbose: bool, see reportLines
    """
    for line in reportLines(report, verbose):
        print(shown(line, sys.stdout.encoding))


class TerminalProgress(object):
    """Show how far the checks are: rich's bar where the output is a terminal and rich is installed, else nothing."""

    def __init__(self, stream=None):
        self._stream = stream or sys.stderr
        self._bar = None
        self._task = None

    def __enter__(self):
        if self._stream.isatty():
            try:
                from rich.console import Console
                from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
            except ImportError:
                return self
            self._bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                                 TimeElapsedColumn(), console=Console(file=self._stream), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("preparing", total=None)
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, area, result, done, total):
        """Take note of a check that was made."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total,
                             description="%s %s" % (area.name, result.name.replace("[", " ").rstrip("]")))
