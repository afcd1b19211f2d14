"""
What was found of the site and the batch system: configuration, ads, credentials; never what credentials are.
"""
import os
import re
import shutil

from WMCore.WMRuntime.Doctor.Diagnosis import Section
from WMCore.WMRuntime.Doctor.Files import isFile, othersMayRead
from WMCore.WMRuntime.Environment.ContainerBinds import AD_VARIABLES, CREDENTIAL_VARIABLES
from WMCore.WMRuntime.Environment.EnvironmentProvider import WARNING, Finding
from WMCore.WMRuntime.Errors import WMRuntimeError

SITE_VARIABLE = "SITECONFIG_PATH"
_MAX_BYTES = 1024 * 1024
_SITE = re.compile(r"<site\s[^>]*\bname\s*=\s*[\"']([A-Za-z0-9_.-]{1,100})[\"']")
# Their owner's alone.
_PRIVATE = ("X509_USER_PROXY", "X509_USER_KEY", "BEARER_TOKEN_FILE")


def siteConfiguration(environ):
    """
    Find the site's configuration, as WMCore's SiteLocalConfig does.

    :param environ: dict, after cmsset_default.sh
    :return: (str path, str name of the site, empty when it tells none)
    :raises WMRuntimeError: when it is not there
    """
    top = environ.get(SITE_VARIABLE)
    path = os.path.join(top or "$" + SITE_VARIABLE, "JobConfig", "site-local-config.xml")
    if not top or not isFile(path):
        raise WMRuntimeError(None, "The site's configuration is not there.", "%s: expected a file that may be read, found "
                             "%s" % (path, "none" if top else "that %s is not set" % SITE_VARIABLE),
                             "mend the site's SITECONF/local, or let the pilot set %s" % SITE_VARIABLE)
    with open(path, "rb") as handle:
        text = handle.read(_MAX_BYTES).decode("utf-8", "replace")
    if "<site-local-config" not in text:
        raise WMRuntimeError(None, "The site's configuration is none.", "%s: expected <site-local-config>, found %.80r" % (
            path, text), "mend the site's SITECONF/local")
    found = _SITE.search(text)
    return path, found.group(1) if found else ""


def condorSection(patient):
    """
    Tell which of HTCondor's files are there.

    :param patient: Patient
    :return: Section
    """
    environ, rows = patient.environ, []
    for name in AD_VARIABLES + ("CONDOR_CONFIG",):
        path = environ.get(name)
        rows.append((name, "not set" if not path else "there" if isFile(path) else "set, but no file there"))
    rows.append(("_CONDOR_SLOT", environ.get("_CONDOR_SLOT") or "not set"))
    chirp = shutil.which("condor_chirp", path=environ.get("PATH", os.defpath))
    rows.append(("condor_chirp", chirp or "not on PATH"))
    findings = [Finding("adMissing", WARNING, "%s is set, and no file is there that may be read" % name,
                        "look at the pilot's log: HTCondor writes it", environ[name])
                for name in AD_VARIABLES if environ.get(name) and not isFile(environ[name])]
    return Section("HTCondor", rows, findings)


def credentialsSection(patient):
    """
    Tell which credentials are there; neither their values nor where they lie.

    :param patient: Patient
    :return: Section
    """
    rows, findings = [], []
    for name in CREDENTIAL_VARIABLES:
        value = patient.environ.get(name, "")
        path = value[len("FILE:"):] if value.startswith("FILE:") else value
        if not value:
            rows.append((name, "not set"))
        elif ":" in path:
            rows.append((name, "set"))  # a KRB5CCNAME that is no file
        elif not os.access(path, os.R_OK):
            rows.append((name, "set, but nothing there may be read"))
            findings.append(Finding("credentialMissing", WARNING, "%s is set, and nothing may be read where it leads" %
                                    name, "renew it, or unset the variable"))
        else:
            exposed = name in _PRIVATE and othersMayRead(path)
            rows.append((name, "there, but others may read it" if exposed else "there"))
            if exposed:
                findings.append(Finding("credentialOpen", WARNING, "others may read what %s leads to, and programs may "
                                        "refuse it" % name, "chmod 600 it"))
    rows.append(("BEARER_TOKEN", "set" if patient.environ.get("BEARER_TOKEN") else "not set"))
    return Section("credentials", rows, findings)


def siteSection(patient):
    """
    Tell what the site says of itself before cmsset_default.sh was asked.

    :param patient: Patient
    :return: Section
    """
    rows = []
    for name in (SITE_VARIABLE, "CMS_PATH", "VO_CMS_SW_DIR", "OSG_APP"):
        path = patient.environ.get(name)
        rows.append((name, "not set" if not path else path if os.path.isdir(path) else "%s (not there)" % path))
    return Section("site", rows)
