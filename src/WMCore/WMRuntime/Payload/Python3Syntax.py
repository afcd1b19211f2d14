"""
Find in the tokens of a source what only python 3 reads, and a tree does not show.

A tree has neither commas nor brackets, and names that python 2 keeps for its statements look like any other.
The source must be one that python 3 parses. Python 2's grammar: https://docs.python.org/2.7/reference/grammar.html
"""
import keyword
import re

from WMCore.WMRuntime.Payload.PSetTokens import (CLOSING, NAME, NEWLINE, OPENING, OPERATOR, SPACE, STRING, UNKNOWN,
                                                 statements)
from WMCore.WMRuntime.Payload.SourcePieces import logicalLines

# In a line without strings: without one of these nothing is found, and it need not be cut into tokens, the dear part.
_SUSPECT = re.compile(r"""[^\x00-\x7f] | \.\.\. | [rR][bB]['"] | \b(?:exec|print)\b | \bwith\s*\( | ^[ \t\f]*@
                          | (?:[(,]|\blambda\b)[\s\\]*\* """, re.VERBOSE | re.MULTILINE)
# What all of these have, or a character that is not ASCII: looked for first, for it takes a tenth of the time.
_SIGNS = ("...", "exec", "print", "with", "@", "*", "b'", 'b"', "B'", 'B"')
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
# What python 2 takes after the word print; a name may be `not`, but none of those that stand between two values.
_PRINTED, _BETWEEN = ("(", "[", "{", "-", "+", "~", "`", ">>", ";"), ("in", "is", "and", "or", "if")


class _Bracket(object):
    """An open bracket, or the parameters of a lambda, which end with a colon."""

    def __init__(self, text, before):
        self.text, self.before = text, before
        self.starred = self.doubled = self.hasComma = self.hasAs = False

    def isSubscript(self):
        """Tell whether it takes an item of a value, and does not make a list."""
        return self.text == "[" and self.before is not None and (
            self.before.kind == STRING or self.before.text in CLOSING or
            self.before.kind == NAME and not keyword.iskeyword(self.before.text))


class _Statement(object):
    """One statement: its words, the brackets open at a word, and what was found."""

    def __init__(self, words, isFunction):
        self.words, self.isFunction = words, isFunction
        self.open, self.found = [], []

    def text(self, number):
        """Give the text of a word, empty where there is none."""
        return self.words[number].text if 0 <= number < len(self.words) else ""

    def look(self):
        """List what was found."""
        for number, token in enumerate(self.words):
            if token.kind in (STRING, UNKNOWN) and token.text[:2].lower() == "rb":
                self._found(number, "a string with the prefix rb", None)
            elif token.kind == NAME:
                self._name(number, token.text)
            elif token.kind == OPERATOR:
                self._operator(number, token.text)
        if self.text(0) == "@":
            self._decorator()
        return self.found

    def _found(self, number, what, since):
        self.found.append((self.words[number].line, what, since))

    def _name(self, number, text):
        if _NOT_ASCII.search(text):
            self._found(number, "a name that is not ASCII", None)
        if text == "lambda":
            self.open.append(_Bracket(text, None))
        elif text == "as" and self.open:
            self.open[-1].hasAs = True
        elif text == "exec" and (number or self.text(1) != "(") or text == "print" and not self._isPrint(number):
            self._found(number, "%s as a name, a keyword of python 2" % text, None)

    def _isPrint(self, number):
        if self.isFunction:
            return True
        following = self.words[1] if len(self.words) > 1 else None
        return not number and (following is None or (
            following.text in _PRINTED if following.kind == OPERATOR else following.text not in _BETWEEN))

    def _operator(self, number, text):
        bracket = self.open[-1] if self.open else None
        if text in OPENING:
            self.open.append(_Bracket(text, self.words[number - 1] if number else None))
        elif text == "...":
            inside = bracket is not None and bracket.isSubscript() and self.text(number - 1) in ("[", ",") \
                and self.text(number + 1) in ("]", ",")
            if not inside and self.text(0) != "from":
                self._found(number, "... outside a subscript", None)
        elif bracket is not None:
            self._inside(bracket, number, text)

    def _inside(self, bracket, number, text):
        if text in ("*", "**") and self.text(number - 1) in (bracket.text, ","):
            bracket.starred = True
            bracket.doubled = bracket.doubled or text == "**"
        elif text == ",":
            bracket.hasComma = True
            if bracket.doubled and bracket.text == "(" and self.text(number + 1) != ")":
                self._found(number, "an argument after **", (3, 5))
        elif text in CLOSING or text == ":" and bracket.text == "lambda":
            self.open.pop()
            self._closed(bracket, number)

    def _closed(self, bracket, number):
        if bracket.starred and bracket.text in ("(", "lambda") and self.text(number - 1) == ",":
            since = (3, 6) if bracket.text == "lambda" or self.text(0) in ("def", "async") else (3, 5)
            self._found(number - 1, "a comma behind the last of * arguments", since)
        if bracket.before is not None and bracket.before.text == "with" and self.text(number + 1) == ":" and (
                bracket.hasComma or bracket.hasAs):
            self._found(number, "a with statement in brackets", (3, 9))

    def _decorator(self):
        number = 1
        while self.words[number:] and (self.words[number].kind == NAME or self.text(number) == "."):
            number += 1
        if self.text(number) == "(" and number > 1:
            number = next((end + 1 for end in range(number + 1, len(self.words))
                           if self.text(end) == ")" and self.words[end].depth == self.words[number].depth), number)
        if number < len(self.words):
            self._found(number, "a decorator that is no name or call of one", (3, 9))


def hasPython3Only(bare, isFunction=False):
    """
    Tell whether a source has something of what python3Only finds, without the lines, and so for less.

    :param bare: str, the source without strings and comments (SourcePieces.withoutStrings)
    :param isFunction: bool, see python3Only
    :return: bool
    """
    return (any(sign in bare for sign in _SIGNS) or _NOT_ASCII.search(bare) is not None) and any(
        python3Only(line, isFunction) for line in logicalLines(bare) if _SUSPECT.search(line))


def python3Only(source, isFunction=False):
    """
    Find what only python 3 reads.

    :param source: str, whole statements that python 3 parses
    :param isFunction: bool, whether python 2 is asked for the print function
    :return: list of (line, what, the first python 3 that reads it, a tuple of int, or None)
    """
    found = []
    for tokens in statements(source):
        found += _Statement([token for token in tokens if token.kind not in (SPACE, NEWLINE)], isFunction).look()
    return found
