"""
Text made fit for a line that a person reads.
"""


def counted(number, noun):
    """
    Count things.

    :param number: int
    :param noun: str, the word for one of them, whose plural ends in s
    :return: str, such as `1 file` or `2 files`
    """
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")


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
