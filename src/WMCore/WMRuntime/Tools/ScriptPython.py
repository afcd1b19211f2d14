"""
The python that a script of this runtime runs in when it is run for a release.

Callers name the python they run in themselves, as the first word of the command. In a release that need not be
the right one: the release's python3 can load what the release compiled, when WMCore runs on it; otherwise the
script gets the job's python, and nothing of the release's python with it (#6179, #10765).
"""
import logging
import os
import sys

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, isVariableName, quoteForBash


def _ownNames():
    return [name for name in (sys.executable, quoteForBash(sys.executable)) if name] if sys.executable else []


def isScript(command):
    """
    Tell whether a command is for the running python, whichever will run it.

    :param command: str, bash text
    :return: bool
    """
    words = command.lstrip()
    return any(words == name or words.startswith((name + " ", name + "\t")) for name in _ownNames())


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
    from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver, usableEnvironment
    from WMCore.WMRuntime.Release.Release import Release
    known = {name: value for name, value in usableEnvironment(toSet).items() if isVariableName(name)}
    try:
        release = Release.fromEnvironment(dict({"SCRAM_ARCH": arch} if arch else {}, **known))
    except WMRuntimeError as ex:
        logging.warning("Scripts are not run in the release's python: %s", ex)
        release = None
    return InterpreterResolver(os.environ).resolve(RELEASE_SCRIPT, release, setting=setting,
                                                   releaseEnvironment=EnvDiff(known, toUnset))


def scriptCommand(command, interpreter):
    """
    Have a script's command start the chosen python.

    :param command: str, for which isScript is true
    :param interpreter: Interpreter
    :return: str
    """
    if interpreter.path == sys.executable:
        return command
    words = command.lstrip()
    own = next(name for name in _ownNames() if words.startswith(name))
    return quoteForBash(interpreter.path) + words[len(own):]


def scriptEnvironment(environ, interpreter, hackLdLibPath=False):
    """
    Build the environment of a script out of that of any other command in the release.

    :param environ: dict, left as it is
    :param interpreter: Interpreter
    :param hackLdLibPath: bool; hand the running python's module search path on, to that python only
    :return: dict
    """
    result = interpreter.environment.apply(environ)
    if hackLdLibPath and interpreter.path == sys.executable:
        result["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return result
