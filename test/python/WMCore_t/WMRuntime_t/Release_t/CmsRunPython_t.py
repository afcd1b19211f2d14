"""Tests of Release/CmsRunPython: the ladder, rung by rung."""
import os
import sys

import pytest

from WMCore.WMRuntime.Release.Release import Release
from WMCore_t.WMRuntime_t.Release_t.ReleaseTrees import ReleaseTree, write

PY2, PY3 = "libpython2.7.so.1.0", "libpython3.9.so.1.0"


@pytest.fixture
def tree(tmp_path):
    """Give a function that makes a release with some tools selected, and programs."""
    def make(version="CMSSW_12_0_0", tools=("python", "python3"), programs=("cmsRun",), selfNames=None):
        made = ReleaseTree(tmp_path / "root", version)
        for tool in tools:
            made.addManifest(tool, "CMSSW_12_0_0")
        for program in programs:
            made.addProgram(program)
        if selfNames is not None:
            made.addSelf(*selfNames)
        return made
    return make


def answer(tree, runtime=None):
    """Give (major, rung, sure) and check that every rung up to it said something."""
    found = Release.locate(tree.version, tree.arch, roots=[tree.root]).cmsRunPython(runtime)
    assert len(found.reasons) >= found.rung and all(found.reasons)
    return found.major, found.rung, found.sure


def test_rung1_theTwinSaysThatCmsRunIsPython2(tree):
    assert answer(tree("CMSSW_10_6_30", programs=("cmsRun", "cmsRunPython3"))) == (2, 1, True)


@pytest.mark.parametrize("tool, major", [("python", 2), ("python3", 3)])
def test_rung2_theOnlyToolDecides(tree, tool, major):
    assert answer(tree("CMSSW_12_0_0", tools=(tool,))) == (major, 2, True)


@pytest.mark.parametrize("version, names, wanted", [
    ("CMSSW_10_3_0", ("PYTHON27PATH", "PYTHON3PATH"), (2, 3, True)), ("CMSSW_10_1_0", ("PYTHON27PATH",), (2, 3, True)),
    ("CMSSW_8_0_0", ("PYTHONPATH",), (2, 3, True)), ("CMSSW_12_0_0", ("PYTHON3PATH",), (3, 3, True)),
    ("CMSSW_12_2_0", ("PYTHON3PATH",), (3, 3, True))])
def test_rung3_selfXmlDecidesWhenBothToolsAreSelected(tree, version, names, wanted):
    assert answer(tree(version, selfNames=names)) == wanted


@pytest.mark.parametrize("version", ["CMSSW_12_0_0_pre4", "CMSSW_11_1_0_pre5_PY3", "CMSSW_12_0_0_pre2_PYTHON3",
                                     "CMSSW_12_0_DEVEL_X_2021-07-07-1100"])
@pytest.mark.parametrize("programs", [("cmsRun",), ("cmsRun", "cmsRunPython3")])
@pytest.mark.parametrize("library, major", [(PY2, 2), (PY3, 3)])
def test_rung4_theLibraryDecidesWhereTwinAndSelfXmlHaveBeenWrong(tree, version, programs, library, major):
    made = tree(version, programs=programs, selfNames=("PYTHON27PATH", "PYTHON3PATH"))
    made.addLibrary("libstdc++.so.6", library)
    assert answer(made) == (major, 4, True)


@pytest.mark.parametrize("version", ["CMSSW_11_1_0_pre5_PY3", "CMSSW_12_0_0_pre2_PYTHON3", "CMSSW_12_0_DEVEL_X_2021-07-07-1100"])
def test_aSpecialBuildWithoutThatLibraryIsPython3ButNotForSure(tree, version):
    assert answer(tree(version, selfNames=("PYTHON27PATH", "PYTHON3PATH"))) == (3, 0, False)


def test_aSpecialBuildWithPython2OnlyIsPython2(tree):
    assert answer(tree("CMSSW_10_1_0_pre3_PY3", tools=("python",))) == (2, 2, True)


def test_12_0_0_pre4KeepsWhatSelfXmlSaysButNotForSure(tree):
    assert answer(tree("CMSSW_12_0_0_pre4", selfNames=("PYTHON27PATH", "PYTHON3PATH"))) == (2, 3, False)


def test_theLibraryOfTheBaseAndCmsRunItselfCountToo(tree, tmp_path):
    base = tree("CMSSW_12_0_0_pre4", selfNames=("PYTHON27PATH",))
    patch = ReleaseTree(tmp_path / "root", "CMSSW_12_0_0_pre4_patch1", package="cmssw-patch")
    for tool in ("python", "python3"):
        patch.addManifest(tool, "CMSSW_12_0_0")
    base.addLibrary(PY3)
    assert answer(patch) == (3, 4, True)
    os.remove(base.path("lib", base.arch, "libFWCorePythonParameterSet.so"))
    assert answer(patch)[2] is False
    with open(base.addLibrary(PY2), "rb") as handle:
        data = handle.read()
    os.remove(base.path("lib", base.arch, "libFWCorePythonParameterSet.so"))
    write(base.path("bin", base.arch, "cmsRun"), data)
    assert answer(patch) == (2, 4, True)


def test_aLibraryThatNeedsBothPythonsTellsNothing(tree):
    made = tree("CMSSW_12_0_0_pre4")
    made.addLibrary(PY2, PY3)
    assert answer(made)[1:] == (0, False)


@pytest.mark.parametrize("version, major", [
    ("CMSSW_8_0_31", 2), ("CMSSW_11_3_4", 2), ("CMSSW_12_0_0_pre3", 2), ("CMSSW_12_0_0_pre4", None), ("CMSSW_12_0_0_pre5", 3),
    ("CMSSW_12_0_0", 3), ("CMSSW_14_1_0_pre2", 3), ("CMSSW_nightly", None)])
def test_withNothingOnDiskOnlyTheNameIsLeftAndThatIsNotSure(tmp_path, version, major):
    assert answer(ReleaseTree(tmp_path / "root", version)) == (major, 0, False)


@pytest.mark.parametrize("links, wanted", [(("python3",), (3, 2, False)), (("python2.7",), (2, 2, False)),
                                           (("python2", "python3"), (3, 0, False))])
def test_withoutManifestsTheLinksInExternalSpeak(tmp_path, links, wanted):
    made = ReleaseTree(tmp_path / "root", "CMSSW_13_0_3")
    for name in links:
        made.addLink(name, "../gone/" + name)
    assert answer(made) == wanted


def test_aSpecialBuildWithLinksToPython2OnlyIsPython2ButNotForSure(tmp_path):
    made = ReleaseTree(tmp_path / "root", "CMSSW_11_1_0_pre5_PY3")
    made.addLink("python2.7", "../gone/python2.7")
    assert answer(made) == (2, 2, False)


def test_aDevelopersOwnSelectionDoesNotChangeWhatTheReleasesCmsRunIs(tree, tmp_path):
    made = tree("CMSSW_12_0_0", tools=("python3",))
    area = made.addArea(tmp_path / "area")
    write(os.path.join(area, "config", "toolbox", made.arch, "tools", "selected", "python.xml"), "<tool name='python'/>")
    os.remove(os.path.join(area, "config", "toolbox", made.arch, "tools", "selected", "python3.xml"))
    assert Release.fromArea(area).cmsRunPython().major == 3


@pytest.mark.parametrize("module, wanted", [("class CmsRun: pass", (3, 5, True)), (None, (2, 5, True)),
                                            ("raise ValueError", (2, 3, False)), ("import nowhere", (2, 5, True))])
def test_rung5_theRuntimesPythonIsAskedOnlyWhenWantedAndNothingElseIsSure(tree, tmp_path, module, wanted):
    made = tree("CMSSW_12_0_0_pre4", selfNames=("PYTHON27PATH", "PYTHON3PATH"))
    os.makedirs(str(tmp_path / "bin"))
    os.symlink(sys.executable, str(tmp_path / "bin" / "python3"))
    if module is not None:
        write(str(tmp_path / "lib" / "FWCore" / "__init__.py"), "")
        write(str(tmp_path / "lib" / "FWCore" / "PythonFramework" / "__init__.py"), "")
        write(str(tmp_path / "lib" / "FWCore" / "PythonFramework" / "CmsRun.py"), module + "\n")
    runtime = {"PATH": str(tmp_path / "bin"), "PYTHONPATH": str(tmp_path / "lib")}
    assert answer(made, runtime) == wanted
    assert answer(made) == (2, 3, False)


def test_rung5_aRuntimeWithoutPython3IsNoAnswer(tree, tmp_path):
    made = tree("CMSSW_12_0_0_pre4", selfNames=("PYTHON27PATH",))
    assert answer(made, {"PATH": str(tmp_path)}) == (2, 3, False)
