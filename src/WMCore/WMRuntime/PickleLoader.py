"""
Load pickles that come with a job through an exact list of what they may name.

Sandboxes, job packages and reports are pickles. A pickle can name any callable that can be imported and
have it called; the worker node's proxy and token are within its reach.
"""
import io
import os
import pickle

MAX_BYTES = 256 * 1024 * 1024

_WMCORE_CLASSES = (
    ("WMCore.Configuration", "ConfigSection"),
    ("WMCore.WMSpec.WMWorkload", "WMWorkload"),
    ("WMCore.WMSpec.WMTask", "WMTask"),
    ("WMCore.WMSpec.WMStep", "WMStep"),
    ("WMCore.DataStructs.JobPackage", "JobPackage"),
    ("WMCore.DataStructs.Job", "Job"),
    ("WMCore.DataStructs.File", "File"),
    ("WMCore.DataStructs.Run", "Run"),
    ("WMCore.DataStructs.Mask", "Mask"),
)
# Protocols 0 to 2 spell these modules as python 2 does, the later ones as python 3 does; find_class gets
# the spelling of the file.
_BUILTINS = tuple((module, name) for module in ("builtins", "__builtin__")
                  for name in ("object", "set", "frozenset", "dict", "list", "tuple", "bytes"))
_RECONSTRUCTORS = (("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor"))
# Protocols 0 to 2 write bytes as a call of _codecs.encode, for which _latinBytes stands in.
_BYTES_MAKER = ("_codecs", "encode")

#: The (module, name) pairs a pickle may name; what WMAgent and the runtime write needs no other.
ALLOWED_GLOBALS = frozenset(_WMCORE_CLASSES + _BUILTINS + _RECONSTRUCTORS + (_BYTES_MAKER,))


class PickleLoadError(ValueError):
    """
    Say which file could not be taken, and why.

    :param path: str, the file
    :param what: str, what the file was expected to hold
    :param reason: str, what was found instead
    """

    def __init__(self, path, what, reason):
        super(PickleLoadError, self).__init__(path, what, reason)
        self.path = path
        self.what = what
        self.reason = reason

    def __str__(self):
        return "cannot load %s from %s: %s" % (self.what, self.path, self.reason)


class RefusedGlobal(pickle.UnpicklingError):
    """Say that a pickle names something that is not on the list."""


def _latinBytes(text, encoding):
    """Make bytes of what protocols 0 to 2 wrote for them; no other codec is ever written."""
    if encoding not in ("latin1", "latin-1"):
        raise RefusedGlobal("it asks for the codec %r, bytes are written with latin1 only" % (encoding,))
    return text.encode("latin-1")


class AllowListUnpickler(pickle.Unpickler):
    """Resolve only the globals of ALLOWED_GLOBALS."""

    def find_class(self, module, name):
        """
        Resolve a global by its exact name.

        :param module: str, as spelled in the pickle
        :param name: str, as spelled in the pickle; never dotted, protocol 4 would walk the dots
        :return: the class or function
        :raises RefusedGlobal: when the pair is not on the list
        """
        if (module, name) not in ALLOWED_GLOBALS:
            raise RefusedGlobal("it names %s.%s, which is not among the %d classes a job's pickles may name"
                                % (module, name, len(ALLOWED_GLOBALS)))
        if (module, name) == _BYTES_MAKER:
            return _latinBytes
        return super(AllowListUnpickler, self).find_class(module, name)

    def persistent_load(self, pid):
        """Refuse references to things outside the file."""
        raise RefusedGlobal("it refers to %r outside the file" % (pid,))


def _readWhole(path, what, maxBytes):
    """Read a regular file that is neither empty nor above the cap."""
    if not os.path.isfile(path):
        raise PickleLoadError(path, what, "no regular file is there" if os.path.lexists(path) else "no such file")
    with open(path, "rb") as handle:
        content = handle.read(maxBytes + 1)
    if not content:
        raise PickleLoadError(path, what, "the file is empty")
    if len(content) > maxBytes:
        raise PickleLoadError(path, what, "it is larger than %d bytes" % maxBytes)
    return content


def loadPickle(path, what, maxBytes=MAX_BYTES):
    """
    Load a pickle that names nothing but the classes of a job.

    :param path: str, the file
    :param what: str, what it holds, for the messages: "the workload", "the report of step cmsRun1"
    :param maxBytes: int, the largest file that is read
    :return: the object
    :raises PickleLoadError: when the file is missing, empty, too large, cut short or names anything else
    """
    try:
        return AllowListUnpickler(io.BytesIO(_readWhole(path, what, maxBytes))).load()
    except PickleLoadError:
        raise
    except RefusedGlobal as ex:
        raise PickleLoadError(path, what, "%s; a file written by WMAgent or this runtime does not, "
                              "look where it comes from" % ex)
    except Exception as ex:
        # A damaged pickle raises nearly anything: EOFError, KeyError, UnicodeDecodeError, AttributeError.
        raise PickleLoadError(path, what, "%s: %s" % (type(ex).__name__, ex))
