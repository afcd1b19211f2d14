"""
Look quickly over the bytes of a job report for what a failure leaves there, and where.

Reports that tell of no error pass here when they are damaged or a SignWatch was not certain; what was found is judged
by FailureSigns, which is not imported for the others.
"""
from WMCore.WMRuntime.JobReport.BranchCutter import CLOSE, OPEN
from WMCore.WMRuntime.JobReport.SignWatch import ROOT_END, WORDS

# At most so many places are remembered: errors are few, a hostile file is not.
MAX_PLACES = 64
BLOCK_BYTES = 1024 * 1024
# What cmsRun closes the root with until it is done.
PLACEHOLDER_TEXT = b'<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>'
CLOSING = PLACEHOLDER_TEXT + b"\n" + ROOT_END + b">"
WINDOW = 65536

_OVERLAP = max(len(word) for word in WORDS) - 1


def lookForSigns(source, maxBytes, rootEnd):
    """
    Find what may be signs of a failure.

    :param source: binary file, the report; read from its start
    :param maxBytes: int, the offset at which to stop: a file may grow for ever while it is read
    :param rootEnd: int, byte of the file behind the root's end; None when the root has none
    :return: tuple of the places of words, as findWords gives them, and bytes, the text that belongs to no element
    """
    places = findWords(source, maxBytes)
    if rootEnd is None:
        return places, b""
    return places, textBeforeRootEnd(source, rootEnd) or unexpectedGarbage(source, rootEnd)


def findWords(source, maxBytes):
    """
    Find the words of a failure.

    :param source: binary file
    :param maxBytes: int, the offset at which to stop
    :return: list of (int, str), byte offset and word, in the order of the file
    """
    source.seek(0)
    places, offset, tail = [], 0, b""
    while offset < maxBytes:
        block = source.read(BLOCK_BYTES)
        if not block:
            break
        seen = tail + block if tail else block
        for start, end in _newParts(seen):
            for word in WORDS:
                # What is all in the tail was found before.
                found = seen.find(word, max(start, len(tail) - len(word) + 1), end)
                while found >= 0 and len(places) < MAX_PLACES:
                    places.append((offset - len(tail) + found, word.decode("ascii")))
                    found = seen.find(word, found + 1, end)
        offset += len(block)
        tail = seen[-_OVERLAP:]
    return sorted(places)


def _newParts(block):
    """Give where the parts of a block begin and end that are no repetition of the list of branches before them."""
    known, done, position = b"", 0, 0
    while True:
        start = block.find(OPEN, position)
        if start < 0:
            break
        if known and block.startswith(known, start):
            position = start + len(known)
            # A word may begin before the list, or end behind it.
            yield done, start + _OVERLAP
            done = position - _OVERLAP
            continue
        position = block.find(CLOSE, start) + len(CLOSE)
        if position < len(CLOSE):
            break
        known = block[start:position] if position - start > 2 * _OVERLAP else b""
    yield done, len(block)


def textBeforeRootEnd(source, end):
    """
    Give what may be text between the last child of the root and the root's end, where cmsRun writes none.

    A quick look: never misses such a text, but takes a `>` in an attribute, a comment or a CDATA section for one.

    :param source: binary file, the report
    :param end: int, byte of the file behind the root's end
    :return: bytes, without white space around it
    """
    before = readBefore(source, end)
    before = before[:max(before.rfind(ROOT_END), 0)]
    last = before[before.rfind(b"<") + 1:]
    # Behind a comment, an instruction or a CDATA section it cannot be told without reading on from the start.
    rest = last if last.startswith((b"!", b"?")) else last[last.find(b">") + 1:]
    return rest.strip()


def unexpectedGarbage(source, start):
    """
    Give the garbage behind the root's end when it is more than the rest of an older closing, or zeros of a disk.

    :param source: binary file, the report
    :param start: int, where the garbage begins
    :return: bytes, its beginning; empty when it may be there
    """
    source.seek(start)
    garbage = source.read(WINDOW).strip(b"\0 \t\r\n")
    return b"" if CLOSING.endswith(garbage) else garbage


def readBefore(source, end):
    """
    Read the bytes before a place, as far as they matter.

    :param source: binary file
    :param end: int, byte of the file
    :return: bytes
    """
    start = max(0, end - WINDOW)
    source.seek(start)
    return source.read(end - start)
