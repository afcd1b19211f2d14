"""
Test what a built area is made of, with a python and wheels of a few lines; RealArea_t builds real ones.
"""
import os
import stat

import attr
import pytest

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaArchive import writeAreaArchive
from WMCore.WMRuntime.Publishing.AreaBuilder import OlderPythons, buildArea
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import copyOf, smallRequest, snapshot

PYTHON = "external/python3/3.9.18-wm1"


def build(tmp_path, name="area", number=1, older=OlderPythons(), **changes):
    (tmp_path / name).mkdir()
    (tmp_path / (name + "-input")).mkdir()
    return buildArea(smallRequest(tmp_path / (name + "-input"), **changes), number, str(tmp_path / name), older)


def test_theLayoutIsTheOneEverybodyFinds(tmp_path):
    area = tmp_path / "area"
    build(tmp_path)
    assert sorted(os.listdir(str(area))) == ["LICENCES.txt", "external", "manifest.json"]
    assert os.access(str(area / PYTHON / "bin/python3"), os.X_OK) and not (area / PYTHON / "bin/python").exists()
    assert (area / "external/py3-attrs/25.3.0/lib/python3.9/site-packages/attr/__init__.py").is_file()
    assert (area / "external/py3-attrs/25.3.0/etc/profile.d/init.sh").is_file()
    found = AreaVersions.read(str(area / "external/python3"))
    assert (found.default, found.problem, found.ignored) == ("3.9.18-wm1", "", ())


def test_testSuitesAndWhatTheMachineHooksInStayBehind(tmp_path):
    build(tmp_path)
    paths = list(snapshot(tmp_path / "area"))
    assert PYTHON + "/lib/python3.9/json/__init__.py" in paths
    for word in ("test", "tkinter", "idlelib", "turtle", "ensurepip", ".a", "pip", ".pth", "pycache", "customize", "RECORD"):
        assert not [path for path in paths if path.endswith(word) or "/%s" % word in path], word


def test_theManifestTellsEachFile(tmp_path):
    built = build(tmp_path)
    manifest = loadManifest(str(tmp_path / "area"))
    assert manifest == built.manifest and manifest.files == scanFiles(str(tmp_path / "area"))
    assert (manifest.name, manifest.build, manifest.pythonDirectory) == (built.manifest.name, 1, PYTHON)
    assert [one.name for one in manifest.libraries] == ["attrs", "packaging", "future", "psutil", "lxml"]
    assert not manifest.layoutOnly and manifest.glibc == "" and built.warnings == ()


def test_theSameInputGivesTheSameBytesWhereverAndWhenever(tmp_path):
    first = build(tmp_path)
    before = os.umask(0o077)
    try:
        (tmp_path / "else where").mkdir(mode=0o755)
        second = build(tmp_path / "else where", "other")
    finally:
        os.umask(before)
    assert snapshot(tmp_path / "area") == snapshot(tmp_path / "else where" / "other")
    archives = [tmp_path / "one.tar.xz", tmp_path / "two.tar.xz"]
    for area, path in zip((first, second), archives):
        writeAreaArchive(area, str(path))
    assert archives[0].read_bytes() == archives[1].read_bytes() and not list(tmp_path.glob("*.tmp-*"))


def test_anotherBuildIsNewerForAWrapperThatLooksAtTimes(tmp_path):
    times = [os.stat(os.path.join(build(tmp_path, "area%d" % number, number).directory, "external", "python3",
                                  "3.9.18-wm%d" % number, "etc", "profile.d", "init.sh")).st_mtime for number in (1, 2)]
    assert times[0] < times[1]


def test_everyFileIsReadableAndDirectoriesAreOpen(tmp_path):
    before = os.umask(0o077)
    try:
        build(tmp_path)
    finally:
        os.umask(before)
    for path, (mode, _time, _content) in snapshot(tmp_path / "area").items():
        wanted = (0o777,) if stat.S_ISLNK(mode) else (0o755,) if stat.S_ISDIR(mode) else (0o644, 0o755)
        assert stat.S_IMODE(mode) in wanted, path


def test_licencesNamePartsAndTheirTexts(tmp_path):
    build(tmp_path)
    text = (tmp_path / "area/LICENCES.txt").read_text()
    for part in ("python 3.9.18: PSF-2.0", PYTHON + "/lib/python3.9/LICENSE.txt", "attrs 25.3.0: MIT",
                 "attrs-25.3.0.dist-info/LICENSE"):
        assert part in text
    assert all((tmp_path / "area" / line.strip()).is_file() for line in text.splitlines() if line.startswith("    "))


def test_aForeignCpuGetsItsLayoutAndSaysSo(tmp_path):
    built = build(tmp_path, cpu="ppc64le", prefix=None)
    manifest = loadManifest(str(tmp_path / "area"))
    assert manifest.layoutOnly and built.manifest == manifest and manifest.pythonVersion == "3.9.18"
    assert not (tmp_path / "area/external/python3").exists()
    assert (tmp_path / "area/external/py3-attrs/25.3.0/lib/python3.9/site-packages/attr").is_dir()


def test_aForeignCpuWithAnInterpreterIsRefused(tmp_path):
    with pytest.raises(WMRuntimeError, match="cannot be built here(.|\n)*--layout-only"):
        build(tmp_path, cpu="s390x")


def test_aNeededLibraryWithoutAWheelIsAnErrorOneThatHelpsIsTold(tmp_path):
    built = build(tmp_path, without=("lxml",))
    assert [text[:13] for text in built.warnings] == ["without lxml:"] and "rhel9" in built.warnings[0]
    with pytest.raises(WMRuntimeError, match="no wheel of attrs for python 3.9 on rhel9"):
        build(tmp_path, "second", without=("attrs",))


def test_aPythonCompiledOnANewerSystemIsToldOf(tmp_path):
    (tmp_path / "first").mkdir()
    request = smallRequest(tmp_path / "first")
    with open(request.prefix.executable, "a") as handle:
        handle.write("exit\n\0GLIBC_2.17\0GLIBC_2.9\0GLIBC_2.3.4\0xGLIBC_2.40\0GLIBC_2.34\0GLIBC_PRIVATE\0")
    for system, warned in (("rhel9", False), ("rhel8", True)):
        (tmp_path / system).mkdir()
        built = buildArea(attr.evolve(request, system=system), 1, str(tmp_path / system))
        assert built.manifest.glibc == "2.34" and any("glibc 2.34, rhel8 has 2.28" in text
                                                      for text in built.warnings) == warned


def test_aPythonThatIsAnotherThanItShouldBeMakesNoArea(tmp_path):
    with pytest.raises(WMRuntimeError, match="expected python 3.8.1 of .*3.8.1-wm1, found 3.9.18"):
        build(tmp_path, version="3.8.1")


def test_otherPythonsAreOfferedBesideTheOwn(tmp_path):
    older = {"3.8.18-wm1": "../../../%s-1/external/python3/3.8.18-wm1" % "rhel9_x86_64"}
    build(tmp_path, number=2, older=OlderPythons(older, "3.8.18-wm1"))
    python3 = tmp_path / "area/external/python3"
    assert os.readlink(str(python3 / "3.8.18-wm1")) == older["3.8.18-wm1"]
    assert (python3 / "default").read_text() == "3.8.18-wm1\n"
    assert loadManifest(str(tmp_path / "area")).files["external/python3/3.8.18-wm1"].link == older["3.8.18-wm1"]


def test_anAreaThatWasMovedIsStillWhole(tmp_path):
    build(tmp_path)
    moved = copyOf(tmp_path / "area", tmp_path / "new name")
    assert loadManifest(moved).files == scanFiles(moved)
