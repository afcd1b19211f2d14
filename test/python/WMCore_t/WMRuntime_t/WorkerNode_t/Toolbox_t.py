"""Tests of the stand-in's reading of tool manifests, and of its environment arithmetic."""
import glob
import os
import xml.sax.saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.WorkerNode.inside.scram.RuntimeEnvironment import AreaRuntime, renderRuntime, restored
from WMCore.WMRuntime.WorkerNode.inside.scram.Toolbox import ToolError, parseTool, readTool
from WMCore.WMRuntime.WorkerNode.NodeFiles import DATA
from WMCore.WMRuntime.WorkerNode.ReleaseTree import perlDump

MANIFESTS = sorted(glob.glob(os.path.join(DATA, "releases", "*", "*", "*.xml")))
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True).filter(lambda name: not name.startswith(("SCRAM", "SRT")))
VALUES = st.text(st.characters(blacklist_characters='"`\\$\0\r\n:;=', blacklist_categories=("Cs", "Cc")), min_size=1,
                 max_size=20).filter(lambda text: text.strip() == text)


@pytest.mark.parametrize("path", MANIFESTS, ids=[os.path.relpath(path, DATA) for path in MANIFESTS])
def testRealManifestsAreRead(path):
    tool = readTool(path, {"SCRAM_ARCH": "x", "LOCALTOP": "/area"})
    assert tool.name + ".xml" == os.path.basename(path)
    assert tool.version
    assert all("$" not in value for _, value, _ in tool.environment)


@pytest.mark.parametrize("text", ["", "<tool", "<tool/>", "<other name='x'/>",
                                  "<!DOCTYPE a [<!ENTITY b 'c'>]><tool name='x'/>"])
def testUnusableManifestsAreErrorsThatNameTheirSource(text):
    with pytest.raises(ToolError, match="here.xml"):
        parseTool(text, {}, "here.xml")


def testDefaultWinsOverValueAndEarlierVariablesAreKnown():
    tool = parseTool("""<tool name="A" version="1"><client>
        <environment name="A_BASE" value="/wrong" default="/right"/><environment name="B" default="${A_BASE}/b"/></client>
        <runtime name="PATH" value="$B/bin:$NOWHERE_SET_AT_ALL" type="path"/></tool>""", {})
    assert tool.base == "/right"
    assert tool.paths("PATH") == ["/right/b/bin:"]


@pytest.mark.parametrize("version, expected", [("CMSSW_1_CXXMODULE", ["module"]), ("CMSSW_1_ASAN_X", ["asan"]),
                                               ("CMSSW_1", ["plain"])])
def testConditionalsTakeOneBranch(version, expected):
    tool = parseTool("""<tool name="self" version="1"><ifrelease name="_CXXMODULE"><runtime name="X" value="module"/>
        <elif name="_ASAN"/><runtime name="X" value="asan"/><else/><runtime name="X" value="plain"/></ifrelease></tool>""",
                     {"SCRAM_PROJECTVERSION": version})
    assert [value for name, value, _, _ in tool.runtime] == expected


@given(st.text())
def testNoTextCrashesTheReader(text):
    try:
        parseTool(text, {})
    except ToolError:
        pass


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def testAnyVariableSurvivesTheManifest(values):
    lines = "".join("<runtime name=%s value=%s/>" % (xml.sax.saxutils.quoteattr(name), xml.sax.saxutils.quoteattr(value))
                    for name, value in values.items())
    tool = parseTool("<tool name='t' version='1'>%s</tool>" % lines, {})
    assert {name: value for name, value, _, _ in tool.runtime} == values


class FakeArea(object):
    """Enough of an area for rendering."""

    name, version, arch = "CMSSW", "CMSSW_1_2_3", "el8_amd64_gcc12"


@given(caller=st.dictionaries(NAMES, VALUES, max_size=6), variables=st.dictionaries(NAMES, VALUES, max_size=4),
       paths=st.dictionaries(NAMES, st.lists(VALUES.map("/{}".format), min_size=1, max_size=3), max_size=3))
def testWhatRuntimeSetsIsTakenBackByRestoring(caller, variables, paths):
    paths = {name: folders for name, folders in paths.items() if name not in variables}
    runtime = AreaRuntime()
    runtime.variables = sorted(variables.items())
    for name, folders in paths.items():
        for folder in folders:
            runtime.addPath(name, folder)
    text, unset = renderRuntime(FakeArea(), runtime, caller, "-sh", "V3_00_60", FakeArea.arch)
    assert unset == []
    after = dict(caller)
    for line in text.splitlines():
        assert line.startswith("export ") and line.endswith('";')
        name, _, value = line[len("export "):-2].partition('="')
        after[name] = value
    for name, value in variables.items():
        assert after[name] == value
    for name in paths:
        assert name not in caller or after[name].endswith(":" + caller[name])
    assert restored(after) == caller


def testPerlDumpIsWhatDataDumperWrites():
    assert perlDump({"a": ["it's", 1, None], "b": {}}) == (
        "$cache = {\n    'a' => [\n      'it\\'s',\n      1,\n      undef\n    ],\n    'b' => {}\n  };\n")
