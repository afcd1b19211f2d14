"""
Judge what scram is asked for, how it ended and what it printed: it exits with 0 for much that is useless.

The texts are those of SCRAM V2 and V3 (cms-sw/SCRAM) and of the C library.
"""
import os
import re

from WMCore.WMRuntime.Environment.EnvDiff import isVariableName

# What a failing CVMFS makes scram say, and what scram says with the file system in order.
_CVMFS_TROUBLE = re.compile(r"Transport endpoint|Input/output error|Stale file handle|Connection timed out|Bus error|"
                            r"Resource temporarily unavailable|Missing Release top|Unable to find SCRAM version|"
                            r"cvmfs\S*.*No such (?:file|device)", re.IGNORECASE)
_FINAL_ANSWER = re.compile(r"is not available for arch|Unable to find release area|Error parsing arguments")
_SCRAM_BACKUP = re.compile(r"^SRT_(\w+)_SCRAMRT(?:DEL)?$")
# Larger statuses are a program's own: a dying perl (SCRAM V2) ends with 255.
_LAST_SIGNAL_STATUS = 128 + 64
_VERSION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")


def requestProblem(version, texts):
    """
    Look for what keeps a request from being put to scram at all.

    :param version: str, the release
    :param texts: dict of the request's other settings, name to str or None
    :return: str, or None
    """
    if not isinstance(version, str) or not _VERSION.match(version):
        return "%r is no release such as CMSSW_13_0_3" % (version,)
    for name, value in texts.items():
        if value is not None and (not isinstance(value, str) or "\0" in value):
            return "%r is no text to be used as %s" % (value, name)
    return None


def mayPass(run):
    """
    Tell whether a failure may pass: CVMFS can explain it, which comes back.

    :param run: ShellRun of scram
    :return: bool; False for a scram that would fail the same way again
    """
    if run.exit.timedOut or 128 < run.exit.shellCode <= _LAST_SIGNAL_STATUS:
        return True
    text = run.stdout + run.stderr
    return bool(_CVMFS_TROUBLE.search(text)) and not _FINAL_ANSWER.search(text)


def runtimeProblem(run, base, area, version):
    """
    Look for what makes the environment that scram runtime left useless.

    :param run: ShellRun of scram runtime, with its environment
    :param base: dict, the environment before
    :param area: ProjectArea it ran in
    :param version: str, the release asked for
    :return: str, or None when it is good
    """
    if not run.exit.ok:
        return "scram runtime failed"
    if not run.environ:
        return "scram runtime left no environment"
    problem = _areaNotSet(run.environ, base, area) or _setForOther(run.environ, version, area.architecture)
    if problem is None and "Missing Release top" in run.stderr:
        return "the release of %s has vanished" % area.path
    return problem


def _areaNotSet(environ, base, area):
    place = environ.get("CMSSW_BASE")
    release = environ.get("CMSSW_RELEASE_BASE")
    # A bare directory is a scram stand-in's, which need not know these variables.
    if area.architectures() and not (place and (release or environ.get("CMSSW_VERSION"))):
        return "scram runtime set no CMSSW_BASE with CMSSW_RELEASE_BASE or CMSSW_VERSION: %s is not set up for %s" % (
            area.path, area.architecture)
    if place and place == base.get("CMSSW_BASE") and os.path.realpath(place) != os.path.realpath(area.path):
        return "scram runtime left CMSSW_BASE at %s, an area of before" % place
    if release and not os.path.isdir(release):
        return "the release %s is not there" % release
    return None


def _setForOther(environ, version, architecture):
    """Compare what scram says it was set up for with what was asked."""
    # SCRAMRT_SET is project:release:arch:scram version:prefix; SCRAM_ARCH is printed only when it differs.
    fields = environ.get("SCRAMRT_SET", "").split(":")
    found = fields[1:3] if len(fields) > 2 else ["", ""]
    for what, got, wanted in (("release", found[0], version), ("architecture", found[1], architecture),
                              ("architecture", environ.get("SCRAM_ARCH"), architecture)):
        if got and wanted and got != wanted:
            return "scram runtime set up the %s %s instead of %s" % (what, got, wanted)
    return None


def scramVariables(environ):
    """
    Pick the variables scram speaks for, by the names of its own backups.

    They belong to the session even when a caller that already was in the release had the same values.

    :param environ: dict scram runtime left
    :return: dict
    """
    names = {found.group(1) for found in map(_SCRAM_BACKUP.match, environ) if found}
    return {name: value for name, value in environ.items()
            if isVariableName(name) and (name in names or name.startswith(("CMSSW_", "SCRAMRT_", "SRT_", "LOCALRT")))}
