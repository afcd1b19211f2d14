"""
Whether a stored SCRAM session still holds: what it was taken from, then and now.
"""
import hashlib
import logging
import os

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, localText, portableText
from WMCore.WMRuntime.Tools.ProjectArea import ProjectArea
from WMCore.WMRuntime.Tools.ScramChecks import scramVariables
from WMCore.WMRuntime.Tools.ScramSession import (JSON_NAME, MAX_FILE_BYTES, SESSION_VARIABLE, ScramSession, dropSession,
                                                 readSession, storeSession)

# Variables of the base environment that decide what scram prints, beside those named SCRAM*.
BASE_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHON27PATH", "PYTHON3PATH", "CMS_PATH",
                  "SITECONFIG_PATH", "VO_CMS_SW_DIR")
MOST_HOOKS = 200


def basePicture(environ, architecture):
    """
    Pick the variables of a base environment that decide what scram prints.

    :param environ: dict, without the wrapper's python
    :param architecture: str, or None; when given, SCRAM_ARCH is ours to set and does not count
    :return: dict, name to value, None for an unset one
    """
    picture = {name: environ.get(name) for name in BASE_VARIABLES}
    picture.update({name: value for name, value in environ.items() if name.startswith("SCRAM")})
    if architecture:
        picture.pop("SCRAM_ARCH", None)
    return {name: None if value is None else portableText(value) for name, value in picture.items()}


def _look(path):
    """Give a picture of what is at a path: a file's digest, a directory's time and size, None for nothing."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as handle:
                return hashlib.sha256(handle.read(MAX_FILE_BYTES)).hexdigest()
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def _hooks(top):
    """Name a directory of scram hooks, which holds runtime-hook and project-hook, the two below it, and their files."""
    paths = [top, os.path.join(top, "project"), os.path.join(top, "runtime")]
    for folder in paths[:]:
        try:
            paths.extend(os.path.join(folder, name) for name in sorted(os.listdir(folder))[:MOST_HOOKS])
        except OSError:
            # Most sites have none; that is evidence too.
            continue
    return paths


def gatherEvidence(area, environ):
    """
    Record what a session rests on: the area's Environment file and hooks, the release's tools, the hooks of the site
    and the scram settings of the user.

    :param area: str, path of the project area
    :param environ: dict, the session's environment; CMS_PATH, VO_CMS_SW_DIR, SCRAM_SITE_HOOKS_DIR and HOME lead there
    :return: dict, path to digest or [mtime in ns, size]; None for what is not there
    """
    known = ProjectArea(area)
    watched = [os.path.join(area, "config", "toolbox")] + _hooks(os.path.join(area, "config", "SCRAM", "hooks"))
    for architecture in known.architectures():
        selected = os.path.join("config", "toolbox", architecture, "tools", "selected")
        watched.extend([known.environmentFile(architecture), os.path.join(area, selected)])
        top = known.releaseTop(architecture)
        if top:
            watched.extend([top, os.path.join(top, "config", "toolbox"), os.path.join(top, selected)])
    for root in {environ.get("CMS_PATH"), environ.get("VO_CMS_SW_DIR")} - {None, ""}:
        scramrc = os.path.join(root, "etc", "scramrc")
        watched.extend([scramrc, os.path.join(scramrc, "site.cfg")] + _hooks(os.path.join(scramrc, "SCRAM", "hooks")))
    if environ.get("SCRAM_SITE_HOOKS_DIR"):
        watched.extend(_hooks(os.path.join(environ["SCRAM_SITE_HOOKS_DIR"], "SCRAM", "hooks")) +
                       _hooks(environ["SCRAM_SITE_HOOKS_DIR"]))
    if environ.get("HOME"):
        watched.append(os.path.join(environ["HOME"], ".scramrc", "runtime"))
    return {portableText(path): _look(path) for path in watched}


def takeSession(request, area, base, environ, shared=False):
    """
    Make the session of an environment that scram runtime has left.

    :param request: ScramRequest it answers
    :param area: str, path of the project area
    :param base: dict, the environment before
    :param environ: dict, the environment after
    :param shared: bool, whether other steps of the job may use the area
    :return: ScramSession
    """
    diff = EnvDiff.between(base, environ)
    diff = EnvDiff(dict(scramVariables(environ), **diff.toSet), diff.toUnset)
    area = os.path.abspath(area)
    return ScramSession(request, area, diff, basePicture(base, request.architecture),
                        gatherEvidence(area, diff.apply(base)), ProjectArea(area).contents() if shared else None)


def staleReason(session, request, directory, environ, token=None):
    """
    Look for a reason not to use a stored session.

    :param session: ScramSession
    :param request: ScramRequest that is asked for now
    :param directory: str it is stored in
    :param environ: dict, the base environment now
    :param token: str, SESSION_VARIABLE of this process: inside its own session a base needs no comparing
    :return: str, or None when the session holds
    """
    if not session.request.answers(request):
        return "it was made for %s" % (session.request,)
    if os.path.realpath(session.area) != os.path.realpath(os.path.join(directory, str(request.release))):
        return "its area %s is elsewhere" % session.area
    if not os.path.isdir(session.area):
        return "its area %s is not there" % session.area
    changed = [path for path, seen in sorted(session.evidence.items()) if _look(localText(path)) != seen]
    if changed:
        return "changed since: %s" % ", ".join(changed)
    if token is None or token != session.token(directory):
        picture = basePicture(environ, request.architecture)
        differing = sorted(name for name in set(picture) | set(session.base)
                           if picture.get(name) != session.base.get(name))
        if differing:
            return "the environment differs in %s" % ", ".join(differing)
    return None


def findSession(directory, request, environ):
    """
    Give the session stored in a directory when it holds; remove one that holds for nobody.

    :param directory: str
    :param request: ScramRequest
    :param environ: dict, the base environment
    :return: ScramSession, or None
    """
    token = os.environ.get(SESSION_VARIABLE)
    try:
        session = readSession(directory)
        reason = staleReason(session, request, directory, environ, token)
        if reason is None:
            return session
        if staleReason(session, session.request, directory, environ, token) is None:
            logging.info("The SCRAM session in %s is another's: %s", directory, reason)
            return None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as ex:
        reason = str(ex)
    logging.info("The SCRAM session in %s is not used: %s", directory, reason)
    try:
        dropSession(directory)
    except OSError as ex:
        logging.warning("The stale SCRAM session in %s cannot be removed: %s", directory, ex)
    return None


def leaveSession(session, directory):
    """
    Store a session where none is; a directory that cannot keep it is no failure.

    :param session: ScramSession
    :param directory: str
    """
    # One left here holds for another request: it is that of the step, and main.sh waits for it.
    if os.path.exists(os.path.join(directory, JSON_NAME)):
        return
    try:
        storeSession(session, directory)
    except (OSError, ValueError) as ex:
        logging.warning("The SCRAM session is not stored in %s: %s", directory, ex)
