"""
Read a job report with the standard library: expat with as few calls of python as can be.

xml.etree would do the same, but importing it takes longer than reading a report of usual size.
"""
import codecs

import pyexpat

from WMCore.WMRuntime.JobReport.Reading import (AFTER_END, DOCTYPE, MALFORMED, NOT_A_REPORT, TOO_LARGE, TRUNCATED, Node,
                                                    XmlTrouble)

ROOT = "FrameworkJobReport"
SKIPPED = "Branches"
#: cmsRun writes no declaration, so a report is UTF-8 whatever damage says.
ENCODING = "utf-8"
# What expat says of data that are right as far as they go: no element found, unclosed token, partial
# character, unclosed CDATA section (expat.h, enum XML_Error).
_UNFINISHED = (3, 5, 6, 20)
# A text is given in pieces of this size.
_BUFFER = 65536


def refuseDoctype(*_declaration):
    """
    Refuse a document type declaration; a handler for expat.

    :raises XmlTrouble: always
    """
    raise XmlTrouble(DOCTYPE, "a document type declaration, which no job report has")


def checkRoot(tag):
    """
    Look whether an element can be a job report's root.

    :param tag: str
    :raises XmlTrouble: when it cannot
    """
    if tag != ROOT:
        raise XmlTrouble(NOT_A_REPORT, "the root is <%.80s>, expected <%s>" % (tag, ROOT))


def currentPlace(parser):
    """
    Tell where expat is.

    :param parser: expat's parser
    :return: tuple of int, bytes from the start, line from 1 and column from 0
    """
    return parser.CurrentByteIndex, parser.CurrentLineNumber, parser.CurrentColumnNumber


def expatTrouble(error, rootEnded=False):
    """
    Say expat's error in the words of this package.

    :param error: pyexpat.ExpatError
    :param rootEnded: bool, whether the root was complete
    :return: XmlTrouble without its place
    """
    message = pyexpat.ErrorString(error.code)
    if rootEnded:
        return XmlTrouble(AFTER_END, message)
    return XmlTrouble(TRUNCATED if error.code in _UNFINISHED else MALFORMED, message)


class ExpatReader(object):
    """
    Build the children of the root from blocks of data.

    :param limits: Limits
    """

    def __init__(self, limits):
        self._parser = parser = pyexpat.ParserCreate(ENCODING)
        parser.buffer_text = True
        parser.buffer_size = _BUFFER
        if hasattr(parser, "SetReparseDeferralEnabled"):
            # _feed defers for all versions of expat alike.
            parser.SetReparseDeferralEnabled(False)
        parser.StartDoctypeDeclHandler = refuseDoctype
        self._stack = []
        self._root = None
        self._maxDepth = limits.maxDepth
        self._maxAttributes = limits.maxAttributes
        self._waiting = []
        self._waitingBytes = 0
        self._needed = 0
        self._fed = 0
        self._decoder = codecs.getincrementaldecoder(ENCODING)()
        self._build()

    def feed(self, block):
        """
        Take the next block.

        :param block: bytes; empty at the end of the data
        :raises XmlTrouble: when the data are bad, or end too early; complete elements can still be taken
        """
        block = self._withoutBadBytes(block)
        self._waiting.append(block)
        self._waitingBytes += len(block)
        if block and self._waitingBytes < self._needed:
            return
        data = b"".join(self._waiting)
        self._waiting, self._waitingBytes = [], 0
        try:
            self._parser.Parse(data, not block)
        except pyexpat.ExpatError as ex:
            raise expatTrouble(ex, self._root is not None and not self._stack)
        self._fed += len(data)
        # Versions before 2.6 begin a tag or comment that is not complete anew with every block.
        unfinished = self._fed - max(self._parser.CurrentByteIndex, 0)
        self._needed = unfinished if unfinished > _BUFFER else 0

    def _withoutBadBytes(self, block):
        """Put what expat always refuses for the first byte that is no UTF-8: it looks only at some of them."""
        begun = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError as ex:
            self._needed = 0
            return block[:max(ex.start - begun, 0)] + b"\0"
        return block

    def take(self):
        """
        Give the children of the root that are complete and were not given before.

        :return: list of Node
        """
        root = self._root
        if not root:
            return []
        count = len(root) - (len(self._stack) > 1)
        complete = root[:count]
        del root[:count]
        return complete

    def place(self):
        """
        Tell where the trouble is.

        :return: tuple of int, bytes, line from 1 and column from 0
        """
        return currentPlace(self._parser)

    def _build(self):
        """Set the handlers that build elements."""
        parser, stack, maxDepth, pieces = self._parser, self._stack, self._maxDepth, []
        maxAttributes = self._maxAttributes

        def startRoot(tag, attributes):
            checkRoot(tag)
            self._root = Node()
            stack.append(self._root)
            parser.StartElementHandler = start
            parser.EndElementHandler = end
            # A C function: the whitespace between elements costs no call of python.
            parser.CharacterDataHandler = pieces.append

        push, pop, clear = stack.append, stack.pop, pieces.clear

        def start(tag, attributes):
            node = Node()
            node.tag = tag
            node.attrib = attributes
            node.text = None
            parent = stack[-1]
            if parent:
                if pieces:
                    clear()
            else:
                # A first child: none of the others nests deeper.
                if pieces:
                    parent.text = "".join(pieces)
                    clear()
                if len(stack) >= maxDepth:
                    refuseDepth(maxDepth)
            parent.append(node)
            push(node)
            if len(attributes) > maxAttributes:
                refuseAttributes(maxAttributes)
            if tag == SKIPPED:
                self._skip()

        def end(_tag):
            node = pop()
            if pieces:
                if not node:
                    node.text = "".join(pieces)
                clear()

        parser.StartElementHandler = startRoot

    def _skip(self):
        """Set handlers that pass over the contents of the element just begun."""
        parser, stack = self._parser, self._stack
        before = parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler
        depth, maxDepth = [len(stack)], self._maxDepth

        def start(_tag, _attributes):
            depth[0] += 1
            if depth[0] > maxDepth:
                refuseDepth(maxDepth)

        def end(_tag):
            depth[0] -= 1
            if depth[0] < len(stack):
                stack.pop()
                parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = before

        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, None


def refuseDepth(maxDepth):
    """
    Refuse elements nested too deeply.

    :param maxDepth: int
    :raises XmlTrouble: always
    """
    raise XmlTrouble(TOO_LARGE, "elements nested deeper than %d" % maxDepth)


def refuseAttributes(maxAttributes):
    """
    Refuse an element with too many attributes.

    :param maxAttributes: int
    :raises XmlTrouble: always
    """
    raise XmlTrouble(TOO_LARGE, "an element with more than %d attributes" % maxAttributes)
