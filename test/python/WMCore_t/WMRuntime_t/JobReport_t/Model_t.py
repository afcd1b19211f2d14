"""Tests of JobReport/Model and Element: values that cannot be changed, and their way to JSON and back."""
import copy
import json
import pickle

import attr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.Element import (AnalysisFile, Element, FrameworkError, SkippedEvent, UnknownElement,
                                                asNumber)
from WMCore.WMRuntime.JobReport.Model import (ITEM_CLASSES, FrameworkJobReport, InputFile, OutputFile,
                                              PerformanceReport, PerformanceSection, Run)
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.JobReport_t.Reports import items, numbers, reports, texts

ERROR = FrameworkError("FrameworkError", {"ExitStatus": "84", "Type": "FileOpenError"}, "no such file")
FILE = OutputFile("File", {}, {"LFN": "/a", "TotalEvents": "7"}, (Run("1", {5: None, 6: 3}, ((6, 1),)),),
                  ({"LFN": "/in"},), (UnknownElement("State", {"Value": "open"}),), ("a problem",))
TABLES = PerformanceReport("PerformanceReport", {}, "", (
    PerformanceSection("PerformanceSummary", {"Metric": "Timing"}, (("a", "1"), ("a", "2"), (None, "3"))),))
VALUES = [ERROR, FILE, TABLES, FrameworkJobReport((ERROR, FILE)), FILE.runs[0], TABLES.sections[0]]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
class TestEveryValue(object):

    def test_isFrozenAndTakesNoOtherAttribute(self, value):
        for name in [field.name for field in attr.fields(type(value))] + ["somethingElse"]:
            with pytest.raises(AttributeError):
                setattr(value, name, None)
        assert not hasattr(value, "__dict__")

    def test_comesBackFromJson(self, value):
        again = type(value).fromDict(json.loads(json.dumps(value.toDict())))
        assert again == value and type(again) is type(value)
        assert repr(again) == repr(value)

    def test_comesBackFromPickleAndCopy(self, value):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value

    def test_differsWhenAnyFieldDiffers(self, value):
        for field in attr.fields(type(value)):
            assert attr.evolve(value, **{field.name: "other"}) != value
        assert value != "another type"

    def test_isNotMadeFromADictOfOtherFields(self, value):
        data = value.toDict()
        for broken in (dict(data, more=1), dict(list(data.items())[1:]), [], None, "text"):
            with pytest.raises(ValueError) as caught:
                type(value).fromDict(broken)
            assert type(value).__name__ in str(caught.value)


@pytest.mark.parametrize("data", [{"items": 5}, {"items": [5]}, {"items": [{"name": ["File"]}]},
                                  {"items": [{"name": "File"}]}])
def test_aReportIsNotMadeFromItemsThatAreNone(data):
    with pytest.raises(ValueError):
        FrameworkJobReport.fromDict(data)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(reports())
def test_anyReportComesBackFromDictsAndFromJson(written):
    report = written[1]
    assert FrameworkJobReport.fromDict(report.toDict()) == report
    again = FrameworkJobReport.fromDict(json.loads(json.dumps(report.toDict())))
    assert again == report
    # Equal dicts may differ in order; the text of them does not.
    assert repr(again) == repr(report)


def test_toDictSharesNothingWithTheReport():
    data = FILE.toDict()
    data["texts"]["LFN"] = "/b"
    data["inputs"][0].clear()
    data["extras"][0]["attributes"].clear()
    assert FILE.lfn == "/a" and FILE.inputs == ({"LFN": "/in"},) and FILE.state == "open"


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(items(), max_size=6))
def test_everyItemIsSelectedOnceInTheOrderOfTheFile(pieces):
    report = FrameworkJobReport(tuple(piece.value for piece in pieces))
    selections = [report.inputFiles, report.outputFiles, report.analysisFiles, report.errors, report.skippedFiles,
                  report.skippedEvents, report.fallbackAttempts, report.performanceReports, report.unknownElements]
    assert sum(len(one) for one in selections) == len(report.items)
    for one in selections:
        places = [[item is each for each in report.items].index(True) for item in one]
        assert places == sorted(places) and len({type(item) for item in one}) < 2


def test_whatIsMissingIsNone():
    for fileClass in (InputFile, OutputFile):
        empty = fileClass("File")
        assert (empty.lfn, empty.pfn, empty.catalog, empty.moduleLabel, empty.guid, empty.state) == (None,) * 6
        assert empty.events is None and empty.runs == () and empty.inputs == ()
    assert FrameworkError("FrameworkError").exitCode is None
    assert SkippedEvent("SkippedEvent").run is None
    assert AnalysisFile("AnalysisFile").fileName is None and AnalysisFile("AnalysisFile").values == {}


def test_fieldsHaveTheNamesOfTheWriter():
    assert (ERROR.exitStatus, ERROR.exitCode, ERROR.type, ERROR.text) == ("84", 84, "FileOpenError", "no such file")
    assert (FILE.lfn, FILE.totalEvents, FILE.events, FILE.state) == ("/a", "7", 7, "open")
    assert (TABLES.sections[0].metric, TABLES.sections[0].module) == ("Timing", None)


def test_problemsOfAllItemsAreToldWithTheirElement():
    assert FrameworkJobReport((ERROR, FILE)).problems == ("File: a problem",)


def test_everyItemClassIsDocumentedAndItsElementNamed():
    for name, itemClass in ITEM_CLASSES.items():
        assert itemClass.__doc__ and name in ("File", itemClass.__name__)
        assert itemClass(name).name == name
    assert not issubclass(InputFile, Element)


@given(st.one_of(st.none(), st.text(max_size=8), numbers(), texts(), st.integers().map(str)))
def test_aNumberIsWhatPythonReadsAsOneUnlessItIsTooLong(text):
    try:
        expected = int(text)
    except (TypeError, ValueError):
        expected = None
    assert asNumber(text) == (expected if text is None or len(text) <= 20 else None)


def test_aMillionDigitsAreNoNumber():
    assert asNumber("9" * 1000000) is None
