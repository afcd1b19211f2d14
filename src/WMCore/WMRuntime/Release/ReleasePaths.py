"""
Where releases lie: below <root>/<arch>/cms/cmssw and cmssw-patch, as SCRAM's maps say.
"""
import os
import re

from WMCore.WMRuntime.Release.ScramArch import ScramArch

DEFAULT_ROOT = "/cvmfs/cms.cern.ch"
PACKAGES = ("cmssw", "cmssw-patch")
#: What may become one part of a path.
PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,254}\Z")
_MAX_SMALL_FILE = 64 * 1024


def rootsOf(environ):
    """
    List the directories the environment names as tops of the CMS software, in the order of the wrapper.

    :param environ: dict; VO_CMS_SW_DIR, OSG_APP, CVMFS, CMS_PATH, and WMRUNTIME_CVMFS_ROOT in place of
        /cvmfs/cms.cern.ch count
    :return: tuple of str
    """
    cvmfs = environ.get("CVMFS")
    roots = [environ.get("VO_CMS_SW_DIR"), environ.get("CMS_PATH"),
             environ.get("OSG_APP") and os.path.join(environ["OSG_APP"], "cmssoft", "cms"),
             cvmfs, cvmfs and os.path.join(cvmfs, "cms.cern.ch"), environ.get("WMRUNTIME_CVMFS_ROOT", DEFAULT_ROOT)]
    return tuple(root for index, root in enumerate(roots) if root and root not in roots[:index])


def candidatePaths(root, arch, version):
    """
    List where a root may have a release.

    :param root: str
    :param arch: str
    :param version: str
    :return: list of str
    """
    return [os.path.join(root, arch, "cms", package, version) for package in PACKAGES]


def archsOf(root, version):
    """
    List the archs for which a root has a release, the one to take last.

    :param root: str
    :param version: str
    :return: list of str: those of other CPUs first, each in the order of ScramArch
    """
    found = []
    for name in namesIn(root):
        try:
            arch = ScramArch.parse(name)
        except ValueError:
            continue
        if any(os.path.isdir(path) for path in candidatePaths(root, name, version)):
            found.append(arch)
    machine = os.uname().machine.replace("x86_64", "X86_64")
    return [arch.text for arch in sorted(found, key=lambda arch: (arch.machine == machine, arch.sortKey))]


def rootOf(directory, arch):
    """
    Give the root a release's directory lies below.

    :param directory: str
    :param arch: str
    :return: str; None when the directory is no <root>/<arch>/cms/<package>/<version>
    """
    parts = os.path.normpath(directory).split(os.sep)
    if len(parts) > 5 and parts[-4] == arch and parts[-3] == "cms":
        return os.sep.join(parts[:-4])
    return None


def relocated(path, arch, root):
    """
    Give the same place below another root.

    A manifest names its tool by the absolute path the release was built for; a copy elsewhere, such as a
    container's, has it below its own root.

    :param path: str, <some root>/<arch>/...
    :param arch: str
    :param root: str or None
    :return: str, or None when the path does not go through the arch, or names the same place
    """
    _top, mark, rest = path.partition("/%s/" % arch)
    if not mark or not root:
        return None
    moved = os.path.join(root, arch, rest)
    return None if os.path.normpath(moved) == os.path.normpath(path) else moved


def existing(path, arch, root):
    """
    Find a directory that a manifest names.

    :param path: str, as the manifest has it
    :param arch: str
    :param root: str or None, below which to look when the path is not there
    :return: (str, the directory; or None, str that says what was seen)
    """
    if not os.path.isabs(path):
        # It would be looked for in whatever directory the job is in.
        return None, "%s is no absolute path" % path
    if isDirectory(path):
        return path, "%s is there" % path
    moved = relocated(path, arch, root)
    if moved is not None and isDirectory(moved):
        return moved, "%s is not there, %s below the release's own root is taken" % (path, moved)
    return None, "%s is not there%s" % (path, ", nor is %s" % moved if moved else "")


def namesIn(directory):
    """
    List a directory.

    :param directory: str
    :return: list of str, sorted; empty when it cannot be listed
    """
    try:
        return sorted(os.listdir(directory))
    except (OSError, ValueError):
        return []


def whyNotListed(directory):
    """
    Tell what keeps a directory from being listed.

    :param directory: str
    :return: str, None when nothing does
    """
    try:
        os.listdir(directory)
    except FileNotFoundError:
        return "%s is not there" % directory
    except (OSError, ValueError) as ex:
        return "%s cannot be listed: %s" % (directory, getattr(ex, "strerror", None) or ex)
    return None


def firstLine(path):
    """
    Read the first line of a small file.

    :param path: str
    :return: str without blanks around it; empty when there is none
    """
    if not _holds(os.path.isfile, path):
        return ""
    try:
        with open(path, "rb") as handle:
            data = handle.read(_MAX_SMALL_FILE)
    except OSError:
        return ""
    return data.decode("utf-8", "replace").strip().split("\n", 1)[0].strip()


def _holds(check, path):
    """Ask os.path about a path from a file; what cannot be written in this node's encoding is not there."""
    try:
        return check(path)
    except ValueError:
        return False


def isDirectory(path):
    """
    Tell whether a path is a directory.

    :param path: str
    :return: bool
    """
    return _holds(os.path.isdir, path)


def isExecutable(path):
    """
    Tell whether a path is a file this process may execute; an empty one, which does nothing, is none.

    :param path: str
    :return: bool
    """
    return _holds(os.path.isfile, path) and os.access(path, os.X_OK) and not isEmpty(path)


def isEmpty(path):
    """
    Tell whether a file is empty, as one is whose copy was cut short: a shell runs it and reports success.

    :param path: str
    :return: bool; True also for one that is gone by now
    """
    try:
        return os.path.getsize(path) == 0
    except OSError:
        return True


def isPresent(path):
    """
    Tell whether there is anything at a path, a dangling link included.

    :param path: str
    :return: bool
    """
    return _holds(os.path.lexists, path)


def describeMissing(path):
    """
    Say why a path, at which something is, is no file that can be executed.

    :param path: str
    :return: str
    """
    if not os.path.exists(path):
        try:
            return "%s is a dangling link to %s: the external is not deployed" % (path, os.readlink(path))
        except OSError:
            return "%s cannot be reached" % path
    if os.path.isdir(path):
        return "%s is a directory" % path
    if isEmpty(path):
        return "%s is empty" % path
    return "%s may not be executed" % path
