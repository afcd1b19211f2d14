"""
Read a job report with lxml.

libxml2 builds the children of the root without waking python once. Its iterparse would do with the names of
the children for a filter, but those of unknown ones cannot be known; the pull parser below is what iterparse
itself runs, with the same options, and the root's finished children are looked for between two blocks.
"""
import collections
import re

import pyexpat
from lxml import etree

from WMCore.WMRuntime.JobReport.ExpatReader import (ENCODING, ROOT, SKIPPED, checkRoot, currentPlace,
                                                    expatTrouble, refuseAttributes, refuseDepth, refuseDoctype)
from WMCore.WMRuntime.JobReport.Reading import AFTER_END, MALFORMED, TOO_LARGE, TRUNCATED, XmlTrouble

#: lxml before 6.1 expands entities of files by default in iterparse (CVE-2026-41066): say each option.
HARDENED = {"resolve_entities": False, "no_network": True, "load_dtd": False, "dtd_validation": False,
            "huge_tree": False, "remove_comments": True, "remove_pis": True, "recover": False}
#: Children whose end libxml2 reports by name; others count as complete when anything follows them.
KNOWN = ("InputFile", "File", "AnalysisFile", "FrameworkError", "ShutdownSignal", "SkippedFile", "SkippedEvent",
         "FallbackAttempt", "MemoryService", "MessageSummary", "ReadBranches", "SecondarySourceReadBranches",
         "RandomServiceStateFile", "PerformanceReport", "LumiSections", "GeneratorInfo", "StorageStatistics")
# Prefixes without a declaration, which expat does not mind (libxml/xmlerror.h, XML_NS_ERR_*).
_NAMESPACES = range(200, 206)
# XML_ERR_DOCUMENT_EMPTY, XML_ERR_DOCUMENT_END and XML_ERR_TAG_NOT_FINISHED.
_PREMATURE = (4, 5, 77)
# How libxml2's versions say that a text of 10 MB, or 256 elements inside each other, are too much.
_HUGE = re.compile("(?i)huge|too long|too big|resource limit")
_DEEP = re.compile("(?i)depth")


class HugeText(Exception):
    """Say that libxml2 wants to be told that a text of 10 MB is meant."""


class _RootFound(Exception):
    """End the look at what is before the root."""


class LxmlReader(object):
    """
    Build the children of the root from blocks of data.

    Tags with a namespace come the way lxml writes them; cmsRun writes none.

    :param limits: Limits
    :param hugeTree: bool, whether a text may be longer than 10 MB; entities stay off
    """

    def __init__(self, limits, hugeTree=False):
        options = dict(HARDENED, huge_tree=hugeTree)
        self._parser = etree.XMLPullParser(events=("start", "end"), tag=(ROOT,) + KNOWN, encoding=ENCODING, **options)
        self._hugeTree = hugeTree
        self._tooDeep = etree.XPath("/".join(["."] + ["*"] * (limits.maxDepth - 1)))
        self._maxDepth = limits.maxDepth
        self._tooMany = etree.XPath("descendant-or-self::*[@*[%d]]" % (limits.maxAttributes + 1))
        self._maxAttributes = limits.maxAttributes
        self._doorman = _doorman()
        self._root = self._ended = self._given = None
        self._rootEnded = False
        # Of the last blocks: the offset, the line it starts in, where that line starts, and the block.
        self._blocks = collections.deque([(0, 1, 0, b"")], maxlen=3)
        self._place = None

    def feed(self, block):
        """
        Take the next block.

        :param block: bytes; empty at the end of the data
        :raises XmlTrouble: when the data are bad, or end too early; complete elements can still be taken
        :raises HugeText: when a text is too long for libxml2's taste
        """
        if self._doorman is not None:
            self._askDoorman(block)
        self._remember(block)
        try:
            if block:
                self._parser.feed(block)
            else:
                self._parser.close()
        except etree.XMLSyntaxError as ex:
            self._readEvents()
            if block or not self._rootEnded or ex.code not in _NAMESPACES:
                raise self._trouble(ex, not block)
        else:
            self._readEvents()

    def take(self):
        """
        Give the children of the root that are complete and were not given before; each is emptied when
        the next is asked for.

        :return: iterator of lxml elements
        :raises XmlTrouble: for one that nests too deeply, or has too many attributes
        """
        if self._root is None:
            return
        complete = list(self._root)
        if complete and not (self._rootEnded or complete[-1] is self._ended or complete[-1].tail):
            complete.pop()
        for child in complete:
            if child is self._given:
                continue
            if self._tooDeep(child):
                refuseDepth(self._maxDepth)
            for branches in child.iter(SKIPPED):
                _empty(branches)
            if self._tooMany(child):
                refuseAttributes(self._maxAttributes)
            self._given = child
            yield child
            # Not clear(): before lxml 4.4 it takes the tail along, to which libxml2 may still add.
            _empty(child)
        # The last one stays: its tail may go on.
        del self._root[:min(len(complete), max(len(self._root) - 1, 0))]

    def place(self):
        """
        Tell where the trouble is.

        :return: tuple of int, bytes, line from 1 and column from 0, or None when libxml2 does not say
        """
        return self._place

    def _askDoorman(self, block):
        """Have what is before the root looked at by expat, before libxml2 sees it."""
        try:
            self._doorman.Parse(block, not block)
        except _RootFound:
            self._doorman = None
        except pyexpat.ExpatError as ex:
            self._place = currentPlace(self._doorman)
            raise expatTrouble(ex)
        except UnicodeDecodeError:
            self._place = currentPlace(self._doorman)
            raise XmlTrouble(MALFORMED, "bytes that are no UTF-8")
        except XmlTrouble:
            self._place = currentPlace(self._doorman)
            raise

    def _remember(self, block):
        """Keep what is needed to find the place of trouble."""
        fed, line, lineStart, before = self._blocks[-1]
        newline = before.rfind(b"\n") + 1
        self._blocks.append((fed + len(before), line + before.count(b"\n"), fed + newline if newline else lineStart,
                             block))

    def _readEvents(self):
        """Note which elements have begun and ended."""
        for event, element in self._parser.read_events():
            if event == "start":
                if self._root is None:
                    self._root = element
            elif element is self._root:
                self._rootEnded = True
            elif element.getparent() is self._root:
                self._ended = element

    def _trouble(self, error, isLast):
        """Say libxml2's error in the words of this package."""
        message = error.msg or str(error)
        self._place = self._findPlace(*error.position)
        if self._rootEnded:
            return XmlTrouble(AFTER_END, message)
        if _DEEP.search(message):
            return XmlTrouble(TOO_LARGE, message)
        if _HUGE.search(message):
            return XmlTrouble(TOO_LARGE, message) if self._hugeTree else HugeText(message)
        return XmlTrouble(TRUNCATED if isLast and self._isPremature(error) else MALFORMED, message)

    def _isPremature(self, error):
        """Say whether an error after the last block means that data are missing: libxml2 waits with some others too."""
        fed, _line, _lineStart, block = self._blocks[-1]
        return (error.code in _PREMATURE or error.code in _NAMESPACES
                or (self._place is not None and self._place[0] >= fed + len(block) - 1))

    def _findPlace(self, line, column):
        """Find the offset of a line and column; libxml2 counts from 1, and columns past the line's end at times."""
        if line < 1:
            return None
        for fed, firstLine, lineStart, block in reversed(self._blocks):
            if line >= firstLine:
                for _ in range(line - firstLine):
                    lineStart = fed + block.find(b"\n", max(lineStart - fed, 0)) + 1
                lineEnd = block.find(b"\n", max(lineStart - fed, 0))
                length = fed + (lineEnd if lineEnd >= 0 else len(block)) - lineStart
                column = min(max(column - 1, 0), length)
                return lineStart + column, line, column
        return None


def _empty(element):
    """Free what an element holds, but not its attributes."""
    del element[:]
    element.text = None


def _doorman():
    """Make a parser that goes as far as the root, and no further."""
    def startRoot(tag, _attributes):
        checkRoot(tag)
        raise _RootFound()

    parser = pyexpat.ParserCreate(ENCODING)
    parser.StartDoctypeDeclHandler = refuseDoctype
    parser.StartElementHandler = startRoot
    return parser
