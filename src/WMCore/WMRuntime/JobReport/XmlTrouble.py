"""Say what is wrong with the XML of a job report, and where."""

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
