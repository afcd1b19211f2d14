"""
Recognise the error element of a job report when a byte or two of its names are damaged.
"""
import attr

from WMCore.WMRuntime.JobReport.Element import FrameworkError, UnknownElement

ERROR_NAME = "FrameworkError"
STATUS_NAME = "ExitStatus"
# Flipped bytes that still leave a name recognisable: with more, "FrameworkBuild" would be an error.
MAX_FLIPPED = 3
# A rest of an attribute's name shorter than this could be anything.
MIN_ATTRIBUTE = 3


def asError(item):
    """
    Take an unknown child of the root for the error it was.

    It was one when it has an ExitStatus, or when its name or an attribute's is that of the error with some letters
    flipped, missing or doubled.

    :param item: value of the model
    :return: FrameworkError whose `problems` tell the name it was found under, its exit status under the right name;
        None when the item is no damaged error
    """
    if item.__class__ is not UnknownElement:
        return None
    status = [name for name in item.attributes if resembles(name, STATUS_NAME) and len(name) >= MIN_ATTRIBUTE]
    if not status and not resembles(item.name, ERROR_NAME):
        return None
    attributes = {STATUS_NAME if name == status[0] else name: value for name, value in item.attributes.items()} \
        if status and STATUS_NAME not in item.attributes else item.attributes
    problem = "a damaged %s, found as <%s>" % (ERROR_NAME, " ".join([item.name] + list(item.attributes)))
    fields = {field.name: getattr(item, field.name) for field in attr.fields(UnknownElement)}
    fields.update(name=ERROR_NAME, attributes=attributes, problems=item.problems + (problem,))
    return FrameworkError(**fields)


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
