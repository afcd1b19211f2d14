"""
Look at the end of a job report, where cmsRun closes the root, seeks back and writes the next element over the closing.

A crash between the two leaves new text over the start of the old closing and the old rest behind it: garbage after the
root's end, or text of the root that belongs to no element (cmssw#39778, cmssw#41124). Both may be well-formed.
"""
# What cmsRun closes the root with until it is done.
PLACEHOLDER = b'<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>'
ROOT_END = b"</FrameworkJobReport"
CLOSING = PLACEHOLDER + b"\n" + ROOT_END + b">"
# The end of the placeholder alone, `>`, could be anything.
MIN_REST = 2
WINDOW = 65536


def garbageStart(source, offset):
    """
    Find where the garbage behind the root's end begins; each parser says so a little later, at a place of its own.

    :param source: binary file, the report
    :param offset: int, where the parser met the garbage
    :return: int, byte of the file
    """
    before = _read(source, offset)
    return offset - len(before[before.rfind(b">") + 1:].lstrip(b" \t\r\n"))


def textBeforeRootEnd(source, end):
    """
    Give the text between the last child of the root and the root's end, where cmsRun writes none.

    What is in a CDATA section is none: it belongs to the FallbackAttempt before it.

    :param source: binary file, the report
    :param end: int, byte of the file behind the root's end
    :return: bytes, without white space around it
    """
    before = _read(source, end)
    before = before[:max(before.rfind(ROOT_END), 0)]
    last = before[before.rfind(b"<"):]
    closing = b"]]>" if b"]]>" in last else b">"
    place = last.rfind(closing) if closing == b"]]>" else last.find(closing)
    return last[place + len(closing):].strip() if place >= 0 else b""


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


def isRestOfPlaceholder(text):
    """
    Say whether a text is what is left of the placeholder behind an element written over its start.

    :param text: bytes
    :return: bool
    """
    return len(text) >= MIN_REST and PLACEHOLDER.endswith(text)


def _read(source, end):
    """Read the bytes before a place, as far as they matter."""
    start = max(0, end - WINDOW)
    source.seek(start)
    return source.read(end - start)
