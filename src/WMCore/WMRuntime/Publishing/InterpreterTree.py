"""
Lay an interpreter out in an area: the program, the libraries of its own, the standard library without what no job needs.
"""
import fnmatch
import os
import shutil

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.SharedLibraries import laySharedLibraries, neededBy
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# Test suites, idle and tkinter; what builds extensions; pip, which nobody runs on a node; what the machine that builds
# areas hooks into each of its pythons.
_LEFT_OUT = ("test", "tests", "idlelib", "idle_test", "tkinter", "turtle.py", "turtledemo", "ensurepip", "config-*",
             "config", "site-packages", "dist-packages", "sitecustomize.py", "usercustomize.py", "__pycache__", "*.pyc",
             "*.pyo", "*.a", "*.o", "*.exe", "_tkinter.*", "_test*.so", "_ctypes_test*.so", "xxlimited*.so", "*~", "lib-tk",
             "__phello__*", "pydoc_data", "EXTERNALLY-MANAGED")
_STRIP_SECONDS, _STRIP = 120, "strip"
_MAX_DEPTH = 30


def layInterpreter(prefix, target, keepSymbols=False):
    """
    Copy an interpreter.

    :param prefix: PythonPrefix
    :param target: str, directory to make
    :param keepSymbols: bool, whether the symbols for a debugger stay
    :return: SharedLibraries
    :raises WMRuntimeError: when something of it cannot be copied
    """
    name = "python" + prefix.series
    stdlib = os.path.join(target, "lib", name)
    try:
        os.makedirs(os.path.join(target, "bin"))
        _copyFile(prefix.executable, os.path.join(target, "bin", name))
        # No plain `python`: that name is the release's.
        os.symlink(name, os.path.join(target, "bin", "python3"))
        _copyTree(prefix.stdlib, stdlib, 0)
        libraries = laySharedLibraries(prefix, target, _objects(target))
    except OSError as ex:
        raise WMRuntimeError(None, "The python %s cannot be copied." % prefix.prefix, "%s: %s" % (target, ex),
                             "look at the file it names, and at the space on the disk")
    stripped = [] if keepSymbols else [path for path in _objects(target) if neededBy(path)]
    if stripped:
        _strip(stripped)
    return libraries


def _wanted(name):
    return not any(fnmatch.fnmatchcase(name, pattern) for pattern in _LEFT_OUT)


def _copyFile(source, target):
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.stat(source).st_mode & 0o100 else 0o644)


def _copyTree(source, target, depth):
    """Copy a folder; a link becomes what it leads to, which need not be in the area."""
    if depth > _MAX_DEPTH:
        raise OSError("folders nested deeper than %d, is a link circular? %s" % (_MAX_DEPTH, source))
    os.makedirs(target)
    for name in sorted(filter(_wanted, os.listdir(source))):
        path = os.path.join(source, name)
        if os.path.isdir(path):
            _copyTree(path, os.path.join(target, name), depth + 1)
        elif os.path.isfile(path):
            _copyFile(path, os.path.join(target, name))
        else:
            raise OSError("neither a file nor a directory: %s" % path)


def _objects(target):
    """List the programs and shared libraries of a laid out interpreter."""
    found = []
    for folder, _folders, names in os.walk(target):
        found += [os.path.join(folder, name) for name in names if os.path.basename(folder) == "bin" or ".so" in name]
    return sorted(path for path in found if not os.path.islink(path))


def _strip(paths):
    """Take the symbols for a debugger out: half of the bytes a node would fetch."""
    program = shutil.which(_STRIP)
    if program is None:
        raise WMRuntimeError(None, "The program strip is not there.", "expected it on PATH, to leave debug symbols out",
                             "install binutils, or keep the symbols: --keep-symbols")
    ended, _out, err = runCaptured([program, "--strip-debug", "--enable-deterministic-archives"] + paths,
                                   timeout=_STRIP_SECONDS)
    if not ended.ok:
        raise WMRuntimeError(None, "strip failed with status %d." % ended.shellCode, err.strip()[-1000:],
                             "keep the symbols: --keep-symbols")
