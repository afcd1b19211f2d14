"""What the checks tell machines: JUnit XML and JSON."""
import json
import sys
import xml.etree.ElementTree as ElementTree

import attr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.AreaCheck.ReportTexts import cleanText, jsonText, junitText
from WMCore_t.WMRuntime_t.AreaCheck_t.SampleReports import COMMAND, HOSTILE, areaResult, finding, \
    sampleReport

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)


def test_junitHasASuiteForEachAreaAndFailsTheBrokenOne():
    pytest.importorskip("junitparser")
    suites = ElementTree.fromstring(junitText(sampleReport()))
    assert len(suites.findall("testsuite")) == 12 and suites.get("failures") == "1" and suites.get("tests") == "12"
    failure = suites.find(".//failure")
    assert failure.get("type") == "initEndsShell" and COMMAND in failure.text and "publish it again" in failure.text


def test_junitDoesNotFailForWarningsAndTellsThem():
    pytest.importorskip("junitparser")
    suites = ElementTree.fromstring(junitText(sampleReport([finding("warning", "old")])))
    assert suites.get("failures") == "0" and "old" in suites.find(".//system-out").text


def test_junitSaysWhichChecksWereNotMade():
    pytest.importorskip("junitparser")
    report = attr.evolve(sampleReport(), areas=[areaResult("rhel9", "x86_64", skipped="no area")])
    assert ElementTree.fromstring(junitText(report)).find(".//skipped").get("message") == "no area"


def test_junitStaysXmlWhateverAnAreaSays():
    pytest.importorskip("junitparser")
    text = ElementTree.fromstring(junitText(sampleReport([finding(message=HOSTILE)]))).find(".//failure").text
    assert "<script>alert(1)</script>" in text and "\x00" not in text


def test_jsonHoldsAllFindings():
    data = json.loads(jsonText(sampleReport([finding(), finding("info", HOSTILE)])))
    assert data["format"] == 1 and data["ok"] is False and len(data["areas"]) == 12
    broken = [area for area in data["areas"] if area["status"] == "failed"]
    assert [area["name"] for area in broken] == ["COMP/rhel8_x86_64"]
    check = broken[0]["checks"][0]
    assert check["command"] == COMMAND and [one["severity"] for one in check["findings"]] == ["error", "info"]


@given(st.text())
def test_cleanTextIsTextForXmlAndFiles(text):
    cleaned = cleanText(text)
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
