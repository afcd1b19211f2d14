"""
Take comments and docstrings out of a module's source, and nothing else: half a million jobs a day carry it.

Every statement stays on its line, so a traceback of a job can be read beside the original.
"""
import functools
import io
import tokenize

# Between these a comment, or the end of a line, can stand that belongs to no statement.
_LAYOUT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
_EMPTY = '""'


def _tokens(text):
    """Split a source into tokens."""
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def _docstrings(tokens):
    """Give the tokens of strings that are statements of their own: docstrings, and strings that serve as comments."""
    previous = tokenize.NEWLINE
    significant = [token for token in tokens if token.type not in _LAYOUT]
    for token, following in zip(significant, significant[1:]):
        isText = token.type == tokenize.STRING and token.string[0] in "'\"rRuU" and token.string[1] not in "bBfF"
        if isText and previous == tokenize.NEWLINE and following.type == tokenize.NEWLINE:
            yield token
        previous = token.type


def _blankOut(lines, token, replacement):
    """Put the replacement where a token is, and leave the lines it spans."""
    (first, begin), (last, end) = token.start, token.end
    after = lines[last - 1][end:]
    lines[first - 1] = (lines[first - 1][:begin] + replacement).rstrip() + (after if first == last else "\n")
    if first != last:
        lines[first:last] = ["\n"] * (last - first - 1) + [after.lstrip(" \t") or "\n"]


def _remaining(tokens, docstrings):
    """Give what has to be the same afterwards: all tokens, and where they begin, with docstrings empty."""
    emptied = {token.start for token in docstrings}
    return [(token.type, _EMPTY if token.start in emptied else token.string, token.start) for token in tokens
            if token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                                  tokenize.ENDMARKER)]


def _trimmed(text):
    """Blank comments and docstrings out of a source; give the source itself when what came out is another."""
    lines = text.splitlines(True)
    tokens = _tokens(text)
    docstrings = [] if "__doc__" in text else list(_docstrings(tokens))
    unwanted = [(token, _EMPTY) for token in docstrings]
    # The shebang, and the coding (PEP 263), are in the first two lines.
    unwanted.extend((token, "") for token in tokens if token.type == tokenize.COMMENT and token.start[0] > 2)
    for token, replacement in sorted(unwanted, key=lambda one: one[0].start, reverse=True):
        _blankOut(lines, token, replacement)
    result = "".join(lines)
    return result if _remaining(_tokens(result), []) == _remaining(tokens, docstrings) else text


# An agent makes the sandboxes of many workloads out of the same sources; taking them apart is what costs most.
@functools.lru_cache(maxsize=2048)
def trimSource(source):
    """
    Take comments and docstrings out of a module.

    A module that reads docstrings keeps them; one that is not plain UTF-8 with Unix line ends, or would not be the
    same otherwise, stays as it is.

    :param source: bytes
    :return: bytes
    """
    try:
        text = source.decode("utf-8")
        # Other separators end a line for splitlines, not for python.
        if "\r" in text or len(text.splitlines()) != text.count("\n") + (text != "" and text[-1] != "\n"):
            return source
        return _trimmed(text).encode("utf-8")
    except (SyntaxError, ValueError, tokenize.TokenError):
        return source
