"""
What the doctor asks of files and disks.
"""
import os
import stat


def freeBytes(path):
    """
    Tell how much a job can write.

    :param path: str
    :return: int
    :raises OSError: when it is not there
    """
    found = os.statvfs(path)
    return 0 if found.f_files and not found.f_favail else found.f_bavail * found.f_frsize


def isFile(path):
    """
    Tell whether a path leads to a file that this user may read.

    :param path: str, or None
    :return: bool
    """
    return bool(path) and os.path.isfile(path) and os.access(path, os.R_OK)


def othersMayRead(path):
    """
    Tell whether a file that should be its owner's is readable for others.

    :param path: str
    :return: bool
    """
    return bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)
