"""The container images of a worker node in a box: a directory each, as unpacked.cern.ch has them."""
import os

from WMCore.WMRuntime.WorkerNode.NodeFiles import linkTo, writeJson, writeProgram, writeText

#: Where the images lie, below the node's cvmfs directory; the real ones are there too.
IMAGES = os.path.join("unpacked.cern.ch", "registry.hub.docker.com", "cmssw")
#: Read by the stand-in for apptainer: directories of this machine that are mounted into the image.
MACHINE_FILE = ".wmruntime-machine"
# (system, name of its image, /etc/os-release); Red Hat's rebuilds that the CMSSW images are made of.
_IMAGES = (
    ("rhel7", "el7", 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n'),
    ("rhel8", "el8", 'NAME="AlmaLinux"\nVERSION="8.10"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"\n'
                     'PLATFORM_ID="platform:el8"\n'),
    ("rhel9", "el9", 'NAME="AlmaLinux"\nVERSION="9.4"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
                     'PLATFORM_ID="platform:el9"\n'),
)
_MACHINE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_POINTS = ("dev", "proc", "sys", "tmp", "var/tmp", "home", "root", "opt")
_GROUP = "root:x:0:\nnobody:x:65534:\n"
_PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"


def writeImages(root, machine, pythons):
    """
    Lay out an image for each system and this machine's CPU, and the stand-in for apptainer.

    An image has an /etc of its own; its programs are this machine's, which the stand-in mounts: a system's own cannot be
    had without a network.

    :param root: str, the node's directory
    :param machine: str, CPU as `uname -m` names it
    :param pythons: dict of series to MachinePython, which must work inside
    :return: dict of system to {"cpu", "path" relative to root}, as node.json keeps it
    """
    folders = sorted({os.path.dirname(os.path.dirname(python.executable)) for python in pythons.values()})
    outside = [folder for folder in folders if not folder.startswith(_MACHINE)]
    images = {}
    for system, name, release in _IMAGES:
        path = os.path.join("cvmfs", IMAGES, "%s:%s" % (name, machine))
        _writeImage(os.path.join(root, path), release, outside)
        images[system] = {"cpu": machine, "path": path}
    writeProgram(os.path.join(root, "bin", "apptainer"), "apptainer")
    linkTo(os.path.join(root, "bin", "singularity"), "apptainer")
    return images


def _writeImage(image, release, folders):
    for name in _POINTS:
        os.makedirs(os.path.join(image, name), exist_ok=True)
    writeText(os.path.join(image, "etc", "os-release"), release)
    writeText(os.path.join(image, "etc", "passwd"), _PASSWD)
    writeText(os.path.join(image, "etc", "group"), _GROUP)
    mounted = []
    for path in _MACHINE:
        if os.path.islink(path):
            os.symlink(os.readlink(path), image + path)
        elif os.path.isdir(path):
            os.mkdir(image + path)
            mounted.append(path)
    # What programs of /usr look up in /etc: links to alternatives, the linker's cache.
    linked = [path for path in ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl") if os.path.exists(path)]
    writeJson(os.path.join(image, MACHINE_FILE), mounted + linked + folders)
