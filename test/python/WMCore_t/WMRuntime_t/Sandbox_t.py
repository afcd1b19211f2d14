"""Test the part of the sandbox that belongs to one step, against upstream's where both can do it."""
import os
import sys
import types

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox

BOTH = {
    "directory": "result = [sandbox.directory, sandbox.moduleName]",
    "files": "result = sorted(name for name in sandbox.listFiles() if name != '__pycache__')",
    "getFile": "result = sandbox.getFile('PSet.py')",
    "locate": "from WMCore.WMRuntime.Bootstrap import locateWMSandbox\nresult = locateWMSandbox()",
}


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory."""
    return JobSandbox(tmp_path / "start with space")


def evaluate(sandbox, upstreamTree, code, ours=True):
    """Run code that has the sandbox of the first step."""
    return sandbox.evaluate(upstreamTree, "from WMCore.WMRuntime.Sandbox import Sandbox\n"
                            "sandbox = Sandbox('Production', 'first')\n" + code, ours)


@pytest.mark.parametrize("name", sorted(BOTH))
def test_itAnswersAsUpstreamsDoes(sandbox, upstreamTree, name):
    ours = evaluate(sandbox, upstreamTree, BOTH[name])
    assert ours == evaluate(sandbox, upstreamTree, BOTH[name], ours=False)
    assert not str(ours).startswith(("ImportError", "RuntimeError"))


def test_aFileThatIsNotThereIsNamedWithThoseThatAre(sandbox, upstreamTree):
    text = evaluate(sandbox, upstreamTree, "sandbox.getFile('none.txt')")
    assert text.startswith("RuntimeError: Cannot find file none.txt in %s; found there: " % os.path.join(
        sandbox.sandbox, "Production", "first"))
    assert "PSet.py" in text


def test_aFileOutsideTheStepsPartIsNotGiven(sandbox, upstreamTree):
    text = evaluate(sandbox, upstreamTree, "sandbox.getFile('../second/PSet.py')")
    assert "Cannot find file ../second/PSet.py" in text


def test_aStepTheSandboxDoesNotHaveIsAnImportErrorThatNamesIt(sandbox, upstreamTree):
    text = evaluate(sandbox, upstreamTree, "Sandbox('Production', 'fourth')")
    assert text.startswith("ModuleNotFoundError") and "WMSandbox.Production.fourth" in text


def test_theDirectoryOfModulesClassesAndFunctionsIsFound():
    from WMCore.WMRuntime.Sandbox import moduleDirectory
    here = os.path.dirname(os.path.abspath(__file__))
    assert moduleDirectory(test_theDirectoryOfModulesClassesAndFunctionsIsFound) == here
    assert moduleDirectory(types) == moduleDirectory(types.DynamicClassAttribute) == os.path.dirname(types.__file__)


def test_whatHasNoFileHasNoDirectory():
    from WMCore.WMRuntime.Sandbox import moduleDirectory
    for thing in (sys, None, types.ModuleType("made")):
        with pytest.raises(RuntimeError, match="no source file"):
            moduleDirectory(thing)
