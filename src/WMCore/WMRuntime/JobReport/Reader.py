"""
Read the children of a job report's root, one after the other.

Expat is the default at every size. Measured side by side with benchmarks/fjr.py (python 3.11, expat 2.5, lxml 6.1
with libxml2 2.14): of a usual report of 127 kB expat gives the elements in 0.4 ms, and importing lxml.etree alone
takes 10 to 14. On 20 MB it is 0.06 s with expat and 0.05 with lxml; with a model built from the elements 0.10 and 0.14,
for python reads the attributes of a list with names faster than those of libxml2's nodes. On 100 MB the values of
iterEvents take 25 MB of memory with expat, 40 with lxml.
"""
from WMCore.WMRuntime.JobReport.BranchCutter import BranchCutter
from WMCore.WMRuntime.JobReport.ExpatReader import ExpatReader
from WMCore.WMRuntime.JobReport.Reading import TOO_LARGE, Limits, XmlTrouble

EXPAT = "expat"
LXML = "lxml"
BACKENDS = (EXPAT, LXML)
#: `<` in one child of the root, to within a block: an element takes some hundred bytes of memory even when
#: its tag takes four. A file of a million lumi sections stays below.
MAX_TAGS = 2000000


def readElements(stream, limits=Limits(), backend=None, watch=None):
    """
    Give the complete direct children of the root in document order, holding few at a time.

    An element has `tag`, `attrib`, `get(name, default=None)`, `text` (what is before its first child, None
    for nothing), `len()`, and gives its children when iterated. It is good until the next one is asked for.
    What elements called Branches hold is checked and left out. Text beside children of the root, such as
    what follows a FallbackAttempt, is left out too.

    :param stream: object with read(n) giving bytes; only read, never closed
    :param limits: Limits
    :param backend: str, EXPAT or LXML; None for the default
    :param watch: SignWatch, sees all bytes of a stream that is read to its end; None for none
    :return: iterator of elements
    :raises XmlTrouble: for what is wrong with the data, after everything complete before it was given
    :raises ValueError: when there is no such back end
    :raises ImportError: when LXML is asked for and not there
    """
    if (backend or EXPAT) == EXPAT:
        return _read(stream, limits, ExpatReader(limits), watch)
    if backend == LXML:
        return _readWithLxml(stream, limits, watch)
    raise ValueError("no back end %r, expected one of %s" % (backend, ", ".join(BACKENDS)))


def _readWithLxml(stream, limits, watch):
    """Read with lxml, and begin anew with its limits off when a text is longer than it takes."""
    from WMCore.WMRuntime.JobReport.LxmlReader import HugeText, LxmlReader
    canRewind = hasattr(stream, "seek") and stream.seekable()
    start = stream.tell() if canRewind else 0
    seen = 0
    try:
        for element in _read(stream, limits, LxmlReader(limits, hugeTree=not canRewind), watch):
            yield element
            seen += 1
    except HugeText:
        stream.seek(start)
        for element in _read(stream, limits, LxmlReader(limits, hugeTree=True), watch):
            if seen:
                seen -= 1
            else:
                yield element


def _read(stream, limits, reader, watch):
    """Feed a reader without the lists of branches; place its trouble in the stream."""
    cutter = BranchCutter(stream, limits.blockBytes, watch)
    seen = size = tags = 0
    trouble = None
    try:
        for block in _withEnd(cutter.blocks()):
            if cutter.bytesRead > limits.maxBytes:
                raise XmlTrouble(TOO_LARGE, "more than %d bytes" % limits.maxBytes, limits.maxBytes)
            try:
                reader.feed(block)
            except XmlTrouble as ex:
                trouble = ex
            for element in reader.take():
                if seen >= limits.maxElements:
                    raise XmlTrouble(TOO_LARGE, "more than %d elements" % limits.maxElements, cutter.bytesRead)
                yield element
                seen += 1
                size = tags = 0
            if trouble is not None:
                raise trouble
            size += len(block)
            tags += block.count(b"<")
            if size > limits.maxElementBytes or tags > MAX_TAGS:
                raise XmlTrouble(TOO_LARGE, "an element of more than %d bytes or %d tags"
                                 % (limits.maxElementBytes, MAX_TAGS), cutter.bytesRead)
    except XmlTrouble as ex:
        raise _placed(ex, reader.place(), cutter, seen)


def _withEnd(blocks):
    """Add an empty block, which tells the end."""
    for block in blocks:
        yield block
    yield b""


def _placed(trouble, place, cutter, seen):
    """Say where in the stream a trouble is."""
    trouble.elementsSeen = seen
    if trouble.byteOffset is None and place is not None:
        offset, line, column = place
        trouble.byteOffset, linesCut = cutter.place(offset)
        trouble.line, trouble.column = line + linesCut, column
    return trouble
