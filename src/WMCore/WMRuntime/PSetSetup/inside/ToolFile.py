"""A command of cmssw-wm-tools: where it is, and whether it can share this python."""
import os
import re

SHEBANG = re.compile(br"#!\s*(?:\S*/env\s+(\S+)|\S*/(\S+))")
# A tool that leaves, replaces or copies its process cannot share it with others.
OWN_PROCESS = re.compile(br"\bos\s*\.\s*(?:_exit|fork|exec[lv]p?e?)\s*\(|\bmultiprocessing\b")


class Refused(Exception):
    """Say why a tool is not driven."""


def findProgram(name):
    """
    Find a command in the PATH.

    :param name: str
    :return: str, its path
    :raises Refused: when there is none
    """
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(directory or os.curdir, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise Refused("there is no %s in the PATH" % name)


def compiled(path, python):
    """
    Read a tool: a python script, or a text for sh that starts python with itself.

    :param path: str
    :param python: str, the name this python was started by
    :return: code
    :raises Refused: when it is neither, or must have its own process
    """
    with open(path, "rb") as handle:
        text = handle.read()
    named = SHEBANG.match(text)
    interpreter = (named.group(1) or named.group(2)).decode("latin-1") if named else "nothing"
    polyglot = interpreter in ("sh", "bash") and re.search(br"\bexec\b.*python", text)
    if not polyglot and interpreter != python:
        raise Refused("it is for %s, this is %s" % (interpreter, python))
    if OWN_PROCESS.search(text):
        raise Refused("it uses its process for itself")
    try:
        return compile(text + b"\n", path, "exec", 0, True)  # python 2.6 wants the line ended
    except (SyntaxError, ValueError, TypeError) as error:
        raise Refused("this python does not take it: %s" % error)
