"""Tests of Wheelhouse: what a python lacks, and what of the job's wheels it gets."""
import os
import platform
import subprocess
import sys

import attr
import pytest
from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from WMCore_t.WMRuntime_t.Environment_t.Wheels import (entryOf, makeBinaryWheel, makeIndex, makeWheel,
                                                       makeWheelhouse)

from WMCore.WMRuntime.Environment.Description import LibraryNeeds, VersionRow, loadDescription
from WMCore.WMRuntime.Environment.EnvironmentProvider import LIBRARIES, EnvironmentContext
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Environment.Wheelhouse import Wheelhouse, lackingLibraries
from WMCore.WMRuntime.Errors import WMRuntimeError

#: The tag of a binary wheel that this python takes.
HERE = str(next(tag for tag in sys_tags() if tag.platform.endswith(platform.machine())))


def library(name="probe", need="helps", versions=">=1", imports=None, python=">=3.6"):
    """Describe one library."""
    return LibraryNeeds(name, tuple(imports or (name,)), need, True, "for tests",
                        (VersionRow(SpecifierSet(python), SpecifierSet(versions), "1.0"),), "MIT")


def describe(*libraries):
    """Make a description that asks for these libraries."""
    return attr.evolve(loadDescription(), libraries=libraries or (library(),))


def nodeFor(jobDirectory, **environ):
    """Give the facts of this process for a job."""
    return attr.evolve(NodeFacts.fromEnviron({}, str(jobDirectory)), environ=environ)


def prepare(tmp_path, *libraries, **environ):
    """Prepare the wheels of tmp_path/wheels for a python that has nothing."""
    house = Wheelhouse(str(tmp_path / "wheels"), describe(*libraries), paths=[])
    return house.prepare(nodeFor(tmp_path, **environ))


def testAPureWheelIsImportedFromWhereItLies(tmp_path):
    path = makeWheel(tmp_path / "wheels")
    makeWheelhouse(tmp_path / "wheels", [path])
    prepared = prepare(tmp_path, PYTHONPATH="/a:/b")
    assert prepared.libraries == (("probe", "1.0", path),)
    assert prepared.environment.toSet == {"PYTHONPATH": "%s:/a:/b" % path} and prepared.python is None
    assert prepared.reasons == ("this python has no probe, taken from probe-1.0-py3-none-any.whl",)
    out = subprocess.check_output([sys.executable, "-c", "import probe; print(probe.__file__)"],
                                  env=prepared.environment.apply({}))
    assert out.decode().strip() == os.path.join(path, "probe", "__init__.py")
    assert os.listdir(str(tmp_path)) == ["wheels"]


def testABinaryWheelIsUnpackedIntoTheJobsDirectory(tmp_path):
    makeWheelhouse(tmp_path / "wheels", [makeBinaryWheel(tmp_path / "wheels", tags=HERE)])
    where = prepare(tmp_path).libraries[0][2]
    assert os.path.dirname(where) == str(tmp_path / "wheels.unpacked") and prepare(tmp_path).libraries[0][2] == where
    out = subprocess.check_output([sys.executable, "-c", "import probe; print(probe.WHERE)"],
                                  env={"PYTHONPATH": where})
    assert out.decode().startswith(where)


def testPreparedTwiceIsOnThePathOnce(tmp_path):
    path = makeWheel(tmp_path / "wheels")
    makeWheelhouse(tmp_path / "wheels", [path])
    first = prepare(tmp_path, PYTHONPATH="/a").environment.toSet
    assert prepare(tmp_path, **first).environment.toSet == first == {"PYTHONPATH": path + ":/a"}


def testAPythonThatHasItAllGetsNothing(tmp_path):
    makeWheelhouse(tmp_path / "wheels", [makeWheel(tmp_path / "wheels")])
    site = tmp_path / "site"
    (site / "probe").mkdir(parents=True)
    (site / "probe" / "__init__.py").write_text("")
    (site / "probe-1.2.dist-info").mkdir()
    prepared = Wheelhouse(str(tmp_path / "wheels"), describe(), paths=[str(site)]).prepare(nodeFor(tmp_path))
    assert (prepared.libraries, prepared.reasons, prepared.environment.toSet) == ((), (), {})


def testAVersionThatWillNotDoIsPutBehindTheWheel(tmp_path):
    path = makeWheel(tmp_path / "wheels", version="2.1")
    makeWheelhouse(tmp_path / "wheels", [path])
    site = tmp_path / "site"
    (site / "probe").mkdir(parents=True)
    (site / "probe" / "__init__.py").write_text("VERSION = 'old'\n")
    (site / "probe-1.2.dist-info").mkdir()
    house = Wheelhouse(str(tmp_path / "wheels"), describe(library(versions=">=2")), paths=[str(site)])
    prepared = house.prepare(nodeFor(tmp_path, PYTHONPATH=str(site)))
    assert prepared.reasons[0].startswith("probe 1.2 in %s is not >=2, taken from" % site)
    out = subprocess.check_output([sys.executable, "-c", "import probe; print(probe.VERSION)"],
                                  env=prepared.environment.apply({"PYTHONPATH": str(site)}))
    assert out.decode().strip() == "2.1"


def testTheWheelForThisPythonIsChosenAmongThoseForOthers(tmp_path):
    wheels = tmp_path / "wheels"
    paths = [makeBinaryWheel(wheels, tags=tags) for tags in (
        HERE, "cp27-cp27mu-manylinux1_x86_64", "cp35-cp35m-manylinux1_x86_64", "cp39-cp39-win_amd64",
        "cp36-abi3-manylinux2014_s390x")]
    makeWheelhouse(wheels, paths)
    assert HERE in prepare(tmp_path).reasons[0]


def testWhatOnlyHelpsAndCannotBeHadIsSkippedWithAWarning(tmp_path, caplog):
    good = makeWheel(tmp_path / "wheels", "good")
    makeWheelhouse(tmp_path / "wheels", [good, makeBinaryWheel(tmp_path / "wheels", tags="cp27-cp27mu-win32")])
    prepared = prepare(tmp_path, library(), library("good"), library("absent"))
    assert [one[0] for one in prepared.libraries] == ["good"]
    assert "without probe" in prepared.reasons[0] and "none is for python" in prepared.reasons[0]
    assert "goes on without probe" in caplog.text
    assert prepared.reasons[2] == "this python has no absent, and none came with the job"
    assert "absent" not in caplog.text, "what to send is the agent's choice, and no fault of each job"


def testWhatIsNeededAndCannotBeHadEndsTheJobWithItsCode(tmp_path):
    makeWheelhouse(tmp_path / "wheels", [makeWheel(tmp_path / "wheels", "other")])
    with pytest.raises(WMRuntimeError, match="this python has no probe") as caught:
        prepare(tmp_path, library(need="needed"))
    assert caught.value.code == 11014 and "wmruntime wheels collect" in caught.value.hint


@pytest.mark.parametrize("damage", ["bytes", "gone", "index", "no index"])
def testADamagedWheelIsNeverUsed(tmp_path, damage):
    path = makeWheel(tmp_path / "wheels")
    entry = entryOf(path, sha256="0" * 64) if damage == "bytes" else entryOf(path)
    makeIndex(tmp_path / "wheels", [entry])
    if damage == "gone":
        os.unlink(path)
    elif damage == "index":
        (tmp_path / "wheels" / "wheels.json").write_text("{")
    elif damage == "no index":
        (tmp_path / "wheels" / "wheels.json").unlink()
    prepared = prepare(tmp_path)
    assert prepared.libraries == () and prepared.environment.toSet == {} and "without probe" in prepared.reasons[0]
    with pytest.raises(WMRuntimeError):
        prepare(tmp_path, library(need="needed"))


def testAWheelThatBringsAModuleOfAnotherLibraryIsNeverUsed(tmp_path):
    wheels = tmp_path / "wheels"
    makeWheelhouse(wheels, [makeWheel(wheels, members={"probe/__init__.py": "", "attr/__init__.py": ""})])
    prepared = prepare(tmp_path)
    assert prepared.libraries == () and "expected probe, found attr, too" in prepared.reasons[0]
    with pytest.raises(WMRuntimeError, match="brings modules that its library is not for"):
        prepare(tmp_path, library(need="needed"))
    finding, = Wheelhouse(str(wheels), describe()).check(nodeFor(tmp_path))[:1]
    assert finding.code == "wheelRefused" and "attr" in finding.message


def testAPlaceThatNoPythonpathCanNameIsRefused(tmp_path):
    path = makeWheel(tmp_path / "a:b")
    makeWheelhouse(tmp_path / "a:b", [path])
    house = Wheelhouse(str(tmp_path / "a:b"), describe(library(need="needed")), paths=[])
    with pytest.raises(WMRuntimeError, match="cannot be put on PYTHONPATH"):
        house.prepare(nodeFor(tmp_path))


def testItIsAProviderOfLibrariesWhereTheJobHasWheels(tmp_path):
    makeWheelhouse(tmp_path / "wheels", [makeWheel(tmp_path / "wheels")])
    context = EnvironmentContext(describe(), EnvironmentRequest.fromJob({}, str(tmp_path)))
    house = Wheelhouse.create(context)
    assert house.gives == LIBRARIES and house.available(nodeFor(tmp_path)).ok
    assert Wheelhouse.create(EnvironmentContext(describe(), EnvironmentRequest())) is None


def testAvailableSaysWhyNot(tmp_path):
    house = Wheelhouse(str(tmp_path), describe())
    assert not house.available(None).ok and "expected wheels.json" in house.available(None).reason
    (tmp_path / "wheels.json").write_text("{")
    assert not house.available(None).ok and "expected JSON" in house.available(None).reason


def testCheckNamesEachThingThatIsWrong(tmp_path):
    wheels = tmp_path / "wheels"
    good, bad = makeWheel(wheels, "good"), makeWheel(wheels, "bad")
    makeIndex(wheels, [entryOf(good), entryOf(bad, sha256="0" * 64)])
    house = Wheelhouse(str(wheels), describe(library("good"), library("absent", "needed"), library("more")), paths=[])
    findings = house.check(nodeFor(tmp_path))
    assert [(one.code, one.severity) for one in findings] == [
        ("wheelRefused", "error"), ("wheelLacking", "error"), ("wheelLacking", "warning")]
    assert findings[0].path == bad and "SHA-256" in findings[0].message and all(one.remedy for one in findings)
    (wheels / "wheels.json").write_text("[]")
    assert [one.code for one in house.check(nodeFor(tmp_path))] == ["wheelIndexBroken"]
    (wheels / "wheels.json").unlink()
    assert [one.code for one in house.check(nodeFor(tmp_path))] == ["wheelIndexBroken"]


def testLackingFollowsTheDescriptionForThePythonsVersion(tmp_path):
    description = describe(library("old", python="<3.8"), library("new", python=">=3.8"), library("json", versions=""))
    assert [lack.library.name for lack in lackingLibraries(description, (3, 6, 8), [])] == ["old", "json"]
    assert [lack.library.name for lack in lackingLibraries(description, (3, 9, 18))] == ["new"]


@pytest.mark.parametrize("series", ["3.6", "3.9", "3.13"])
def testABarePythonWithTheSandboxsPackagesTakesWheels(tmp_path, interpreters, series, sourceTree, sandboxPackages):
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    binary = "cp36-abi3-manylinux2014_%s" % platform.machine()
    makeWheelhouse(tmp_path / "wheels", [makeWheel(tmp_path / "wheels", "lxml", "5.2"),
                                         makeBinaryWheel(tmp_path / "wheels", "psutil", "6.0", binary)])
    script = """
import os, sys
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Environment.Wheelhouse import Wheelhouse
prepared = Wheelhouse("wheels", loadDescription()).prepare(NodeFacts.fromEnviron(jobDirectory=os.getcwd()))
sys.path[:0] = [where for _name, _version, where in prepared.libraries]
import psutil, lxml
print(psutil.VERSION, lxml.VERSION, prepared.environment.toSet["PYTHONPATH"].split(":")[0] == sys.path[0])
"""
    out = subprocess.check_output([python, "-S", "-c", script], cwd=str(tmp_path), env={"PYTHONPATH": os.pathsep.join(
        [sourceTree, sandboxPackages])})
    assert out.decode().split() == ["6.0", "5.2", "True"]
