"""
Tell which python can load a pickled process, and which wrote it, without loading it.
"""
import _compat_pickle
import os
import pickle
import pickletools

from WMCore.WMRuntime.Payload.PythonModules import PYTHON2, PYTHON3, onlyIn
from WMCore.WMRuntime.Payload.SourceTree import Seen
from WMCore.WMRuntime.PickleLoader import checkLayout

MAX_BYTES = 64 * 1024 * 1024
MAX_OPCODES = 2000000
_NATIVE = ("STRING", "BINSTRING", "SHORT_BINSTRING")
_NOT_ASCII = "a string of python 2 with bytes that are no ASCII"
_UNICODE = ("UNICODE", "BINUNICODE")


def lookAtPickle(path, maxBytes=MAX_BYTES):
    """
    Look at the opcodes of a pickle.

    :param path: str
    :param maxBytes: int, the largest file that is looked at
    :return: (list of Seen, all with line 0; list of str, what could not be looked at)
    """
    try:
        with open(path, "rb") as handle:
            content = handle.read(maxBytes + 1)
    except OSError as ex:
        return [], ["cannot read %s: %s" % (path, ex.strerror or ex)]
    if len(content) > maxBytes:
        return [], ["%s has more than %d bytes and was not looked at" % (os.path.basename(path), maxBytes)]
    try:
        # A number of a million digits, or a length of gigabytes, is refused here before anything is made of it.
        checkLayout(content)
        return _opcodes(content)
    except (pickle.UnpicklingError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError) as ex:
        return [], ["%s is no whole pickle: %s" % (os.path.basename(path), ex)]


def _opcodes(content):
    seen, native, unicodes, notes = {}, 0, 0, []
    recent = []
    for count, (opcode, argument, _place) in enumerate(_steps(content, seen)):
        if count >= MAX_OPCODES:
            notes.append("only the first %d steps of the pickle were looked at" % MAX_OPCODES)
            break
        name = opcode.name
        if opcode.proto > 2 or name == "PROTO" and argument > 2:
            seen.setdefault("protocol %d, which python 2 does not know"
                            % (argument if name == "PROTO" else opcode.proto), (PYTHON3, True))
        if name in _NATIVE:
            native += 1
            if any(ord(char) > 127 for char in argument):
                seen[_NOT_ASCII] = (PYTHON2, False)
        elif "UNICODE" in name:
            unicodes += name in _UNICODE
            recent = recent[-1:] + [argument]
        elif name in ("GLOBAL", "INST"):
            _module(seen, *(argument.split(" ", 1) + [""])[:2])
        elif name == "STACK_GLOBAL" and len(recent) == 2:
            _module(seen, recent[0], recent[1])
    if unicodes and not native:
        # Parameters take no unicode in python 2 (CRABClient#5279).
        seen.setdefault("all its strings are unicode, as python 3 writes them", (PYTHON3, False))
    return [Seen(0, what, which, certain) for what, (which, certain) in sorted(seen.items())], notes


def _steps(content, seen):
    """Yield the opcodes; a text of python 2 that is no ASCII, which pickletools does not decode, ends them."""
    try:
        for step in pickletools.genops(content):
            yield step
    except UnicodeDecodeError:
        seen[_NOT_ASCII] = (PYTHON2, False)


def _module(seen, module, name):
    """Note a module one python alone has; what pickle translates for python 3 both have."""
    translated = module in _compat_pickle.IMPORT_MAPPING or (module, name) in _compat_pickle.NAME_MAPPING
    which, known = onlyIn(module)
    if which and not (which == PYTHON2 and translated):
        seen.setdefault("the module %s is named in it" % known, (which, True))
