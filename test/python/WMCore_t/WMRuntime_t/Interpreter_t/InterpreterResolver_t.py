"""Which python the resolver takes, what it must be started with, and what it says of the others."""
import os
import subprocess
import sys
import time

import attr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.AreaManifest import AreaLibrary, AreaManifest, manifestText
from WMCore.WMRuntime.Environment.CleanEnvironment import commandEnvironment
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Interpreter.Interpreter import Rejected
from WMCore.WMRuntime.Interpreter.InterpreterProvider import (AGENT_SCRIPT, PAYLOAD, PSET_TOOL, PURPOSES, RELEASE_SCRIPT,
                                                              Candidate, InterpreterProvider, ResolutionContext,
                                                              RunningPython, realPath)
from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver
from WMCore.WMRuntime.Interpreter.ProbeRunner import ProbeRunner
from WMCore.WMRuntime.Interpreter.Providers import BUILT_IN
from WMCore.WMRuntime.Interpreter.StartEnvironment import STEERING, compStart
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore.WMRuntime.Release.Release import Release
from WMCore.WMRuntime.Tools.Scram import Scram
from WMCore.WMRuntime.Tools.ScramSession import readSession
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import NAME, smallRequest

RELEASES = ("CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3", "CMSSW_13_0_3_patch1")
PYTHON3 = {"CMSSW_10_6_30": "3.6", "CMSSW_12_0_0": "3.9", "CMSSW_13_0_3": "3.9", "CMSSW_13_0_3_patch1": "3.9"}


@pytest.fixture
def node(workerNode):
    """The node's environment, and a way to its releases; what a release needs must be on this machine."""
    class Node(object):
        environ = workerNode.environment()
        cvmfs = workerNode.cvmfs

        @staticmethod
        def release(name):
            record = workerNode.releases[name]
            missing = [python["why"] for python in record["pythons"].values() if not python["path"]]
            if missing:
                pytest.skip("; ".join(missing))
            return Release.locate(name, record["arch"], roots=[workerNode.cvmfs])
    return Node


class CountingRunner(ProbeRunner):
    """Count the processes."""

    def __init__(self, **options):
        super(CountingRunner, self).__init__(**options)
        self.started = 0

    def probe(self, path, environ, modules=()):
        verdict = super(CountingRunner, self).probe(path, environ, modules)
        self.started += verdict.started
        return verdict


def start(interpreter, environ, code, *arguments):
    """Run code as the interpreter is to be started."""
    out = subprocess.check_output([interpreter.path, "-c", code] + list(arguments), cwd="/",
                                  env=interpreter.environment.apply(environ))
    return out.decode("utf-8").strip()


def entries(environ, *names):
    return [entry for name in names for entry in environ.get(name, "").split(":") if entry]


# ---- The releases of the node ---------------------------------------------------------------------------------

@pytest.mark.parametrize("name", sorted(PYTHON3))
def test_aScriptForAReleaseRunsUnderTheReleasesPython3(node, name):
    release = node.release(name)
    runner = CountingRunner()
    resolution = InterpreterResolver(node.environ, prober=runner).resolve(RELEASE_SCRIPT, release)
    found = resolution.interpreter
    assert found is not None, resolution.describe()
    assert (found.provider, "%d.%d" % found.version[:2]) == ("release manifest", PYTHON3[name])
    assert os.path.realpath(found.path).startswith(os.path.join(node.cvmfs, release.arch, "external", "python3"))
    assert runner.started == 1 and resolution.rejected == ()
    assert "tool python3" in found.reasons[0]
    assert start(found, node.environ, "import sys; print('%d.%d' % sys.version_info[:2])") == PYTHON3[name]


def test_aScriptForAReleaseWithoutPython3RunsUnderTheCompPython(node):
    runner = CountingRunner()
    resolution = InterpreterResolver(node.environ, prober=runner).resolve(RELEASE_SCRIPT, node.release("CMSSW_8_0_31"))
    found = resolution.interpreter
    assert found is not None, resolution.describe()
    assert found.provider == "COMP area" and "/COMP/rhel8_" in found.path
    assert runner.started == 1
    # The release's python 2 is in the list with its reason, and was not started.
    reasons = {rejection.provider: rejection.reason for rejection in resolution.rejected}
    assert "CMSSW_8_0_31 has no tool python3" == reasons["release manifest"]
    assert any("it is python 2.7.11 by its files, >=3.6 is needed" in rejection.reason
               for rejection in resolution.rejected), resolution.describe()
    assert "release external" in reasons


@pytest.mark.parametrize("name,major", [("CMSSW_8_0_31", 2), ("CMSSW_10_6_30", 2), ("CMSSW_12_0_0", 3),
                                        ("CMSSW_13_0_3", 3), ("CMSSW_13_0_3_patch1", 3)])
@pytest.mark.parametrize("purpose", [PSET_TOOL, PAYLOAD])
def test_aPSetToolRunsInThePythonCmsRunHas(node, name, major, purpose):
    resolution = InterpreterResolver(node.environ).resolve(purpose, node.release(name))
    assert resolution.interpreter is not None, resolution.describe()
    assert resolution.interpreter.major == major
    assert resolution.interpreter.provider.startswith("release")
    assert "cmsRun has python %d" % major in resolution.interpreter.reasons


def test_noCompPythonLoadsWhatAReleaseCompiled(node):
    resolution = InterpreterResolver(node.environ).resolve(PSET_TOOL, node.release("CMSSW_8_0_31"), ">=3.6")
    assert resolution.interpreter is None
    assert {rejection.provider for rejection in resolution.rejected} == {"release manifest", "release external"}


# ---- Never half-mixed -----------------------------------------------------------------------------------------

def mixed(node, release):
    """An environment in which everything is mixed already: the wrapper's COMP python and the release's variables."""
    comp = os.path.join(node.cvmfs, "COMP", "rhel8_x86_64", "external", "python3", "3.8.2-comp")
    return dict(node.environ, PATH="%s/bin:%s" % (comp, node.environ["PATH"]), LD_LIBRARY_PATH=comp + "/lib",
                PYTHONPATH=comp + "/future", PYTHONHOME=comp, PYTHONSTARTUP="/x.py",
                PYTHON3PATH=os.path.join(release.directory, "python"),
                WMRUNTIME_START_PATH=node.environ["PATH"], WMRUNTIME_START_LD_LIBRARY_PATH="/site/lib",
                WMRUNTIME_START_PYTHONPATH="")


@pytest.mark.parametrize("name", RELEASES)
def test_nothingOfAnotherPythonIsLeft(node, name):
    release = node.release(name)
    environ = mixed(node, release)
    session = EnvDiff({"PATH": "%s/bin/%s:%s" % (release.directory, release.arch, node.environ["PATH"]),
                       "LD_LIBRARY_PATH": "%s/lib/%s:/site/lib" % (release.directory, release.arch),
                       "PYTHON3PATH": os.path.join(release.directory, "python")})
    found = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, release, releaseEnvironment=session).interpreter
    result = found.environment.apply(session.apply(environ))
    paths = entries(result, "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHON3PATH")
    if name in PYTHON3:
        assert not [path for path in paths + entries(result, "PATH") if "/COMP/" in path]
        assert "%s/lib/%s" % (release.directory, release.arch) in paths and result["PYTHON3PATH"]
    else:
        assert found.provider == "COMP area"
        assert not [path for path in paths if "/cms/cmssw" in path]
    assert "PYTHONHOME" not in result and "PYTHONSTARTUP" not in result
    assert entries(result, "PATH")[0] == "%s/bin/%s" % (release.directory, release.arch)
    assert start(found, session.apply(environ), "import json, bz2; print('ok')") == "ok"


@pytest.mark.parametrize("name", ["CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_13_0_3"])
def test_withARealSessionAReleasesPythonGetsItsPathsAndTheCompPythonNone(node, tmp_path, monkeypatch, name):
    release = node.release(name)
    for variable in list(os.environ):
        monkeypatch.delenv(variable)
    for variable, value in mixed(node, release).items():
        monkeypatch.setenv(variable, value)
    scram = Scram(version=name, architecture=release.arch, directory=str(tmp_path),
                  initialise=". %s/cmsset_default.sh" % node.cvmfs)
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    session = readSession(str(tmp_path)).diff
    found = InterpreterResolver().resolve(RELEASE_SCRIPT, release, releaseEnvironment=session).interpreter
    environ = commandEnvironment(scram.runtimeEnv, session.toUnset)
    result = found.environment.apply(environ)
    assert result["PATH"] == environ["PATH"] and result["CMSSW_VERSION"] == name
    if name == "CMSSW_8_0_31":
        assert found.provider == "COMP area" and "CMSSW_8_0_31" not in result.get("LD_LIBRARY_PATH", "")
    else:
        assert result["LD_LIBRARY_PATH"] == environ["LD_LIBRARY_PATH"]
        assert result["PYTHON3PATH"] == environ["PYTHON3PATH"]
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    assert subprocess.check_output([found.path, "-c", code], env=result).decode().strip() == \
        "%d.%d" % found.version[:2]


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("name", ["CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_13_0_3"])
def test_theEnvironmentStatesEverySteeringVariable(node, name, purpose):
    found = InterpreterResolver(node.environ).resolve(purpose, node.release(name)).interpreter
    assert set(found.environment.toSet) | set(found.environment.toUnset) == set(STEERING)


def test_aScriptFindsTheRuntimesCode(node):
    for name in ("CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_13_0_3"):
        found = InterpreterResolver(node.environ).resolve(RELEASE_SCRIPT, node.release(name)).interpreter
        code = "import WMCore.WMRuntime as m; print(m.__path__[0])"
        assert start(found, node.environ, code).endswith("WMCore/WMRuntime")
    tool = InterpreterResolver(node.environ).resolve(PSET_TOOL, node.release("CMSSW_8_0_31")).interpreter
    assert "PYTHONPATH" in tool.environment.toUnset


def test_inAJobTheSandboxMustBeImportable(node, tmp_path):
    import zipfile
    with zipfile.ZipFile(str(tmp_path / "WMCore.zip"), "w") as archive:
        archive.writestr("WMCore/__init__.py", "")
        archive.writestr("WMCore/WMRuntime/__init__.py", "")
        archive.writestr("WMCore/WMRuntime/Errors.py", "import no_such_thing\n")
    environ = dict(node.environ, WMAGENTJOBDIR=str(tmp_path))
    resolution = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, node.release("CMSSW_13_0_3"))
    assert resolution.interpreter.provider == "running"
    assert any("cannot import WMCore.WMRuntime.Errors" in rejection.reason and "no_such_thing" in rejection.reason
               for rejection in resolution.rejected)
    # The verdicts are kept for the job's other processes.
    with zipfile.ZipFile(str(tmp_path / "WMCore.zip"), "w") as archive:
        archive.writestr("WMCore/__init__.py", "")
        archive.writestr("WMCore/WMRuntime/__init__.py", "")
        archive.writestr("WMCore/WMRuntime/Errors.py", "")
        archive.writestr("attr/__init__.py", "")
    (tmp_path / "interpreterProbes.json").unlink()
    found = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, node.release("CMSSW_13_0_3")).interpreter
    assert found.provider == "release manifest"
    assert found.environment.toSet["PYTHONPATH"] == "%s/WMCore.zip:%s" % (tmp_path, tmp_path)
    assert (tmp_path / "interpreterProbes.json").exists()
    runner = InterpreterResolver(environ)
    assert runner.resolve(RELEASE_SCRIPT, node.release("CMSSW_13_0_3")).interpreter == found


# ---- Pins -----------------------------------------------------------------------------------------------------

def test_anExplicitPinIsTakenBeforeAllElse(node, interpreters):
    for series in ("3.8", "3.12"):
        if series not in interpreters:
            continue
        environ = dict(node.environ, WMRUNTIME_PYTHON=interpreters[series])
        found = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, node.release("CMSSW_13_0_3")).interpreter
        assert (found.provider, found.path) == ("explicit", interpreters[series])
        assert "asked for by WMRUNTIME_PYTHON" in found.reasons
        assert "LD_LIBRARY_PATH" in found.environment.toUnset
        step = InterpreterResolver(environ).resolve(RELEASE_SCRIPT, setting=sys.executable).interpreter
        assert step.path == sys.executable and "asked for by the step's setting" in step.reasons


def test_aPinByNameIsLookedForOnThePath(tmp_path, interpreters):
    link = tmp_path / "python-of-mine"
    link.write_text("#!/bin/sh\nexec '%s' \"$@\"\n" % sys.executable)
    link.chmod(0o755)
    found = InterpreterResolver({"PATH": "%s:/usr/bin:/bin" % tmp_path}).resolve(AGENT_SCRIPT, setting=link.name)
    assert found.interpreter.path == str(link)


@pytest.mark.parametrize("pin,expected", [("/no/such/python", "there is no such file"),
                                          ("nothing-like-it", "no such program in the PATH"), ("/bin/true", "it is no python that runs"), ("/usr/bin", "it is no file")])
def test_aPinThatDoesNotWorkIsNotReplacedInSilence(node, pin, expected):
    resolution = InterpreterResolver(dict(node.environ, WMRUNTIME_PYTHON=pin)).resolve(AGENT_SCRIPT)
    assert resolution.interpreter is None
    assert len(resolution.rejected) == 1
    assert expected in resolution.rejected[0].reason and "asked for by name" in resolution.rejected[0].reason


def test_aPinOfTheWrongMajorIsRejectedByWhatItSays(node, interpreters):
    if "2.7" not in interpreters:
        pytest.skip("this machine has no python 2.7")
    resolution = InterpreterResolver(node.environ).resolve(AGENT_SCRIPT, setting=interpreters["2.7"])
    assert resolution.interpreter is None and "it is python 2.7" in resolution.rejected[0].reason


def test_theWrappersPinDoesNotReachThePSet(node):
    environ = dict(node.environ, WMRUNTIME_PYTHON=sys.executable)
    found = InterpreterResolver(environ).resolve(PSET_TOOL, node.release("CMSSW_10_6_30")).interpreter
    assert found.major == 2


# ---- When something is missing --------------------------------------------------------------------------------

def test_nothingFitsIsNoneWithEveryRejectionAndItsReason(node):
    resolution = InterpreterResolver(node.environ).resolve(RELEASE_SCRIPT, node.release("CMSSW_10_6_30"), ">=4")
    assert resolution.interpreter is None
    assert {rejection.provider for rejection in resolution.rejected} == {
        "release manifest", "release external", "COMP area", "running"}
    assert all(rejection.reason for rejection in resolution.rejected)
    text = resolution.describe()
    assert text.startswith("releaseScript, python >=4: no python fits\n")
    assert all(rejection.path in text for rejection in resolution.rejected)
    assert resolution.toDict()["interpreter"] is None


def test_aBareNodeHasTheRunningInterpreterAndSaysWhatElseItLookedFor(tmp_path):
    environ = {"WMRUNTIME_CVMFS_ROOT": str(tmp_path / "cvmfs"), "WMRUNTIME_OS_RELEASE": "/nowhere"}
    runner = CountingRunner()
    resolution = InterpreterResolver(environ, prober=runner).resolve(RELEASE_SCRIPT)
    assert resolution.interpreter.provider == "running" and resolution.interpreter.path == sys.executable
    assert runner.started == 0
    assert [rejection.reason for rejection in resolution.rejected][:2] == ["no release is known"] * 2
    assert all("cannot be used" in rejection.reason for rejection in resolution.rejected[2:]) and resolution.rejected[2:]


def test_externalLinksServeWhenTheManifestDoesNot(node, tmp_path):
    release = node.release("CMSSW_13_0_3")

    @attr.s(frozen=True)
    class WithoutManifest(object):
        version = release.version
        arch = release.arch
        base = None
        directory = release.directory

        @staticmethod
        def pythons():
            return ()
    resolution = InterpreterResolver(node.environ).resolve(RELEASE_SCRIPT, WithoutManifest())
    assert resolution.interpreter.provider == "release external"
    assert resolution.interpreter.path.endswith("/external/%s/bin/python3" % release.arch)


def test_aDanglingExternalIsRejectedAndTheNextTaken(node, tmp_path):
    folder = tmp_path / "external" / "arch" / "bin"
    folder.mkdir(parents=True)
    os.symlink("../../../gone/python3.9", str(folder / "python3"))
    (folder / "python3.6").write_text("#!/bin/sh\n")

    class Broken(object):
        version, arch, base, directory = "CMSSW_1_2_3", "arch", None, str(tmp_path)

        @staticmethod
        def pythons():
            return ()
    resolution = InterpreterResolver(node.environ).resolve(RELEASE_SCRIPT, Broken())
    assert resolution.interpreter.provider == "COMP area"
    reasons = [rejection.reason for rejection in resolution.rejected if rejection.provider == "release external"]
    assert "the link leads to" in reasons[0] and "may not be executed" in reasons[1]


def test_aBrokenReleaseCostsAnAnswerNothing(node):
    class Exploding(object):
        def __getattr__(self, name):
            raise OSError("stale file handle")
    for purpose in PURPOSES:
        resolution = InterpreterResolver(node.environ).resolve(purpose, Exploding())
        assert (resolution.interpreter is None) == (purpose in (PSET_TOOL, PAYLOAD))
        if purpose != AGENT_SCRIPT:
            assert any("stale file handle" in rejection.reason for rejection in resolution.rejected)


# ---- Providers are replaceable --------------------------------------------------------------------------------

class Mine(InterpreterProvider):
    """Propose the running interpreter, or what a test puts here."""
    name, priority, proposals = "mine", 5, ()

    def candidates(self, context):
        return self.proposals or [Candidate(sys.executable, reason="because")]


class Broken(InterpreterProvider):
    name, priority = "broken", 1

    def candidates(self, context):
        yield Rejected("/first", self.name, "not this one")
        raise RuntimeError("no disk")


class Nonsense(InterpreterProvider):
    name, priority = "nonsense", 2

    def candidates(self, context):
        return [42]


def test_providersAreAskedByPriorityAndABrokenOneCostsNothing():
    resolution = InterpreterResolver({}, providers=[Mine, Nonsense, Broken]).resolve(AGENT_SCRIPT)
    assert resolution.interpreter.provider == "mine"
    assert [rejection.provider for rejection in resolution.rejected] == ["broken", "broken", "nonsense"]
    assert "RuntimeError: no disk" in resolution.rejected[1].reason


def test_aProviderIsNamedByModuleAndAttribute(tmp_path, monkeypatch):
    (tmp_path / "siteproviders.py").write_text(
        "import sys\nfrom WMCore.WMRuntime.Interpreter.InterpreterProvider import Candidate, InterpreterProvider\n"
        "class Site(InterpreterProvider):\n"
        "    name = 'site'\n    priority = 1\n"
        "    def candidates(self, context):\n"
        "        return [Candidate(sys.executable, reason='the site says so')]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert InterpreterResolver({}, plugins=["siteproviders:Site"]).resolve(AGENT_SCRIPT).interpreter.provider == "site"
    resolver = InterpreterResolver({"WMRUNTIME_INTERPRETERS": "siteproviders:Site, siteproviders:Gone"})
    resolution = resolver.resolve(AGENT_SCRIPT)
    assert resolution.interpreter.provider == "site"
    assert resolution.rejected[0].provider == "plugin" and "Gone" in resolution.rejected[0].reason


# ---- Properties -----------------------------------------------------------------------------------------------

NAMES = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "WMRUNTIME_START_PATH", "WMRUNTIME_START_PYTHONPATH",
         "REQUIRED_OS", "VO_CMS_SW_DIR", "OSG_APP", "CVMFS", "WMRUNTIME_CVMFS_ROOT", "WMRUNTIME_OS_RELEASE",
         "WMAGENTJOBDIR", "CMSSW_BASE", "WMRUNTIME_PYTHON", "WMRUNTIME_INTERPRETERS")
VALUES = st.one_of(st.text(), st.sampled_from(["/", "", ":", "/bin/sh", "/bin", "\0", "\ud800", "a:b", "rhel8,any",
                                               "x" * 5000, "../../..", "json:dumps", "os:path.join", sys.executable]))


class NeverStarting(ProbeRunner):
    """Judge without a process."""

    def _try(self, path, environ, modules):
        raise AssertionError("started %s" % path)


class Refusing(ProbeRunner):
    """Say of everything that it does not run."""

    def _try(self, path, environ, modules):
        from WMCore.WMRuntime.Interpreter.ProbeVerdict import ProbeVerdict
        assert all(isinstance(value, str) for value in environ.values())
        return ProbeVerdict(path, problem="refused"), None


@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(environ=st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), VALUES),
       purpose=st.sampled_from(PURPOSES), setting=st.one_of(st.none(), VALUES))
def test_theResolverNeverRaisesForAnyEnvironment(environ, purpose, setting):
    resolution = InterpreterResolver(environ, prober=Refusing()).resolve(purpose, setting=setting)
    assert resolution.interpreter is None or resolution.interpreter.path == sys.executable
    assert all(rejection.reason for rejection in resolution.rejected)
    assert resolution.describe()


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.text(st.characters(blacklist_characters="\0:", blacklist_categories=["Cs"])))
def test_noSearchPathGetsAnEmptyEntry(value):
    found = InterpreterResolver({"PATH": value + "::", "PYTHONPATH": ":" + value}).resolve(AGENT_SCRIPT).interpreter
    assert "" not in found.environment.toSet.get("PYTHONPATH", "x").split(":")


def test_anUnknownPurposeOrRequirementIsAProgrammersError():
    with pytest.raises(ValueError):
        InterpreterResolver({}).resolve("something")
    with pytest.raises(ValueError):
        InterpreterResolver({}).resolve(AGENT_SCRIPT, requirement="newest")


# ---- What it costs --------------------------------------------------------------------------------------------

def test_beyondTheProbeNothingIsStartedAndItTakesLittle(node):
    release = node.release("CMSSW_10_6_30")
    runner = CountingRunner()
    InterpreterResolver(node.environ, prober=runner).resolve(RELEASE_SCRIPT, release)
    assert runner.started == 1
    quiet = NeverStarting(cache=runner.cache)
    times = []
    for _ in range(5):
        begin = time.process_time()
        assert InterpreterResolver(node.environ, prober=quiet).resolve(RELEASE_SCRIPT, release).interpreter
        times.append(time.process_time() - begin)
    assert min(times) < 0.03, times


def test_aVirtualEnvironmentIsNotItsBase(tmp_path):
    running = RunningPython("/venv/bin/python", (3, 9, 1), ("/venv", "/venv", "/usr"))
    assert running.isAt("/venv/bin/python") and not running.isAt("/usr/bin/python3.9")
    assert not RunningPython("", (3, 9, 1), ()).isAt("")


def test_theBuiltInProvidersAreInTheDocumentedOrder():
    assert [provider.name for provider in sorted(BUILT_IN, key=lambda provider: provider.priority)] == [
        "explicit", "release manifest", "release external", "COMP area", "running"]


def test_aPinWhoseEnvironmentCannotBeToldIsNotReplacedByAnotherPython(node, monkeypatch):
    def broken(context, path):
        raise ValueError("the base of this release cannot be named")

    monkeypatch.setattr("WMCore.WMRuntime.Interpreter.Providers.startOf", broken)
    resolution = InterpreterResolver(node.environ).resolve(AGENT_SCRIPT, setting=sys.executable)
    assert resolution.interpreter is None
    assert "cannot be told" in resolution.describe() and "asked for by the step's setting" in resolution.describe()


def test_aPinThatIsNotInThePathSaysSo(node):
    resolution = InterpreterResolver(node.environ).resolve(AGENT_SCRIPT, setting="python3-of-nobody")
    assert resolution.interpreter is None and "no such program in the PATH" in resolution.describe()


def test_inAnAsciiLocaleAPathThatCannotBeNamedRaisesNothing(monkeypatch, node):
    def real(path):
        raise UnicodeEncodeError("ascii", path, 0, 1, "ordinal not in range(128)")

    monkeypatch.setattr("WMCore.WMRuntime.Interpreter.InterpreterProvider.os.path.realpath", real)
    assert realPath("/x/\u00fc") == "/x/\u00fc"


# ---- Areas that `wmruntime area build` made -------------------------------------------------------------------

class Area(object):
    """An area with two builds, whose pythons are this one behind a script, each with a library in a version of its own."""

    def __init__(self, root):
        self.root = str(root)
        self.environ = {"WMRUNTIME_CVMFS_ROOT": self.root, "REQUIRED_OS": "rhel8", "WMRUNTIME_OS_RELEASE": "/nowhere",
                        "PATH": "/usr/bin:/bin", "PYTHONPATH": "/site"}
        self.link = os.path.join(self.root, "WMRuntime", "rhel8_" + os.uname()[4])
        for number in (1, 2):
            self._build(number)
        os.symlink("../../../rhel8_x-1/external/python3/3.9.1-wm1", os.path.join(self.place(2), "external/python3/3.9.1-wm1"))
        os.symlink("builds/rhel8_x-2", self.link)

    def place(self, number):
        return os.path.join(self.root, "WMRuntime", "builds", "rhel8_x-%d" % number)

    def packages(self, number):
        return os.path.join(self.place(number), "external/py3-mine/%d.0/lib/python3.9/site-packages" % number)

    def _build(self, number):
        directory = "external/python3/3.9.%d-wm%d" % (number, number)
        library = AreaLibrary("mine", "%d.0" % number, "external/py3-mine/%d.0" % number, ["mine"], True, "MIT")
        program = os.path.join(self.place(number), directory, "bin", "python3")
        os.makedirs(os.path.dirname(program))
        os.makedirs(self.packages(number))
        with open(os.path.join(self.packages(number), "mine.py"), "w") as handle:
            handle.write("VERSION = %d\n" % number)
        with open(program, "w") as handle:
            handle.write("#!/bin/sh\nexec '%s' \"$@\"\n" % sys.executable)
        os.chmod(program, 0o755)
        manifest = AreaManifest("rhel8", "x86_64", number, "0" * 64, "3.9.%d" % number, directory, [library])
        with open(os.path.join(self.place(number), "manifest.json"), "w") as handle:
            handle.write(manifestText(manifest))


@pytest.fixture
def area(tmp_path):
    return Area(tmp_path)


ELSEWHERE = RunningPython("/usr/bin/no-python", (3, 0, 0), ("/usr", "/usr", "/usr", "/usr/bin/no-python"))
IMPORT_MINE = "import mine; print(mine.VERSION)"


@pytest.mark.parametrize("version,number", [("3.9.2-wm2", 2), ("3.9.1-wm1", 1)])
def test_aPythonOfABuiltAreaGetsTheLibrariesOfItsOwnBuild(area, version, number):
    path = os.path.join(area.link, "external", "python3", version, "bin", "python3")
    resolver = InterpreterResolver(dict(area.environ, WMRUNTIME_START_PYTHONPATH="/site"), running=ELSEWHERE)
    found = resolver.resolve(AGENT_SCRIPT, setting=path, modules=("mine",)).interpreter
    assert found.environment.toSet["PYTHONPATH"].split(":")[-2:] == [os.path.realpath(area.packages(number)), "/site"]
    assert start(found, area.environ, IMPORT_MINE) == str(number)


def test_theAreasPythonThatIsFoundHasItsLibrariesToo(area):
    found = InterpreterResolver(area.environ, running=ELSEWHERE).resolve(AGENT_SCRIPT, modules=("mine",)).interpreter
    assert found.path.startswith(area.link) and start(found, area.environ, IMPORT_MINE) == "2"


def test_aBuildWithADamagedManifestIsRejectedAndTheNextTaken(area):
    with open(os.path.join(area.place(2), "manifest.json"), "w") as handle:
        handle.write("{")
    resolution = InterpreterResolver(area.environ, running=ELSEWHERE).resolve(AGENT_SCRIPT, modules=("mine",))
    assert resolution.interpreter.path.endswith("/3.9.1-wm1/bin/python3")
    assert any("manifest of an area cannot be used" in rejected.reason and "3.9.2-wm2" in rejected.path
               for rejected in resolution.rejected)


def test_theLibrariesAreThoseTheInitOfTheAreaWouldGive(tmp_path):
    built = publishArea(smallRequest(tmp_path / "input"), AreaSwitch(str(tmp_path / "root" / "WMRuntime"), NAME))
    python = os.path.join(built.directory, built.manifest.pythonDirectory)
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "/site"}
    made = subprocess.check_output(["bash", "-c", '. "$0"; printf %s "$PYTHONPATH"', python + "/etc/profile.d/init.sh"],
                                   env=environ).decode("utf-8")
    context = ResolutionContext(PAYLOAD, environ, environ, environ, None)
    assert compStart(context, python).toSet["PYTHONPATH"] == made and made.count(":") > 3
