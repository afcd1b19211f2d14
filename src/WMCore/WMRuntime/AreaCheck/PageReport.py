"""
The report as one HTML page: the grid of systems and CPUs, behind each cell what was found.

The page needs no network and no script: a cell is a link to its part of the page, which shows when it is the
link's target.
"""
import pkgutil

from WMCore.WMRuntime.AreaCheck.CheckResult import FAILED, PASSED, SKIPPED, WARNING
from WMCore.WMRuntime.AreaCheck.ReportTexts import cleanText

TEMPLATE = "page.html"
#: How each status is shown: a sign and a word, for those who do not see the colour.
SIGNS = {FAILED: ("\u2718", "broken"), WARNING: ("\u26a0", "warnings"), PASSED: ("\u2714", "good"),
         SKIPPED: ("\u2013", "no area")}
CHECK_WORDS = {FAILED: "failed", WARNING: "warning", PASSED: "passed", SKIPPED: "not made"}


def anchorOf(area):
    """
    Give the name of an area's part of the page.

    :param area: CheckedArea
    :return: str, such as COMP-rhel8_x86_64; two roots with the same area differ by the root
    """
    return "".join(char if char.isalnum() or char in "_-" else "-" for char in area.directory.strip("/"))


def cellNote(result):
    """
    Say in a few words what an area's cell stands for.

    :param result: AreaResult
    :return: str
    """
    if result.missing:
        return "none published" if result.status == SKIPPED else "missing"
    errors, warnings = result.count("error"), result.count("warning")
    parts = ["%d error%s" % (errors, "s" * (errors != 1))] * bool(errors) + \
            ["%d warning%s" % (warnings, "s" * (warnings != 1))] * bool(warnings)
    made = sum(not check.skipped for check in result.results)
    return ", ".join(parts or ["%d check%s" % (made, "s" * (made != 1))]) + ("" if result.executed else ", files only")


def _clean(value):
    """Prepare a value for the page: what jinja2 then escapes is text that a file can hold."""
    return cleanText("%s" % value)


def pageText(report):
    """
    Give a report as HTML.

    :param report: CheckReport
    :return: str
    """
    import jinja2
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True, finalize=_clean)
    environment.globals.update(anchorOf=anchorOf, cellNote=cellNote, signs=SIGNS, checkWords=CHECK_WORDS)
    template = environment.from_string(pkgutil.get_data(__package__, TEMPLATE).decode("utf-8"))
    return template.render(report=report)
