"""Tests of InstalledLibraries."""
import os
import subprocess
import sys
import zipfile

import pytest
from packaging.specifiers import SpecifierSet

from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries, InstalledLibrary, distributionsIn


def install(directory, name="probe", metadata="probe-1.5.dist-info"):
    """Put a package into a directory."""
    (directory / name).mkdir(parents=True)
    (directory / name / "__init__.py").write_text("raise ImportError('nothing may import this')\n")
    if metadata:
        (directory / metadata).mkdir()
    return str(directory)


def testAPackageIsFoundWithItsVersionAndWithoutBeingImported(tmp_path):
    place = install(tmp_path / "site")
    assert InstalledLibraries([str(tmp_path), place]).find("probe", ["probe"]) == InstalledLibrary("probe", "1.5", place)
    assert "probe" not in sys.modules


@pytest.mark.parametrize("name", ["Probe_Lib-1.5.dist-info", "probe.lib-1.5.egg-info", "probe_lib-1.5-py3.9.egg-info",
                                  "probe_lib-1.5-py3.9-linux-x86_64.egg-info"])
def testMetadataOfAllKindsTellsTheVersion(tmp_path, name):
    found = InstalledLibraries([install(tmp_path, metadata=name)]).find("probe-lib", ["probe"])
    assert found.version == "1.5"


def testAModuleOfOneFileAndAZipAreLookedIntoAsWell(tmp_path):
    (tmp_path / "single.py").write_text("")
    path = str(tmp_path / "WMCore.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("probe/__init__.py", "")
        archive.writestr("probe-0.3.dist-info/METADATA", "")
    libraries = InstalledLibraries([str(tmp_path), path])
    assert libraries.find("single", ["single"]).where == str(tmp_path)
    assert libraries.find("probe", ["probe"]) == InstalledLibrary("probe", "0.3", path)


def testTheFirstPlaceOnThePathCounts(tmp_path):
    old = install(tmp_path / "old", metadata="probe-1.0.dist-info")
    new = install(tmp_path / "new", metadata="probe-2.0.dist-info")
    assert InstalledLibraries([old, new]).find("probe", ["probe"]).version == "1.0"


def testALibraryThatIsNotThereOrNotAllOfItIsNotFound(tmp_path):
    place = install(tmp_path)
    libraries = InstalledLibraries([place])
    assert libraries.find("other", ["other"]) is None
    assert libraries.find("probe", ["probe", "probes"]) is None
    assert libraries.find("probe", []) is None


def testALeftoverDirectoryIsNoLibrary(tmp_path):
    (tmp_path / "probe" / "__pycache__").mkdir(parents=True)
    assert InstalledLibraries([str(tmp_path)]).find("probe", ["probe"]) is None


def testWhatIsDamagedOnThePathIsPassedOver(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not really")
    os.symlink(str(tmp_path / "nowhere"), str(tmp_path / "dangling"))
    place = install(tmp_path / "site")
    found = InstalledLibraries([str(tmp_path / "broken.zip"), str(tmp_path / "dangling"), "", place])
    assert found.find("probe", ["probe"]).version == "1.5"


def testAnUnknownOrStrangeVersionWillDo():
    versions = SpecifierSet(">=2")
    assert InstalledLibrary("probe", "", "").isIn(versions) and InstalledLibrary("probe", "local-build", "").isIn(versions)
    assert InstalledLibrary("probe", "2.0rc1", "").isIn(SpecifierSet(">=1.9"))
    assert not InstalledLibrary("probe", "1.9", "").isIn(versions)


def testNamesOfMetadataAreReadFromAnArchivesMembers():
    assert distributionsIn(["attr/__init__.py", "attrs-22.2.0.dist-info/METADATA", "attrs-22.2.0.dist-info/LICENSE",
                            "a/attrs-1.dist-info/METADATA", "Py_Parsing-3.0.7.dist-info/RECORD"]) \
        == {"attrs": "22.2.0", "py-parsing": "3.0.7"}


@pytest.mark.parametrize("series", ["3.6", "3.13"])
def testABarePythonFindsWhatTheSandboxsZipCarries(tmp_path, interpreters, series, sourceTree, sandboxPackages):
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    path = str(tmp_path / "WMCore.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("probe/__init__.py", "")
        archive.writestr("probe-0.3.dist-info/METADATA", "")
    script = ("from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries as I\n"
              "print([one and one.version for one in map(lambda name: I().find(name, [name]), ['probe', 'packaging', "
              "'no', 'sys'])])")
    out = subprocess.check_output([python, "-S", "-c", script], env={"PYTHONPATH": os.pathsep.join(
        [sourceTree, path, sandboxPackages])})
    assert out.decode().strip() == "['0.3', '21.3', None, None]"
