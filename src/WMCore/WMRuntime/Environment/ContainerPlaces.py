"""
Which places of a node a container may be shown: what is the system's, and what is somebody's home, it may not.
"""
import os
import re

# An image has its own: bound over them, the node's would make it this node's system again.
_OF_IMAGES = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr")
# The node's own affairs.
_OF_NODES = ("/run", "/var/lib", "/var/log", "/var/run")
# Only what is in these is a site's or a job's.
_SHARED = ("/", "/home", "/opt", "/tmp", "/var", "/var/cache", "/var/spool", "/var/tmp")
# What sites have in the system's directories all the same, and from how many levels below on: certificates and VOMS
# servers, a site's configuration, HTCondor's and its jobs' scratch directories, machine and job features (mjf-scripts put
# them there), tokens (/run/user/<uid>/bt_u<uid>, WLCG bearer token discovery), a site's programs, jobs in memory.
_OF_SITES = {"/etc/grid-security": 0, "/etc/vomses": 0, "/etc/cvmfs/SITECONF": 0, "/etc/condor": 0,
             "/var/lib/condor/execute": 1, "/etc/machinefeatures": 0, "/etc/jobfeatures": 0, "/run/user": 2,
             "/var/run/user": 2, "/usr/local": 2, "/dev/shm": 1}
_HOME = re.compile(r"/(?:root|home/[^/]+)\Z")


def inside(path, directory):
    """
    Tell whether a path is a directory or below it.

    :param path: str, absolute
    :param directory: str, absolute
    :return: bool
    """
    return (path + "/").startswith(directory.rstrip("/") + "/")


def writable(path):
    """
    Tell whether a path can stand in a bind.

    :param path: str
    :return: bool; False for one with a character that means something there
    """
    return path.startswith("/") and not set(path).intersection(":,\\\"\n\0")


def _isIn(path, directories):
    """Tell whether a path is in the system's directories, and none that sites have there."""
    if not any(inside(path, directory) for directory in directories):
        return False
    return not any(inside(path, directory) and path.count("/") >= directory.count("/") + levels
                   for directory, levels in _OF_SITES.items())


def whyNoStart(path):
    """
    Tell why a job that was started in a directory cannot be continued in a container.

    :param path: str, absolute
    :return: str; empty when it can
    """
    if not writable(path):
        return "a bind cannot name it"
    return "it is a directory of the system" if path in _SHARED + _OF_NODES or _isIn(path, _OF_IMAGES) else ""


def whyNotShown(path, startDirectory):
    """
    Tell why a container is not shown a place of the node.

    :param path: str, absolute and normal
    :param startDirectory: str, where the job was started, links resolved
    :return: str; empty when it is
    """
    real = os.path.realpath(path)
    # Under a second name the start directory is what it is under its own.
    places = (path,) if real == startDirectory else (path, real)
    for place in places:
        if not writable(place):
            return "a bind cannot name it"
        if place in _SHARED or _isIn(place, _OF_IMAGES + _OF_NODES):
            return "it is a directory of the system, or in one"
        if _HOME.match(place):
            return "it is a home directory"
        if inside(startDirectory, place):
            return "the job's own directory lies in it"
    return ""
