"""The filter that makes well-formed XML of the usual damage."""
import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.Sanitiser import KINDS, LOOKAHEAD, Sanitiser
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.JobReport_t.Mutations import Mutator, applied, failedReports, goodReports, readReport

REPLACED = u"\ufffd".encode("utf-8")


def sanitised(data, blockBytes=65536):
    """Give what comes out for some bytes, and the repairs as dict of kind to (count, first offset)."""
    stream = Sanitiser(io.BytesIO(data), blockBytes)
    out = stream.read()
    return out, {repair.kind: (repair.count, repair.offset) for repair in stream.repairs}


@pytest.mark.parametrize("data, expected, repairs", [
    (b"<PFN>x?a=1&b=2&amp;c</PFN>", b"<PFN>x?a=1&amp;b=2&amp;c</PFN>", {"ampersand": (1, 10)}),
    (b"<a b='&x;&lt;&#65;&#x41;'/>", b"<a b='&amp;x;&lt;&#65;&#x41;'/>", {"ampersand": (1, 6)}),
    (b"&#0;&#x1;&#xD800;&#xFFFF;&#1114112;&#99999999;",
     b"&amp;#0;&amp;#x1;&amp;#xD800;&amp;#xFFFF;&amp;#1114112;&amp;#99999999;",
     {"ampersand": (6, 0)}),
    (b"a\0b\x1b[0m\t\r\n\x7f", b"a" + REPLACED + b"b" + REPLACED + b"[0m\t\r\n\x7f", {"controlCharacter": (2, 1)}),
    (b"caf\xe9 \xff", b"caf" + REPLACED + b" " + REPLACED, {"encoding": (2, 3)}),
    (u"caf\xe9 \u20ac \U0001f600".encode("utf-8"), u"caf\xe9 \u20ac \U0001f600".encode("utf-8"), {}),
    (b"\xed\xa0\x80\xef\xbf\xbf\xc0\x80\xf5", REPLACED * 9, {"encoding": (9, 0)}),
    (b"<e><![CDATA[a & b]]></e>", b"<e><![CDATA[a & b]]></e>", {}),
    (b"<!-- a & b --> & ", b"<!-- a & b --> &amp; ", {"ampersand": (1, 15)}),
    (b"<![CDATA[a[b[0]]>c && d]]>\n</e>", b"<![CDATA[a[b[0]]]]><![CDATA[>c && d]]>\n</e>", {"cdataEnd": (1, 14)}),
    (b"<![CDATA[a]]><![CDATA[b]]> ", b"<![CDATA[a]]><![CDATA[b]]> ", {}),
    (b"<![CDATA[a]]>\n<InputFile>", b"<![CDATA[a]]>\n<InputFile>", {}),
    (b"<![CDATA[a]]> <b>", b"<![CDATA[a]]]]><![CDATA[> <b>", {"cdataEnd": (1, 10)}),
    (b"<e>x ]]> y</e>", b"<e>x ]]&gt; y</e>", {"cdataEnd": (1, 5)}),
    (b"<![CDATA[never ended & so", b"<![CDATA[never ended & so", {}),
    (b"", b"", {})])
def testEachDamageBecomesTextAndIsCounted(data, expected, repairs):
    assert sanitised(data) == (expected, repairs)


@pytest.mark.parametrize("name", ["CMSSWFailReport.xml", "CMSSWInputFallback.xml", "CMSSWMergeReport.xml",
                                  "CMSSWTwoFileLocal.xml", "PerformanceReport.xml"])
def testARealReportComesOutAsItIs(name):
    data = readReport(name)
    assert sanitised(data) == (data, {})


@pytest.mark.parametrize("base", failedReports() + goodReports())
def testBlocksOfAnySizeGiveTheSame(base):
    for plans in Mutator(base, seed=4).mutations(10):
        data = applied(plans, base)
        whole = sanitised(data)
        for blockBytes in (13, LOOKAHEAD, 1000):
            assert sanitised(data, blockBytes) == whole


def testReadGivesAtMostWhatIsAskedForAndNothingOnlyAtTheEnd():
    data = b"<a>&&& \xff " * 300
    stream, pieces = Sanitiser(io.BytesIO(data), 100), []
    while True:
        piece = stream.read(13)
        if not piece:
            break
        assert len(piece) <= 13
        pieces.append(piece)
    assert b"".join(pieces) == sanitised(data)[0]
    assert stream.read(13) == b"" and stream.read() == b""


def testMemoryIsThatOfABlock():
    class Endless(object):
        """Gives damaged text, and notes how much was asked for."""
        given = 0

        def read(self, size):
            self.given += size
            return b"&" * size if self.given <= 10 * 65536 else b""

    source = Endless()
    stream = Sanitiser(source)
    assert stream.read(10) == b"&amp;&amp;"
    assert source.given <= 65536
    total = 10
    while True:
        piece = stream.read(65536)
        if not piece:
            break
        total += len(piece)
        assert len(stream._held) <= 65536 + LOOKAHEAD
        assert len(stream._ready) <= 5 * (65536 + LOOKAHEAD)
    assert total == 5 * 10 * 65536


@given(st.lists(st.sampled_from([b"&", b"\0", b"\xff", b"]]>", b"caf\xc3\xa9", b" plain ", b"<a>", b"\n", b"&amp;"]),
                max_size=30))
@settings(max_examples=examples(200), deadline=None)
def testPlacesInWhatComesOutLeadBackToTheFile(pieces):
    data = b"".join(piece + b"{%d}" % number for number, piece in enumerate(pieces))
    stream = Sanitiser(io.BytesIO(data), 50)
    out = stream.read()
    for number in range(len(pieces)):
        mark = b"{%d}" % number
        assert stream.originalOffset(out.index(mark)) == data.index(mark)


@given(st.text(max_size=200), st.binary(max_size=200))
@settings(max_examples=examples(300), deadline=None)
def testAnyMessageWithoutATagIsWellFormedAfterwards(text, junk):
    message = (text.encode("utf-8", "replace") + junk).replace(b"<", b"(")
    for start, end in ((b"<r><![CDATA[", b"]]></r>"), (b"<r>", b"</r>")):
        out, repairs = sanitised(start + message + end)
        assert ElementTree.fromstring(out).tag == "r"
        assert set(repairs) <= set(KINDS)


@given(st.binary(max_size=400))
@settings(max_examples=examples(200), deadline=None)
def testWhatComesOutNeedsNoFurtherRepair(data):
    once = sanitised(data)[0]
    assert sanitised(once) == (once, {})
