"""Test a task's directory, against upstream's where both can do it."""
import os

import pytest

BOTH = {
    "spaces": "result = sorted(taskSpace.stepSpaces())",
    "location": "result = [taskSpace.location, taskSpace.taskName]",
    "stepSpace": "result = taskSpace.stepSpace('first').location",
    "task": "result = [taskSpace.getWMTask().getPathName(), taskSpace.workloadName()]",
}
IMPORT = "from WMTaskSpace import taskSpace\n"


@pytest.fixture
def sandbox(builtSandbox, tmp_path):
    """Give a job directory whose task was built."""
    return builtSandbox.copied(tmp_path / "start with space")


def test_itAnswersAsUpstreamsDoes(sandbox, upstreamTree):
    ours = sandbox.evaluateAll(upstreamTree, IMPORT, BOTH)
    assert ours == sandbox.evaluateAll(upstreamTree, IMPORT, BOTH, ours=False)
    assert set(ours) == set(BOTH) and all(ours.values())


@pytest.mark.parametrize("code, parts", [
    ("taskSpace.stepSpace('fourth')", ["WMTaskSpace.fourth", "WMTaskSpace/fourth", "No module named"]),
    ("open('WMTaskSpace/first/__init__.py', 'w').close()\ntaskSpace.stepSpace('first')",
     ["No stepSpace Attribute", "WMTaskSpace/first"]),
    ("os.remove('WMSandbox/WMWorkload.pkl')\ntaskSpace.getWMTask()", ["WMWorkload.pkl", "no such file"]),
])
def test_errorsNameFileAndDirectory(sandbox, upstreamTree, code, parts):
    text = sandbox.evaluate(upstreamTree, IMPORT + code)
    assert text and text.startswith("RuntimeError: ") and all(part in text for part in parts), text


def test_aDirectoryThatIsNoStepsIsNotListed(sandbox, upstreamTree):
    os.mkdir(os.path.join(sandbox.jobDir, "WMTaskSpace", "scratch"))
    assert sorted(sandbox.evaluate(upstreamTree, IMPORT + "result = taskSpace.stepSpaces()")) == [
        "first", "second", "third"]


def test_theWorkloadIsLoadedOncePerSpace(sandbox, upstreamTree):
    assert sandbox.evaluate(upstreamTree, IMPORT + "result = taskSpace.getWMWorkload() is taskSpace.getWMWorkload() "
                            "is taskSpace.workload") is True


def test_aStepSpaceKnowsTheTaskSpaceItCameFrom(sandbox, upstreamTree):
    code = IMPORT + "result = taskSpace.stepSpace('third').taskSpace is taskSpace"
    assert sandbox.evaluate(upstreamTree, code) is True
