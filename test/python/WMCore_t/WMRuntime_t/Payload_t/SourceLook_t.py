"""A source looked at in pieces says what it says as a whole."""
import glob
import os
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.Payload_t.PSetLanguage_t import BOTH, NEITHER, PYTHON2, PYTHON3, WORDS
from WMCore.WMRuntime.Payload import SourceLook
from WMCore.WMRuntime.Payload.SourceLook import lookAtSource
from WMCore.WMRuntime.Payload.SourcePieces import PIECE, isDivisible, pieceEnd, withoutStrings

WHOLE = 1 << 30
# What a cut could go through, or what one statement does to the others.
TRICKY = ['from __future__ import print_function', 'from __future__ import barry_as_FLUFL', 'global x',
          'x = 1; global x', 'def f():\n    global x\n    x = 1', '@a\n\n# why\n@b\ndef f():\n    pass', '@a',
          'if a:\n    b', 'else:\n    c', 'elif a: b',
          'try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2',
          'finally:\n    x', 'while a:\n    b\nelse:\n    c', "x = '''\na = 1\nelse\n'''",
          'x = """\nprint \'a\'\n"""', 'x = (\na,\nb)', 'x = [\n1,\n\n# [\n2\n]', 'x = 1 + \\\ny', "x = '\\\ny'",
          '\\', "x = '", "'''", "# '''", '(', ']', '\x0cx = 1', '\tx', ' x',
          'class A:\n\tdef f(self):\n\t\treturn 1', 'if a:\n        x\n\ty', 'return', 'break', "'docs'", '',
          'for x in y: pass', 'file = 3', "x = file('a')", 'x = unicode', "process.load('a.b')",
          "open('PSet.pkl')", 'x.y: int', "x = {'a': 1}", "x = 13_0\ny = '13_0_3'", 'x = 0xf_f', "y = rf'{x}'",
          'from x import *', 'match = 1', 'type = 2', 'x = a <> b', 'return\nx = (',
          "process.a = cms.EDProducer('A',\n    b = cms.InputTag('c', 'd'),\n)"]


def told(text, size):
    """Look at a text in pieces of a size; give all that is said."""
    notes = []
    seen, tree = lookAtSource(text, note=notes.append, size=size)
    return seen, tree, notes


SOURCES = st.lists(st.sampled_from(PYTHON2 + PYTHON3 + BOTH + NEITHER + TRICKY), max_size=8).map("\n".join)


@settings(max_examples=examples(500), deadline=None)
@given(SOURCES | st.lists(WORDS, max_size=40).map("".join), st.integers(0, 60))
@example("x = 1\nglobal x\n", 1)
@example("x = 1\nfrom __future__ import division\n", 1)
@example("from __future__ import barry_as_FLUFL\ny = 2\nx = a <> b\n", 40)
@example("x = 1\nif a:\n    b\nelse:\n    c\n", 1)
@example("a = 1\nx = (\nb\nc = ]\n", 1)
@example("a = 1\nreturn\nb = (\n", 1)
@example("a = 1\nif b:\n\tc\n        d\nprint 'x'\n", 1)
def test_inPiecesASourceSaysWhatItSaysAsAWhole(text, size):
    assert told(text, size) == told(text, WHOLE)


@pytest.mark.parametrize("size, every", [pytest.param(1, 1, marks=pytest.mark.slow),
                                         pytest.param(300, 1, marks=pytest.mark.slow), (2000, 4)])
def test_realSourcesSayTheSameInPiecesAndAsAWhole(size, every):
    top = os.path.dirname(os.path.abspath(SourceLook.__file__))
    paths = sorted(glob.glob(os.path.join(top, "*.py")) + glob.glob(os.path.join(top, "..", "WorkerNode", "*.py")))
    assert len(paths) > 15
    for path in paths[::every]:
        with open(path) as handle:
            text = handle.read()
        for source in (text, text + "print 'x'\n", text + "x = (\n"):
            assert told(source, size) == told(source, WHOLE)


def test_aLargeSourceIsNeverParsedAsAWhole(monkeypatch):
    sizes = []
    parse = SourceLook._parse
    monkeypatch.setattr(SourceLook, "_parse", lambda *args: sizes.append(
        len(args[0].strip())) or parse(*args))
    text = "import FWCore.ParameterSet.Config as cms\n" + (
        "process.a = cms.EDProducer('A',\n    b = cms.bool(True)\n)\n" * 10000)
    assert told(text + "print 'x'\n", PIECE)[0][0].line == 30002
    assert max(sizes) < 2 * PIECE and len(sizes) < 6 * (len(text) // PIECE)


def test_aLargeSourceTakesLittleMemory():
    text = "process.a = cms.EDProducer('A',\n    b = cms.bool(True)\n)\n" * 10000
    tracemalloc.start()
    try:
        told(text, PIECE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(text) + 2000000


def test_aCutStandsBeforeAStatementAndNeverWithinItsParts():
    text = "a = 1\nif a:\n    b\nelse:\n    c\nd = 2 \\\n+ e\nf = (\ng)\n"
    ends, start = [], 0
    while start < len(text):
        start = pieceEnd(text, start, 1)
        ends.append(text[start:start + 4])
    assert ends == ["if a", "d = ", "f = ", "g)\n", ""]


def test_whatLooksBackOverAllStatementsIsNotCut():
    for text in ("x = 1\nglobal x", "x = 1; global x", "if x: global x",
                 "x" * 50 + "\nfrom __future__ import division"):
        assert not isDivisible(text, 20)
    for text in ("from __future__ import division\nx = 'global'\nglobalTag = 1", "x = 1\n'''\nglobal warming\n'''\n",
                 "x = 1  # __future__", "x = '" + "y" * 50 + "__future__'"):
        assert isDivisible(text, 40)


@pytest.mark.parametrize("more", ["", "def f():\n    global y\n    y = 1\n", "'''\nglobal warming\n'''\n",
                                  "# see __future__\n", "def f():\n" + "    x = a(1).b\n" * 2100])
def test_manyStatementsAreNotTakenForADeepOne(monkeypatch, more):
    monkeypatch.setattr(SourceLook, "MAX_CHAIN", 1000)
    text = "x = a(1).b\n" * 2001 + "import urllib2\n" + more
    for size in (PIECE, WHOLE):
        seen, _tree, notes = told(text, size)
        assert [item.what for item in seen] == ["the import of urllib2"] and notes == []


def test_stringsAndCommentsGoAndThePrefixStays():
    assert withoutStrings("a = f'b: {c}' # d: e\nx = '''y\n:''' + \"z\\\":\" + r'\\'") == \
        "a = f'' \nx = '' + \"\" + r''"
