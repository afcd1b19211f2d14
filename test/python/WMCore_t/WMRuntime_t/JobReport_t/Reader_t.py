"""Both back ends give the same elements, and the same trouble where the data are bad."""
import glob
import io
import os
import random
import resource
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from WMCore.WMRuntime.JobReport.Reader import BACKENDS, EXPAT, LXML, MAX_TAGS, readElements
from WMCore.WMRuntime.JobReport.Reading import (AFTER_END, DOCTYPE, MALFORMED, NOT_A_REPORT, TOO_LARGE, TRUNCATED, Limits,
                                                   XmlTrouble)
from WMCore_t.Counts import examples, nightly  # noqa: E402
from WMCore_t.WMRuntime_t.JobReport_t.Reports import reports

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[".."] * 4 + ["data", "fjr", "*.xml"])
REAL = sorted(glob.glob(DATA))
OPEN, CLOSE = b"<FrameworkJobReport>", b"</FrameworkJobReport>"
FRAGMENTS = (b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<Branches>", b"</Branches>", b"<Branch>", b"</Branch>", b"&",
             b"<", b">", b'"', b"\0", b"\xff", b"\xc3", b"<File>", b"</File>", b"<Foo/>", OPEN, CLOSE, b"<!DOCTYPE a>",
             b"<?x y?>", b"&#0;", b"&#65;", b"&x;", b"a:b", b"\n", b"\xef\xbb\xbf")


class Stream(object):
    """Give bytes, and nothing else that files can do."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Give the name of each back end in turn."""
    if request.param == LXML:
        pytest.importorskip("lxml.etree")
    return request.param


def plain(element):
    """Copy what an element holds, without what Branches hold."""
    if element.tag == "Branches":
        return element.tag, dict(element.attrib), None, []
    return element.tag, dict(element.attrib), element.text, [plain(child) for child in element]


def read(data, backend, limits=Limits(), makeStream=io.BytesIO):
    """Give (the elements, the trouble or None)."""
    elements = []
    try:
        for element in readElements(makeStream(data), limits, backend):
            elements.append(plain(element))
    except XmlTrouble as ex:
        assert ex.elementsSeen == len(elements)
        return elements, ex
    return elements, None


def content(path):
    with open(path, "rb") as handle:
        return handle.read()


def test_realReports_areThere():
    assert len(REAL) >= 9


@pytest.mark.parametrize("blockBytes", [11, 4096, 65536])
@pytest.mark.parametrize("path", REAL, ids=os.path.basename)
def test_realReport_givesWhatElementTreeGives(path, blockBytes, backend):
    data = content(path)
    if data.count(b"</FrameworkJobReport>") == 0:
        # The text of one of them ends before its root.
        elements, trouble = read(data, backend, Limits(blockBytes=blockBytes))
        assert trouble.kind == TRUNCATED and elements
        data += CLOSE
    expected = [plain(one) for one in ElementTree.fromstring(data)]
    assert read(data, backend, Limits(blockBytes=blockBytes)) == (expected, None)


@settings(deadline=None, max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(drawn=reports())
def test_validReport_givesWhatElementTreeGives(drawn):
    data = drawn[0]
    expected = [plain(one) for one in ElementTree.fromstring(data)]
    for name in BACKENDS:
        if name == EXPAT or _hasLxml():
            assert read(data, name, Limits(blockBytes=100)) == (expected, None)


def _hasLxml():
    try:
        import lxml.etree  # noqa: F401 pylint: disable=unused-import
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("name,data,kind,seen", [
    ("nothing", b"", TRUNCATED, 0),
    ("blanks", b" \n ", TRUNCATED, 0),
    ("cut in an element", OPEN + b"<File/><File><LFN>a", TRUNCATED, 1),
    ("cut in a tag", OPEN + b"<File/><File", TRUNCATED, 1),
    ("cut after an element", OPEN + b"<File/><Foo/>\n", TRUNCATED, 2),
    ("cut in a CDATA section", OPEN + b"<File/><FrameworkError><![CDATA[x", TRUNCATED, 1),
    ("interleaved tags", OPEN + b"<File/><File></InputFile></File>" + CLOSE, MALFORMED, 1),
    ("raw ampersand", OPEN + b"<File/><File>a?b=1&c=2</File>" + CLOSE, MALFORMED, 1),
    ("NUL", OPEN + b"<File/><File><![CDATA[a\0]]></File>" + CLOSE, MALFORMED, 1),
    ("latin-1", OPEN + b"<File/><File>\xff</File>" + CLOSE, MALFORMED, 1),
    ("bad UTF-8 in branches", OPEN + b"<File/><File><Branches><Branch>\xc3 </Branch></Branches></File>" + CLOSE,
     MALFORMED, 1),
    ("bad UTF-8 in a comment", OPEN + b"<File/><!-- \xc3 --><File/>" + CLOSE, MALFORMED, 1),
    ("unknown entity", OPEN + b"<File/><File>&foo;</File>" + CLOSE, MALFORMED, 1),
    ("another root", b"<html></html>", NOT_A_REPORT, 0),
    ("branches for a root", b"<Branches>\n<Branch>a</Branch></Branches>", NOT_A_REPORT, 0),
    ("no XML", b"cmsRun: not found", MALFORMED, 0),
    ("text after the end", OPEN + b"<File/>" + CLOSE + b"\n</LFN>", AFTER_END, 1),
    ("comment after the end cut", OPEN + b"<File/>" + CLOSE + b"\n<!-- ", AFTER_END, 1),
    ("doctype", b"<!DOCTYPE FrameworkJobReport>" + OPEN + CLOSE, DOCTYPE, 0),
    ("entity bomb", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + OPEN + b"&b;" + CLOSE, DOCTYPE, 0),
])
def test_badData_areNamedAfterWhatWasComplete(name, data, kind, seen, backend):
    elements, trouble = read(data, backend)
    assert (trouble.kind, len(elements)) == (kind, seen), str(trouble)


@pytest.mark.parametrize("declaration", [
    b'<!DOCTYPE FrameworkJobReport SYSTEM "file://%s">',
    b'<!DOCTYPE FrameworkJobReport [<!ENTITY x SYSTEM "file://%s">]>',
    b'<!DOCTYPE FrameworkJobReport [<!ENTITY %% x SYSTEM "file://%s"> %%x;]>'])
def test_entities_areNeverExpanded(declaration, tmp_path, backend):
    secret = tmp_path / "secret"
    os.mkfifo(str(secret))  # opening it would wait for ever
    data = declaration % str(secret).encode() + OPEN + b"<File>&x;</File>" + CLOSE
    elements, trouble = read(b"<?xml version='1.0'?>\n<!-- c -->" + data, backend, Limits(blockBytes=13))
    assert elements == [] and trouble.kind == DOCTYPE


def test_place_isThatInTheStreamThoughBranchesWereCut():
    listed = b"<Branches>\n  <Branch>a</Branch>\n  <Branch>b</Branch>\n</Branches>\n"
    data = OPEN + b"\n" + (b"<InputFile>" + listed + b"</InputFile>") * 50 + b"\n <File>" + listed + b"a & b</File>"
    for blockBytes in (16, 65536):
        trouble = read(data, EXPAT, Limits(blockBytes=blockBytes))[1]
        assert trouble.byteOffset == data.index(b"& b") + 1
        assert trouble.line == data[:trouble.byteOffset].count(b"\n") + 1
        assert trouble.column == trouble.byteOffset - data.rindex(b"\n", 0, trouble.byteOffset) - 1


def test_placeGivenByLxml_isTheLineInTheStream():
    pytest.importorskip("lxml.etree")
    listed = b"<Branches>\n  <Branch>a</Branch>\n  <Branch>b</Branch>\n</Branches>\n"
    data = OPEN + b"\n" + (b"<InputFile>" + listed + b"</InputFile>") * 50 + b"\n <File>\n</Foo>\n" + CLOSE
    assert read(data, LXML)[1].line == data[:data.index(b"</Foo>")].count(b"\n") + 1


def test_tailOfAFallbackAttempt_disturbsNothing(backend):
    data = OPEN + b'<FallbackAttempt Pfn="p"/>\n<![CDATA[An <error> & more]]>\n<Foo a="b">x</Foo>tail<File/>' + CLOSE
    for blockBytes in range(1, 40):
        elements, trouble = read(data, backend, Limits(blockBytes=blockBytes))
        assert trouble is None
        assert elements == [("FallbackAttempt", {"Pfn": "p"}, None, []), ("Foo", {"a": "b"}, "x", []),
                            ("File", {}, None, [])]


def test_characters_areThoseOfUtf8(backend):
    content = OPEN.decode() + u"<File>\u00e4<!-- c -->b</File>" + CLOSE.decode()
    for start in u"", u"\ufeff", u"<?xml version='1.0' encoding='UTF-8'?>\n":
        assert read((start + content).encode("utf-8"), backend) == ([("File", {}, u"\u00e4b", [])], None)


@pytest.mark.parametrize("makeStream", [io.BytesIO, Stream])
def test_hugeText_isGivenWhole(makeStream, backend):
    text = b"x" * (11 * 1024 * 1024)
    data = OPEN + b"<File/><FrameworkError><![CDATA[" + text + b"]]></FrameworkError><Foo/>" + CLOSE
    elements, trouble = read(data, backend, makeStream=makeStream)
    assert trouble is None
    assert [(tag, len(message or "")) for tag, _attributes, message, _children in elements] == [
        ("File", 0), ("FrameworkError", len(text)), ("Foo", 0)]


@pytest.mark.parametrize("limits,middle", [
    (Limits(maxBytes=1000, blockBytes=100), b"<Foo/>" * 1000),
    (Limits(maxDepth=5), b"<Foo>" + b"<a>" * 4 + b"</a>" * 4 + b"</Foo>"),
    (Limits(maxDepth=5), b"<Foo><Branches>" + b"<a>" * 4 + b"</a>" * 4 + b"</Branches></Foo>"),
    (Limits(), b"<Foo>" + b"<a>" * 100000),
    (Limits(maxElementBytes=1000, blockBytes=100), b"<Foo>" + b"x" * 2000 + b"</Foo>"),
    pytest.param(Limits(), b"<Foo>" + b"<a/>" * (MAX_TAGS + 70000) + b"</Foo>", marks=pytest.mark.slow),
    (Limits(), b"<Foo %s/>" % b" ".join(b'a%d="1"' % number for number in range(1001))),
    (Limits(maxAttributes=2), b'<Foo><Bar a="1" b="2" c="3"/></Foo>')], ids=list("bdnrsmao"))
def test_moreThanTheLimits_isRefused(limits, middle, backend):
    elements, trouble = read(OPEN + b"<File/>" + middle + CLOSE, backend, limits)
    assert trouble.kind == TOO_LARGE and elements[0][0] == "File"


def test_depthAtTheLimit_isTaken(backend):
    assert read(OPEN + b"<Foo>" + b"<a>" * 3 + b"</a>" * 3 + b"</Foo>" + CLOSE, backend, Limits(maxDepth=5))[1] is None


def test_moreChildrenThanTheLimit_endTheReadingThere(backend):
    data = OPEN + b"<Foo/>" * 5 + CLOSE
    for most, kind in ((4, TOO_LARGE), (5, None)):
        elements, trouble = read(data, backend, Limits(maxElements=most))
        assert len(elements) == most and (trouble.kind if trouble else None) == kind


def test_attributesAtTheLimit_areTaken(backend):
    data = OPEN + b'<Foo a="1" b="2"><Branches a="1" b="2"/></Foo>' + CLOSE
    assert read(data, backend, Limits(maxAttributes=2))[1] is None


def test_aHundredThousandAttributes_takeNoLongTime(backend):
    data = OPEN + b"<File/><Foo %s/>" % b" ".join(b'a%d="1"' % number for number in range(100000)) + CLOSE
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    elements, trouble = read(data, backend)
    assert (len(elements), trouble.kind) == (1, TOO_LARGE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - used < 2


def test_longAttribute_takesTimeInProportion(backend):
    data = OPEN + b'<Foo a="' + b"x" * 9000000 + b'"/>' + CLOSE
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    assert read(data, backend, Limits(blockBytes=16384))[1] is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - used < 5


def test_unknownBackend_isRefused():
    with pytest.raises(ValueError, match="expat, lxml"):
        readElements(io.BytesIO(b""), backend="sax")


def test_manyChildren_takeNoMoreMemoryThanFew(tmp_path, backend):
    path = tmp_path / "report.xml"
    listed = b"<Branches>" + b"<Branch>a&amp;b</Branch>" * 500 + b"</Branches>"
    with open(str(path), "wb") as handle:
        handle.write(OPEN + (b"<InputFile>" + listed + b"</InputFile><Unknown>text</Unknown>") * 750 + CLOSE)
    # Not ru_maxrss, which a process inherits from what started it.
    program = ("import sys\nfrom WMCore.WMRuntime.JobReport.Reader import readElements\n"
               "def peak():\n    with open('/proc/self/status') as handle:\n"
               "        return int([line for line in handle if line.startswith('VmHWM')][0].split()[1])\ncount = 0\n"
               "with open(sys.argv[1], 'rb') as stream:\n"
               "    for element in readElements(stream, backend=sys.argv[2]):\n"
               "        count += 1\n        before = peak() if count == 200 else count > 200 and before\n"
               "print(count, peak() - before)")
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    out = subprocess.check_output([sys.executable, "-c", program, str(path), backend], env=env)
    count, growth = [int(word) for word in out.split()]
    assert count == 1500 and growth < 2500  # kB


def mutated(data, rng):
    """Flip, cut, double, move and put in bytes."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 5, 50, 500)))
        kind = rng.randrange(6)
        if kind == 0:
            data[start:start + 1] = bytearray([rng.randrange(256)])
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = data[start:end]
        elif kind == 3:
            del data[start:]
        elif kind == 4:
            data[start:start] = rng.choice(FRAGMENTS)
        else:
            place = rng.randrange(len(data) + 1)
            data[place:place] = data[start:end]
    return bytes(data)


def smallReports():
    """Give the smaller real reports."""
    return [data for data in map(content, REAL) if len(data) < 90000]


@pytest.mark.parametrize("seed,count", [(1, 150), pytest.param(2, nightly(20000, 4000), marks=pytest.mark.slow)])
def test_bothBackends_agreeOnDamagedReports(seed, count):
    """
    The relation: both or neither find trouble; without any the elements are the same; with trouble those of
    lxml are the first of those of expat or the other way round, as one may find it a few elements later. Only
    about characters beyond ASCII in names they differ: libxml2 follows XML 1.0's fifth edition, expat its fourth.
    """
    pytest.importorskip("lxml.etree")
    rng = random.Random(seed)
    originals = smallReports()
    for _ in range(count):
        data = mutated(rng.choice(originals), rng)
        limits = Limits(blockBytes=rng.choice((97, 4096, 65536)))
        (ours, oursTrouble), (theirs, theirTrouble) = read(data, EXPAT, limits), read(data, LXML, limits)
        if (oursTrouble is None) != (theirTrouble is None):
            assert max(data) > 0x7f and (oursTrouble or theirTrouble).kind in (MALFORMED, AFTER_END)
        common = min(len(ours), len(theirs))
        assert ours[:common] == theirs[:common]
        if oursTrouble is None and theirTrouble is None:
            assert len(ours) == len(theirs)
        elif oursTrouble is not None and theirTrouble is not None:
            assert (oursTrouble.kind == AFTER_END) == (theirTrouble.kind == AFTER_END)
            assert (oursTrouble.kind == DOCTYPE) == (theirTrouble.kind == DOCTYPE)
