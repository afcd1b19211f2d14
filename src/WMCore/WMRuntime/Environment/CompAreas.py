"""
The areas of a node that a python can come from: which of them fit its system and CPU.

The order is the job wrapper's (submit_py3.sh), so that both come to the same python.
"""
import os
import re

from WMCore.WMRuntime.Environment.CleanEnvironment import AREA_PATHS, interpreterAreas

DEFAULT_ROOT = "/cvmfs/cms.cern.ch"
# As wma_container_os has them. ID_LIKE is not asked: Amazon Linux names centos there, and has numbers of its own.
_PLATFORM = re.compile(r"(?:^|\n)PLATFORM_ID=[\"']?platform:el0*([1-9][0-9]?)(?:[^0-9]|$)")
_FAMILY = re.compile(r"(?:^|\n)ID=[\"']?(?:rhel|centos|scientific|almalinux|rocky|ol)[\"']?(?:\n|$)")
_VERSION = re.compile(r"(?:^|\n)VERSION_ID=[\"']?0*([1-9][0-9]?)(?:[^0-9]|$)")
_RELEASE = re.compile(r" release 0*([1-9][0-9]?)(?:[^0-9]|$)")
_OLDEST, _UNKNOWN = 6, ("rhel8", "rhel9", "rhel7", "rhel6")
_NAME = re.compile(r"rhel[1-9][0-9]?\Z")
_PACKAGE = re.compile(r"^(.*/(?:%s)/(?:[^/]+/)?[^/]+/external/[^/]+/[^/]+)(?:/|$)" % "|".join(AREA_PATHS))


def _unique(values):
    seen = []
    for value in values:
        if value and value not in seen:
            seen.append(value)
    return seen


def cmsRoots(environ):
    """
    List the directories that may hold the CMS software on this node, best first.

    :param environ: dict
    :return: list of str
    """
    osgApp, cvmfs = environ.get("OSG_APP"), environ.get("CVMFS")
    return _unique([environ.get("VO_CMS_SW_DIR"), osgApp and osgApp + "/cmssoft/cms", cvmfs,
                    cvmfs and cvmfs + "/cms.cern.ch", environ.get("WMRUNTIME_CVMFS_ROOT") or DEFAULT_ROOT])


def containerSystem(environ):
    """
    Tell which Red Hat system this is, from its os-release file, or from the redhat-release beside it.

    :param environ: dict; its WMRUNTIME_OS_RELEASE names another file
    :return: int, 8 for rhel8 and its rebuilds; None for another, an unknown or a system older than rhel6
    """
    path = environ.get("WMRUNTIME_OS_RELEASE") or "/etc/os-release"
    text = _beginning(path)
    if text:
        found = _PLATFORM.search(text) or (_FAMILY.search(text) and _VERSION.search(text))
    else:  # RHEL6 has no os-release
        text = _beginning(os.path.join(os.path.dirname(path), "redhat-release"))
        found = None if text.startswith("Fedora") else _RELEASE.search(text)
    number = int(found.group(1)) if found else 0
    return number if number >= _OLDEST else None


def _beginning(path):
    """Read the beginning of a text as bash does: no NUL, no line end at its end; nothing when it cannot be read."""
    try:
        with open(path, "rb") as handle:
            return handle.read(64 * 1024).decode("latin-1").replace("\0", "").rstrip("\n")
    except OSError:
        return ""


def requiredSystems(environ):
    """
    Read which systems a job requires.

    :param environ: dict, whose REQUIRED_OS is a list such as `rhel7,rhel8`, or `any`
    :return: (list of str systems, list of str that are no name of a system and are ignored)
    """
    names = environ.get("REQUIRED_OS", "").replace(",", " ").split()
    if "any" in names:
        return [], []
    return [name for name in names if _NAME.match(name)], [name for name in names if not _NAME.match(name)]


def systems(environ):
    """
    List the systems whose areas may do here, best first.

    :param environ: dict (see requiredSystems, containerSystem)
    :return: list of str, such as rhel8
    """
    number = containerSystem(environ)
    return systemsFor(environ, "rhel%d" % number if number else None)


def systemsFor(environ, own):
    """
    List the systems whose areas may do, best first: those required, the node's own, then older ones.

    :param environ: dict (see requiredSystems)
    :param own: str, the node's system, such as rhel8; None for another or an unknown one
    :return: list of str, such as rhel8
    """
    required, _ = requiredSystems(environ)
    first = [name for name in required if name == own]
    number = int(own[len("rhel"):]) if own and _NAME.match(own) else 0
    older = ["rhel%d" % lower for lower in range(number, _OLDEST - 1, -1)] if number else list(_UNKNOWN)
    return _unique(first + required + older)


def areaDirectories(wanted, roots, machine):
    """
    List the areas that may do, best first, whether they are there or not.

    :param wanted: sequence of str, the systems, best first
    :param roots: sequence of str, the CMS roots, best first
    :param machine: str, the CPU as `uname -m` names it
    :return: list of (str directory, str system)
    """
    return [(os.path.join(root, folder, "%s_%s" % (system, machine)), system)
            for system in wanted for folder in AREA_PATHS for root in roots]


def packageOf(path):
    """
    Tell which package of an area a file belongs to.

    :param path: str
    :return: str, such as .../COMP/rhel8_x86_64/external/python3/3.8.2-comp; None for a file of no area
    """
    found = _PACKAGE.match(path)
    return found.group(1) if found else None


def compDirectories(environ, prefixes):
    """
    List the `external` directories of the areas that may do, best first: the one this job runs in leads.

    :param environ: dict
    :param prefixes: sequence of str, directories of the running interpreter
    :return: list of (str directory, str reason)
    """
    found = [(os.path.join(area, "external"), "the area this job runs in")
             for area in interpreterAreas([prefix for prefix in prefixes if prefix])]
    for area, _ in areaDirectories(systems(environ), cmsRoots(environ), os.uname()[4]):
        found.append((os.path.join(area, "external"), "the area %s" % "/".join(area.split(os.sep)[-2:])))
    return found
