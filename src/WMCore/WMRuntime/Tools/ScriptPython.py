"""
The python that a script of this runtime runs in when it is run for a release.

Callers name the python they run in themselves, as the first word of the command. In a release that need not be
the right one: the release's python3 can load what the release compiled, when WMCore runs on it; otherwise the
script gets the job's python, and nothing of the release's python with it (#6179, #10765).
"""
import logging
import os
import re
import sys

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, isVariableName, quoteForBash


# What a shell ends a word with.
_WORD_END = r"(?=[\s;&|<>()]|$)"


def _ownPython(command):
    """Give the match of sys.executable as the first word of a command, plain or quoted, or None."""
    if not sys.executable:
        return None
    names = "|".join(re.escape(form) for form in (sys.executable, quoteForBash(sys.executable),
                                                  '"%s"' % sys.executable))
    return re.match(r"\s*(?:%s)%s" % (names, _WORD_END), command)


def isScript(command):
    """
    Tell whether a command is for the running python, whichever will run it.

    :param command: str, bash text. Only its first word is looked at: not what stands behind `cd ...;`, `exec` or a
        setting of a variable
    :return: bool
    """
    return _ownPython(command) is not None


def resolveScriptPython(toSet, toUnset=(), arch=None, setting=None):
    """
    Choose the python for a script in a release.

    :param toSet: dict, the release's variables; what no shell can export is left out
    :param toUnset: names of variables the release removes
    :param arch: str, scram arch, where the environment does not name it
    :param setting: str, path or name of the interpreter the step asks for, or None
    :return: Resolution; its interpreter is None when the one that was asked for does not do
    """
    # Loaded here: they take longer to load than all of Scram, and hardly any step has such scripts.
    from WMCore.WMRuntime.Errors import WMRuntimeError
    from WMCore.WMRuntime.Interpreter.InterpreterProvider import RELEASE_SCRIPT
    from WMCore.WMRuntime.Interpreter.InterpreterResolver import (RUNTIME_MODULES, InterpreterResolver,
                                                                    usableEnvironment)
    from WMCore.WMRuntime.Release.Release import Release
    known = {name: value for name, value in usableEnvironment(toSet).items() if isVariableName(name)}
    try:
        release = Release.fromEnvironment(dict({"SCRAM_ARCH": arch} if arch else {}, **known))
    except WMRuntimeError as ex:
        logging.warning("Scripts are not run in the release's python: %s", ex)
        release = None
    return InterpreterResolver(os.environ).resolve(
        RELEASE_SCRIPT, release, setting=setting, modules=RUNTIME_MODULES,
        releaseEnvironment=EnvDiff(known, [name for name in toUnset if name not in known]))


def inPython(command, interpreter):
    """
    Have a script's command name the chosen python.

    :param command: str, for which isScript is true
    :param interpreter: Interpreter
    :return: str
    """
    return quoteForBash(interpreter.path) + command[_ownPython(command).end():]


def startWith(interpreter, hackLdLibPath=False):
    """
    Give the bash text before a python's path that starts it, and nothing after it, with the environment it needs.

    :param interpreter: Interpreter
    :param hackLdLibPath: bool; hand the running python's module search path on, to that python only
    :return: str, which ends with a blank
    """
    values = dict(interpreter.environment.toSet)
    if hackLdLibPath and interpreter.path == sys.executable:
        values["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    words = ["-u " + name for name in interpreter.environment.toUnset if name not in values]
    words += ["%s=%s" % (name, quoteForBash(value)) for name, value in sorted(values.items())]
    return " ".join(["/usr/bin/env"] + words) + " "
