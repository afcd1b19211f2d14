"""The stand-in for apptainer: the real one's command line and refusals, and a root that is really another."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNode

NOBODY = 65534


def run(node, words, environ=None, cwd="/", **options):
    """Run the stand-in; return (exit code, stdout, stderr)."""
    environ = dict({"PATH": "/usr/bin:/bin"}, **(environ or {}))
    done = subprocess.run([os.path.join(node.root, "bin", "apptainer")] + words, env=environ, cwd=str(cwd), timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def inside(node, command, options=(), system="rhel8", **more):
    """Run a shell command in an image; return (exit code, stdout, stderr)."""
    return run(node, ["exec"] + list(options) + [node.images[system], "/bin/sh", "-c", command], **more)


@pytest.fixture(scope="session", autouse=True)
def namespaces(workerNode):
    """Skip where the kernel allows no namespaces, as a real apptainer would fail."""
    code, _, err = inside(workerNode, "true")
    if code == 255 and "unshare" in err:
        pytest.skip("this machine allows neither mount nor user namespaces: %s" % err.strip())


class TestRoot(object):

    def test_each_image_has_a_system_of_its_own(self, workerNode):
        versions = {system: inside(workerNode, ". /etc/os-release; echo $VERSION_ID", system=system)[1].strip()
                    for system in workerNode.images}
        assert versions == {"rhel7": "7", "rhel8": "8.10", "rhel9": "9.4"}

    def test_what_is_not_bound_is_not_there(self, workerNode, tmp_path):
        (tmp_path / "secret").write_text("x")
        assert inside(workerNode, "cat %s/secret" % tmp_path, ["--contain"])[0] == 1

    def test_a_bind_is_seen_under_another_name_and_may_be_read_only(self, workerNode, tmp_path):
        (tmp_path / "file").write_text("hello")
        options = ["--contain", "--bind", "%s:/data/deep:ro,%s:/rw" % (tmp_path, tmp_path)]
        code, out, err = inside(workerNode, "cat /data/deep/file; touch /rw/made; touch /data/deep/not", options)
        assert (code, out) == (1, "hello") and "Read-only" in err
        assert sorted(os.listdir(str(tmp_path))) == ["file", "made"]

    def test_a_mount_point_that_the_image_lacks_leaves_the_image_as_it_is(self, workerNode, tmp_path):
        before = sorted(os.listdir(workerNode.images["rhel8"] + "/etc"))
        code, out, _ = inside(workerNode, "ls /etc/grid; cat /etc/os-release", ["--bind", "%s:/etc/grid" % tmp_path])
        assert code == 0 and "AlmaLinux" in out
        assert sorted(os.listdir(workerNode.images["rhel8"] + "/etc")) == before

    def test_the_image_cannot_be_written_to(self, workerNode):
        code, _, err = inside(workerNode, "touch /x || touch /etc/x || touch /var/x")
        assert code != 0 and err.count("Read-only") == 3

    def test_contain_takes_the_machines_tmp_away(self, workerNode, tmp_path):
        code, out, _ = inside(workerNode, "touch /tmp/made && ls /tmp",
                              ["--contain", "--workdir", str(tmp_path)])
        assert (code, out.strip()) == (0, "made")
        assert os.listdir(str(tmp_path / "tmp")) == ["made"]

    def test_no_session_directory_is_left(self, workerNode):
        before = set(os.listdir("/tmp"))
        inside(workerNode, "true")
        assert not [name for name in set(os.listdir("/tmp")) - before if name.startswith("apptainer-session")]

    def test_the_nodes_pythons_run_inside(self, workerNode):
        python = os.path.join(workerNode.cvmfs, "COMP", "rhel8_%s" % os.uname()[4], "external", "python3")
        code, out, err = inside(workerNode, "exec %s/*/bin/python3 -c 'import ssl, sys; print(sys.prefix)'" % python,
                                ["--contain", "--bind", workerNode.root])
        assert code == 0, err
        assert out.startswith(workerNode.root)


class TestEnvironment(object):

    def test_cleanenv_lets_next_to_nothing_through(self, workerNode):
        environ = {"SECRET": "1", "PYTHONPATH": "/x", "TERM": "vt100", "LD_LIBRARY_PATH": "/y"}
        _, out, _ = inside(workerNode, "env", ["--cleanenv"], environ=environ)
        names = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        assert "SECRET" not in names and "PYTHONPATH" not in names and names["TERM"] == "vt100"
        assert names["LD_LIBRARY_PATH"] == "/.singularity.d/libs"
        assert names["APPTAINER_CONTAINER"] == os.path.realpath(workerNode.images["rhel8"]) == names["SINGULARITY_CONTAINER"]

    @pytest.mark.parametrize("option, expected", [([], "a 5 y"),
                                                  (["--no-eval"], "a$b $((2+3)) `echo y`")])
    def test_a_shell_evaluates_values_unless_told_not_to(self, workerNode, option, expected):
        environ = {"APPTAINERENV_VALUE": "a$b $((2+3)) `echo y`"}
        assert inside(workerNode, 'printf "%s" "$VALUE"', ["--cleanenv"] + option, environ=environ)[1] == expected

    def test_env_splits_at_commas(self, workerNode):
        assert inside(workerNode, 'echo "$A-$B"', ["--env", "A=1,B=2"])[1] == "1-2\n"

    def test_home_cannot_be_set_by_a_variable(self, workerNode, tmp_path):
        code, out, err = inside(workerNode, "echo $HOME", ["--home", "%s:/srv" % tmp_path],
                                environ={"APPTAINERENV_HOME": "/elsewhere"})
        assert (code, out) == (0, "/srv\n") and "is not permitted" in err

    def test_the_sites_binds_come_from_the_environment(self, workerNode, tmp_path):
        (tmp_path / "file").write_text("site")
        assert inside(workerNode, "cat /site/file", ["--contain"],
                      environ={"APPTAINER_BINDPATH": "%s:/site" % tmp_path})[1] == "site"


class TestCommandLine(object):

    @pytest.mark.parametrize("words, code, message", [
        (["exec", "--nonsense", "IMAGE", "true"], 1, 'Error for command "exec": unknown flag: --nonsense'),
        (["exec", "-Z", "IMAGE", "true"], 1, "unknown shorthand flag: 'Z' in -Z"),
        (["exec", "--bind"], 1, "flag needs an argument: --bind"),
        (["exec", "IMAGE"], 1, "requires at least 2 arg(s), only received 1"),
        (["exec", "--overlay", "x", "IMAGE", "true"], 1, "does not fake"),
        (["shell", "IMAGE"], 1, "fakes `exec` only"),
        ([], 1, "invalid command"),
        (["exec", "/no/image", "true"], 255, "FATAL:   could not open image /no/image: failed to retrieve path"),
        (["exec", "/etc/passwd", "true"], 255, "image format not recognized"),
        (["exec", "docker://x/y", "true"], 255, "fetches no images"),
        (["exec", "--bind", "/no/source", "IMAGE", "true"], 255, "mount source /no/source doesn't exist"),
        (["exec", "--bind", "/usr:/u:rx", "IMAGE", "true"], 255, "not a valid bind option"),
        (["exec", "--bind", "a:b:c:d", "IMAGE", "true"], 255, "not in the format"),
        (["exec", "--contain", "--workdir", "/no/dir", "IMAGE", "true"], 255, "workdir"),
        (["exec", "IMAGE", "no-such-program"], 255, "executable file not found in $PATH"),
    ])
    def test_what_apptainer_refuses_is_refused(self, workerNode, words, code, message):
        got, out, err = run(workerNode, [workerNode.images["rhel8"] if word == "IMAGE" else word for word in words])
        assert (got, out) == (code, "") and message in err

    def test_options_after_the_image_are_the_commands(self, workerNode):
        assert run(workerNode, ["exec", "-e", "-c", workerNode.images["rhel9"], "echo", "--bind", "-x"])[1] == "--bind -x\n"

    def test_singularity_is_the_same_program(self, workerNode):
        said = subprocess.check_output([os.path.join(workerNode.root, "bin", "singularity"), "--version"]).decode()
        assert said.startswith("singularity version ")

    def test_calls_are_recorded(self, workerNode):
        inside(workerNode, "exit 3")
        assert workerNode.calls("apptainer")[-1]["argv"][-1] == "exit 3"


class TestEnd(object):

    @pytest.mark.parametrize("command, code", [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -SEGV $$", 139)])
    def test_the_exit_code_is_the_payloads(self, workerNode, command, code):
        assert inside(workerNode, command)[0] == code

    def test_a_signal_reaches_the_payload(self, workerNode, tmp_path):
        script = 'trap "echo got it; exit 9" TERM; touch ready; while :; do sleep 0.05; done'
        child = subprocess.Popen([os.path.join(workerNode.root, "bin", "apptainer"), "exec", "--pwd", str(tmp_path), "--bind",
                                  str(tmp_path), workerNode.images["rhel8"], "/bin/sh", "-c", script],
                                 stdout=subprocess.PIPE, start_new_session=True)
        end = time.monotonic() + 30
        while not (tmp_path / "ready").exists() and time.monotonic() < end:
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.communicate(timeout=30)[0] == b"got it\n"
        assert child.returncode == 9


@pytest.fixture(scope="module")
def openNode():
    """A node that an ordinary user can use: in /tmp, with the system's own python."""
    pythons = findMachinePythons({"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    if not any(series.startswith("3.") for series in pythons):
        pytest.skip("this machine has no python3 in /usr/bin that every user can run")
    directory = tempfile.mkdtemp(prefix="wmruntime-node-", dir="/tmp")
    os.chmod(directory, 0o755)
    yield createNode(os.path.join(directory, "node"), pythons, log=lambda text: None)
    shutil.rmtree(directory)


def test_an_ordinary_user_gets_another_root_and_stays_who_he_is(openNode):
    if os.getuid() != 0:
        pytest.skip("this test is run by an ordinary user already: all others are it")
    home = tempfile.mkdtemp(prefix="wmruntime-home-", dir="/tmp")
    os.chown(home, NOBODY, NOBODY)

    def become():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        command = "grep CapEff /proc/self/status; . /etc/os-release; echo $VERSION_ID $(id -u) $PWD; touch made /etc/not"
        code, out, err = inside(openNode, command, ["--contain", "--cleanenv", "--home", "%s:%s" % (home, home), "--pwd", home],
                                preexec_fn=become)
        if "unshare" in err:
            pytest.skip("this machine gives ordinary users no namespaces")
        assert out.split()[1:] == ["0000000000000000", "8.10", str(NOBODY), home], err
        assert code == 1 and "Read-only" in err
        assert os.stat(os.path.join(home, "made")).st_uid == NOBODY
    finally:
        shutil.rmtree(home)


def test_root_may_ask_for_a_user_namespace(workerNode):
    code, out, err = inside(workerNode, "cat /proc/self/uid_map", ["--userns"])
    assert code == 0 and out.split() == [str(os.getuid()), str(os.getuid()), "1"], err


def test_a_moved_node_has_its_images(openNode, tmp_path):
    moved = shutil.copytree(openNode.root, str(tmp_path / "moved"), symlinks=True)
    node = WorkerNode.load(moved)
    assert inside(node, ". /etc/os-release; echo $VERSION_ID", system="rhel9")[1] == "9.4\n"
