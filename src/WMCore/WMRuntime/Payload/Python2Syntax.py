"""
Find what only python 2 can read in a source, and write the source as python 3 would have it.

The text that comes out is only for the python 3 parser: it has the same statements on the same lines, so
that what else is in the source can be looked at, but it does not do the same.
"""
import re

import attr

from WMCore.WMRuntime.Payload.PSetTokens import (NAME, NEWLINE, NUMBER, OPERATOR, SPACE, STRING, UNKNOWN,
                                                 statements)

_OCTAL = re.compile(r"^0[0-9_]*[1-9][0-9_]*$")
_VALUE_ENDS = (NAME, NUMBER, STRING)
#: Names that python 3 made keywords, and what follows them when they are used as such.
_LATER_KEYWORDS = {"async": ("def", "for", "with"), "await": None, "nonlocal": None}
_FIELD, _PRINT_FUNCTION = "wmValue", "print_function"
# Without one of these no rule finds anything, and the cutting into tokens, the dear part, is saved.
_SUSPECT = re.compile(r"""\b(?:print|exec|raise|except|def|lambda|async|await|nonlocal)\b
                          | ` | <> | [uU][rR]['"] | (?<![\w.])0[0-9] | (?<!\w)[0-9]\w*[lL]\b""", re.VERBOSE)


@attr.s(frozen=True)
class Translation(object):
    """
    Hold a source with what only python 2 reads taken out.

    :param text: str, the source for python 3's parser
    :param findings: tuple of (line, what), each a thing only python 2 reads
    """
    text = attr.ib()
    findings = attr.ib()


class _Statement(object):
    """One statement under translation: its tokens, the texts that replace them, and what was found."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.texts = [token.text for token in tokens]
        self.words = [place for place, token in enumerate(tokens) if token.kind not in (SPACE, NEWLINE)]
        self.findings = []

    def word(self, number):
        """Give the number-th token that says something, or None."""
        return self.tokens[self.words[number]] if 0 <= number < len(self.words) else None

    def replace(self, number, text, what):
        """Replace the number-th word and note why."""
        place = self.words[number]
        self.texts[place] = text
        if what:
            self.findings.append((self.tokens[place].line, what))

    def starts(self, name):
        """Tell whether the statement begins with a name."""
        first = self.word(0)
        return first is not None and first.kind == NAME and first.text == name

    def commas(self):
        """List the numbers of the words that are commas outside brackets."""
        return [number for number in range(len(self.words))
                if self.word(number).isOperator(",") and not self.word(number).depth]


def _printStatement(statement, isFunction):
    following = statement.word(1)
    if not statement.starts("print") or following is None:
        return
    shift = following.isOperator(">>")
    if isFunction:
        return
    operand = following.kind in _VALUE_ENDS or following.kind == UNKNOWN or (
        following.kind == OPERATOR and following.text in ("`", "-", "+", "~", "{", "["))
    # `print -1`, `print [x]` are expressions in python 3, of which the first fails and the second too.
    if shift or operand and following.text not in ("in", "is", "and", "or", "if", "not in"):
        statement.replace(0, "%s = None" % _FIELD if shift else "%s = " % _FIELD, "the print statement")


def _execStatement(statement):
    following = statement.word(1)
    if statement.starts("exec") and following is not None and (
            following.kind in _VALUE_ENDS or following.kind == UNKNOWN or following.isOperator("`")):
        statement.replace(0, "%s = " % _FIELD, "the exec statement")


def _raiseStatement(statement):
    if statement.starts("raise") and statement.commas():
        statement.replace(0, "%s = " % _FIELD, "raise with a comma between exception and value")


def _exceptClause(statement):
    commas = statement.commas()
    if statement.starts("except") and len(commas) == 1:
        statement.replace(commas[0], " as ", "except with a comma before the name")


def _backticks(statement):
    ticks = [number for number in range(len(statement.words)) if statement.word(number).isOperator("`")]
    if len(ticks) % 2 == 0:
        for place, number in enumerate(ticks):
            statement.replace(number, ")" if place % 2 else "(", None if place % 2 else "a value in backticks")


def _number(statement, number, text):
    if text[-1] in "lL":
        text = text[:-1]
        statement.replace(number, text, "the long integer %sL" % text)
    if _OCTAL.match(text) and "_" not in text:
        # 089 is an error in both; 0 and 00 are fine in both.
        if not set(text) & set("89"):
            statement.replace(number, "0o" + text[1:], "the octal number %s" % text)


def _singleWords(statement):
    for number, place in enumerate(statement.words):
        token, following = statement.tokens[place], statement.word(number + 1)
        if token.kind == NUMBER:
            _number(statement, number, token.text)
        elif token.isOperator("<>"):
            statement.replace(number, "!=", "the operator <>")
        elif token.kind in (STRING, UNKNOWN) and token.text[:2].lower() == "ur":
            statement.replace(number, token.text[1:], "a string with the prefix ur")
        elif token.kind == NAME and token.text in _LATER_KEYWORDS:
            _laterKeyword(statement, number, token, following)


def _laterKeyword(statement, number, token, following):
    uses = _LATER_KEYWORDS[token.text]
    isName = following is None or following.kind == OPERATOR and following.text not in ("(", "[", "{", "*")
    if uses and following is not None:
        isName = not (following.kind == NAME and following.text in uses)
    if isName:
        statement.replace(number, token.text + "_", "%s as a name, a keyword of python 3" % token.text)


def _tupleParameters(statement):
    """Take the brackets off parameters that are tuples: `lambda (key, value): key`, `def f(a, (b, c)):`."""
    for number in range(len(statement.words)):
        token = statement.word(number)
        if token.kind != NAME or token.text not in ("def", "lambda"):
            continue
        start = number + (3 if token.text == "def" else 1)
        first = statement.word(start)
        if first is None or token.text == "def" and not (statement.word(start - 1).isOperator("(")):
            continue
        _unpackParameters(statement, start, first.depth)


def _unpackParameters(statement, start, depth):
    """Go over the words of one parameter list, which lies at a depth, and take inner brackets off."""
    previous, inside, number = None, 0, start
    while number < len(statement.words):
        token = statement.word(number)
        if not inside and (token.depth < depth or token.isOperator(":") and token.depth == depth):
            return
        if token.isOperator("(") and (inside or previous is None or previous.isOperator(",") and
                                      previous.depth == depth):
            statement.replace(number, " ", None if inside else "a parameter that is a tuple")
            inside += 1
        elif inside and token.isOperator(")"):
            statement.replace(number, " ", None)
            inside -= 1
        previous = token
        number += 1


_INDENT = re.compile(r"^[ \t\f]*")


def _indentation(source):
    """Give the source with tabs counted as python 2 does, to the next multiple of eight."""
    return "\n".join(_INDENT.sub(lambda blank: blank.group().replace("\f", "").expandtabs(8), line, count=1)
                     if line[:1] in " \t\f" else line for line in source.split("\n"))


def hasPrintFunction(source):
    """
    Tell whether a source asks python 2 for the print function.

    :param source: str
    :return: bool
    """
    end = source.rfind(_PRINT_FUNCTION) + len(_PRINT_FUNCTION)
    for words in statements(source[:end]) if end >= len(_PRINT_FUNCTION) else ():
        words = [token for token in words if token.kind not in (SPACE, NEWLINE) and not token.isOperator(";")]
        if [token.text for token in words[:3]] == ["from", "__future__", "import"]:
            if any(token.text == _PRINT_FUNCTION for token in words[3:]):
                return True
        elif any(token.kind != STRING for token in words):
            # What is asked of __future__ comes first; before it there may be the document's string.
            return False
    return False


def translate(source, isFunction=False, mixedTabs=False):
    """
    Find what only python 2 reads, and write it so that python 3 reads it too.

    :param source: str, whole statements, line ends of one character
    :param isFunction: bool, whether print is a function in it
    :param mixedTabs: bool, whether tabs and spaces are mixed in its indentation
    :return: Translation; its text is the source itself when nothing was found
    """
    if mixedTabs:
        source = _indentation(source)
    if not _SUSPECT.search(source):
        return Translation(source, ())
    findings, texts = [], []
    for words in statements(source):
        statement = _Statement(words)
        _printStatement(statement, isFunction)
        for rule in (_execStatement, _raiseStatement, _exceptClause, _backticks, _singleWords, _tupleParameters):
            rule(statement)
        findings += statement.findings
        texts += statement.texts
    return Translation("".join(texts), tuple(sorted(set(findings))))
