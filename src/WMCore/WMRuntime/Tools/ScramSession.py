"""
A SCRAM project area with its environment, once taken, and its stored forms: JSON and bash.

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
    :param contents: str, ProjectArea.contents() when it was taken; None for an area that no other step is to use
    """
    request = attr.ib()
    area = attr.ib(type=str)
    diff = attr.ib()
    base = attr.ib()
    evidence = attr.ib()
    contents = attr.ib(default=None)

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


def sessionJson(session):
    """
    Write a session as JSON text, ASCII only.

    :param session: ScramSession
    :return: str
    """
    data = {"format": FORMAT, "project": "CMSSW", "area": portableText(session.area),
            "base": session.base, "evidence": session.evidence, "contents": session.contents}
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
    Read a stored session as it is; whether it still holds is SessionEvidence's to say.

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
                            data["evidence"], data.get("contents"))
    except (KeyError, TypeError, ValueError, RecursionError) as ex:
        raise ValueError("%s is no SCRAM session: %s" % (path, ex))
