"""Tests of taking comments and docstrings out of sources."""
import ast
import os

import pytest

from WMCore.WMRuntime import TrimmedSource
from WMCore.WMRuntime.TrimmedSource import trimSource


def sources():
    """List our own sources, and those of the packages beside pytest, which are written in other hands."""
    found = []
    for top in (os.path.dirname(TrimmedSource.__file__), os.path.dirname(pytest.__file__)):
        for folder, _, names in os.walk(top):
            found.extend(os.path.join(folder, name) for name in names if name.endswith(".py"))
    return sorted(found)


def statements(source):
    """List what a source does and on which line, apart from statements that are a string."""
    found = []
    for node in ast.walk(ast.parse(source)):
        isString = isinstance(node, ast.Expr) and isinstance(ast.literal_eval(node.value)
                                                             if type(node.value).__name__ in ("Str", "Constant")
                                                             else None, str)
        if isinstance(node, ast.stmt) and not isString:
            found.append((node.lineno, node.col_offset, type(node).__name__))
    return found


@pytest.mark.parametrize("before, after", [
    ("x = 1  # why\n", "x = 1  # why\n"),
    ("\n\nx = 1  # why\n", "\n\nx = 1\n"),
    ("#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# more\n",
     "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n\n"),
    ('"""One line."""\nx = 1\n', '""\nx = 1\n'),
    ('"""\nSeveral\nlines.\n"""\nx = 1\n', '""\n\n\n\nx = 1\n'),
    ('def f():\n    """Say."""\n', 'def f():\n    ""\n'),
    ('\n\ndef f():\n    r"""Say \\d."""  # here\n    return 1\n', '\n\ndef f():\n    ""\n    return 1\n'),
    ('def f(): "doc"\n', 'def f(): "doc"\n'),
    ('class A(object):\n    """\n    Say.\n    """', 'class A(object):\n    ""\n\n\n'),
    ("x = '# no comment'\n\ny = '''\n# nor this\n'''\n", None),
    ('"one" "two"\n', None),
    ("b'bytes'\n", None),
    ('"""doc"""; x = 1\n', None),
    ('x = [\n    "text",\n]\nif x:\n    f("""\n    text\n    """)\n', None),
    ('"""Usage."""\nprint(__doc__)\n', None),
    ("print 'python 2'\n\n# here\n", "print 'python 2'\n\n\n"),
    ("x = (1,\n     2,\n     # last\n     3)\n", "x = (1,\n     2,\n\n     3)\n"),
])
def test_whatIsTakenOut(before, after):
    assert trimSource(before.encode("utf-8")).decode("utf-8") == (before if after is None else after)


def test_fStringsAreNotDocstrings():
    source = b'f"{print(1)}"\n'
    assert trimSource(source) == source


@pytest.mark.parametrize("source", [
    b"# \xe9\nx = 1\n\n# c\n", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n\n# c\n", b"x = 1\r\n\r\n# c\r\n",
    b"x = 1\n\n# a\x0cb\n", b"x = (1\n\n\n# c\n", b"if x:\n    y\n  z\n# c\n"])
def test_whatIsNotUnderstoodStaysAsItIs(source):
    assert trimSource(source) == source


def test_aSourceThatWouldBecomeAnotherStaysAsItIs(monkeypatch):
    monkeypatch.setattr(TrimmedSource, "_blankOut", lambda lines, token, replacement: lines.pop())
    source = b"x = 1\n\n\n# c\ny = 2\n"
    assert trimSource(source) == source


def test_everyStatementStaysOnItsLine():
    smaller = 0
    for path in sources():
        with open(path, "rb") as handle:
            source = handle.read()
        trimmed = trimSource(source)
        assert statements(trimmed) == statements(source), path
        assert trimmed.count(b"\n") == source.count(b"\n") or not source.endswith(b"\n"), path
        smaller += len(trimmed) < len(source)
    assert smaller > 200
