"""
The release a patch release is built upon: most of its programs, cmsRun among them, are only there.

The manifest cmssw.xml names it, as an absolute path; nothing else in a patch release does.
"""
import os

import attr

from WMCore.WMRuntime.Release.ReleasePaths import existing
from WMCore.WMRuntime.Release.ReleaseVersion import ReleaseVersion
from WMCore.WMRuntime.Release.ToolManifest import ManifestError


def findBase(release, fullRelease=None):
    """
    Find the directory of the base.

    :param release: Release
    :param fullRelease: str, CMSSW_FULL_RELEASE_BASE of its environment, or None
    :return: (str, the directory; None for a full release or when it is not there, list of str, what was noticed)
    """
    notes = []
    try:
        # Its own cmssw.xml, not a developer's copy of it.
        manifest = attr.evolve(release, area=None).manifest("cmssw")
    except ManifestError as ex:
        manifest = None
        notes.append("the base of this patch release is unknown: %s" % ex.context)
    # In a full release's environment a CMSSW_FULL_RELEASE_BASE is a left-over of another one's.
    named = [manifest.base if manifest else None, None if _isFull(release) else fullRelease, _siblingBase(release)]
    for path in [path for path in named if path]:
        directory, reason = existing(path, release.arch, release.root)
        if directory is None or directory != path:
            notes.append("base release: %s" % reason)
        if directory is not None and os.path.realpath(directory) != os.path.realpath(release.directory):
            return directory, notes
    return None, notes


def _isFull(release):
    try:
        return ReleaseVersion.parse(release.version).patch is None
    except ValueError:
        return False


def _siblingBase(release):
    """Give where the base of a patch release is expected from the names alone; None for a full release."""
    try:
        base = ReleaseVersion.parse(release.version).base
    except ValueError:
        return None
    return os.path.join(release.root, release.arch, "cms", "cmssw", base) if base and release.root else None
