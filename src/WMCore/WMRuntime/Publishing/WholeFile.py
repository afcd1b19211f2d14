"""
Files that are there whole or not at all: written under a temporary name, then renamed.
"""
import contextlib
import os
import tempfile

from WMCore.WMRuntime.Errors import WMRuntimeError

_MODE = 0o644


@contextlib.contextmanager
def wholeFile(path):
    """
    Open a file that takes its name, in the place of one that has it, when the block ends well.

    :param path: str
    :return: context manager, giving the file open for bytes
    :raises WMRuntimeError: when it cannot be written; also for an OSError that passes out of the block
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".%s." % os.path.basename(path),
                                                 dir=os.path.dirname(os.path.abspath(path)))
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
        os.chmod(temporary, _MODE)
        os.replace(temporary, path)
    except OSError as ex:
        raise WMRuntimeError(None, "A file cannot be written.", "%s: %s" % (path, ex.strerror or ex),
                             "name a file in a directory that exists and can be written, on a disk with space")
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def writeWholeFile(path, content):
    """
    Write a file.

    :param path: str
    :param content: bytes; or str, written as UTF-8, with what UTF-8 cannot hold as backslash escapes
    :raises WMRuntimeError: when it cannot be written
    """
    with wholeFile(path) as handle:
        handle.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))


def makeDirectory(path):
    """
    Make a directory and those above it, unless it is there.

    :param path: str
    :raises WMRuntimeError: when it cannot be made, or something else has its name
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as ex:
        raise WMRuntimeError(None, "A directory cannot be made.", "%s: %s" % (path, ex.strerror),
                             "name one that can be written, or that is not there yet below one that can")
