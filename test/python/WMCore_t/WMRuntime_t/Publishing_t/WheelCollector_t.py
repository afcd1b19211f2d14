"""Tests of WheelCollector, PipDownload and WheelLock: with the real pip, from a directory."""
import os
import shutil
import sys

import attr
import pytest
from packaging.specifiers import SpecifierSet
from WMCore_t.WMRuntime_t.Environment_t.Wheels import makeWheel

from WMCore.WMRuntime.Environment.Description import LibraryNeeds, VersionRow, loadDescription
from WMCore.WMRuntime.Environment.WheelIndex import loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
from WMCore.WMRuntime.Publishing.WheelLock import LOCK_NAME, WheelLock
from WMCore.WMRuntime.Publishing.WheelTarget import WheelTarget

RHEL7, RHEL9 = WheelTarget("rhel7", "x86_64", (3, 9)), WheelTarget("rhel9", "x86_64", (3, 9))
FOREIGN = WheelTarget("rhel8", "ppc64le", (3, 12))
OLD, NEW, ABI3 = ["%s_x86_64" % tag for tag in ("cp39-cp39-manylinux_2_17", "cp39-cp39-manylinux_2_28",
                                                "cp36-abi3-manylinux2014")]


def pipWheel(directory, name, tags="py3-none-any", version="1.0", content=""):
    """Write a wheel that pip accepts as well."""
    return makeWheel(directory, name, version, tags, {
        "%s/__init__.py" % name: content, "%s-%s.dist-info/WHEEL" % (name, version):
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: %s\n" % tags,
        "%s-%s.dist-info/RECORD" % (name, version): ""})


def describe(pinned="1.0", **needs):
    """Make a description of libraries, name to need."""
    return attr.evolve(loadDescription(), libraries=tuple(
        LibraryNeeds(name, (name,), need, True, "for tests",
                     (VersionRow(SpecifierSet(">=3.6"), SpecifierSet(">=1"), pinned),), "MIT")
        for name, need in sorted(needs.items())))


@pytest.fixture
def source(tmp_path):
    """Give a directory of wheels to collect from."""
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def collect(tmp_path, source):
    """Give a function that collects into tmp_path/house."""
    def run(description, targets, updateLock=False):
        pip = PipDownload(findLinks=[str(source)], noIndex=True)
        return WheelCollector(str(tmp_path / "house"), pip, updateLock).collect(description, targets)
    return run


def files(tmp_path):
    """List the wheelhouse."""
    return sorted(os.listdir(str(tmp_path / "house")))


def testOneWheelServesEveryTargetItFits(tmp_path, source, collect):
    pipWheel(source, "pure")
    pipWheel(source, "fast", OLD)
    pipWheel(source, "fast", NEW)
    pipWheel(source, "both", ABI3)
    found = collect(describe(pure="needed", fast="helps", both="helps"), [RHEL7, RHEL9, FOREIGN])
    assert [entry.file for entry in found.index.wheels] == [
        "both-1.0-%s.whl" % ABI3, "fast-1.0-%s.whl" % OLD, "pure-1.0-py3-none-any.whl"]
    assert [(one.library.name, one.target) for one in found.missing] == [("both", FOREIGN), ("fast", FOREIGN)]
    assert files(tmp_path) == sorted([entry.file for entry in found.index.wheels] + [LOCK_NAME, "wheels.json"])
    assert loadWheelIndex(str(tmp_path / "house")) == found.index
    assert [entry.need for entry in found.index.wheels] == ["helps", "helps", "needed"]


def testASecondCollectionFetchesNothingAndWritesTheSame(tmp_path, source, collect):
    pipWheel(source, "pure")
    collect(describe(pure="needed"), [RHEL7])
    before = [(tmp_path / "house" / name).read_bytes() for name in files(tmp_path)]
    shutil.rmtree(str(source))
    again = collect(describe(pure="needed"), [RHEL7, RHEL9])
    assert again.fetched == () and [(tmp_path / "house" / name).read_bytes() for name in files(tmp_path)] == before


def testAWheelDamagedSinceIsFetchedAgain(tmp_path, source, collect):
    path = pipWheel(source, "pure")
    collect(describe(pure="needed"), [RHEL7])
    good = (source / os.path.basename(path)).read_bytes()
    (tmp_path / "house" / os.path.basename(path)).write_bytes(b"damaged")
    assert collect(describe(pure="needed"), [RHEL7]).fetched == (os.path.basename(path),)
    assert (tmp_path / "house" / os.path.basename(path)).read_bytes() == good


def testAnotherFileUnderThePinnedVersionIsRefusedUntilTheLockIsUpdated(tmp_path, source, collect):
    path = pipWheel(source, "pure")
    collect(describe(pure="needed"), [RHEL7])
    lock = (tmp_path / "house" / LOCK_NAME).read_text()
    (tmp_path / "house" / os.path.basename(path)).unlink()
    pipWheel(source, "pure", content="import os  # changed\n")
    with pytest.raises(WMRuntimeError, match="DO NOT MATCH THE HASHES"):
        collect(describe(pure="needed"), [RHEL7])
    assert os.path.basename(path) not in files(tmp_path)
    assert collect(describe(pure="needed"), [RHEL7], updateLock=True).fetched
    new = (tmp_path / "house" / LOCK_NAME).read_text()
    assert new != lock and new.count("--hash=sha256:") == 2


def testANewPinIsNotTakenWithoutUpdatingTheLockAndTheOldWheelGoes(tmp_path, source, collect):
    pipWheel(source, "pure")
    pipWheel(source, "pure", version="1.1")
    collect(describe(pure="needed"), [RHEL7])
    with pytest.raises(WMRuntimeError, match="not in the lock"):
        collect(describe("1.1", pure="needed"), [RHEL7])
    assert "pure-1.1-py3-none-any.whl" not in files(tmp_path)
    collect(describe("1.1", pure="needed"), [RHEL7], updateLock=True)
    assert files(tmp_path) == ["pure-1.1-py3-none-any.whl", "wheels.json", LOCK_NAME]


def testAWheelThatIsNotTheLibraryDoesNotStay(tmp_path, source, collect):
    makeWheel(source, "pure", members={"other/__init__.py": "", "pure-1.0.dist-info/WHEEL":
                                       "Wheel-Version: 1.0\nTag: py3-none-any\n", "pure-1.0.dist-info/RECORD": ""})
    with pytest.raises(WMRuntimeError, match="expected the modules pure, found other"):
        collect(describe(pure="needed"), [RHEL7])
    assert files(tmp_path) == []


def testAWheelThatBringsMoreThanItsLibraryDoesNotStay(tmp_path, source, collect):
    makeWheel(source, "pure", members={
        "pure/__init__.py": "", "attr.py": "", "pure-1.0.dist-info/RECORD": "",
        "pure-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n"})
    with pytest.raises(WMRuntimeError, match="expected pure, found attr, too"):
        collect(describe(pure="needed"), [RHEL7])
    assert files(tmp_path) == []


def testABrokenSourceIsNoMissingWheel(tmp_path):
    pip = PipDownload(python=os.path.join(str(tmp_path), "python-without-pip"))
    with open(pip.python, "w") as handle:
        handle.write("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    os.chmod(pip.python, 0o755)
    with pytest.raises(WMRuntimeError, match="No module named pip"):
        WheelCollector(str(tmp_path / "house"), pip).collect(describe(pure="helps"), [RHEL7])


@pytest.mark.parametrize("line", ["pure", "pure==1.0", "pure>=1 --hash=sha256:" + "0" * 64, "-r other.txt",
                                  "pure==1.0 --hash=md5:00", "pure==1.0 --hash=sha256:" + "0" * 63, "\0"])
def testALockThatIsNoneNamesTheLine(tmp_path, line):
    (tmp_path / LOCK_NAME).write_text("# a comment\n%s\n" % line)
    with pytest.raises(WMRuntimeError, match="wheels.lock, line 2: expected NAME==VERSION"):
        WheelLock.load(str(tmp_path))


def testALockIsReadAsItWasWritten(tmp_path):
    lock = WheelLock()
    for version, sha256 in (("1.0", "a" * 64), ("1.0", "b" * 64), ("2.0", "c" * 64)):
        lock.add("Some_Lib", version, sha256)
    (tmp_path / LOCK_NAME).write_text(lock.text())
    again = WheelLock.load(str(tmp_path))
    assert again.hashes == lock.hashes and again.text() == lock.text()
    assert again.allows("some.lib", "1.0", "b" * 64) and not again.allows("some.lib", "2.0", "b" * 64)
    assert WheelLock.load(str(tmp_path / "nowhere")) is None


def testEveryLibraryOfTheDescriptionIsPinnedForThePythonsItIsFor():
    for library in loadDescription().libraries:
        for row in library.versions:
            assert row.versions.contains(row.pinned), library.name


@pytest.mark.slow
def testTheRealLibrariesAreThereForThisCpu(tmp_path):
    """The description's pins, from the index pip is set up for; skipped where pip reaches none."""
    description, target = loadDescription(), WheelTarget("rhel9", "x86_64", tuple(sys.version_info[:2]))
    try:
        found = WheelCollector(str(tmp_path / "house"), PipDownload()).collect(description, [target])
    except WMRuntimeError as ex:
        pytest.skip("pip reaches no index: %s" % ex.context[-300:])
    if any(one.library.name == "packaging" for one in found.missing):
        pytest.skip("pip has no index with these libraries")
    assert found.missing == ()
    assert {entry.name for entry in found.index.wheels if not entry.pure} == {"psutil", "lxml"}
