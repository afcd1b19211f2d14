"""Tests of WheelPlan: which wheels travel, and that the sandbox holds them."""
import json
import logging
import os
import shutil
import subprocess
import tarfile

import attr
import pytest
from packaging.specifiers import SpecifierSet
from WMCore_t.WMRuntime_t.Environment_t.Wheels import makeBinaryWheel, makeWheel, makeWheelhouse

from WMCore.WMRuntime.Environment.AreaManifest import AreaLibrary, AreaManifest, manifestText
from WMCore.WMRuntime.Environment.Description import LibraryNeeds, VersionRow, loadDescription
from WMCore.WMRuntime.Environment.WheelIndex import loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelPlan import areaPythons, planForSandbox, planWheels, targetsOfArchs

PURE = "probe-1.0-py3-none-any.whl"
SPEED39, SPEED311 = ["speed-1.0-cp%d-cp%d-manylinux2014_x86_64.whl" % (tag, tag) for tag in (39, 311)]


def library(name, versions=">=1"):
    """Describe one library."""
    return LibraryNeeds(name, (name,), "helps", True, "for tests",
                        (VersionRow(SpecifierSet(">=3.6"), SpecifierSet(versions), "1.0"),), "MIT")


@pytest.fixture
def description():
    """Describe two libraries: probe is pure, speed is not."""
    return attr.evolve(loadDescription(), libraries=(library("probe"), library("speed")))


@pytest.fixture
def house(tmp_path):
    """Give a directory of collected wheels."""
    place = tmp_path / "house"
    makeWheelhouse(place, [makeWheel(place, "probe")] + [
        makeBinaryWheel(place, "speed", tags="cp%d-cp%d-manylinux2014_x86_64" % (tag, tag)) for tag in (39, 311)])
    return str(place)


def makeArea(root, version="3.9.18", libraries=None, path="COMP", system="rhel8"):
    """Make the little of an area that is read: a version directory, and a manifest when libraries are given."""
    area = os.path.join(str(root), path, system + "_x86_64")
    os.makedirs(os.path.join(area, "external", "python3", version + "-wm1"))
    if libraries is not None:
        manifest = AreaManifest(system, "x86_64", 1, "0" * 64, version, "external/python3/%s-wm1" % version, [
            AreaLibrary(name, number, "external/py3-%s/%s" % (name, number), (name,), True, "MIT")
            for name, number in libraries.items()])
        with open(os.path.join(area, "manifest.json"), "w") as handle:
            handle.write(manifestText(manifest))
    return area


def planned(house, description, root, carried=None, archs=("el8_amd64_gcc12",)):
    """Give the files of a plan."""
    plan = planWheels(house, description, targetsOfArchs(archs, description), [str(root)], carried)
    return [entry.file for entry in plan.wheels]


def testWithoutAnAreaEveryPythonOfTheSystemIsProvidedFor(tmp_path, house, description):
    assert planned(house, description, tmp_path) == [PURE, SPEED311, SPEED39]


def testAnAreaWithoutManifestHasOnePythonAndNoLibraries(tmp_path, house, description):
    makeArea(tmp_path)
    assert planned(house, description, tmp_path) == [PURE, SPEED39]


def testWhatTheAreasManifestListsIsNotSent(tmp_path, house, description):
    makeArea(tmp_path, "3.11.7", {"speed": "1.2"})
    assert planned(house, description, tmp_path) == [PURE]


def testAnAreasLibraryInAVersionThatWillNotDoIsSent(tmp_path, house, description):
    makeArea(tmp_path, "3.11.7", {"probe": "1.2", "speed": "0.9"})
    assert planned(house, description, tmp_path) == [SPEED311]


def testTheRuntimesOwnAreaCountsBeforeComp(tmp_path, house, description):
    makeArea(tmp_path, "3.9.18", {"probe": "1.0", "speed": "1.0"}, "WMRuntime")
    makeArea(tmp_path, "3.11.7")
    assert planned(house, description, tmp_path) == []


def testTheAreasDefaultFileSaysWhichPythonJobsGet(tmp_path, house, description):
    area = makeArea(tmp_path, "3.9.18")
    os.makedirs(os.path.join(area, "external", "python3", "3.11.7-wm1"))
    assert areaPythons(description.system("rhel8"), "x86_64", description, [str(tmp_path)]).pythons == ((3, 11),)
    with open(os.path.join(area, "external", "python3", "default"), "w") as handle:
        handle.write("3.9.18-wm1\n")
    assert areaPythons(description.system("rhel8"), "x86_64", description, [str(tmp_path)]).pythons == ((3, 9),)


@pytest.mark.parametrize("pin, pythons, libraries", [
    ("", ((3, 11),), {"probe": "1.0"}), ("3.11.7-wm1", ((3, 11),), {"probe": "1.0"}), ("3.9", ((3, 9),), {}),
    ("3.12.1-wm2", ((3, 12),), {}), ("3.99", (), {})])
def testThePythonThatTheSandboxPinsIsTheOneProvidedFor(tmp_path, description, pin, pythons, libraries):
    area = makeArea(tmp_path, "3.11.7", {"probe": "1.0"})
    os.makedirs(os.path.join(area, "external", "python3", "3.9.18-comp"))
    found = areaPythons(description.system("rhel8"), "x86_64", description, [str(tmp_path)], pin)
    assert (found.pythons, found.libraries) == (pythons, libraries)


def pythonsOf(description, roots, system="rhel8", pin=""):
    """Say which pythons and libraries jobs of a system get, and how that is known."""
    found = areaPythons(description.system(system), "x86_64", description, [str(root) for root in roots], pin)
    return found.pythons, found.libraries, found.source


def testThePythonOfTheDefaultFileCountsAndNotTheManifests(tmp_path, description):
    area = makeArea(tmp_path, "3.11.7", {"probe": "1.0"})
    os.makedirs(os.path.join(area, "external", "python3", "3.9.18-comp"))
    with open(os.path.join(area, "external", "python3", "default"), "w") as handle:
        handle.write("3.9.18-comp\n")
    assert pythonsOf(description, [tmp_path])[:2] == (((3, 9),), {})
    assert pythonsOf(description, [tmp_path], pin="3.11")[:2] == (((3, 11),), {"probe": "1.0"})


def testAPythonThatWasKeptHasTheLibrariesOfItsOwnBuild(tmp_path, description):
    older = makeArea(tmp_path, "3.9.18", {"probe": "1.0"}, path="builds")
    area = makeArea(tmp_path, "3.11.7", {"speed": "1.0"})
    python3 = os.path.join(area, "external", "python3")
    os.symlink(os.path.join(older, "external", "python3", "3.9.18-wm1"), os.path.join(python3, "3.9.18-wm1"))
    assert pythonsOf(description, [tmp_path])[:2] == (((3, 11),), {"speed": "1.0"})
    with open(os.path.join(python3, "default"), "w") as handle:
        handle.write("3.9.18-wm1\n")
    assert pythonsOf(description, [tmp_path])[:2] == (((3, 9),), {"probe": "1.0"})


def testAreasAreLookedForInTheOrderOfANode(tmp_path, description):
    makeArea(tmp_path / "one", "3.9.18")
    makeArea(tmp_path / "two", "3.11.7", path="WMRuntime")
    makeArea(tmp_path / "two", "3.8.18", path="WMRuntime", system="rhel7")
    roots = [tmp_path / "one", tmp_path / "two"]
    assert pythonsOf(description, roots)[0] == ((3, 11),), "the area path counts before the root, as in the wrapper"
    assert pythonsOf(description, roots, pin="3.9")[0] == ((3, 9),)
    assert pythonsOf(description, roots, "rhel7")[0] == ((3, 8),)
    assert pythonsOf(description, roots, "rhel10")[0] == ((3, 11),), "without an area of its own an older system's"


def testAnAreaWithoutAnInterpreterGivesNoJobItsPython(tmp_path, description):
    area = makeArea(tmp_path, "3.11.7", {"speed": "1.0"}, "WMRuntime")
    shutil.rmtree(os.path.join(area, "external", "python3"))
    makeArea(tmp_path, "3.9.18")
    assert pythonsOf(description, [tmp_path])[:2] == (((3, 9),), {})


def testADirectoryThatDoesNotTellItsPythonMayBeAny(tmp_path, description):
    os.makedirs(os.path.join(str(tmp_path), "COMP", "rhel9_x86_64", "external", "python3", "3"))
    pythons, libraries, source = pythonsOf(description, [tmp_path], "rhel9")
    assert len(pythons) > 3 and libraries == {} and "python3/3 does not tell" in source


def testAWheelThatBringsMoreThanItsLibraryGoesIntoNoSandbox(tmp_path, description):
    place = tmp_path / "house"
    makeWheelhouse(place, [makeWheel(place, members={"probe/__init__.py": "", "speed/__init__.py": ""})])
    with pytest.raises(WMRuntimeError, match="expected probe, found speed, too"):
        planned(str(place), description, tmp_path)


def testWhatTheSandboxCarriesAnywayIsNotSentTwice(tmp_path, house, description):
    makeArea(tmp_path)
    assert planned(house, description, tmp_path, {"probe": "1.0"}) == [SPEED39]
    assert planned(house, description, tmp_path, {"probe": "0.1"}) == [PURE, SPEED39]


def testOnlyTheSystemsAndCpusOfTheJobsCount(tmp_path, house, description, caplog):
    makeArea(tmp_path)
    assert planned(house, description, tmp_path, archs=["el8_ppc64le_gcc12"]) == [PURE]
    assert planned(house, description, tmp_path, archs=()) == []
    assert planned(house, description, tmp_path, archs=["slc6_amd64_gcc700", "el8_amd64_gcc12", "osx10_arm64_clang1",
                                                        "nonsense"]) == [PURE, SPEED39]
    assert "No wheels for the scram arch osx10_arm64_clang1" in caplog.text and "arch nonsense" in caplog.text


def testWhatNothingWasCollectedForIsSaid(tmp_path, house, description):
    makeArea(tmp_path, "3.12.1")
    plan = planWheels(house, description, targetsOfArchs(["el8_amd64_gcc12"], description), [str(tmp_path)])
    assert [reason.split(": ")[-1] for reason in plan.reasons] == [PURE, "nothing collected fits"]


def testADirectoryWithoutAnIndexOrADamagedManifestIsAnError(tmp_path, house, description):
    with pytest.raises(WMRuntimeError, match="expected wheels.json"):
        planned(str(tmp_path), description, tmp_path)
    area = makeArea(tmp_path, libraries={})
    with open(os.path.join(area, "manifest.json"), "w") as handle:
        handle.write("{}")
    with pytest.raises(WMRuntimeError, match="manifest"):
        planned(house, description, tmp_path)


def testTheCostIsLogged(tmp_path, house, caplog):
    makeArea(tmp_path)
    with caplog.at_level(logging.INFO):
        planForSandbox(house, ["el8_amd64_gcc12", ["el8_amd64_gcc12"], None], [], {"VO_CMS_SW_DIR": str(tmp_path)})
    assert "Wheels of the sandbox for el8_amd64_gcc12: 0 wheels, 0 bytes more for each job, 0 bytes a day for 500000 " \
        "jobs" in caplog.text


def testAWheelDamagedSinceItWasCollectedGoesIntoNoSandbox(tmp_path):
    place = tmp_path / "house"
    path = makeWheel(place, "psutil", "6.0")
    makeWheelhouse(place, [path])
    with open(path, "ab") as handle:
        handle.write(b"x")
    with pytest.raises(WMRuntimeError, match="A wheel is refused"):
        planForSandbox(str(place), ["el8_amd64_gcc12"], [], {"VO_CMS_SW_DIR": str(tmp_path)})


@pytest.fixture
def sandboxed(tmp_path, sandboxPackages, monkeypatch):
    """Give a function that makes the sandbox of a CMSSW workload with a wheelhouse, and unpacks it."""
    pytest.importorskip("WMCore.WMSpec.WMWorkload", reason="upstream's WMCore is not on the path")
    from WMCore.WMRuntime.SandboxCreator import SandboxCreator
    from WMCore_t.WMRuntime_t.JobSandbox import makeWorkload
    monkeypatch.setenv("VO_CMS_SW_DIR", str(tmp_path))

    def make(name, wheelhouse):
        creator = SandboxCreator()
        creator.packagesDirectory, creator.wheelhouse = sandboxPackages, wheelhouse
        archive = creator.makeSandbox(str(tmp_path / name), makeWorkload(["cmsRun1", "stageOut1"]))
        creator.extractSandbox(archive, str(tmp_path / name / "job"))
        return archive, str(tmp_path / name / "job")
    return make


BARE = """
import os, sys
from WMCore.WMRuntime.Environment.AutoEnvironment import AutoEnvironment
outcome = AutoEnvironment(os.getcwd(), sys.argv[0])()
assert outcome.error is None, outcome.error
import psutil
print(os.path.relpath(psutil.__file__), len(psutil.pids()) > 0)
"""


@pytest.mark.slow
def testASandboxCarriesTheLibraryItsAreasLackAndABarePythonTakesItFromThere(tmp_path, sandboxed, interpreters, caplog):
    """The real psutil, from the index pip is set up for; skipped where pip reaches none."""
    from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
    from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
    from WMCore.WMRuntime.Publishing.WheelTarget import targetsOf
    description, place = loadDescription(), str(tmp_path / "house")
    try:
        WheelCollector(place, PipDownload()).collect(description, targetsOf(description, cpus=["x86_64"]), ["psutil"])
    except WMRuntimeError as ex:
        pytest.skip("pip reaches no index: %s" % ex.context[-300:])
    if not loadWheelIndex(place).wheels:
        pytest.skip("pip has no index with psutil")
    makeArea(tmp_path, "3.9.18", system="rhel8")
    makeArea(tmp_path, "3.9.18", system="rhel9")
    with caplog.at_level(logging.INFO):
        archive, job = sandboxed("with", place)
    plain = sandboxed("without", None)[0]
    assert "1 wheel, " in caplog.text and "a day for 500000 jobs" in caplog.text
    wheels = os.path.join(job, "wheels")
    index = loadWheelIndex(wheels)
    assert [entry.name for entry in index.wheels] == ["psutil"] and len(os.listdir(wheels)) == 2
    said = index.wheels[0].size + os.path.getsize(os.path.join(wheels, "wheels.json"))
    assert abs(os.path.getsize(archive) - os.path.getsize(plain) - said) < 0.1 * said
    for series in ("3.6", "3.13"):
        if series in interpreters:
            out = subprocess.check_output([interpreters[series], "-S", "-c", BARE], cwd=job,
                                          env={"PYTHONPATH": os.path.join(job, "WMCore.zip")})
            assert out.decode().split() == ["wheels.unpacked/%s-%s/psutil/__init__.py" % (
                index.wheels[0].file[:-4], index.wheels[0].sha256[:16]), "True"]


def testASandboxWithoutAWheelhouseHasNoWheels(sandboxed, monkeypatch):
    monkeypatch.delenv("WMRUNTIME_WHEELHOUSE", raising=False)
    assert not os.path.exists(os.path.join(sandboxed("without", None)[1], "wheels"))


def testTheWheelhouseOfTheEnvironmentIsTakenByTheSandbox(tmp_path, sandboxed, monkeypatch):
    place = tmp_path / "house"
    makeWheelhouse(place, [makeWheel(place, "psutil", "6.0"), makeWheel(place, "attrs", "24.1", members={
        "attr/__init__.py": "", "attrs/__init__.py": ""}), makeWheel(place, "probe")])
    monkeypatch.setenv("WMRUNTIME_WHEELHOUSE", str(place))
    makeArea(tmp_path)
    archive, job = sandboxed("with", None)
    assert sorted(os.listdir(os.path.join(job, "wheels"))) == ["psutil-6.0-py3-none-any.whl", "wheels.json"]
    with open(os.path.join(job, "wheels", "wheels.json")) as handle:
        assert [wheel["name"] for wheel in json.load(handle)["wheels"]] == ["psutil"]
    shutil.rmtree(str(place))
    with tarfile.open(archive) as tar:
        assert {"wheels/wheels.json", "wheels/psutil-6.0-py3-none-any.whl"} <= set(tar.getnames())
