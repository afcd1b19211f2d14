"""
Tell in a well-formed job report which words of a failure are part of its structure, and which are harmless data.

A name of a file, a comment or the message of a FallbackAttempt may hold such a word. What cannot be harmless: a word in
the name of an element or an attribute, in text that belongs to no element, and what looks like a piece of an error's
tag wherever it is. Needed only for reports in which the look at their bytes found something.
"""
import re

import pyexpat

from WMCore.WMRuntime.JobReport.ExpatReader import ENCODING, refuseDoctype
from WMCore.WMRuntime.JobReport.QuickLook import BLOCK_BYTES, MAX_PLACES
from WMCore.WMRuntime.JobReport.Reading import XmlTrouble
from WMCore.WMRuntime.JobReport.SignWatch import STATUS, TERMINATION
from WMCore.WMRuntime.JobReport.SignWatch import WORDS as WORD_BYTES

WORDS = tuple(word.decode("ascii") for word in WORD_BYTES)
# A text is looked at in parts of this length, each with the end of the one before.
_TEXT_LENGTH = 65536
_OVERLAP = 256
# A piece of a tag: its beginning, a status with a number, or the end of the placeholder's type.
_PIECE = re.compile(r"<(FrameworkError|ShutdownSignal)\b|(ExitStatus)\s*=\s*[\"'][0-9]|(UnexpectedJobTermination)[\"']")
_CODE = re.compile(r"ExitStatus\s*=\s*[\"']?([0-9]{1,6})(?![0-9])")
_NUMBER = re.compile(r"\s*([0-9]{1,6})\s*$")


class SignScanner(object):
    """
    Go through a report with expat, apart from the reading of its elements.

    :ivar places: list of (int, str), byte offset and word of the signs, in the order of the file; the offset is that
        of the tag or text the word is in
    :ivar codes: list of (int, int), byte offset and code of the statuses among them
    :ivar strayText: str, the text between the last child of the root and the root's end, or the first text between
        children that holds a word; without white space around it. What is in a CDATA section behind a child is none:
        it belongs to the FallbackAttempt before it.
    :ivar rootEnded: bool, whether the root was read to its end: only then does strayText say anything
    :ivar isWhole: bool, whether the file is well-formed to its end: only then do places and codes say all
    """

    def __init__(self):
        self.places, self.codes = [], []
        self.strayText = ""
        self.rootEnded = self.isWhole = False
        self._depth = 0
        self._inCdata = False
        self._pieces, self._length, self._offset = [], 0, 0
        # Of the text between children behind the last child: its beginning is enough.
        self._between, self._wordy = "", ""
        self._parser = parser = pyexpat.ParserCreate(ENCODING)
        parser.StartDoctypeDeclHandler = refuseDoctype
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartCdataSectionHandler, parser.EndCdataSectionHandler = self._startCdata, self._endCdata
        parser.CommentHandler = self._remark
        parser.ProcessingInstructionHandler = lambda target, data: self._remark(target + " " + data)

    def scan(self, source, maxBytes):
        """
        Read a report.

        :param source: binary file, or what else has read()
        :param maxBytes: int, the offset at which to stop: a file may grow for ever while it is read
        :return: SignScanner, this one
        """
        left = maxBytes
        try:
            while left > 0:
                block = source.read(min(BLOCK_BYTES, left))
                left -= len(block)
                self._parser.Parse(block, not block)
                if not block:
                    self.isWhole = True
                    break
        except (pyexpat.ExpatError, XmlTrouble, UnicodeDecodeError):
            # Not whole: what was found so far counts as the attributes say.
            pass
        self.strayText = self._wordy or self._between.strip()
        return self

    def _start(self, tag, attributes):
        self._flush()
        offset = self._parser.CurrentByteIndex
        self._depth += 1
        if self._depth == 2:
            self._between = ""
        self._noteWords(tag, offset)
        for name, value in attributes.items():
            self._noteWords(name, offset)
            number = _NUMBER.match(value) if STATUS in name else None
            if number:
                self._note(self.codes, offset, int(number.group(1)))
            if name == "Type" and TERMINATION in value:
                self._note(self.places, offset, TERMINATION)
            self._notePieces(value, offset)

    def _end(self, _tag):
        self._flush()
        self._depth -= 1
        self.rootEnded = not self._depth

    def _text(self, text):
        if not self._pieces:
            self._offset = self._parser.CurrentByteIndex
        self._pieces.append(text)
        self._length += len(text)
        if self._length > _TEXT_LENGTH:
            text = self._flush()
            self._pieces, self._length = [text[-_OVERLAP:]], _OVERLAP

    def _startCdata(self):
        self._flush()
        self._inCdata = True

    def _endCdata(self):
        self._flush()
        self._inCdata = False

    def _remark(self, text):
        self._flush()
        self._notePieces(text, self._parser.CurrentByteIndex)

    def _flush(self):
        """Look at the text collected, and give it."""
        if not self._pieces:
            return ""
        text = "".join(self._pieces)
        self._pieces, self._length = [], 0
        if self._depth != 1 or self._inCdata:
            self._notePieces(text, self._offset)
            return text
        if self._noteWords(text, self._offset):
            self._wordy = self._wordy or text.strip()
            self._noteCodes(text, self._offset)
        if len(self._between) < _TEXT_LENGTH:
            self._between = (self._between + text).lstrip()
        return text

    def _noteWords(self, text, offset):
        """Note all words in a text; say whether there were any."""
        words = [word for word in WORDS if word in text]
        for word in words:
            self._note(self.places, offset, word)
        return bool(words)

    def _notePieces(self, text, offset):
        """Note what looks like a piece of an error's tag."""
        # Most texts are short and have no such sign.
        if any(word in text for word in WORDS):
            found = [match.group(match.lastindex) for match in _PIECE.finditer(text)]
            for word in found:
                self._note(self.places, offset, word)
            if STATUS in found:
                self._noteCodes(text, offset)

    def _noteCodes(self, text, offset):
        for code in _CODE.findall(text):
            self._note(self.codes, offset, int(code))

    @staticmethod
    def _note(signs, offset, sign):
        if len(signs) < MAX_PLACES:
            signs.append((offset, sign))
