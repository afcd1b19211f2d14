"""
Damage job reports, the same way each time: bytes flipped, regions cut, doubled, swapped, interleaved and written over,
entities, declarations and document types put in.

A mutation is a list of plans; a plan says which pieces of the data before it are kept and what is put between them.
So what became of each byte can be told afterwards, independently of any parser: see `survivors`.
"""
import os
import random
import re

REPORTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 4 + ["data", "fjr"])
ROOT_END = b"</FrameworkJobReport>"
PLACEHOLDER = b'<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>\n'
# The names by which an error element can be known; the values of its attributes may stand anywhere.
IDENTITY = re.compile(br"<(FrameworkError)\s+(ExitStatus)=")
ELEMENT = re.compile(br"<FrameworkError\s[^>]*?(?:/>|>.*?</FrameworkError>)", re.DOTALL)

SPECIAL_BYTES = b"<>&\"'/=]![-?;# \x00\x01\x1b\x7f\xc3\xe9\xff"
INSERTS = (b"&", b"&x;", b"&#0;", b"&#x41;", b"&lt;", b"&amp", b"&#xD800;", b"]]>", b"<![CDATA[", b"<!--", b"-->",
           b"--", b"<?x ", b"?>",
           b'<?xml version="1.0" encoding="utf-16"?>', b"\xef\xbb\xbf", b"\xff\xfe", b"\0" * 16,
           b"\xed\xa0\x80",
           b"\xef\xbf\xbf", b"caf\xe9", b"<a>", b"</a>", b"<a/>", b"</File>", ROOT_END, b"<FrameworkJobReport>",
           b"<!DOCTYPE x>", b'<!ENTITY a "b">', b"<a " + b"b='c' " * 20, b"<a>" * 100, b"x" * 3000)
XML_DECLARATIONS = (b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="latin-1"?>', b"",
                    b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.1"?>', b"\xef\xbb\xbf")


def readReport(name):
    """Give the bytes of a real report."""
    with open(os.path.join(REPORTS, name), "rb") as source:
        return source.read()


def shortReport(name):
    """Give a real report without most of its branches, lumi sections, metrics and storage statistics."""
    data = re.sub(br"[ \t]*<Branch>[^<]*</Branch>\n", b"", readReport(name))
    data = re.sub(br"<StorageStatistics>.*?</StorageStatistics>\n", b"", data, flags=re.DOTALL)
    for element in (br"\s*<Branch Name[^>]*/>", br"\s*<Metric [^>]*/>", br"\s*<LumiSection[^>]*/>",
                    br"\s*<Run ID[^>]*>.*?</Run>", br"\s*<Input>.*?</Input>"):
        data = re.sub(b"((?:%s){3})(?:%s)+" % (element, element), br"\1", data, flags=re.DOTALL)
    return data


def failedReports():
    """
    Make small reports of failed jobs, in each way cmsRun writes an error.

    :return: list of bytes, 1 to 4 kB each
    """
    error = ELEMENT.search(readReport("CMSSWFailReport.xml")).group()
    bare = b'<FrameworkError ExitStatus="8021" Type="FileReadError"/>'
    return [shortReport("CMSSWFailReport.xml"),
            _withTail("CMSSWMultipleInput.xml", PLACEHOLDER),
            _withTail("CMSSWSkippedAll.xml", error + b"\n"),
            _withTail("CMSSWSkippedAll.xml", bare + b"\n"),
            _withTail("CMSSWInputFallback.xml", PLACEHOLDER),
            _withTail("PerformanceReport.xml", error + b"\n" + PLACEHOLDER)]


def goodReports():
    """
    Make small reports of jobs that did not fail.

    :return: list of bytes
    """
    return [shortReport(name) for name in ("CMSSWMultipleInput.xml", "CMSSWSkippedAll.xml", "PerformanceReport.xml",
                                           "CMSSWProcessingReport.xml")]


def _withTail(name, tail):
    """Put elements before the root's end of a short report."""
    data = shortReport(name)
    end = data.rindex(ROOT_END)
    return data[:end] + tail + data[end:]


class Mutator(object):
    """
    Make mutations of one report.

    :param base: bytes, the undamaged report
    :param seed: int; the same seed makes the same mutations
    :param foreign: tuple of bytes, document types to try, with the addresses that must not be read
    """

    def __init__(self, base, seed, foreign=()):
        self._base = base
        self._random = random.Random(seed)
        self._foreign = foreign or (b"<!DOCTYPE FrameworkJobReport>",)
        self._places = [match.span() for match in ELEMENT.finditer(base)]
        self._kinds = (self._flip, self._flip, self._cut, self._cut, self._cutOff, self._double, self._swap,
                       self._interleave, self._writeOver, self._insert, self._insert, self._docType)

    def mutations(self, count):
        """
        Make mutations of one to three plans each.

        :param count: int
        :return: iterator of list of plans
        """
        for _ in range(count):
            plans, data = [], self._base
            for _ in range(self._random.choice((1, 1, 1, 2, 3))):
                plan = self._random.choice(self._kinds)(data)
                plans.append(plan)
                data = applied([plan], data)
            yield plans

    def _at(self, data):
        """Choose a place: anywhere, or in two of three cases in or near an error."""
        if self._places and self._random.random() < 0.67:
            start, end = self._random.choice(self._places)
            near = self._random.randint(start - 20, end + 20) if self._random.random() < 0.5 \
                else self._random.randint(start - 2, start + 60)
            return min(max(near, 0), len(data))
        return self._random.randint(0, len(data))

    def _region(self, data):
        """Choose a region: from a place on, with short lengths as likely as long ones; or between two places."""
        if self._random.random() < 0.4:
            return tuple(sorted((self._at(data), self._at(data))))
        start = self._at(data)
        return start, min(len(data), start + int(2 ** self._random.uniform(0, 12)))

    def _flip(self, data):
        plan, position = [], 0
        places = sorted(set(self._at(data) for _ in range(self._random.choice((1, 1, 1, 2, 3)))))
        for place in places:
            if place < len(data):
                plan += [(position, place), self._otherByte(data, place)]
                position = place + 1
        return plan + [(position, len(data))]

    def _otherByte(self, data, place):
        way = self._random.random()
        if way < 0.4:
            old = data[place:place + 1]
            return bytes(bytearray([ord(old) ^ (1 << self._random.randrange(8))]))
        if way < 0.8:
            return bytes(bytearray([self._random.choice(bytearray(SPECIAL_BYTES))]))
        return bytes(bytearray([self._random.randrange(256)]))

    def _cut(self, data):
        start, end = self._region(data)
        return [(0, start), (end, len(data))]

    def _cutOff(self, data):
        return [(0, self._at(data))]

    def _double(self, data):
        start, end = self._region(data)
        place = end if self._random.random() < 0.4 else self._at(data)
        return [(0, place), data[start:end], (place, len(data))]

    def _swap(self, data):
        first, second = sorted((self._region(data), self._region(data)))
        if first[1] > second[0]:
            return self._cut(data)
        return [(0, first[0]), second, (first[1], second[0]), first, (second[1], len(data))]

    def _interleave(self, data):
        """Let two neighbouring regions write by turns, as two threads do."""
        start, end = self._region(data)
        middle = (start + end) // 2
        plan, one, two = [(0, start)], start, middle
        while one < middle or two < end:
            step = self._random.randint(1, 40)
            plan.append((one, min(one + step, middle)))
            one = min(one + step, middle)
            step = self._random.randint(1, 40)
            plan.append((two, min(two + step, end)))
            two = min(two + step, end)
        return plan + [(end, len(data))]

    def _writeOver(self, data):
        """Write a region over another, as a crash between two closings leaves it."""
        start, end = self._region(data)
        place = self._at(data)
        return [(0, place), data[start:end], (min(place + end - start, len(data)), len(data))]

    def _insert(self, data):
        place = self._at(data)
        return [(0, place), self._random.choice(INSERTS), (place, len(data))]

    def _docType(self, data):
        kind = self._random.random()
        if kind < 0.5:
            return [self._random.choice(XML_DECLARATIONS) + self._random.choice(self._foreign), (0, len(data))]
        if kind < 0.7:
            return [self._random.choice(XML_DECLARATIONS), (0, len(data))]
        place = self._at(data)
        return [(0, place), self._random.choice(self._foreign + (b"&x;", b"%x;")), (place, len(data))]


def applied(plans, data):
    """
    Carry plans out.

    :param plans: list of plans
    :param data: bytes
    :return: bytes
    """
    for plan in plans:
        data = b"".join(data[piece[0]:piece[1]] if isinstance(piece, tuple) else piece for piece in plan)
    return data


def survivors(plans, base):
    """
    Tell which bytes of a report are in its mutation.

    :param plans: list of plans
    :param base: bytes, the report before
    :return: list of int or None, for each byte of the mutation the offset it comes from; None when it was put in
    """
    origins = list(range(len(base)))
    for plan in plans:
        after = []
        for piece in plan:
            after.extend(origins[piece[0]:piece[1]] if isinstance(piece, tuple) else [None] * len(piece))
        origins = after
    return origins


def errorNamesLeft(plans, base):
    """
    Give what is left of the names of the error elements of a report, `FrameworkError` and `ExitStatus`.

    :param plans: list of plans
    :param base: bytes, the report before
    :return: bytes, in the order of the mutation; empty when nothing can tell it from the report of another job
    """
    named = set()
    for match in IDENTITY.finditer(base):
        named.update(range(*match.span(1)))
        named.update(range(*match.span(2)))
    data = applied(plans, base)
    return b"".join(data[place:place + 1] for place, origin in enumerate(survivors(plans, base)) if origin in named)
