"""The wmruntime command itself: what holds for each of its commands."""
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Command.Main import main


def start(sourceTree, words, **options):
    """Start the command in a process of its own."""
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join([sourceTree, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen([sys.executable, "-m", "WMCore.WMRuntime.Command.Main"] + words, stderr=subprocess.PIPE,
                            env=dict(environ, **options.pop("environ", {})), **options)


def test_aReaderThatEndsFirstIsNoTraceback(sourceTree):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(sourceTree, ["interpreter", "resolve", "--purpose", "agentScript"], stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize("words", [[], ["nothing"], ["release"], ["executable", "select", "--policy", "none"]])
def test_wrongArgumentsAreStatus2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and "usage: wmruntime" in capsys.readouterr().err


def test_aTableOfAnyTextIsPrintedInAnAsciiLocale(sourceTree, workerNode, tmp_path):
    pset = tmp_path / "caf\u00e9.py"
    pset.write_bytes(b"print 'x'\n")
    process = start(sourceTree, ["executable", "select", "--release", "CMSSW_13_0_3", "--requested", "cmsRun", "--policy",
                                 "preferPython3", "--root", workerNode.cvmfs, "--pset", str(pset)],
                    stdout=subprocess.PIPE, environ={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=120)
    assert b"Traceback" not in err and b"UnicodeEncodeError" not in err, err
    assert process.returncode in (0, 1) and out + err
