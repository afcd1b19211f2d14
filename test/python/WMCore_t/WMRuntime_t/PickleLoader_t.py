"""Test the allow-list of pickles against real objects and against hostile files."""
import io
import os
import pickle
import pickletools
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from WMCore.WMRuntime.PickleLoader import (ALLOWED_GLOBALS, AllowListUnpickler, PickleLoadError, checkLayout,
                                           loadPickle)
from WMCore_t.Counts import examples

PROTOCOLS = range(0, pickle.HIGHEST_PROTOCOL + 1)


def store(tmp_path, content):
    """Write bytes; return the path."""
    path = str(tmp_path / "some.pkl")
    with open(path, "wb") as handle:
        handle.write(content)
    return path


class Tracer(pickle.Unpickler):
    """Load anything and remember the globals it names."""

    def __init__(self, content):
        super(Tracer, self).__init__(io.BytesIO(content))
        self.named = set()

    def find_class(self, module, name):
        """Remember, then resolve."""
        self.named.add((module, name))
        return super(Tracer, self).find_class(module, name)


def realWorkload():
    """Build a workload with one step of every template WMCore has."""
    import WMCore.WMSpec.Steps.Templates as Templates
    from WMCore.WMSpec.WMWorkload import newWorkload
    workload = newWorkload("whole")
    task = workload.newTask("Production")
    task.addProduction(totalevents=10)
    task.setSplittingAlgorithm("EventBased", events_per_job=1, runs=["1"], lumis=["1,2"])
    first = None
    names = {name[:-3] for directory in Templates.__path__ for name in os.listdir(directory)}
    for name in sorted(name for name in names if name.isidentifier() and not name.startswith("_")):
        step = task.makeStep("s" + name) if first is None else first.addStep("s" + name)
        first = first or step
        step.setStepType(name)
    task.applyTemplates()
    helper = task.getStepHelper("sCMSSW")
    helper.cmsswSetup("CMSSW_13_0_3", softwareEnvironment="", scramArch=["el8_amd64_gcc12"])
    helper.setDataProcessingConfig("pp", "promptReco", globalTag="GT", writeTiers=["RECO"])
    helper.setupPileup({"mc": ["/a/b/c"]}, "http://dbs")
    # Pickled arguments are bytes: protocols 0 to 2 write them as a call of _codecs.encode.
    helper.data.application.configuration.pickledarguments = b"\x80\xff raw"
    return workload.data


def realPackage():
    """Build a job package as JobSubmitter does."""
    from WMCore_t.WMRuntime_t.JobSandbox import makePackage
    return makePackage()


def realReport():
    """Build a report with an output file, runs and an error."""
    from WMCore.DataStructs.Run import Run
    from WMCore.FwkJobReport.Report import Report
    report = Report("cmsRun1")
    report.addOutputFile("OUT", {"lfn": "/store/a.root", "runs": [Run(1, 2, 3)], "locations": {"T2"}})
    report.addError("cmsRun1", 8001, "CMSException", "text")
    return report.data


@pytest.mark.parametrize("make", [realWorkload, realPackage, realReport])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_whatWMCoreWritesLoads(tmp_path, upstreamTree, make, protocol):
    content = pickle.dumps(make(), protocol)
    tracer = Tracer(content)
    tracer.load()
    assert tracer.named <= ALLOWED_GLOBALS
    loaded = loadPickle(store(tmp_path, content), "a real object")
    assert type(loaded) is type(make())


def test_bytesSurviveEveryProtocol(tmp_path):
    for protocol in PROTOCOLS:
        assert loadPickle(store(tmp_path, pickle.dumps({"a": b"\x00\xff", "b": b""}, protocol)), "bytes") == {
            "a": b"\x00\xff", "b": b""}


@pytest.mark.parametrize("content", [
    b"cos\nsystem\n(S'echo'\ntR.",
    b"cposix\nsystem\n(S'echo'\ntR.",
    b"c__builtin__\neval\n(S'1'\ntR.",
    b"cbuiltins\ngetattr\n.",
    b"\x80\x04\x8c\x14WMCore.Configuration\x8c\x0aos.getcwd\x93.",
    b"\x80\x04\x8c\x14WMCore.Configuration\x8c\x02os\x93.",
    b"\x80\x04\x8c\x08builtins\x8c\x15object.__subclasses__\x93.",
    b"c_codecs\nencode\n(S'AA'\nS'hex'\ntR.",
    b"c_codecs\ndecode\n.",
])
def test_otherGlobalsAreRefusedAndNotCalled(tmp_path, content):
    with pytest.raises(PickleLoadError) as caught:
        loadPickle(store(tmp_path, content), "the workload")
    text = str(caught.value)
    assert "the workload" in text and "some.pkl" in text
    assert "names" in text or "codec" in text


def test_theMessageNamesTheRefusedGlobal(tmp_path):
    with pytest.raises(PickleLoadError, match=r"os\.system"):
        loadPickle(store(tmp_path, b"cos\nsystem\n."), "x")


def test_referencesOutsideTheFileAreRefused(tmp_path):
    with pytest.raises(PickleLoadError, match="outside"):
        loadPickle(store(tmp_path, b"Psomething\n."), "x")


@pytest.mark.parametrize("content, reason", [
    (b"", "empty"), (pickle.dumps(list(range(9)), 2)[:-4], "cannot load"), (b"garbage", "cannot load")])
def test_9515DamagedFilesGiveOneClearError(tmp_path, content, reason):
    with pytest.raises(PickleLoadError, match=reason):
        loadPickle(store(tmp_path, content), "x")


def test_missingFilesAndDirectoriesAreNamed(tmp_path):
    with pytest.raises(PickleLoadError, match="no such file"):
        loadPickle(str(tmp_path / "none"), "x")
    with pytest.raises(PickleLoadError, match="no regular file"):
        loadPickle(str(tmp_path), "x")


def test_filesAboveTheCapAreNotLoaded(tmp_path):
    path = store(tmp_path, pickle.dumps("x" * 100))
    assert loadPickle(path, "x", maxBytes=1000) == "x" * 100
    with pytest.raises(PickleLoadError, match="larger than 50 bytes"):
        loadPickle(path, "x", maxBytes=50)


def test_theListHoldsExactUndottedNames():
    assert all("." not in name for _module, name in ALLOWED_GLOBALS)
    assert not {"eval", "exec", "getattr", "__import__", "open"} & {name for _module, name in ALLOWED_GLOBALS}


def derandomized(count):
    """Give the settings of a property test."""
    return settings(deadline=None, derandomize=True, max_examples=examples(count), suppress_health_check=list(HealthCheck))


def loadOrRefuse(path):
    """Load; give the object, or the one error there is."""
    try:
        return loadPickle(path, "anything")
    except PickleLoadError as ex:
        assert str(ex).startswith("cannot load anything from " + path)
        return ex


@derandomized(200)
@given(strategies.binary(max_size=60))
def test_anyBytesLoadOrRaiseTheOneError(tmp_path, content):
    loadOrRefuse(store(tmp_path, content))


ATOMS = strategies.one_of(
    strategies.none(), strategies.booleans(), strategies.integers(), strategies.integers(10 ** 300, 10 ** 301),
    strategies.floats(allow_nan=False), strategies.text(max_size=300), strategies.binary(max_size=300))
VALUES = strategies.recursive(ATOMS, lambda inner: strategies.one_of(
    strategies.lists(inner, max_size=5), strategies.tuples(inner, inner),
    strategies.dictionaries(ATOMS, inner, max_size=5), strategies.sets(ATOMS, max_size=5), strategies.frozensets(ATOMS, max_size=5)), max_leaves=20)


@derandomized(200)
@given(VALUES, strategies.sampled_from(PROTOCOLS))
def test_anyPlainValueSurvivesEveryProtocol(tmp_path, value, protocol):
    # Twice the same object, so that something is taken back from the memo.
    assert loadPickle(store(tmp_path, pickle.dumps([value, value], protocol)), "a value") == [value, value]


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """Put a module on the path that leaves a file when it is imported; give that file."""
    sung = tmp_path / "sung"
    (tmp_path / "wmruntimeCanary.py").write_text(
        "open(%r, 'w').close()\ndef sing(*_args):\n    return 'sung'\n" % str(sung))
    monkeypatch.syspath_prepend(str(tmp_path))
    # Where what must not run would leave its traces.
    monkeypatch.chdir(str(tmp_path))
    return str(sung)


FOREIGN = [("wmruntimeCanary", "sing"), ("os", "system"), ("os", "mkdir"), ("builtins", "eval"), ("builtins", "open"),
           ("builtins", "getattr"), ("builtins", "list"), ("__builtin__", "tuple"), ("posix", "system"),
           ("subprocess", "Popen"), ("WMCore.Configuration", "loadConfigurationFile"), ("WMCore.Configuration", "os.mkdir"),
           ("WMCore.DataStructs.Job", "Job.__init__.__globals__"), ("copyreg", "add_extension"), ("_codecs", "decode")]


def named(pair, modern):
    """Give the opcodes that push a global, as protocol 4 or as protocol 0 writes them."""
    module, name = (word.encode("utf-8") for word in pair)
    if modern:
        return b"\x8c%c%s\x8c%c%s\x93" % (len(module), module, len(name), name)
    return b"c%s\n%s\n" % (module, name)


# Pieces of pickles that mostly fit together: values, globals, and what calls or builds with them.
PIECES = strategies.one_of(
    strategies.builds(named, strategies.sampled_from(FOREIGN), strategies.booleans()),
    strategies.builds(named, strategies.sampled_from(sorted(ALLOWED_GLOBALS)), strategies.booleans()),
    strategies.sampled_from([b"(", b")", b"N", b"I1\n", b"K\x02", b"U\x04evil", b"X\x04\0\0\0evil", b"]", b"}", b"R",
                             b"\x85", b"\x86", b"\x81", b"\x92", b"t", b"o", b"b", b"a", b"e", b"s", b"u", b"0", b"2",
                             b"iwmruntimeCanary\nsing\n", b"Pevil\n", b"Q", b"\x82\x01", b"\x84\xff\xff\xff\xff",
                             b"q\0", b"h\0", b"\x94", b"\x8f", b"\x90", b"\x91", b"\x88", b"l", b"d", b"1"]))


@derandomized(500)
@given(strategies.lists(PIECES, max_size=30))
def test_noSequenceOfOpcodesImportsOrCallsAnythingElse(tmp_path, upstreamTree, canary, pieces):
    loaded = loadOrRefuse(store(tmp_path, b"\x80\x04" + b"".join(pieces) + b"."))
    assert not os.path.exists(canary) and "wmruntimeCanary" not in sys.modules
    assert not os.path.exists("evil") and loaded != "sung"


@pytest.mark.parametrize("pair", FOREIGN)
@pytest.mark.parametrize("modern", [False, True])
def test_aForeignGlobalIsRefusedInEverySpelling(tmp_path, canary, pair, modern):
    call = named(pair, modern) + b"(X\x04\0\0\0eviltR."
    error = loadOrRefuse(store(tmp_path, b"\x80\x04" + call))
    assert "it names %s.%s," % pair in str(error)
    assert not os.path.exists(canary) and not os.path.exists("evil")


@pytest.fixture(scope="module")
def realContents(upstreamTree):
    """Give pickles as WMCore writes them, in every protocol."""
    return [pickle.dumps(make(), protocol) for make in (realPackage, realReport) for protocol in PROTOCOLS]


@derandomized(100)
@given(data=strategies.data())
def test_4004ATruncatedFileGivesTheOneError(tmp_path, realContents, data):
    content = data.draw(strategies.sampled_from(realContents))
    length = data.draw(strategies.integers(1, len(content) - 1))
    assert isinstance(loadOrRefuse(store(tmp_path, content[:length])), PickleLoadError)


@derandomized(400)
@given(data=strategies.data())
def test_aFileWithWrongBytesLoadsOrGivesTheOneError(tmp_path, realContents, data):
    content = bytearray(data.draw(strategies.sampled_from(realContents)))
    for _ in range(data.draw(strategies.integers(1, 4))):
        at = data.draw(strategies.integers(0, len(content) - 1))
        content[at:at + data.draw(strategies.integers(0, 3))] = data.draw(strategies.binary(max_size=5))
    loadOrRefuse(store(tmp_path, bytes(content) or b"x"))


@derandomized(300)
@given(strategies.lists(PIECES, max_size=30).map(b"".join), strategies.binary(max_size=20))
def test_whatPassesTheLayoutIsAPickleWhoseObjectsAreNumberedInOrder(content, noise):
    try:
        checkLayout(content + noise + b".")
    except (pickle.UnpicklingError, ValueError):
        return
    numbers = [arg for op, arg, _ in pickletools.genops(content + noise + b".") if "PUT" in op.name]
    assert all(number <= at + 1 for at, number in enumerate(numbers))


@pytest.mark.parametrize("make", [realWorkload, realPackage, realReport])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_theLayoutOfWhatWMCoreWritesIsWalkedToItsEnd(upstreamTree, make, protocol):
    content = pickle.dumps(make(), protocol)
    checkLayout(content)
    checkLayout(content + b"what follows is not read")
    with pytest.raises(pickle.UnpicklingError, match="cut short"):
        checkLayout(content[:-1])


def test_thePicklesOfPython2NumberFromOne():
    checkLayout(b"(lp1\nS'a'\np2\na.")


# In a process of its own: the limit stays, and what was once used is not given back.
BOMB = """
import resource, sys, time
from WMCore.WMRuntime.PickleLoader import PickleLoadError, loadPickle
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    loadPickle(sys.argv[1], "a bomb")
except PickleLoadError as ex:
    print(ex)
print("KiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("content, reason", [
    (b"\x80\x02Nr\xff\xff\xff\x0f.", "gives the number 268435455 to object 0"),
    (b"Np200000000\n.", "gives the number 200000000 to object 0"),
    (b"\x80\x04\x8e\0\0\0\0\x04\0\0\0abc.", "cut short"),
    (b"\x80\x05\x96\0\0\0\0\x04\0\0\0abc.", ""),
    (b"\x80\x02T\xff\xff\xff\xffabc.", "cut short"),
    (b"\x80\x02\x8b\xff\xff\xff\x7fabc.", "cut short"),
    (b"I" + b"9" * 3000000 + b"\n.", "longer than 4300 digits"),
    (b"L" + b"9" * 3000000 + b"L\n.", "longer than 4300 digits"),
    (b"Ng" + b"9" * 3000000 + b"\n.", "longer than 4300 digits"),
    (b"c__builtin__\nbytes\n(I10000000000\ntR.", "_noBytes"),
    (b"ccopyreg\n_reconstructor\n(c__builtin__\nbytes\ng0\nI10000000000\ntR.", "cannot load"),
    # A number that is refused must not be written out in the message either.
    (b"\x8b\x80\x84\x1e\0" + b"\x7f" * 2000000 + b"Q.", "outside the file"),
    (b"c_codecs\nencode\n(S'a'\n\x8b\x80\x84\x1e\0" + b"\x7f" * 2000000 + b"tR.", "codec"),
], ids=["longBinPut", "put", "binBytes8", "byteArray8", "binString", "long4", "int", "long", "get", "bytes",
        "reconstructedBytes", "persistentId", "codec"])
def test_aFileThatAsksForTooMuchIsRefusedInLittleMemoryAndTime(tmp_path, sourceTree, content, reason):
    path = store(tmp_path, content)
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([sourceTree, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run([sys.executable, "-c", BOMB, path], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    message, used = done.stdout.decode("utf-8").rsplit("KiB", 1)
    assert "cannot load a bomb" in message and reason in message and len(message) < 1000
    assert int(used) < 64 * 1024


def test_findClassTakesWhatTheFileSpells():
    content = pickle.dumps({1, 2}, 2)
    assert any(op.name == "GLOBAL" and arg == "__builtin__ set" for op, arg, _ in pickletools.genops(content))
    assert AllowListUnpickler(io.BytesIO(content)).load() == {1, 2}
