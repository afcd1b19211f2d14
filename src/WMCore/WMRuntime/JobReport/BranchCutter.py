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


def isPlainList(section):
    """
    Say whether a list is well-formed beyond doubt: `<Branch>`, plain ASCII and `</Branch>` by turns, with
    the same whitespace between all of them, as one program writes it.

    :param section: bytes, from `<Branches>` to the first `</Branches>`
    :return: bool
    """
    # No regular expression: compiling one takes as long as reading the lists of a usual report.
    names = section[len(OPEN):-len(CLOSE)].strip(_SPACE)
    if not (names.startswith(_NAME_OPEN) and names.endswith(_NAME_CLOSE)):
        return False
    names = names[len(_NAME_OPEN):]
    first = names.find(_NAME_CLOSE)
    following = names[first + len(_NAME_CLOSE):].lstrip(_SPACE)
    if following:
        separator = names[first:len(names) - len(following)] + _NAME_OPEN
        # A letter takes its place: what was apart must not become a tag.
        names = names.replace(separator, b"x")
    return not names[:-len(_NAME_CLOSE)].translate(None, _PLAIN)


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
    """

    def __init__(self, stream, blockBytes):
        self._stream = stream
        self._blockBytes = blockBytes
        self._inCdata = False
        self._cuts = collections.deque(maxlen=MAX_CUTS)
        self._bytesCut = 0
        self._linesCut = 0
        self._given = 0
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
        keep = size
        while position < size:
            if self._inCdata:
                position = data.find(CDATA_CLOSE, position) + len(CDATA_CLOSE)
                if position < len(CDATA_CLOSE):
                    keep = _withoutBegun(data, CDATA_CLOSE)
                    break
                self._inCdata = False
            start = data.find(OPEN, position)
            cdata = data.find(CDATA_OPEN, position, size if start < 0 else start)
            if cdata >= 0:
                self._inCdata = True
                position = cdata + len(CDATA_OPEN)
                continue
            if start < 0:
                keep = min(_withoutBegun(data, OPEN), _withoutBegun(data, CDATA_OPEN))
                break
            position = start + len(OPEN)
            end = self._listEnd(data, start)
            if end is None and size - start <= MAX_LIST and not isLast:
                keep = start
                break
            if end and isPlainList(data[start:end]):
                section = data[start:end]
                pieces.append(data[done:start])
                self._given += start - done
                pieces.append(self._note(section))
                done = position = end
        if isLast:
            keep = size
        keep = max(keep, done)
        pieces.append(data[done:keep])
        self._given += keep - done
        return b"".join(pieces), data[keep:]

    @staticmethod
    def _listEnd(data, start):
        """Give where the list ends, 0 when it is none that can be cut, None when the end is not there yet."""
        following = data.find(OPEN, start + len(OPEN))
        end = data.find(CLOSE, start, len(data) if following < 0 else following)
        if end >= 0:
            return end + len(CLOSE)
        return None if following < 0 else 0

    def _note(self, section):
        """Remember a cut; give what stands in its place."""
        instead = standIn(section)
        self._given += len(instead)
        self._bytesCut += len(section) - len(instead)
        self._linesCut += section.count(b"\n") - instead.count(b"\n")
        self._cuts.append((self._given, self._bytesCut, self._linesCut))
        return instead


def _withoutBegun(data, token):
    """Give the length of the data without a token that may have begun at their end."""
    for length in range(min(len(token) - 1, len(data)), 0, -1):
        if data.endswith(token[:length]):
            return len(data) - length
    return len(data)
