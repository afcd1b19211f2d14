"""Read the children of a job report's root, one after the other."""
from WMCore.WMRuntime.JobReport.Limits import Limits


def readElements(stream, limits=Limits(), backend=None):
    """
    Give the complete direct children of the root in document order, holding one at a time.

    An element has `tag`, `attrib`, `get(name, default=None)`, `text` (what is before its first child, None
    for nothing), `len()`, and gives its children when iterated. It is good until the next one is asked for.
    What elements called Branches hold is checked and left out. Text beside children of the root, such as
    what follows a FallbackAttempt, is left out. The text of a child of the root is never longer than
    `limits.maxMessage` characters: the middle of a longer one is cut, and the text says so.

    :param stream: object with read(n) giving bytes; only read, never closed
    :param limits: Limits
    :param backend: str, EXPAT or LXML; None for the default
    :return: iterator of elements
    :raises XmlTrouble: for what is wrong with the data, after everything complete before it was given
    :raises ValueError: when the back end is not there
    """
    raise NotImplementedError
