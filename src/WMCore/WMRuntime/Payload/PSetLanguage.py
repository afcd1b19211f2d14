"""
Tell whether a PSet is for python 2, python 3 or both, with the lines that say so, and run none of it.

    language = readPSet("PSet.py")
    language.verdict                 # "both", "python2", "python3" or "neither"
    [str(finding) for finding in language.findings]

A finding that depends on whether its line is reached (an import in a function) is not certain, and gives
way to a certain one. What python cannot know before it runs a PSet, nobody can tell from the text.
"""
import codecs
import os
import re

import attr

from WMCore.WMRuntime.Payload.PSetPickle import lookAtPickle
from WMCore.WMRuntime.Payload.PythonModules import PYTHON2, PYTHON3
from WMCore.WMRuntime.Payload.SourceLook import NEITHER, lookAtSource
from WMCore.WMRuntime.Payload.SourceTree import Seen

BOTH = "both"
#: Bytes of one source, of all together, and how many files are followed.
MAX_SOURCE, MAX_ALL, MAX_FILES = 16 * 1024 * 1024, 32 * 1024 * 1024, 50
_CODING = re.compile(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PICKLES = (".pkl", ".pcl", ".pickle")


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
    :param unjudged: tuple of str, those of the files whose syntax was not looked at
    """
    verdict = attr.ib()
    findings = attr.ib(default=())
    files = attr.ib(default=())
    notes = attr.ib(default=())
    unjudged = attr.ib(default=())

    @property
    def sources(self):
        """Give the files that are no pickles, a tuple of str."""
        return tuple(path for path in self.files if not path.endswith(_PICKLES))

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
        self.findings, self.notes, self.unjudged, self.left = [], [], [], MAX_ALL

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
        return PSetLanguage(verdictOf(self.findings), tuple(self.findings), tuple(self.files), tuple(self.notes),
                            tuple(self.unjudged))

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
            self._leftOut(path, "too large to be looked at")
            return []
        self.left -= len(data)
        text, seen = decodeSource(data)
        if text is None:
            return seen
        directory = os.path.dirname(path)
        more, tree = lookAtSource(text, lambda module: _beside(directory, module) is not None,
                                  lambda why: self._leftOut(path, why))
        if tree is not None:
            self._follow(directory, tree)
        return seen + more

    def _leftOut(self, path, why):
        self.notes.append("%s: %s" % (path, why))
        self.unjudged.append(path)

    def _follow(self, directory, tree):
        found = [_beside(directory, module) for module, _line in tree.imports]
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


def readPSet(path, tools=()):
    """
    Look at a PSet, the pickle it loads and the files it imports from beside it.

    :param path: str
    :param tools: names of the tools of a release; some bring modules of python 3 to python 2
    :return: PSetLanguage; both, with a note, when the file cannot be read
    """
    return _Reader(path, tools).read()
