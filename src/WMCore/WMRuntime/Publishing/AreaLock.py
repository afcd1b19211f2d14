"""
One build of an area at a time, whoever makes or removes it: a lock that ends with the process that holds it.
"""
import contextlib
import fcntl
import os

from WMCore.WMRuntime.Errors import WMRuntimeError


@contextlib.contextmanager
def areaLock(path):
    """
    Hold a lock. Nothing waits for it: two builds of one area at a time are somebody's mistake.

    :param path: str, of its file, which is there as long as somebody holds it or was killed
    :return: context manager
    :raises WMRuntimeError: when another process or thread holds it, or it cannot be made
    """
    try:
        descriptor = _acquire(path)
    except BlockingIOError:
        raise WMRuntimeError(None, "Another build of this area is being made, or some are being removed.",
                             "%s is locked" % path, "wait until it has ended, or end it")
    except OSError as ex:
        raise WMRuntimeError(None, "An area cannot be locked for a build.", str(ex),
                             "see whether the directory can be written (on CVMFS: inside a transaction)")
    try:
        yield
    finally:
        if _isAt(path, descriptor):
            os.unlink(path)
        os.close(descriptor)


def _acquire(path):
    """Lock the file of that name, and not one that its last holder has just removed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _isAt(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _isAt(path, descriptor):
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
