"""
Recognise the error element of a job report when a byte or two of its names are damaged.
"""
from WMCore.WMRuntime.JobReport.Reading import Node, asNumber

ERROR_NAME = "FrameworkError"
STATUS_NAME = "ExitStatus"
# Bytes flipped or missing that still leave a name recognisable: with more, "FrameworkBuild" would be an error.
MAX_DAMAGE = 3
# A rest of an attribute's name shorter than this is another name: there is "Status".
MIN_ATTRIBUTE = 8


class DamagedError(Node):
    """
    Hold an element as the error it was.

    :ivar problem: str, the names it was found under
    """
    __slots__ = ("problem",)


def asError(element):
    """
    Take an unknown child of the root for the error it was.

    It was one when it has an ExitStatus, when its name is nearly that of the error, or when an attribute's name is
    nearly ExitStatus and has a number; see resembles.

    :param element: element of a reader
    :return: DamagedError, its exit status under the right name; None when the element is no damaged error
    """
    names = list(element.attrib)
    isNamed = resembles(element.tag, ERROR_NAME)
    status = [name for name in names if name == STATUS_NAME or (
        len(name) >= MIN_ATTRIBUTE and resembles(name, STATUS_NAME)
        and (isNamed or asNumber(element.get(name)) is not None))]
    if not status and not isNamed:
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
    Say whether a little damage can have made one name from another.

    A few letters may be flipped or missing; more may be added, as doubled bytes do, for no other name has all the
    letters in their order.

    :param name: str, the name found
    :param original: str, the name it may have been
    :return: bool, True also when they are equal
    """
    missing = len(original) - len(name)
    if missing == 0:
        return sum(one != other for one, other in zip(name, original)) <= MAX_DAMAGE
    if missing > 0:
        return missing <= MAX_DAMAGE and _isWithin(name, original)
    return len(name) <= 3 * len(original) and _isWithin(original, name)


def _isWithin(short, long):
    """Say whether the letters of one word come in another in the same order."""
    letters = iter(long)
    return all(letter in letters for letter in short)
