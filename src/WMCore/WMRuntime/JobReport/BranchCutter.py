"""
Take the plain lists of branches out of a job report before it is parsed.

They are nine tenths of a usual report and nobody reads them. A list is taken out only when it is proven to
be well-formed, and something else well-formed stands in its place; whatever is unusual goes to the parser.
"""
import collections

OPEN, CLOSE = b"<Branches>", b"</Branches>"
CDATA_OPEN, CDATA_CLOSE = b"<![CDATA[", b"]]>"
#: Longest list that is waited for; one of 800 branches, as real files have, takes 60 kB.
MAX_LIST = 1024 * 1024
# Cuts remembered to tell where trouble is; it is near the end of what was read.
MAX_CUTS = 4096
# ASCII without controls and markup: nothing of it can be wrong.
_PLAIN = bytes(bytearray(code for code in range(0x20, 0x7f) if code not in b"<>&"))
_SPACE = b" \t\r\n"
_NAME_OPEN, _NAME_CLOSE = b"<Branch>", b"</Branch>"


def plainLines(section):
    """
    Count the line breaks of a list that is well-formed beyond doubt: `<Branch>`, plain ASCII and `</Branch>` by turns,
    with the same whitespace between all of them, as one program writes it.

    :param section: bytes, from `<Branches>` to the first `</Branches>`
    :return: int; None when the list is not of this kind
    """
    # No regular expression: compiling one takes as long as reading the lists of a usual report.
    begin = section.find(_NAME_OPEN)
    end = section.rfind(_NAME_CLOSE)
    first = section.find(_NAME_CLOSE, begin)
    margins = section[len(OPEN):begin], section[end + len(_NAME_CLOSE):-len(CLOSE)]
    if begin < 0 or not first <= end or first < 0 or margins[0].strip(_SPACE) or margins[1].strip(_SPACE):
        return None
    count, between = 0, b""
    if first < end:
        following = section.find(b"<", first + 1)
        between = section[first + len(_NAME_CLOSE):following]
        if between.strip(_SPACE):
            return None
        count = section.count(_NAME_CLOSE + between + _NAME_OPEN)
    # Each bracket and control character must be one of the margins' or of the tags just counted.
    before, between, after = [blank.replace(b" ", b"") for blank in (margins[0], between, margins[1])]
    left = section.translate(None, _PLAIN)
    if left != b"".join((b"<>", before, b"<>", (b"<>" + between + b"<>") * count, b"<>", after, b"<>")):
        return None
    return left.count(b"\n")


def standIn(section):
    """
    Write an empty list after which the columns of the line are what they were.

    :param section: bytes, a plain list
    :return: bytes
    """
    newline = section.rfind(b"\n")
    start = b"<Branches" if newline < 0 else b"<Branches\n"
    return start + b" " * (len(section) - newline - (12 if newline < 0 else 3)) + b"/>"


class BranchCutter(object):
    """
    Read a stream block by block, without the plain lists of branches.

    :param stream: object with read(n) giving bytes
    :param blockBytes: int, bytes read at a time; a list that is not complete is held back
    :param watch: SignWatch, sees all bytes, those of a list once; None for none
    """

    def __init__(self, stream, blockBytes, watch=None):
        self._stream = stream
        self._blockBytes = blockBytes
        self._watch = watch
        self._inCdata = False
        self._cuts = collections.deque(maxlen=MAX_CUTS)
        self._bytesCut = 0
        self._linesCut = 0
        self._given = 0
        # Most files of a report have the same list: it is proven once.
        self._proven = self._instead = b""
        self._provenLines = 0
        self.bytesRead = 0

    def blocks(self):
        """
        Give what is left, block by block.

        :return: iterator of bytes, none of them empty
        """
        held = b""
        while True:
            data = self._stream.read(self._blockBytes)
            self.bytesRead += len(data)
            block, held = self._cut(held + data, not data)
            if block:
                if self._watch is not None:
                    self._watch.look(block)
                yield block
            if not data:
                return

    def place(self, offset):
        """
        Find in the stream what is at an offset of what was given.

        :param offset: int, bytes from the start of the first block
        :return: tuple of int, bytes from the start of the stream, and int, line breaks cut before it
        """
        for end, bytesCut, linesCut in reversed(self._cuts):
            if offset >= end:
                return offset + bytesCut, linesCut
        return offset, 0

    def _cut(self, data, isLast):
        """Give (what of the data can go on, what has to wait for more data)."""
        pieces, done, position, size = [], 0, 0, len(data)
        # The next beginning and end of a list; what was found ahead is not searched for again.
        start = close = -1
        keep = size
        while position < size:
            if self._inCdata:
                position = data.find(CDATA_CLOSE, position) + len(CDATA_CLOSE)
                if position < len(CDATA_CLOSE):
                    keep = _withoutBegun(data, CDATA_CLOSE)
                    break
                self._inCdata = False
            if start < position:
                start = _findOr(data, OPEN, position, size)
            cdata = data.find(CDATA_OPEN, position, start)
            if cdata >= 0:
                self._inCdata = True
                position = cdata + len(CDATA_OPEN)
                continue
            if start == size:
                keep = min(_withoutBegun(data, OPEN), _withoutBegun(data, CDATA_OPEN))
                break
            if self._proven and data.startswith(self._proven, start):
                end = start + len(self._proven)
            else:
                if close < start:
                    close = _findOr(data, CLOSE, start, size)
                end = close + len(CLOSE) if close < size and self._prove(data[start:close + len(CLOSE)]) else 0
            if end:
                pieces += (data[done:start], self._instead)
                self._note(start - done)
                done = position = end
                continue
            # Only the last beginning before an end can be one of a plain list.
            last = data.rfind(OPEN, start + 1, close)
            if last >= 0:
                start = last
            elif close == size and size - start <= MAX_LIST and not isLast:
                keep = start
                break
            else:
                position = start + len(OPEN)
        if isLast:
            keep = size
        keep = max(keep, done)
        pieces.append(data[done:keep])
        self._given += keep - done
        return b"".join(pieces), data[keep:]

    def _prove(self, section):
        """Say whether a list can be cut, and remember it when it can."""
        lines = plainLines(section)
        if lines is None:
            return False
        if self._watch is not None:
            # No word reaches from a list into what is beside it: it begins and ends with a tag.
            self._watch.lookInto(section)
        self._proven, self._instead = section, standIn(section)
        self._provenLines = lines
        return True

    def _note(self, before):
        """Remember that the proven list was cut, after so many bytes given as they are."""
        self._given += before + len(self._instead)
        self._bytesCut += len(self._proven) - len(self._instead)
        self._linesCut += self._provenLines - self._instead.count(b"\n")
        self._cuts.append((self._given, self._bytesCut, self._linesCut))


def _findOr(data, token, position, missing):
    """Find a token, or give what stands for there being none."""
    found = data.find(token, position)
    return missing if found < 0 else found


def _withoutBegun(data, token):
    """Give the length of the data without a token that may have begun at their end."""
    for length in range(min(len(token) - 1, len(data)), 0, -1):
        if data.endswith(token[:length]):
            return len(data) - length
    return len(data)
