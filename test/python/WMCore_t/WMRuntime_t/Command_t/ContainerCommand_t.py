"""`wmruntime container`: run something as a job would be, write definitions."""
import os
import shlex
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Command.Main import main


@pytest.fixture
def environ(workerNode, tmp_path, monkeypatch, sourceTree):
    """Where the command runs: the node's programs on PATH, a directory of its own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(str(home))
    for name in ("REQUIRED_OS", "VO_CMS_SW_DIR", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", os.path.join(workerNode.root, "bin") + ":/usr/bin:/bin")
    return dict(os.environ, PYTHONPATH=os.pathsep.join([sourceTree] + [path for path in sys.path if path]))


def execute(workerNode, environ, *words):
    """Run `container exec`; return (exit code, stdout, stderr)."""
    done = subprocess.run([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "container", "exec", "--root",
                           workerNode.cvmfs] + list(words), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    err = done.stderr.decode()
    if done.returncode == 255 and "unshare" in err:
        pytest.skip("this machine allows neither mount nor user namespaces: %s" % err)
    return done.returncode, done.stdout.decode(), err


@pytest.mark.parametrize("system, version", [("rhel7", "7"), ("rhel9", "9.4")])
def test_a_command_runs_in_the_systems_image_and_its_exit_code_comes_back(workerNode, environ, system, version):
    code, out, err = execute(workerNode, environ, "--system", system, "--", "/bin/sh", "-c",
                             ". /etc/os-release; echo $VERSION_ID $PWD; touch made; exit 42")
    assert (code, out) == (42, "%s %s\n" % (version, os.getcwd())), err
    assert os.path.exists("made")


def test_an_image_is_named_by_its_path(workerNode, environ):
    code, out, err = execute(workerNode, environ, "--image", workerNode.images["rhel8"], "--", "cat", "/etc/os-release")
    assert code == 0 and "8.10" in out, err


def test_show_prints_the_command_line_and_runs_nothing(workerNode, environ, capsys):
    assert main(["container", "exec", "--root", workerNode.cvmfs, "--system", "rhel9", "--show", "--", "echo", "a b"]) == 0
    words = shlex.split(capsys.readouterr().out)
    assert words[:3] == [os.path.join(workerNode.root, "bin", "apptainer"), "exec", "--cleanenv"]
    assert words[-3:] == [workerNode.images["rhel9"], "echo", "a b"]


def test_auto_is_the_descriptions_image(workerNode, environ, capsys, monkeypatch):
    monkeypatch.setenv("REQUIRED_OS", "rhel7")
    for words in ([], ["--image", "auto"]):
        assert main(["container", "exec", "--root", workerNode.cvmfs] + words + ["--show", "--", "true"]) == 0
        assert shlex.split(capsys.readouterr().out)[-2:] == [workerNode.images["rhel7"], "true"]


def test_a_system_that_has_no_image_here_is_not_replaced_by_another(workerNode, environ, capsys):
    assert main(["container", "exec", "--root", workerNode.cvmfs, "--system", "rhel6", "--", "true"]) == 1
    assert "rhel9" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bogus", "rhel8,rhel9", "any", "RHEL8"])
def test_a_system_that_nobody_describes_is_refused(workerNode, environ, capsys, name):
    assert main(["container", "exec", "--root", workerNode.cvmfs, "--system", name, "--", "true"]) == 1
    err = capsys.readouterr().err
    assert "expected one of rhel6, rhel7" in err and repr(name) in err


def test_what_cannot_be_had_is_said(workerNode, environ, capsys):
    assert main(["container", "exec", "--image", "/no/such/image", "--", "true"]) == 1
    assert "/no/such/image" in capsys.readouterr().err


def test_without_a_command_the_arguments_are_wrong(environ):
    with pytest.raises(SystemExit) as raised:
        main(["container", "exec", "--system", "rhel9"])
    assert raised.value.code == 2


def test_one_definition_is_printed(capsys):
    assert main(["container", "definition", "--system", "rhel8", "--cpu", "x86_64"]) == 0
    assert "\nFrom: docker.io/cmssw/el8:x86_64\n" in capsys.readouterr().out


def test_several_definitions_need_a_directory(capsys, tmp_path):
    assert main(["container", "definition", "--system", "rhel8"]) == 1
    assert "--output" in capsys.readouterr().err
    assert main(["container", "definition", "--output", str(tmp_path / "new")]) == 0
    assert main(["container", "definition", "--format", "oci", "--output", str(tmp_path / "new")]) == 0
    names = os.listdir(str(tmp_path / "new"))
    assert len(names) == 24 and {"rhel9_x86_64.def", "Containerfile.rhel7_ppc64le"} < set(names)
    assert len(capsys.readouterr().out.splitlines()) == 24


def test_a_directory_for_definitions_that_cannot_be_made_is_said(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["container", "definition", "--output", str(tmp_path / "file" / "below")]) == 1
    assert "file/below: Not a directory" in capsys.readouterr().err


def test_another_description_is_read(tmp_path, capsys):
    assert main(["container", "definition", "--description", str(tmp_path / "none.cfg")]) == 1
    assert "none.cfg" in capsys.readouterr().err
