"""
Where the areas lie that an action of `wmruntime area` is about: the options, and what they come to.
"""
import os
import re

from WMCore.WMRuntime.Errors import WMRuntimeError

_AREA_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def addPlace(parser):
    """
    Add the options that say where the areas lie.

    :param parser: argparse parser of an action
    """
    parser.add_argument("--root", required=True, metavar="DIR", help="directory of the CMS software, whose area path "
                        "holds the areas; /cvmfs/cms.cern.ch on a node")
    parser.add_argument("--area-path", metavar="NAME", help="(default: the first of the description)")
    parser.add_argument("--description", metavar="FILE", help="(default: requirements.cfg of the runtime)")


def areaFolder(arguments, description):
    """
    Give the directory that holds the areas.

    :param arguments: of the action
    :param description: Description
    :return: str, absolute path
    :raises WMRuntimeError: when an option names no place for areas
    """
    root = os.path.abspath(arguments.root)
    areaPath = description.areaPaths[0] if arguments.area_path is None else arguments.area_path
    if not _AREA_PATH.match(areaPath):
        raise WMRuntimeError(None, "--area-path needs the name of a directory under the root.", "found %r" % areaPath,
                             "name one of %s" % ", ".join(description.areaPaths))
    if os.path.lexists(root) and not os.path.isdir(root):
        raise WMRuntimeError(None, "--root needs a directory.", "%s is none" % root,
                             "name the directory that holds %s" % areaPath)
    return os.path.join(root, areaPath)
