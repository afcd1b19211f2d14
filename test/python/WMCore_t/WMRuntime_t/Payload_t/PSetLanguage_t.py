"""Which python a PSet is for."""
import pickle
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Payload import SourceLook
from WMCore.WMRuntime.Payload.PSetLanguage import decodeSource, lookAtSource, readPSet
from WMCore.WMRuntime.Payload.PSetTokens import statements, tokens
from WMCore_t.Counts import examples

PYTHON2 = ['print "x"', "print >>f, 'x'", "print 'a' % b, c,", "print '%s' % `x`", "x = `a`", "a <> b", "exec 'a' in n",
           'x = ur"a"', "x = 0777", "x = 10L", "raise E, 'x'", "try:\n    x\nexcept A, e:\n    pass",
           "if a:\n\tx\n        y", "lambda (a, b): a", "def f(a, (b, c)=1):\n    pass", "import urllib2",
           "import ConfigParser",
           "import cPickle as pickle", "from StringIO import StringIO", "import __builtin__", "x = xrange(3)",
           "from urllib import urlencode", "async = 1", "if a: print 'x'\nelse: print 'y'", "x = unicode('a')",
           "execfile('other.py')", "from itertools import izip"]
PYTHON3 = ['x = f"{a}"', "def f():\n    x = 1\n    def g():\n        nonlocal x", "x: int = 3", "a @ b",
           "async def f(): pass",
           "def f(*, a): pass", "def f(a: int): pass", "def f() -> int: pass", "print('x', file=y)",
           "import configparser",
           "import builtins", "import urllib.request", "from urllib import parse", "f(*a, *b)", "f(*a, b)", "a, *b = c",
           "x = '\u00e9'", "x = 1_000", "class A(B, metaclass=C): pass", "raise A from b", "x = {**a}",
           "import pathlib",
           "from __future__ import annotations\nx = 1", "f(\n    *a,\n)", "f(a, **b,)", "f(*a, b=1,)",
           "def f(*a,): pass",
           "def f(\n    a,\n    **b,\n): pass", "x = lambda *a,: 1", "f(**a, b=1)", "x = ...", "x = [...]",
           "x[(...)]", "x = rb'a'", "x = Rb'a'", "app.exec(1)", "x = a.exec", "f(exec=1)", "def exec(): pass",
           "x = lambda: exec('a')", "app.print()", "f(print)", "x = lambda: print(1)", "class print: pass",
           "print = 1", "def f():\n    yield 1\n    return 2", "@a.b[0]\ndef f(): pass", "@a(b)(c)\ndef f(): pass",
           "with (a as b, c as d):\n    pass", "with (\n    a as b,\n):\n    pass", "with (a(b) as c): pass",
           "# coding: utf-8\n\u00e9 = 1", "from a import print"]
# Read by python 2 and some python 3, but not by all of these.
MANY_ARGUMENTS = ["f(%s)" % ", ".join(["1"] * 256), "f(%s)" % ", ".join("a%d=b[1]" % number for number in range(256))]
BOTH = ["print('x')", "print", "print ('a') % x", "from __future__ import print_function\nprint('x', file=y)",
        "import io",
        "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request as urllib2",
        "try:\n    x = unicode\nexcept NameError:\n    x = str", "f(*a)", "f(*a, b=1, **c)", "x = 0\ny = 00\nz = 0.5",
        "@a.b\ndef f(): pass", "x = a*b + c", "xrange = range\nfor i in xrange(3): pass", "# coding: latin-1\nx = 1",
        "d = {'a': 1}\nx = lambda a: d[a:1]", "", "f(lambda a, **k: 1, 2)", "f(lambda *a: 1,)", "f(a * b,)",
        "f((a, b),)",
        "x[..., 1]", "x[a, ...]", "a[1][...]", "from ... import x", "from ...a import x", "exec('a')", "exec('a', b)",
        "if a: exec('b')", "print; x = 1", "print -1", "print [1]", "if a: print('x')\nelse: print('y')",
        "with (a): pass",
        "with a as b, c as d: pass", "@a.b(c, (d))\ndef f(): pass", "x = br'a'", "def f(*a): return f(*a)",
        "def f(a,): return g(*(a,))", "x = lambda a,: 1", "def f():\n    yield 1\n    return",
        "def f():\n    def g():\n        yield 1\n    return g", "x = '''f(*a,)'''  # f(*a,)",
        "f(%s)" % ", ".join(["1"] * 255),
        "from __future__ import (division,\n    print_function)\nprint('x', file=y)",
        "'''document'''\nfrom __future__ import division; from __future__ import print_function\nf(print, a.print)",
        "from __future__ import print_function\nprint >>f, x"]
PYTHON2 += ["'''\nfrom __future__ import print_function\n'''\nprint 'x'"]
NEITHER = ["from __future__ import annotations\nreturn", "from __future__ import nothing\nx = 1", "x = (",
           "print 'x'\ny = f'{x}'", "import urllib2, pathlib", "def", "x = 'abc", "if a:\nb"]


def verdict(tmp_path, text, **files):
    path = tmp_path / "PSet.py"
    path.write_bytes(text if isinstance(text, bytes) else (text + "\n").encode("utf-8"))
    for name, content in files.items():
        (tmp_path / (name + ".py")).write_text(content)
    return readPSet(str(path))


@pytest.mark.parametrize("text, expected", [(text, name) for name, texts in (
    ("python2", PYTHON2), ("python3", PYTHON3), ("both", BOTH), ("neither", NEITHER)) for text in texts])
def test_theVerdictFollowsTheText(text, expected, tmp_path):
    language = verdict(tmp_path, text)
    assert language.verdict == expected, [str(finding) for finding in language.findings]
    assert bool(language.findings) == (expected != "both")


@pytest.mark.parametrize("text", PYTHON2[:15] + BOTH)
def test_python2CompilesWhatIsSaidToBeForIt(text, tmp_path, interpreters):
    import subprocess
    if "2.7" not in interpreters:
        pytest.skip("no python 2.7 here")
    (tmp_path / "P.py").write_text(text + "\n")
    assert subprocess.call([interpreters["2.7"], "-c", "compile(open('P.py').read(), 'P.py', 'exec')"],
                           cwd=str(tmp_path)) == 0


@pytest.mark.parametrize("text", [text for text in PYTHON3 if "import" not in text and "\u00e9" not in text] +
                         [text for text in NEITHER if "urllib2" not in text])
def test_python2RefusesWhatIsSaidNotToBeForIt(text, tmp_path, interpreters):
    import subprocess
    if "2.7" not in interpreters:
        pytest.skip("no python 2.7 here")
    (tmp_path / "P.py").write_bytes((text + "\n").encode("utf-8"))
    assert subprocess.call([interpreters["2.7"], "-c", "compile(open('P.py').read(), 'P.py', 'exec')"],
                           cwd=str(tmp_path), stderr=subprocess.DEVNULL) != 0


def test_aFindingNamesFileLineAndReason(tmp_path):
    language = verdict(tmp_path, "x = 1\n\nprint 'x'\nz = f'{x}'")
    said = [str(finding) for finding in language.findings]
    assert said[0].endswith("PSet.py:3: the print statement (python 2 only)")
    assert "PSet.py:4: an f-string (python 3 only" in said[1]


def test_anImportThatMayNotHappenGivesWayToACertainFinding(tmp_path):
    assert verdict(tmp_path, "def f():\n    import urllib2").verdict == "python2"
    assert verdict(tmp_path, "def f():\n    import urllib2\nx = f''").verdict == "python3"


def test_filesBesideThePSetAreFollowedAndOthersAreNot(tmp_path):
    language = verdict(tmp_path, "import helper\nprocess.load('more')\nimport os", helper="import deeper", more="x = 1",
                       deeper="print 'x'", unused="x = f''")
    assert language.verdict == "python2" and [name[len(str(tmp_path)) + 1:] for name in language.files] == [
        "PSet.py", "helper.py", "more.py", "deeper.py"]
    assert language.findings[0].file == str(tmp_path / "deeper.py") and language.findings[0].line == 1


def test_filesThatImportEachOtherEnd(tmp_path):
    assert verdict(tmp_path, "import a", a="import b", b="import a\nimport PSet").verdict == "both"


def test_tooManyFilesAreSaidSo(tmp_path):
    names = ["m%d" % number for number in range(60)]
    language = verdict(tmp_path, "\n".join("import %s" % name for name in names), **{name: "" for name in names})
    assert language.notes == ("only 50 files were looked at",)


def test_aModuleBesideHidesTheOneOfTheLibrary(tmp_path):
    assert verdict(tmp_path,
           "import ConfigParser", ConfigParser="x = 1").verdict == "both"


def test_aBackportOfTheReleaseServesPython2(tmp_path):
    (tmp_path / "PSet.py").write_text("from builtins import range\n")
    assert readPSet(str(tmp_path / "PSet.py")).verdict == "python3"
    assert readPSet(str(tmp_path / "PSet.py"), ["py2-future"]).verdict == "both"


LOADER = "import pickle\nwith open('PSet.pkl', 'rb') as handle:\n    process = pickle.load(handle)\n"


def loaded(tmp_path, content):
    (tmp_path / "PSet.pkl").write_bytes(content)
    return verdict(tmp_path, LOADER)


def test_aPickleIsJudgedByProtocolNamesAndStringsAndNeverLoaded(tmp_path):
    assert loaded(tmp_path, pickle.dumps({"a": 1}, protocol=4)).verdict == "python3"
    assert any(finding.certain for finding in loaded(tmp_path, pickle.dumps({"a": 1}, protocol=3)).findings)
    # Written by python 3 with protocol 0: python 2 gets unicode, which no parameter takes.
    assert [finding.certain for finding in loaded(tmp_path, pickle.dumps({"a": 1}, protocol=0)).findings] == [False]
    assert loaded(tmp_path, b"(dp0\nS'a'\np1\nI1\ns.").verdict == "both"
    assert loaded(tmp_path, b"c__builtin__\nset\n(lS'a'\natR.").verdict == "both"
    assert loaded(tmp_path, b"cbuiltins\nset\n(lS'a'\natR.").verdict == "python3"
    assert loaded(tmp_path, b"S'\\xe9'\n.").verdict == "python2"


def test_aHostilePickleRunsNothing(tmp_path):
    trap = tmp_path / "trap"
    loaded(tmp_path, b"cos\nsystem\n(S'touch %s'\ntR." % str(trap).encode())
    assert not trap.exists()
    assert "no whole pickle" in loaded(tmp_path, b"\x80\x04\x95\xff").notes[0]


@pytest.mark.parametrize("data, expected", [(b"x = '\xe9'\n", "neither"), (b"# coding: latin-1\nx = '\xe9'\n", "both"),
                                            (b"\xef\xbb\xbfx = 1\n", "both"), (b"x = 1\0\n", "neither"),
                                            (b"# coding: hex\nx\n", "neither"), (b"x = 1\r\nprint 'a'\r\n", "python2")])
def test_bytesAreReadAsPythonReadsThem(data, expected, tmp_path):
    assert verdict(tmp_path, data).verdict == expected


def test_aMissingPSetIsANoteAndNoVerdictAgainstAnything(tmp_path):
    language = readPSet(str(tmp_path / "PSet.py"))
    assert language.verdict == "both" and "No such file" in language.notes[0]


@pytest.mark.parametrize("text, since", [
    ("if (n := 3): pass", (3, 8)), ("@a[0]\ndef f(): pass", (3, 9)), ("with (a as b): pass", (3, 9)),
    ("f(*a,)", (3, 5)), ("def f(*a,): pass", (3, 6))])
def test_theFirstPython3IsNamedEvenWhereTheRunningOneIsOlder(text, since, tmp_path):
    language = verdict(tmp_path, text)
    assert language.verdict == "python3" and [finding.since for finding in language.findings] == [since]


@pytest.mark.parametrize("text", MANY_ARGUMENTS)
def test_aCallWithMoreArgumentsThanPython2TakesIsSeen(text, tmp_path):
    language = verdict(tmp_path, text)
    if sys.version_info >= (3, 7):
        assert language.verdict == "python3" and language.findings[0].since == (3, 7)
    else:
        assert language.verdict == "neither"


@pytest.mark.parametrize("text", ["x = " + "+".join(["a"] * 100000), "x = " + "(" * 100000, "x = " + "not " * 100000,
                                  "x = a" + ".b" * 100000, "x = a" + ".b(c, d)" * 30000,
                                  "x = (a" + ".b(c,\nd)" * 30000 + ")", "x = a" + ".b(c, d)" * 9000,
                                  "'" * 100000, '"""' + "x" * 1000000, "`" * 10001,
                                  "print 1,\n" * 20000, "x = " + "-" * 100000 + "1", "lambda " * 20000])
def test_extremeTextsAreParsedAFewTimesAndNoMore(text, tmp_path, monkeypatch):
    parsed, parse = [], SourceLook._parse
    monkeypatch.setattr(SourceLook, "_parse", lambda *args: parsed.append(len(args[0])) or parse(*args))
    assert verdict(tmp_path, text).verdict
    # As it is, and translated; each time with a cut that was wrong, and at last to the end.
    assert sum(parsed) <= 8 * (len(text) + 1)


WORDS = st.sampled_from(["print", "exec", "raise", "except", "lambda", "def", "f", "(", ")", "[", "]", "{", "}",
                         ":", ",", ";", "`", "<>", "ur'", "'", '"""', "'''", "0777", "1L", "\n", "\n    ", "\t",
                         " ", "=", "import", "urllib2", "from", "async", ">>", "*", "\\\n", "#", "\u00e9", "\x0c",
                         "if", "else", "try", "as", ":=", "@", "."])


@settings(max_examples=examples(300), deadline=2000)
@given(st.lists(WORDS, max_size=60).map("".join) | st.text(max_size=80))
def test_anyTokenSoupGivesAVerdictAndTheTokensAreTheText(text):
    assert "".join(token.text for token in tokens(text)) == text
    assert "".join(token.text for words in statements(text) for token in words) == text
    seen, _tree = lookAtSource(text.replace("\r", "\n").replace("\0", ""))
    assert all(item.which in ("python2", "python3", "neither") for item in seen)


@settings(max_examples=examples(200), deadline=2000)
@given(st.binary(max_size=200))
def test_anyBytesGiveTextOrAReason(data):
    text, seen = decodeSource(data)
    assert text is not None or seen
