"""
Make well-formed XML of the usual damage in a job report, block by block, while it is being read.
"""
import bisect
import re

from WMCore.WMRuntime.JobReport.ParseResult import Repair

AMPERSAND = "ampersand"
CONTROL = "controlCharacter"
ENCODING = "encoding"
CDATA_END = "cdataEnd"
KINDS = (AMPERSAND, CONTROL, ENCODING, CDATA_END)

BLOCK_BYTES = 65536
# No token below is longer, so what is kept back at the end of a block never cuts one.
LOOKAHEAD = 256
# Shifts of the offsets remembered; beyond them originalOffset is off by what the further repairs added.
MAX_SHIFTS = 10000
MAX_RUN = 200
REPLACEMENT = b"\xef\xbf\xbd"

# UTF-8 as RFC 3629 section 4 has it, without U+FFFE and U+FFFF, which are no characters of XML 1.0.
_CHARACTER = (br"(?:[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee][\x80-\xbf]{2}"
              br"|\xed[\x80-\x9f][\x80-\xbf]|\xef(?:[\x80-\xbe][\x80-\xbf]|\xbf[\x80-\xbd])"
              br"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})")
# Bytes that are no text, or more than ASCII, are looked at together: there may be millions.
_RUN = br"[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\xff]{1,%d}" % MAX_RUN
_CONTROLS = bytes(bytearray(number for number in range(32) if number not in (9, 10, 13)))
_OUTSIDE = re.compile(br"&|<!--|<!\[CDATA\[|\]\]>|" + _RUN)
_IN_CDATA = re.compile(br"\]\]>|" + _RUN)
_IN_COMMENT = re.compile(br"-->|" + _RUN)
_OPENING = {b"<!--": _IN_COMMENT, b"<![CDATA[": _IN_CDATA}
_VALID_CHARACTER = re.compile(_CHARACTER)
_VALID_RUN = re.compile(_CHARACTER + b"+")
_REFERENCE = re.compile(br"&(?:amp|lt|gt|quot|apos|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
# What follows a CDATA section that really ends: a tag of cmsRun's, another section, a comment, the end of the file.
_AFTER_CDATA = re.compile(br"[ \t\r\n]{65}|[ \t\r\n]*(?:</[A-Za-z]|<!--|<!\[CDATA\[|\Z|<(?:InputFile|File|AnalysisFile"
                          br"|FrameworkError|ShutdownSignal|Skipped(?:File|Event)|FallbackAttempt|MemoryService"
                          br"|MessageSummary|(?:SecondarySource)?ReadBranches|RandomServiceStateFile"
                          br"|PerformanceReport|LumiSections|GeneratorInfo|StorageStatistics)[\s/>])")


class Sanitiser(object):
    """
    Filter a stream of bytes, to be tried when the strict reading of a report failed.

    - a raw `&` outside CDATA and comments becomes `&amp;` (cmssw#50020: a PFN with `?a=1&b=2`)
    - NUL and the other control characters XML forbids become U+FFFD (cmssw#47555, WMCore#10782)
    - bytes that are no UTF-8 become U+FFFD (WMCore#8051: latin-1 in a message)
    - a `]]>` in the text of a message, which ends its CDATA section early, is text again

    :param stream: object with read(n) giving bytes; only read, never closed
    :param blockBytes: int, bytes read at a time; memory is a small multiple of it
    """

    def __init__(self, stream, blockBytes=BLOCK_BYTES):
        self._stream = stream
        self._blockBytes = blockBytes
        self._held = b""
        self._heldOffset = 0
        self._atEnd = False
        self._pattern = _OUTSIDE
        self._ready = b""
        self._counts = {}
        self._added = 0
        self._shifts = [(0, 0)]

    @property
    def repairs(self):
        """
        Give what was repaired so far.

        :return: tuple of Repair, in the order of their first offsets
        """
        repairs = [Repair(kind, count, offset) for kind, (count, offset) in self._counts.items()]
        return tuple(sorted(repairs, key=lambda repair: repair.offset))

    def originalOffset(self, offset):
        """
        Find the place in the stream that was read for a place in what was given out.

        :param offset: int, from the start of the repaired bytes
        :return: int, from the start of the stream
        """
        shift = self._shifts[bisect.bisect_right(self._shifts, (offset, float("inf"))) - 1]
        return offset - shift[1]

    def read(self, size=-1):
        """
        Read repaired bytes.

        :param size: int, at most so many; all there are when negative or None
        :return: bytes, empty only at the end
        """
        if size is None or size < 0:
            pieces = []
            while self._fill():
                pieces.append(self._ready)
                self._ready = b""
            return b"".join(pieces)
        self._fill()
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece

    def _fill(self):
        """Have bytes ready unless the stream is at its end; tell whether there are."""
        while not self._ready and not (self._atEnd and not self._held):
            block = self._stream.read(self._blockBytes)
            self._atEnd = not block
            self._held += block
            self._ready = self._repairHeld(len(self._held) if self._atEnd else len(self._held) - LOOKAHEAD)
        return bool(self._ready)

    def _repairHeld(self, limit):
        """Repair the tokens that start in the held bytes before `limit`; keep the rest."""
        held, position, pieces = self._held, 0, []
        while position < limit:
            match = self._pattern.search(held, position)
            start = match.start() if match else limit
            if start >= limit:
                pieces.append(held[position:limit])
                position = limit
                break
            pieces.append(held[position:start])
            text, position = self._repairToken(match.group(), start)
            pieces.append(text)
        self._held = held[position:]
        self._heldOffset += position
        return b"".join(pieces)

    def _repairToken(self, token, start):
        """Give what to write for the token found at `start`, and where it ends."""
        end = start + len(token)
        if token in _OPENING:
            self._pattern = _OPENING[token]
            return token, end
        if token == b"-->":
            self._pattern = _OUTSIDE
            return token, end
        if token == b"]]>":
            return self._repairCdataEnd(end), end
        if token == b"&":
            reference = _REFERENCE.match(self._held, start)
            if reference and _isCharacter(reference):
                return reference.group(), reference.end()
            return self._note(AMPERSAND, start, b"&", b"&amp;"), end
        return self._repairRun(start, end)

    def _repairRun(self, start, end):
        """Give what to write for a run of bytes that are no ASCII text, and where it ends."""
        if end - start == MAX_RUN:
            # It may go on, and a character with it.
            for back in (3, 2, 1):
                cut = _VALID_CHARACTER.match(self._held, end - back)
                if cut and cut.end() > end:
                    end -= back
                    break
        run, position, pieces = self._held[start:end], 0, []
        for valid in _VALID_RUN.finditer(run):
            pieces += [self._replace(run[position:valid.start()], start + position), valid.group()]
            position = valid.end()
        pieces.append(self._replace(run[position:], start + position))
        return b"".join(pieces), end

    def _replace(self, bad, start):
        """Give a U+FFFD for each byte that is no text."""
        undecodable = bad.translate(None, _CONTROLS)
        text = REPLACEMENT * len(bad)
        if undecodable:
            self._note(ENCODING, start + bad.index(undecodable[:1]), bad, text, len(undecodable))
        if len(undecodable) < len(bad):
            first = next(place for place, byte in enumerate(bytearray(bad)) if byte < 32)
            self._note(CONTROL, start + first, b"" if undecodable else bad, b"" if undecodable else text,
                       len(bad) - len(undecodable))
        return text

    def _repairCdataEnd(self, end):
        """Give what to write for a `]]>`: itself where it ends CDATA, else text that looks the same."""
        if self._pattern is _OUTSIDE:
            return self._note(CDATA_END, end - 3, b"]]>", b"]]&gt;")
        if _AFTER_CDATA.match(self._held, end):
            self._pattern = _OUTSIDE
            return b"]]>"
        return self._note(CDATA_END, end - 3, b"]]>", b"]]]]><![CDATA[>")

    def _note(self, kind, start, old, new, count=1):
        """Count repairs of a kind, the first at `start`; give what is there instead of the old bytes back."""
        place = self._heldOffset + start
        before, offset = self._counts.get(kind, (0, place))
        self._counts[kind] = (before + count, offset)
        self._added += len(new) - len(old)
        if len(self._shifts) < MAX_SHIFTS:
            self._shifts.append((place + self._added, self._added))
        return new


def _isCharacter(reference):
    """Say whether a matched reference gives a character XML 1.0 allows (section 2.2)."""
    decimal, hexadecimal = reference.groups()
    if decimal is None and hexadecimal is None:
        return True
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return (number in (9, 10, 13) or 0x20 <= number <= 0xd7ff or 0xe000 <= number <= 0xfffd
            or 0x10000 <= number <= 0x10ffff)
