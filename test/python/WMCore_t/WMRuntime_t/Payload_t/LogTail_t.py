"""Tests of reading the end of a log."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Payload.LogTail import cleanText, tail


@given(st.lists(st.text(alphabet="ab é\t", max_size=30), max_size=60), st.integers(0, 40), st.booleans())
def testTailGivesTheLastLines(tmp_path_factory, lines, count, ended):
    text = "\n".join(lines) + ("\n" if ended and lines else "")
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(text.encode("utf-8"))
    assert tail(str(path), count) == "".join(text.splitlines(True)[len(text.splitlines(True)) - count:] if count < len(
        text.splitlines(True)) else text.splitlines(True))


def testTailReadsFurtherBackForLongLines(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join("%d%s\n" % (number, "x" * 5000) for number in range(40)))
    assert [line.partition("x")[0] for line in tail(str(path), 25).splitlines()] == [str(n) for n in range(15, 40)]


def testTailOfOneEndlessLineIsCut(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1000000)
    assert len(tail(str(path), 25, maxBytes=2000)) == 2000


def testMissingLogRaises(tmp_path):
    with pytest.raises(OSError):
        tail(str(tmp_path / "none"), 25)


@pytest.mark.parametrize("dirty, clean", [(b"a\xffb\0c", "abc"), ("tab\tline\r\n\x1b[0m", "tab\tline\r\n[0m"),
                                          ("half \ud800", "half "), ("é", "é")])
def testTextThatDatabasesRefuseIsCleaned_8056(dirty, clean):
    assert cleanText(dirty) == clean
    cleanText(dirty).encode("utf-8")
