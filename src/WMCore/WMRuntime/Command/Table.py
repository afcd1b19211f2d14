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
