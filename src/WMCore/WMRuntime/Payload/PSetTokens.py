"""
Cut python source into tokens, of python 2 or 3 alike.

The standard tokenizer follows the grammar of the python it runs in, and from 3.12 on raises at the first
thing python 2 alone knew. This one raises at nothing: what it cannot read is a token too.
"""
import re

import attr

NAME, NUMBER, STRING, OPERATOR, NEWLINE, SPACE, UNKNOWN = "name", "number", "string", "operator", "newline", "space", \
    "unknown"

_PATTERN = re.compile(r"""
    (?P<space>      (?: [ \t\f] | \\\n )+ | \#[^\n]* )
  | (?P<newline>    \n )
  | (?P<string>     [bBuUrRfF]{0,2} (?: \'\'\' | \"\"\" | \' | \" ) )
  | (?P<number>     (?: 0[xX][0-9A-Fa-f_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
                    | (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)? ) [lLjJ]? )
  | (?P<name>       [^\W\d]\w* )
  | (?P<operator>   <> | := | -> | \*\*=? | //=? | <<=? | >>=? | \.\.\. | [-+*/%&|^@=!<>]=? | [][(){},:.;`~] )
  | (?P<unknown>    [\s\S] )
""", re.VERBOSE)
# From behind the opening quotes to the closing ones; what is not closed ends with its line, or the source.
_BODIES = {"'": re.compile(r"[^\\'\n]*(?:\\[\s\S][^\\'\n]*)*('?)"),
           '"': re.compile(r'[^\\"\n]*(?:\\[\s\S][^\\"\n]*)*("?)'),
           "'''": re.compile(r"[^\\']*(?:(?:\\[\s\S]|'(?!''))[^\\']*)*((?:''')?)"),
           '"""': re.compile(r'[^\\"]*(?:(?:\\[\s\S]|"(?!""))[^\\"]*)*((?:""")?)')}
OPENING, CLOSING = "([{", ")]}"


@attr.s(frozen=True, slots=True)
class Token(object):
    """
    Hold one token.

    :param kind: str, NAME, NUMBER, STRING, OPERATOR, NEWLINE (end of a statement's line), SPACE or UNKNOWN
    :param text: str, as it stands in the source; all texts together are the source
    :param line: int, from 1
    :param depth: int, how many brackets are open before it
    """
    kind = attr.ib()
    text = attr.ib()
    line = attr.ib()
    depth = attr.ib(default=0)

    def isOperator(self, text):
        """
        Tell whether it is this operator.

        :param text: str
        :return: bool
        """
        return self.kind == OPERATOR and self.text == text


def tokens(source):
    """
    Cut a source into tokens.

    :param source: str with line ends of one character
    :return: list of Token; a line end inside brackets is SPACE
    """
    result, line, depth, at = [], 1, 0, 0
    while at < len(source):
        found = _PATTERN.match(source, at)
        kind, text = found.lastgroup, found.group()
        if kind == STRING:
            body = _BODIES[text.lstrip("bBuUrRfF")].match(source, found.end())
            text += body.group()
            kind = STRING if body.group(1) else UNKNOWN
        at += len(text)
        if kind == NEWLINE and depth:
            kind = SPACE
        if kind == OPERATOR and text in CLOSING:
            depth = max(0, depth - 1)
        result.append(Token(kind, text, line, depth))
        if kind == OPERATOR and text in OPENING:
            depth += 1
        line += text.count("\n")
    return result


def statements(source):
    """
    Cut a source into simple statements and heads of compound ones, each with its separators before it.

    :param source: str
    :return: list of list of Token; joined they are the source
    """
    result, current, backtick = [], [], False
    lambdas = 0
    for token in tokens(source):
        current.append(token)
        if token.kind == NAME and token.text == "lambda" and not token.depth:
            lambdas += 1
        backtick ^= token.isOperator("`")
        ends = token.kind == NEWLINE
        if token.kind == OPERATOR and not token.depth and not backtick:
            if token.text == ":" and lambdas:
                lambdas -= 1
            else:
                ends = token.text in ";:"
        if ends:
            result.append(current)
            current, lambdas = [], 0
            backtick = False
    return result + [current] if current else result
