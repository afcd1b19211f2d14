"""Read the end of a log for a report, whatever the log's size and bytes."""
import os
import re

MAX_TAIL_BYTES = 256 * 1024
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def cleanText(text):
    """
    Drop from a text what databases and JSON readers behind the report do not take (#8056, #10151).

    :param text: str or bytes
    :return: str without control characters other than tab and line ends, and without half characters
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "ignore")
    return _CONTROL.sub("", text)


def tail(path, lines, maxBytes=MAX_TAIL_BYTES):
    """
    Give the last lines of a file.

    :param path: str
    :param lines: int, how many
    :param maxBytes: int, how much of the file's end is read at most; longer lines are cut
    :return: str; empty for an empty file
    :raises OSError: when the file cannot be read
    """
    with open(path, "rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        block = 8 * 1024
        while True:
            start = max(0, size - min(block, maxBytes))
            handle.seek(start)
            data = handle.read(size - start)
            # One line end more than asked for shows that the first line kept is whole.
            if start == 0 or block >= maxBytes or data.count(b"\n") > lines:
                break
            block *= 4
    return cleanText(b"".join(data.splitlines(True)[-lines:] if lines else []))


def tailBytes(path, start=0, maxBytes=128 * 1024):
    """
    Give the end of a file.

    :param path: str
    :param start: int, bytes at its beginning that do not count
    :param maxBytes: int, how much is read at most
    :return: str
    :raises OSError: when the file cannot be read
    """
    with open(path, "rb") as handle:
        handle.seek(max(start, handle.seek(0, os.SEEK_END) - maxBytes))
        return cleanText(handle.read())
