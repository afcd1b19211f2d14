"""
`wmruntime fjr`: what a FrameworkJobReport.xml says, and how far it can be trusted.
"""
import json
import shutil
import sys
import textwrap

from WMCore.WMRuntime.Command.JobReportDiff import differences
from WMCore.WMRuntime.Command.JobReportSummary import (counted, errorTitle, repaired, short, summaryRows, totalEvents,
                                                       trouble)
from WMCore.WMRuntime.Command.Table import printRow, shown
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.JobReport.ParseResult import COMPLETE, UNUSABLE
from WMCore.WMRuntime.JobReport.ReportAttempt import NO_FILE
from WMCore.WMRuntime.JobReport.ReportParser import parse

_WIDTH = 12
# Rows to be broken where the terminal ends; a path is whole on its line, to be copied.
_PROSE = ("status", "trouble", "what to do", "note")


def register(groups):
    """
    Add the commands for job reports to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("fjr", help="what a FrameworkJobReport.xml of cmsRun says")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    show = commands.add_parser("show", help="tell what is in a report: files, events, errors, repairs",
                               description="Exit code 1 when nothing of the report can be used.")
    show.add_argument("file", metavar="FILE", help="a FrameworkJobReport.xml; it is never changed")
    show.add_argument("--json", action="store_true", help="print all of it as JSON")
    show.set_defaults(run=_show)
    check = commands.add_parser("check", help="say in a line each whether reports are complete and tell of no error",
                                description="Exit code 0 when all are complete and tell of no error, else 1.")
    check.add_argument("files", metavar="FILE", nargs="+")
    check.set_defaults(run=_check)
    diff = commands.add_parser("diff", help="say what differs between two reports",
                               description="Exit code 0 when they say the same, 1 when not, 2 when one cannot be used.")
    diff.add_argument("files", metavar="FILE", nargs=2)
    diff.add_argument("--performance", action="store_true", help="compare the performance numbers, too")
    diff.set_defaults(run=_diff)


def _show(arguments):
    result = parse(arguments.file)
    if _isMissing(result):
        raise _unusable(result)
    if arguments.json:
        print(json.dumps(dict(result.toDict(), path=result.path), indent=2, sort_keys=True))
    else:
        for name, text in summaryRows(result):
            _printRow(name, text)
    return 1 if result.status == UNUSABLE else 0


def _printRow(name, text):
    """Print a row, of prose as many as the terminal needs."""
    lines = [text]
    if name in _PROSE:
        columns = max(40, shutil.get_terminal_size().columns - _WIDTH - 1)
        lines = textwrap.wrap(shown(text, sys.stdout.encoding), columns, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        printRow("" if number else name, line, _WIDTH)


def _check(arguments):
    good = True
    for path in arguments.files:
        result = parse(path)
        good = good and result.status == COMPLETE and not result.failed
        print(shown(_checkLine(result), sys.stdout.encoding))
    return 0 if good else 1


def _checkLine(result):
    """Say in a line how a report is, what is in it, and what is wrong with it."""
    code = "%d" % result.exitCode if result.exitCode or not result.failed else "-"
    files = ["%d %s (%s)" % (len(files), way, counted(totalEvents(files), "event"))
             for way, files in (("in", result.report.inputFiles), ("out", result.report.outputFiles))]
    wrong = ["error %s" % errorTitle(error) for error in result.report.errors[:1]]
    wrong += [trouble(error) for error in result.errors] + ["repaired: %s" % repaired(repair) for repair in result.repairs]
    if result.report.skippedFiles:
        wrong.append("%s skipped" % counted(len(result.report.skippedFiles), "input file"))
    return "%-11s code %-5s %s  %s%s" % (result.status, code, ", ".join(files), result.path,
                                         "".join("; " + text for text in wrong))


def _diff(arguments):
    results = [parse(path) for path in arguments.files]
    unusable = [result for result in results if result.status == UNUSABLE]
    for result in unusable:
        print("wmruntime: %s" % _unusable(result), file=sys.stderr)
    if unusable:
        return 2
    found = differences(*results, performance=arguments.performance)
    if not found:
        print("The reports say the same%s." % ("" if arguments.performance else "; performance numbers are left aside"))
        return 0
    for name, result in zip("AB", results):
        printRow(name, result.path, 1)
    for subject, lines in found:
        for line in [subject] + ["    " + line for line in lines]:
            print(shown(short(line), sys.stdout.encoding))
    return 1


def _isMissing(result):
    return bool(result.errors) and result.errors[0].kind == NO_FILE


def _unusable(result):
    """Make the error of a report that is not there, or of which nothing can be read."""
    error, path = result.errors[0], shown(result.path, sys.stderr.encoding)
    if _isMissing(result):
        return WMRuntimeError(None, "There is no job report %s." % path, shown(error.message, sys.stderr.encoding),
                              "give the path of a FrameworkJobReport.xml; a job leaves it in the step's directory, "
                              "job/WMTaskSpace/<step>")
    return WMRuntimeError(None, "Nothing of the job report %s can be used." % path,
                          shown(trouble(error), sys.stderr.encoding),
                          "look with: wmruntime fjr show; is it the FrameworkJobReport.xml of a step's directory?")
