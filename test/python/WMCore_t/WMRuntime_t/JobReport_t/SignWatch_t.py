"""Tests of JobReport/SignWatch: what it is certain of is what the look at the file's bytes says, at any block size."""
import glob
import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.BranchCutter import BranchCutter
from WMCore.WMRuntime.JobReport.QuickLook import lookForSigns
from WMCore.WMRuntime.JobReport.SignWatch import WORDS, SignWatch
from WMCore_t.Counts import examples

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "..", "..", "data", "fjr")
FILE = b"<File><LFN>a</LFN></File>"
ROOT = b"<FrameworkJobReport>%s\n</FrameworkJobReport>\n"
PADDING = b"<!--%s-->\n" % (b" " * 60)
LISTS = [b"<Branches>\n<Branch>" + name * 8 + b"</Branch>\n</Branches>" for name in (b"abcdefgh", b"ExitStatus", b"x")]
PIECES = st.lists(st.sampled_from(LISTS * 2 + list(WORDS) + [FILE] * 9 + [b"Exit", b"Status", b"<Branches>", b"<![CDATA[", b"]]>"]),
                  max_size=20).map(b"".join)
ENDS = [b"", b" ", b"rest", b'mination"/>', b"<!-- a > b -->", b"<?pi a>b?>", b"<![CDATA[ a > b ]]>", b"x > y"]
BEHIND = [b"", PADDING, b"\n", b"<!-- <a> </FrameworkJobReport -->", b"<!-- </FrameworkJobReport> -->",
          b"<?pi <a></FrameworkJobReport> <!-- --> ?>", PADDING * 20]


def watched(content, blockBytes=1 << 18):
    """Have a report watched on its way to the parser."""
    watch = SignWatch()
    given = b"".join(BranchCutter(io.BytesIO(content), blockBytes, watch).blocks())
    assert len(given) <= len(content)
    return watch


@settings(deadline=None, max_examples=examples(300))
@given(PIECES, st.sampled_from(ENDS), st.sampled_from(BEHIND), st.integers(1, 400))
def testItIsCertainOnlyWhereALookAtAllBytesFindsNothing(children, end, behind, blockBytes):
    content = ROOT % (children + end) + behind
    watch = watched(content, blockBytes)
    assert watch.sawWord == any(word in content for word in WORDS)
    if watch.foundNothing:
        rootEnd = content.index(b"</FrameworkJobReport") + len(b"</FrameworkJobReport>")
        assert lookForSigns(io.BytesIO(content), 1 << 30, rootEnd)[0] == []
        assert not end.strip()


@pytest.mark.parametrize("behind", [b"", b"\n", PADDING, b"\n" + PADDING])
@pytest.mark.parametrize("blockBytes", [1, 7, 1 << 18])
def testAGoodReportIsSeenToBeOne(blockBytes, behind):
    assert watched(ROOT % (FILE * 3 + LISTS[0]) + behind, blockBytes).foundNothing


@pytest.mark.parametrize("end", ENDS[2:])
def testAnUnusualEndIsNeverCertain(end):
    assert not watched(ROOT % (FILE + end)).foundNothing


@pytest.mark.parametrize("behind", BEHIND[3:6])
def testARootsEndInACommentIsNone(behind):
    assert not watched(ROOT % (FILE + b"rest") + behind).foundNothing


@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(DATA, "*.xml"))), ids=os.path.basename)
def testRealReportsWithoutAnErrorNeedNoSecondLook(path):
    with open(path, "rb") as source:
        content = source.read()
    assert watched(content).foundNothing == (b"FrameworkError" not in content)
