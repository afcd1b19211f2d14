"""
Find what a failure leaves in the bytes of a job report, even where damage keeps it from being read.

A failed job must never look like a success because its report was damaged: when no element tells of an error, certain
words decide, and what stands at the report's end. In a report that is well-formed to its end they count only where
they are no harmless data, such as a name of a file: see SignScanner. In a damaged one they count wherever they are.

At the end cmsRun closes the root, seeks back and writes the next element over the closing. A crash between the two
leaves new text over the start of the old closing and the old rest behind it: garbage after the root's end, or text of
the root that belongs to no element (cmssw#39778, cmssw#41124). Both may be well-formed.
"""
from WMCore.WMRuntime.JobReport.BranchCutter import CLOSE, OPEN

# The names of the error element and its attribute, cmsRun's placeholder, and what it writes when a signal stopped
# it in an orderly way (JobReport.cc of CMSSW).
STATUS = "ExitStatus"
TERMINATION = "UnexpectedJobTermination"
SHUTDOWN = "ShutdownSignal"
WORDS = tuple(word.encode("ascii") for word in ("FrameworkError", STATUS, TERMINATION, SHUTDOWN))
# At most so many places are remembered: errors are few, a hostile file is not.
MAX_PLACES = 64
BLOCK_BYTES = 1024 * 1024
# What cmsRun closes the root with until it is done.
PLACEHOLDER_TEXT = b'<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>'
ROOT_END = b"</FrameworkJobReport"
CLOSING = PLACEHOLDER_TEXT + b"\n" + ROOT_END + b">"
# The end of the placeholder alone, `>`, could be anything.
MIN_REST = 2
WINDOW = 65536
# What kind of sign it is; see ParseResult.ReadError.
FAILURE_TRACE = "failureTrace"
STRAY_TEXT = "strayText"
SHUTDOWN_SIGNAL = "shutdownSignal"

_OVERLAP = max(len(word) for word in WORDS) - 1
_CODE = br"ExitStatus\s*=\s*[\"']?([0-9]{1,6})(?![0-9])"
_CODE_BYTES = 64


def failureSigns(source, maxBytes, rootEnd, toldPlaceholder):
    """
    Tell of failures that no element told of, and of their code.

    :param source: binary file, the report; read from its start
    :param maxBytes: int, the offset at which to stop: a file may grow for ever while it is read
    :param rootEnd: int, byte of the file behind the root's end; None when the root has none
    :param toldPlaceholder: bool, whether an element told of the placeholder's error; no element told of another
    :return: list of ReadError
    """
    places, codes, strayText = findWords(source, maxBytes), None, b""
    if rootEnd is not None:
        strayText = textBeforeRootEnd(source, rootEnd)
        if places or strayText:
            # Both may be harmless; most reports need no such look.
            from WMCore.WMRuntime.JobReport.SignScanner import SignScanner
            source.seek(0)
            scanner = SignScanner().scan(source, maxBytes)
            if scanner.isWhole:
                places, codes = scanner.places, scanner.codes
            elif not scanner.rootEnded:
                # The root has an end, so it was read through repairs; the words stay suspicious.
                from WMCore.WMRuntime.JobReport.Sanitiser import Sanitiser
                source.seek(0)
                scanner = SignScanner().scan(Sanitiser(source), maxBytes)
            if scanner.rootEnded:
                strayText = scanner.strayText.encode("utf-8")
        strayText = strayText or unexpectedGarbage(source, rootEnd)
    if not (places or strayText):
        return []
    return _errors(places, exitCodes(source, places) if codes is None else codes, strayText, toldPlaceholder)


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


def exitCodes(source, places):
    """
    Read the codes beside the places of ExitStatus.

    :param source: binary file
    :param places: list of (int, str), see findWords
    :return: list of (int, int), byte offset and code, in the order of the file
    """
    # A report without errors needs none of it.
    import re
    codes = []
    for offset, word in places:
        if word == STATUS:
            source.seek(offset)
            match = re.match(_CODE, source.read(_CODE_BYTES))
            if match:
                codes.append((offset, int(match.group(1))))
    return codes


def _errors(places, codes, strayText, toldPlaceholder):
    """Choose which of the signs to tell: a code, else the first word of a failure, else text that is no element's."""
    # Needed only for a report that is not sound: it brings attrs and its classes along.
    from WMCore.WMRuntime.Errors import PLACEHOLDER
    from WMCore.WMRuntime.JobReport.ParseResult import ReadError
    real = [(offset, code) for offset, code in codes if code not in (0, PLACEHOLDER)]
    if real:
        offset, code = real[0]
        return [ReadError(FAILURE_TRACE, "an error with the exit status %d, in a part that is not readable" % code,
                          offset=offset, exitStatus=code)]
    if toldPlaceholder:
        return []
    isPlaceholder = any(word == TERMINATION for _, word in places) or any(code == PLACEHOLDER for _, code in codes)
    errors = []
    # An orderly end after a signal is told for itself; it says nothing of the other words.
    signals = [offset for offset, word in places if word == SHUTDOWN]
    others = [(offset, word) for offset, word in places if word != SHUTDOWN]
    if signals:
        errors.append(ReadError(SHUTDOWN_SIGNAL, "cmsRun was stopped by a signal", offset=signals[0]))
    if others:
        offset, word = others[0]
        errors.append(ReadError(FAILURE_TRACE, "the word %s, though no readable element tells of a failure" % word,
                                offset=offset, exitStatus=PLACEHOLDER if isPlaceholder else None))
        return sorted(errors, key=lambda error: error.offset)
    if strayText:
        errors.append(ReadError(STRAY_TEXT,
                                "text that belongs to no element: %.80r" % strayText.decode("utf-8", "replace"),
                                exitStatus=PLACEHOLDER if isRestOfPlaceholder(strayText) else None))
    return errors


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
    Give what may be text between the last child of the root and the root's end, where cmsRun writes none.

    A quick look: never misses such a text, but takes a `>` in an attribute, a comment or a CDATA section for one.

    :param source: binary file, the report
    :param end: int, byte of the file behind the root's end
    :return: bytes, without white space around it
    """
    before = _read(source, end)
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


def isRestOfPlaceholder(text):
    """
    Say whether a text is what is left of the placeholder behind an element written over its start.

    :param text: bytes
    :return: bool
    """
    return len(text) >= MIN_REST and PLACEHOLDER_TEXT.endswith(text)


def _read(source, end):
    """Read the bytes before a place, as far as they matter."""
    start = max(0, end - WINDOW)
    source.seek(start)
    return source.read(end - start)
