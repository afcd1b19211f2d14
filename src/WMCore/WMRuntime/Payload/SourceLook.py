"""
Look at one source for what only one of python 2 and 3 takes, piece by piece.

First the pieces are parsed as they are. When one cannot be, all are parsed again with what only python 2
reads taken out, and the error counts only when that does not help.
"""
import __future__
import ast
import re
import sys
import warnings

from WMCore.WMRuntime.Payload.PSetTokens import NUMBER, tokens
from WMCore.WMRuntime.Payload.Python2Syntax import Translation, hasPrintFunction, translate
from WMCore.WMRuntime.Payload.Python3Syntax import hasPython3Only, python3Only
from WMCore.WMRuntime.Payload.PythonModules import BUILTINS2, ONLY_ATTRIBUTES, PYTHON2, PYTHON3
from WMCore.WMRuntime.Payload.SourcePieces import (PIECE, isDivisible, logicalLines, pieceEnd,
                                                      withoutStrings)
from WMCore.WMRuntime.Payload.SourceTree import Seen, TreeLooker

NEITHER = "neither"
# More operators in one expression make the parsers of python 3.6 to 3.8 overflow their stack.
MAX_CHAIN = 5000
# What a newer python 3 reads and this one may not: how it looks, what it is, since when.
_NEWER = ((re.compile(r":="), "the operator :=", (3, 8)), (re.compile(r"\bexcept\s*\*"), "except*", (3, 11)),
          (re.compile(r"^\s*match\b.*:\s*$", re.MULTILINE), "match", (3, 10)),
          (re.compile(r"^\s*type\s+\w+.*=", re.MULTILINE), "a type statement", (3, 12)),
          (re.compile(r"^[ \t\f]*@[\w.]*(?:[^\w.(\s#]|\([^()\n]*\)[ \t]*[^\s#])", re.MULTILINE),
           "a decorator that is no name or call of one", (3, 9)),
          (re.compile(r"\bwith\s*\([^:]*\bas\b"), "a with statement in brackets", (3, 9)),
          (re.compile(r"def\s+\w+\([^)]*/\s*[,)]"), "a positional-only argument", (3, 8)))
_PLAIN = r"[^()[\]{},]*"
_MANY_ARGUMENTS = r"\((?:%s(?:[([{][^()[\]{}]*[)\]}]%s)*,){255}" % (_PLAIN, _PLAIN)
# Without strings: all that has a colon, a star or a decorator, strings with values in them, names beyond ASCII,
# calls with more arguments than python 2 takes, and the words that a tree is looked at for. A dumped PSet has next to
# none of it, and a tree costs more than the parsing.
_TELLING = re.compile(r"""[^\x00-\x7f] | [:*@] | \btype[ \t\f\\\n]+\w
                          | \b(?:[fFtT][rR]?|[rR][fFtT])['"] | %s | \b(?:%s)\b""" % (_MANY_ARGUMENTS, "|".join(
    ["import", "raise", "async", "await", "print", "open", "load", "__import__", "import_module", "NameError"]
    + sorted(BUILTINS2))), re.VERBOSE)
_UNDERSCORED = re.compile(r"(?<!\w)[0-9]\w*_")


class _NotLooked(Exception):
    """Say why a source is not looked at, which says nothing against it."""


def _tooDeep(text):
    """Tell whether one expression has more operators in a row than a parser's stack takes."""
    if any(len(re.findall(r"[-+*/%&|^.~(\[{]|\bnot\b|\blambda\b|\bif\b", piece)) > MAX_CHAIN
           for piece in re.split(r"[,\n]", text) if len(piece) > MAX_CHAIN):
        return True
    # These may have commas and line ends in them. Hardly a text has that many in all its statements together.
    return _isChain(text) and any(_isChain(line) for line in logicalLines(withoutStrings(text)))


def _isChain(text):
    """Tell whether there are more calls, or lines that end with an operator, than a parser's stack takes."""
    return sum(1 for _ in re.finditer(r"[)\]]\s*[.(\[]", text)) > 2 * MAX_CHAIN or sum(
        1 for _ in re.finditer(r"[-+*/%&|^.~]\s*\\?\n", text)) > MAX_CHAIN


def _parse(text, bare, flags):
    """Give the tree of a text, or None when there is nothing in it to be looked at; a SyntaxError passes."""
    try:
        if not _TELLING.search(bare):
            compile(text, "PSet", "exec", 0, True)
            return None
        # What a source asks of __future__ changes what is made of its trees, not how it is parsed.
        tree = compile(text, "PSet", "exec", ast.PyCF_ONLY_AST, True)
        newer = [alias for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"
                 for alias in node.names if alias.name not in __future__.all_feature_names
                 and ("__future__", alias.name) in ONLY_ATTRIBUTES]
        names = [alias.name for alias in newer]
        for alias in newer:
            # One of a newer python 3 than this, which would find no other error behind it.
            alias.name = "division"
        compile(tree, "PSet", "exec", flags, True)
        for alias, name in zip(newer, names):
            alias.name = name
        return tree
    except (RecursionError, MemoryError, ValueError, OverflowError) as ex:
        raise _NotLooked("%s while it was parsed" % type(ex).__name__)


class _Sweep(object):
    """
    Go over a source once.

    :param text: str
    :param size: int, characters of a piece
    :param looker: TreeLooker
    :param translates: bool, whether python 2's own syntax is taken out of the pieces
    :param mixedTabs: bool, whether the indentation is read as python 2 does
    """

    def __init__(self, text, size, looker, translates=False, mixedTabs=False):
        self.text, self.looker = text, looker
        self.size = max(size, 1) if isDivisible(text, size) else len(text)
        self.translates, self.mixedTabs = translates, mixedTabs
        self.isFunction = translates and hasPrintFunction(text)
        # What only one python takes and no tree shows; (line, what) of what was taken out.
        self.seen, self.takenOut = [], []

    def run(self):
        """Look at all pieces, or up to one that cannot be parsed; give the SyntaxError then, else None."""
        start = before = 0
        while start < len(self.text):
            size, end, error = self.size, start, True
            while error is not None and end < len(self.text):
                # Twice as much each time: the cut may have been one through a statement.
                end = pieceEnd(self.text, start, size)
                error = self._piece(start, end, before)
                size *= 2
            if error is not None:
                return error
            before += self.text.count("\n", start, end)
            start = end
        return None

    def _piece(self, start, end, before):
        text = self.text[start:end]
        if _tooDeep(text):
            raise _NotLooked("an expression has too many parts to be looked at")
        made = translate(text, self.isFunction, self.mixedTabs) if self.translates else Translation(text, ())
        bare = withoutStrings(made.text)
        try:
            tree = _parse(made.text, bare, self._flags())
        except SyntaxError as ex:
            if end < len(self.text):
                return ex
            self._takeOut(made, before)
            return _inTheWhole(made.text, self._flags(), before) or ex
        self._takeOut(made, before)
        if tree is not None:
            self.looker.look(tree, before)
        isFunction = "print_function" in self.looker.futures
        if hasPython3Only(bare, isFunction):
            self.seen += [Seen(line + before, what, PYTHON3, True, since) for line, what, since in
                          python3Only(made.text, isFunction)]
        if _UNDERSCORED.search(text):
            self.seen += [Seen(token.line + before, "underscores in a number", PYTHON3, True, (3, 6))
                          for token in tokens(text) if token.kind == NUMBER and "_" in token.text]
        if not self.translates and sys.version_info < (3, 7) and re.search(r"\b(?:async|await)\b", text):
            # Names to python 3.6, keywords to the python 3 of a release from 11_1 on.
            self.seen += [Seen(line + before, what, PYTHON2) for line, what in translate(text).findings
                          if "a keyword" in what]
        return None

    def _takeOut(self, made, before):
        self.takenOut += [(line + before, what) for line, what in made.findings]

    def _flags(self):
        """Give what the source asked of __future__ for itself, as flags of compile."""
        flags = 0
        for name in self.looker.futures:
            flags |= getattr(getattr(__future__, name, None), "compiler_flag", 0)
        return flags


def _inTheWhole(text, flags, before):
    """Give the SyntaxError of a text with so many lines before it; its words may name lines too."""
    try:
        _parse("\n" * before + text, withoutStrings(text), flags)
    except SyntaxError as ex:
        return ex
    return None


def lookAtSource(text, beside=lambda module: False, note=lambda text: None, size=PIECE):
    """
    List what only one python takes in a source.

    :param text: str, line ends of one character
    :param beside: callable telling whether a module lies beside the source
    :param note: callable taking what could not be looked at
    :param size: int, characters of the pieces it is parsed in
    :return: (list of Seen, TreeLook; None when no grammar took the text)
    """
    seen = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sweep = _Sweep(text, size, TreeLooker(beside))
            error = first = sweep.run()
            if first is not None:
                mixedTabs = isinstance(first, TabError)
                sweep = _Sweep(text, size, TreeLooker(beside), True, mixedTabs)
                error = sweep.run()
                if mixedTabs:
                    sweep.takenOut.append((first.lineno or 1, "tabs and spaces mixed in the indentation"))
                seen = [Seen(line, what, PYTHON2) for line, what in sorted(set(sweep.takenOut))]
    except _NotLooked as ex:
        note(str(ex))
        return [], None
    if error is not None:
        return seen + _notParsed(text, error if seen else first, bool(seen)), None
    looked = sweep.looker.result()
    return seen + sorted(sweep.seen, key=lambda item: (item.line, item.what)) + list(looked.seen), looked


def _notParsed(text, error, partly):
    """Say what a text that nothing here parses is: syntax of a newer python 3, or an error."""
    said = "python %d.%d says: %s" % (sys.version_info[:2] + (error.msg or "syntax error",))
    for pattern, what, since in _NEWER:
        found = pattern.search(text)
        if found and sys.version_info[:2] < since and not partly:
            line = text[:found.start()].count("\n") + 1
            return [Seen(line, "%s (%s)" % (what, said), PYTHON3, False, since)]
    # With python 2's own syntax taken out, an error may be one of the taking out.
    return [Seen(error.lineno or 1, said, NEITHER, not partly)]
