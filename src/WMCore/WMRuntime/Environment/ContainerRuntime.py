"""
The program that starts containers on this node: apptainer, or singularity, as it was called before.
"""
import os
import re
import shutil

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# The first is what the second became; both are there on a node in between, as links of one program.
NAMES = ("apptainer", "singularity")
# Built to run for any user from CVMFS; sites without a program of their own rely on it, as the pilots do.
CVMFS_PROGRAM = "/cvmfs/oasis.opensciencegrid.org/mis/apptainer/bin/apptainer"
_VERSION_SECONDS = 60
_VERSION = re.compile(r"^(apptainer|singularity(?:-ce|-pro)?) version ([0-9]+)\.([0-9]+)(\S*)", re.MULTILINE)
# From these versions on values can be handed over as they are (--no-eval, their change logs).
_NO_EVAL = {"apptainer": (1, 1), "singularity-ce": (3, 10), "singularity-pro": (3, 10)}


@attr.s(frozen=True)
class ContainerRuntime(object):
    """
    Hold the program that starts containers.

    :param path: str
    :param name: str, what it says it is: apptainer, singularity, singularity-ce
    :param version: tuple of two int
    :param said: str, the whole version as it said it
    """
    path = attr.ib(type=str)
    name = attr.ib(type=str)
    version = attr.ib(type=tuple)
    said = attr.ib(type=str)

    @property
    def evaluates(self):
        """Tell whether it lets a shell evaluate the variables it sets in a container, and cannot be kept from it."""
        return self.version < _NO_EVAL.get(self.name, (9999, 0))

    @property
    def variablePrefix(self):
        """Give what its environment's names begin with that are set, without it, in a container."""
        return "APPTAINERENV_" if self.name == "apptainer" else "SINGULARITYENV_"


def findProgram(environ):
    """
    Find the program on PATH, else in CVMFS; nothing is started.

    :param environ: dict
    :return: str, or None
    """
    for name in NAMES:
        path = shutil.which(name, path=environ.get("PATH", os.defpath))
        if path:
            return path
    return CVMFS_PROGRAM if os.access(CVMFS_PROGRAM, os.X_OK) else None


def findRuntime(environ):
    """
    Find the program and ask for its version.

    :param environ: dict, the environment to look in and to ask in
    :return: ContainerRuntime
    :raises WMRuntimeError: with the code 11014 when there is none, or it does not say its version
    """
    path = findProgram(environ)
    if path is None:
        raise WMRuntimeError(11014, "This node has no program that starts containers.", "expected %s on PATH or %s, found "
                             "none; PATH is %s" % (" or ".join(NAMES), CVMFS_PROGRAM, environ.get("PATH", "unset")),
                             "install apptainer at the site, or do not ask for a container")
    try:
        ended, out, err = runCaptured([path, "--version"], env=environ, timeout=_VERSION_SECONDS)
    except OSError as ex:
        raise WMRuntimeError(11014, "The program that starts containers cannot be started.", "%s: %s" % (path, ex),
                             "mend the site's apptainer")
    found = _VERSION.search(out)
    if not ended.ok or found is None:
        raise WMRuntimeError(11014, "The program that starts containers does not say its version.",
                             "%s --version: expected `apptainer version 1.3.4`, found status %s and %r" % (
                                 path, ended.shellCode, (out + err)[-500:]), "mend the site's apptainer")
    name, major, minor, rest = found.groups()
    return ContainerRuntime(path, name, (int(major), int(minor)), "%s %s.%s%s" % (name, major, minor, rest))
