"""
Hold what the readers of job reports give and keep to: elements, with the reading of their texts and numbers, the
trouble that ends a reading, and the limits, so that a hostile or broken report costs no more.

The model and WMCore's Report are filled from elements alike; what a number or a message is, is said here once.
"""
KILO = 1024
MEGA = 1024 * 1024
MAX_MESSAGE = 32 * KILO
# A number longer than this is none: int() of a million digits takes seconds on python 3.6.
MAX_DIGITS = 20

#: The data are no XML: tags that do not match, a raw `&`, a control character, bytes that are no UTF-8.
MALFORMED = "malformed"
#: The data end before the root does.
TRUNCATED = "truncated"
#: The data hold a document type declaration; cmsRun writes none, and entities begin there.
DOCTYPE = "doctype"
#: One of the limits was passed.
TOO_LARGE = "tooLarge"
#: The root is not the one of a job report.
NOT_A_REPORT = "notAReport"
#: The root is complete and something that is no comment follows: what was read before is whole.
AFTER_END = "afterEnd"


class Limits(object):
    """
    Hold the limits of one reading. No attrs class: to make one takes a tenth of the time a usual report takes.

    :param maxBytes: int, bytes of a file that is read at all. Reports of real jobs have 0.1 to 0.3 MB, the largest
        merges of thousands of inputs some 100 MB; above that it is no report but a disk filling up.
    :param maxMessage: int, characters kept of an error's message: half from the start, where cmsRun names the
        exception, half from the end, where it names what it was doing. WMCore's reports carry it through databases.
    :param maxElementBytes: int, bytes of one direct child of the root. The largest real ones are the Branches and the
        lumis of a File, some 100 kB; libxml2 refuses texts above 10 MB unless told otherwise, this is above that.
    :param maxElements: int, direct children of the root. Real reports have thousands at most; each takes some hundred
        bytes of memory even when it has four in the file.
    :param maxDepth: int, nesting. Reports nest 6 deep (root, File, Runs, Run, LumiSection); libxml2 stops at 256.
    :param maxAttributes: int, attributes of one element. Real ones have up to 4; the time lxml takes to give them grows
        with the square of their number.
    :param blockBytes: int, bytes read from the file at a time: a usual report comes in one block.
    """
    __slots__ = ("maxBytes", "maxMessage", "maxElementBytes", "maxElements", "maxDepth", "maxAttributes", "blockBytes")

    def __init__(self, maxBytes=256 * MEGA, maxMessage=MAX_MESSAGE, maxElementBytes=64 * MEGA, maxElements=1000000,
                 maxDepth=64, maxAttributes=1000, blockBytes=256 * KILO):
        values = (maxBytes, maxMessage, maxElementBytes, maxElements, maxDepth, maxAttributes, blockBytes)
        for name, value in zip(self.__slots__, values):
            if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise ValueError("the limit %s must be a whole number above 0, found %r" % (name, value))
            setattr(self, name, value)


class XmlTrouble(Exception):
    """
    Say why reading cannot go on.

    :param kind: str, one of this module's constants
    :param message: str, what was found, in the words of the parser where it was the parser that found it
    :param byteOffset: int, where in the stream, from 0; None when it is not known
    :param line: int, from 1; None when it is not known
    :param column: int, from 0, as expat counts; None like the line
    :param elementsSeen: int, complete children of the root given before
    """

    def __init__(self, kind, message, byteOffset=None, line=None, column=None, elementsSeen=0):
        super(XmlTrouble, self).__init__(kind, message, byteOffset, line, column, elementsSeen)
        self.kind = kind
        self.message = message
        self.byteOffset = byteOffset
        self.line = line
        self.column = column
        self.elementsSeen = elementsSeen

    def __str__(self):
        where = ""
        if self.line is not None:
            where = " in line %d, column %d" % (self.line, self.column)
        if self.byteOffset is not None:
            where += " (byte %d)" % self.byteOffset
        return "%s: %s%s, after %d complete elements" % (self.kind, self.message, where, self.elementsSeen)


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
    if text is None:
        return None
    try:
        return int(text if len(text) <= MAX_DIGITS else _withoutZeros(text))
    except ValueError:
        return None


def _withoutZeros(text):
    """
    Take the padding off a long text.

    :raises ValueError: when what is left is too long to be a number
    """
    text = text.strip()
    sign = text[:1] if text[:1] in ("-", "+") else ""
    digits = text[len(sign):]
    kept = digits.lstrip("0")
    if len(sign) + len(kept) > MAX_DIGITS or not digits.isdecimal():
        raise ValueError("too long to be a number")
    return sign + (kept or "0")


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
    attributes = [section.attrib for section in run]
    events = _soundEvents([one.get("ID") for one in attributes], [one.get("NEvents") for one in attributes])
    if events is not None:
        return events, []
    events, repeated = {}, []
    for section in run:
        lumiText, countText = section.get("ID"), section.get("NEvents")
        try:
            if len(lumiText) > MAX_DIGITS or (countText and len(countText) > MAX_DIGITS):
                raise ValueError("too long to be read at once")
            lumi = int(lumiText)
            # Some reports have NEvents="" where nothing was counted.
            count = int(countText) if countText else None
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


def _soundEvents(lumis, counts):
    """Give the events per section when all are numbers and no section comes twice, as it is as a rule; else None."""
    try:
        numbers = _numbers(lumis)
        # Older releases count the events of none, newer ones of all.
        events = dict(zip(numbers, _numbers(counts) if any(counts) else [None] * len(counts)))
    except (TypeError, ValueError):
        return None
    return events if len(events) == len(numbers) else None


def _numbers(texts):
    """
    Read whole numbers.

    :raises TypeError: when one is missing
    :raises ValueError: when one is no number, or too long to be read at once
    """
    if texts and len(max(texts, key=len)) > MAX_DIGITS:
        raise ValueError("too long to be read at once")
    return [int(text) for text in texts]
