"""Which areas are checked."""
import os

import pytest

from WMCore.WMRuntime.AreaCheck.CheckedArea import areaAt, findAreas, strayNames
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError


@pytest.fixture(name="description", scope="module")
def fixtureDescription():
    """Give the runtime's own description."""
    return loadDescription()


def makeAreas(root, *names):
    """Make directories named as areas."""
    for name in names:
        os.makedirs(os.path.join(str(root), name))


def test_everyTargetHasACellAlsoWhereThereIsNoArea(tmp_path, description):
    makeAreas(tmp_path, "COMP/rhel8_x86_64")
    areas = findAreas(str(tmp_path), description)
    assert [(area.system, area.cpu) for area in areas] == [(system.name, cpu) for system, cpu in description.targets()]
    assert [area.name for area in areas if area.there] == ["COMP/rhel8_x86_64"]


def test_anAreaInEachAreaPathIsChecked(tmp_path, description):
    makeAreas(tmp_path, "COMP/rhel8_x86_64", "WMRuntime/rhel8_x86_64")
    names = [area.name for area in findAreas(str(tmp_path), description) if area.there]
    assert names == ["WMRuntime/rhel8_x86_64", "COMP/rhel8_x86_64"]


def test_aLinkThatLeadsNowhereIsAnAreaToBeChecked(tmp_path, description):
    makeAreas(tmp_path, "COMP")
    os.symlink("gone", str(tmp_path / "COMP" / "rhel8_x86_64"))
    assert [area.name for area in findAreas(str(tmp_path), description) if area.there] == ["COMP/rhel8_x86_64"]


def test_aRootWithoutAreasIsAnErrorThatSaysWhatWasExpected(tmp_path, description):
    with pytest.raises(WMRuntimeError, match="WMRuntime, COMP"):
        findAreas(str(tmp_path), description)


def test_aPathTellsSystemAndCpu(tmp_path, description):
    makeAreas(tmp_path, "COMP/rhel9_ppc64le")
    area = areaAt(str(tmp_path / "COMP" / "rhel9_ppc64le") + "/", description)
    assert (area.areaPath, area.system, area.cpu) == ("COMP", "rhel9", "ppc64le")


@pytest.mark.parametrize("name", ["el8_amd64_gcc8", "rhel_x86_64", "rhel8_sparc", "rhel8_aarch64"])
def test_aPathThatIsNoAreaIsAnErrorThatNamesIt(tmp_path, description, name):
    makeAreas(tmp_path, "COMP/el8_amd64_gcc8", "COMP/rhel_x86_64", "COMP/rhel8_sparc")
    with pytest.raises(WMRuntimeError, match=name):
        areaAt(str(tmp_path / "COMP" / name), description)


def test_namesThatNoJobLooksForAreTold(tmp_path, description):
    makeAreas(tmp_path, "COMP/rhel_x86_64", "COMP/rhel8_x86_64", "COMP/el8_amd64_gcc8", "COMP/rhel99_x86_64")
    assert [os.path.basename(path) for path in strayNames(str(tmp_path), description)] == [
        "rhel99_x86_64", "rhel_x86_64"]
