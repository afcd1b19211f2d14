"""Tests of how cmsRun's report gets into WMCore's: as upstream's parser does it on every good file, better on others."""
import gc
import glob
import os
import re
import sys
import time
import warnings

import pytest
from hypothesis import HealthCheck, assume, given, settings

pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")

from WMCore.FwkJobReport import XMLParser as ours  # noqa: E402
from WMCore.FwkJobReport.Report import FwkJobReportException, Report  # noqa: E402
from WMCore.WMRuntime.Errors import exitCause  # noqa: E402
from WMCore.WMRuntime.JobReport.JobReportError import JobReportError  # noqa: E402
from WMCore.WMRuntime.JobReport.ReportParser import parse  # noqa: E402
from WMCore_t.Counts import examples  # noqa: E402
from WMCore_t.FwkJobReport_t.ReportTrees import differences, fill, pickled, tree, upstreamParser, withoutNote  # noqa: E402
from WMCore_t.WMRuntime_t.JobReport_t.Mutations import Mutator, applied, failedReports  # noqa: E402
from WMCore_t.WMRuntime_t.JobReport_t.Reports import reports  # noqa: E402
from WMCore_t.WMSpec_t.Steps_t.StepHarness import ERROR, FILE, INPUT, jobReport  # noqa: E402

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "..", "data", "fjr")
REAL = sorted(glob.glob(os.path.join(DATA, "*.xml")))
MALFORMED = os.path.join(DATA, "malformed")


@pytest.fixture(scope="session")
def upstream():
    module = upstreamParser()
    if module is None:
        pytest.skip("upstream's parser is not behind ours on the path")
    return module


@pytest.fixture
def written(tmp_path):
    """Write a report's text to a file and give its path."""
    def write(content):
        path = tmp_path / "FrameworkJobReport.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(path)
    return write


def errorsOf(report, step="cmsRun1"):
    errors = report.retrieveStep(step).errors
    found = [getattr(errors, "error%d" % number) for number in range(getattr(errors, "errorCount", 0))]
    return [(error.exitCode, error.type) for error in found]


def testTheRealReportsAreThere():
    assert len(REAL) == 9


@pytest.mark.parametrize("steps", [("cmsRun1",), ("cmsRun1", "cmsRun2")])
@pytest.mark.parametrize("path", REAL, ids=os.path.basename)
def testARealReportGivesTheSameReportAsUpstreams(path, steps, upstream, tmp_path):
    theirs, problem = fill(upstream, path, steps)
    mine, trouble = fill(ours, path, steps)
    assert problem is None and trouble is None
    assert differences(tree(mine.data), tree(theirs.data)) == {}
    assert differences(tree(pickled(mine, tmp_path).data), tree(pickled(theirs, tmp_path).data)) == {}
    assert mine.__to_json__(None) == theirs.__to_json__(None)


def statusIsBetter(theirs):
    """Give upstream's step the status of its strongest error, not of its last, and none of 0 with an error."""
    codes = [code for code, _type in errorsOf(theirs)]
    if codes:
        theirs.report.status = exitCause(reportCodes=codes).code if any(codes) else 1


@given(reports())
@settings(deadline=None, max_examples=examples(150), suppress_health_check=list(HealthCheck))
def testAGeneratedReportGivesTheSameReportAsUpstreams(upstream, tmp_path_factory, drawn):
    content, model = drawn
    path = tmp_path_factory.getbasetemp() / "Generated.xml"
    path.write_bytes(content)
    theirs, problem = fill(upstream, path)
    mine, trouble = fill(ours, path)
    assert trouble is None
    # Upstream takes a lone "-" for a whole number, and cannot cast it.
    assume(problem is None)
    statusIsBetter(theirs)
    assert differences(withoutNote(mine), tree(theirs.data)) == {}
    noted = getattr(mine.report, "jobReport", None)
    assert noted is None or noted.status == "placeholder" or noted.errors or noted.problems


def testAGoodReportGetsNoNote(written):
    report, _ = fill(ours, written(jobReport(INPUT, FILE % {"name": "out"})))
    assert not hasattr(report.report, "jobReport")


def testSectionsCanBeChangedAsAnyOthers(written):
    report, _ = fill(ours, written(jobReport(INPUT, FILE % {"name": "out"})))
    fileSection = report.report.output.out.files.file0
    fileSection.size = 5
    fileSection.section_("dataset").dataTier = "RAW"
    report.addOutputFile("out", {"LFN": "/store/second.root", "events": 3})
    report.addInputFile("source", lfn="/store/more.root")
    assert [one["size"] for one in report.getAllFiles()] == [5, 0]
    assert fileSection.dataset._internal_parent_ref is fileSection
    assert len(report.getAllInputFiles()) == 2
    del fileSection.size
    assert "size" not in fileSection.listSections_()


@pytest.mark.parametrize("isOn", [True, False])
@pytest.mark.parametrize("content", [jobReport(INPUT, FILE % {"name": "out"}), "<FrameworkJobReport>", "no report"])
def testTheGarbageCollectorIsAsItWasAfterAnyReport(content, isOn, written):
    before = gc.isenabled()
    (gc.enable if isOn else gc.disable)()
    try:
        fill(ours, written(content))
        assert gc.isenabled() is isOn
    finally:
        (gc.enable if before else gc.disable)()


def testAReportWithoutStepsGetsOneForItsErrors(written, upstream):
    path = written(jobReport(ERROR % (8001, "CMSException")))
    theirs, mine = fill(upstream, path, ())[0], fill(ours, path, ())[0]
    assert differences(tree(mine.data), tree(theirs.data)) == {}
    path = written(jobReport(INPUT, ERROR % (8001, "CMSException")))
    assert isinstance(fill(upstream, path, ())[1], AttributeError)
    assert fill(ours, path, ())[0].getExitCode() == 8001


# What upstream cannot read though it is well-formed: the report, and what ours makes of it.
WITHOUT = {
    "ModuleLabel": lambda report: len(report.getAllInputFiles()) == len(report.getAllFiles()) == 1,
    "BranchHash": lambda report: report.getAllFiles()[0]["branch_hash"] is None,
    "TotalEvents": lambda report: report.getAllFiles()[0]["events"] == 0,
    "EventsRead": lambda report: report.getAllInputFiles()[0]["events"] == 0,
    "LFN": lambda report: report.getAllFiles()[0]["lfn"] is None,
    "GUID": lambda report: len(report.getAllFiles()) == 1,
}


@pytest.mark.parametrize("tag", sorted(WITHOUT))
def testAFileWithoutOneOfItsElementsIsKept_11234(tag, written, upstream):
    text = re.sub("<%s>.*?</%s>" % (tag, tag), "", jobReport(INPUT, FILE % {"name": "out"}))
    path = written(text)
    assert isinstance(fill(upstream, path)[1], (IndexError, KeyError))
    report, trouble = fill(ours, path)
    assert trouble is None and WITHOUT[tag](report)


@pytest.mark.parametrize("old, new, check", [
    ("<TotalEvents>2</", "<TotalEvents>many</", lambda report: report.getAllFiles()[0]["events"] == 0),
    ('LumiSection NEvents="2" ID="1"', 'LumiSection NEvents="2" ID="one"', lambda report: len(report.getAllFiles()) == 1),
    ('ExitStatus="8020"', 'ExitStatus="unknown"', lambda report: report.getExitCode() == 8001)])
def testANumberThatIsNoneCostsNoMoreThanItself(old, new, check, written, upstream):
    path = written(jobReport(INPUT, FILE % {"name": "out"}, ERROR % (8020, "X")).replace(old, new))
    assert isinstance(fill(upstream, path)[1], ValueError)
    report, trouble = fill(ours, path)
    assert trouble is None and check(report)
    assert report.report.jobReport.status == "complete" and report.report.jobReport.problems


def testThePlaceholderIsTheLastErrorWhereverItStands(written):
    text = jobReport(ERROR % (8901, "UnexpectedJobTermination"), ERROR % (8020, "FileOpenError"))
    report, trouble = fill(ours, written(text))
    assert trouble is None
    assert errorsOf(report) == [(8020, "FileOpenError"), (8901, "UnexpectedJobTermination")]
    assert report.getExitCode() == 8020


@pytest.mark.parametrize("codes, strongest", [((8021, 8901), 8021), ((8901, 84), 84), ((0, 8021), 8021), ((0, 8901), 8901),
                                              ((99999, 8021), 8021), ((8001, 8021), 8001), ((8901,), 8901)])
def testTheStepHasTheStatusOfItsStrongestErrorAndTheModelTheSameCode(codes, strongest, written):
    path = written(jobReport(*[ERROR % (code, "Type") for code in codes]))
    report, _trouble = fill(ours, path)
    assert report.retrieveStep("cmsRun1").status == strongest
    assert parse(path).exitCode == strongest == exitCause(reportCodes=[code for code, _ in errorsOf(report)]).code


@pytest.mark.parametrize("code", ["0", "x", ""])
def testASoleErrorWithoutAUsableCodeIs8001InTheModel(code, written):
    assert parse(written(jobReport(ERROR % (code, "Type")))).exitCode == 8001


def testOfThousandsOfErrorsTheFirstHundredCodesAreFilledIn(written):
    codes = [0] * 1000 + [8901] + list(range(8001, 12001))
    started = time.process_time()
    report, trouble = fill(ours, written(jobReport(*[ERROR % (code, "Type") for code in codes])))
    assert trouble is None and time.process_time() - started < 1
    assert [code for code, _type in errorsOf(report)] == list(range(8001, 8101))
    assert report.report.jobReport.errorsLeftOut == 1000 + 4000 - 100
    assert report.retrieveStep("cmsRun1").status == 8001


@pytest.mark.parametrize("code", ["0", "", "x", "-5", "99999999999999999999999999"])
def testCS7571_anErrorIsNeverASuccessWhateverItsCode(code, written):
    report, trouble = fill(ours, written(jobReport(ERROR % (code, "Success"))))
    report.report.status = report.report.status
    assert trouble is None
    assert report.getExitCode() not in (0, None) and not report.stepSuccessful("cmsRun1")


def testNamesFromTheFileHideNothingOfTheReport(written):
    hostile = ["section_", "dictionary_", "_internal_settings", "__class__", "listSections_", "__dict__"]
    text = jobReport(*["<%s>text</%s>" % (name, name) for name in hostile]
                     + [(FILE % {"name": name}).replace("ID=\"1\"", "ID=\"section_\"", 1) for name in hostile])
    report, trouble = fill(ours, written(text))
    assert trouble is None
    assert len(report.getAllFiles()) == len(hostile)
    assert report.report.parameters.x_section_ == "text"
    report.__to_json__(None)
    str(report)


# By fixture: the exit codes the Report must have, whether parsing raises, the status noted, files read.
CASES = {
    "cmssw50020_ampersandInPfn.xml": "repaired", "cmssw47555_nulInMessage.xml": "repaired",
    "wmcore10782_controlInMessage.xml": "repaired", "wmcore8051_latin1InMessage.xml": "repaired",
    "cmssw41124_placeholder.xml": "placeholder", "cmssw39778_truncatedInFile.xml": "truncated",
    "cmssw39778_truncatedInMessage.xml": "truncated", "empty.xml": "unusable", "notXml.xml": "unusable",
    "doctypeEntityBomb.xml": "unusable",
}


@pytest.mark.parametrize("name", sorted(CASES))
def testAMalformedReportIsFilledAsFarAsItGoesAndSaysHowFar(name):
    report, trouble = fill(ours, os.path.join(MALFORMED, name))
    noted = report.report.jobReport
    assert noted.status == CASES[name]
    assert (trouble is not None) == (noted.status in ("truncated", "unusable"))
    assert bool(noted.repairs) == (noted.status == "repaired")
    if trouble is not None:
        assert isinstance(trouble, JobReportError) and trouble.code == 50115 and noted.errors
    if noted.status == "truncated":
        assert report.getAllInputFiles()


@pytest.mark.parametrize("name", sorted(os.listdir(MALFORMED)))
def testNoMalformedReportOfAFailureIsASuccess(name, upstream, tmp_path):
    path = os.path.join(MALFORMED, name)
    mine, trouble = fill(ours, path)
    theirs, problem = fill(upstream, path)
    if problem is None and theirs.getExitCode():
        assert trouble is not None or mine.getExitCode()
    assert trouble is None or isinstance(trouble, JobReportError)
    # What upstream calls the end of a job after a signal stays what it is.
    if parse(path).failed and name != "shutdownSignal.xml":
        assert trouble is not None or mine.getExitCode() and not mine.stepSuccessful("cmsRun1")
    assert tree(pickled(mine, tmp_path).data)


def testASignalsEndHidesNoFailureWhoseCodeIsLost(written):
    signalled = jobReport("<ShutdownSignal/>", INPUT)
    report, trouble = fill(ours, written(signalled))
    assert trouble is None and report.report.jobReport.status == "complete"
    report, trouble = fill(ours, written(signalled.replace("</FrameworkJobReport>", "Error: FrameworkError</FrameworkJobReport>")))
    assert isinstance(trouble, JobReportError) and report.getAllInputFiles()


def testACrashAfterASignalsEndIsNoSuccess_39778(written):
    signalled = "<FrameworkJobReport>\n<ShutdownSignal>2</ShutdownSignal>\n"
    closing = '<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>\n</FrameworkJobReport>\n'
    for element in ("<ReadBranches>\n</ReadBranches>\n", '<SkippedFile Pfn="%s"/>\n', '<SkippedFile Lfn="x>" Pfn="%s"/>\n'):
        for padding in range(65 - len(element)):
            padded = element.replace("%s", "x" * padding)
            report, trouble = fill(ours, written(signalled + padded + closing[len(padded):]))
            assert isinstance(trouble, JobReportError) or report.getExitCode() == 8901


def testWordsOfAFailureInAFilesNameRefuseNoGoodJob(written):
    name = "/store/user/x/FrameworkErrorStudies/ShutdownSignal.root"
    content = jobReport("<SkippedFile Lfn='%s' Pfn='x>y'/><!-- ExitStatus -->" % name)
    report, trouble = fill(ours, written(content))
    assert trouble is None and not report.getExitCode()
    assert not hasattr(report.report, "jobReport")


def testThePartOfAPlaceholderThatIsLeftIsAnError_39778():
    report, trouble = fill(ours, os.path.join(MALFORMED, "cmssw39778_overwrittenPlaceholderShort.xml"))
    assert trouble is None and report.getExitCode() == 8901


def testTheCodeOfADamagedErrorIsFound_39778():
    report, trouble = fill(ours, os.path.join(MALFORMED, "cmssw39778_errorInGarbage.xml"))
    assert trouble is None and report.getExitCode() == 8021


@pytest.mark.parametrize("number", range(len(failedReports())))
def testMutationsNeverMakeASuccessOfAFailureNorABadReport(number, written, tmp_path):
    base = failedReports()[number]
    for plans in Mutator(base, number).mutations(60):
        path = written(applied(plans, base))
        report, trouble = fill(ours, path)
        assert trouble is None or isinstance(trouble, JobReportError)
        if parse(path).failed:
            assert trouble is not None or report.getExitCode() and not report.stepSuccessful("cmsRun1")
        report.__to_json__(None)
        report.getAllFiles()
        assert pickled(report, tmp_path).getExitCode() == report.getExitCode()


def testReportParseTurnsTheErrorIntoWMCores(written):
    report = Report("cmsRun1")
    text = jobReport(INPUT, FILE % {"name": "out"})
    with pytest.raises(FwkJobReportException, match="truncated"):
        report.parse(written(text[:text.index("<File>") + 200]), "cmsRun1")
    assert len(report.getAllInputFiles()) == 1 and report.getAllFiles() == []


def testTheFileIsClosedAndNotChanged(written):
    text = jobReport(INPUT).replace("file:in.root", "root://a?x=1&y=2")
    path = written(text)
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        fill(ours, path)
        gc.collect()
    assert [str(one.message) for one in left if issubclass(one.category, ResourceWarning)] == []
    with open(path) as handle:
        assert handle.read() == text
    assert path not in [os.path.realpath("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")]


def manyInputs(count):
    return jobReport(*[INPUT.replace("/store/in", "/store/in%d" % number) for number in range(count)])


def testAThousandInputsCostATimeProportionalToTheirNumber(written, monkeypatch):
    """Counted in calls, so that a slow machine is no failure."""
    counts = []
    for number in (200, 1000):
        path, report, calls = written(manyInputs(number)), Report("cmsRun1"), [0]

        def count(frame, event, arg, calls=calls):
            calls[0] += 1
        sys.setprofile(count)
        try:
            ours.xmlToJobReport(report, path)
        finally:
            sys.setprofile(None)
        counts.append(calls[0])
        assert report.report.input.source.files.fileCount == number
    assert counts[1] < 5.5 * counts[0]


@pytest.mark.parametrize("text, value", [
    ("1", 1), ("-1", -1), ("007", 7), ("1.5", 1.5), ("-1.5", -1.5), ("5.", 5.0), (".5", 0.5), ("-.5", "-.5"), ("true", True),
    ("false", False), ("True", "True"), ("1e-05", "1e-05"), ("nan", "nan"), (" 12 ", 12), ("", ""), ("a b ", "a b"),
    ("1-2", "1-2"), ("1_0", "1_0")])
def testMetricsAreCastAsUpstreamDoes(text, value, upstream):
    assert ours.castMetricValue(text) == value == upstream.castMetricValue(text)
    assert type(ours.castMetricValue(text)) is type(value)


def testMetricsUpstreamCannotCastStayAsTheyAre():
    assert [ours.castMetricValue(one) for one in ("-", 3, None, 2.5)] == ["-", 3, None, 2.5]


def testAWholeNumberOfAMillionDigitsStaysATextAndTakesNoTime(upstream):
    for text in ("9" * 309, "-" + "9" * 309, "9" * 1000 + ".5", "0." + "3" * 1000):
        assert ours.castMetricValue(text) == upstream.castMetricValue(text) != text
    started = time.process_time()
    for text in ("9" * 1000000, "-" + "9" * 1000000):
        assert ours.castMetricValue(text) == text
    assert time.process_time() - started < 1


@pytest.mark.parametrize("width", [19, 21, 300])
def testNumbersPaddedWithZerosAreNumbersAsUpstreamHasThem(width, written, upstream):
    text = jobReport(FILE % {"name": "a"}, ERROR % ("8021".zfill(width), "Type"))
    text, changed = re.subn(r'(ID|NEvents)="(\d+)"|<(TotalEvents)>(\d+)<', lambda found: '%s="%s"' % (
        found.group(1), found.group(2).zfill(width)) if found.group(1) else "<%s>%s<" % (
            found.group(3), found.group(4).zfill(width)), text)
    assert changed
    mine, theirs = (fill(parser, written(text)) for parser in (ours, upstream))
    assert mine[1] is None and theirs[1] is None
    assert differences(withoutNote(mine[0]), tree(theirs[0].data)) == {}


def testSiteStatisticsAreCollected(upstream):
    for parser in (ours, upstream):
        section = Report("cmsRun1").report.performance.section_("XrdSiteStatistics")
        for site in ("cern.ch", "infn.it"):
            section.reads = parser.castXrdSiteStatistics(section, "reads", site, "1")
        assert section.reads == [{"site": "cern.ch", "value": "1"}, {"site": "infn.it", "value": "1"}]


def testChildrenAreSelectedByName(upstream):
    from WMCore.Algorithms.ParseXMLFile import xmlFileToNode
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        node = xmlFileToNode(REAL[0]).children[0]
    for name in ("InputFile", "File", "Nothing"):
        assert ours.childrenMatching(node, name) == upstream.childrenMatching(node, name)
