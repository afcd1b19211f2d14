"""
Which container image a job runs in: the one it names, or the one the description has for its system and CPU.
"""
import os

import attr

from WMCore.WMRuntime.Environment.CompAreas import containerSystem, requiredSystems, systems
from WMCore.WMRuntime.Environment.EnvironmentRequest import AUTO
from WMCore.WMRuntime.Errors import WMRuntimeError


@attr.s(frozen=True)
class ImageChoice(object):
    """
    Hold the image a job is to run in.

    :param path: str, a directory or a .sif file
    :param system: str, such as rhel8; None when nothing tells
    :param reason: str
    """
    path = attr.ib(type=str)
    system = attr.ib()
    reason = attr.ib(type=str)


def localPaths(path, roots):
    """
    List where an image of the description may lie on a node whose CVMFS is not at /cvmfs.

    :param path: str, such as /cvmfs/unpacked.cern.ch/...
    :param roots: sequence of str, directories that may hold the CMS software
    :return: list of str, best first
    """
    parents = [os.path.dirname(root) for root in roots if os.path.basename(root) == "cms.cern.ch"]
    found = [os.path.join(parent, path[len("/cvmfs/"):]) for parent in parents if path.startswith("/cvmfs/")]
    return list(dict.fromkeys(found + [path]))


def imageSystem(path):
    """
    Tell which system an unpacked image is.

    :param path: str
    :return: str, such as rhel8; None for a .sif file and for what has neither os-release nor redhat-release
    """
    release = os.path.join(path, "etc", "os-release")
    if os.path.islink(release) and os.readlink(release).startswith("/"):
        release = path + os.readlink(release)
    plain = os.path.isfile(release) or not os.path.lexists(release)  # RHEL6 has none
    number = containerSystem({"WMRUNTIME_OS_RELEASE": release}) if plain else None
    return "rhel%d" % number if number else None


def chooseImage(description, request, node):
    """
    Choose the image.

    :param description: Description
    :param request: EnvironmentRequest
    :param node: NodeFacts
    :return: ImageChoice
    :raises WMRuntimeError: with the code 11014 when there is none, with all places looked at
    """
    asked, where = request.container, request.origin("container") or "the job"
    if asked == AUTO:
        wanted = list(_described(description, node))
    else:
        known = [system.name for system in description.systems if asked in system.images.values()]
        wanted = [(path, imageSystem(path) or (known[0] if known else None)) for path in localPaths(asked, node.roots)]
    for path, system in wanted:
        if os.path.exists(path):
            return ImageChoice(path, system, "image %s (%s), asked for by %s" % (path, system or "system unknown", where))
    none = "the description has no image of %s for %s" % (", ".join(allowedSystems(node.environ)), node.machine)
    raise WMRuntimeError(11014, "No container image fits this job.", "%s asks for %s; expected one of these to be there, "
                         "found none: %s" % (where, asked, ", ".join(path for path, _ in wanted) or none),
                         "mend CVMFS at the site, or name another image")


def allowedSystems(environ):
    """
    List the systems a job may be put into, best first: those it requires, and of those alone; else any.

    :param environ: dict (see CompAreas.requiredSystems)
    :return: list of str, such as rhel8
    """
    required, _ = requiredSystems(environ)
    return [name for name in systems(environ) if not required or name in required]


def _described(description, node):
    """Yield (path, system) of the description's images for the systems that the job allows."""
    for name in allowedSystems(node.environ):
        needs = description.system(name)
        image = needs.images.get(node.machine) if needs else None
        for path in localPaths(image, node.roots) if image else ():
            yield path, name
