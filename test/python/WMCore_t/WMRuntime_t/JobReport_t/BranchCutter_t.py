"""Lists of branches are taken out only where nothing can be wrong with them."""
import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.BranchCutter import MAX_LIST, BranchCutter, plainLines, standIn
from WMCore_t.Counts import examples

LIST = b"<Branches>\n  <Branch>a_b__RECO.</Branch>\n  <Branch>c</Branch>\n</Branches>"
PIECES = st.lists(st.sampled_from([
    LIST, b"<Branches>", b"</Branches>", b"<Branch>", b"</Branch>", b"</Bra", b"nch>", b"name", b"\n  ", b" ", b"&amp;",
    b"&", b"<", b">", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<File>", b"</File>", b"\xc3\xa4", b"\x00"]), max_size=20)


def cut(data, blockBytes):
    cutter = BranchCutter(io.BytesIO(data), blockBytes)
    return b"".join(cutter.blocks()), cutter


def tree(data):
    """Give what a document holds beside the contents of Branches, None when it is no document."""
    def plain(element):
        children = [] if element.tag == "Branches" else [plain(child) for child in element]
        return element.tag, element.attrib, "" if element.tag == "Branches" else element.text, element.tail, children
    try:
        return plain(ElementTree.fromstring(data))
    except (ElementTree.ParseError, ValueError):
        return None


@pytest.mark.parametrize("section", [
    LIST,
    b"<Branches><Branch>a</Branch></Branches>",
    b"<Branches>\r\n<Branch></Branch>\t<Branch>b</Branch>\t<Branch>c</Branch></Branches>"])
def test_plainLines_takesWhatOneProgramWrites(section):
    assert plainLines(section) == section.count(b"\n")


@pytest.mark.parametrize("section", [
    b"<Branches></Branches>",
    b"<Branches><Branch>a</Branch>x</Branches>",
    b"<Branches>x<Branch>a</Branch></Branches>",
    b"<Branches><Branch>a</Branch></Branch></Branches>",
    b"<Branches><Branch>a</Branch><Branch></Branches>",
    b"<Branches><Branch>a</Branch></Branch><Branch></Branches>",
    b"<Branches><Branch>a</Bra</Branch><Branch>nch></Branches>",
    b"<Branches><Branch>a & b</Branch></Branches>",
    b"<Branches><Branch>a&amp;b</Branch></Branches>",
    b"<Branches><Branch>\xc3\xa4</Branch></Branches>",
    b"<Branches><Branch>a\x00</Branch></Branches>",
    b"<Branches><Branch>a]]></Branch></Branches>",
    b"<Branches><Branch><![CDATA[a]]></Branch></Branches>",
    b"<Branches><Branch>a</Branch><!-- x --></Branches>",
    b"<Branches><Branch/></Branches>"])
def test_plainLines_leavesAnythingElseToTheParser(section):
    assert plainLines(section) is None


@settings(deadline=None, max_examples=examples(400))
@given(PIECES, st.integers(1, 60))
def test_cutting_changesNeitherWhatIsWellFormedNorWhatItSays(pieces, blockBytes):
    data = b"<FrameworkJobReport>" + b"".join(pieces) + b"</FrameworkJobReport>"
    assert tree(cut(data, blockBytes)[0]) == tree(data)


@pytest.mark.parametrize("blockBytes", [1, 2, 7, 9, 64, 65536])
def test_list_isCutWhereverTheBlocksEnd(blockBytes):
    given = b"<r>\n" + LIST + b"</r>\n<!-- " + LIST + b" -->"
    result, cutter = cut(given, blockBytes)
    assert b"<Branch>" not in result
    for mark in (b"</r>", b"<!--", b"-->"):
        offset, lines = cutter.place(result.index(mark))
        assert offset == given.index(mark)
        assert result[:result.index(mark)].count(b"\n") + lines == given[:offset].count(b"\n")
        assert result.index(mark) - result.rfind(b"\n", 0, result.index(mark)) == offset - given.rfind(b"\n", 0, offset)


@pytest.mark.parametrize("blockBytes", [1, 5, 65536])
def test_listInAMessage_isPartOfTheMessage(blockBytes):
    data = b"<r><![CDATA[ ]]<!-- " + LIST + b"]]><a/></r>"
    assert cut(data, blockBytes)[0] == data


def test_listWithoutEnd_isWaitedForOnlySoLong():
    data = b"<r><Branches><Branch>" + b"x" * (3 * MAX_LIST)
    cutter = BranchCutter(io.BytesIO(data), 65536)
    assert max(map(len, cutter.blocks())) < 2 * MAX_LIST


def test_manyLists_takeTimeInProportion():
    begun = b"<r>" + b"<Branches><Branch>a</Branch>" * 100000
    assert cut(begun, 65536)[0] == begun
    short = b"<Branches><Branch></Branch></Branches>"
    assert cut(short * 100000, 65536)[0] == standIn(short) * 100000
