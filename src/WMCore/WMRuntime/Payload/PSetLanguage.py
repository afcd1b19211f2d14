"""
Tell whether a PSet is for python 2, python 3 or both, with the lines that say so, and run none of it.

    language = readPSet("PSet.py")
    language.verdict                 # "both", "python2", "python3" or "neither"
    [str(finding) for finding in language.findings]

A finding that depends on whether its line is reached (an import in a function) is not certain, and gives
way to a certain one. What python cannot know before it runs a PSet, nobody can tell from the text.
"""
import ast
import codecs
import os
import re
import sys
import warnings

import attr

from WMCore.WMRuntime.Payload.Python2Syntax import translate
from WMCore.WMRuntime.Payload.PSetPickle import lookAtPickle
from WMCore.WMRuntime.Payload.PSetTokens import NUMBER, tokens
from WMCore.WMRuntime.Payload.PythonModules import PYTHON2, PYTHON3
from WMCore.WMRuntime.Payload.SourceTree import Seen, look

BOTH, NEITHER = "both", "neither"
#: Bytes of one source, of all together, and how many files are followed.
MAX_SOURCE, MAX_ALL, MAX_FILES = 16 * 1024 * 1024, 32 * 1024 * 1024, 50
# More operators in one expression make the parsers of python 3.6 to 3.8 overflow their stack.
MAX_CHAIN = 5000
_CODING = re.compile(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PICKLES = (".pkl", ".pcl", ".pickle")
# What a newer python 3 reads and this one may not: how it looks, what it is, since when.
_NEWER = ((re.compile(r":="), "the operator :=", (3, 8)), (re.compile(r"\bexcept\s*\*"), "except*", (3, 11)),
          (re.compile(r"^\s*match\b.*:\s*$", re.MULTILINE), "match", (3, 10)),
          (re.compile(r"^\s*type\s+\w+.*=", re.MULTILINE), "a type statement", (3, 12)),
          (re.compile(r"def\s+\w+\([^)]*/\s*[,)]"), "a positional-only argument", (3, 8)))


@attr.s(frozen=True)
class Finding(object):
    """
    Hold one reason for a verdict.

    :param file: str, path
    :param line: int, from 1; 0 for a file without lines
    :param what: str, what is there
    :param which: str, the python that takes it: python2 or python3; neither for a syntax error in both
    :param certain: bool, False when it depends on whether and how the line is reached
    :param since: tuple of int, the first python 3 that takes it, or None
    """
    file = attr.ib()
    line = attr.ib()
    what = attr.ib()
    which = attr.ib()
    certain = attr.ib(default=True)
    since = attr.ib(default=None)

    def __str__(self):
        place = "%s:%d" % (self.file, self.line) if self.line else self.file
        for_ = {PYTHON2: "python 2 only", PYTHON3: "python 3 only", NEITHER: "no python"}[self.which]
        if self.since:
            for_ += ", from %s on" % ".".join(map(str, self.since))
        return "%s: %s (%s%s)" % (place, self.what, for_, "" if self.certain else ", if that line is reached")


@attr.s(frozen=True)
class PSetLanguage(object):
    """
    Hold which python a PSet is for.

    :param verdict: str, both, python2, python3 or neither
    :param findings: tuple of Finding
    :param files: tuple of str, what was looked at
    :param notes: tuple of str, what could not be looked at
    """
    verdict = attr.ib()
    findings = attr.ib(default=())
    files = attr.ib(default=())
    notes = attr.ib(default=())

    @property
    def since(self):
        """Give the first python 3 that takes all of it, a tuple of int; (3,) when any does."""
        return max([finding.since for finding in self.findings if finding.since] + [(3,)])

    def against(self, major):
        """
        List what speaks against a python.

        :param major: int, 2 or 3
        :return: tuple of Finding, the certain ones first
        """
        own = {2: PYTHON2, 3: PYTHON3}[major]
        against = [finding for finding in self.findings if finding.which != own]
        return tuple(sorted(against, key=lambda finding: not finding.certain))


def verdictOf(findings):
    """
    Weigh findings: a python is out when something certain is against it, or something is and nothing against the other.

    :param findings: iterable of Finding
    :return: str
    """
    weight = {PYTHON2: 0, PYTHON3: 0}
    for finding in findings:
        for python in weight:
            if finding.which != python:
                weight[python] = max(weight[python], 2 if finding.certain else 1)
    two, three = weight[PYTHON2], weight[PYTHON3]
    if two == three == 2:
        return NEITHER
    if two == three:
        return BOTH
    return PYTHON2 if two < three else PYTHON3


class _Reader(object):
    """Read a PSet and what it takes from beside it."""

    def __init__(self, path, tools):
        self.tools = frozenset(tools)
        self.pending, self.files = [os.path.abspath(path)], []
        self.findings, self.notes, self.left = [], [], MAX_ALL

    def read(self):
        """Look at one file after the other."""
        while self.pending:
            path = self.pending.pop(0)
            if path in self.files:
                continue
            if len(self.files) >= MAX_FILES:
                self.notes.append("only %d files were looked at" % MAX_FILES)
                break
            self.files.append(path)
            if path.endswith(_PICKLES):
                seen, notes = lookAtPickle(path)
                self.notes += notes
            else:
                seen = self._source(path)
            self._keep(path, seen)
        return PSetLanguage(verdictOf(self.findings), tuple(self.findings), tuple(self.files), tuple(self.notes))

    def _keep(self, path, seen):
        for item in seen:
            if item.unless is None or item.unless not in self.tools:
                self.findings.append(Finding(path, item.line, item.what, item.which, item.certain, item.since))

    def _source(self, path):
        try:
            with open(path, "rb") as handle:
                data = handle.read(min(MAX_SOURCE, self.left) + 1)
        except OSError as ex:
            self.notes.append("cannot read %s: %s" % (path, ex.strerror or ex))
            return []
        if len(data) > min(MAX_SOURCE, self.left):
            self.notes.append("%s is too large to be looked at" % path)
            return []
        self.left -= len(data)
        text, seen = decodeSource(data)
        if text is None:
            return seen
        directory = os.path.dirname(path)
        more, tree = lookAtSource(text, lambda module: _beside(directory, module) is not None, self._note(path))
        if tree is not None:
            self._follow(directory, tree)
        return seen + more

    def _note(self, path):
        return lambda text: self.notes.append("%s: %s" % (path, text))

    def _follow(self, directory, tree):
        found = [_beside(directory, module) for module, _line in sorted(tree.imports, key=lambda item: item[1])]
        found += [os.path.join(directory, name) for name, _line in tree.opened
                  if name.endswith(_PICKLES + (".py",)) and "\0" not in name]
        self.pending += [os.path.abspath(path) for path in found if path and os.path.isfile(path)]


def _beside(directory, module):
    """Find the source of a module beside the PSet, or None."""
    if not module or not re.match(r"^\w+(\.\w+)*\Z", module):
        return None
    path = os.path.join(directory, *module.split("."))
    for name in (path + ".py", os.path.join(path, "__init__.py")):
        if os.path.isfile(name):
            return name
    return None


def decodeSource(data):
    """
    Turn the bytes of a source into text, as python would.

    :param data: bytes
    :return: (str with line ends of one character, list of Seen); None instead of the str when no python reads it
    """
    marked = data.startswith(codecs.BOM_UTF8)
    data = data[3:] if marked else data
    declared = [found.group(1).decode("ascii", "replace") for found in
                (_CODING.match(line) for line in data.split(b"\n", 2)[:2]) if found]
    name = "utf-8" if marked or not declared else declared[0]
    try:
        codec = codecs.lookup(name)
        if not getattr(codec, "_is_text_encoding", True):
            raise LookupError("no encoding of text")
        text = data.decode(codec.name)
    except (LookupError, UnicodeError, ValueError) as ex:
        line = data[:getattr(ex, "start", 0)].count(b"\n") + 1
        return None, [Seen(line, "not readable as %s: %s" % (name, ex), NEITHER)]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        return None, [Seen(text[:text.index("\0")].count("\n") + 1, "a NUL byte", NEITHER)]
    seen = []
    if not marked and not declared:
        found = re.search("[^\x00-\x7f]", text)
        if found:
            line = text[:found.start()].count("\n") + 1
            seen.append(Seen(line, "a character that is no ASCII, and no coding line", PYTHON3))
    return text, seen


def _tooDeep(text):
    """Tell whether one expression has more operators in a row than a parser's stack takes."""
    # A chain of calls may have commas and line ends in it; no real PSet has that many, of all its statements.
    if sum(1 for _ in re.finditer(r"[)\]]\s*[.(\[]", text)) > 2 * MAX_CHAIN:
        return True
    return any(len(re.findall(r"[-+*/%&|^.~(\[{]|\bnot\b|\blambda\b|\bif\b", piece)) > MAX_CHAIN
               for piece in re.split(r"[,\n]", text) if len(piece) > MAX_CHAIN) or len(
                   re.findall(r"[-+*/%&|^.~]\s*\\?\n", text)) > MAX_CHAIN


def _parse(text):
    """Give the tree, or None with the line and the words of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            compile(tree, "PSet", "exec", dont_inherit=True)
            return tree, None, None
    except SyntaxError as ex:
        if "future feature" in str(ex.msg):
            # One of a newer python 3 than this: the tree tells.
            return tree, None, None
        return None, ex, (ex.lineno or 1, ex.msg or "syntax error")
    except (RecursionError, MemoryError, ValueError, OverflowError) as ex:
        return None, ex, (1, "%s while it was parsed" % type(ex).__name__)


def lookAtSource(text, beside=lambda module: False, note=lambda text: None):
    """
    List what only one python takes in a source.

    :param text: str, line ends of one character
    :param beside: callable telling whether a module lies beside the source
    :param note: callable taking what could not be looked at
    :return: (list of Seen, TreeLook; None when no grammar took the text)
    """
    if _tooDeep(text):
        note("an expression has too many parts to be looked at")
        return [], None
    seen = []
    tree, error, where = _parse(text)
    if tree is None and not isinstance(error, SyntaxError):
        note(where[1])
        return [], None
    if tree is None:
        made = translate(text, where[0] if isinstance(error, TabError) else None)
        seen = [Seen(line, what, PYTHON2) for line, what in made.findings]
        first = where
        if made.findings:
            tree, error, where = _parse(made.text)
        if tree is None:
            return seen + _notParsed(text, first if not made.findings else where, bool(made.findings)), None
    elif sys.version_info < (3, 7) and re.search(r"\b(?:async|await)\b", text):
        # Names to python 3.6, keywords to the python 3 of a release from 11_1 on.
        seen = [Seen(line, what, PYTHON2) for line, what in translate(text).findings if "a keyword" in what]
    looked = look(tree, beside)
    if re.search(r"\d_\d", text):
        seen += [Seen(line, "underscores in a number", PYTHON3, True, (3, 6)) for line in _underscores(text)]
    return seen + list(looked.seen), looked


def _underscores(text):
    return [token.line for token in tokens(text) if token.kind == NUMBER and "_" in token.text]


def _notParsed(text, where, partly):
    """Say what a text that nothing here parses is: syntax of a newer python 3, or an error."""
    said = "python %d.%d says: %s" % (sys.version_info[:2] + (where[1],))
    for pattern, what, since in _NEWER:
        found = pattern.search(text)
        if found and sys.version_info[:2] < since and not partly:
            line = text[:found.start()].count("\n") + 1
            return [Seen(line, "%s (%s)" % (what, said), PYTHON3, False, since)]
    # With python 2's own syntax taken out, an error may be one of the taking out.
    return [Seen(where[0], said, NEITHER, not partly)]


def readPSet(path, tools=()):
    """
    Look at a PSet, the pickle it loads and the files it imports from beside it.

    :param path: str
    :param tools: names of the tools of a release; some bring modules of python 3 to python 2
    :return: PSetLanguage; both, with a note, when the file cannot be read
    """
    return _Reader(path, tools).read()
