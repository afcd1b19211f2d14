"""
What an interpreter must be started with, so that two pythons are never mixed.

Every function here gives an EnvDiff that states all STEERING variables, as set or as unset: whatever
environment it is applied to, nothing of another python is left (#6179, #10765).
"""
import os
import re

import WMCore
from WMCore.WMRuntime.Environment.AreaManifest import manifestOfPython
from WMCore.WMRuntime.Environment.CleanEnvironment import PYTHON_VARIABLES
from WMCore.WMRuntime.Environment.CompAreas import packageOf
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.PlainFile import openPlain
from WMCore.WMRuntime.Interpreter.InterpreterProvider import IN_RELEASE, SCRIPTS, realPath

# The pythons of releases read the last two through a sitecustomize of theirs (cmsdist python.spec, python3.spec).
STEERING = tuple(PYTHON_VARIABLES) + ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHON27PATH", "PYTHON3PATH")
_MAX_BYTES = 256 * 1024
_DEPENDENCY = re.compile(r"(/[^\s\"';]+)/etc/profile\.d/init\.sh")


def joinPaths(*parts):
    """
    Join search paths, each entry once, none empty: an empty entry means the current directory.

    :param parts: str or sequences of str
    :return: str
    """
    entries = []
    for part in parts:
        for entry in part.split(":") if isinstance(part, str) else part:
            if entry and entry not in entries:
                entries.append(entry)
    return ":".join(entries)


def _statement(values):
    """Make the EnvDiff that states all steering variables; those without a value are unset."""
    given = {name: values[name] for name in STEERING if values.get(name)}
    return EnvDiff(given, [name for name in STEERING if name not in given])


def codePaths(context):
    """
    Say where the runtime's own code is, for an interpreter that is to run it.

    :param context: ResolutionContext
    :return: tuple of str: the job's WMCore.zip and directory, or where the running code came from; a folder of
        the running python's own packages is never named, it may hold modules compiled for that python
    """
    if context.purpose not in SCRIPTS:
        return ()
    job = context.environ.get("WMAGENTJOBDIR")
    if job:
        return tuple(path for path in (os.path.join(job, "WMCore.zip"), job) if os.path.exists(path))
    found = [os.path.dirname(os.path.abspath(path)) for path in WMCore.__path__]
    return tuple(path for path in found if os.path.basename(path) not in ("site-packages", "dist-packages"))


def ownStart(context):
    """
    State what the running interpreter is started with: what it has itself.

    :param context: ResolutionContext
    :return: EnvDiff; PATH is the release's where the purpose is one in a release
    """
    values = {name: context.environ.get(name) for name in STEERING}
    if context.purpose in IN_RELEASE:
        values.update(PATH=context.base.get("PATH"), PYTHON27PATH=None, PYTHON3PATH=None)
    values["PYTHONPATH"] = joinPaths(_missing(codePaths(context), values["PYTHONPATH"]), values["PYTHONPATH"] or "")
    return _statement(values)


def _missing(paths, value):
    present = (value or "").split(":")
    return [path for path in paths if path not in present]


def releaseStart(context, path):
    """
    State what a python of the release is started with.

    :param context: ResolutionContext
    :param path: str, the interpreter
    :return: EnvDiff; with the release's own variables where they are known, else with the libraries beside it
    """
    values = {name: context.base.get(name) for name in STEERING if name not in PYTHON_VARIABLES}
    values["PYTHONPATH"] = joinPaths(codePaths(context), values["PYTHONPATH"] or "")
    if not context.releaseKnown:
        folders = [os.path.join(context.release.directory, "external", context.release.arch, "lib")] \
            if context.release is not None else []
        folders.append(os.path.join(os.path.dirname(os.path.dirname(realPath(path))), "lib"))
        values["LD_LIBRARY_PATH"] = joinPaths([folder for folder in folders if os.path.isdir(folder)],
                                              values["LD_LIBRARY_PATH"] or "")
    return _statement(values)


def compStart(context, area):
    """
    State what a python of an area is started with: what its init.sh would make of a clean environment.

    :param context: ResolutionContext
    :param area: str, the python's directory, .../COMP/<os>_<cpu>/external/python3/<version>
    :return: EnvDiff
    :raises WMRuntimeError: when the area has a manifest that cannot be used: which libraries are its own is not known
    """
    build, manifest = manifestOfPython(area)
    packages = [] if manifest is None else [os.path.join(build, folder) for folder in manifest.packages]
    libraries = [os.path.join(folder, "lib") for folder in [area] + _dependencies(area)]
    values = {"PATH": context.base.get("PATH") if context.purpose in IN_RELEASE else
                      joinPaths([os.path.join(area, "bin")], context.clean.get("PATH", "")),
              "LD_LIBRARY_PATH": joinPaths([folder for folder in libraries if os.path.isdir(folder)],
                                           context.clean.get("LD_LIBRARY_PATH", "")),
              "PYTHONPATH": joinPaths(codePaths(context), packages, context.clean.get("PYTHONPATH", ""))}
    return _statement(values)


def _dependencies(area):
    """List the packages a python of the area needs, as its dependencies-setup.sh (cms-sw/pkgtools) names them."""
    try:
        with openPlain(os.path.join(area, "etc", "profile.d", "dependencies-setup.sh")) as handle:
            text = os.fsdecode(handle.read(_MAX_BYTES))
    except OSError:
        return []
    return [folder for folder in _DEPENDENCY.findall(text) if folder != area]


def foreignStart(context):
    """
    State what a python from elsewhere is started with: the job's environment before any python came in.

    :param context: ResolutionContext
    :return: EnvDiff
    """
    values = {name: context.clean.get(name) for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")}
    if context.purpose in IN_RELEASE:
        values["PATH"] = context.base.get("PATH")
    values["PYTHONPATH"] = joinPaths(codePaths(context), values["PYTHONPATH"] or "")
    return _statement(values)


def startOf(context, path):
    """
    State what an interpreter named by its path alone is started with, by where it is.

    :param context: ResolutionContext
    :param path: str
    :return: EnvDiff
    """
    if context.running.isAt(path):
        return ownStart(context)
    if context.release is not None and _isReleases(context.release, path):
        return releaseStart(context, path)
    package = packageOf(path)
    return compStart(context, package) if package else foreignStart(context)


def _isReleases(release, path):
    tops = [release.directory] + [python.base for python in release.pythons() if python.base]
    found = realPath(path)
    return any((found + "/").startswith(realPath(top) + "/") or (path + "/").startswith(top + "/") for top in tops)
