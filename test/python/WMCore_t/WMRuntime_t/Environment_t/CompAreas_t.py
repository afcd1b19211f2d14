"""The order in which COMP areas and their pythons are proposed."""
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore_t.WrapperNode import runBash
from WMCore.WMRuntime.Environment.CleanEnvironment import AREA_PATHS
from WMCore.WMRuntime.Environment.CompAreas import (areaDirectories, cmsRoots, compDirectories, containerSystem, packageOf,
                                                    requiredSystems, systemsFor)
from WMCore.WMRuntime.Environment.Description import loadDescription


def test_theRootsAreTheWrappersInItsOrder():
    environ = {"VO_CMS_SW_DIR": "/vo", "OSG_APP": "/osg", "CVMFS": "/cv", "WMRUNTIME_CVMFS_ROOT": "/root"}
    assert cmsRoots(environ) == ["/vo", "/osg/cmssoft/cms", "/cv", "/cv/cms.cern.ch", "/root"]
    assert cmsRoots({"CVMFS": "/cvmfs/cms.cern.ch"})[0] == "/cvmfs/cms.cern.ch"
    assert cmsRoots({}) == ["/cvmfs/cms.cern.ch"]


@pytest.mark.parametrize("text,number", [
    ('ID="almalinux"\nVERSION_ID="9.4"\nPLATFORM_ID="platform:el9"\n', 9),
    ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n', 7),
    ('ID="rocky"\nVERSION_ID="8.10"\nPLATFORM_ID="platform:el8"\n', 8),
    ('ID=debian\nVERSION_ID="12"\n', None),
    ("", None)])
def test_theSystemIsReadFromOsRelease(tmp_path, text, number):
    path = tmp_path / "os-release"
    path.write_text(text)
    assert containerSystem({"WMRUNTIME_OS_RELEASE": str(path)}) == number


def test_theRequiredSystemsComeFirstTheNodesOwnAmongThemThenOlderOnes():
    assert systemsFor({"REQUIRED_OS": "rhel7,rhel8"}, "rhel8") == ["rhel8", "rhel7", "rhel6"]
    assert systemsFor({"REQUIRED_OS": "any"}, "rhel8") == ["rhel8", "rhel7", "rhel6"]
    assert systemsFor({"REQUIRED_OS": "rhel9"}, "rhel8") == ["rhel9", "rhel8", "rhel7", "rhel6"]
    assert systemsFor({}, None) == ["rhel8", "rhel9", "rhel7", "rhel6"]


@pytest.mark.parametrize("required", ["rhel", "rhel8x", "rhel123", "../../x", "el8", "rhel0"])
def test_aNameThatIsNoSystemIsIgnoredAndTold(required):
    assert systemsFor({"REQUIRED_OS": required}, None) == ["rhel8", "rhel9", "rhel7", "rhel6"]
    assert requiredSystems({"REQUIRED_OS": "rhel7," + required}) == (["rhel7"], [required])


@pytest.mark.parametrize("path", ["COMP", "WMRuntime"])
def test_theAreaOfThisJobLeads(tmp_path, path):
    prefix = str(tmp_path / path / "el8_amd64_gcc8" / "external" / "python3" / "3.8.2-comp")
    found = compDirectories({"VO_CMS_SW_DIR": "/vo", "REQUIRED_OS": "rhel8"}, [prefix])
    assert found[0] == (str(tmp_path / path / "el8_amd64_gcc8" / "external"), "the area this job runs in")
    assert found[1][0] == "/vo/WMRuntime/rhel8_%s/external" % os.uname()[4]
    assert packageOf(prefix + "/bin/python3") == packageOf(prefix) == prefix


def test_theRuntimesOwnAreaGoesBeforeCompWhateverTheRoot11699():
    assert areaDirectories(["rhel8", "rhel7"], ["/a", "/b"], "x")[:5] == [
        ("/a/WMRuntime/rhel8_x", "rhel8"), ("/b/WMRuntime/rhel8_x", "rhel8"), ("/a/COMP/rhel8_x", "rhel8"),
        ("/b/COMP/rhel8_x", "rhel8"), ("/a/WMRuntime/rhel7_x", "rhel7")]


def test_theAreaPathsAreTheWrappersAndTheDescriptions():
    assert tuple(runBash("wma_area_paths")[1].split()) == AREA_PATHS == loadDescription().areaPaths


@pytest.mark.parametrize("required", ["", "any", "rhel7,rhel8", "rhel", "rhel9", "x,rhel6"])
def test_theOrderIsTheWrappers(tmp_path, required):
    path = tmp_path / "os-release"
    path.write_text('PLATFORM_ID="platform:el8"\n')
    environ = {"WMRUNTIME_OS_RELEASE": str(path), "VO_CMS_SW_DIR": "/vo", "CVMFS": "/cv", "REQUIRED_OS": required}
    status, out, _ = runBash("wma_comp_directories", **environ)
    assert status == 0
    assert out.splitlines() == [external for external, _ in compDirectories(environ, [])]


@given(st.dictionaries(st.sampled_from(["REQUIRED_OS", "VO_CMS_SW_DIR", "OSG_APP", "CVMFS"]),
                       st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_anyEnvironmentGivesAreas(environ):
    found = compDirectories(environ, [sys.prefix])
    assert found and all(path.endswith("/external") for path, _ in found)
