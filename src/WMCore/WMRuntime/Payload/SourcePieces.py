"""
Cut a python source into pieces of whole statements, so that a PSet of megabytes is never parsed at once.

A cut is guessed: before a line that begins with a name. The parser then tells whether it was right, for what
parses on its own and is followed by such a line ends with a statement; what does not is tried with more lines.
"""
import re

#: Characters of a piece, about. What is shorter is looked at whole.
PIECE = 16 * 1024
# Neither in the middle of a line, nor between the parts of one statement.
_CUT = re.compile(r"(?<!\\)\n(?=[A-Za-z_@])(?!(?:else|elif|except|finally)\b)")
# What looks back over all statements: `global` and `nonlocal` at names used before, __future__ at where it stands.
_LOOKS_BACK = re.compile(r"(?P<found>(?:^|[;:])[ \t\f]*(?:global|nonlocal)\b|\b__future__\b)", re.MULTILINE)
_FUTURE = "__future__"
_STRING = re.compile(r"""\#[^\n]*
                     | (?=(?P<quote>['"])) (?: '''[^\\']*(?:(?:\\[\s\S]|'(?!''))[^\\']*)*(?:''')?
                     | \"\"\"[^\\"]*(?:(?:\\[\s\S]|"(?!""))[^\\"]*)*(?:\"\"\")?
                     | '[^\\'\n]*(?:\\[\s\S][^\\'\n]*)*'?
                     | "[^\\"\n]*(?:\\[\s\S][^\\"\n]*)*"? )""", re.VERBOSE)
_STRING_OR_LOOKS_BACK = re.compile("%s|%s" % (_STRING.pattern, _LOOKS_BACK.pattern), re.VERBOSE | re.MULTILINE)
_LINE_ENDS = re.compile(r"[()[\]{}]|(?<!\\)\n")


def pieceEnd(text, start, size):
    """
    Guess where a piece ends.

    :param text: str
    :param start: int, where it begins
    :param size: int, characters it has at least
    :return: int, the end of the text when there is no place for a cut
    """
    found = _CUT.search(text, start + size)
    return found.end() if found else len(text)


def isDivisible(text, size):
    """
    Tell whether the pieces of a source say the same as the whole of it.

    :param text: str
    :param size: int, characters of a piece
    :return: bool
    """
    # What is asked of __future__ stands in the first lines, or it is an error of the whole.
    if not _LOOKS_BACK.search(text):
        return True
    return not any(found.group("found") and (found.group() != _FUTURE or found.end() > size)
                   for found in _STRING_OR_LOOKS_BACK.finditer(text))


def withoutStrings(text):
    """
    Take strings and comments out of a source.

    :param text: str, which some python 3 parses
    :return: str with an empty string for each string, and its prefix before it; comments leave nothing
    """
    return _STRING.sub(r"\g<quote>\g<quote>", text)


def logicalLines(bare):
    """
    Cut a source where a line ends outside brackets.

    :param bare: str, without strings and comments
    :return: generator of str
    """
    start = depth = 0
    for found in _LINE_ENDS.finditer(bare):
        if found.group() == "\n":
            if not depth:
                yield bare[start:found.end()]
                start = found.end()
        else:
            depth = depth + 1 if found.group() in "([{" else max(0, depth - 1)
    yield bare[start:]
