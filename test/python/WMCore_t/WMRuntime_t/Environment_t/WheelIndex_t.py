"""Tests of WheelIndex."""
import json
import os
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from WMCore_t.WMRuntime_t.Environment_t.Wheels import BINARY, entryOf, makeIndex, makeWheel

from WMCore.WMRuntime.Environment.Description import LibraryNeeds
from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, MAX_WHEELS, chooseWheel, loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError

GOOD = {"name": "probe", "version": "1.0", "file": "probe-1.0-py3-none-any.whl", "sha256": "0" * 64, "size": 7,
        "imports": ["probe"], "pure": True, "need": "helps"}


def write(directory, content):
    """Write an index as it is; give its directory."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (directory / INDEX_NAME).write_bytes(data)
    return str(directory)


def withEntry(**changes):
    """Give an index with one wheel that has changes."""
    return {"format": 1, "wheels": [dict(GOOD, **changes)]}


def testWhatWasWrittenIsReadBack(tmp_path):
    entries = [entryOf(makeWheel(tmp_path, "beta", "2.0")), entryOf(makeWheel(tmp_path, "alpha"))]
    makeIndex(tmp_path, entries)
    index = loadWheelIndex(str(tmp_path))
    assert index.wheels == (entries[1], entries[0])
    assert index.path(entries[0]) == str(tmp_path / "beta-2.0-py3-none-any.whl")


def testADirectoryWithoutAnIndexIsNoWheelhouse(tmp_path):
    assert loadWheelIndex(str(tmp_path)) is None
    assert loadWheelIndex(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize("content", [
    b"", b"\xff\xfe", b"[" * 100000, [], {"format": 2, "wheels": []}, {"format": 1}, {"format": 1, "wheels": {}},
    {"format": 1, "wheels": [7]}, withEntry(file=7), {"format": 1, "wheels": [GOOD, GOOD]},
    {"format": 1, "wheels": [GOOD, dict(GOOD, name="Probe", file="PROBE-1.0-py3-none-any.whl")]},
    {"format": 1, "wheels": [dict(GOOD, file="p%d-1.0-py3-none-any.whl" % n) for n in range(MAX_WHEELS + 1)]},
    withEntry(strange=1), {"format": 1, "wheels": [{"file": "probe-1.0-py3-none-any.whl"}]}])
def testAnIndexThatIsNoneIsOneErrorThatNamesTheFile(tmp_path, content):
    with pytest.raises(WMRuntimeError, match="wheels.json: expected") as caught:
        loadWheelIndex(write(tmp_path, content))
    assert caught.value.code == 11014 and caught.value.hint


@pytest.mark.parametrize("changes", [
    {"file": "../probe-1.0-py3-none-any.whl"}, {"file": "/tmp/probe-1.0-py3-none-any.whl"},
    {"file": "sub/probe-1.0-py3-none-any.whl"}, {"file": "probe-1.0-py3-none-any.zip"}, {"file": "probe-1.0.whl"},
    {"file": "probe-1.0-py3-none-any.whl\n"}, {"file": "other-1.0-py3-none-any.whl"}, {"version": "2.0"},
    {"version": "latest"}, {"sha256": "0" * 63}, {"sha256": "G" * 64}, {"sha256": None}, {"size": 0}, {"size": -1},
    {"size": 10 ** 12}, {"size": "7"}, {"imports": []}, {"imports": "probe"}, {"imports": [7]},
    {"imports": ["probe", "../x"]}, {"pure": "yes"}, {"need": "wanted"}])
def testAnEntryThatContradictsItselfIsRefused(tmp_path, changes):
    with pytest.raises(WMRuntimeError, match="expected a wheel's entry"):
        loadWheelIndex(write(tmp_path, withEntry(**changes)))


@pytest.mark.parametrize("name", ["WMCore", "Utils", "PSetTweaks", "WMSandbox", "WMTaskSpace", "sitecustomize",
                                  "usercustomize", "sys", "builtins", "json", "os", "_json", "math", "encodings"])
@pytest.mark.parametrize("listed", [True, False])
def testAWheelMayNotReplaceTheRuntimeOrTheStandardLibrary(tmp_path, monkeypatch, name, listed):
    if not listed:  # as before python 3.10
        monkeypatch.delattr(sys, "stdlib_module_names", raising=False)
    with pytest.raises(WMRuntimeError, match="may not bring the module"):
        loadWheelIndex(write(tmp_path, withEntry(imports=["probe", name])))


def testAPipeOrADirectoryIsAnErrorAndIsNotWaitedFor(tmp_path):
    os.mkdir(str(tmp_path / INDEX_NAME))
    with pytest.raises(WMRuntimeError, match="a readable file"):
        loadWheelIndex(str(tmp_path))
    os.rmdir(str(tmp_path / INDEX_NAME))
    os.mkfifo(str(tmp_path / INDEX_NAME))
    with pytest.raises(WMRuntimeError, match="no regular file"):
        loadWheelIndex(str(tmp_path))


@pytest.mark.parametrize("old, new", [
    (b"py3-none-any", b"-".join([b".".join([b"a"] * 340)] * 3)),
    (b"py3-none-any", b"-".join([b".".join([b"a"] * 30)] * 3)),
    (b'"size": 7', b'"size": ' + b"7" * 10 ** 6), (b'"version": "1.0"', b'"version": "1.%s"' % (b"0" * 10 ** 6)),
    (b'"name": "probe"', b'"name": "%s"' % (b"-" * 10 ** 6))],
    ids=["a long name", "a name of many tags", "a size", "a version", "a distribution"])
def testASmallIndexThatIsMuchWorkIsRefusedAtOnce(tmp_path, old, new):
    """A wheel's name stands for the product of three lists of tags: 340 each once took minutes."""
    data = json.dumps(withEntry()).encode()
    assert old in data
    start = time.process_time()
    with pytest.raises(WMRuntimeError, match="expected"):
        loadWheelIndex(write(tmp_path, data.replace(old, new)))
    assert time.process_time() - start < 2


def testAWheelNamedAsTheLargestProjectsNameThemIsRead(tmp_path):
    systems = ("manylinux_2_12", "manylinux2010", "manylinux_2_17", "manylinux2014")
    name = "probe-1.0-cp39-cp39-%s.whl" % ".".join(one + "_x86_64" for one in systems)
    assert len(loadWheelIndex(write(tmp_path, withEntry(file=name))).wheels[0].tags) == 4


def testAWheelIsForTheModulesOfItsLibraryAndPrivateOnes(tmp_path):
    library = LibraryNeeds("probe", ("probe",), "helps", True, "for tests", (), "MIT", also=("prober",))
    entry, = loadWheelIndex(write(tmp_path, withEntry(imports=["probe", "prober", "_probe_speed"]))).wheels
    entry.checkFor(library)
    entry, = loadWheelIndex(write(tmp_path, withEntry(imports=["probe", "attr"]))).wheels
    with pytest.raises(WMRuntimeError, match="expected probe, prober, found attr, too") as caught:
        entry.checkFor(library)
    assert caught.value.code == 11014 and caught.value.hint


def testTheNewestVersionInRangeWinsThenTheClosestTag(tmp_path):
    makeIndex(tmp_path, [entryOf(makeWheel(tmp_path, version=version, tags=tags)) for version, tags in (
        ("1.9", "py3-none-any"), ("1.10", "py3-none-any"), ("1.10", BINARY), ("2.0", "py3-none-any"),
        ("3.0", "cp27-none-any"))])
    ranks = {Tag("cp36", "abi3", "manylinux2014_x86_64"): 0, Tag("py3", "none", "any"): 1}
    index = loadWheelIndex(str(tmp_path))
    assert chooseWheel(index.candidates("Probe", SpecifierSet("<2")), ranks).file == "probe-1.10-%s.whl" % BINARY
    assert chooseWheel(index.candidates("probe", SpecifierSet("")), ranks).version == "2.0"
    assert chooseWheel(index.candidates("probe", SpecifierSet(">=3")), ranks) is None
    assert index.candidates("other", SpecifierSet("")) == []


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
                      lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), VALUES, max_size=4))
def testWhateverStandsInAnEntryItIsReadOrRefusedAndNothingElse(tmp_path, changes):
    try:
        index = loadWheelIndex(write(tmp_path, withEntry(**changes)))
    except WMRuntimeError as ex:
        assert ex.code == 11014
    else:
        assert os.path.dirname(index.path(index.wheels[0])) == str(tmp_path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def testAMangledIndexIsReadOrRefusedAndNothingElse(tmp_path, piece, where):
    data = json.dumps(withEntry()).encode()
    try:
        loadWheelIndex(write(tmp_path, data[:where] + piece + data[where + len(piece):]))
    except WMRuntimeError as ex:
        assert ex.code == 11014
