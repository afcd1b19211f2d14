"""Tests of JobReport/FailureSigns and SignScanner: the signs of a failure are found, harmless data are none."""
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport import FailureSigns
from WMCore.WMRuntime.JobReport.FailureSigns import MAX_PLACES, WORDS, findWords
from WMCore.WMRuntime.JobReport.ReportParser import parse

ROOT = u"<FrameworkJobReport>\n%s\n</FrameworkJobReport>"
INPUT = "<InputFile><LFN>%s</LFN></InputFile>\n"
LISTS = [b"<Branches><Branch>" + name * 8 + b"</Branch></Branches>" for name in (b"abcdefgh", b"ExitStatus", b"x")]
PIECES = st.lists(st.sampled_from(LISTS * 2 + list(WORDS) + [b"Exit", b"Status", b"<Branches>", b"</Branches>", b"x" * 9]),
                  max_size=20).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(PIECES, st.integers(30, 400))
def test_eachWordOutsideOfARepeatedListIsFoundOnceWhereItIs(data, blockBytes):
    before, FailureSigns.BLOCK_BYTES = FailureSigns.BLOCK_BYTES, blockBytes
    try:
        places = findWords(io.BytesIO(data), 1 << 30)
    finally:
        FailureSigns.BLOCK_BYTES = before
    assert len(set(places)) == len(places) <= MAX_PLACES
    assert all(data.startswith(word.encode("ascii"), offset) for offset, word in places)
    if len(places) < MAX_PLACES:
        assert {word for _, word in places} == {word.decode("ascii") for word in WORDS if word in data}
        # A list that is a repetition says nothing new.
        outside = data.replace(LISTS[1], b"|" * len(LISTS[1]))
        assert {(at, word.decode("ascii")) for word in WORDS for at in range(len(outside))
                if outside.startswith(word, at)} <= set(places)


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
