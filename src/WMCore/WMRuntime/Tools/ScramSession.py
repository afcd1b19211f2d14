"""
What a SCRAM project area and its environment are, once made: checked, stored, and found again.

`scram project` and `scram runtime` read hundreds of files over CVMFS. Their result is stored in the
step's directory, for the next Scram object there (ScriptInvoke) and for the cmsRun wrapper script.
"""
import hashlib
import json
import os
import tempfile

import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, localText, portableText, quoteForBash

FORMAT = 1
JSON_NAME = "scramSession.json"
BASH_NAME = "scramSession.sh"
# Names the session a child process was started in: `<path of the json file>#<digest>`.
SESSION_VARIABLE = "WMRUNTIME_SCRAM_SESSION"
# Variables of the base environment that decide what scram prints, beside those named SCRAM*.
BASE_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHON27PATH", "PYTHON3PATH", "CMS_PATH",
                  "SITECONFIG_PATH", "VO_CMS_SW_DIR")
MAX_FILE_BYTES = 16 * 1024 * 1024


@attr.s(frozen=True)
class ScramRequest(object):
    """
    Hold what a session is asked for; two equal requests in one directory are one session.

    :param command: str, the scram command
    :param release: str, CMSSW_X_Y_Z
    :param architecture: str, or None for scram's own choice
    :param initialise: str, bash text run before scram, or None
    """
    command = attr.ib()
    release = attr.ib()
    architecture = attr.ib()
    initialise = attr.ib()

    def answers(self, other):
        """
        Tell whether a session made for this request serves another one.

        Who names nothing to run before scram takes a session made with it: SetupCMSSWPset asks so
        for the environment that the step's executor has set up.

        :param other: ScramRequest
        :return: bool
        """
        same = attr.evolve(self, initialise=other.initialise) == other
        return same and other.initialise in (None, self.initialise)


@attr.s(frozen=True, hash=False)
class ScramSession(object):
    """
    Hold a working project area and its environment.

    :param request: ScramRequest it answers
    :param area: str, path of the project area
    :param diff: EnvDiff against the base environment
    :param base: dict, the deciding variables of the base, None for an unset one
    :param evidence: dict, what has to be on disk unchanged for the session to hold
    """
    request = attr.ib()
    area = attr.ib(type=str)
    diff = attr.ib()
    base = attr.ib()
    evidence = attr.ib()

    @property
    def digest(self):
        """Give a name for exactly this session."""
        return hashlib.sha256(sessionJson(self).encode("ascii")).hexdigest()[:16]

    def token(self, directory):
        """
        Give the value of SESSION_VARIABLE for children of this session.

        :param directory: str, where the session is stored
        :return: str
        """
        return "%s#%s" % (os.path.realpath(os.path.join(directory, JSON_NAME)), self.digest)


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


# -- the area on disk


def _areaFile(area, architecture):
    return os.path.join(area, ".SCRAM", architecture, "Environment")


def areaArchitectures(area):
    """
    List the architectures a project area is set up for.

    :param area: str, its path
    :return: list of str, sorted
    """
    try:
        names = os.listdir(os.path.join(area, ".SCRAM"))
    except OSError:
        return []
    return sorted(name for name in names if os.path.isfile(_areaFile(area, name)))


def releaseTop(area, architecture):
    """
    Read the release a project area was made from.

    :param area: str, its path
    :param architecture: str
    :return: str, the RELEASETOP of `.SCRAM/<arch>/Environment`, or None
    """
    try:
        with open(_areaFile(area, architecture), "rb") as handle:
            lines = handle.read(65536).splitlines()
    except OSError:
        return None
    for line in lines:
        name, _equals, value = line.partition(b"=")
        if name.strip() == b"RELEASETOP":
            return os.fsdecode(value.strip()) or None
    return None


def areaProblem(area, architecture=None):
    """
    Look for what makes a project area unusable; scram itself says 0 for a broken one (CRABClient#5339).

    :param area: str, its path
    :param architecture: str it is to be for, None for any
    :return: str, what is wrong, or None when it is good
    """
    if not os.path.isdir(area):
        return "%s is not there" % area
    if not os.path.isdir(os.path.join(area, "config")):
        return "%s has no config directory" % area
    present = areaArchitectures(area)
    if not present:
        return "%s has no .SCRAM/%s/Environment" % (area, architecture or "<arch>")
    if architecture and architecture not in present:
        return "%s is set up for %s, not for %s" % (area, ", ".join(present), architecture)
    top = releaseTop(area, architecture or present[0])
    if top is None:
        return "%s names no RELEASETOP" % _areaFile(area, architecture or present[0])
    if not os.path.isdir(top):
        return "the release %s of %s is not there" % (top, area)
    return None


def _fileDigest(path):
    try:
        with open(path, "rb") as handle:
            return hashlib.sha256(handle.read(MAX_FILE_BYTES)).hexdigest()
    except OSError:
        return None


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def gatherEvidence(area, environ):
    """
    Record what a session rests on: the area's Environment file, the release's tools, the site's hooks.

    :param area: str, path of the project area
    :param environ: dict, the session's environment; CMS_PATH and VO_CMS_SW_DIR lead to the site's hooks
    :return: dict, path to digest or [mtime in ns, size]; None for what is not there
    """
    evidence = {}
    watched = [os.path.join(area, "config", "toolbox")]
    for architecture in areaArchitectures(area):
        evidence[_areaFile(area, architecture)] = _fileDigest(_areaFile(area, architecture))
        watched.append(os.path.join(area, "config", "toolbox", architecture, "tools", "selected"))
        top = releaseTop(area, architecture) or ""
        watched.extend([top, os.path.join(top, "config", "toolbox"),
                        os.path.join(top, "config", "toolbox", architecture, "tools", "selected")])
    for root in {environ.get("CMS_PATH"), environ.get("VO_CMS_SW_DIR")} - {None, ""}:
        scramrc = os.path.join(root, "etc", "scramrc")
        watched.extend([scramrc, os.path.join(scramrc, "site.cfg")] +
                       [os.path.join(scramrc, "SCRAM", "hooks", kind) for kind in ("project", "runtime")])
    evidence.update((path, _stamp(path)) for path in watched)
    return {portableText(path): value for path, value in evidence.items()}


# -- the stored form


def sessionJson(session):
    """
    Write a session as JSON text, ASCII only.

    :param session: ScramSession
    :return: str
    """
    data = {"format": FORMAT, "project": "CMSSW", "area": portableText(session.area),
            "base": session.base, "evidence": session.evidence}
    data.update(attr.asdict(session.request))
    data.update(session.diff.toDict())
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def sessionBash(session):
    """
    Write a session as bash text to source.

    :param session: ScramSession
    :return: str
    """
    request = session.request
    facts = [("RELEASE", request.release), ("ARCH", request.architecture or ""), ("AREA", session.area)]
    return ("# The SCRAM environment of this step, to be sourced by bash.\n"
            "# Made by WMCore.WMRuntime.Tools.Scram; %s holds the same.\n" % JSON_NAME +
            "".join("SCRAM_SESSION_%s=%s\n" % (name, quoteForBash(value)) for name, value in facts) +
            session.diff.toBash())


def _replaceFile(path, data):
    handle, temporary = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def storeSession(session, directory):
    """
    Store a session, each file under a temporary name first; the json file last, for it is what counts.

    :param session: ScramSession
    :param directory: str
    :raises OSError: when a file cannot be written
    """
    directory = os.path.abspath(directory)
    dropSession(directory)
    _replaceFile(os.path.join(directory, BASH_NAME), os.fsencode(sessionBash(session)))
    _replaceFile(os.path.join(directory, JSON_NAME), sessionJson(session).encode("ascii"))


def dropSession(directory):
    """
    Remove a stored session, so that nobody picks up a stale one.

    :param directory: str
    """
    for name in (JSON_NAME, BASH_NAME):
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            pass


def _text(data, key):
    if not isinstance(data[key], str):
        raise ValueError("%s is no text" % key)
    return data[key]


def readSession(directory):
    """
    Read a stored session as it is; whether it still holds is staleReason's to say.

    :param directory: str
    :return: ScramSession
    :raises OSError: when there is none to read
    :raises ValueError: when it is not what storeSession wrote
    """
    path = os.path.join(directory, JSON_NAME)
    with open(path, "rb") as handle:
        raw = handle.read(MAX_FILE_BYTES + 1)
    try:
        if len(raw) > MAX_FILE_BYTES:
            raise ValueError("it is larger than %d bytes" % MAX_FILE_BYTES)
        data = json.loads(raw.decode("ascii"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError("format %d was expected" % FORMAT)
        if not isinstance(data["base"], dict) or not isinstance(data["evidence"], dict):
            raise ValueError("base and evidence have to be objects")
        request = ScramRequest(data["command"], data["release"], data["architecture"], data["initialise"])
        return ScramSession(request, localText(_text(data, "area")), EnvDiff.fromDict(data), data["base"],
                            data["evidence"])
    except (KeyError, TypeError, ValueError, RecursionError) as ex:
        raise ValueError("%s is no SCRAM session: %s" % (path, ex))


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
    problem = areaProblem(session.area, request.architecture)
    if problem:
        return problem
    now = gatherEvidence(session.area, session.diff.apply(environ))
    changed = [path for path in sorted(set(session.evidence) | set(now))
               if session.evidence.get(path) != now.get(path)]
    inside = token is not None and token == session.token(directory)
    if inside:
        # A child may see the site's hooks under the names the release gave: only what was recorded counts.
        changed = [path for path in changed if path in session.evidence and path in now]
    if changed:
        return "changed since: %s" % ", ".join(changed)
    if not inside:
        picture = basePicture(environ, request.architecture)
        differing = sorted(name for name in set(picture) | set(session.base)
                           if picture.get(name) != session.base.get(name))
        if differing:
            return "the environment differs in %s" % ", ".join(differing)
    return None
