"""What of a node a job's container sees."""
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.ContainerBinds import (AD_VARIABLES, CREDENTIAL_VARIABLES, SITE_VARIABLES,
                                                         collectBinds, siteBinds)
from WMCore.WMRuntime.Environment.ContainerPlaces import whyNotShown


@pytest.fixture
def place(tmp_path):
    """A start directory with a node's things beside it."""
    for name in ("start/job", "cvmfs/cms.cern.ch/SITECONF", "site/local", "features", "creds", "condor"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("start/x509up", "start/.job.ad", "proxy", "condor/condor_config"):
        (tmp_path / name).write_text("")
    os.symlink(str(tmp_path / "site" / "local"), str(tmp_path / "cvmfs/cms.cern.ch/SITECONF/local"))
    return tmp_path


def binds(place, roots=(), **environ):
    """Collect; return dict of path to whether it is read-only."""
    found = collectBinds({name: value if name.endswith(("BIND", "BINDPATH")) else str(place / value) if value[0] != "/"
                          else value for name, value in environ.items()}, roots, str(place / "start"))
    return {os.path.relpath(bind.path, str(place)): bind.readOnly for bind in found.sorted()
            if bind.path.startswith(str(place))}, found


def test_the_software_comes_with_all_of_cvmfs_and_where_its_links_lead(place):
    assert binds(place, [str(place / "cvmfs/cms.cern.ch")])[0] == {"cvmfs": True, "site/local": True}


def test_a_root_of_another_name_comes_alone(place):
    (place / "osg").mkdir()
    assert binds(place, [str(place / "osg")])[0] == {"osg": True}


@pytest.mark.parametrize("name", SITE_VARIABLES)
def test_the_sites_directories_are_read_only(place, name):
    assert binds(place, **{name: "features"})[0] == {"features": True}


@pytest.mark.parametrize("name", CREDENTIAL_VARIABLES)
def test_credentials_outside_are_read_only(place, name):
    assert binds(place, **{name: "proxy"})[0] == {"proxy": True}


@pytest.mark.parametrize("name, shown", [("%s/proxy", "proxy"), ("FILE:%s/proxy", "proxy"), ("DIR:%s/creds", "creds"),
                                         ("DIR::%s/creds/tkt1", "creds")])
def test_a_kerberos_cache_is_named_with_its_kind(place, name, shown):
    found = collectBinds({"KRB5CCNAME": name % place}, (), str(place / "start"))
    assert [bind.path for bind in found.sorted() if bind.why == "KRB5CCNAME"] == [str(place / shown)]


@pytest.mark.parametrize("name", ["KEYRING:persistent:1000", "KCM:", "API:x", "x"])
def test_a_kerberos_cache_in_no_file_is_said_to_be_left_out(place, name):
    found = collectBinds({"KRB5CCNAME": name}, (), str(place / "start"))
    assert found.leftOut == ["%s (KRB5CCNAME) is not seen in the container: it is in no file" % name]


def test_a_credential_that_is_renewed_in_the_jobs_directory_is_left_to_be_renewed(place):
    assert binds(place, X509_USER_PROXY="start/x509up")[0] == {}


def test_a_directory_of_credentials_in_the_jobs_directory_is_read_only(place):
    (place / "start" / ".condor_creds").mkdir()
    assert binds(place, _CONDOR_CREDS="start/.condor_creds")[0] == {"start/.condor_creds": True}


@pytest.mark.parametrize("name", AD_VARIABLES)
def test_ads_in_the_jobs_directory_are_read_only(place, name):
    assert binds(place, **{name: "start/.job.ad"})[0] == {"start/.job.ad": True}


def test_condor_chirps_directory_is_seen(place):
    assert binds(place, CONDOR_CONFIG="condor/condor_config")[0] == {"condor": True}


def test_a_scratch_directory_elsewhere_may_be_written_to(place):
    assert binds(place, _CONDOR_SCRATCH_DIR="features")[0] == {"features": False}
    assert binds(place, _CONDOR_SCRATCH_DIR="start")[0] == {}


def test_what_is_not_there_is_not_bound(place):
    assert binds(place, ["/no/cms.cern.ch"], X509_USER_PROXY="gone", SITECONFIG_PATH="gone")[0] == {}


@pytest.mark.parametrize("directory", ["/", "/usr", "/usr/bin", "/etc", "/tmp", "/var"])
def test_directories_of_the_system_are_left_out_and_said_so(place, directory):
    found = binds(place, SITECONFIG_PATH=directory)[1]
    assert directory not in [bind.path for bind in found.sorted()]
    assert any("directory of the system" in reason for reason in found.leftOut)


@pytest.mark.parametrize("name, value", [("CONDOR_CONFIG", "/etc/passwd"), ("X509_CERT_DIR", "/usr/bin"),
                                         ("MACHINEFEATURES", "/proc/1"), ("_CONDOR_SCRATCH_DIR", "/root"), ("CMS_PATH", "/home")])
def test_what_is_in_the_systems_directories_or_a_home_is_left_out_and_said_so(place, name, value):
    if not os.path.exists(value):
        pytest.skip("this machine has none")
    found = binds(place, **{name: value})[1]
    assert not [bind for bind in found.sorted() if bind.path == value]
    assert any(reason.startswith("%s (" % value) for reason in found.leftOut)


def test_a_link_to_a_directory_of_the_system_does_not_let_it_in(place):
    os.symlink("/etc", str(place / "harmless"))
    found = binds(place, CMS_PATH="harmless")
    assert found[0] == {} and len(found[1].leftOut) == 2


def test_a_scratch_directory_that_holds_the_jobs_is_left_out(place):
    found = binds(place, _CONDOR_SCRATCH_DIR="start/..")
    assert found[0] == {} and "own directory lies in it" in found[1].leftOut[0]


def test_a_second_name_of_the_jobs_directory_is_seen(place):
    os.symlink("start", str(place / "second"))
    assert binds(place, _CONDOR_SCRATCH_DIR="second")[0] == {"second": False}


def test_software_whose_directory_also_holds_the_job_comes_alone(place):
    (place / "cms.cern.ch" / "SITECONF" / "local").mkdir(parents=True)
    assert binds(place, [str(place / "cms.cern.ch")])[0] == {"cms.cern.ch": True}


def test_of_a_condor_configuration_among_other_things_only_the_file_is_seen(place):
    (place / "condor_config").write_text("")
    assert binds(place, CONDOR_CONFIG="condor_config")[0] == {"condor_config": True}


def test_a_directory_above_the_jobs_is_left_out(place):
    found = binds(place, MACHINEFEATURES=str(place))
    assert found[0] == {} and "own directory lies in it" in found[1].leftOut[0]


@pytest.mark.parametrize("name", ["a,b", "a:b", 'a"b', "a\\b", "a\nb"])
def test_what_a_bind_cannot_name_is_left_out_and_said_so(place, name):
    (place / name).write_text("")
    found = binds(place, X509_USER_PROXY=name)
    assert found[0] == {} and "cannot name it" in found[1].leftOut[0]


def test_what_the_site_binds_is_not_bound_twice(place):
    environ = {"APPTAINER_BINDPATH": "%s,/usr/share:/data:ro" % (place / "features"), "SINGULARITY_BIND": str(place / "site")}
    assert siteBinds(environ) == (str(place / "features"), "/usr/share:/data:ro", str(place / "site"))
    found, collector = binds(place, MACHINEFEATURES="features", SITECONFIG_PATH="site/local", **environ)
    assert found == {} and collector.sees(str(place / "features" / "x")) and not collector.sees("/usr/share/x")


def test_directories_come_before_what_is_in_them(place):
    (place / "features" / "token").mkdir()
    _, found = binds(place, _CONDOR_CREDS="features/token", MACHINEFEATURES="features")
    paths = [bind.path for bind in found.sorted()]
    assert paths.index(str(place / "features")) < paths.index(str(place / "features" / "token"))


@given(st.dictionaries(st.sampled_from(SITE_VARIABLES + AD_VARIABLES + CREDENTIAL_VARIABLES + ("CONDOR_CONFIG",)),
                       st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
                       .map(lambda text: "/" + text)))
def test_whatever_the_environment_says_no_bind_covers_the_system_or_breaks_the_command_line(environ):
    for bind in collectBinds(environ, ("/", "/usr", "/etc/x"), "/home/someone/start").sorted():
        assert not whyNotShown(bind.path, "/home/someone/start")
        assert bind.spec.count(":") == 2 - (not bind.readOnly) and "," not in bind.spec
