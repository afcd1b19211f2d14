"""The python interpreters this machine offers to a worker node in a box."""
import glob
import json
import os
import subprocess

import attr

#: What a node can use: python 2.7 and every python3 that worker-node code supports.
SUPPORTED_VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")

_PROBE_SECONDS = 20
_PROBE = """
import json, os, platform, sys, sysconfig
real = getattr(sys, "_base_executable", None) or sys.executable
base = getattr(sys, "base_prefix", None) or getattr(sys, "real_prefix", sys.prefix)
if getattr(sys, "prefix", base) != base:
    for name in ("python%d.%d" % sys.version_info[:2], "python%d" % sys.version_info[0], "python"):
        if os.path.exists(os.path.join(base, "bin", name)):
            real = os.path.join(base, "bin", name)
            break
sys.stdout.write("\\n" + json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "executable": os.path.realpath(real),
    "stdlib": os.path.realpath(os.path.dirname(os.__file__)),
    "libraries": sysconfig.get_config_var("LIBDIR") or ""}))
"""


@attr.s(frozen=True)
class MachinePython(object):
    """One interpreter of the machine, as it described itself when it was run."""

    version = attr.ib(converter=tuple)  # (major, minor, micro)
    executable = attr.ib()              # absolute, symlinks and shims resolved
    stdlib = attr.ib()                  # directory of os.py
    libraries = attr.ib(default="")     # directory of libpython, where there is one

    @property
    def series(self):
        """Return major and minor version as text, `3.9`."""
        return "%d.%d" % self.version[:2]

    @property
    def versionText(self):
        """Return the whole version as text, `3.9.18`."""
        return "%d.%d.%d" % self.version


def probePython(path, timeout=_PROBE_SECONDS):
    """
    Run an interpreter to learn its version and where it really lives.

    A file name proves nothing: pyenv's shims are shell scripts, links dangle and copies break.

    :param path: str, the interpreter or a shim of it
    :param timeout: float, seconds after which it counts as dead
    :return: MachinePython, or None when it does not run, is no CPython or has no standard library
    """
    try:
        done = subprocess.run([path, "-c", _PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=_probeEnvironment(), timeout=timeout)
        if done.returncode != 0:
            return None
        said = json.loads(done.stdout.decode("utf-8", "replace").strip().splitlines()[-1])
        if said["implementation"] != "CPython" or not os.path.isfile(os.path.join(said["stdlib"], "os.py")):
            return None
        return MachinePython(said["version"], said["executable"], said["stdlib"], said["libraries"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, subprocess.SubprocessError):
        return None


def findMachinePythons(environ=None, probe=probePython):
    """
    Find the interpreters 2.7 and 3.6 to 3.13 of this machine.

    Searched are PATH and pyenv's version folders ($PYENV_ROOT, else ~/.pyenv). Of several interpreters of one
    series the one with the highest micro version is taken, the first found among equals.

    :param environ: mapping to take PATH, PYENV_ROOT and HOME from; default os.environ
    :param probe: callable(path) -> MachinePython or None
    :return: dict of series ("3.9") to MachinePython, oldest first
    """
    found = {}
    seen = set()
    for path in _candidates(os.environ if environ is None else environ):
        real = os.path.realpath(path)
        # A shim dispatches on its own name, so two names of one script are two candidates.
        key = path if os.sep + "shims" + os.sep in path else real
        if key in seen:
            continue
        seen.add(key)
        python = probe(path)
        if python is None or python.series not in SUPPORTED_VERSIONS:
            continue
        known = found.get(python.series)
        if known is None or python.version > known.version:
            found[python.series] = python
    return {series: found[series] for series in SUPPORTED_VERSIONS if series in found}


def nearestPython3(series, pythons):
    """
    Choose the interpreter to stand in for a python3 series.

    :param series: str, the wanted series such as "3.9"
    :param pythons: dict of series to MachinePython
    :return: MachinePython of that series, else the closest newer one, else the closest older one; None without any
    """
    if series in pythons:
        return pythons[series]
    wanted = _minor(series)
    others = sorted((text for text in pythons if text.startswith("3.")),
                    key=lambda text: (_minor(text) < wanted, abs(_minor(text) - wanted)))
    return pythons[others[0]] if others else None


def newestPython3(pythons):
    """
    Choose the interpreter the node's own stand-ins run under.

    :param pythons: dict of series to MachinePython
    :return: MachinePython, the newest python3, or None
    """
    threes = [text for text in pythons if text.startswith("3.")]
    return pythons[max(threes, key=_minor)] if threes else None


def _minor(series):
    return int(series.split(".")[1])


def _candidates(environ):
    """Yield every path that could be an interpreter, pyenv's real ones before the shims on PATH."""
    pyenvRoot = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".pyenv")
    names = ["python%s" % version for version in SUPPORTED_VERSIONS]
    for folder in sorted(glob.glob(os.path.join(glob.escape(pyenvRoot), "versions", "*", "bin"))):
        for name in names:
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                yield path
    shims = os.path.join(pyenvRoot, "shims")
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if os.path.normpath(folder) == os.path.normpath(shims):
            continue  # they only lead to the versions above, at half a second each
        for name in names + ["python3", "python2", "python"]:
            path = os.path.join(folder, name)
            if os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK):
                yield path


def _probeEnvironment():
    """Return the environment to probe in: nothing of the caller's python may colour the answer."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name not in ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")}
