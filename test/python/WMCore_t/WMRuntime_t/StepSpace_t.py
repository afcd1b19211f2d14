"""Test a step's directory, against upstream's where both can do it."""
import os

import pytest

BOTH = {
    "location": "result = [stepSpace.location, stepSpace.initmodule, stepSpace.stepName]",
    "sandbox": "result = [stepSpace.sandbox.directory, stepSpace.sandbox.moduleName]",
    "files": "result = sorted(name for name in stepSpace.sandboxFiles() if name != '__pycache__')",
    "task": "from WMTaskSpace import taskSpace\nspace = taskSpace.stepSpace('second')\n"
            "result = [space.getWMStep().name(), space.getWMTask().name()]",
}
IMPORT = "from WMTaskSpace.first import stepSpace\n"


@pytest.fixture
def sandbox(builtSandbox, tmp_path):
    """Give a job directory whose task was built."""
    return builtSandbox.copied(tmp_path / "start with space")


def test_itAnswersAsUpstreamsDoes(sandbox, upstreamTree):
    ours = sandbox.evaluateAll(upstreamTree, IMPORT, BOTH)
    assert ours == sandbox.evaluateAll(upstreamTree, IMPORT, BOTH, ours=False)
    assert set(ours) == set(BOTH) and all(ours.values())


def test_filesAreCopiedFromTheSandboxUnderAnyName(sandbox, upstreamTree):
    odd = "a b;touch evil'.txt"
    sandbox.write(os.path.join(sandbox.sandbox, "Production", "first", odd), "content")
    result = sandbox.evaluate(upstreamTree, IMPORT +
                              "stepSpace.getFromSandbox(%r)\nstepSpace.getFromSandbox('PSet.py', 'Other.py')\n"
                              "os.mkdir(os.path.join(stepSpace.location, 'sub'))\n"
                              "stepSpace.getFromSandbox('PSet.py', 'sub')\n"
                              "result = [sorted(os.listdir(stepSpace.location)), "
                              "os.listdir(stepSpace.location + '/sub')]" % odd)
    assert set([odd, "Other.py", "sub"]) <= set(result[0]) and result[1] == ["PSet.py"]
    assert not os.path.exists(os.path.join(sandbox.jobDir, "evil"))
    assert not [name for name in result[0] if name.startswith(".copy-")]


@pytest.mark.parametrize("code, parts", [
    ("stepSpace.getFromSandbox('none.txt')", ["RuntimeError", "none.txt", "Production/first", "PSet.py"]),
    ("stepSpace.getFromSandbox('PSet.py', 'no/such/dir')", ["RuntimeError", "PSet.py", "no/such/dir"]),
])
def test_aFileThatCannotBeCopiedIsNamedWithBothDirectories(sandbox, upstreamTree, code, parts):
    text = sandbox.evaluate(upstreamTree, IMPORT + code)
    assert text and all(part in text for part in parts), text


def test_theCopyKeepsTheModeAndReplacesWhatWasThere(tmp_path):
    from WMCore.WMRuntime.StepSpace import copyWhole
    source, target = tmp_path / "script.sh", tmp_path / "copy.sh"
    source.write_text("new")
    source.chmod(0o755)
    target.write_text("old, and longer than the new one")
    copyWhole(str(source), str(target))
    assert target.read_text() == "new" and target.stat().st_mode & 0o777 == 0o755


def test_aCopyThatFailsLeavesWhatWasThere(tmp_path):
    from WMCore.WMRuntime.StepSpace import copyWhole
    target = tmp_path / "copy.sh"
    target.write_text("old")
    with pytest.raises(OSError):
        copyWhole(str(tmp_path / "none"), str(target))
    assert [path.name for path in tmp_path.iterdir()] == ["copy.sh"] and target.read_text() == "old"
