"""Which executable a step runs, on the releases of the worker node."""
import json
import os
import shutil

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload import ExecutableSelector
from WMCore.WMRuntime.Payload.ExecutableChoice import POLICIES
from WMCore.WMRuntime.Payload.ExecutableProvider import Executable, ExecutableProvider
from WMCore.WMRuntime.Payload.ExecutableSelector import selectExecutable
from WMCore.WMRuntime.Release.Release import Release

OLD, TWIN, BOTH_TOOLS, NEW, PATCH = ("CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3",
                                     "CMSSW_13_0_3_patch1")
PYTHON2, PYTHON3, EITHER, NOTHING = 'print "x"\n', 'x = f"{1}"\n', "x = 1\n", 'print "x"\ny = f"{1}"\n'


@pytest.fixture
def release(workerNode):
    """Give a callable that finds a release of the node."""
    def find(name):
        record = workerNode.releases[name]
        return Release.at(os.path.join(workerNode.root, record["directory"]), name, record["arch"])
    return find


@pytest.fixture
def pset(tmp_path):
    """Give a callable that writes a PSet."""
    def write(text):
        (tmp_path / "PSet.py").write_text(text)
        return str(tmp_path / "PSet.py")
    return write


@pytest.fixture
def noProcess(monkeypatch):
    """Make every start of a process an error."""
    def refuse(*args, **_kwargs):
        raise AssertionError("a process was started: %s" % (args,))
    monkeypatch.setattr("subprocess.Popen", refuse)
    monkeypatch.setattr("WMCore.WMRuntime.Payload.GrammarCheck.runCaptured", refuse)


AUTO = [(OLD, PYTHON2, "cmsRun", 2), (OLD, EITHER, "cmsRun", 2), (OLD, PYTHON3, None, None),
        (TWIN, PYTHON2, "cmsRun", 2), (TWIN, EITHER, "cmsRun", 2), (TWIN, PYTHON3, "cmsRunPython3", 3),
        (TWIN, NOTHING, None, None), (BOTH_TOOLS, PYTHON3, "cmsRun", 3), (BOTH_TOOLS, EITHER, "cmsRun", 3),
        (BOTH_TOOLS, PYTHON2, None, None), (NEW, PYTHON3, "cmsRun", 3), (NEW, PYTHON2, None, None),
        (NEW, "x = (\n", None, None), (PATCH, EITHER, "cmsRun", 3)]


@pytest.mark.parametrize("name, text, expected, python", AUTO)
def test_autoTakesWhatCanRunThePSetOrRefusesItWithTheLine(name, text, expected, python, release, pset):
    if expected is None:
        with pytest.raises(WMRuntimeError) as refused:
            selectExecutable(release(name), "auto", pset(text))
        assert refused.value.code == 7002 and "PSet.py:1: " in str(refused.value) and refused.value.hint
        return
    choice = selectExecutable(release(name), "auto", pset(text))
    assert (choice.name, choice.python) == (expected, python), choice.reasons
    assert os.access(choice.path, os.X_OK) and os.path.basename(choice.path) == expected
    json.dumps(choice.toDict())


def test_autoSaysWhyTheOtherExecutableWasNotTaken(release, pset):
    choice = selectExecutable(release(TWIN), "auto", pset(PYTHON3))
    assert [item.name for item in choice.rejected] == ["cmsRun"]
    assert "PSet.py:1: an f-string (python 3 only" in choice.rejected[0].reason
    assert selectExecutable(release(TWIN), "auto", pset(EITHER)).rejected[0].reason.startswith("cmsRun fits too")


def test_autoWithoutAPSetTakesCmsRunAndSaysSo(release):
    choice = selectExecutable(release(TWIN), "auto")
    assert choice.name == "cmsRun" and "there is no PSet to look at" in choice.reasons


@pytest.mark.parametrize("requested, policy", [("auto", None), ("auto", "asRequested"), ("auto", "matchPSet"),
                                               ("cmsRun", "matchPSet"), ("cmsRunPython3", "matchPSet")])
def test_autoAndMatchPSetAreTheSame(requested, policy, release, pset):
    choice = selectExecutable(release(TWIN), requested, pset(PYTHON3), policy)
    assert (choice.name, choice.policy) == ("cmsRunPython3", "matchPSet")


@pytest.mark.parametrize("name, expected, python", [(OLD, "cmsRun", 2), (TWIN, "cmsRunPython3", 3), (NEW, "cmsRun", 3)])
def test_preferPython3TakesAnExecutableOfPython3WhereThereIsOne(name, expected, python, release):
    choice = selectExecutable(release(name), "cmsRun", policy="preferPython3")
    assert (choice.name, choice.python) == (expected, python)


def test_asRequestedIsTheDefaultAndLooksAtNoPSet(release, pset):
    choice = selectExecutable(release(TWIN), "cmsRun", pset(PYTHON3))
    assert (choice.name, choice.policy, choice.language) == ("cmsRun", "asRequested", None)
    assert selectExecutable(release(TWIN), "cmsRun --strict").name == "cmsRun --strict"


def test_aMissingExecutableIs50110AndNamesWhatThereIs(release):
    for requested in ("cmsRunPython3", "cmsRunNowhere", "", None, "/no/such/program", "'", "'cmsRun'"):
        with pytest.raises(WMRuntimeError) as missing:
            selectExecutable(release(NEW), requested)
        assert missing.value.code == 50110 and "it has: cmsRun" in str(missing.value)


def test_aProgramOfThePathOrTheStepIsFound(release, tmp_path):
    (tmp_path / "mine").write_text("#!/bin/sh\n")
    os.chmod(str(tmp_path / "mine"), 0o755)
    assert selectExecutable(release(NEW), "mine", searchPath="/nowhere:%s" % tmp_path).path == str(tmp_path / "mine")
    assert selectExecutable(release(NEW), "./mine", directory=str(tmp_path)).name == "./mine"


def test_anotherNameIsTakenUnderEachPolicy(release, tmp_path):
    (tmp_path / "mine").write_text("#!/bin/sh\n")
    os.chmod(str(tmp_path / "mine"), 0o755)
    for policy in POLICIES:
        choice = selectExecutable(release(TWIN), "mine -n 4", policy=policy, searchPath=str(tmp_path))
        assert (choice.name, choice.policy, choice.ours) == ("mine -n 4", "asRequested", False)
        assert [policy in reason for reason in choice.reasons] == [False] * (policy == "asRequested") or \
            policy in choice.reasons[0]


def test_anUnknownPolicyIsAnErrorThatListsTheKnown(release):
    with pytest.raises(WMRuntimeError, match="asRequested, preferPython3, matchPSet"):
        selectExecutable(release(NEW), policy="guess")


def test_withoutAReleaseOnlyThePathIsLookedAt(tmp_path):
    with pytest.raises(WMRuntimeError, match="no release"):
        selectExecutable(None, "cmsRun", searchPath=str(tmp_path))


@pytest.mark.parametrize("text", [PYTHON2, PYTHON3, EITHER])
def test_aChoiceStartsNoProcess(text, release, pset, noProcess):
    assert selectExecutable(release(TWIN), "auto", pset(text)).name


def test_beforeARefusalTheReleasesOwnPythonsAreAsked(workerNode, release, pset):
    if not workerNode.releases[TWIN]["runnable"]:
        pytest.skip(workerNode.releases[TWIN]["why"])
    with pytest.raises(WMRuntimeError) as refused:
        selectExecutable(release(TWIN), "auto", pset(NOTHING))
    assert "python 2 of the release says" in str(refused.value) and "python 3 of the release says" in str(refused.value)


ONLY_PYTHON2_KNOWS = ['x = "C:\\Users"\n', "True = 1\n", "x = [i for i in 1, 2]\n"]


@pytest.fixture
def bareRelease(workerNode, interpreters, tmp_path):
    """Give a copy of a release with both pythons, which start among the release's libraries only."""
    if not {"2.7", "3.6"}.issubset(interpreters):
        pytest.skip("no python 2.7 and 3.6 here")
    shutil.copytree(os.path.join(workerNode.root, "cvmfs"), str(tmp_path / "cvmfs"), symlinks=True)
    record = workerNode.releases[TWIN]
    found = Release.at(str(tmp_path / record["directory"]), TWIN, record["arch"])
    for major, version in ((2, "2.7"), (3, "3.6")):
        path = found.python(major).path
        os.unlink(path)
        with open(path, "w") as handle:
            handle.write("#!/bin/sh\ncase $LD_LIBRARY_PATH in *%s*) exec %s \"$@\" ;; esac\n"
                         "echo 'cannot open libpython' >&2; exit 127\n" % ("/external/", interpreters[version]))
        os.chmod(path, 0o755)
    return Release.at(str(tmp_path / record["directory"]), TWIN, record["arch"])


@pytest.mark.parametrize("environ, text", [(None, text) for text in ONLY_PYTHON2_KNOWS] + [
    ({"LD_LIBRARY_PATH": "/cvmfs/external/lib", "PYTHONHOME": "/nowhere"}, "True = 1\n")])
def test_theReleasesPythonsAreAskedAmongItsLibraries(text, environ, bareRelease, pset, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    choice = selectExecutable(bareRelease, "auto", pset(text), environ=environ)
    assert choice.name == "cmsRun" and "so it is for python 2" in choice.reasons


def test_aPythonThatDoesNotAnswerIsToldFromOneThatIsNotThere(bareRelease, pset, monkeypatch):
    with pytest.raises(WMRuntimeError) as refused:
        selectExecutable(bareRelease, "auto", pset("True = 1\n"), environ={"LD_LIBRARY_PATH": "/elsewhere"})
    assert "python 2 of the release did not answer: it ended with status 127: cannot open libpython" in str(
        refused.value)
    monkeypatch.setattr(Release, "python", lambda self, major: None)
    with pytest.raises(WMRuntimeError, match="python 2 of the release was not there to be asked"):
        selectExecutable(bareRelease, "auto", pset("True = 1\n"))


def test_thePythonsAreAskedOfFilesOfAnyName(bareRelease, tmp_path):
    (tmp_path / "PSet.cfg").write_text("import more\nTrue = 1\n")
    (tmp_path / "more.py").write_text("x = 1\n")
    choice = selectExecutable(bareRelease, "auto", str(tmp_path / "PSet.cfg"))
    assert choice.name == "cmsRun" and "python 2 of the release compiles %s" % (tmp_path / "PSet.cfg") in choice.reasons


def test_whatNobodyCouldLookAtIsLeftToTheReleasesPythons(bareRelease, pset, noProcess, monkeypatch):
    asked = []

    def answer(args, **_options):
        asked.append(args[0])
        raise OSError("not in this test")
    monkeypatch.setattr("WMCore.WMRuntime.Payload.GrammarCheck.runCaptured", answer)
    selectExecutable(bareRelease, "auto", pset("x = %s\n" % "+".join(["a"] * 10000)))
    assert asked == [bareRelease.python(2).path, bareRelease.python(3).path]
    del asked[:]
    selectExecutable(bareRelease, "auto", pset("x = 1\n"))
    assert asked == []


@pytest.mark.parametrize("requested, policy, expected", [
    ("cmsRun -n 4", "matchPSet", "cmsRunPython3 -n 4"), ("cmsRun -n 4", "preferPython3", "cmsRunPython3 -n 4"),
    ("cmsRunPython3 -n 4", "asRequested", "cmsRunPython3 -n 4"), ("auto -n 4", None, "cmsRunPython3 -n 4")])
def test_aPolicyKeepsTheOptionsOfTheStep(requested, policy, expected, release, pset):
    choice = selectExecutable(release(TWIN), requested, pset(PYTHON3), policy)
    assert (choice.name, choice.python, choice.requested) == (expected, 3, requested)


class Nightly(ExecutableProvider):
    """A provider of a cmsRun of its own."""

    name = "nightly"
    priority = 1

    def find(self, name, context):
        """See ExecutableProvider."""
        return Executable(name, "/nightly/" + name, 3, (3, 9), ("the nightly build",))


def test_aProviderCanBeAdded(release):
    choice = selectExecutable(release(NEW), "cmsRun", providers=[Nightly])
    assert choice.path == "/nightly/cmsRun" and choice.reasons == ("the nightly build",)


class Broken(ExecutableProvider):
    """A provider that fails when it is asked."""

    name = "broken"
    priority = 2

    def find(self, name, context):
        """See ExecutableProvider."""
        raise RuntimeError("no site service")


class Wrong(Nightly):
    """A provider whose answer is of another kind."""

    name = "wrong"

    def find(self, name, context):
        """See ExecutableProvider."""
        return "/nightly/" + name


class Stillborn(Nightly):
    """A provider that cannot even be made."""

    name = "stillborn"

    def __init__(self):
        raise OSError("no disk")


@pytest.mark.parametrize("provider, said", [(Broken, "RuntimeError: no site service"), (Stillborn, "OSError: no disk"),
                                            (Wrong, "'/nightly/cmsRun', which is no Executable")])
def test_aProviderThatFailsIsToldAndTheNextIsAsked(release, provider, said):
    for requested in ("cmsRun", "auto"):
        choice = selectExecutable(release(NEW), requested, providers=[provider] + list(ExecutableSelector.BUILT_IN))
        told = [item.reason for item in choice.rejected if item.name == provider.name]
        assert choice.path.endswith("/cmsRun") and told[0].endswith(said)
    with pytest.raises(WMRuntimeError, match="not %s: this provider failed" % provider.name):
        selectExecutable(release(NEW), "cmsRunNowhere",
                         providers=[provider] + list(ExecutableSelector.BUILT_IN))


def test_aBuiltInProviderThatFailsSaysNothingOfWhatThereIs(release, monkeypatch):
    monkeypatch.setattr(type(release(NEW)), "executable", lambda self, name: {}[name])
    with pytest.raises(KeyError):
        selectExecutable(release(NEW), "cmsRun")


def test_aProviderMayNameACommandThatGetsTheStepsOptionsToo(release):
    class Wrapped(Nightly):
        """A provider of cmsRun in a wrapper."""

        def find(self, name, context):
            """See ExecutableProvider."""
            return Executable("nice -n 5 " + name, "/bin/nice", 3)
    choice = selectExecutable(release(NEW), "cmsRun --strict", providers=[Wrapped])
    assert (choice.name, choice.requested, choice.ours) == ("nice -n 5 cmsRun --strict", "cmsRun --strict", True)
    assert not selectExecutable(release(NEW), "cmsRun").ours and selectExecutable(release(NEW), "auto").ours


def test_aPluginThatCannotBeLoadedIsToldAmongTheRejected(release):
    choice = selectExecutable(release(NEW), "cmsRun", plugins=["no_such_module:Thing"])
    assert "no_such_module" in choice.rejected[0].reason and choice.name == "cmsRun"
