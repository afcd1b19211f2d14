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


def test_ofWhatIsNotSureTheFirstIsTaken(tree):
    made = tree("CMSSW_12_0_0_pre4", programs=("cmsRun", "cmsRunPython3"), selfNames=("PYTHON27PATH", "PYTHON3PATH"))
    assert answer(made) == (2, 1, False)


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


@pytest.fixture
def asked(tree, tmp_path):
    """Give a function that makes an undecided release with a python3 that runs, and its runtime environment."""
    def make(module, link=sys.executable):
        made = tree("CMSSW_12_0_0_pre4", selfNames=("PYTHON27PATH", "PYTHON3PATH"))
        if link:
            made.addLink("python3", link)
        if module is not None:
            write(str(tmp_path / "lib" / "FWCore" / "__init__.py"), "")
            write(str(tmp_path / "lib" / "FWCore" / "PythonFramework" / "__init__.py"), "")
            write(str(tmp_path / "lib" / "FWCore" / "PythonFramework" / "CmsRun.py"), module + "\n")
        return made, {"PATH": os.path.dirname(sys.executable), "PYTHONPATH": str(tmp_path / "lib")}
    return make


@pytest.mark.parametrize("module, wanted", [
    ("class CmsRun: pass", (3, 5, True)), (None, (2, 5, True)), ("raise ValueError", (2, 3, False)),
    ("import nowhere", (2, 5, True)),
    ("raise ImportError('libFWCore.so: cannot open shared object file: No such file or directory')", (2, 3, False))])
def test_rung5_theReleasesPythonIsAskedOnlyWhenWantedAndNothingElseIsSure(asked, module, wanted):
    made, runtime = asked(module)
    assert answer(made, runtime) == wanted
    assert answer(made) == (2, 3, False)


@pytest.mark.parametrize("link", [None, "../gone/python3"])
def test_rung5_aPython3FromElsewhereInThePathIsNotAsked(asked, link):
    made, runtime = asked(None, link)
    assert answer(made, runtime) == (2, 3, False)


def test_rung5_whatCannotBeStartedIsNoAnswer(asked):
    made, runtime = asked(None, None)
    os.chmod(write(made.path("external", made.arch, "bin", "python3"), b"\x7fELF"), 0o755)
    assert answer(made, runtime) == (2, 3, False)


BOTH, SELF_BOTH, SELF_3 = ("python", "python3"), ("PYTHON27PATH", "PYTHON3PATH"), ("PYTHON3PATH",)
# Every row of the layout's table of series: what is on disk there, and the answer it has to give.
ROWS = [
    (("CMSSW_4_1_4", "CMSSW_5_3_32", "CMSSW_6_1_0", "CMSSW_7_0_0", "CMSSW_7_6_3", "CMSSW_8_0_31", "CMSSW_9_4_16_UL", "CMSSW_10_0_5"),
     ("python",), ("PYTHONPATH",), False, (2, 2, True)),
    (("CMSSW_10_1_0", "CMSSW_10_1_11_patch1"), BOTH, ("PYTHON27PATH",), False, (2, 3, True)),
    (("CMSSW_10_2_20_UL", "CMSSW_10_5_0_pre2"), BOTH, SELF_BOTH, False, (2, 3, True)),
    (("CMSSW_10_6_30", "CMSSW_11_0_0", "CMSSW_11_1_0_pre5", "CMSSW_11_3_4"), BOTH, SELF_BOTH, True, (2, 1, True)),
    (("CMSSW_12_0_0_pre1", "CMSSW_12_0_0_pre3", "CMSSW_12_0_X_2021-07-06-2300"), BOTH, SELF_BOTH, True, (2, 1, True)),
    (("CMSSW_12_0_0_pre4",), BOTH, SELF_BOTH, False, (2, 3, False)),
    (("CMSSW_12_0_0_pre5", "CMSSW_12_0_0", "CMSSW_12_0_3_patch1", "CMSSW_12_2_4"), BOTH, SELF_3, False, (3, 3, True)),
    (("CMSSW_12_3_0", "CMSSW_12_6_0", "CMSSW_13_0_3_patch1", "CMSSW_14_2_0_pre3"), ("python3",), SELF_3, False, (3, 2, True)),
    (("CMSSW_11_3_0_pre2_PY3", "CMSSW_12_0_0_pre2_PYTHON3", "CMSSW_11_3_DEVEL_X_2021-05-01-2300"), BOTH, SELF_BOTH, True, (3, 0, False)),
    # Between the change of cmsRun and that of Self.xml, with a twin that was left over and without.
    (("CMSSW_12_0_X_2021-07-07-1100", "CMSSW_12_0_X_2021-07-17-2300"), BOTH, SELF_BOTH, True, (3, 0, False)),
    (("CMSSW_12_0_X_2021-07-07-1100", "CMSSW_12_0_0_pre5"), BOTH, SELF_BOTH, False, (3, 0, False))]


@pytest.mark.parametrize("version, tools, names, twin, wanted", [(version,) + row[1:] for row in ROWS for version in row[0]])
def test_eachRowOfTheTableOfSeriesIsAnsweredFromWhatSuchReleasesHave(tree, version, tools, names, twin, wanted):
    programs = ("cmsRun", "cmsRunPython3") if twin else ("cmsRun",)
    assert answer(tree(version, tools=tools, programs=programs, selfNames=names)) == wanted


def test_aTwinWhereThereIsNoPython2DoesNotMakeCmsRunPython2(tree):
    assert answer(tree("CMSSW_13_0_3", tools=("python3",), programs=("cmsRun", "cmsRunPython3"))) == (3, 2, True)


@pytest.mark.parametrize("spoil", [lambda path: write(path, b""), lambda path: os.symlink("gone.xml", path)])
def test_aToolWhoseManifestIsBrokenIsSelectedAllTheSame(tree, spoil):
    made = tree("CMSSW_10_3_0", tools=("python3",), selfNames=SELF_BOTH)
    spoil(made.selected("python"))
    assert answer(made) == (2, 3, True)


def test_programsThatCannotBeListedAreSaidToBeThat(tree):
    made = tree("CMSSW_10_6_30", programs=())
    os.makedirs(made.path("bin"))
    os.symlink(made.arch, made.path("bin", made.arch))
    release = Release.locate(made.version, made.arch, roots=[made.root])
    assert release.executables() == {}
    assert "no cmsRunPython3" in release.cmsRunPython().reasons[0] and "cannot be listed" in release.cmsRunPython().reasons[0]


def test_manifestsThatCannotBeListedAreSaidToBeThat(tmp_path):
    made = ReleaseTree(tmp_path / "root", "CMSSW_13_0_3")
    selected = os.path.dirname(made.selected("python3"))
    os.makedirs(os.path.dirname(selected))
    os.symlink("selected", selected)
    release = Release.locate(made.version, made.arch, roots=[made.root])
    assert any("cannot be listed: Too many levels" in note for note in release.notes)
    assert any("cannot be listed" in reason for reason in release.cmsRunPython().reasons)


@pytest.mark.parametrize("version", ["CMSSW_9_4_DEVEL_X_2017-10-01-2300", "CMSSW_8_0_DEVEL_X"])
def test_aDevelopmentBuildFromBeforePython3IsPython2(tmp_path, version):
    assert answer(ReleaseTree(tmp_path / "root", version)) == (2, 0, False)


def test_aDevelopersOwnProgramIsNoTwinOfTheReleasesCmsRun(tree, tmp_path):
    made = tree("CMSSW_12_2_0", selfNames=SELF_3)
    area = made.addArea(tmp_path / "area")
    os.chmod(write(os.path.join(area, "bin", made.arch, "cmsRunPython3"), "#!/bin/sh\nexec cmsRun\n"), 0o755)
    release = Release.fromArea(area)
    assert release.executable("cmsRunPython3") and release.cmsRunPython().major == 3
