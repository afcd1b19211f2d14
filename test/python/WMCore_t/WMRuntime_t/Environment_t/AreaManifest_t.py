"""
Test that a manifest says what it said when it was written, and that nothing else passes for one.
"""
import json
import os

import attr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.AreaManifest import (AreaFile, AreaLibrary, AreaManifest, loadManifest, manifestText,
                                                       parseManifest, safePath)
from WMCore.WMRuntime.Errors import WMRuntimeError

MANIFEST = AreaManifest(
    "rhel8", "x86_64", 3, "a" * 64, "3.9.18", "external/python3/3.9.18-wm3",
    [AreaLibrary("attrs", "25.3.0", "external/py3-attrs/25.3.0", ["attr", "attrs"], True, "MIT")],
    {"LICENCES.txt": AreaFile("b" * 64, 12, 0o644), "external/python3/3.9.18-wm3/bin/python3": AreaFile(link="python3.9"),
     "external/python3/3.9.18-wm2": AreaFile(link="../../../rhel8_x86_64-2/external/python3/3.9.18-wm2")},
    ["libc.so.6"], "2.28")
NOT_INSIDE = ["/etc/passwd", "../other", "..", ".", "", "a/../../b", "a//b", "a/", "./a", "a\0b",
              "a\nb", "a\x1b[31m", "a\udcff"]


def changed(path, value):
    """Give the manifest for JSON with one value replaced; path is what leads to it."""
    data = json.loads(manifestText(MANIFEST))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def test_whatWasWrittenIsRead(tmp_path):
    (tmp_path / "manifest.json").write_text(manifestText(MANIFEST))
    assert loadManifest(str(tmp_path)) == MANIFEST
    assert (MANIFEST.name, MANIFEST.size, MANIFEST.layoutOnly) == ("rhel8_x86_64", 12, False)


def test_withoutAnInterpreterItIsALayout():
    data = json.loads(manifestText(attr.evolve(MANIFEST, pythonDirectory="")))
    assert data["layoutOnly"] is True and parseManifest(data).layoutOnly


def test_anAreaWithoutAManifestIsNotAnError(tmp_path):
    assert loadManifest(str(tmp_path)) is None and loadManifest(str(tmp_path / "nothing")) is None


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("nothing"),
                                  lambda path: os.mkfifo(str(path)), lambda path: path.write_bytes(b"\xff"),
                                  lambda path: path.write_text(""), lambda path: path.write_text("[" * 100000),
                                  lambda path: path.write_text("{}"), lambda path: path.write_text("[]")],
                         ids=["directory", "dangling", "pipe", "no text", "empty", "deep", "no format", "list"])
def test_whatCannotBeReadIsAnErrorThatNamesTheFile(tmp_path, make):
    make(tmp_path / "manifest.json")
    with pytest.raises(WMRuntimeError) as caught:
        loadManifest(str(tmp_path))
    assert str(tmp_path / "manifest.json") in str(caught.value) and "area build" in str(caught.value)


def test_aHugeManifestIsNotRead(tmp_path):
    with open(str(tmp_path / "manifest.json"), "wb") as handle:
        handle.truncate(40 * 1024 * 1024)
    with pytest.raises(WMRuntimeError, match="more than 33554432 bytes"):
        loadManifest(str(tmp_path))


@pytest.mark.parametrize("path, value", [
    (["format"], 2), (["format"], "1"), (["format"], True), (["system"], "el8"), (["system"], "rhel8\n"), (["cpu"], "../x"),
    (["build"], -1), (["build"], 1.0), (["description"], "A" * 64), (["python", "version"], "3.9"), (["python"], None),
    (["python", "directory"], "../../home"), (["libraries"], {}), (["libraries", 0], "attrs"),
    (["libraries", 0, "imports"], "attr"), (["libraries", 0, "imports"], [1]), (["libraries", 0, "pure"], 1),
    (["libraries", 0, "directory"], "/tmp"), (["libraries", 0, "name"], "a/b"), (["files"], []),
    (["files", "a\nb"], {"link": "c"}), (["files", "a"], {"link": "b\n"})] + [
    (["python", "directory"], name) for name in (
        "external/python3", "external/python3/", "external/python3/default", "external/python3/3.9\n", "lib/3.9.18",
        "external/python3/3.9 b", "external/python3/3.9/..", "external/python3/3.9/bin", "external/python3/..", 0)] + [
    (["libraries", 0, "directory"], name) for name in (
        "", "external", "external/attrs/25.3.0", "external/py3-attrs", "external/py3-attrs/..", "external/py3-/25.3.0",
        "external/py3-attrs/25.3.0/lib", "external/py3-a b/25.3.0", "external/py3-attrs/25.3.0\n", None)] + [
    (["libraries", 0, "imports"], [name]) for name in ("a b", "os.path.", "", "../a", "a\nb", "1a", "a" * 300)] + [
    (["libraries", 0, "version"], name) for name in ("latest", "", "1/2", "1\n", "1" * 200)] + [
    (["libraries", 0, "licence"], name) for name in ("MIT\nGPL", "\x1b[31m", "x" * 300, 1)] + [
    (["files", "LICENCES.txt"], {"sha256": "b" * 64, "size": 1, "mode": 0o4755}),
    (["files", "LICENCES.txt"], {"sha256": "b" * 63, "size": 1, "mode": 0o644}),
    (["files", "LICENCES.txt"], {"sha256": "b" * 64, "size": -1, "mode": 0o644}),
    (["files", "LICENCES.txt"], {"sha256": "b" * 64, "size": "1", "mode": 0o644}),
    (["files", "LICENCES.txt"], "link"), (["files", "a/b"], {"link": "/etc/passwd"}),
    (["files", "a/b"], {"link": "../../etc"}), (["files", "a/b"], {"link": ""}),
    (["files", "a/b"], {"link": "../../../rhel8_x86_64-2/external/python3/3.9.18-wm2"}),
    (["files", "external/python3/3.8"], {"link": "../../../rhel8_x86_64-2/external/python3/../../.."}),
    (["files", "../a"], {"link": "b"}), (["systemLibraries"], ["a\nb"]), (["glibc"], "2.x")])
def test_aWrongValueIsRefused(path, value):
    with pytest.raises(ValueError, match="expected"):
        parseManifest(changed(path, value))


@pytest.mark.parametrize("version", ["25.3.0", "1.0+cms1", "2.0rc1.post2"])
def test_everyVersionThatPublishingCanNameIsRead(version):
    library = attr.evolve(MANIFEST.libraries[0], version=version, directory="external/py3-attrs/" + version)
    manifest = attr.evolve(MANIFEST, libraries=[library], pythonDirectory="external/python3/3.9.18-wm12")
    assert parseManifest(json.loads(manifestText(manifest))) == manifest


@pytest.mark.parametrize("path", NOT_INSIDE)
def test_aPathThatIsNotInsideIsRefused(path):
    with pytest.raises(ValueError, match="inside the area"):
        safePath(path)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
PLACES = [("system",), ("cpu",), ("build",), ("python", "version"), ("python", "directory"), ("libraries",),
          ("libraries", 0), ("libraries", 0, "imports"), ("libraries", 0, "directory"),
          ("files",), ("files", "LICENCES.txt"), ("systemLibraries",)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_anyValueAnywhereIsAManifestOrAnError(place, value):
    try:
        manifest = parseManifest(changed(place, value))
    except ValueError:
        return
    assert parseManifest(json.loads(manifestText(manifest))) == manifest


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_anyJsonIsAManifestOrAnError(value):
    with pytest.raises(ValueError):
        parseManifest(value)
