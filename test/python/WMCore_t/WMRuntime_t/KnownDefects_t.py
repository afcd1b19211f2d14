"""
Defects that upstream's runtime had and whose cure spans modules, each test named for its number.

docs/defects.md lists all of them, with the tests of those that belong to one module.
"""
import ast
import json
import os
import re

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import SOURCE, JobSandbox, errorsOf
from WMCore_t.WrapperNode import WrapperNode, readError, readReport


# -- the wrapper: report, log and code of a job that ends early


def _cutSandbox(node):
    node.addPython("3.8.2-comp")
    (node.start / "S.tar.bz2").write_bytes((node.start / "S.tar.bz2").read_bytes()[:300])


def _brokenPython(node):
    node.addPython("3.8.2-comp", script="#!/bin/sh\nexit 1\n")


JOB = ("S.tar.bz2", "1", "2")
EARLY_ENDS = {
    11001: (lambda node: None, ("", "1", "2")),
    11002: (lambda node: None, ("S.tar.bz2", "", "2")),
    11003: (lambda node: (node.cms / "cmsset_default.sh").unlink(), JOB),
    11004: (lambda node: None, JOB),
    11005: (_brokenPython, JOB),
    11006: (_cutSandbox, JOB),
}


@pytest.mark.parametrize("code", sorted(EARLY_ENDS))
def test_issue6923_everyEarlyEndLeavesALoadableReportWithTheWholeCodeAndTheLog(tmp_path, code):
    """
    HTCondor holds a job that lacks a file it expects (#6923); an empty report, touched for that, was 99998, and
    the log was missing (PR #8447). The process status alone does not tell the code: 11004 arrives as 252 (2.4).
    """
    node = WrapperNode(tmp_path)
    node.addSandbox()
    prepare, arguments = EARLY_ENDS[code]
    prepare(node)
    assert node.run(*arguments).status == code & 255
    assert readError(node.start / "Report.2.pkl")[0] == code
    assert readReport(node.start / "Report.2.pkl").steps == ["CRITICAL"]
    assert "exit code %d " % code in (node.start / "wmagentJob.log").read_text()


@pytest.mark.parametrize("text, container", [("ID=rhel\n", "an unknown system"),
                                             ('ID="rhel"\nVERSION_ID="10.0"\nPLATFORM_ID="platform:el10"\n', "rhel10")])
def test_section2_4_aContainerWithoutRpmOrWithANewSystemFindsAnArea(tmp_path, text, container):
    """Without rpm the system was "rhel" and the area COMP/rhel_x86_64; rhel10 was taken for rhel8 without a word."""
    node = WrapperNode(tmp_path)
    node.addSandbox()
    node.addPython("3.8.2-comp")
    node.osRelease.write_text(text)
    outcome = node.run()
    assert outcome.status == 0, outcome.output
    assert "container runs %s\n" % container in outcome.output
    assert "COMP/rhel_" not in outcome.output
    assert re.search(r"python 3\S+: \S.*/COMP/rhel8_%s/" % node.machine, outcome.output)


# -- the job


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory with three probe steps."""
    return JobSandbox(tmp_path / "start")


def test_section2_4_anErrorReportGoesUnderTheRetryCountOfAJobThatCannotBeLoaded(sandbox, upstreamTree):
    """Upstream wrote Report.0.pkl when the package was broken; HTCondor waits for Report.N.pkl."""
    os.remove(os.path.join(sandbox.sandbox, "JobPackage.pcl"))
    assert sandbox.run(upstreamTree, WMAGENT_RETRY_COUNT="4") == 11011 & 255
    assert errorsOf(sandbox.report("Report.4.pkl")) == [("CRITICAL", 11011, "JobPackageError")]
    assert not os.path.exists(os.path.join(sandbox.startDir, "Report.0.pkl"))


LIST_LATE_IMPORTS = """code:
import atexit, json, sys
known = set(sys.modules)
def tell():
    with open(os.path.join(start, "late.json"), "w") as handle:
        json.dump(sorted(set(sys.modules) - known), handle)
atexit.register(tell)
"""


@pytest.mark.parametrize("ending, status", [
    ("", 0), ("raise ValueError('the probe raises')", 99109 & 255), ("raise SystemExit(3)", 99109 & 255),
    ("os.kill(os.getpid(), 15)", 143), ("self.report.addError(self.stepName, 60311, 'x', 'y')", 60311 & 255)])
def test_pr9868_nothingIsImportedOnceTheLastStepRuns(sandbox, upstreamTree, ending, status):
    """With CVMFS gone in the middle of a job the first late import, of a codec then, was the end of the report."""
    sandbox.behave(third=LIST_LATE_IMPORTS + ending)
    assert sandbox.run(upstreamTree) == status, sandbox.text("err")
    assert json.loads(sandbox.text("late.json")) == []


# -- Python's own changes

#: What Python took away between 3.6 and 3.14, or has announced to.
REMOVED_MODULES = {"imp", "cgi", "cgitb", "distutils", "asynchat", "asyncore", "pipes", "crypt", "future", "past", "builtins"}
REMOVED_NAMES = {"isAlive", "setDaemon", "isSet", "warn", "getargspec", "encodestring", "decodestring", "currentThread",
                 "utcnow", "getchildren", "tostring"}
REMOVED_FROM_COLLECTIONS = {"Mapping", "MutableMapping", "Iterable", "Callable", "Sequence", "Set", "Hashable"}
#: ExecuteMaster is WMCore's, and looks for the watchdog on this very function object.
KNOWN = {("Bootstrap.py", "currentThread")}


def runtimeSources():
    """
    Give (file name, syntax tree) of each module that runs on a worker node or packs for it.

    Stand-ins are left out, and the reports of area checks, which call libraries of the agent's side.
    """
    for directory, names, files in os.walk(SOURCE):
        names[:] = [name for name in names if name not in ("WorkerNode", "AreaCheck")]
        for name in sorted(files):
            if name.endswith(".py"):
                with open(os.path.join(directory, name), encoding="utf-8") as handle:
                    yield name, ast.parse(handle.read())


def removedUses(tree):
    """List what a module uses of the removed."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in REMOVED_MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module.split(".")[0] in REMOVED_MODULES:
                found.append(node.module)
            elif node.module == "collections":
                found += [alias.name for alias in node.names if alias.name in REMOVED_FROM_COLLECTIONS]
        elif isinstance(node, ast.Attribute) and node.attr in REMOVED_NAMES:
            found.append(node.attr)
    return found


def test_section2_8_nothingUsesWhatAPythonHasRemoved():
    """#11297 isAlive, #11239 logging.warn, #12289 getargspec, #12288 collections, #12296 cgi, #11401 encodestring, future."""
    assert {(name, use) for name, tree in runtimeSources() for use in removedUses(tree)} == KNOWN


@pytest.mark.parametrize("text", ["import imp", "from future.utils import viewitems", "from collections import Mapping",
                                  "thread.isAlive()", "logging.warn('x')", "inspect.getargspec(f)", "import cgi"])
def test_section2_8_theSearchFindsWhatIsRemoved(text):
    assert removedUses(ast.parse(text)) != []


def literal(node):
    """Give the value of a literal, an empty text for anything else."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ""


def textWithoutEncoding(tree):
    """List the lines of a module that open a text file in the encoding of whatever locale the node has."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        isOpen = getattr(node.func, "id", None) == "open" or name == "fdopen"
        if not (isOpen or name in ("FileHandler", "RotatingFileHandler")):
            continue
        mode = node.args[1:2] + [word.value for word in node.keywords if word.arg == "mode"]
        isBinary = isOpen and mode and "b" in literal(mode[0])
        if not isBinary and "encoding" not in [word.arg for word in node.keywords]:
            found.append(node.lineno)
    return found


def test_section2_8_everyTextFileNamesItsEncoding():
    """RHEL6's locale is ASCII, and python 3.6 takes it for the encoding of every file opened without one."""
    assert [(name, line) for name, tree in runtimeSources() for line in textWithoutEncoding(tree)] == []


@pytest.mark.parametrize("text", ["open('x')", "open('x', 'w')", "os.fdopen(3, 'w')", "open('x', mode='a')",
                                  "logging.FileHandler('x')"])
def test_section2_8_theSearchFindsTextWithoutAnEncoding(text):
    assert textWithoutEncoding(ast.parse(text)) == [1]


def test_everyTestTheDocumentNamesExists(topDirectory):
    with open(os.path.join(topDirectory, "docs", "defects.md"), encoding="utf-8") as handle:
        named = set(re.findall(r"`([\w/]+)::(\w+)`", handle.read()))
    assert len(named) > 50
    written = set()
    for directory, _names, files in os.walk(os.path.join(topDirectory, "test", "python", "WMCore_t")):
        for name in files:
            if name.endswith("_t.py"):
                with open(os.path.join(directory, name), encoding="utf-8") as handle:
                    functions = re.findall(r"^ *def (test\w+)\(", handle.read(), re.MULTILINE)
                module = name[:-len(".py")]
                for place in (module, "%s/%s" % (os.path.basename(directory), module)):
                    written.update((place, function) for function in functions)
    assert sorted(named - written) == []
