"""A python installation laid out in the node's tree, made from an interpreter of the machine."""
import os
import re
import shutil
import subprocess

# CMSSW's pythons read these variables through a sitecustomize of their own (cmsdist python.spec, python3.spec).
_SITE_CUSTOMIZE = '''"""Add the folders of %(variable)s to the path, as the python of a CMSSW release does."""
import os
import site

for _folder in os.environ.get("%(variable)s", "").split(os.pathsep):
    if _folder and os.path.isdir(_folder):
        site.addsitedir(_folder)
del _folder
'''
_SKIPPED = frozenset(["__pycache__", "site-packages", "dist-packages", "sitecustomize.py", "sitecustomize.pyc",
                      "usercustomize.py"])
_CHECK_SECONDS = 30


def installPython(area, python, libraries, series=None, pathVariable=None):
    """
    Lay out bin/, lib/ and an empty site-packages for one interpreter.

    The executable is a copy of the machine's and the standard library a folder of links, so that
    sys.prefix is the area and nothing installed on the machine shows through. Links from elsewhere to
    the executable find the same prefix.

    :param area: str, directory such as .../external/python3/3.9.14-comp; made when missing
    :param python: MachinePython behind it
    :param libraries: str, folder for the standard libraries, which areas of one interpreter share
    :param series: str, the version the area's names claim ("3.9"); default the interpreter's own
    :param pathVariable: str, variable whose folders a release's python adds to sys.path (PYTHON3PATH); None for none
    :return: str, path of the executable
    :raises RuntimeError: when the laid out interpreter does not run
    """
    series = series or python.series
    binFolder = os.path.join(area, "bin")
    libFolder = os.path.join(area, "lib")
    stdlib = os.path.join(libFolder, "python" + python.series)
    for folder in (binFolder, libFolder, os.path.join(area, "include")):
        os.makedirs(folder, exist_ok=True)
    shared = _standardLibrary(python, libraries, pathVariable)
    os.symlink(os.path.relpath(shared, libFolder), stdlib)
    _linkLibpython(python, libFolder)
    executable = os.path.join(binFolder, "python" + python.series)
    shutil.copy2(python.executable, executable)
    if series != python.series:
        os.symlink("python" + python.series, os.path.join(libFolder, "python" + series))
        os.symlink("python" + python.series, os.path.join(binFolder, "python" + series))
    major = series.split(".")[0]
    for alias in ("python" + major,) + (("python",) if major == "2" else ()):
        os.symlink("python" + series, os.path.join(binFolder, alias))
    _checkRuns(executable, area, python)
    return executable


def usablePythons(pythons, scratch, log):
    """
    Leave out the interpreters that do not survive being laid out elsewhere.

    :param pythons: dict of series to MachinePython
    :param scratch: str, directory to try in; removed afterwards
    :param log: callable(str), told what is left out and why
    :return: dict of series to MachinePython
    """
    usable = {}
    try:
        for series, python in pythons.items():
            try:
                _tryOut(os.path.join(scratch, series), python)
                usable[series] = python
            except (RuntimeError, OSError) as error:
                log("python %s is left out: %s" % (series, error))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return usable


def _tryOut(area, python):
    """Lay out as little as shows whether a copy of the executable finds a library beside it."""
    libFolder = os.path.join(area, "lib")
    executable = os.path.join(area, "bin", "python" + python.series)
    os.makedirs(os.path.dirname(executable))
    os.makedirs(libFolder)
    shutil.copy2(python.executable, executable)
    os.symlink(python.stdlib, os.path.join(libFolder, "python" + python.series))
    _linkLibpython(python, libFolder)
    _checkRuns(executable, area, python)


def _standardLibrary(python, libraries, pathVariable):
    """Make the folder of links to an interpreter's standard library, once for each kind of python."""
    folder = os.path.join(libraries, "python%s%s" % (python.series, "-" + pathVariable if pathVariable else ""))
    if os.path.isdir(folder):
        return folder
    os.makedirs(os.path.join(folder, "site-packages"))
    for name in os.listdir(python.stdlib):
        if name not in _SKIPPED and not name.startswith("config-") and not name.endswith(".pyo"):
            os.symlink(os.path.join(python.stdlib, name), os.path.join(folder, name))
    if pathVariable:
        with open(os.path.join(folder, "sitecustomize.py"), "w") as handle:
            handle.write(_SITE_CUSTOMIZE % {"variable": pathVariable})
    return folder


def _linkLibpython(python, libFolder):
    # Relocatable builds look for libpython beside the executable, whatever their configuration says.
    beside = os.path.join(os.path.dirname(os.path.dirname(python.executable)), "lib")
    pattern = re.compile(r"libpython%s[a-z]*\.(so[0-9.]*|dylib)$" % re.escape(python.series))
    for folder in (python.libraries, beside):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            link = os.path.join(libFolder, name)
            if pattern.match(name) and not os.path.lexists(link):
                os.symlink(os.path.join(folder, name), link)


def _checkRuns(executable, area, python):
    """Prove that the copy finds its own standard library before anything relies on it."""
    code = "import sys, os, json, zlib; sys.stdout.write('%d.%d ' % sys.version_info[:2] + sys.prefix)"
    environ = {"PATH": os.defpath, "HOME": area}
    try:
        done = subprocess.run([executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environ, timeout=_CHECK_SECONDS)
        said = done.stdout.decode("utf-8", "replace")
        why = done.stderr.decode("utf-8", "replace").strip()
    except (OSError, subprocess.SubprocessError) as error:
        said, why = "", str(error)
    expected = "%s %s" % (python.series, os.path.realpath(area))
    if said != expected:
        raise RuntimeError("A copy of %s does not run as the python of %s: expected %r, it said %r %s. Put "
                           "another interpreter of the series %s first on PATH."
                           % (python.executable, area, expected, said, why, python.series))
