"""
Have the later steps of a job use the SCRAM session of an earlier one: the same area, the same environment.

A step that takes a session over gets files of its own: scramSession.json and .sh, and a link where its project area
would be. Whoever works in its directory finds there what a step finds that scram was run for.
"""
import logging
import os
import stat

import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Tools.ProjectArea import ProjectArea
from WMCore.WMRuntime.Tools.ScramSession import JSON_NAME, readSession, storeSession
from WMCore.WMRuntime.Tools.SessionEvidence import staleReason


def takeOver(shareWithin, directory, request, environ):
    """
    Make the newest session of another step this step's own, when it was taken for the same request and nothing it
    rests on has changed since, the area above all.

    :param shareWithin: str, the directory that holds those of the job's steps
    :param directory: str, the step's directory
    :param request: ScramRequest
    :param environ: dict, the base environment
    :return: ScramSession, stored in the step's directory; None when the step needs an area of its own
    """
    own = os.path.join(directory, request.release)
    try:
        if os.path.lexists(os.path.join(directory, JSON_NAME)):
            # Left here for another request, and it holds.
            return None
        if os.path.islink(own) and _inside(own, shareWithin):
            # Of a session that no longer holds: what is made now must not be made in another step's area.
            os.unlink(own)
        home, session = _newest(shareWithin, directory, request)
        if session is None:
            return None
        reason = "%s is there already" % own if os.path.lexists(own) else _refusal(session, home, environ)
        if reason:
            logging.info("The SCRAM session in %s is not shared: %s", home, reason)
            return None
        return _adopted(session, home, directory, own)
    except (OSError, ValueError) as ex:
        logging.warning("No SCRAM session of another step is used in %s: %s", directory, ex)
        return None


def _inside(path, directory):
    return os.path.realpath(path).startswith(os.path.realpath(directory) + "/")


def _newest(shareWithin, directory, request):
    """Give the directory and the session of the step that was the last to ask for the same; None twice for nobody."""
    found = []
    for name in os.listdir(shareWithin):
        home = os.path.join(shareWithin, name)
        try:
            status = os.stat(os.path.join(home, JSON_NAME))
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and os.path.realpath(home) != os.path.realpath(directory):
            found.append((status.st_mtime_ns, home))
    # An older one with the same request would have been taken over by the newer, had it held.
    for _time, home in sorted(found, reverse=True):
        try:
            session = readSession(home)
        except (OSError, ValueError):
            continue
        if session.request == request:
            return home, session
    return None, None


def _refusal(session, home, environ):
    """Look for a reason not to share a session; it may be good enough for the step that has it."""
    if session.contents is None:
        return "its area is not to be shared"
    stale = staleReason(session, session.request, home, environ)
    if stale:
        return stale
    if ProjectArea(session.area).contents() != session.contents:
        return "its area %s was changed" % session.area
    return None


def _adopted(session, home, directory, own):
    """Store a session in another step's directory, with a link to its area."""
    area = os.path.realpath(session.area)
    # Relative: a job's directory may be moved, or be seen elsewhere inside a container.
    os.symlink(os.path.relpath(area, os.path.realpath(directory)), own)
    try:
        session = attr.evolve(session, diff=_withoutStep(session.diff, home, session.request.release))
        storeSession(session, directory)
    except (OSError, ValueError):
        os.unlink(own)
        raise
    logging.info("The SCRAM session of %s serves %s too", home, directory)
    return session


def _withoutStep(diff, home, release):
    """Take out of PATH what the other step has added of its own directory, as Payload/ToolsPython does."""
    if "PATH" not in diff.toSet:
        return diff
    homes = (os.path.abspath(home), os.path.realpath(home))
    inHome = tuple(path + "/" for path in homes)
    inArea = tuple(os.path.join(path, release) + "/" for path in homes)
    kept = [entry for entry in diff.toSet["PATH"].split(os.pathsep)
            if not (entry + "/").startswith(inHome) or (entry + "/").startswith(inArea)]
    return EnvDiff(dict(diff.toSet, PATH=os.pathsep.join(kept)), diff.toUnset)
