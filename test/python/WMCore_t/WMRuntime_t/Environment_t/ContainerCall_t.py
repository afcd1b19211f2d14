"""The command line of a container, and what goes in by the environment."""
import os

import pytest

from WMCore.WMRuntime.Environment.ContainerBinds import Bind
from WMCore.WMRuntime.Environment.ContainerCall import ContainerCall, gpuOption
from WMCore.WMRuntime.Environment.ContainerRuntime import ContainerRuntime

NEW = ContainerRuntime("/usr/bin/apptainer", "apptainer", (1, 3), "apptainer 1.3.4")
OLD = ContainerRuntime("/usr/bin/singularity", "singularity", (3, 8), "singularity 3.8.7")


def call(runtime=NEW, **more):
    """Make a call with a bind and a site's own."""
    return ContainerCall(runtime, "/images/el8", "/srv/start", "/srv/start/job", "/srv/start/scratch",
                         (Bind("/cvmfs", "CMS", False), Bind("/etc/vomses", "grid")), ("/storage",), **more)


def test_the_command_line():
    assert call().prefix == (
        "/usr/bin/apptainer", "exec", "--cleanenv", "--no-eval", "--contain", "--workdir", "/srv/start/scratch",
        "--home", "/srv/start:/srv/start", "--pwd", "/srv/start/job", "--bind", "/storage", "--bind", "/cvmfs:/cvmfs",
        "--bind", "/etc/vomses:/etc/vomses:ro", "/images/el8")


def test_a_program_that_knows_no_such_option_is_not_given_it():
    assert "--no-eval" not in call(OLD).prefix


def test_gpus():
    assert "--nv" in call(gpu="nv").prefix and "--rocm" in call(gpu="rocm").prefix


def test_gpus_are_told_by_their_devices(tmp_path):
    (tmp_path / "dev").mkdir()
    assert gpuOption(str(tmp_path)) == ""
    (tmp_path / "dev" / "kfd").write_text("")
    assert gpuOption(str(tmp_path)) == "rocm"
    (tmp_path / "dev" / "nvidiactl").write_text("")
    assert gpuOption(str(tmp_path)) == "nv"


def chosen(environ, sees=lambda path: path.startswith("/cvmfs")):
    """What the inside gets of an environment."""
    return call().variables(environ, sees)


def test_only_what_is_allowed_goes_in():
    environ = {"SECRET": "x", "X509_USER_PROXY": "/p", "WMAGENT_RETRY_COUNT": "1", "JOBSTARTDIR": "/srv/start",
               "LD_LIBRARY_PATH": "/y", "HOME": "/root", "APPTAINER_NAME": "n", "WMRUNTIME_OS_RELEASE": "/o"}
    assert sorted(name for name in chosen(environ) if not name.startswith("WMRUNTIME_START")) == [
        "JOBSTARTDIR", "PATH", "WMAGENT_RETRY_COUNT", "X509_USER_PROXY"]


def test_of_path_stays_what_the_container_sees():
    path = chosen({"PATH": "/cvmfs/tools/bin:/opt/site/bin:/usr/bin:relative:"})["PATH"].split(":")
    assert path[:2] == ["/cvmfs/tools/bin", "/opt/wmruntime/bin"] and path.count("/usr/bin") == 1
    assert "/opt/site/bin" not in path and "" not in path


def test_of_pythonpath_stays_the_jobs_own_code():
    environ = {"PYTHONPATH": "/srv/start/job/WMCore.zip:/srv/start/job:/cvmfs/COMP/py3-future:/srv/started"}
    assert chosen(environ)["PYTHONPATH"] == "/srv/start/job/WMCore.zip:/srv/start/job"
    assert "PYTHONPATH" not in chosen({"PYTHONPATH": "/elsewhere"})


def test_the_wrappers_python_stays_outside_and_foreign_programs_inside_get_the_containers_paths():
    inside = chosen({"PATH": "/cvmfs/COMP/bin:/usr/bin", "WMRUNTIME_START_PATH": "/cvmfs/own:/usr/bin",
                     "LD_LIBRARY_PATH": "/cvmfs/COMP/lib", "WMRUNTIME_START_LD_LIBRARY_PATH": "/site/lib",
                     "PYTHONHOME": "/x"})
    assert inside["PATH"].startswith("/cvmfs/own:/opt") and "COMP" not in inside["PATH"]
    assert inside["WMRUNTIME_START_PATH"] == inside["PATH"] and "PYTHONHOME" not in inside
    assert inside["WMRUNTIME_START_LD_LIBRARY_PATH"] == "/.singularity.d/libs"
    assert inside["WMRUNTIME_START_PYTHONPATH"] == ""


def test_a_temporary_directory_that_the_container_does_not_see_is_not_named():
    assert "TMPDIR" not in chosen({"TMPDIR": "/scratch/x"})
    assert chosen({"TMPDIR": "/cvmfs/x"})["TMPDIR"] == "/cvmfs/x"


def test_values_go_in_under_the_programs_prefix():
    environ, lost = call().environment({"HOME": "/h", "LD_PRELOAD": "/x", "LD_LIBRARY_PATH": "/y", "PYTHONHOME": "/z",
                                        "APPTAINER_BINDPATH": "/storage"}, {"A": "$x `y`\n,", "BASH_FUNC_f%%": "()"})
    assert environ == {"HOME": "/h", "APPTAINERENV_A": "$x `y`\n,"} and lost == ["BASH_FUNC_f%%"]


@pytest.mark.parametrize("prefix", ["APPTAINER", "SINGULARITY"])
def test_what_the_node_says_to_the_program_changes_nothing_inside(prefix):
    outside = {prefix + name: "/x" for name in ("ENV_LD_PRELOAD", "ENV_PATH", "ENVPATH", "_MOUNT", "_ENV_FILE", "_BIND",
                                                "_BINDPATH", "_WRITABLE", "_PID", "_OVERLAY", "_HOME")}
    outside[prefix + "ENV_LD_PRELOAD"] = "/evil.so"
    kept = {prefix + "_CACHEDIR": "/cache", prefix + "_UNSHARE_USERNS": "1", "PATH": "/bin"}
    for runtime in (NEW, OLD):
        environ, lost = call(runtime).environment(dict(outside, **kept), {"A": "1"})
        assert environ == dict(kept, **{runtime.variablePrefix + "A": "1"}) and lost == []


def test_what_an_old_program_would_evaluate_is_not_handed_over():
    environ, lost = call(OLD).environment({}, {"A": "plain", "B": "$x", "C": "`x`", "D": "a\\b", "E": "a\nb"})
    assert environ == {"SINGULARITYENV_A": "plain"} and lost == ["B", "C", "D", "E"]


def test_the_outside_is_left_as_it_is():
    outside = {"PATH": "/usr/bin", "PYTHONHOME": "/x"}
    call().environment(outside, call().variables(outside, os.path.exists))
    assert outside == {"PATH": "/usr/bin", "PYTHONHOME": "/x"}


def test_mount_points_below_tmp_are_made_where_the_containers_tmp_lies(tmp_path):
    scratch = tmp_path / "scratch"
    proxy = tmp_path / "x509"
    proxy.write_text("")
    call = ContainerCall(NEW, "/i", "/tmp/no-such-start", "/tmp/no-such-start", str(scratch),
                         (Bind(str(proxy), "proxy"), Bind("/usr", "no")), ("/usr/share:/var/tmp/a/b:ro", "/storage"))
    call.layOut()
    call.layOut()
    assert (scratch / "var_tmp" / "a" / "b").is_dir()
    assert (scratch / "tmp" / "no-such-start").exists()
    if str(proxy).startswith("/tmp/"):
        assert (scratch / "tmp" / str(proxy)[len("/tmp/"):]).is_file()
    assert not (scratch / "usr").exists()
