"""
Find what a failure leaves in the bytes of a job report, even where damage keeps it from being read.

A failed job must never look like a success because its report was damaged: when no element tells of an error, certain
words decide, and what stands at the report's end. In a report that is well-formed to its end they count only where
they are no harmless data, such as a name of a file: see SignScanner. In a damaged one they count wherever they are.

At the end cmsRun closes the root, seeks back and writes the next element over the closing. A crash between the two
leaves new text over the start of the old closing and the old rest behind it: garbage after the root's end, or text of
the root that belongs to no element (cmssw#39778, cmssw#41124). Both may be well-formed.
"""
import re

from WMCore.WMRuntime.Errors import PLACEHOLDER
from WMCore.WMRuntime.JobReport.ParseResult import ReadError
from WMCore.WMRuntime.JobReport.QuickLook import PLACEHOLDER_TEXT, readBefore, unexpectedGarbage
from WMCore.WMRuntime.JobReport.SignScanner import SignScanner
from WMCore.WMRuntime.JobReport.SignWatch import SHUTDOWN, STATUS, TERMINATION

# The end of the placeholder alone, `>`, could be anything.
MIN_REST = 2
# What kind of sign it is; see ParseResult.ReadError.
FAILURE_TRACE = "failureTrace"
STRAY_TEXT = "strayText"
SHUTDOWN_SIGNAL = "shutdownSignal"

_CODE = re.compile(br"ExitStatus\s*=\s*[\"']?([0-9]{1,6})(?![0-9])")
_CODE_BYTES = 64


def failureSigns(source, maxBytes, rootEnd, toldPlaceholder, found):
    """
    Tell of failures that no element told of, and of their code.

    :param source: binary file, the report; read from its start
    :param maxBytes: int, the offset at which to stop: a file may grow for ever while it is read
    :param rootEnd: int, byte of the file behind the root's end; None when the root has none
    :param toldPlaceholder: bool, whether an element told of the placeholder's error; no element told of another
    :param found: what QuickLook.lookForSigns gave
    :return: list of ReadError
    """
    (places, strayText), codes = found, None
    if rootEnd is not None:
        # Both may be harmless.
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


def exitCodes(source, places):
    """
    Read the codes beside the places of ExitStatus.

    :param source: binary file
    :param places: list of (int, str), see findWords
    :return: list of (int, int), byte offset and code, in the order of the file
    """
    codes = []
    for offset, word in places:
        if word == STATUS:
            source.seek(offset)
            match = _CODE.match(source.read(_CODE_BYTES))
            if match:
                codes.append((offset, int(match.group(1))))
    return codes


def _errors(places, codes, strayText, toldPlaceholder):
    """Choose which of the signs to tell: a code, else the first word of a failure, else text that is no element's."""
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
    before = readBefore(source, offset)
    return offset - len(before[before.rfind(b">") + 1:].lstrip(b" \t\r\n"))


def isRestOfPlaceholder(text):
    """
    Say whether a text is what is left of the placeholder behind an element written over its start.

    :param text: bytes
    :return: bool
    """
    return len(text) >= MIN_REST and PLACEHOLDER_TEXT.endswith(text)
