"""Areas against their manifests."""
import os
import sys

import attr
import pytest

from WMCore.WMRuntime.AreaCheck.CheckBench import CheckBench
from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea
from WMCore.WMRuntime.AreaCheck.ManifestCheck import checkManifest
from WMCore.WMRuntime.Environment.AreaManifest import AreaLibrary, AreaManifest, manifestText
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)


class BuiltArea(object):
    """An area as far as its manifest goes."""

    def __init__(self, top):
        self.description = loadDescription()
        self.directory = top / "WMRuntime" / "rhel8_x86_64"
        program = self.directory / "external" / "python3" / "3.9.18-wm1" / "bin" / "python3.9"
        program.parent.mkdir(parents=True)
        program.write_text("program")
        program.chmod(0o755)
        os.symlink("python3.9", str(program.parent / "python3"))
        self.program = program
        needs = [need for need, _ in self.description.librariesFor((3, 9)) if need.need == "needed"]
        libraries = [AreaLibrary(need.name, need.rowFor((3, 9)).pinned, "external/py3-%s/%s" % (
            need.name, need.rowFor((3, 9)).pinned), need.imports, need.pure, need.licence) for need in needs]
        for library in libraries:
            (self.directory / library.directory / "lib").mkdir(parents=True)
            (self.directory / library.directory / "lib" / "module.py").write_text("")
        self.manifest = AreaManifest("rhel8", "x86_64", 1, self.description.sha256, "3.9.18",
                                     "external/python3/3.9.18-wm1", libraries, scanFiles(str(self.directory)))
        self.write(self.manifest)

    def write(self, manifest):
        """Write a manifest."""
        (self.directory / "manifest.json").write_text(manifestText(manifest))

    def check(self):
        """Check it; give the Outcome."""
        area = CheckedArea(str(self.directory), "WMRuntime", "rhel8", "x86_64")
        return checkManifest(CheckBench(self.description, str(self.directory)), area, None, None)

    def codes(self):
        """Check it; give the codes of errors and warnings."""
        return {finding.code for finding in self.check().findings if finding.severity != "info"}


@pytest.fixture(name="area")
def fixtureArea(tmp_path):
    """Give an area that is as its manifest says."""
    return BuiltArea(tmp_path)


def test_anAreaAsItsManifestSaysIsGood(area):
    assert area.codes() == set() and area.check().facts["python"] == "3.9.18"


def test_anAreaOfTodayHasNoneAndIsNotJudgedByIt(area):
    (area.directory / "manifest.json").unlink()
    assert "no manifest.json" in area.check().skipped


@pytest.mark.parametrize("spoil, code, words", [
    (lambda area: area.program.write_text("PROGRAM"), "filesChanged", "python3.9: its contents differ"),
    (lambda area: area.program.write_text("longer than before"), "filesChanged", "18 bytes, expected 7"),
    (lambda area: area.program.chmod(0o644), "filesChanged", "mode 644, expected 755"),
    (lambda area: area.program.unlink(), "filesMissing", "python3.9"),
    (lambda area: (area.directory / "__pycache__").write_text("x"), "filesAdded", "__pycache__"),
    (lambda area: (area.directory / "manifest.json").write_text("{"), "manifestBroken", "manifest.json")])
def test_eachDifferenceIsNamedWithItsFile(area, spoil, code, words):
    spoil(area)
    found = [finding for finding in area.check().findings if finding.severity != "info"]
    assert [finding.code for finding in found] == [code] and words in found[0].message


def test_aLinkThatLeadsElsewhereIsADifference(area):
    link = area.program.parent / "python3"
    link.unlink()
    os.symlink("python3.8", str(link))
    words = " ".join(finding.message for finding in area.check().findings)
    assert "a link to python3.8, expected a link to python3.9" in words


def test_aPythonDirectoryThatIsNotThereIsNamed(area):
    area.write(attr.evolve(area.manifest, pythonDirectory="external/python3/3.9.18-wm2"))
    found = [finding for finding in area.check().findings if finding.severity == "error"]
    assert [finding.code for finding in found] == ["pythonDirectoryMissing"]
    assert found[0].path == str(area.directory / "external" / "python3" / "3.9.18-wm2") and found[0].remedy


def test_aLibrarysDirectoryThatIsNotThereIsNamed(area):
    lost = area.manifest.libraries[0]
    area.write(attr.evolve(area.manifest, libraries=[attr.evolve(lost, directory=lost.directory + "a")] + list(
        area.manifest.libraries[1:])))
    found = [finding for finding in area.check().findings if finding.severity == "error"]
    assert [(finding.code, finding.path) for finding in found] == [
        ("libraryDirectoryMissing", str(area.directory / lost.directory) + "a")]


def test_oneFileIsCountedInTheSingularAndMoreInThePlural(area):
    area.program.write_text("PROGRAM")
    assert [finding.message.splitlines()[0] for finding in area.check().findings if finding.severity == "error"] == [
        "1 file not as the manifest says"]
    (area.directory / area.manifest.libraries[0].directory / "lib" / "module.py").write_text("x")
    assert [finding.message.splitlines()[0] for finding in area.check().findings if finding.severity == "error"] == [
        "2 files not as the manifest says"]


@pytest.mark.parametrize("change, code", [
    ({"system": "rhel9"}, "manifestOfAnother"), ({"cpu": "aarch64"}, "manifestOfAnother"),
    ({"pythonVersion": "3.6.4"}, "pythonOutOfRange"), ({"libraries": ()}, "libraryMissing"),
    ({"pythonDirectory": ""}, "layoutOnly"), ({"glibc": "2.35"}, "glibcTooNew")])
def test_whatTheManifestSaysIsComparedWithTheDescription(area, change, code):
    area.write(attr.evolve(area.manifest, **change))
    assert code in area.codes()


def test_aLibraryOutOfRangeIsFoundWithoutRunningAnything(area):
    old = [attr.evolve(library, version="0.1") for library in area.manifest.libraries]
    area.write(attr.evolve(area.manifest, libraries=old))
    assert area.codes() == {"libraryOutOfRange"}
