"""Test Sandbox, StepSpace and TaskSpace in a built job directory, against upstream's where both can do it."""
import json
import os
import subprocess
import sys

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory whose task was built."""
    made = JobSandbox(tmp_path / "start with space")
    run(made, upstreamTree, "from WMCore.WMRuntime import Bootstrap\n"
        "task = Bootstrap.loadTask(Bootstrap.loadJobDefinition())\ntask.build(os.getcwd())\n")
    return made


def run(sandbox, upstreamTree, code, ours=True, python=sys.executable):
    """Run code in the job directory; give what it left in `result`, or the error as text."""
    script = ("import json, logging, os, sys\nlogging.disable(logging.CRITICAL)\nresult = None\n"
              "try:\n" + "".join("    %s\n" % line for line in code.splitlines()) +
              "except Exception as ex:\n    result = '%s: %s' % (type(ex).__name__, ex)\n"
              "print('RESULT' + json.dumps(result))\n")
    done = subprocess.Popen([python, "-c", script], cwd=sandbox.jobDir, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=sandbox.environment(upstreamTree, ours))
    out, err = done.communicate(timeout=60)
    assert b"RESULT" in out, err.decode("utf-8", "replace")
    return json.loads(out.decode("utf-8").split("RESULT")[1])


BOTH = {
    "spaces": "from WMTaskSpace import taskSpace\nresult = sorted(taskSpace.stepSpaces())",
    "location": "from WMTaskSpace import taskSpace\nresult = [taskSpace.location, taskSpace.taskName]",
    "stepLocation": "from WMTaskSpace import taskSpace\ns = taskSpace.stepSpace('first')\n"
                    "result = [s.location, s.initmodule, s.stepName, s.sandbox.directory, s.sandbox.moduleName]",
    "files": "from WMTaskSpace.first import stepSpace\n"
             "result = sorted(n for n in stepSpace.sandboxFiles() if n != '__pycache__')",
    "getFile": "from WMTaskSpace.first import stepSpace\nresult = stepSpace.sandbox.getFile('PSet.py')",
    "task": "from WMTaskSpace import taskSpace\nresult = [taskSpace.getWMTask().getPathName(), "
            "taskSpace.workloadName(), taskSpace.stepSpace('second').getWMStep().name(), "
            "taskSpace.stepSpace('second').getWMTask().name()]",
    "locate": "from WMCore.WMRuntime.Bootstrap import locateWMSandbox\nresult = locateWMSandbox()",
}


@pytest.mark.parametrize("name", sorted(BOTH))
def test_theSpacesAnswerAsUpstreamsDo(sandbox, upstreamTree, name):
    ours = run(sandbox, upstreamTree, BOTH[name])
    assert ours == run(sandbox, upstreamTree, BOTH[name], ours=False)
    assert not str(ours).startswith(("ImportError", "RuntimeError"))


def test_filesAreCopiedFromTheSandboxUnderAnyName(sandbox, upstreamTree):
    odd = "a b;touch evil'.txt"
    sandbox.write(os.path.join(sandbox.sandbox, "Production", "first", odd), "content")
    result = run(sandbox, upstreamTree, "from WMTaskSpace.first import stepSpace\n"
                 "stepSpace.getFromSandbox(%r)\nstepSpace.getFromSandbox('PSet.py', 'Other.py')\n"
                 "os.mkdir(os.path.join(stepSpace.location, 'sub'))\nstepSpace.getFromSandbox('PSet.py', 'sub')\n"
                 "result = [sorted(os.listdir(stepSpace.location)), os.listdir(stepSpace.location + '/sub')]" % odd)
    assert set([odd, "Other.py", "sub"]) <= set(result[0]) and result[1] == ["PSet.py"]
    assert not os.path.exists(os.path.join(sandbox.jobDir, "evil"))
    assert not [name for name in result[0] if name.startswith(".copy-")]


@pytest.mark.parametrize("code, parts", [
    ("from WMTaskSpace.first import stepSpace\nstepSpace.getFromSandbox('none.txt')",
     ["RuntimeError", "none.txt", "Production/first", "PSet.py"]),
    ("from WMTaskSpace.first import stepSpace\nstepSpace.getFromSandbox('PSet.py', 'no/such/dir')",
     ["RuntimeError", "PSet.py", "no/such/dir"]),
    ("from WMTaskSpace import taskSpace\ntaskSpace.stepSpace('fourth')", ["RuntimeError", "WMTaskSpace.fourth"]),
    ("open('WMTaskSpace/first/__init__.py', 'w').close()\nfrom WMTaskSpace import taskSpace\n"
     "taskSpace.stepSpace('first')", ["RuntimeError", "No stepSpace Attribute", "WMTaskSpace/first"]),
    ("os.remove('WMSandbox/WMWorkload.pkl')\nfrom WMTaskSpace import taskSpace\ntaskSpace.getWMTask()",
     ["RuntimeError", "WMWorkload.pkl", "no such file"]),
    ("from WMCore.WMRuntime.Sandbox import moduleDirectory\nmoduleDirectory(sys)", ["RuntimeError", "sys"]),
])
def test_errorsNameFileAndDirectory(sandbox, upstreamTree, code, parts):
    text = run(sandbox, upstreamTree, code)
    assert text and all(part in text for part in parts), text


def test_theWorkloadIsLoadedOncePerSpace(sandbox, upstreamTree):
    assert run(sandbox, upstreamTree, "from WMTaskSpace import taskSpace\n"
               "result = taskSpace.getWMWorkload() is taskSpace.getWMWorkload() is taskSpace.workload") is True
