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
# What looks back over all statements: `global` at names used before, __future__ at where it stands.
_LOOKS_BACK = re.compile(r"(?:^|[;:])[ \t\f]*global\b|\b__future__\b", re.MULTILINE)
_FUTURE = "__future__"
_STRING = re.compile(r"""\#[^\n]*
                     | '''[^\\']*(?:(?:\\[\s\S]|'(?!''))[^\\']*)*(?:''')?
                     | \"\"\"[^\\"]*(?:(?:\\[\s\S]|"(?!""))[^\\"]*)*(?:\"\"\")?
                     | '[^\\'\n]*(?:\\[\s\S][^\\'\n]*)*'?
                     | "[^\\"\n]*(?:\\[\s\S][^\\"\n]*)*"? """, re.VERBOSE)


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
    return not any(found.group() != _FUTURE or found.end() > size for found in _LOOKS_BACK.finditer(text))


def withoutStrings(text):
    """
    Take strings and comments out of a source.

    :param text: str, which some python 3 parses
    :return: str with one double quote for each; the prefix of an f-string stays before its quote
    """
    return _STRING.sub('"', text)
