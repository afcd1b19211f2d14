"""
Tables for a person to read, whatever text is in them and whatever the terminal can show.
"""
import sys


def shown(text, encoding):
    """
    Make text fit into one line of an encoding.

    :param text: str; paths and manifests are from outside: they may hold line ends, control characters, and
        bytes that are no text
    :param encoding: str, None for ascii
    :return: str, with a backslash escape for each character that cannot be shown
    """
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    # Sites set LC_ALL=C, and python 3.6 takes that for ascii.
    return line.encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")


def printRow(name, text, width=12):
    """
    Print one row.

    :param name: str
    :param text: str
    :param width: int, columns of the name
    """
    print("%-*s %s" % (width, name, shown("%s" % text, sys.stdout.encoding)))
