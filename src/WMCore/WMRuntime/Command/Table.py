"""
Tables for a person to read, whatever text is in them and whatever the terminal can show.
"""
import sys

from WMCore.WMRuntime.Tools.ShownText import shown


def printRow(name, text, width=12):
    """
    Print one row.

    :param name: str
    :param text: str
    :param width: int, columns of the name
    """
    print("%-*s %s" % (width, name, shown("%s" % text, sys.stdout.encoding)))


def printFailure(name, error, width):
    """
    Print that something failed, and why.

    :param name: str, what failed
    :param error: WMRuntimeError
    :param width: int, of the first column
    """
    printRow(name, "FAILED", width)
    for line in str(error).splitlines():
        printRow("", line, width)
