"""
Say how far a job report is read: the limits, so that a hostile or broken one costs no more, and the trouble that ends it.
"""
KILO = 1024
MEGA = 1024 * 1024
MAX_MESSAGE = 32 * KILO

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
    :param maxDepth: int, nesting. Reports nest 6 deep (root, File, Runs, Run, LumiSection); libxml2 stops at 256.
    :param blockBytes: int, bytes read from the file at a time: a usual report comes in one block.
    """
    __slots__ = ("maxBytes", "maxMessage", "maxElementBytes", "maxDepth", "blockBytes")

    def __init__(self, maxBytes=256 * MEGA, maxMessage=MAX_MESSAGE, maxElementBytes=64 * MEGA, maxDepth=64,
                 blockBytes=256 * KILO):
        for name, value in zip(self.__slots__, (maxBytes, maxMessage, maxElementBytes, maxDepth, blockBytes)):
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
