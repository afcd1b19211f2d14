"""Tests of Environment/CleanEnvironment."""
import os

import pytest

from WMCore.WMRuntime.Environment.CleanEnvironment import (allowedOnly, interpreterAreas, withoutSecrets,
                                                           withoutWrapperPython)

COMP = "/cvmfs/cms.cern.ch/COMP/rhel8_x86_64"
PREFIX = [COMP + "/external/python3/3.8.2"]


def test_theStartValuesOfTheWrapperComeBack():
    environ = {"PATH": COMP + "/external/python3/3.8.2/bin:/usr/bin", "WMRUNTIME_START_PATH": "/usr/bin",
               "LD_LIBRARY_PATH": COMP + "/x:/site/lib", "WMRUNTIME_START_LD_LIBRARY_PATH": "/site/lib",
               "PYTHONPATH": "/job/WMCore.zip", "WMRUNTIME_START_PYTHONPATH": "/site/python"}
    clean = withoutWrapperPython(environ)
    assert (clean["PATH"], clean["LD_LIBRARY_PATH"], clean["PYTHONPATH"]) == ("/usr/bin", "/site/lib", "/site/python")


def test_anEmptyStartValueMeansUnset():
    environ = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/x", "PYTHONPATH": "/y", "WMRUNTIME_START_PATH": "/usr/bin",
               "WMRUNTIME_START_LD_LIBRARY_PATH": "", "WMRUNTIME_START_PYTHONPATH": ""}
    clean = withoutWrapperPython(environ)
    assert "LD_LIBRARY_PATH" not in clean
    assert "PYTHONPATH" not in clean, "an empty PYTHONPATH is still set (CRABServer#8805)"


def test_issue10765_withoutStartValuesTheCompAreaGoes():
    """The COMP python's LD_LIBRARY_PATH and PYTHONPATH broke scram and cmsRun."""
    environ = {"PATH": "%s/external/python3/3.8.2/bin:/usr/bin::/cvmfs/cms.cern.ch/common" % COMP,
               "LD_LIBRARY_PATH": "%s/external/python3/3.8.2/lib:%s/external/zlib/1/lib" % (COMP, COMP),
               "PYTHONPATH": "/job/WMCore.zip"}
    clean = withoutWrapperPython(environ, PREFIX)
    assert clean == {"PATH": "/usr/bin::/cvmfs/cms.cern.ch/common"}


def test_anAreaReachedThroughALinkIsTheSameArea(tmp_path):
    real = tmp_path / "COMP" / "slc7_amd64_gcc630" / "external" / "python3" / "3.8.2"
    (real / "bin").mkdir(parents=True)
    os.symlink("slc7_amd64_gcc630", str(tmp_path / "COMP" / "rhel7_x86_64"))
    linked = str(tmp_path / "COMP" / "rhel7_x86_64" / "external" / "python3" / "3.8.2")
    for entry in (str(real), linked):
        for prefix in (str(real), linked):
            assert withoutWrapperPython({"PATH": entry + "/bin:/bin"}, [prefix])["PATH"] == "/bin"


def test_issue11699_theRuntimesOwnAreaGoesAsWellAsCompDoes():
    area = "/cvmfs/cms.cern.ch/WMRuntime/rhel8_x86_64"
    environ = {"PATH": "%s/external/python3/3.9.18-wm1/bin:/usr/bin" % area, "PYTHONPATH": area + "/external/py3-attrs/x"}
    assert withoutWrapperPython(environ, [area + "/external/python3/3.9.18-wm1"]) == {"PATH": "/usr/bin"}


LISTS = {"PERL5LIB": "%s/external/p5-git/1/lib:/osg/perl lib" % COMP,
         "LD_PRELOAD": "%s/external/jemalloc/5/lib/libjemalloc.so libsite.so:/site/lib/x.so" % COMP,
         "PERLLIB": COMP + "/external/perl/5/lib"}
LEFT = {"PERL5LIB": "/osg/perl lib", "LD_PRELOAD": "libsite.so:/site/lib/x.so"}
START = {"WMRUNTIME_START_PATH": "/usr/bin", "WMRUNTIME_START_LD_LIBRARY_PATH": "", "WMRUNTIME_START_PYTHONPATH": ""}


def lists(environ):
    return {name: value for name, value in environ.items() if name in LISTS}


@pytest.mark.parametrize("environ", [{}, START], ids=["by hand", "wrapper"])
def test_issue10765_perlModulesAndPreloadedLibrariesOfTheAreaGoToo(environ):
    assert lists(withoutWrapperPython(dict(environ, PATH="/usr/bin", **LISTS), PREFIX)) == LEFT


def test_theStartValuesTellTheAreaToAPythonFromElsewhere():
    environ = dict(START, PATH=COMP + "/external/python3/3.8.2/bin:/usr/bin", **LISTS)
    assert lists(withoutWrapperPython(environ, ["/usr"])) == LEFT
    # On the path since before the wrapper: it is the site's.
    environ["WMRUNTIME_START_PATH"] = environ["PATH"]
    assert lists(withoutWrapperPython(environ, ["/usr"])) == LISTS


def test_whatIsNotOfTheAreaIsLeftAsItIsWritten():
    environ = {"PERL5LIB": "/osg/perl::/x", "LD_PRELOAD": "a.so  b.so:c.so"}
    assert withoutWrapperPython(dict(environ), PREFIX) == environ


def test_aNeighbourOfTheAreaStays():
    entry = COMP + "_other/external/x/bin"
    assert withoutWrapperPython({"PATH": entry}, PREFIX)["PATH"] == entry


def test_aPythonOutsideCompHasNoArea():
    assert interpreterAreas(["/usr", "/opt/python"]) == ()


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE"])
def test_scram81_whatSteersAPythonGoes(name):
    assert name not in withoutWrapperPython({name: "/x", "PATH": "/bin"})


def test_theGivenEnvironmentIsLeftAsItIs():
    environ = {"PYTHONHOME": "/x", "PATH": "/bin"}
    withoutWrapperPython(environ)
    assert environ == {"PYTHONHOME": "/x", "PATH": "/bin"}


@pytest.mark.parametrize("name", ["HOME", "USER", "TMPDIR", "X509_USER_PROXY", "X509_CERT_DIR", "BEARER_TOKEN_FILE",
                                  "BEARER_TOKEN", "XrdSecGSISRVNAMES", "XRD_LOADBALANCERTTL", "SITECONFIG_PATH",
                                  "CMS_PATH", "VO_CMS_SW_DIR", "_CONDOR_JOB_AD", "_CONDOR_CREDS", "MACHINEFEATURES",
                                  "JOBFEATURES", "LANG", "LC_ALL"])
def test_issue10970_theListOfWhatACleanEnvironmentKeeps(name):
    """CRABServer#6755 lost X509_USER_PROXY, CRABServer#6953 XrdSecGSISRVNAMES."""
    assert allowedOnly({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", ["PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PERL5LIB", "BASH_FUNC_module%%"])
def test_whatACleanEnvironmentDoesNotKeep(name):
    assert allowedOnly({name: "x"}) == {}


def test_credentialsAreBlottedOut():
    text = "export BEARER_TOKEN=eyJabc; X509_USER_PROXY='/tmp/x' MY_PASSWORD=\"a b\" CMSSW_BASE=/a and eyJsecret"
    clean = withoutSecrets(text, {"BEARER_TOKEN": "eyJsecret"})
    assert clean == "export BEARER_TOKEN=***; X509_USER_PROXY=*** MY_PASSWORD=*** CMSSW_BASE=/a and ***"
