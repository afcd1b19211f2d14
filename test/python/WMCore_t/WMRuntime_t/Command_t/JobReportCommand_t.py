"""The wmruntime fjr command."""
import json
import os
import re
import subprocess
import sys

import attr
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Command.JobReportDiff import differences
from WMCore.WMRuntime.Command.JobReportSummary import summaryRows
from WMCore.WMRuntime.Command.Main import main
from WMCore.WMRuntime.JobReport.Model import (FrameworkError, FrameworkJobReport, InputFile, OutputFile,
                                              PerformanceReport, PerformanceSection, Run, UnknownElement)
from WMCore.WMRuntime.JobReport.ParseResult import COMPLETE, ParseResult
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.JobReport_t.Reports import items, reports

GOOD, FAILED, TIMED = "CMSSWMultipleInput.xml", "CMSSWFailReport.xml", "PerformanceReport.xml"
REPORTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 4 + ["data", "fjr"])
NAMES = sorted(name for name in os.listdir(REPORTS) if name.endswith(".xml"))
MALFORMED = os.path.join("malformed", "")


@pytest.fixture
def fjr(capsys):
    """Give a function that runs a command on fixtures: its status, and what it printed to either output."""
    def run(*arguments):
        """Run `wmruntime fjr`; names of fixtures become paths."""
        words = [os.path.join(REPORTS, one) if one.endswith(".xml") else one for one in arguments]
        status = main(["fjr"] + words)
        out, err = capsys.readouterr()
        return status, out.replace(REPORTS + os.sep, ""), err
    return run


@pytest.fixture
def written(tmp_path):
    """Give a function that writes a real report with one text replaced, and gives its path."""
    def write(name, old, new):
        """Write it."""
        with open(os.path.join(REPORTS, name), "rb") as source:
            data = source.read()
        assert old in data
        path = str(tmp_path / "changed.xml")
        with open(path, "wb") as target:
            target.write(data.replace(old, new))
        return path
    return write


def resultOf(report):
    """Give what a whole file with a report would give."""
    return ParseResult(report, COMPLETE, path="x")


class TestShow(object):
    """What `show` prints."""

    def test_aFailedJobTellsItsErrorAndItsFiles(self, fjr):
        status, out, _err = fjr("show", FAILED)
        assert status == 0
        for text in ("job          failed, exit code 8001\n", "error        8001 CMSException\n",
                     "  | cms::Exception caught in cmsRun\n", "  ... 9 more lines\n", "input        1 file, 1 event read\n",
                     "output       2 files, 0 events written\n", "  PFN outputRECORECO.root\n", "  run 121849: 1 lumi\n"):
            assert text in out

    def test_topPerformanceNumbersHaveTheirUnits(self, fjr):
        out = fjr("show", TIMED)[1]
        assert re.findall("performance  (.*)", out) == [
            "peak RSS: 492.293 MB", "peak Vsize: 643.281 MB", "total CPU time: 9.16361 s", "total wall time: 23.5703 s",
            "storage, dcap: read 39.6 MB in 6900 operations, 16.63 s", "storage, file: write 5.2 MB in 6928 operations, 0.03 s",
            "storage, ROOT's own count: read 39.6 MB in 6999 operations, 16.65 s",
            "storage, ROOT's own count: write 5.2 MB in 6928 operations, 0.06 s"]

    def test_throughputAndPssAreToldWhereAReleaseWritesThem(self, fjr, written):
        path = written(TIMED, b'<Metric Name="TotalJobCPU"', b'<Metric Name="EventThroughput" Value="0.43"/>'
                       b'<Metric Name="TotalJobCPU"')
        assert "event throughput: 0.43 events/s\n" in fjr("show", path)[1]
        path = written(TIMED, b'<Metric Name="PeakValueRss"', b'<Metric Name="LargestRssEvent-h-PSS" Value="481.5"/>'
                       b'<Metric Name="PeakValueRss"')
        assert "PSS at the peak of RSS: 481.5 MB\n" in fjr("show", path)[1]

    def test_skippedFilesFallbacksAndOtherElementsAreTold(self, fjr):
        out = fjr("show", "CMSSWSkippedAll.xml")[1]
        assert out.count("skipped      file /store/data/") == 2 and "other        ReadBranches (1)\n" in out
        assert "fallback     /store/" in fjr("show", "CMSSWInputFallback.xml")[1]

    @pytest.mark.parametrize("name, texts", [
        ("cmssw39778_truncatedInMessage", ["status       truncated: ", "trouble      unclosed CDATA", "what to do   keep the file",
                                           "failed, exit code 8001"]),
        ("cmssw50020_ampersandInPfn", ["status       repaired: ", "repaired     unescaped &: 2, first at byte 422", "no error"]),
        ("cmssw41124_placeholder", ["status       placeholder: ", "The placeholder that cmsRun keeps", "what to do   if cmsRun"]),
        ("crabserver7571_wordAsErrorCode", ["error        8001 CMSException (its own code is 'fatal')", "note "]),
        ("cmssw37944_interleavedTags", ["not known to have succeeded; no exit code"])])
    def test_damageIsToldWithWhatToDo(self, name, texts, fjr):
        status, out, _err = fjr("show", MALFORMED + name + ".xml")
        assert status == 0 and [text for text in texts if text not in out] == []

    def test_aReportOfWhichNothingCanBeReadGivesOne(self, fjr):
        status, out, _err = fjr("show", MALFORMED + "doctypeEntityBomb.xml")
        assert status == 1 and "status       unusable" in out and "what to do" in out

    def test_aFileThatIsNotThereIsAnErrorWithARemedy(self, fjr):
        status, out, err = fjr("show", "none/at/all")
        assert (status, out) == (1, "") and "There is no job report none/at/all" in err and "what to do" in err

    @pytest.mark.parametrize("name", NAMES + [MALFORMED + "cmssw50020_ampersandInPfn.xml"])
    def test_jsonHoldsTheWholeModel(self, name, fjr):
        status, out, _err = fjr("show", name, "--json")
        found = json.loads(out)
        report = FrameworkJobReport.fromDict(found["report"])
        assert status == 0 and found["path"] == name and report.toDict() == found["report"] and report.items
        assert (found["status"] == "repaired") == bool(found["repairs"]) == name.startswith("malformed")

    @pytest.mark.parametrize("columns", ["80", "120"])
    def test_onlyNamesOutOfTheFileAreLongerThanATerminal(self, columns, fjr, monkeypatch):
        monkeypatch.setenv("COLUMNS", columns)
        for name in [FAILED, TIMED, MALFORMED + "cmssw39778_truncatedInMessage.xml",
                     MALFORMED + "cmssw38554_interleavedBeforeError.xml"]:
            lines = fjr("show", name)[1].splitlines()
            assert [line for line in lines if len(line) > int(columns) and "/store/" not in line] == []

    def test_aThousandFilesAreTwentyAndACount(self, fjr, tmp_path):
        path = str(tmp_path / "many.xml")
        with open(path, "w", encoding="utf-8") as target:
            target.write("<FrameworkJobReport>%s</FrameworkJobReport>" % (
                "<InputFile><LFN>/store/x.root</LFN><EventsRead>3</EventsRead></InputFile>" * 1000))
        out = fjr("show", path)[1]
        assert "1000 files, 3000 events read" in out and out.count("/store/x.root") == 20 and "... 980 more" in out


def test_hostileTextOnAnAsciiTerminalIsEscapedEverywhere(written, sourceTree):
    path = written(GOOD, b"</FrameworkJobReport>", '<FrameworkError ExitStatus="8001" Type="&#x9b;2J\u00fc">a\u202eb&#13;c\u00e9'
                   '</FrameworkError><Z\u00e9/><SkippedFile Lfn="&#10;status       complete"/></FrameworkJobReport>'.encode("utf-8"))
    environ = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    environ["PYTHONPATH"] = os.pathsep.join([sourceTree] + sys.path)
    for action in (["show", path], ["show", path, "--json"], ["check", path], ["diff", path, os.path.join(REPORTS, GOOD)]):
        child = subprocess.Popen([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "fjr"] + action, env=environ,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = child.communicate()
        text = out.decode("ascii")
        assert (err, child.returncode) == (b"", int(action[0] != "show"))
        assert not [char for char in text if char != "\n" and not char.isprintable()]
        assert "\nstatus       complete\n" not in text


class TestCheck(object):
    """What `check` prints and gives."""

    def test_goodReportsAreALineEachAndGiveZero(self, fjr):
        status, out, err = fjr("check", GOOD, TIMED)
        assert (status, err) == (0, "") and out.splitlines() == [
            "complete    code 0     2 in (4 events), 0 out (0 events)  CMSSWMultipleInput.xml",
            "complete    code 0     1 in (10 events), 1 out (10 events)  PerformanceReport.xml"]

    @pytest.mark.parametrize("bad, text", [
        (FAILED, "code 8001 "), (MALFORMED + "cmssw50020_ampersandInPfn.xml", "repaired: unescaped &: 2"),
        (MALFORMED + "cmssw41124_placeholder.xml", "code 8901 "), (MALFORMED + "shutdownSignal.xml", "stopped by a signal"),
        (MALFORMED + "cmssw39778_truncatedInFile.xml", "code - "), (MALFORMED + "empty.xml", "the file is empty"),
        ("none/at/all", "No such file"), (os.curdir, "no regular file")])
    def test_oneThatIsNotGivesOneAndTheRestAreCheckedToo(self, bad, text, fjr):
        status, out, _err = fjr("check", GOOD, bad, TIMED)
        lines = out.splitlines()
        assert status == 1 and len(lines) == 3 and text in lines[1] and lines[2].endswith(TIMED)

    def test_skippedFilesAreToldThoughTheyAreNoError(self, fjr):
        status, out, _err = fjr("check", "CMSSWSkippedAll.xml")
        assert status == 0 and out.endswith("; 2 input files skipped\n")

    def test_everyFixtureIsJudgedLikeItsParseResult(self, fjr):
        for name in sorted(os.listdir(os.path.join(REPORTS, "malformed"))):
            path = MALFORMED + name
            if not path.endswith(".xml"):
                continue
            found = json.loads(fjr("show", path, "--json")[1])
            assert fjr("check", path)[0] == int(found["status"] != "complete" or found["failed"]), name


class TestDiff(object):
    """What `diff` prints and gives."""

    @pytest.mark.parametrize("name", NAMES)
    def test_aReportIsTheSameAsItself(self, name, fjr):
        assert fjr("diff", name, name, "--performance") == (0, "The reports say the same.\n", "")

    def test_whatDiffersIsSaidInWords(self, fjr):
        status, out, _err = fjr("diff", "CMSSWProcessingReport.xml", "CMSSWWithEventCounts.xml")
        assert status == 1 and out.splitlines()[0] == "A CMSSWProcessingReport.xml"
        assert "\n    run 122023: lumi 215: events unknown in A, 2 events in B\n" in out

    @pytest.mark.parametrize("old, new, text", [
        (b"<EventsRead>2<", b"<EventsRead>5<", 'EventsRead is "2" in A, "5" in B'),
        (b"<EventsRead>2</EventsRead>", b"", 'EventsRead only in A: "2"'),
        (b"<State  Value=\"closed\"/>", b"<State  Value=\"open\"/>", "part State is "),
        (b"LumiSection ID=\"", b"LumiSection ID=\"9", "only in B"),
        (b"<InputType>", b"<Extra>1</Extra><InputType>", 'Extra only in B: "1"'),
        (b"</FrameworkJobReport>", b"<SkippedEvent Run=\"1\" Event=\"2\"/></FrameworkJobReport>", "skipped event 2 of run 1\n"),
        (b"</FrameworkJobReport>", b"<Later a=\"1\"/></FrameworkJobReport>", "element Later\n    only in B"),
        (b"</FrameworkJobReport>", b"", 'status is "complete" in A, "truncated" in B')])
    def test_eachKindOfDifferenceIsSaid(self, old, new, text, fjr, written):
        status, out, _err = fjr("diff", GOOD, written(GOOD, old, new))
        assert status == 1 and text in out

    def test_aDifferenceDeepInAMessageIsShown(self, fjr, written):
        status, out, _err = fjr("diff", FAILED, written(FAILED, b"NoRecord END", b"NoRecord OVER"))
        assert status == 1 and re.search(r'text is \.\.\.".*END.*"\.\.\. in A, \.\.\.".*OVER', out)

    def test_performanceNumbersAreComparedOnlyWhenAsked(self, fjr, written):
        path = written(TIMED, b'"TotalJobCPU" Value="', b'"TotalJobCPU" Value="1')
        assert fjr("diff", TIMED, path) == (0, "The reports say the same; performance numbers are left aside.\n", "")
        status, out, _err = fjr("diff", TIMED, path, "--performance")
        assert status == 1 and 'performance Timing\n    metric TotalJobCPU is "9.16361" in A, "19.16361" in B\n' in out

    @pytest.mark.parametrize("bad, text", [("none/at/all", "There is no job report"), (os.curdir, "no regular file"),
                                           (MALFORMED + "notXml.xml", "Nothing of the job report")])
    def test_unusableInputGivesTwoWithARemedy(self, bad, text, fjr):
        for pair in ([GOOD, bad], [bad, GOOD]):
            status, out, err = fjr("diff", *pair)
            assert (status, out) == (2, "") and text in err and "what to do" in err


def inputFile(events="1", **more):
    """Give an input file; all have the same name."""
    return InputFile("InputFile", texts={"LFN": "/store/a", "EventsRead": events}, **more)


def error(code):
    """Give an error."""
    return FrameworkError("FrameworkError", {"ExitStatus": code})


def table(*values):
    """Give a performance report with one table."""
    return PerformanceReport("PerformanceReport", children=(
        PerformanceSection("PerformanceSummary", {"Metric": "Timing"}, values),))


@pytest.mark.parametrize("first, second, same", [
    ([inputFile("1"), inputFile("2")], [inputFile("2"), inputFile("1")], True),
    ([inputFile("1"), inputFile("2")], [inputFile("2"), inputFile("2")], False),
    ([inputFile(runs=(Run("1", {1: 2}), Run("1", {3: 4})))], [inputFile(runs=(Run("1", {3: 4}), Run("1", {1: 2})))], True),
    ([inputFile(runs=(Run("1", {1: 2, 3: 4}),))], [inputFile(runs=(Run("1", {3: 4, 1: 2}),))], True),
    ([inputFile(runs=(Run("1", {1: 2}),))], [inputFile(runs=(Run("1", {1: 2}, ((1, 1),)),))], False),
    ([inputFile(inputs=({"LFN": "a"}, {"LFN": "b"}))], [inputFile(inputs=({"LFN": "b"}, {"LFN": "a"}))], True),
    ([inputFile(inputs=({"LFN": "a"},))], [inputFile(inputs=({"LFN": "b"},))], False),
    ([inputFile(), OutputFile("File")], [OutputFile("File"), inputFile()], True),
    ([inputFile()], [OutputFile("File", texts=inputFile().texts)], False),
    ([error("1"), error("2"), error("3")], [error("1"), error("3"), error("2")], False),
    ([table(("a", "1"), ("b", "2"))], [table(("b", "2"), ("a", "1"))], True),
    ([table(("a", "1"), ("a", "2"))], [table(("a", "2"), ("a", "1"))], False),
    ([UnknownElement("Z", children=(UnknownElement("a"), UnknownElement("b")))],
     [UnknownElement("Z", children=(UnknownElement("b"), UnknownElement("a")))], True)])
def test_orderCountsOnlyWhereItMeansSomething(first, second, same):
    pair = [resultOf(FrameworkJobReport(tuple(one))) for one in (first, second)]
    assert bool(differences(*pair, performance=True)) == bool(differences(*pair[::-1], performance=True)) == (not same)


@settings(max_examples=examples(40), deadline=None)
@given(report=reports(), data=st.data())
def test_orderThatMeansNothingIsNoDifference(report, data):
    model = report[1]
    ordered = [item for item in model.items if item.__class__ in (FrameworkError, PerformanceReport)]
    shuffled = data.draw(st.permutations([item for item in model.items if item not in ordered]))
    shuffled = [attr.evolve(item, runs=item.runs[::-1], inputs=item.inputs[::-1]) if hasattr(item, "runs") else item
                for item in shuffled]
    other = FrameworkJobReport(tuple(shuffled + ordered))
    assert differences(resultOf(model), resultOf(other), performance=True) == []


@settings(max_examples=examples(40), deadline=None)
@given(first=reports(maxItems=3), second=reports(maxItems=3), performance=st.booleans())
def test_bothDirectionsFindTheSameSubjects(first, second, performance):
    pair = [resultOf(first[1]), resultOf(second[1])]
    found, back = differences(*pair, performance=performance), differences(*pair[::-1], performance=performance)
    assert sorted(subject for subject, _lines in found) == sorted(subject for subject, _lines in back)
    assert sum(len(lines) for _subject, lines in found) == sum(len(lines) for _subject, lines in back)


@settings(max_examples=examples(40), deadline=None)
@given(report=reports(), piece=items(), place=st.integers(0, 5))
def test_anItemMoreIsADifference(report, piece, place):
    model = report[1]
    more = FrameworkJobReport(model.items[:place] + (piece.value,) + model.items[place:])
    assert differences(resultOf(model), resultOf(more), performance=True)


@settings(max_examples=examples(40), deadline=None)
@given(one=items(), other=items())
def test_itemsThatDifferAreToldApart(one, other):
    assume(one.value != other.value)
    pair = [resultOf(FrameworkJobReport((piece.value,))) for piece in (one, other)]
    assert differences(*pair, performance=True)


@settings(max_examples=examples(40), deadline=None)
@given(report=reports())
def test_anyReportHasASummaryThatCountsItsFiles(report):
    model = report[1]
    rows = summaryRows(resultOf(model))
    for name, files in (("input", model.inputFiles), ("output", model.outputFiles)):
        text = dict(rows)[name]
        assert text.startswith("%d file" % len(files) if files else "no files")
    assert [name for name, _text in rows].count("error") == len(model.errors)
