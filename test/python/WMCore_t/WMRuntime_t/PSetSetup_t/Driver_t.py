"""The driver runs tools in one python, as each would run in its own; on python 2.7 and 3."""
import json
import os
import subprocess

import pytest

from WMCore.WMRuntime.PSetSetup.PSetDriver import MODULES
from WMCore.WMRuntime.PSetSetup.PSetPlan import PSetPlan, ToolCall

POLYGLOT = '#!/bin/sh\n""":"\npython3 -c "import nothing" 2>/dev/null\nexec python "$0" "$@"\n":"""\n'
# A release's FWCore in miniature: what a process is, and how often it was imported.
FWCORE = '''
class Process(object):
    source = None
    def __init__(self, **values):
        self.__dict__.update(values)
    def outputModules_(self):
        return ["first", "second"]
class Source(object):
    def type_(self):
        return "PoolSource"
with open("imports", "a") as handle:
    handle.write("x")
'''
MAKE = '''
import pickle, sys
from fwcore import Process, Source
with open(sys.argv[1], "wb") as handle:
    pickle.dump(Process(seen=[], source=Source()), handle, protocol=0)
'''
CHANGE = '''
import pickle, sys
import fwcore
with open(sys.argv[1], "rb") as handle:
    process = pickle.load(handle)
process.seen.append(sys.argv[2:])
with open(sys.argv[1], "wb") as handle:
    pickle.dump(process, handle, protocol=0)
print("changed")
'''


class Bench(object):
    """A step's directory, tools, and a way to run a plan in a python."""

    def __init__(self, directory, python, sourceTree):
        self.directory, self.python, self.sourceTree = directory, python, sourceTree
        self.bin = directory / "bin"
        self.bin.mkdir()
        (directory / "lib").mkdir()
        (directory / "lib" / "fwcore.py").write_text(FWCORE)
        self.pickle = str(directory / "P.pkl")
        self.tool("make", MAKE)
        self.tool("change", CHANGE)

    def tool(self, name, text, head=POLYGLOT):
        """Install a tool."""
        path = self.bin / name
        path.write_text(head + text)
        path.chmod(0o755)

    def run(self, *calls, **options):
        """Run a plan; give its record."""
        PSetPlan(self.pickle, calls).write(str(self.directory / "plan.json"))
        program = self.directory / "psetDriver"
        program.mkdir(exist_ok=True)
        for name in MODULES:
            with open(os.path.join(self.sourceTree, "WMCore", "WMRuntime", "PSetSetup", "inside", name)) as handle:
                (program / name).write_text(handle.read())
        names = [str(self.directory / name) for name in ("plan.json", "record.json", "log")]
        environ = {"PATH": "%s:/usr/bin:/bin" % self.bin, "PYTHON27PATH": str(self.directory / "lib"),
                   "PYTHON3PATH": str(self.directory / "lib")}
        # In a process of its own a tool finds its modules as in a release, too.
        environ["PYTHONPATH"] = environ["PYTHON3PATH"] if options.pop("ownPath", False) else ""
        (self.bin / "python").write_text('#!/bin/sh\nexec "%s" "$@"\n' % self.python)
        (self.bin / "python").chmod(0o755)
        self.status = subprocess.call([self.python, "-B", str(program)] + names + ["python"] + options.pop("options", []),
                                      env=environ, cwd=str(self.directory))
        with open(names[1]) as handle:
            self.record = json.load(handle)
        return self.record["calls"]

    def process(self):
        """Give what the pickle says tools have seen."""
        code = "import pickle, json; print(json.dumps(pickle.load(open(%r, 'rb')).seen))" % self.pickle
        return json.loads(subprocess.check_output([self.python, "-B", "-c", code],
                                                  env={"PYTHONPATH": str(self.directory / "lib")},
                                                  cwd=str(self.directory.parent)).decode("ascii"))

    def log(self):
        """Give what the tools printed."""
        return (self.directory / "log").read_text()

    def call(self, name, *options, **settings):
        """Make a call of a tool on the pickle."""
        return ToolCall(name, (self.pickle,) + options, name, **settings)


@pytest.fixture(params=["2.7", "3.6", "3.9", "3.12"])
def bench(request, interpreters, tmp_path, sourceTree):
    """Give a Bench for each kind of python a release has."""
    if request.param not in interpreters:
        pytest.skip("this machine has no python %s" % request.param)
    directory = tmp_path / "a step"
    directory.mkdir()
    return Bench(directory, interpreters[request.param], sourceTree)


def ways(calls):
    """Give how each call was made and how it ended."""
    return [(call["how"], call["status"]) for call in calls]


def test_toolsRunInOnePythonWithOneImportAndOneLoad(bench):
    calls = bench.run(bench.call("make"), bench.call("change", "a b"), bench.call("change", "\u00fc", "c"))
    assert ways(calls) == [("driven", 0)] * 3 + [("builtIn", 0)]
    assert bench.process() == [["a b"], ["\u00fc", "c"]]
    assert (bench.directory / "imports").read_text() == "x"
    assert (bench.record["loads"], bench.record["dumps"], bench.record["state"]) == (1, 2, "done")
    assert bench.status == 0


@pytest.mark.parametrize("head", [
    '#!/bin/sh \n\n""":"\n\nchosen="python"\npython3 -c "import x" 2>/dev/null && chosen="python3"\n'
    'exec ${chosen} $0 ${1+"$@"} # python\n\n"""\n', "#!/usr/bin/env python\n", "#! /usr/bin/python\n",
    '#!/bin/bash\n"true" \'\'\'\\\'\nexec "python3" "$0" "$@"\n\'\'\'\n'])
def test_everyWayOfNamingPythonIsDriven(bench, head):
    bench.tool("change", CHANGE, head)
    assert ways(bench.run(bench.call("make"), bench.call("change", "1")))[1] == ("driven", 0)


def test_eachToolsOutputIsItsOwn(bench):
    bench.tool("noisy", "import sys, os\nprint('out')\nsys.stderr.write('err\\n')\nos.system('echo child')\n")
    calls = bench.run(bench.call("make"), bench.call("change"), bench.call("noisy"))
    said = [(bench.directory / "log").read_bytes()[slice(*call["output"])].decode("ascii") for call in calls]
    assert said[0] == "" and said[1] == "changed\n"
    assert sorted(said[2].split()) == ["child", "err", "out"]


@pytest.mark.parametrize("text, status, says", [
    ("raise SystemExit(65)", 65, ""), ("import sys; sys.exit('no')", 1, "no\n"), ("1 / 0", 1, "ZeroDivisionError"),
    ("import sys; sys.exit(256 + 3)", 3, ""), ("import sys; sys.exit(True)", 1, "")])
def test_aToolsStatusIsKeptAndEndsThePlan(bench, text, status, says):
    bench.tool("fails", text)
    calls = bench.run(bench.call("make"), bench.call("change", "1"), bench.call("fails"), bench.call("change", "2"))
    assert [call["status"] for call in calls] == [0, 0, status, 0]
    assert bench.record["state"] == "failed" and bench.status == 1
    assert says in bench.log() and "psetDriver" not in bench.log()
    assert bench.process() == [["1"]]


@pytest.mark.parametrize("head, text, reason", [
    ("#!/bin/sh\n", 'python "$(dirname "$0")/change" "$@"', "it is for sh"),
    ("#!/usr/bin/env python9\n", "", "it is for python9"), ("#!/bin/sh\n", 'exec python "$(dirname "$0")/change" "$@"',
                                                            "this python does not take it")])
def test_aToolThatCannotBeDrivenGetsItsOwnProcessAndThePickle(bench, head, text, reason):
    bench.tool("other", text, head)
    (bench.bin / "python9").symlink_to(bench.bin / "change")
    calls = bench.run(bench.call("make"), bench.call("change", "1"), bench.call("other", "2"), bench.call("change", "3"),
                      ownPath=True)
    assert calls[2]["how"] == "ownProcess" and reason in calls[2]["reason"]
    if head == "#!/bin/sh\n":
        assert ways(calls)[2:] == [("ownProcess", 0), ("driven", 0), ("builtIn", 0)]
        assert bench.process() == [["1"], ["2"], ["3"]]


def test_aToolThatNeedsItsProcessGetsIt(bench):
    bench.tool("leaves", "import os, sys\nsys.stdout.flush()\nos._exit(9)\n")
    calls = bench.run(bench.call("make"), bench.call("leaves"))
    assert ways(calls)[1] == ("ownProcess", 9)


def test_aMissingToolIsNamed(bench):
    calls = bench.run(bench.call("make"), bench.call("nowhere"))
    assert ways(calls)[1] == ("ownProcess", 127)
    assert calls[1]["reason"] == "there is no nowhere in the PATH" and "nowhere" in bench.log()


def test_aToolWithItsOwnWayOfWritingIsSeen(bench):
    bench.tool("renames", CHANGE.replace('open(sys.argv[1], "wb")', 'open(sys.argv[1] + ".new", "wb")')
               + "import os\nos.rename(sys.argv[1] + '.new', sys.argv[1])\n")
    bench.run(bench.call("make"), bench.call("change", "1"), bench.call("renames", "2"), bench.call("change", "3"))
    assert bench.process() == [["1"], ["2"], ["3"]]


def test_aToolWithItsOwnWayOfReadingGetsItsOwnProcess(bench):
    bench.tool("reads", CHANGE.replace("pickle.load(handle)", "pickle.loads(handle.read())"))
    calls = bench.run(bench.call("make"), bench.call("change", "1"), bench.call("reads", "2"), bench.call("change", "3"),
                      ownPath=True)
    assert ways(calls)[2] == ("ownProcess", 0) and "before it read" in calls[2]["reason"]
    assert bench.process() == [["1"], ["2"], ["3"]]


def test_aToolThatFailsBeforeItReadsIsTriedOnceMoreAndFails(bench):
    bench.tool("refuses", "import sys\nsys.exit(5)\n")
    calls = bench.run(bench.call("make"), bench.call("change", "1"), bench.call("refuses"))
    assert ways(calls)[2] == ("ownProcess", 5) and bench.process() == [["1"]]


def test_aToolFindsAndLeavesWhatItsOwnProcessWould(bench):
    bench.tool("spoils", "import os, sys, random\nassert sys.argv[0] == __file__ and __name__ == '__main__'\n"
                         "assert sys.path[0] == os.path.dirname(os.path.realpath(__file__))\n"
                         "os.environ['SPOILT'] = '1'\nos.chdir('/')\nsys.path.insert(0, '/spoilt')\nsys.argv.append('x')\n"
                         "random.seed('fixed')\nopen(sys.argv[1] + '.r', 'a').write('%r ' % random.random())\n"
                         "sys.stdout = open(os.devnull, 'w')\nglobalName = 1\n")
    bench.tool("looks", "import os, sys, random\nassert 'SPOILT' not in os.environ and os.getcwd() != '/'\n"
                        "assert '/spoilt' not in sys.path and len(sys.argv) == 2 and 'globalName' not in globals()\n"
                        "open(sys.argv[1] + '.r', 'a').write('%r ' % random.random())\nprint('fine')\n")
    bench.run(bench.call("make"), bench.call("spoils"), bench.call("looks"), bench.call("spoils"), bench.call("looks"))
    assert bench.record["state"] == "done", bench.log()
    drawn = (bench.directory / "P.pkl.r").read_text().split()
    assert drawn[0] == drawn[2] and drawn[1] != drawn[3]


def test_aTweakForEachOutputModuleIsWrittenWhenTheyAreKnown(bench):
    from WMCore.WMRuntime.PSetSetup.PSetPlan import JsonFile
    path = str(bench.directory / "each.json")
    bench.run(bench.call("make"), bench.call("change", files=[
        JsonFile(path, [{"process.@outputModule@.a": "x"}], perOutputModule=True)]))
    with open(path) as handle:
        assert json.load(handle) == [{"process.first.a": "x"}, {"process.second.a": "x"}]


def test_aCallForOtherSourcesIsLeftOutAndOneForThisGetsItsType(bench):
    calls = bench.run(bench.call("make"), bench.call("change", "@sourceType@", sourceTypes=["PoolSource"]),
                      bench.call("change", "never", sourceTypes=["OtherSource"]))
    assert ways(calls)[1:3] == [("driven", 0), ("leftOut", 0)]
    assert bench.process() == [["PoolSource"]]


def test_theSourceIsCheckedAndWhatThereIsInsteadIsNamed(bench):
    bench.tool("make", MAKE.replace("source=Source()", "something=1"))
    calls = bench.run(bench.call("make"), ToolCall("check the source", why="check"))
    assert ways(calls)[1] == ("builtIn", 1)
    assert "no source" in bench.log() and "something" in bench.log()


def test_aPythonThatIsNotCmsRunsRunsNothing(bench):
    calls = bench.run(bench.call("make"), options=["--ask"])
    assert calls == [] and bench.record["state"] == "wrongPython" and not os.path.exists(bench.pickle)
    folder = bench.directory / "lib" / "FWCore" / "PythonFramework"
    folder.mkdir(parents=True)
    for path in (folder.parent / "__init__.py", folder / "__init__.py", folder / "CmsRun.py"):
        path.write_text("")
    assert len(bench.run(bench.call("make"), options=["--ask"])) == 2 and bench.record["state"] == "done"


def test_aDriverThatIsKilledLeavesTheCallItWasAt(bench):
    bench.tool("dies", "import os, signal, ctypes\nos.kill(os.getpid(), signal.SIGKILL)\n")
    calls = bench.run(bench.call("make"), bench.call("dies"))
    assert ways(calls) == [("driven", 0), ("running", None)] and bench.record["state"] == "running"
    assert bench.status == -9
