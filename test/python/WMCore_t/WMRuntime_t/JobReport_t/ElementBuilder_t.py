"""Tests of JobReport/ElementBuilder: elements of every parser become the same values, and nothing raises."""
import glob
import os
import xml.etree.ElementTree as standard

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.Element import UnknownElement
from WMCore.WMRuntime.JobReport.ElementBuilder import build, shortened
from WMCore.WMRuntime.JobReport.Model import FrameworkJobReport, OutputFile, Run
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.JobReport_t.Reports import reports

try:
    import lxml.etree as lxml
except ImportError:
    lxml = None

# As the readers open them: a comment is no element.
PARSERS = [standard.fromstring]
if lxml:
    PARSERS.append(lambda data: lxml.fromstring(data, lxml.XMLParser(remove_comments=True, remove_pis=True)))
TOP = os.path.dirname(os.path.abspath(__file__))
for _ in range(5):
    TOP = os.path.dirname(TOP)
REAL = os.path.join(TOP, "test", "data", "fjr")


class Node(object):
    """An element with no more than the builder may use."""
    __slots__ = ("tag", "attrib", "text", "_children")

    def __init__(self, element):
        self.tag, self.attrib, self.text = element.tag, dict(element.attrib), element.text
        self._children = [Node(child) for child in element]

    def get(self, name, default=None):
        return self.attrib.get(name, default)

    def __iter__(self):
        return iter(self._children)

    def __len__(self):
        return len(self._children)


def modelOf(root):
    return FrameworkJobReport(tuple([build(element) for element in root]))


def built(text):
    return build(standard.fromstring(text))


def real(name):
    return modelOf(standard.parse(os.path.join(REAL, name + ".xml")).getroot())


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(reports())
def test_aValidReportBecomesTheModelThatIsExpectedFromEveryParser(written):
    data, expected = written
    for parser in PARSERS:
        assert modelOf(parser(data)) == expected
    again = modelOf(Node(standard.fromstring(data)))
    assert again == expected and again.problems == ()
    assert [repr(item) for item in again.items] == [repr(item) for item in expected.items]


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(REAL, "*.xml"))), ids=os.path.basename)
def test_aRealReportHasNoProblemsAndIsTheSameFromEveryParser(path):
    with open(path, "rb") as handle:
        data = handle.read()
    models = [modelOf(parser(data)) for parser in PARSERS] + [modelOf(Node(standard.fromstring(data)))]
    assert all(model == models[0] for model in models)
    assert models[0].problems == () and models[0].items
    assert FrameworkJobReport.fromDict(models[0].toDict()) == models[0]


class TestRealReports(object):

    def test_aFailedJobTellsItsFilesAndItsError(self):
        report = real("CMSSWFailReport")
        assert [item.name for item in report.items] == ["InputFile", "File", "File", "FrameworkError",
                                                        "StorageStatistics", "GeneratorInfo"]
        source, error = report.inputFiles[0], report.errors[0]
        assert (source.moduleLabel, source.guid, source.state) == ("source", "34A5B215-CBD5-DE11-BC0F-001D09F2AF1E",
                                                                   "closed")
        assert (source.events, source.inputType, source.inputSourceClass) == (1, "primaryFiles", "PoolSource")
        assert source.runs == (Run("121849", {1: None}),) and source.catalog.endswith("storage.xml?protocol=dcap")
        output = report.outputFiles[1]
        assert (output.moduleLabel, output.totalEvents, output.dataType) == ("outputALCARECOALCARECO", "0", "")
        assert output.inputs == ({"LFN": source.lfn, "PFN": source.pfn},) and output.catalog == ""
        assert (error.exitStatus, error.type) == ("8001", "CMSException")
        assert error.text.startswith("cms::Exception caught in cmsRun\n---- EventProcessorFailure BEGIN\n")
        assert error.text.endswith("---- EventProcessorFailure END")

    def test_eventsOfLumisAreRead(self):
        report = real("CMSSWWithEventCounts")
        assert report.outputFiles[0].runs == (Run("122023", {215: 2}),)
        # The real file has NEvents="" here: nobody counted, and that is no problem.
        assert report.outputFiles[1].runs[0].eventsPerLumi == {215: None}

    def test_aFallbackAndSkippedFilesAreTold(self):
        attempt, = real("CMSSWInputFallback").fallbackAttempts
        assert attempt.lfn.startswith("/store/data/Run2012D/") and attempt.pfn == "root://xrootd.unl.edu/" + attempt.lfn
        assert [skipped.pfn[:7] for skipped in real("CMSSWSkippedAll").skippedFiles] == ["dcap://"] * 2

    def test_performanceSectionsKeepTheirOrderAndValues(self):
        report = real("CMSSWTwoFileLocal")
        sections = [section for one in report.performanceReports for section in one.sections]
        assert [section.metric for section in sections] == ["SystemCPU", "ApplicationMemory", "SystemMemory", "Timing",
                                                            "StorageStatistics"]
        assert sections[0].values == (("CPUModels", "Intel(R) Xeon(R) CPU X5650 @ 2.67GHz"),
                                      ("averageCoreSpeed", "2659.79"), ("totalCPUs", "24"))
        assert report.unknownElements[0].children[0].attributes["ReadCount"] == "10"


class TestMalformedNumbers(object):

    @pytest.mark.parametrize("text, code, problem", [
        ('<FrameworkError ExitStatus="8x"/>', None, "ExitStatus is '8x', expected a whole number"),
        ("<FrameworkError/>", None, "ExitStatus is missing, expected a whole number"),
        ('<FrameworkError ExitStatus="%s"/>' % ("9" * 5000), None, "ExitStatus is '9999"),
        ('<FrameworkError ExitStatus=" 84 "/>', 84, None)])
    def test_anExitStatusThatIsNoneIsKeptAndTold(self, text, code, problem):
        error = built(text)
        assert error.exitCode == code and error.attributes == dict(standard.fromstring(text).attrib)
        assert [one[:len(problem)] for one in error.problems] == [problem] if problem else error.problems == ()
        assert all(len(one) < 200 for one in error.problems)

    @pytest.mark.parametrize("name, tag", [("InputFile", "EventsRead"), ("File", "TotalEvents")])
    def test_eventsThatAreNoNumberAreKeptAndToldButEmptyOnesAreMissing(self, name, tag):
        broken = built("<%s><%s>many</%s></%s>" % (name, tag, tag, name))
        assert broken.events is None and broken.texts == {tag: "many"}
        assert broken.problems == ("%s is 'many', expected a whole number" % tag,)
        empty = built("<%s><%s/></%s>" % (name, tag, name))
        assert empty.events is None and empty.problems == () and built("<%s/>" % name).events is None

    def test_lumisThatAreNoneAreLeftOutAndToldTheOthersStay(self):
        output = built('<File><Runs><Run ID="7"><LumiSection ID="1" NEvents="2"/><LumiSection ID="x" NEvents="y"/>'
                       '<LumiSection/><LumiSection ID="%s"/><LumiSection ID="3" NEvents="many"/>'
                       '<LumiSection ID="4" NEvents="%s"/></Run></Runs></File>' % ("1" * 30, "1" * 30))
        assert output.runs == (Run("7", {1: 2, 3: None, 4: None}),)
        told = (("ID", "'x'"), ("NEvents", "'y'"), ("ID", "missing"), ("ID", repr("1" * 30)), ("NEvents", "'many'"),
                ("NEvents", repr("1" * 30)))
        assert output.problems == tuple("%s of a LumiSection in run '7' is %s, expected a whole number" % problem
                                        for problem in told)

    def test_aFewOfManyProblemsAreTold(self):
        for count, told in ((50, 50), (51, 51), (5000, 51)):
            output = built("<File><Runs><Run ID='1'>%s</Run></Runs></File>" % ("<LumiSection ID='x'/>" * count))
            assert len(output.problems) == told
            assert (output.problems[-1] == "there are more such problems than are told here") == (count > 50)

    def test_aRunKeepsItsNumberAsWrittenAndTellsWhenItIsNone(self):
        output = built('<File><Runs><Run ID="0012"/><Run ID="R1"/><Run/></Runs></File>')
        assert [run.number for run in output.runs] == ["0012", "R1", None]
        assert output.problems == ("the ID of a Run is 'R1', expected a whole number",
                                   "the ID of a Run is missing, expected a whole number")

    def test_aSkippedEventWithoutNumbersIsTold(self):
        assert built('<SkippedEvent Run="1"/>').problems == ("Event is missing, expected a whole number",)

    def test_aMetricWithoutNameOrValueIsKeptAndTold(self):
        report = built('<PerformanceReport><PerformanceSummary Metric="Timing"><Metric Value="1"/><Metric Name="b"/>'
                       '<Metric Name="b" Value="2"/></PerformanceSummary></PerformanceReport>')
        assert report.sections[0].values == ((None, "1"), ("b", None), ("b", "2"))
        assert report.problems == ("a metric of 'Timing' has the name missing and the value '1'",
                                   "a metric of 'Timing' has the name 'b' and the value missing")


def test_aLumiThatComesAgainAddsItsEventsAndIsRemembered():
    sections = '<LumiSection ID="1" NEvents="5"/><LumiSection ID="2"/><LumiSection ID="1" NEvents="6"/>' \
               '<LumiSection ID="2" NEvents="3"/><LumiSection ID="1"/>'
    run, = built('<File><Runs><Run ID="7">%s</Run></Runs></File>' % sections).runs
    assert run.eventsPerLumi == {1: 11, 2: 3} and run.repeated == ((1, 6), (2, 3), (1, None))


def test_theSameRunTwiceStaysTwoRunsInOrder():
    output = built('<File><Runs><Run ID="7"><LumiSection ID="1"/></Run></Runs>'
                   '<Runs><Run ID="6"/><Run ID="7"><LumiSection ID="2"/></Run></Runs></File>')
    assert output.runs == (Run("7", {1: None}), Run("6"), Run("7", {2: None}))


def test_whatAFileHasBeyondTextsIsKept():
    output = built('<File more="1"><State Value="closed"/><LFN>/first</LFN><New a="1">text<sub>deep</sub></New>'
                   '<LFN>/last</LFN><Branches><Branch>no</Branch></Branches><Runs><Other x="2"/></Runs></File>')
    assert output.attributes == {"more": "1"} and output.lfn == "/last" and output.state == "closed"
    assert output.texts == {"State": "", "LFN": "/last", "New": "text"}
    assert output.extras == (UnknownElement("State", {"Value": "closed"}),
                             UnknownElement("New", {"a": "1"}, "text", (UnknownElement("sub", {}, "deep"),)),
                             UnknownElement("LFN", {}, "/first"), UnknownElement("Other", {"x": "2"}))


def test_emptyElementsOfPileupFilesAreEmptyTextsAndNoProblem():
    """cmssw#38019, #11234."""
    source = built("<InputFile><LFN/><PFN></PFN><EventsRead></EventsRead><Runs/><Branches/><Inputs/></InputFile>")
    assert (source.lfn, source.pfn, source.events, source.runs, source.problems) == ("", "", None, (), ())


def test_anUnknownRootChildKeepsItsAttributes():
    """A flipped byte in the name of an error must not lose it."""
    item = built('<FrameworkErrox ExitStatus="84" Type="x">\n gone \n</FrameworkErrox>')
    assert item == UnknownElement("FrameworkErrox", {"ExitStatus": "84", "Type": "x"}, "gone")


class TestLongMessages(object):

    def test_theMiddleIsCutOutAndTheTextSaysSo(self):
        message = "a" * 20000 + "b" * 50000 + "c" * 20000
        error = built('<FrameworkError ExitStatus="1">%s</FrameworkError>' % message)
        assert error.text.startswith("a" * 16384 + "\n[57232 characters left out here]\n") and len(error.text) < 33000
        assert error.text.endswith("]\n" + "c" * 16384)

    def test_howMuchIsKeptCanBeTold(self):
        element = standard.fromstring('<FrameworkError ExitStatus="1">%s</FrameworkError>' % ("ab" * 50))
        assert build(element, maxMessage=10).text == "ababa\n[90 characters left out here]\nbabab"
        assert build(element, maxMessage=100).text == "ab" * 50

    def test_textsOfUnknownElementsAreCutToo(self):
        text = "x" * 40000
        line, = built("<Log><line>%s</line></Log>" % text).children
        assert line.text == built("<Log>%s</Log>" % text).text == shortened(text) and "left out" in line.text

    @given(st.text(max_size=40), st.integers(1, 40))
    def test_startAndEndOfTheTextAreKept(self, text, most):
        short = shortened(text, most)
        if len(text) <= most:
            assert short == text
        else:
            first, told, last = short[:most - most // 2], short[most - most // 2:len(short) - most // 2], most // 2
            assert first == text[:len(first)] and short[len(short) - last:] == text[len(text) - last:]
            assert told == "\n[%d characters left out here]\n" % (len(text) - most)


NAMES = st.sampled_from(["File", "InputFile", "Runs", "Run", "LumiSection", "Inputs", "Input", "LFN", "State", "Metric",
                         "PerformanceReport", "FrameworkError", "SkippedEvent", "AnalysisFile", "FileName", "x"])
TREES = st.recursive(st.tuples(NAMES, st.dictionaries(st.sampled_from(["ID", "NEvents", "ExitStatus", "Name", "Value"]),
                                                      st.text(max_size=4), max_size=2), st.just([])),
                     lambda inner: st.tuples(NAMES, st.just({}), st.lists(inner, max_size=4)), max_leaves=12)


def element(tree):
    name, attributes, children = tree
    made = standard.Element(name, attributes)
    made.extend([element(child) for child in children])
    return made


@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES)
def test_anythingAnywhereIsBuiltAndComesBackFromItsDict(tree):
    report = FrameworkJobReport((build(element(tree)),))
    assert FrameworkJobReport.fromDict(report.toDict()) == report
    assert isinstance(report.problems, tuple)


def test_aListOfAHundredThousandLumisIsRead():
    sections = "".join('<LumiSection ID="%d" NEvents="1"/>' % number for number in range(100000))
    output = built('<File><Runs><Run ID="1">%s</Run></Runs></File>' % sections)
    assert isinstance(output, OutputFile) and len(output.runs[0].eventsPerLumi) == 100000
