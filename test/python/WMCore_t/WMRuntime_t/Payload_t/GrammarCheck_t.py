"""What an interpreter says of sources."""
import os
import sys

import pytest

from WMCore.WMRuntime.Payload.GrammarCheck import compileErrors


@pytest.fixture(params=["2.7", "3.6", "3.12", None])
def interpreter(request, interpreters):
    """Give the path of an interpreter; None stands for the running one."""
    if request.param and request.param not in interpreters:
        pytest.skip("no python %s here" % request.param)
    return interpreters[request.param] if request.param else sys.executable


def test_eachFileHasItsAnswerAndOneThatCannotBeReadEndsNothing(interpreter, tmp_path):
    for name, text in (("good.py", b"x = 1"), ("bad.py", b"x = 1\ny = (\n\n"), ("nul.py", b"x = \0"),
                       ("good.cfg", b"# coding: latin-1\nx = '\xe9'\n")):
        (tmp_path / name).write_bytes(text)
    files = [str(tmp_path / name) for name in ("bad.py", "gone.py", "nul.py", "good.cfg", "good.py")]
    bad, gone, nul, *good = compileErrors(interpreter, files, dict(os.environ))
    assert bad[0] and bad[1] and good == [None, None]
    assert gone[0] is None and "No such file" in gone[1]
    assert nul[0] is not None and "null byte" in nul[1]


@pytest.mark.parametrize("text, said", [("echo 'no libpython' >&2; exit 3", "status 3: no libpython"),
                                        ("echo hello", "status 0: it said nothing"), ("sleep 60", "more than 0.5 s"),
                                        ("echo 'wmruntime-grammar:[]'", "status 0")])
def test_anInterpreterWithoutAnAnswerIsToldByWhatItDid(text, said, tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\n%s\n" % text)
    path.chmod(0o755)
    with pytest.raises(ValueError, match=said):
        compileErrors(str(path), ["a.py"], dict(os.environ), timeout=0.5)
    with pytest.raises(ValueError, match="cannot be started"):
        compileErrors(str(tmp_path), ["a.py"], dict(os.environ))
