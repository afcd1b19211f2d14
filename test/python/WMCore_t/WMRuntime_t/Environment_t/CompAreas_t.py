"""The order in which COMP areas and their pythons are proposed."""
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore_t.WrapperNode import OS_RELEASES, runBash
from WMCore.WMRuntime.Environment.CleanEnvironment import AREA_PATHS
from WMCore.WMRuntime.Environment.CompAreas import (areaDirectories, cmsRoots, compDirectories, containerSystem, packageOf,
                                                    requiredSystems, systemsFor)
from WMCore.WMRuntime.Environment.Description import loadDescription


def test_theRootsAreTheWrappersInItsOrder():
    environ = {"VO_CMS_SW_DIR": "/vo", "OSG_APP": "/osg", "CVMFS": "/cv", "WMRUNTIME_CVMFS_ROOT": "/root"}
    assert cmsRoots(environ) == ["/vo", "/osg/cmssoft/cms", "/cv", "/cv/cms.cern.ch", "/root"]
    assert cmsRoots({"CVMFS": "/cvmfs/cms.cern.ch"})[0] == "/cvmfs/cms.cern.ch"
    assert cmsRoots({}) == ["/cvmfs/cms.cern.ch"]


OS_TEXTS = [
    (OS_RELEASES["el7"], 7), (OS_RELEASES["el8"], 8), (OS_RELEASES["alma9"], 9), (OS_RELEASES["el10"], 10),
    (OS_RELEASES["debian"], None), ("ID=rhel\n", None), ("ID=rhel\nVERSION_ID=\n", None), ("NAME=x\n", None),
    ('ID="almalinux"\nVERSION_ID="9.4"\nPLATFORM_ID="platform:el9"\n', 9),
    ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n', 7),
    ("ID='rhel'\nVERSION_ID='9.4'", 9), ('ID="ol"\nVERSION_ID="7.9"\nID_LIKE="fedora"\n', 7),
    # Amazon Linux, and rebuilds without a PLATFORM_ID whose ID nobody knows.
    ('ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\n', None),
    ('ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\nPLATFORM_ID="platform:al2023"\n', None),
    ('ID="eurolinux"\nID_LIKE="rhel fedora centos"\nVERSION_ID="9.3"\n', None),
    ('ID="eurolinux"\nID_LIKE="rhel fedora centos"\nVERSION_ID="9.3"\nPLATFORM_ID="platform:el9"\n', 9),
    ('ID="cloudlinux"\nID_LIKE="rhel fedora centos"\nVERSION_ID="8.9"\n', None),
    ('ID="fedora"\nVERSION_ID=40\nPLATFORM_ID="platform:f40"\n', None),
    ('ID="centos"\nVERSION_ID="5.11"\n', None), ('ID=rhel\nPLATFORM_ID="platform:el5"\nVERSION_ID="8"\n', None),
    ('ID="scientific"\nVERSION_ID="6.10"\n', 6), ('PLATFORM_ID="platform:el08"\n', 8),
    ('PLATFORM_ID="platform:el123"\n', None), ('PLATFORM_ID="platform:el99999999999999999999"\n', None),
    ('#PLATFORM_ID="platform:el8"\nID=debian\n', None), ("ID=rhel\nOLD_VERSION_ID=8\nVERSION_ID=9\n", 9),
    ("ID=rhelx\nVERSION_ID=8\n", None), ("ID=rhel\r\nVERSION_ID=8\r\n", None), ("VERSION_ID=$(exit 3)\nID=rhel", None),
    ("\xe9\nID=rhel\nVERSION_ID=8\n", 8)]
# For nodes without an os-release, or with an empty one.
RELEASE_TEXTS = [
    ("Scientific Linux CERN SLC release 6.10 (Carbon)\n", 6), ("CentOS release 6.9 (Final)\n", 6),
    ("Red Hat Enterprise Linux Server release 7.9 (Maipo)\n", 7), ("CentOS release 5.11 (Final)\n", None),
    ("Fedora release 14 (Laughlin)\n", None), ("release\n", None), ("", None), ("CentOS release 201\n", None)]


def bothSystems(path):
    """Give what python and what the wrapper take a node for."""
    status, out, _ = runBash("wma_container_os", WMRUNTIME_OS_RELEASE=str(path))
    number = containerSystem({"WMRUNTIME_OS_RELEASE": str(path)})
    assert status == 0
    return "rhel%d" % number if number else "", out.strip()


@pytest.mark.parametrize("text,number", OS_TEXTS)
def test_pythonAndTheWrapperReadTheSameSystemFromOsRelease(tmp_path, text, number):
    (tmp_path / "os-release").write_bytes(text.encode("latin-1"))
    (tmp_path / "redhat-release").write_text("CentOS release 6.9 (Final)\n")
    assert bothSystems(tmp_path / "os-release") == (("rhel%d" % number if number else ""),) * 2


@pytest.mark.parametrize("text,number", RELEASE_TEXTS)
@pytest.mark.parametrize("empty", [None, b"", b"\n\n", b"\0"])
def test_pythonAndTheWrapperReadTheSameSystemWithoutOsRelease(tmp_path, empty, text, number):
    if empty is not None:
        (tmp_path / "os-release").write_bytes(empty)
    (tmp_path / "redhat-release").write_text(text)
    assert bothSystems(tmp_path / "os-release") == (("rhel%d" % number if number else ""),) * 2


def test_withoutAnyReleaseFileTheSystemIsUnknown(tmp_path):
    assert bothSystems(tmp_path / "os-release") == ("", "")
    assert bothSystems(tmp_path) == ("", "")


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
