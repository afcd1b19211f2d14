"""
An interpreter as it is installed on this machine: what an area is built from.
"""
import json
import os

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

#: A python below one of these came with the system, as the libraries beside it did.
SYSTEM_PREFIXES = ("/", "/usr", "/usr/local")
_PROBE_SECONDS = 60
# Isolated and without site: neither the caller's variables nor what is installed beside it may colour the answer.
_PROBE = """
import json, os, platform, sys, sysconfig
print(json.dumps({"implementation": platform.python_implementation(), "version": list(sys.version_info[:3]),
    "release": sys.version_info[3], "prefix": sys.base_prefix, "stdlib": os.path.dirname(os.__file__),
    "machine": platform.machine(), "libraries": sysconfig.get_config_var("LIBDIR") or ""}))
"""


@attr.s(frozen=True)
class PythonPrefix(object):
    """
    Hold an interpreter of this machine.

    :param executable: str, the program itself, no link to it
    :param version: tuple of three int
    :param prefix: str, directory it is installed under
    :param stdlib: str, directory of its standard library
    :param libraryFolders: tuple of str, where its own shared libraries may lie
    :param machine: str, as `uname -m` names it
    """
    executable = attr.ib(type=str)
    version = attr.ib(converter=tuple)
    prefix = attr.ib(type=str)
    stdlib = attr.ib(type=str)
    libraryFolders = attr.ib(converter=tuple)
    machine = attr.ib(type=str)

    @property
    def series(self):
        """Give major and minor version as text, such as 3.9."""
        return "%d.%d" % self.version[:2]

    @property
    def versionText(self):
        """Give the version as text, such as 3.9.18."""
        return "%d.%d.%d" % self.version


def describePrefix(path):
    """
    Run an interpreter to learn what an area can be built from.

    :param path: str, a prefix that holds bin/python3, or the interpreter itself; a virtual environment stands for the
        installation it was made from
    :return: PythonPrefix
    :raises WMRuntimeError: when it does not run, is no CPython 3, or is no release
    """
    program = os.path.join(path, "bin", "python3") if os.path.isdir(path) else path
    try:
        ended, out, err = runCaptured([program, "-I", "-S", "-c", _PROBE], env={"PATH": os.defpath},
                                      timeout=_PROBE_SECONDS)
        said = json.loads(out) if ended.ok else None
    except (OSError, ValueError) as ex:
        raise _unusable(path, "expected an interpreter that runs, found: %s" % ex)
    if said is None:
        raise _unusable(path, "expected an interpreter that runs, it ended with status %d: %s"
                        % (ended.shellCode, err.strip()[-500:]))
    if said["implementation"] != "CPython" or said["version"][0] != 3 or said["release"] != "final":
        raise _unusable(path, "expected a released CPython 3, found %(implementation)s %(version)s %(release)s" % said)
    executable, stdlib = os.path.realpath(program), os.path.realpath(said["stdlib"])
    beside = os.path.join(os.path.dirname(os.path.dirname(executable)), "lib")
    return PythonPrefix(executable, said["version"], os.path.realpath(said["prefix"]), stdlib,
                        tuple(dict.fromkeys(folder for folder in (beside, said["libraries"]) if folder)),
                        said["machine"])


def _unusable(path, why):
    return WMRuntimeError(None, "No area can be built from the python %s." % path, why,
                          "give the prefix of an installed CPython: the directory that holds bin/python3")


def choosePrefix(prefixes, needs):
    """
    Choose the python of a system's area: the oldest that will do.

    A newer one is had by giving no older one: it shall not come to every job with the next update of the machine that
    builds areas.

    :param prefixes: iterable of PythonPrefix
    :param needs: SystemNeeds
    :return: PythonPrefix
    :raises WMRuntimeError: when none will do
    """
    prefixes = list(prefixes)
    fitting = [prefix for prefix in prefixes if needs.python.contains(prefix.versionText)]
    if not fitting:
        raise WMRuntimeError(None, "There is no python for an area of %s." % needs.name,
                             "expected python %s, found %s" % (needs.python, ", ".join(
                                 sorted(prefix.versionText for prefix in prefixes)) or "none"),
                             "name one by --python PREFIX")
    # Of one series the latest, which has the most mended.
    oldest = min(prefix.version[:2] for prefix in fitting)
    return max((prefix for prefix in fitting if prefix.version[:2] == oldest), key=lambda prefix: prefix.version)
