"""Tests of Release/Release: where releases are found and what they offer."""
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Release.Release import Release, ReleaseNotFound
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.Release_t.ReleaseTrees import ARCHS, DATA, REAL_ROOT, ReleaseTree, write, writeProgram

ARCH = "slc7_amd64_gcc900"
# Section 4 of the layout: python 2, python 3 of the tools, SCRAM, cmsRun's python and the rung that tells, the twin.
SERIES = {"CMSSW_8_0_31": ((2, 7, 11), None, 2, 2, 2, False), "CMSSW_10_6_30": ((2, 7, 14), (3, 6, 4), 2, 2, 1, True),
          "CMSSW_12_0_0": ((2, 7, 15), (3, 9, 6), 3, 3, 3, False), "CMSSW_13_0_3": (None, (3, 9, 14), 3, 3, 2, False),
          "CMSSW_13_0_3_patch1": (None, (3, 9, 14), 3, 3, 2, False)}


def onNode(node, version):
    """Locate a release of the worker node through the environment a job has."""
    root = os.path.join(node.root, "cvmfs", "cms.cern.ch")
    return Release.locate(version, node.releases[version]["arch"], environ={"VO_CMS_SW_DIR": root})


def versionOf(python):
    """Give a python's version, None for no python."""
    return None if python is None else python.version


@pytest.mark.parametrize("version", sorted(SERIES))
def test_theReleasesOfTheNodeAnswerAsTheirSeriesDo(workerNode, version):
    python2, python3, scram, cmsRun, rung, twin = SERIES[version]
    release = onNode(workerNode, version)
    assert (versionOf(release.python(2)), versionOf(release.python(3)), release.scramMajor) == (python2, python3, scram)
    answer = release.cmsRunPython()
    assert (answer.major, answer.rung, answer.sure) == (cmsRun, rung, True)
    assert (release.executable("cmsRun") is not None, release.executable("cmsRunPython3") is not None) == (True, twin)
    assert (release.directory, release.notes) == (workerNode.releaseDirectory(version), ())
    for python in release.pythons():
        there = workerNode.releases[version]["pythons"][python.tool]["path"] is not None
        assert (python.exists, python.where) == ((True, "external") if there else (False, "missing"))
        assert python.base.startswith(workerNode.root) and python.reasons


@pytest.mark.parametrize("version", sorted(SERIES))
def test_theGivenManifestsAloneAnswerAsTheirSeriesDo(tmp_path, version):
    """Only config/ is there: the pythons are named and not found, and the manifests' absolute paths are moved."""
    python2, python3, _scram, cmsRun, rung, twin = SERIES[version]
    arch = ARCHS[version]
    tree = ReleaseTree(tmp_path / "root", version, arch, "cmssw-patch" if "patch" in version else "cmssw")
    selected = os.path.dirname(tree.selected("x"))
    shutil.copytree(os.path.join(DATA, version, arch), selected)
    shutil.copy(os.path.join(DATA, version, "Self.xml"), tree.path("config", "Self.xml"))
    tree.addProgram("cmsRun")
    if twin:
        tree.addProgram("cmsRunPython3")
    release = Release.locate(version, arch, roots=[tree.root])
    assert (versionOf(release.python(2)), versionOf(release.python(3))) == (python2, python3)
    assert not any(python.exists for python in release.pythons())
    assert all(python.base.startswith(REAL_ROOT) for python in release.pythons())
    answer = release.cmsRunPython()
    assert (answer.major, answer.rung, answer.sure) == (cmsRun, rung, True)
    tools, problems = release.manifests()
    assert problems == () and len(tools) == len(os.listdir(selected))


def test_aPatchReleaseTakesCmsRunFromItsBase(workerNode):
    release = onNode(workerNode, "CMSSW_13_0_3_patch1")
    base = onNode(workerNode, "CMSSW_13_0_3")
    assert release.base.version == "CMSSW_13_0_3" and release.base.base is None
    assert release.executable("cmsRun") == base.executable("cmsRun")
    own = os.path.join(release.directory, "bin", release.arch)
    assert release.binDirectories() == (own,) + base.binDirectories()
    assert release.executables() == base.executables()


def patchTree(tmp_path, manifest=True):
    """Give the trees of a base and its patch release; the manifest names /cvmfs/cms.cern.ch."""
    base = ReleaseTree(tmp_path / "root", "CMSSW_13_0_3", "el8_amd64_gcc12")
    patch = ReleaseTree(tmp_path / "root", "CMSSW_13_0_3_patch1", "el8_amd64_gcc12", "cmssw-patch")
    if manifest:
        patch.addManifest("cmssw", "CMSSW_13_0_3_patch1")
    base.addProgram("cmsRun")
    base.addProgram("edmFileUtil")
    return base, patch


def test_aBaseNamedByAnAbsolutePathIsFoundBelowTheReleasesOwnRootAndThatIsSaid(tmp_path):
    base, patch = patchTree(tmp_path)
    release = Release.locate(patch.version, patch.arch, roots=[patch.root])
    assert release.base.directory == base.directory
    assert any("below the release's own root" in note and REAL_ROOT in note for note in release.notes)


def test_anOwnProgramComesBeforeTheBases(tmp_path):
    base, patch = patchTree(tmp_path)
    own = patch.addProgram("cmsRun")
    release = Release.locate(patch.version, patch.arch, roots=[patch.root])
    assert release.executable("cmsRun") == own
    assert release.executables() == {"cmsRun": own, "edmFileUtil": base.path("bin", base.arch, "edmFileUtil")}


@pytest.mark.parametrize("spelled", ["{0}", "{0}/.", "{0}/../CMSSW_13_0_3_patch1", "{0}.link"])
def test_aPatchReleaseIsNotItsOwnBase(tmp_path, spelled):
    base, patch = patchTree(tmp_path, manifest=False)
    os.symlink(patch.directory, patch.directory + ".link")
    write(patch.selected("cmssw"), '<tool name="cmssw"><environment name="CMSSW_BASE" default="%s"/></tool>'
          % spelled.format(patch.directory))
    assert Release.locate(patch.version, patch.arch, roots=[patch.root]).base.directory == base.directory


@pytest.mark.parametrize("text", [None, "<tool", '<tool name="cmssw" version="1"/>',
                                  '<tool name="cmssw"><environment name="CMSSW_BASE" default="/gone/CMSSW_13_0_3"/></tool>'])
def test_withoutAUsableCmsswManifestTheBaseIsTheOneOfTheNameBesideIt(tmp_path, text):
    base, patch = patchTree(tmp_path, manifest=False)
    if text is not None:
        write(patch.selected("cmssw"), text)
    release = Release.locate(patch.version, patch.arch, roots=[patch.root])
    assert release.base.directory == base.directory
    assert bool([note for note in release.notes if "base" in note]) is (text in ("<tool",) or "gone" in (text or ""))


def test_aPatchReleaseWhoseBaseIsGoneStillAnswers(tmp_path):
    base, patch = patchTree(tmp_path)
    shutil.rmtree(base.directory)
    release = Release.locate(patch.version, patch.arch, roots=[patch.root])
    assert release.base is None and any(REAL_ROOT in note for note in release.notes)
    assert release.executable("cmsRun") is None and release.executables() == {}


def test_aBaseThatIsTheReleaseItselfIsNone(tmp_path):
    tree = ReleaseTree(tmp_path / "root", "CMSSW_13_0_3", "el8_amd64_gcc12")
    tree.addManifest("cmssw", "CMSSW_13_0_3_patch1", tree.root)
    assert Release.locate(tree.version, tree.arch, roots=[tree.root]).base is None


def test_aMissingReleaseNamesEveryPathTriedAndWhereElseItIs(tmp_path):
    ReleaseTree(tmp_path / "b", "CMSSW_12_0_0", ARCH)
    with pytest.raises(ReleaseNotFound) as caught:
        Release.locate("CMSSW_12_0_0", "el8_amd64_gcc12", roots=[str(tmp_path / "a"), str(tmp_path / "b")])
    error = caught.value
    assert error.code == 50513 and error.hint
    for root in "ab":
        for package in ("cmssw", "cmssw-patch"):
            assert str(tmp_path / root / "el8_amd64_gcc12" / "cms" / package / "CMSSW_12_0_0") in error.context
    assert "it is there for %s" % ARCH in error.context


@pytest.mark.parametrize("version, arch", [
    ("../../etc", ARCH), ("", ARCH), (None, ARCH), ("CMSSW_12_0_0", ".."), ("CMSSW_12_0_0", "a/b"), ("a\0b", ARCH), (7, ARCH),
    ("CMSSW_12_0_0\n", ARCH)])
def test_aNameThatIsNoNameIsNotLookedFor(tmp_path, version, arch):
    with pytest.raises(ReleaseNotFound) as caught:
        Release.locate(version, arch, roots=[str(tmp_path)])
    assert "is no name of" in caught.value.context


@pytest.mark.parametrize("environ", [{"VO_CMS_SW_DIR": "{0}"}, {"CVMFS": "{0}"}, {"CVMFS": "{1}"}, {"CMS_PATH": "{0}"},
                                     {"OSG_APP": "{2}"}, {"WMRUNTIME_CVMFS_ROOT": "{0}"}])
def test_theRootIsTheOneTheEnvironmentNames(tmp_path, environ):
    root = tmp_path / ("cmssoft/cms" if "OSG_APP" in environ else "cms.cern.ch")
    tree = ReleaseTree(root)
    environ = {name: value.format(root, tmp_path, tmp_path) for name, value in environ.items()}
    assert Release.locate(tree.version, tree.arch, environ=environ).directory == tree.directory


def test_withoutAnArchTheNewestOfThisCpuIsTakenAndTheOthersAreNamed(tmp_path):
    other, own = ("aarch64", "amd64") if platform.machine() == "x86_64" else ("amd64", platform.machine())
    for arch in ("slc7_%s_gcc900" % own, "el8_%s_gcc12" % own, "el9_%s_gcc13" % other):
        ReleaseTree(tmp_path, "CMSSW_12_4_0", arch)
    os.makedirs(str(tmp_path / "nonsense" / "cms" / "cmssw" / "CMSSW_12_4_0"))
    release = Release.locate("CMSSW_12_4_0", roots=[str(tmp_path)])
    assert release.arch == "el8_%s_gcc12" % own and len(release.notes) == 3
    with pytest.raises(ReleaseNotFound) as caught:
        Release.locate("CMSSW_12_4_1", roots=[str(tmp_path)])
    assert str(tmp_path) in caught.value.context


@pytest.fixture
def tree(tmp_path):
    """Give a release with both pythons, the real ones of 12_0_0."""
    made = ReleaseTree(tmp_path / "root")
    for tool in ("python", "python3", "py3-pip"):
        made.addManifest(tool, "CMSSW_12_0_0", made.root)
    made.addProgram("cmsRun")
    return made


def test_theEnvironmentOfADevelopersAreaNamesReleaseAndArea(tree, tmp_path):
    area = tree.addArea(tmp_path / "work" / tree.version)
    release = Release.fromEnvironment({"CMSSW_BASE": area, "CMSSW_RELEASE_BASE": tree.directory, "CMSSW_VERSION": tree.version,
                                       "SCRAMRT_SET": "CMSSW:%s:%s:V3_00_30:SRT_" % (tree.version, tree.arch),
                                       "SCRAM_ARCH": "el9_amd64_gcc13"})
    assert (release.directory, release.area, release.arch) == (tree.directory, area, tree.arch)
    assert release.root == tree.root


def test_cmsenvInsideTheReleaseLeavesReleaseBaseEmpty(tree):
    release = Release.fromEnvironment({"CMSSW_BASE": tree.directory, "CMSSW_RELEASE_BASE": "", "SCRAM_ARCH": tree.arch})
    assert (release.directory, release.area, release.version) == (tree.directory, None, "CMSSW_12_0_0")
    assert release.executable("cmsRun") == tree.path("bin", tree.arch, "cmsRun")


def test_withoutAWordOnTheArchTheReleasesOnlyOneIsTaken(tree):
    assert Release.fromEnvironment({"CMSSW_RELEASE_BASE": tree.directory}).arch == tree.arch


def test_theFullReleaseOfTheEnvironmentIsTheBaseWhenNoManifestNamesOne(tmp_path):
    base, patch = patchTree(tmp_path, manifest=False)
    moved = str(tmp_path / "elsewhere" / base.version)
    shutil.copytree(base.directory, moved)
    release = Release.fromEnvironment({"CMSSW_RELEASE_BASE": patch.directory, "CMSSW_FULL_RELEASE_BASE": moved,
                                       "SCRAM_ARCH": patch.arch})
    assert release.base.directory == moved


def test_aFullReleaseTakesNoBaseFromWhatAnotherReleaseLeftInTheEnvironment(tree, tmp_path):
    other = ReleaseTree(tmp_path / "root", "CMSSW_11_0_0")
    other.addProgram("cmsRunPython3")
    release = Release.fromEnvironment({"CMSSW_RELEASE_BASE": tree.directory, "CMSSW_FULL_RELEASE_BASE": other.directory,
                                       "SCRAM_ARCH": tree.arch})
    assert release.base is None and release.executable("cmsRunPython3") is None


@pytest.mark.parametrize("environ", [{}, {"CMSSW_BASE": "", "CMSSW_RELEASE_BASE": ""}, {"CMSSW_RELEASE_BASE": "/gone/CMSSW_1_1_1"}])
def test_anEnvironmentWithoutAReleaseIsAnError(environ):
    with pytest.raises(ReleaseNotFound):
        Release.fromEnvironment(environ)


def test_aReleaseForNoKnownArchIsAnError(tmp_path):
    with pytest.raises(ReleaseNotFound) as caught:
        Release.fromEnvironment({"CMSSW_RELEASE_BASE": str(tmp_path)})
    assert "which arch" in caught.value.context


def test_anAreasReleaseIsTheOneScramWroteDown(tree, tmp_path):
    area = tree.addArea(tmp_path / "area")
    own = writeProgram(os.path.join(area, "bin", tree.arch, "myProgram"))
    release = Release.fromArea(area)
    assert (release.directory, release.version, release.area) == (tree.directory, tree.version, area)
    assert release.executable("myProgram") == own
    shutil.rmtree(tree.directory)
    with pytest.raises(ReleaseNotFound) as caught:
        Release.fromArea(area)
    assert tree.directory in caught.value.context
    with pytest.raises(ReleaseNotFound):
        Release.fromArea(str(tmp_path / "nothing"))


def test_anAreasOwnManifestsComeBeforeTheReleases(tree, tmp_path):
    area = tree.addArea(tmp_path / "area")
    selected = os.path.join(area, "config", "toolbox", tree.arch, "tools", "selected")
    write(os.path.join(selected, "python3.xml"), '<tool name="python3" version="3.11.1-mine"><client><environment '
          'name="PYTHON3_BASE" default="$LOCALTOP/mine"/></client></tool>')
    os.remove(os.path.join(selected, "python.xml"))
    program = writeProgram(os.path.join(area, "mine", "bin", "python3.11"))
    release = Release.fromArea(area)
    python = release.python(3)
    assert (python.version, python.path, python.where) == ((3, 11, 1), program, "base")
    assert release.python(2) is None and release.toolbox() == selected
    shutil.rmtree(selected)
    assert Release.fromArea(area).python(3).version == (3, 9, 6)


def test_anAreasOwnProgramComesFirstAndItsCopyOfTheBasesManifestCountsForNothing(tmp_path):
    base, patch = patchTree(tmp_path)
    area = patch.addArea(tmp_path / "area")
    write(os.path.join(area, "config", "toolbox", patch.arch, "tools", "selected", "cmssw.xml"), "<tool")
    own = writeProgram(os.path.join(area, "bin", patch.arch, "edmFileUtil"))
    patch.addProgram("edmFileUtil")
    release = Release.fromArea(area)
    assert release.base.directory == base.directory and not any("unknown" in note for note in release.notes)
    assert release.executable("edmFileUtil") == own == release.executables()["edmFileUtil"]


def test_aDanglingLinkIsSaidAndTheToolsOwnDirectoryTriedNext(tree):
    link = tree.addLink("python3.9", "../../../../../../external/python3/gone/bin/python3.9")
    release = Release.locate(tree.version, tree.arch, roots=[tree.root])
    python = release.python(3)
    assert (python.exists, python.path, python.where) == (False, link, "missing")
    assert any("dangling" in reason and "gone" in reason for reason in python.reasons)
    program = writeProgram(os.path.join(python.base, "bin", "python3"))
    python = release.python(3)
    assert (python.exists, python.path, python.where) == (True, program, "base")


def test_whatAManifestNamesByARelativePathIsNotLookedForWhereTheJobHappensToBe(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(str(tmp_path))
    writeProgram(str(tmp_path / "here" / "bin" / "python3"))
    write(tree.selected("python3"), '<tool name="python3" version="3.9.6"><environment name="PYTHON3_BASE" value="here"/></tool>')
    write(tree.selected("cmssw"), '<tool name="cmssw"><environment name="CMSSW_BASE" value="here"/></tool>')
    release = Release.locate(tree.version, tree.arch, roots=[tree.root])
    assert release.base is None and any("no absolute path" in note for note in release.notes)
    python = release.python(3)
    assert (python.exists, python.where) == (False, "missing") and os.path.isabs(python.path)
    assert any("no absolute path" in reason for reason in python.reasons)


def test_theLinkInExternalIsPreferredToTheToolsOwnDirectory(tree):
    release = Release.locate(tree.version, tree.arch, roots=[tree.root])
    base = release.python(2).base
    writeProgram(os.path.join(base, "bin", "python2.7"))
    link = tree.addLink("python2.7", os.path.join(base, "bin", "python2.7"))
    assert (release.python(2).path, release.python(2).where) == (link, "external")


def test_aPythonWhoseManifestIsBrokenIsFoundByItsLinkAndTheErrorKept(tree):
    write(tree.selected("python3"), "<tool")
    program = writeProgram(os.path.join(tree.root, "external", "python3.9"))
    link = tree.addLink("python3.9", program)
    python = Release.locate(tree.version, tree.arch, roots=[tree.root]).python(3)
    assert (python.tool, python.version, python.path, python.exists) == ("python3", (3, 9), link, True)
    assert any("cannot be used" in reason for reason in python.reasons)


def test_aManifestAboutAnotherToolSaysNothingOfThisOne(tree):
    with open(tree.selected("python")) as handle:
        write(tree.selected("python3"), handle.read())
    python = Release.locate(tree.version, tree.arch, roots=[tree.root]).python(3)
    assert (python.tool, python.version, python.base, python.exists) == ("python3", (), None, False)
    assert any("is about the tool python" in reason for reason in python.reasons)


def test_withoutManifestsTheNewestLinkThatLeadsToAPythonIsTaken(tmp_path):
    made = ReleaseTree(tmp_path / "root")
    made.addLink("python3.10", "../gone/python3.10")
    for name in ("python3.9", "python3.8", "python3"):
        link = made.addLink(name, writeProgram(str(tmp_path / name)))
    python = Release.locate(made.version, made.arch, roots=[made.root]).python(3)
    assert (python.version, python.path, python.exists) == ((3, 9), link + ".9", True)
    assert any("dangling" in reason and "3.10" in reason for reason in python.reasons)


def test_withoutManifestsThePythonsOfExternalAreListedAndThatIsNoted(tmp_path):
    made = ReleaseTree(tmp_path / "root")
    made.addLink("python3.9", writeProgram(str(tmp_path / "python3.9")))
    made.addLink("python3-config", str(tmp_path / "python3.9"))
    release = Release.locate(made.version, made.arch, roots=[made.root])
    assert [(python.tool, python.major, python.version, python.exists) for python in release.pythons()] \
        == [("", 3, (3, 9), True)]
    assert any("no tool manifests" in note for note in release.notes)
    assert release.manifests() == ({}, ()) and release.manifest("python3") is None


@pytest.mark.parametrize("text, cache, major", [("V3_00_30\n", None, 3), ("V2_2_9_pre04", None, 2), ("V1_0_3", None, 2),
                                                ("", "tools/python3", 3), ("odd", "ToolCache.db.gz", 2), (None, None, None)])
def test_theScramVersionIsTheOneWrittenDownElseTheOneWhoseFilesAreThere(tmp_path, text, cache, major):
    made = ReleaseTree(tmp_path / "root")
    if text is not None:
        write(made.path("config", "scram_version"), text)
    if cache is not None:
        write(made.path(".SCRAM", made.arch, cache), "")
    assert Release.locate(made.version, made.arch, roots=[made.root]).scramMajor == major


@pytest.mark.parametrize("name", ["../cmsRun", "", "/bin/sh", None, "a\0b", ".hidden"])
def test_whatIsNoBareNameIsNoExecutable(tree, name):
    assert Release.locate(tree.version, tree.arch, roots=[tree.root]).executable(name) is None


def test_aFileThatMayNotBeExecutedIsNoExecutable(tree):
    write(tree.path("bin", tree.arch, "notes"), "text")
    os.makedirs(tree.path("bin", tree.arch, "folder"))
    # As a shell runs it, an empty file succeeds without having done anything.
    os.chmod(write(tree.path("bin", tree.arch, "empty"), b""), 0o755)
    os.symlink("gone", tree.path("bin", tree.arch, "dangling"))
    release = Release.locate(tree.version, tree.arch, roots=[tree.root])
    assert release.executables() == {"cmsRun": tree.path("bin", tree.arch, "cmsRun")}
    assert not any(release.executable(name) for name in ("notes", "folder", "dangling", "empty"))


def test_whyAPythonCannotBeExecutedIsSaid(tree):
    link = tree.addLink("python3.9", "python3.9")
    for spoil, reason in ((lambda: None, "dangling link"), (lambda: os.makedirs(link), "is a directory"),
                          (lambda: os.rmdir(link) or os.chmod(write(link, b""), 0o755), "is empty"),
                          (lambda: os.chmod(write(link, b"#!"), 0o644), "may not be executed")):
        if os.path.islink(link) and reason != "dangling link":
            os.remove(link)
        spoil()
        python = Release.locate(tree.version, tree.arch, roots=[tree.root]).python(3)
        assert (python.exists, python.path) == (False, link)
        assert any(reason in text for text in python.reasons), python.reasons


ALONE = """
import pkgutil, sys
import WMCore.WMRuntime.Release
for found in pkgutil.iter_modules(WMCore.WMRuntime.Release.__path__):
    __import__("WMCore.WMRuntime.Release." + found[1])
from WMCore.WMRuntime.Release.Release import Release
print(Release.locate(sys.argv[2], roots=[sys.argv[3]]).cmsRunPython().major)
for name, module in sorted(sys.modules.items()):
    path = getattr(module, "__file__", None) or ""
    if name.startswith("WMCore") and path and not path.startswith(sys.argv[1]):
        print("not ours: %s" % path)
"""


def test_nothingOfWMCoreIsNeededAndAZipWillDo(tree, tmp_path, sourceTree):
    archive = str(tmp_path / "WMCore.zip")
    with zipfile.ZipFile(archive, "w") as packed:
        for folder, _folders, names in os.walk(os.path.join(sourceTree, "WMCore")):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith(".py"):
                    packed.write(path, os.path.relpath(path, sourceTree))
    os.remove(tree.selected("python"))
    for place in (sourceTree, archive):
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        out = subprocess.check_output([sys.executable, "-c", ALONE, place, tree.version, tree.root], env=environ, cwd=str(tmp_path))
        assert out == b"3\n"


# ---- Random releases: the plan says what is there, and the answer has to follow from the plan alone ---------------

VERSIONS = {"python": (2, 7, 15), "python3": (3, 9, 6)}
LINKS = {2: ("python2", "python2.7"), 3: ("python3", "python3.9", "python3.999")}
STATE = st.sampled_from(["no", "whole", "whole", "installed", "broken", "odd", "dangling"])
LINK = st.sampled_from(["no", "no", "whole", "dangling", "directory", "loop", "empty"])
RELEASES = st.fixed_dictionaries({
    "version": st.sampled_from(["CMSSW_12_2_0", "CMSSW_12_0_0", "CMSSW_8_0_31", "CMSSW_12_0_0_pre2", "CMSSW_12_0_0_pre4",
                                "CMSSW_13_0_3_patch1", "CMSSW_nightly", "CMSSW_11_1_0_pre5_PY3",
                                "CMSSW_12_0_DEVEL_X_2021-07-07-1100"]),
    "python": STATE, "python3": st.one_of(STATE, st.just("misnamed")), "self": st.sampled_from(["no", "broken", "2", "both", "3"]),
    "links": st.fixed_dictionaries({name: LINK for name in ("python", "pip3") + LINKS[2] + LINKS[3]}),
    "programs": st.dictionaries(st.sampled_from(["cmsRun", "cmsRunPython3", "edmDumpEventContent"]),
                                st.sampled_from(["whole", "unreadable", "empty"])),
    "base": st.sampled_from(["no", "beside", "named", "gone"]), "area": st.booleans(),
    "scram": st.sampled_from([None, "V2_2_9_pre04", "V3_00_30"]),
    "library": st.sampled_from([None, ("libpython2.7.so.1.0",), ("libpython3.9.so.1.0",), (), b"\x7fELF", b""])})


def spoilt(path, kind):
    """Put something at a path: a program, or what looks like one and is none."""
    if kind in ("dangling", "loop"):
        os.symlink("gone" if kind == "dangling" else os.path.basename(path), path)
    elif kind == "directory":
        os.makedirs(path)
    elif kind != "no":
        write(path, b"" if kind == "empty" else "#!/bin/sh\n")
        os.chmod(path, 0o644 if kind == "unreadable" else 0o755)


def build(root, plan):
    """Lay a random release out."""
    made = ReleaseTree(os.path.join(root, "cvmfs"), plan["version"])
    for tool, numbers in VERSIONS.items():
        path, kind = made.selected(tool), plan[tool]
        if kind in ("whole", "installed"):
            made.addManifest(tool, "CMSSW_12_0_0", made.root)
        elif kind == "misnamed":
            write(path, '<tool name="root" version="3.8.2"><environment name="ROOT_BASE" default="/usr"/></tool>')
        elif kind == "broken":
            write(path, b"<tool name='\xff")
        elif kind == "odd":
            write(path, '<tool name="%s" version="none"><environment name="%s_BASE" default="\u00fc/$NO"/></tool>'
                  % (tool, tool.upper()))
        elif kind == "dangling":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink("../available/%s.xml" % tool, path)
        if kind == "installed":
            writeProgram(os.path.join(installed(made, tool), "python%d.%d" % numbers[:2]))
    if plan["self"] == "broken":
        write(made.path("config", "Self.xml"), "<tool")
    elif plan["self"] != "no":
        made.addSelf(*{"2": ["PYTHON27PATH"], "both": ["PYTHON27PATH", "PYTHON3PATH"], "3": ["PYTHON3PATH"]}[plan["self"]])
    for folder, things in ((("external", made.arch, "bin"), plan["links"]), (("bin", made.arch), plan["programs"])):
        os.makedirs(made.path(*folder))
        for name, kind in things.items():
            spoilt(made.path(*folder + (name,)), kind)
    if plan["scram"]:
        write(made.path("config", "scram_version"), plan["scram"] + "\n")
    if plan["base"] in ("beside", "named"):
        place = os.path.join(root, "cvmfs" if plan["base"] == "beside" else "elsewhere")
        writeProgram(ReleaseTree(place, "CMSSW_13_0_3").path("bin", made.arch, "cmsRun"))
    if plan["base"] in ("named", "gone"):
        write(made.selected("cmssw"), '<tool name="cmssw"><environment name="CMSSW_BASE" value="%s"/></tool>'
              % os.path.join(root, "elsewhere", made.arch, "cms", "cmssw", "CMSSW_13_0_3"))
    if isinstance(plan["library"], bytes):
        write(made.path("lib", made.arch, "libFWCorePythonParameterSet.so"), plan["library"])
    elif plan["library"] is not None:
        made.addLibrary(*plan["library"])
    return made


def installed(made, tool):
    """Give the bin directory that the real manifest of a tool of 12_0_0 names, below the tree's root."""
    folder = {"python": "2.7.15-68774c5c3e8988df74a2c2c5bb5077eb", "python3": "3.9.6-c52f5b3ce3a6d6e62a854ac16bea85df"}[tool]
    return os.path.join(made.root, made.arch, "external", tool, folder, "bin")


def expectedPython(made, plan, tool):
    """Work out from the plan (tool, version, exists, where, path) of a python; None for none, path None for any."""
    major, state = VERSIONS[tool][0], plan[tool]
    there = [name for name in LINKS[major] if plan["links"][name] != "no"]
    if state == "no" and not there:
        return None
    spoken = {name: tuple(int(part) for part in name[len("python"):].split(".")) for name in there}
    if state in ("whole", "installed"):
        version, names = VERSIONS[tool], ["python%d.%d" % VERSIONS[tool][:2], "python%d" % major]
    elif state == "odd":
        version, names = (), ["python%d" % major]
    else:
        version, names = max(spoken.values(), default=()), sorted(there, key=spoken.get, reverse=True)
    for name in names + ["python"] * (major == 2):
        if plan["links"].get(name) == "whole":
            taken = version if state in ("whole", "installed", "odd") else spoken.get(name, version)
            return tool if state != "no" else "", taken, True, "external", made.path("external", made.arch, "bin", name)
    if state == "installed":
        return tool, version, True, "base", os.path.join(installed(made, tool), "python%d.%d" % version[:2])
    return tool if state != "no" else "", version, False, "missing", None


def expectedPrograms(made, plan, root):
    """Work out from the plan the executables, a dict of name to path, and the base's directory."""
    base = None
    if plan["base"] == "named" or (plan["base"] == "beside" and made.version == "CMSSW_13_0_3_patch1"):
        base = os.path.join(root, "elsewhere" if plan["base"] == "named" else "cvmfs", made.arch, "cms", "cmssw", "CMSSW_13_0_3")
    programs = {"cmsRun": os.path.join(base, "bin", made.arch, "cmsRun")} if base else {}
    programs.update({name: made.path("bin", made.arch, name) for name, kind in plan["programs"].items() if kind == "whole"})
    return programs, base


def expectedAnswer(plan, pythons):
    """Work out from the plan what python cmsRun has: (major, rung, sure)."""
    version, twin = plan["version"], plan["programs"].get("cmsRunPython3") == "whole"
    special = "PY3" in version or "DEVEL" in version
    doubtful = special or version in ("CMSSW_12_0_0", "CMSSW_12_0_0_pre4", "CMSSW_nightly")
    tools = [tool for tool in VERSIONS if plan[tool] != "no"]
    seen = []  # (major, rung, sure) of each rung that says something
    if twin and tools != ["python3"]:
        seen.append((2, 1, not doubtful))
    if len(tools) == 1:
        seen.append((VERSIONS[tools[0]][0], 2, True))
    elif not tools and len(pythons) == 1:
        seen.append((pythons[0], 2, False))
    if plan["self"] == "3":
        seen.append((3, 3, True))
    elif plan["self"] in ("2", "both"):
        seen.append((2, 3, not doubtful))
    if isinstance(plan["library"], tuple) and plan["library"]:
        seen.append((int(plan["library"][0][len("libpython")]), 4, True))
    sure = [answer for answer in seen if answer[2]]
    if sure:
        return sure[0]
    isPython3ByName = special or version == "CMSSW_12_0_0"
    if isPython3ByName and (3 in pythons or not seen):
        return 3, 0, False
    if seen:
        return seen[0]
    return {"CMSSW_8_0_31": 2, "CMSSW_12_0_0_pre2": 2, "CMSSW_12_2_0": 3, "CMSSW_13_0_3_patch1": 3}.get(version), 0, False


@settings(max_examples=examples(200), deadline=None)
@given(RELEASES)
def test_aRandomReleaseAnswersFromWhatIsThereAndNeverRaises(plan):
    with tempfile.TemporaryDirectory() as root:
        made = build(root, plan)
        release = Release.locate(made.version, made.arch, roots=[made.root])
        if plan["area"] and os.path.isdir(made.path("config")):
            shutil.copytree(made.path("config"), os.path.join(root, "area", "config"), symlinks=True)
            write(os.path.join(root, "area", ".SCRAM", made.arch, "Environment"), "RELEASETOP=%s\n" % made.directory)
            release = Release.fromArea(os.path.join(root, "area"))
        found = {python.major: python for python in release.pythons()}
        for tool, numbers in VERSIONS.items():
            python, wanted = found.get(numbers[0]), expectedPython(made, plan, tool)
            assert (python is None) == (wanted is None)
            if wanted:
                assert (python.tool, python.version, python.exists, python.where) == wanted[:4] and python.reasons
                assert python.path == wanted[4] or (wanted[4] is None and os.path.isabs(python.path))
        programs, base = expectedPrograms(made, plan, root)
        assert (release.executables(), release.base and release.base.directory) == (programs, base)
        for name in ("cmsRun", "cmsRunPython3", "nothing"):
            assert release.executable(name) == programs.get(name)
        answer = release.cmsRunPython()
        assert (answer.major, answer.rung, answer.sure) == expectedAnswer(plan, sorted(found)) and answer.reasons
        assert release.scramMajor == (int(plan["scram"][1]) if plan["scram"] else None)
        tools, problems = release.manifests()
        cmssw = plan["base"] in ("named", "gone")
        assert len(tools) == sum(plan[tool] in ("whole", "installed", "odd", "misnamed") for tool in VERSIONS) + cmssw
        assert len(problems) == sum(plan[tool] in ("broken", "dangling") for tool in VERSIONS)
