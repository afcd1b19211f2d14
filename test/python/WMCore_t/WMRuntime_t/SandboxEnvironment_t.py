"""Tests of SandboxEnvironment, and of what a sandbox carries of the runtime's environment."""
import hashlib
import os
import subprocess
import tarfile

import pytest

pytest.importorskip("WMCore.WMSpec.WMWorkload", reason="upstream's WMCore is not on the path")

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.SandboxCreator import SandboxCreator
from WMCore.WMRuntime.SandboxEnvironment import environmentEntries
from WMCore.WMSpec.WMWorkload import newWorkload

PIN = EnvironmentRequest(pythonVersion="3.9.14-wm1")


@pytest.fixture
def pack(tmp_path):
    """Give a function that makes a sandbox and gives its members by name."""
    def make(whole=False, **settings):
        creator = SandboxCreator()
        if not whole:
            creator.disableWMCorePackaging()
        for name, value in settings.items():
            setattr(creator, name, value)
        archive = creator.makeSandbox(str(tmp_path), newWorkload("Asking"))
        creator.extractSandbox(archive, str(tmp_path / "job"))
        with tarfile.open(archive) as tar:
            return set(tar.getnames())
    make.job = tmp_path / "job"
    return make


def test_aSandboxAsksForNothingUnlessItIsTold(pack):
    assert "environment.cfg" not in pack() and environmentEntries(environ={}) == []
    assert environmentEntries(EnvironmentRequest(), {}) == []


def test_whatTheSandboxCarriesIsWhatTheJobReads(pack):
    pack(environment=PIN)
    found = EnvironmentRequest.fromJob({}, str(pack.job))
    assert found.pythonVersion == "3.9.14-wm1" and found.origin("pythonVersion") == str(pack.job / "environment.cfg")


def test_anAgentSaysItWithAFile(pack, tmp_path, monkeypatch):
    (tmp_path / "asked.cfg").write_text("# for this campaign\n[container]\nimage = auto\n")
    monkeypatch.setenv("WMRUNTIME_SANDBOX_ENVIRONMENT", str(tmp_path / "asked.cfg"))
    pack()
    assert EnvironmentRequest.fromJob({}, str(pack.job)).container == "auto"


@pytest.mark.parametrize("text", [None, "[python]\nversion = ../..\n"])
def test_aFileThatNoJobUnderstandsMakesNoSandbox(pack, tmp_path, monkeypatch, text):
    path = tmp_path / "asked.cfg"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("WMRUNTIME_SANDBOX_ENVIRONMENT", str(path))
    with pytest.raises(WMRuntimeError) as caught:
        pack()
    assert str(path) in str(caught.value) and not pack.job.exists()


@pytest.mark.parametrize("series", ["3.6", "3.13"])
def test_aBarePythonReadsTheDescriptionOutOfTheSandbox(pack, sandboxPackages, interpreters, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    pack(whole=True, packagesDirectory=sandboxPackages)
    code = ("from WMCore.WMRuntime.Environment.Description import loadDescription, __file__ as place\n"
            "print(loadDescription().sha256, 'WMCore.zip' in place)")
    said = subprocess.check_output([interpreters[series], "-s", "-c", code],
                                   env={"PYTHONPATH": str(pack.job / "WMCore.zip")}).decode()
    assert said.split() == [loadDescription().sha256, "True"]


def test_theWheelOfThisProjectBringsTheDescription(topDirectory):
    import configparser
    parser = configparser.ConfigParser()
    parser.read(os.path.join(topDirectory, "setup.cfg"))
    assert parser.get("options.package_data", "WMCore.WMRuntime.Environment").split() == ["requirements.cfg"]
    path = os.path.join(topDirectory, "src", "WMCore", "WMRuntime", "Environment", "requirements.cfg")
    with open(path, "rb") as handle:
        assert hashlib.sha256(handle.read()).hexdigest() == loadDescription().sha256
