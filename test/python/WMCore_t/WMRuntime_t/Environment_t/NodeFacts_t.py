"""Tests of Environment/NodeFacts."""
import os
import sys

import pytest

from WMCore.WMRuntime.Environment import NodeFacts as module
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts


@pytest.mark.parametrize("text, system", [
    ('ID="almalinux"\nVERSION_ID="8.9"\nPLATFORM_ID="platform:el8"\n', "rhel8"),
    ('ID="centos"\nVERSION_ID="7"\n', "rhel7"), ('ID=debian\nVERSION_ID="12"\n', None)])
def test_theSystemIsReadFromOsRelease(tmp_path, text, system):
    path = tmp_path / "os-release"
    path.write_text(text)
    assert NodeFacts.fromEnviron({"WMRUNTIME_OS_RELEASE": str(path)}).system == system


def test_thePythonIsTheRunningOne():
    facts = NodeFacts.fromEnviron({}, "/srv/job")
    assert (facts.executable, facts.version) == (sys.executable, tuple(sys.version_info[:3]))
    assert (facts.machine, facts.jobDirectory) == (os.uname()[4], "/srv/job")


def test_theRootsAreThoseOfTheSite():
    facts = NodeFacts.fromEnviron({"VO_CMS_SW_DIR": "/site/cms", "WMRUNTIME_CVMFS_ROOT": "/else/cms"})
    assert facts.roots == ("/site/cms", "/else/cms")


@pytest.mark.parametrize("name", ["APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"])
def test_theContainerIsWhatItsFrontEndSays(name):
    assert NodeFacts.fromEnviron({name: "/cvmfs/images/el8"}).container == "/cvmfs/images/el8"


def test_aContainerThatSaysNothingIsKnownByItsMark(monkeypatch, tmp_path):
    mark = tmp_path / ".singularity.d"
    monkeypatch.setattr(module, "CONTAINER_MARK", str(mark))
    assert NodeFacts.fromEnviron({}).container == ""
    mark.mkdir()
    assert NodeFacts.fromEnviron({}).container == str(mark)


def test_theEnvironmentIsACopyAndIsNotPrinted():
    environ = {"BEARER_TOKEN": "deadbeef"}
    facts = NodeFacts.fromEnviron(environ)
    environ.clear()
    assert facts.environ == {"BEARER_TOKEN": "deadbeef"} and "deadbeef" not in repr(facts)
