"""Tests of JobReport/FailureSigns and SignScanner: the signs of a failure are found, harmless data are none."""
import pytest

from WMCore.WMRuntime.JobReport.ReportParser import parse

ROOT = u"<FrameworkJobReport>\n%s\n</FrameworkJobReport>"
INPUT = "<InputFile><LFN>%s</LFN></InputFile>\n"


@pytest.fixture(params=("expat", "lxml"))
def kinds(request, tmp_path):
    """Read a report of some children of the root; give the kinds of trouble, and the code of the failure if there is one."""
    if request.param == "lxml":
        pytest.importorskip("lxml")
    path = tmp_path / "FrameworkJobReport.xml"

    def read(children, behind=u"\n"):
        path.write_bytes((ROOT % children + behind).encode("utf-8"))
        result = parse(str(path), backend=request.param)
        assert result.failed == bool(result.errors or result.report.errors)
        return [error.kind for error in result.errors], result.exitCode
    return read


@pytest.mark.parametrize("children", [
    INPUT % "/store/user/x/FrameworkErrorStudies/a.root", INPUT % "a" + "<!-- FrameworkError -->",
    '<FallbackAttempt Pfn="a" Lfn="b"/><![CDATA[ FrameworkError with an ExitStatus ]]>' + INPUT % "a",
    '<FallbackAttempt Pfn="a" Lfn="b"/>\n<![CDATA[\nFrameworkError\n]]>\n',
    '<SkippedFile Lfn="ShutdownSignal" Pfn="x"/>', INPUT % "UnexpectedJobTermination", "<?pi ExitStatus?>",
    "<MessageSummary><Warning>ExitStatus</Warning></MessageSummary>"])
def testWordsInHarmlessDataOfAGoodReportAreNoSign(children, kinds):
    assert kinds(children) == ([], 0)
    # In a damaged file nobody can tell.
    assert "failureTrace" in kinds(children + u"\0")[0] or "shutdownSignal" in kinds(children + u"\0")[0]


@pytest.mark.parametrize("children, found", [
    ('<Process><FrameworkError ExitStatus="bad" Type="Fatal">x</FrameworkError></Process>', (["failureTrace"], 0)),
    ('<File><FrameworkError ExitStatus="8021"/></File>', (["failureTrace"], 8021)),
    ('<File><LFN>rameworkError ExitStatus="8021" &lt;</LFN></File>', (["failureTrace"], 8021)),
    ('<!-- <FrameworkError ExitStatus="8021"/> -->', (["failureTrace"], 8021)),
    ('<FallbackAttempt Pfn="a"/><![CDATA[ <FrameworkError ExitStatus="8021"/> ]]>', (["failureTrace"], 8021)),
    ('<Memory Type="UnexpectedJobTermination"/>', (["failureTrace"], 8901)),
    ("FrameworkError" + INPUT % "a", (["failureTrace"], 0)), ("ShutdownSignal" + INPUT % "a", (["shutdownSignal", "strayText"], 0)),
    ("<File><ShutdownSignal/></File>", (["shutdownSignal"], 0))])
def testWordsInTheStructureOfAReportAreSigns(children, found, kinds):
    assert kinds(children) == found


@pytest.mark.parametrize("last", [
    '<SkippedFile Lfn="a" Pfn="root://x?y=1>2"/>', "<SkippedFile Lfn='>' Pfn='a'></SkippedFile>",
    INPUT % "a" + "<!-- a > b -->", INPUT % "a" + "<!-- x -> y < z > w -->", INPUT % "a" + "<?pi a>b?>",
    '<FallbackAttempt Pfn="a" Lfn="b"/>\n<![CDATA[ a > b </FrameworkJobReport> ]]>'])
def testTheLastTagOrCommentIsNoStrayText(last, kinds):
    assert kinds(last) == ([], 0)
    assert kinds(last + "rest") == (["strayText"], 0)
    assert kinds(last + 'mination"/>\n') == (["strayText"], 8901)


def testStrayTextBeforeALastCommentIsSeen(kinds):
    assert kinds(INPUT % "a" + "rest<!-- a -->") == (["strayText"], 0)


@pytest.mark.parametrize("behind", ["<!-- </FrameworkJobReport> > hello -->", "<!-- <a> hello </FrameworkJobReport> -->",
                                    "<?pi </FrameworkJobReport> ?>\n"])
def testARootsEndInACommentBehindItIsNone(behind, kinds):
    assert kinds(INPUT % "a", behind) == ([], 0)
    assert kinds(INPUT % "a" + "rest", behind) == (["strayText"], 0)


@pytest.mark.parametrize("rest, found", [
    ("", (["shutdownSignal"], 0)),
    # A crash in the element written after the one of the signal.
    ('<ReadBranches>\n</ReadBranches>\n>', (["shutdownSignal", "strayText"], 0)),
    ('<SkippedFile Pfn="x"/>\nmination"/>', (["shutdownSignal", "strayText"], 8901)),
    ('\n"8901" Type="UnexpectedJobTermination"/>', (["shutdownSignal", "failureTrace"], 8901)),
    ('\nmetric Value="3"/>', (["shutdownSignal", "strayText"], 0))])
def testAShutdownSignalExcusesNoTextBehindIt(rest, found, kinds):
    assert kinds("<ShutdownSignal>2</ShutdownSignal>" + rest) == found


def testATextLongerThanIsKeptIsSearchedToItsEnd(kinds):
    for length in 65500, 65536, 131050, 200000:
        assert kinds(INPUT % ("x\n" * (length // 2) + 'ExitStatus="8021"')) == (["failureTrace"], 8021)
        assert kinds("\n<a/>" + "y\n" * (length // 2) + "FrameworkError") == (["failureTrace"], 0)
        assert kinds('<FallbackAttempt Pfn="a"/><![CDATA[%s]]>' % ("<\n" * (length // 2))) == ([], 0)
