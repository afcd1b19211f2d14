"""Test the allow-list of pickles against real objects and against hostile files."""
import io
import os
import pickle
import pickletools

import pytest
from hypothesis import given, settings, strategies

from WMCore.WMRuntime.PickleLoader import ALLOWED_GLOBALS, AllowListUnpickler, PickleLoadError, loadPickle

PROTOCOLS = range(0, 5)


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


@settings(deadline=None, derandomize=True, max_examples=200)
@given(strategies.binary(max_size=60))
def test_anyBytesLoadOrRaiseTheOneError(tmp_path_factory, content):
    path = store(tmp_path_factory.mktemp("fuzz"), content)
    try:
        loadPickle(path, "anything")
    except PickleLoadError:
        pass


def test_findClassTakesWhatTheFileSpells():
    content = pickle.dumps({1, 2}, 2)
    assert any(op.name == "GLOBAL" and arg == "__builtin__ set" for op, arg, _ in pickletools.genops(content))
    assert AllowListUnpickler(io.BytesIO(content)).load() == {1, 2}
