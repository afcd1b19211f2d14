"""
Recognise the error element of a job report when a byte or two of its names are damaged.
"""
from WMCore.WMRuntime.JobReport.Reading import Node

ERROR_NAME = "FrameworkError"
STATUS_NAME = "ExitStatus"
# Flipped bytes that still leave a name recognisable: with more, "FrameworkBuild" would be an error.
MAX_FLIPPED = 3
# A rest of an attribute's name shorter than this could be anything.
MIN_ATTRIBUTE = 3


class DamagedError(Node):
    """
    Hold an element as the error it was.

    :ivar problem: str, the names it was found under
    """
    __slots__ = ("problem",)


def asError(element):
    """
    Take an unknown child of the root for the error it was.

    It was one when it has an ExitStatus, or when its name or an attribute's is that of the error with some letters
    flipped, missing or doubled.

    :param element: element of a reader
    :return: DamagedError, its exit status under the right name; None when the element is no damaged error
    """
    names = list(element.attrib)
    status = [name for name in names if resembles(name, STATUS_NAME) and len(name) >= MIN_ATTRIBUTE]
    if not status and not resembles(element.tag, ERROR_NAME):
        return None
    error = DamagedError(element)
    error.tag, error.text = ERROR_NAME, element.text
    error.attrib = dict(element.attrib)
    if status and STATUS_NAME not in names:
        error.attrib = {STATUS_NAME if name == status[0] else name: value for name, value in error.attrib.items()}
    error.problem = "a damaged %s, found as <%s>" % (ERROR_NAME, " ".join([element.tag] + names))
    return error


def resembles(name, original):
    """
    Say whether damage can have made one name from another.

    :param name: str, the name found
    :param original: str, the name it may have been
    :return: bool, True also when they are equal
    """
    if len(name) == len(original):
        return sum(one != other for one, other in zip(name, original)) <= MAX_FLIPPED
    if len(name) < len(original):
        return _isWithin(name, original)
    return len(name) <= 3 * len(original) and _isWithin(original, name)


def _isWithin(short, long):
    """Say whether the letters of one word come in another in the same order."""
    letters = iter(long)
    return all(letter in letters for letter in short)
