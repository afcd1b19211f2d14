"""Test that what is packed of an area is an area that stands alone."""
import os
import tarfile

import pytest

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaArchive import writeAreaArchive
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import NAME, smallRequest, snapshot


@pytest.fixture
def publish(tmp_path):
    """Give what publishes one more build of an area."""
    request, switch = smallRequest(tmp_path / "input"), AreaSwitch(str(tmp_path / "root"), NAME)
    return lambda **options: publishArea(request, switch, **options)


def unpack(tmp_path, built):
    """Write the archive of a build, unpack it, and give the area's new place."""
    writeAreaArchive(built, str(tmp_path / "area.tar.xz"))
    with tarfile.open(str(tmp_path / "area.tar.xz")) as archive:
        archive.extraction_filter = lambda member, _path: member  # python 3.12 and 3.13 warn without one
        archive.extractall(str(tmp_path / "unpacked"))
    return os.path.join(str(tmp_path / "unpacked"), "%s-%d" % (NAME, built.manifest.build))


def test_anAreaWithNoOtherBuildIsPackedAsItIs(publish, tmp_path):
    built = publish()
    unpacked, area = [{path: (mode, content) for path, (mode, _time, content) in snapshot(place).items()}
                      for place in (unpack(tmp_path, built), built.directory)]
    assert unpacked == area


@pytest.mark.parametrize("keepDefault", [False, True])
def test_anArchiveHoldsNoLinkToAnotherBuildNorADefaultThatNamesOne(publish, tmp_path, keepDefault):
    publish()
    built = publish(keepDefault=keepDefault)
    area = unpack(tmp_path, built)
    versions = AreaVersions.read(os.path.join(area, "external", "python3"))
    assert [version.name for version in versions.versions] == ["3.9.18-wm2"]
    assert (versions.default, versions.problem) == ("3.9.18-wm2", "")
    assert loadManifest(area).files == scanFiles(area)
    assert os.path.islink(os.path.join(built.directory, "external", "python3", "3.9.18-wm1"))


def test_anArchiveThatCannotBeWrittenIsSaidAndLeavesNothing(publish, tmp_path):
    with pytest.raises(WMRuntimeError, match="nowhere/area.tar.xz"):
        writeAreaArchive(publish(), str(tmp_path / "nowhere" / "area.tar.xz"))
    assert not (tmp_path / "nowhere").exists()
