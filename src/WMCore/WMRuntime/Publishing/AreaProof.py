"""
What the python of a new area is made to do: compile its modules, and prove that the area works.
"""
import json
import os

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

_COMPILE_SECONDS, _PROVE_SECONDS = 300, 60
_PROOF = """
import importlib, json, sys
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "prefix": sys.prefix,
    "modules": {name: importlib.import_module(name).__file__ for name in sys.argv[1:]}}))
"""


def compileModules(areaDirectory, pythonDirectory):
    """
    Compile all modules of an area with its python.

    CVMFS is read-only: without compiled modules each start of python compiles what it imports (measured for twenty
    modules of the standard library: 0.6 s in place of 0.1 s). Compiled files that are never checked against their
    source are right whatever times a copy has; python 3.6 does not know them yet and compares times, which CVMFS and
    archives keep. One process, a fixed hash seed and a fixed name of the place make the same bytes of the same source.

    :param areaDirectory: str
    :param pythonDirectory: str, relative to the area
    :raises WMRuntimeError: when a module cannot be compiled
    """
    python = os.path.join(areaDirectory, pythonDirectory)
    program = os.path.join(python, "bin", "python3")
    environ = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "LD_LIBRARY_PATH": os.path.join(python, "lib")}
    words = [program, "-S", "-B", "-m", "compileall", "-q", "-d", "area"]
    if not os.path.isdir(os.path.join(python, "lib", "python3.6")):
        words += ["--invalidation-mode", "unchecked-hash"]
    try:
        ended, out, err = runCaptured(words + ["external"], env=environ, cwd=areaDirectory, timeout=_COMPILE_SECONDS)
    except OSError as ex:
        raise _broken(program, "expected it to start, found: %s" % ex)
    if not ended.ok:
        raise _broken(program, "compiling its modules failed with status %d: %s"
                      % (ended.shellCode, (out + err).strip()[-1000:]))


def proveArea(areaDirectory, manifest):
    """
    Use an area as a job does: source its init.sh in an empty environment, start its python, import its libraries.

    :param areaDirectory: str
    :param manifest: AreaManifest, of an area with an interpreter
    :raises WMRuntimeError: when something does not work, or comes from elsewhere
    """
    area = os.path.realpath(areaDirectory)
    init = os.path.join(area, manifest.pythonDirectory, "etc", "profile.d", "init.sh")
    names = [name for library in manifest.libraries for name in library.imports]
    words = ["/bin/bash", "--noprofile", "--norc", "-euc", '. "$0"; exec python3 -B -c "$@"', init, _PROOF] + names
    ended, out, err = runCaptured(words, env={"PATH": os.defpath}, timeout=_PROVE_SECONDS)
    if not ended.ok:
        raise _broken(init, "python3 ended with status %d: %s" % (ended.shellCode, err.strip()[-1000:]))
    said = json.loads(out)
    expected = (manifest.pythonVersion, os.path.join(area, manifest.pythonDirectory))
    if (said["version"], said["prefix"]) != expected:
        raise _broken(init, "expected python %s of %s, found %s of %s" % (expected + (said["version"], said["prefix"])))
    for name, path in said["modules"].items():
        if not os.path.realpath(path or "").startswith(area + os.sep):
            raise _broken(init, "expected the module %s from the area, found %s" % (name, path))


def _broken(path, why):
    return WMRuntimeError(None, "The python of a new area does not work.", "%s: %s" % (path, why),
                          "see whether it works under the prefix it came from; nothing was published")
