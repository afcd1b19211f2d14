"""
Environments for child processes: without the wrapper's python.

The wrapper puts its own python (the COMP area's) into PATH, LD_LIBRARY_PATH and PYTHONPATH. Left there
it breaks scram (#10765), cmsRun (CRABServer#8805) and xrootd (#11893).
"""
import os
import re
import sys

from WMCore.WMRuntime.Environment.EnvDiff import isVariableName

# Where the wrapper keeps the values from before it took its python in.
START_VARIABLES = {"PATH": "WMRUNTIME_START_PATH",
                   "LD_LIBRARY_PATH": "WMRUNTIME_START_LD_LIBRARY_PATH",
                   "PYTHONPATH": "WMRUNTIME_START_PYTHONPATH"}
# What else steers a python: which code it finds, and whether it starts at all.
PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONEXECUTABLE",
                    "PYTHONPLATLIBDIR", "PYTHONSAFEPATH", "PYTHONPYCACHEPREFIX", "PYTHONOPTIMIZE",
                    "PYTHONINSPECT", "PYTHONWARNINGS", "__PYVENV_LAUNCHER__")
# Lists of files or directories that an area's init.sh may add to, and the wrapper keeps no values of.
_LISTS = ("PERL5LIB", "PERLLIB", "LD_PRELOAD")
PERL_VARIABLES = ("PERL5LIB", "PERLLIB", "PERL5OPT")
# What a command in a clean environment still gets. CRAB's jobs failed one after the other for the lack
# of X509_USER_PROXY (CRABServer#6755) and XrdSec* (CRABServer#6953); the list is the answer to #10970.
ALLOWED_NAMES = frozenset(["HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "TMPDIR", "TMP", "TEMP",
                           "PATH", "CMS_PATH", "SITECONFIG_PATH", "VO_CMS_SW_DIR", "OSG_APP",
                           "CONDOR_CONFIG", "MACHINEFEATURES", "JOBFEATURES", "FRONTIER_ID", "KRB5CCNAME",
                           "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
                           "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"])
ALLOWED_PREFIXES = ("LC_", "X509_", "VOMS_", "BEARER_TOKEN", "XrdSec", "XRD_", "_CONDOR_", "GFAL_",
                    "SCRAM_", "WMRUNTIME_", "WMAGENT_", "APPTAINER_", "SINGULARITY_")
# Site and job settings that a job may change after its release was set up: what the job says now wins (#11473).
JOB_SETTINGS = ("VO_CMS_SW_DIR", "CMS_PATH", "SITECONFIG_PATH")
# The directories of a CMS root that hold the areas a job's python comes from, best first: the one made for this
# runtime (#11699), then that of the CMS services. The wrapper and requirements.cfg say the same.
AREA_PATHS = ("WMRuntime", "COMP")
# An area is a link: to a directory beside it, as COMP/el8_amd64_gcc8, or one level down, as WMRuntime/builds/rhel8_x86_64-3.
_AREA = re.compile(r"^(.*/(?:%s)/(?:[^/]+/)?[^/]+)/external(?:/|$)" % "|".join(AREA_PATHS))
_SECRET_NAME = r"[A-Za-z0-9_]*(?:TOKEN|PASSWORD|PASSWD|SECRET|CREDS|PROXY)[A-Za-z0-9_]*"
_SECRET_SETTING = re.compile(r"\b(%s)=(\"[^\"]*\"|'[^']*'|[^\s;]+)" % _SECRET_NAME, re.IGNORECASE)
_SECRET_VALUE = re.compile(r"^%s$" % _SECRET_NAME.replace("|PROXY", ""), re.IGNORECASE)


def interpreterAreas(prefixes=None):
    """
    Find the areas the running python lives in.

    :param prefixes: list of str, directories of the interpreter; None for the running one's
    :return: tuple of str, `.../COMP/<os>_<cpu>` or `.../WMRuntime/<os>_<cpu>` directories, as named and with links resolved
    """
    if prefixes is None:
        prefixes = [sys.prefix, sys.exec_prefix, getattr(sys, "base_prefix", sys.prefix), sys.executable or ""]
    areas = set()
    for prefix in prefixes:
        for path in (prefix, os.path.realpath(prefix)):
            found = _AREA.match(path)
            if found:
                # COMP/rhel8_x86_64 is a link to COMP/<scram arch>: entries may be written either way.
                areas.update((found.group(1), os.path.realpath(found.group(1))))
    return tuple(sorted(areas))


def _inside(entry, areas):
    return any((path + "/").startswith(area + "/") for area in areas
               for path in (entry, os.path.realpath(entry) if entry else entry))


def _withoutAreas(value, areas):
    return ":".join(entry for entry in value.split(":") if not _inside(entry, areas))


def _wrapperAreas(environ, prefixes):
    """Find the areas of the wrapper's python: the running one's, and what was put on the search paths since the start."""
    added = [entry for name, start in START_VARIABLES.items() if start in environ
             for entry in environ.get(name, "").split(":") if entry not in environ[start].split(":")]
    return interpreterAreas(prefixes) + interpreterAreas(added)


def _cleanLists(environ, areas):
    """Take what is in the areas out of the lists that have some of it."""
    for name in _LISTS:
        value = environ.get(name, "")
        if name == "LD_PRELOAD":  # separated by blanks as well, see ld.so(8)
            value = value.replace(" ", ":")
        left = _withoutAreas(value, areas)
        if not left:
            environ.pop(name, None)
        elif left != value:
            environ[name] = left


def withoutWrapperPython(environ, prefixes=None):
    """
    Build an environment for a foreign program: scram, cmsRun, gfal, xrootd.

    PATH, LD_LIBRARY_PATH and PYTHONPATH get the values the wrapper found when it started
    (WMRUNTIME_START_*; empty means unset). Where the wrapper left none, as in CRAB or by hand, PYTHONPATH
    goes, and PATH and LD_LIBRARY_PATH lose the entries inside the running python's own COMP area.
    PERL5LIB, PERLLIB and LD_PRELOAD always lose such entries; PYTHONHOME and its like always go.

    :param environ: dict, left as it is
    :param prefixes: list of str, directories of the interpreter; None for the running one's
    :return: dict
    """
    result = {name: value for name, value in environ.items() if name not in PYTHON_VARIABLES}
    areas = None
    for name, start in START_VARIABLES.items():
        if start in environ:
            value = environ[start]
        elif name == "PYTHONPATH":
            value = ""
        else:
            areas = interpreterAreas(prefixes) if areas is None else areas
            value = _withoutAreas(environ.get(name, ""), areas)
        if value:
            result[name] = value
        else:
            result.pop(name, None)
    if any(result.get(name) for name in _LISTS):
        _cleanLists(result, _wrapperAreas(environ, prefixes))
    return result


def scramEnvironment():
    """
    Build an environment for scram, from this process's own.

    :return: dict, without the modules of a site's perl too, which break SCRAM V2 (cmsdist#9361)
    """
    return {name: value for name, value in withoutWrapperPython(os.environ).items() if name not in PERL_VARIABLES}


def allowedOnly(environ):
    """
    Keep what a command in a clean environment may have.

    :param environ: dict, left as it is
    :return: dict
    """
    return {name: value for name, value in environ.items()
            if name in ALLOWED_NAMES or name.startswith(ALLOWED_PREFIXES)}


def commandEnvironment(toSet, toUnset=(), cleanEnv=True):
    """
    Build an environment for a command of the job in a release, from this process's own.

    :param toSet: dict, the release's variables; what no shell can export is left out
    :param toUnset: names of variables the release removes
    :param cleanEnv: bool, whether only what allowedOnly names is taken from this process
    :return: dict
    """
    job = withoutWrapperPython(os.environ)
    result = allowedOnly(job) if cleanEnv else dict(job)
    for name in toUnset:
        result.pop(name, None)
    result.update((name, str(value)) for name, value in toSet.items() if isVariableName(name))
    result.update((name, job[name]) for name in job if name in JOB_SETTINGS or name.startswith("_CONDOR_"))
    if job.get("OSG_APP"):
        result["VO_CMS_SW_DIR"] = "%s/cmssoft/cms" % job["OSG_APP"]
    return result


def withoutSecrets(text, environ=None):
    """
    Blot out credentials in text that goes to a log or a report.

    :param text: str
    :param environ: dict whose secret values are blotted out too; None for os.environ
    :return: str
    """
    environ = os.environ if environ is None else environ
    for name, value in environ.items():
        if len(value) >= 8 and not value.startswith("/") and _SECRET_VALUE.match(name):
            text = text.replace(value, "***")
    return _SECRET_SETTING.sub(r"\1=***", text)
