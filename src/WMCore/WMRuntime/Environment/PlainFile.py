"""
Files that somebody else put there: only a regular one is opened, for a pipe or a device would be waited for.
"""
import errno
import os
import stat


def openPlain(path):
    """
    Open a regular file for reading; never wait.

    :param path: str
    :return: binary file object
    :raises OSError: when it cannot be opened, or is anything but a regular file or a link to one
    """
    handle = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise OSError(errno.EINVAL, "It is no regular file", path)
    return handle


def readPlain(path, maxBytes):
    """
    Read a regular file.

    :param path: str
    :param maxBytes: int, the most it may have
    :return: bytes
    :raises OSError: as openPlain, and when it is larger
    """
    with openPlain(path) as handle:
        data = handle.read(maxBytes + 1)
    if len(data) > maxBytes:
        raise OSError(errno.EFBIG, "It has more than %d bytes" % maxBytes, path)
    return data
