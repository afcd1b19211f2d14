"""The order in which COMP areas and their pythons are proposed."""
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.CompAreas import (cmsRoots, compDirectories, containerSystem, pythonVersions, systems,
                                                    versionKey)


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


def test_theRequiredSystemsComeFirstTheNodesOwnAmongThemThenOlderOnes(tmp_path):
    path = tmp_path / "os-release"
    path.write_text('PLATFORM_ID="platform:el8"\n')
    environ = {"WMRUNTIME_OS_RELEASE": str(path)}
    assert systems(dict(environ, REQUIRED_OS="rhel7,rhel8")) == ["rhel8", "rhel7", "rhel6"]
    assert systems(dict(environ, REQUIRED_OS="any")) == ["rhel8", "rhel7", "rhel6"]
    assert systems(dict(environ, REQUIRED_OS="rhel9")) == ["rhel9", "rhel8", "rhel7", "rhel6"]
    assert systems({"WMRUNTIME_OS_RELEASE": "/nowhere", "REQUIRED_OS": "../../x"}) == ["rhel8", "rhel9", "rhel7", "rhel6"]


def test_theAreaOfThisJobLeads(tmp_path):
    prefix = str(tmp_path / "COMP" / "el8_amd64_gcc8" / "external" / "python3" / "3.8.2-comp")
    found = compDirectories({"VO_CMS_SW_DIR": "/vo", "REQUIRED_OS": "rhel8"}, [prefix])
    assert found[0] == (str(tmp_path / "COMP" / "el8_amd64_gcc8" / "external"), "the COMP area this job runs in")
    assert found[1][0] == "/vo/COMP/rhel8_%s/external" % os.uname()[4]


def test_versionsAreOrderedByNumberNotByTextOrTime(tmp_path):
    for name in ("3.8.2-comp", "3.10.1-comp", "3.9.14-comp", "README"):
        os.makedirs(str(tmp_path / "python3" / name))
    assert pythonVersions(str(tmp_path)) == ["3.10.1-comp", "3.9.14-comp", "3.8.2-comp"]


@given(st.lists(st.text(max_size=12)))
def test_anyNamesHaveAnOrder(names):
    assert sorted(sorted(names, key=versionKey), key=versionKey) == sorted(names, key=versionKey)


@given(st.dictionaries(st.sampled_from(["REQUIRED_OS", "VO_CMS_SW_DIR", "OSG_APP", "CVMFS"]),
                       st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))))
def test_anyEnvironmentGivesAreas(environ):
    found = compDirectories(environ, [sys.prefix])
    assert found and all(path.endswith("/external") for path, _ in found)
