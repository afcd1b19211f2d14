"""What a python for a script and an executable for a PSet cost a job, in processes and files."""
import builtins
import os
import subprocess

import pytest

from WMCore.WMRuntime.Interpreter.InterpreterProvider import RELEASE_SCRIPT
from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver
from WMCore.WMRuntime.Payload.ExecutableSelector import selectExecutable
from WMCore.WMRuntime.Release.Release import Release

RELEASES = ["CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3", "CMSSW_13_0_3_patch1"]


@pytest.fixture
def started(monkeypatch):
    """Keep the arguments of every process that is started."""
    kept = []

    class Kept(subprocess.Popen):
        """Tell of itself."""

        def __init__(self, args, **options):
            kept.append(args)
            super(Kept, self).__init__(args, **options)
    monkeypatch.setattr(subprocess, "Popen", Kept)
    return kept


@pytest.fixture
def opened(monkeypatch):
    """Keep the names of the files that are opened."""
    kept, open_ = [], open

    def keeping(name, *args, **options):
        kept.append(name)
        return open_(name, *args, **options)
    monkeypatch.setattr(builtins, "open", keeping)
    return kept


@pytest.mark.parametrize("name", RELEASES)
def test_aNewJobStartsOneProcessAtMostAndTheNextChoiceNone(name, workerNode, tmp_path, started, opened):
    record = workerNode.releases[name]
    pset = tmp_path / "PSet.py"
    pset.write_text("import pickle\nwith open('PSet.pkl', 'rb') as handle:\n    process = pickle.load(handle)\n")
    environ = dict(workerNode.environment(), WMAGENTJOBDIR=str(tmp_path))
    choices = []
    for most in (1, 0):
        release = Release.at(os.path.join(workerNode.root, record["directory"]), name, record["arch"])
        resolution = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, release)
        choices.append((resolution.interpreter.path, selectExecutable(release, "auto", str(pset)).path))
        assert len(started) <= most, started
        assert all(args[0] == resolution.interpreter.path for args in started)
        # Its manifests, the heads of programs, the verdict: tens, however large the release.
        assert len(opened) < 60, opened
        del started[:], opened[:]
    assert choices[0] == choices[1]
