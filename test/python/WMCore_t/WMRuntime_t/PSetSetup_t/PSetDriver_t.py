"""Starting the driver: which python, and what a failure says."""
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.PSetSetup.PSetCalls import PSetCalls, lineOf
from WMCore.WMRuntime.PSetSetup.PSetDriver import PSetDriver
from WMCore.WMRuntime.PSetSetup.PSetPlan import PSetPlan, ToolCall
from WMCore.WMRuntime.PSetSetup.PSetSetupError import PSetSetupError


class FakeScram(object):
    """Stands in for a Scram with a session: its environment has a directory of programs first in the PATH."""

    architecture = None

    def __init__(self, directory):
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.runtimeEnv, self.code, self.output, self.commands = {}, None, "", []

    def python(self, name, modules=()):
        """Provide a python that can import modules."""
        library = self.bin / (name + "-lib")
        for module in modules:
            path = library.joinpath(*module.split("."))
            path.parent.mkdir(parents=True)
            for folder in path.parents:
                if library in folder.parents:
                    (folder / "__init__.py").write_text("")
            path.with_suffix(".py").write_text("")
        self.program(name, '#!/bin/sh\nPYTHONPATH="%s" exec "%s" "$@"\n' % (library, sys.executable))

    def program(self, name, text):
        """Provide a program."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def runProgram(self, args, timeout=None):
        self.commands.append(args)
        try:
            child = subprocess.Popen(args, env={"PATH": "%s:/nowhere" % self.bin}, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        except OSError as ex:
            self.output, self.code = str(ex), 127
            return self.code
        self.output = child.communicate(timeout=60)[0].decode("utf-8", "replace")
        self.code = child.returncode if child.returncode >= 0 else 128 - child.returncode
        return self.code

    def getStdout(self):
        return self.output


TOOL = "#!/bin/sh\n\"\"\":\"\nexec python \"$0\" \"$@\"\n\":\"\"\"\n"


@pytest.fixture
def scram(tmp_path):
    """Give a FakeScram with a tool that works and one that fails."""
    made = FakeScram(tmp_path)
    made.program("works", TOOL + "print('it works')\n")
    made.program("fails", TOOL + "import sys\nprint('a reason')\nsys.exit(42)\n")
    made.program("dies", TOOL + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    return made


@pytest.fixture
def run(scram, tmp_path):
    """Give a function that runs tools in a step's directory."""
    def start(*names, **options):
        plan = PSetPlan(str(tmp_path / "step" / "P.pkl"), [ToolCall(name, ("-x", "a b"), "what for") for name in names])
        return PSetDriver(scram, str(tmp_path / "step")).run(plan, options.get("configuration"))
    (tmp_path / "step").mkdir()
    return start


CMSRUN = ["FWCore.PythonFramework.CmsRun"]


def test_python3IsTakenWhenItKnowsCmsRun(scram, run):
    scram.python("python3", CMSRUN)
    calls = run("works")
    assert calls.state == "done" and [args[:2] for args in scram.commands] == [["python3", "-B"]]
    assert calls.summary()["driven"] == 1


def test_pythonIsTakenWhenPython3DoesNot(scram, run):
    scram.python("python3")
    scram.python("python")
    assert run("works").state == "done"
    assert [args[0] for args in scram.commands] == ["python3", "python"]


def test_pythonIsTakenWhenThereIsNoPython3(scram, run):
    scram.python("python")
    assert run("works").state == "done"


def test_withoutAnyPythonEachIsNamedWithItsReason(scram, run):
    scram.python("python3")
    with pytest.raises(PSetSetupError) as caught:
        run("works")
    assert "python3: it is not the python of the release's cmsRun" in str(caught.value)
    assert "python: status 127" in str(caught.value) and caught.value.status == 127


def test_aFailureHasToolArgumentsStatusAndOutput(scram, run):
    scram.python("python3", CMSRUN)
    with pytest.raises(PSetSetupError) as caught:
        run("works", "fails", "works")
    error = caught.value
    assert (error.code, error.name, error.status) == (50513, "PSetSetupFailure", 42)
    for part in ("fails failed with exit code 42 (what for) [50513 PSetSetupFailure]", "command: fails -x a b",
                 "a reason", "psetTools.log"):
        assert part in str(error)
    assert "it works" not in str(error)


def test_aDriverThatDiesNamesTheToolItWasAt(scram, run):
    scram.python("python3", CMSRUN)
    with pytest.raises(PSetSetupError, match="ended with status 139 during dies") as caught:
        run("works", "dies")
    assert caught.value.status == 139


def test_whatAnEarlierRunLeftIsNotTakenForThisOne(scram, run, tmp_path):
    scram.python("python3", CMSRUN)
    run("works")
    os.unlink(str(scram.bin / "python3"))
    with pytest.raises(PSetSetupError):
        run("works")


def test_aRecordThatCannotBeReadIsAFailure(scram, run):
    for name in ("python3", "python"):
        scram.program(name, '#!/bin/bash\necho "{" > "$4"\n')
    with pytest.raises(PSetSetupError, match="No python of the release"):
        run("works")


def test_theLineOfTheConfigurationIsTheLastOneNamed(tmp_path):
    path = tmp_path / "PSet (1).py"
    path.write_text("first\nsecond  \n")
    said = 'File "%s", line 1, in <module>\nFile "/other.py", line 9\nFile "%s", line 2, in f\n' % (path, path)
    assert lineOf(str(path), said) == "PSet (1).py, line 2: second"
    assert lineOf(str(path), "nothing") is None and lineOf(None, said) is None
    assert lineOf("/not/there.py", 'File "/not/there.py", line 3') == "there.py, line 3: "


def test_aDamagedRecordIsNoCrash(tmp_path):
    calls = PSetCalls({"state": "running", "calls": []}, str(tmp_path / "log"))
    with pytest.raises(PSetSetupError, match="ended with status 9"):
        calls.check(PSetPlan("P", []), None, 9)
