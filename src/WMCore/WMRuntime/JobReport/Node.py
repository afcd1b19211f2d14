"""
Hold an element of a job report as a reader gives it, and read its texts and numbers.

The model and WMCore's Report are filled from elements alike; what a number or a message is, is said here once.
"""
from WMCore.WMRuntime.JobReport.Limits import MAX_MESSAGE

# A number longer than this is none: int() of a million digits takes seconds on python 3.6.
MAX_DIGITS = 20


class Node(list):
    """
    Hold an element; it is the list of its children.

    :ivar tag: str
    :ivar attrib: dict of str to str
    :ivar text: str before the first child, or None
    """
    __slots__ = ("tag", "attrib", "text")

    def get(self, name, default=None):
        """
        Give an attribute.

        :param name: str
        :param default: what to give when there is none
        :return: str or the default
        """
        return self.attrib.get(name, default)


def asNumber(text):
    """
    Read a whole number.

    :param text: str or None
    :return: int, or None when there is no text or it is no number
    """
    if text is None or len(text) > MAX_DIGITS:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def textOf(element):
    """
    Give the text before the first child.

    :param element: element of a reader
    :return: str, without the white space around it; empty for none
    """
    text = element.text
    return text.strip() if text else ""


def shortened(text, maxMessage=MAX_MESSAGE):
    """
    Cut the middle out of a text that is too long, and say so in it.

    :param text: str
    :param maxMessage: int, characters that are kept, half from the start and half from the end
    :return: str
    """
    excess = len(text) - maxMessage
    if excess <= 0:
        return text
    end = maxMessage // 2
    return "%s\n[%d characters left out here]\n%s" % (text[:maxMessage - end], excess, text[len(text) - end:])


def eventsPerLumi(run, readBroken):
    """
    Read the luminosity sections of a run.

    :param run: element of a reader, a `Run`
    :param readBroken: callable, gets the texts of a section's number and events when one of them is no number, and
        gives what can be read of them: (int or None, int or None); a section without a number is left out
    :return: tuple of dict of int to int or None, the events of each section, those of one that comes again added as
        WMCore.DataStructs.Run does, and list of (int, int or None), each that came again with the events it then had
    """
    events, repeated = {}, []
    for section in run:
        lumiText, countText = section.get("ID"), section.get("NEvents")
        try:
            if len(lumiText) > MAX_DIGITS or (countText is not None and len(countText) > MAX_DIGITS):
                raise ValueError("too long to be a number")
            lumi = int(lumiText)
            count = None if countText is None else int(countText)
        except (TypeError, ValueError):
            lumi, count = readBroken(lumiText, countText)
            if lumi is None:
                continue
        if lumi in events:
            repeated.append((lumi, count))
            before = events[lumi]
            # Nothing counted gives way.
            count = before + (count or 0) if before else count
        events[lumi] = count
    return events, repeated
