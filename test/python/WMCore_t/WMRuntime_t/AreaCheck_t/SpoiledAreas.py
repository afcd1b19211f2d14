"""
Areas with a real python, made from a worker node in a box, for tests to spoil.
"""
import os
import shutil

from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea
from WMCore_t.WMRuntime_t.Environment_t.Sabotages import SpoiledArea


def freshArea(node, root, system="rhel8"):
    """
    Copy an area of a node, with an older version of its python beside the one jobs take.

    :param node: WorkerNode
    :param root: pathlib.Path, the CMS root to make
    :param system: str
    :return: SpoiledArea
    """
    comp = root / "COMP"
    machine = os.uname().machine
    source = os.path.join(node.cvmfs, "COMP", "%s_%s" % (system, machine))
    target = comp / os.readlink(source)
    shutil.copytree(os.path.join(source, "external", "python3"), str(target / "external" / "python3"), symlinks=True)
    os.symlink(target.name, str(comp / os.path.basename(source)))
    version = sorted(os.listdir(str(target / "external" / "python3")))[0]
    for link in (target / "external" / "python3" / version / "lib").iterdir():
        origin = os.path.realpath(os.path.join(source, "external", "python3", version, "lib", link.name))
        link.unlink()
        os.symlink(origin, str(link))
    shutil.copytree(str(target / "external" / "python3" / version), str(target / "external" / "python3" / "3.8.0-old"),
                    symlinks=True)
    return SpoiledArea(comp / os.path.basename(source), version)


def asChecked(area, system="rhel8"):
    """
    Name a spoiled area for the checks.

    :param area: SpoiledArea
    :param system: str
    :return: CheckedArea
    """
    return CheckedArea(str(area.directory), "COMP", system, os.uname().machine)
