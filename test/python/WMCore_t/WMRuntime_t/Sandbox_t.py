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
HEAD = "from WMCore.WMRuntime.Sandbox import Sandbox\nsandbox = Sandbox('Production', 'first')\n"


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory."""
    return JobSandbox(tmp_path / "start with space")


def evaluate(sandbox, upstreamTree, code):
    """Run code that has the sandbox of the first step."""
    return sandbox.evaluate(upstreamTree, HEAD + code)


def test_itAnswersAsUpstreamsDoes(sandbox, upstreamTree):
    ours = sandbox.evaluateAll(upstreamTree, HEAD, BOTH)
    assert ours == sandbox.evaluateAll(upstreamTree, HEAD, BOTH, ours=False)
    assert set(ours) == set(BOTH) and all(ours.values())


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
