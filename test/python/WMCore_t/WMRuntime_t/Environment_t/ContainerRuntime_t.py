"""Which program starts containers, and what its version means."""
import os

import pytest

from WMCore.WMRuntime.Environment import ContainerRuntime as module
from WMCore.WMRuntime.Environment.ContainerRuntime import ContainerRuntime, findProgram, findRuntime
from WMCore.WMRuntime.Errors import WMRuntimeError


def program(directory, name, text):
    """Write a program; return its path."""
    path = os.path.join(str(directory), name)
    with open(path, "w") as handle:
        handle.write("#!/bin/sh\n%s\n" % text)
    os.chmod(path, 0o755)
    return path


@pytest.fixture(autouse=True)
def noProgramInCvmfs(monkeypatch, tmp_path):
    """Whatever the machine has in CVMFS is left out."""
    monkeypatch.setattr(module, "CVMFS_PROGRAM", str(tmp_path / "cvmfs-apptainer"))


@pytest.mark.parametrize("said, name, version, evaluates, prefix", [
    ("apptainer version 1.3.4-1.el8", "apptainer", (1, 3), False, "APPTAINERENV_"),
    ("apptainer version 1.1.0", "apptainer", (1, 1), False, "APPTAINERENV_"),
    ("apptainer version 1.0.3", "apptainer", (1, 0), True, "APPTAINERENV_"),
    ("singularity version 3.8.7-1.el7", "singularity", (3, 8), True, "SINGULARITYENV_"),
    ("singularity-ce version 3.9.5", "singularity-ce", (3, 9), True, "SINGULARITYENV_"),
    ("singularity-ce version 3.11.0-rc.2", "singularity-ce", (3, 11), False, "SINGULARITYENV_"),
    ("INFO: something first\nsingularity-ce version 4.1.0", "singularity-ce", (4, 1), False, "SINGULARITYENV_"),
])
def test_versions(tmp_path, said, name, version, evaluates, prefix):
    path = program(tmp_path, "singularity", "cat <<'E'\n%s\nE" % said)
    found = findRuntime({"PATH": str(tmp_path) + ":/usr/bin:/bin"})
    assert (found.path, found.name, found.version) == (path, name, version)
    assert found.evaluates is evaluates and found.variablePrefix == prefix


def test_apptainer_comes_before_singularity_and_both_before_cvmfs(tmp_path):
    environ = {"PATH": str(tmp_path)}
    assert findProgram(environ) is None
    inCvmfs = program(tmp_path, "cvmfs-apptainer", "")
    assert findProgram(environ) == inCvmfs
    singularity = program(tmp_path, "singularity", "")
    assert findProgram(environ) == singularity
    assert findProgram(dict(environ, PATH="%s:/usr/bin" % tmp_path)) == singularity
    assert findProgram({"PATH": str(tmp_path)}) == singularity
    apptainer = program(tmp_path, "apptainer", "")
    assert findProgram(environ) == apptainer


@pytest.mark.parametrize("text", ["echo gibberish", "echo 'apptainer version 1.3.4'; exit 1", "kill -9 $$", "exit 0"])
def test_a_program_that_does_not_say_its_version_is_refused(tmp_path, text):
    path = program(tmp_path, "apptainer", text)
    with pytest.raises(WMRuntimeError) as raised:
        findRuntime({"PATH": str(tmp_path)})
    assert raised.value.code == 11014 and path in raised.value.context


def test_no_program_is_an_error_that_names_the_path(tmp_path):
    with pytest.raises(WMRuntimeError) as raised:
        findRuntime({"PATH": str(tmp_path)})
    assert raised.value.code == 11014 and str(tmp_path) in raised.value.context


def test_a_program_that_cannot_be_started_is_an_error(tmp_path):
    path = program(tmp_path, "apptainer", "")
    with open(path, "w") as handle:
        handle.write("#!/no/such/interpreter\n")
    with pytest.raises(WMRuntimeError) as raised:
        findRuntime({"PATH": str(tmp_path)})
    assert path in raised.value.context


def test_an_unknown_relative_is_taken_to_evaluate():
    assert ContainerRuntime("/x", "singularity-pro-max", (9, 9), "").evaluates
