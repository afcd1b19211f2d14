"""
What a provider of environments is told about the node and the process it is asked in.
"""
import os
import sys

import attr

from WMCore.WMRuntime.Environment.CompAreas import cmsRoots, containerSystem

# The front ends of containers name the image in these; the directory is in every image they start.
CONTAINER_VARIABLES = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")
CONTAINER_MARK = "/.singularity.d"


@attr.s(frozen=True)
class NodeFacts(object):
    """
    Hold the facts about a node, or about the inside of a container on it.

    :param environ: dict, the process's environment
    :param system: str, such as rhel8; None for another or an unknown system
    :param machine: str, the CPU as `uname -m` names it
    :param roots: tuple of str, the directories that may hold the CMS software, best first
    :param executable: str, the running python; empty when it does not know where it is
    :param version: tuple of three int, its version
    :param jobDirectory: str, where the sandbox was unpacked; None outside a job
    :param container: str, the image this process runs in; empty outside of one
    """
    environ = attr.ib(type=dict, repr=False, hash=False)
    system = attr.ib()
    machine = attr.ib(type=str)
    roots = attr.ib(type=tuple)
    executable = attr.ib(type=str)
    version = attr.ib(type=tuple)
    jobDirectory = attr.ib(default=None)
    container = attr.ib(default="")

    @classmethod
    def fromEnviron(cls, environ=None, jobDirectory=None):
        """
        Gather the facts about this node and this process.

        :param environ: dict; None for this process's own
        :param jobDirectory: str, or None
        :return: NodeFacts
        """
        environ = dict(os.environ if environ is None else environ)
        number = containerSystem(environ)
        return cls(environ, "rhel%d" % number if number else None, os.uname()[4], tuple(cmsRoots(environ)),
                   sys.executable or "", tuple(sys.version_info[:3]), jobDirectory, containerOf(environ))


def containerOf(environ):
    """
    Tell which container this process runs in.

    :param environ: dict
    :return: str, the image's name or path as its front end told; the mark it left when it told none; else empty
    """
    named = [environ[name] for name in CONTAINER_VARIABLES if environ.get(name)]
    return named[0] if named else CONTAINER_MARK if os.path.isdir(CONTAINER_MARK) else ""
