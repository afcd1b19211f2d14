"""
The report as one HTML page: the grid of systems and CPUs, behind each cell what was found.

The page needs no network and no script: a cell is a link to its part of the page, which shows when it is the
link's target.
"""
import pkgutil

from WMCore.WMRuntime.AreaCheck.CheckResult import FAILED, PASSED, SKIPPED, WARNING
from WMCore.WMRuntime.AreaCheck.ReportTexts import cleanText
from WMCore.WMRuntime.Tools.ShownText import counted

TEMPLATE = "page.html"
#: How each status is shown: a sign and a word, for those who do not see the colour, and what goes after a number of areas.
SIGNS = {FAILED: ("\u2718", "broken", "broken"), WARNING: ("\u26a0", "warnings", "with warnings"),
         PASSED: ("\u2714", "good", "good"), SKIPPED: ("\u2013", "no area", "not published")}
_CODES = 2
CHECK_WORDS = {FAILED: "failed", WARNING: "warning", PASSED: "passed", SKIPPED: "not made"}


def anchorOf(area):
    """
    Give the name of an area's part of the page.

    :param area: CheckedArea
    :return: str, such as COMP-rhel8_x86_64-0a1b2c3d4e5f, the area's own: two roots with the same area differ by the key
    """
    return "".join(char if char.isalnum() or char in "_-" else "-" for char in area.areaPath) + "-" + area.key


def cellNote(result):
    """
    Say in a few words what an area's cell stands for.

    :param result: AreaResult
    :return: str
    """
    if result.missing:
        return "none published" if result.status == SKIPPED else "missing"
    errors, warnings = result.count("error"), result.count("warning")
    parts = [counted(errors, "error")] * bool(errors) + [counted(warnings, "warning")] * bool(warnings)
    made = sum(not check.skipped for check in result.results)
    return ", ".join(parts or [counted(made, "check")]) + ("" if result.executed else ", files only")


def cellCodes(result):
    """
    Name what an area's cell is coloured for.

    :param result: AreaResult
    :return: str, the codes of its errors, without any those of its warnings; empty when it has neither
    """
    for severity in ("error", "warning"):
        codes = list(dict.fromkeys(finding.code for finding in result.findings if finding.severity == severity))
        if codes:
            return ", ".join(codes[:_CODES] + ["%d more" % len(codes[_CODES:])] * (len(codes) > _CODES))
    return ""


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
    environment.globals.update(anchorOf=anchorOf, cellCodes=cellCodes, cellNote=cellNote, signs=SIGNS, checkWords=CHECK_WORDS)
    template = environment.from_string(pkgutil.get_data(__package__, TEMPLATE).decode("utf-8"))
    return template.render(report=report)
