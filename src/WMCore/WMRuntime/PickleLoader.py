"""
Load pickles that come with a job through an exact list of what they may name.

Sandboxes, job packages and reports are pickles. A pickle can name any callable that can be imported and
have it called; the worker node's proxy and token are within its reach. Damaged ones are more common: a
single wrong byte may ask for gigabytes, so every length and number is looked at before any is acted on.

What this does not bound is the time and memory of a file made to waste them, such as one that copies its
largest set again and again. Who can make one can as well change the code in the same sandbox.
"""
import io
import os
import pickle
import pickletools

MAX_BYTES = 256 * 1024 * 1024
#: Digits of a number written as text; python itself draws the line here from 3.11 on, for longer ones take
#: time with the square of their length.
MAX_DIGITS = 4300

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
                  for name in ("object", "set", "frozenset", "dict", "bytes"))
_RECONSTRUCTORS = (("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor"))
_BYTES_MAKER = ("_codecs", "encode")

#: The (module, name) pairs a pickle may name; what WMAgent and the runtime write needs no other.
ALLOWED_GLOBALS = frozenset(_WMCORE_CLASSES + _BUILTINS + _RECONSTRUCTORS + (_BYTES_MAKER,))

# How the arguments of the opcodes are laid out: so many bytes, so many lines, or a length of so many bytes.
_LENGTH_WIDTHS = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT4: 4,
                  pickletools.TAKEN_FROM_ARGUMENT4U: 4, pickletools.TAKEN_FROM_ARGUMENT8U: 8}
_SIZES = {ord(op.code): op.arg.n if op.arg else 0 for op in pickletools.opcodes}
_FIXED = {code: size for code, size in _SIZES.items() if size >= 0}
_LINES = {code: 2 if code in pickle.GLOBAL + pickle.INST else 1
          for code, size in _SIZES.items() if size == pickletools.UP_TO_NEWLINE}
_COUNTED = {code: _LENGTH_WIDTHS[size] for code, size in _SIZES.items() if size in _LENGTH_WIDTHS}
_STOP, _PUT = ord(pickle.STOP), ord(pickle.PUT)
_PUTS = pickle.PUT + pickle.BINPUT + pickle.LONG_BINPUT + pickle.MEMOIZE
_TEXT_NUMBERS = pickle.INT + pickle.LONG + pickle.FLOAT + pickle.PUT + pickle.GET


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
    """Make bytes of what protocols 0 to 2 wrote for them, a call of _codecs.encode with one codec."""
    if encoding not in ("latin1", "latin-1"):
        raise RefusedGlobal("it asks for another codec than latin1, the only one bytes are written with")
    return text.encode("latin-1")


def _noBytes():
    """Make what protocols 0 to 2 write as a call of bytes: bytes(10 ** 10) is not among it."""
    return b""


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
        if name == "bytes":
            return _noBytes
        return super(AllowListUnpickler, self).find_class(module, name)

    def persistent_load(self, pid):
        """Refuse references to things outside the file."""
        raise RefusedGlobal("it refers to something outside the file")


def checkLayout(content):
    """
    Walk over a pickle without executing it.

    The unpickler in C makes room for 2 ** 32 objects when a file numbers one so high, and takes minutes for a
    number of a million digits.

    :param content: bytes, a pickle
    :raises pickle.UnpicklingError: when it is cut short, holds something that is no opcode, or asks for more
        than is there
    """
    at, puts, size = 0, 0, len(content)
    while at < size:
        start, code = at, content[at]
        at += 1
        if code in _FIXED:
            at += _FIXED[code]
        elif code in _COUNTED:
            width = _COUNTED[code]
            at += width + int.from_bytes(content[at:at + width], "little")
        elif code in _LINES:
            for _line in range(_LINES[code]):
                at = content.find(b"\n", at) + 1 or size + 1
            if code in _TEXT_NUMBERS and at - start > MAX_DIGITS:
                raise pickle.UnpicklingError("the number at byte %d is longer than %d digits" % (start, MAX_DIGITS))
        else:
            raise pickle.UnpicklingError("byte %d is no opcode of a pickle, but 0x%02x" % (start, code))
        if at > size:
            break
        if code == _STOP:
            return
        if code in _PUTS:
            argument = content[start + 1:at]
            index = int(argument) if code == _PUT else int.from_bytes(argument, "little")
            # Objects are numbered in order, from 0, or from 1 by python 2's cPickle.
            if index > puts + 1:
                raise pickle.UnpicklingError("byte %d gives the number %d to object %d" % (start, index, puts))
            puts += 1
    raise pickle.UnpicklingError("it is cut short, its %d bytes do not hold all they announce" % size)


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
        content = _readWhole(path, what, maxBytes)
        checkLayout(content)
        return AllowListUnpickler(io.BytesIO(content)).load()
    except PickleLoadError:
        raise
    except RefusedGlobal as ex:
        raise PickleLoadError(path, what, "%s; a file written by WMAgent or this runtime does not, "
                              "look where it comes from" % ex)
    except Exception as ex:
        # A damaged pickle raises nearly anything: EOFError, KeyError, UnicodeDecodeError, AttributeError.
        raise PickleLoadError(path, what, "%s: %s" % (type(ex).__name__, ex))
