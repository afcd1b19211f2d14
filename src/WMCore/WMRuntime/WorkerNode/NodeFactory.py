"""Make a worker node in a box."""
import os
import platform
import re
import shutil
import tempfile

from WMCore.WMRuntime.WorkerNode.CompArea import writeCompAreas
from WMCore.WMRuntime.WorkerNode.CvmfsTree import writeTop
from WMCore.WMRuntime.WorkerNode.ImageTree import writeImages
from WMCore.WMRuntime.WorkerNode.MachinePythons import SUPPORTED_VERSIONS, findMachinePythons, newestPython3
from WMCore.WMRuntime.WorkerNode.NodeFiles import linkTo, writeJson
from WMCore.WMRuntime.WorkerNode.PythonArea import usablePythons
from WMCore.WMRuntime.WorkerNode.ReleaseTree import TreeWriter, writeReleases
from WMCore.WMRuntime.WorkerNode.Site import writeSite
from WMCore.WMRuntime.WorkerNode.WorkerNode import FORMAT, NODE_FILE, WorkerNode, WorkerNodeError

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
# The path goes into XML, JSON, PATH-like variables and shell text; these characters mean something in one of them.
_SAFE_PATH = re.compile(r"^[^\x00-\x1f\x7f\"'`$\\:;<>&]+$")


def createNode(directory, pythons=None, force=False, log=print):
    """
    Make a worker node: a CVMFS tree with SCRAM, COMP areas and releases, a site, and HTCondor's programs.

    Needs no root and no network. The node is built under a temporary name beside the target and then renamed, so
    the directory is whole or not there.

    :param directory: str, where to make it; must not exist, or be empty, unless forced
    :param pythons: dict of series ("3.9") to MachinePython; default all that this machine has
    :param force: bool, whether a node that is already there is replaced
    :param log: callable(str) for what is being done
    :return: WorkerNode
    :raises WorkerNodeError: when the directory cannot be used or there is no python3
    """
    root = os.path.realpath(directory)
    _checkTarget(root, force)
    pythons = findMachinePythons() if pythons is None else pythons
    own = newestPython3(pythons)
    if own is None:
        raise WorkerNodeError("No python3 of 3.6 to 3.13 found on PATH or in pyenv's versions: a node needs one.")
    os.makedirs(os.path.dirname(root), exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=".%s." % os.path.basename(root), dir=os.path.dirname(root))
    try:
        os.chmod(temporary, 0o755)
        pythons = usablePythons(pythons, os.path.join(temporary, "try"), log)
        log("pythons of this machine: %s" % ", ".join(sorted(pythons, key=SUPPORTED_VERSIONS.index)))
        _build(temporary, pythons, own, log)
        _replace(root, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    node = WorkerNode.load(root)
    log("worker node ready: %s" % root)
    return node


def _checkTarget(root, force):
    if not _SAFE_PATH.match(root):
        raise WorkerNodeError("The directory %r has a character that cannot stand in PATH, XML or shell text "
                              "(control characters, quotes, $ ` \\ : ; < > &); choose another one." % root)
    if not os.path.lexists(root):
        return
    if not os.path.isdir(root):
        raise WorkerNodeError("%s is there and is no directory; choose another one." % root)
    if not os.listdir(root):
        return
    if not os.path.exists(os.path.join(root, NODE_FILE)):
        raise WorkerNodeError("%s is not empty and holds no worker node; choose another directory." % root)
    if not force:
        raise WorkerNodeError("%s holds a worker node already; replace it with `wmruntime node create --force %s`."
                              % (root, root))


def _replace(root, temporary):
    """Put the finished node in its place."""
    old = None
    if os.path.isdir(root):
        old = temporary + ".old"
        os.rename(root, old)
    os.rename(temporary, root)
    if old:
        shutil.rmtree(old, ignore_errors=True)


def _build(root, pythons, own, log):
    machine = platform.machine().replace("arm64", "aarch64")
    cvmfs = os.path.join(root, "cvmfs", "cms.cern.ch")
    os.makedirs(os.path.join(root, "var"))
    linkTo(os.path.join(root, "libexec", "python3"), own.executable)
    for name in ("CallLog.py", "Gfal.py", "Apptainer.py", "ApptainerOptions.py", "ContainerRoot.py"):
        shutil.copyfile(os.path.join(INSIDE, name), os.path.join(root, "libexec", name))
    writeTop(cvmfs, INSIDE)
    log("COMP areas: %s" % machine)
    comp = writeCompAreas(cvmfs, machine, pythons)
    if not any(area["future"] for area in comp.values()):
        log("py3-future is empty, the running python has no `future`: upstream's own runtime cannot run on this node")
    pathFiles = writeSite(root)
    releases, releaseFiles = writeReleases(TreeWriter(root, cvmfs, machine, pythons))
    description = {
        "format": FORMAT, "root": root, "machine": machine, "releases": releases, "comp": comp,
        "images": writeImages(root, machine, pythons),
        "pythons": {series: pythons[series].executable if series in pythons else None
                    for series in SUPPORTED_VERSIONS},
        "ownPython": own.executable, "pathFiles": sorted(pathFiles + releaseFiles)}
    writeJson(os.path.join(root, NODE_FILE), description)
    installPayload(WorkerNode.fromDescription(description), log)
    for name in sorted(releases):
        state = releases[name]
        notes = ["%s: %s" % (tool, found["why"]) for tool, found in sorted(state["pythons"].items()) if found["why"]]
        log("release %s (%s): %s" % (name, state["arch"], "; ".join(
            ["ready" if state["runnable"] else "cannot run: " + state["why"]] + notes)))


def installPayload(node, log=print):
    """
    Put cmsRun, FWCore and the cmssw-wm-tools stand-ins into a node's releases.

    :param node: WorkerNode
    :param log: callable(str)
    """
    from WMCore.WMRuntime.WorkerNode.payload import Install
    log("cmsRun, FWCore and the tools for PSets")
    overrides = os.path.join(node.cvmfs, "share", "overrides")
    Install.installTools(os.path.join(overrides, "bin"), os.path.join(overrides, "python"), node.callsLog)
    for name, release in sorted(node.releases.items()):
        directory = node.releaseDirectory(name)
        found = {tool: os.path.join("external", release["arch"], "bin", "python" + state["wanted"])
                 for tool, state in release["pythons"].items() if state["path"]}
        Install.installRelease(directory, release["arch"], found.get("python"), found.get("python3"),
                               release["cmsRunPython"], release["cmsRunPython3"], node.callsLog,
                               why=release["why"], hasCmsRun=release["base"] is None)
