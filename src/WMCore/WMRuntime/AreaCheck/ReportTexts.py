"""
The texts of reports for machines, JUnit XML and JSON, and of findings in both.
"""
import json
import re

from WMCore.WMRuntime.AreaCheck.CheckResult import FAILED, SKIPPED

# What XML 1.0 cannot hold: areas and programs say what they like.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def cleanText(text):
    """
    Leave out of a text what no XML and no UTF-8 file can hold.

    :param text: str
    :return: str, a question mark in each place
    """
    return _NO_XML.sub("?", text)


def jsonText(report):
    """
    Give a report as JSON.

    :param report: CheckReport
    :return: str
    """
    return json.dumps(report.toDict(), indent=1, sort_keys=True) + "\n"


def findingText(finding):
    """
    Tell a finding in a few lines.

    :param finding: Finding
    :return: str, without the command
    """
    lines = ["%s %s: %s" % (finding.severity, finding.code, finding.message)]
    lines += ["  %s: %s" % (label, text) for label, text in (("file", finding.path), ("what to do", finding.remedy))
              if text]
    return "\n".join(lines)


def junitText(report):
    """
    Give a report as JUnit XML: a suite for each area, a case for each check.

    :param report: CheckReport
    :return: str
    """
    from junitparser import JUnitXml, TestSuite
    xml = JUnitXml("wmruntime area check")
    for area in report.areas:
        suite = TestSuite(area.area.name)
        for name in ("directory", "system", "cpu"):
            suite.add_property(name, cleanText(getattr(area.area, name)))
        suite.add_testcases([_case(area.area, result) for result in area.results])
        xml.add_testsuite(suite)
    xml.update_statistics()
    return xml.tostring().decode("utf-8")


def commandsOf(result, findings):
    """
    List the commands that show findings again.

    :param result: CheckResult
    :param findings: iterable of Finding, of the result
    :return: list of str, each once, the one that repeats the whole check last
    """
    own = [finding.command for finding in findings if finding.command and finding.command != result.command]
    return list(dict.fromkeys(own)) + [result.command]


def _case(area, result):
    """Make the case of one check; an error fails it, what else was found is its output."""
    from junitparser import Failure, Skipped, TestCase
    case = TestCase(result.name, classname=area.name.replace("/", "."), time=round(result.seconds, 3))
    errors = [finding for finding in result.findings if finding.severity == "error"]
    others = [finding for finding in result.findings if finding.severity != "error"]
    if result.status == SKIPPED:
        case.result = [Skipped(cleanText(result.skipped))]
    elif result.status == FAILED:
        failures = [Failure(cleanText(finding.message.splitlines()[0]), finding.code) for finding in errors]
        for failure, finding in zip(failures, errors):
            failure.text = cleanText("\n  repeat it: ".join([findingText(finding)] + commandsOf(result, [finding])))
        case.result = failures
    if others:
        case.system_out = cleanText("\n".join(findingText(finding) for finding in others))
    return case
