"""Which places of a node a container may be shown."""
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.ContainerPlaces import inside, whyNoStart, whyNotShown

START = "/scratch/pilot/dir_1"


@pytest.mark.parametrize("path", [
    "/", "/usr", "/usr/share", "/usr/local", "/usr/local/lib", "/etc", "/etc/shadow", "/etc/pki", "/etc/cvmfs", "/proc/1",
    "/sys/fs", "/dev", "/dev/sda", "/boot/x", "/lib64/x", "/var", "/var/lib", "/var/lib/rpm", "/var/lib/condor",
    "/var/lib/condor/execute", "/var/log/audit", "/var/run/secrets", "/run", "/run/user", "/run/user/1000", "/run/secrets/x",
    "/tmp", "/var/tmp", "/var/spool", "/opt"])
def test_what_is_the_systems_is_not_shown(path):
    assert "of the system" in whyNotShown(path, START)


@pytest.mark.parametrize("path", ["/root", "/home/pilot"])
def test_a_home_is_not_shown(path):
    assert "home directory" in whyNotShown(path, START) and "of the system" in whyNotShown("/home", START)


@pytest.mark.parametrize("path", [
    "/etc/grid-security/certificates", "/etc/vomses", "/etc/cvmfs/SITECONF/local", "/etc/condor",
    "/var/lib/condor/execute/dir_7", "/etc/machinefeatures", "/etc/jobfeatures/17", "/run/user/1000/bt_u1000",
    "/usr/local/condor/etc", "/dev/shm/dir_7", "/opt/cms", "/cvmfs", "/data", "/tmp/x509up_u1000", "/home/pilot/cms",
    "/root/.proxy", "/var/spool/pbs", "/var/cache/cvmfs2", "/etcetera", "/usr1/scratch"])
def test_what_sites_have_is_shown(path):
    if os.path.realpath(path) != path:
        pytest.skip("this machine has a link there")
    assert whyNotShown(path, START) == ""


@pytest.mark.parametrize("path", ["/scratch/pilot", "/scratch", "/scratch/pilot/dir_1"])
def test_what_holds_the_jobs_directory_is_not_shown(path):
    assert "own directory lies in it" in whyNotShown(path, START)


def test_a_link_is_what_it_leads_to(tmp_path):
    start = tmp_path / "node" / "start"
    start.mkdir(parents=True)
    links = {"system": "/etc", "holder": str(tmp_path / "node"), "alias": str(start), "data": str(tmp_path / "x")}
    for name, target in links.items():
        os.symlink(target, str(tmp_path / name))
    said = {name: whyNotShown(str(tmp_path / name), os.path.realpath(str(start))) for name in links}
    assert "of the system" in said["system"] and "lies in it" in said["holder"]
    assert said["alias"] == said["data"] == ""


@pytest.mark.parametrize("path", ["/var/lib/boinc/slots/0", "/home/pilot", "/root", "/var/lib/condor/execute/dir_7",
                                  "/run/job_1", "/scratch", "/dev/shm/dir_7"])
def test_a_job_may_be_started_where_its_batch_system_does_it(path):
    assert whyNoStart(path) == ""


@pytest.mark.parametrize("path", ["/", "/etc", "/etc/x", "/usr/bin", "/usr/share/x", "/proc/1", "/tmp", "/var", "/var/lib",
                                  "/run", "/home", "/a:b", "relative", ""])
def test_a_job_that_was_started_in_the_systems_directories_goes_into_no_container(path):
    assert whyNoStart(path)


@given(st.lists(st.sampled_from(["etc", "usr", "var", "lib", "run", "home", "root", "x", "user", "proc", "local"]), max_size=5))
def test_nothing_shown_holds_the_system_or_the_job(parts):
    path = "/" + "/".join(parts)
    if not whyNotShown(path, START):
        assert not any(inside(other, path) for other in ("/etc/passwd", "/usr/bin", "/proc", "/root", "/home", "/run", START))
