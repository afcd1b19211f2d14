"""
EventFile: what the stand-in for cmsRun writes instead of a ROOT file, and reads again

A first line `wmruntime-events 1`, then JSON: {"guid", "process", "module", "dataTier", "lumis": [[run, lumi], ...],
"events": [[run, lumi, first event, count], ...], "padding"}. The padding gives each event some bytes of size.
"""
import binascii
import io
import json
import os
import re

MAGIC = "wmruntime-events 1\n"
BYTES_PER_EVENT = 64
SIMULATED_LUMIS = 10
SIMULATED_EVENTS_PER_LUMI = 10
GUID_IN_NAME = re.compile(r"([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\.root$")
RUN_IN_NAME = re.compile(r"/(\d{3})/(\d{3})/(\d{3})/")


class EventFileError(Exception):
    """A file is there but is not one of ours."""


class EventFile(object):
    """Events of one file, as ranges."""

    def __init__(self, guid, lumis, ranges, branches=()):
        self.guid = guid
        self.lumis = [tuple(lumi) for lumi in lumis]
        self.ranges = [tuple(item) for item in ranges]
        self.branches = list(branches)

    def events(self):
        """:return: iterator over (run, lumi, event)"""
        for run, lumi, first, count in self.ranges:
            for event in range(first, first + count):
                yield run, lumi, event


def readEventFile(path):
    """
    Read a file that a stand-in wrote.

    :param path: path of the file
    :return: EventFile
    :raises EventFileError: when it is something else
    :raises IOError: when it cannot be opened
    """
    with io.open(path, "rb") as handle:
        content = handle.read()
    if not content.startswith(MAGIC.encode("ascii")):
        raise EventFileError("%s was not written by cmsRun of a worker node in a box" % path)
    try:
        value = json.loads(content[len(MAGIC):].decode("utf-8"))
        return EventFile(value["guid"], value["lumis"], value["events"], value["branches"])
    except (ValueError, KeyError, TypeError) as error:
        raise EventFileError("%s is damaged: %s" % (path, error))


def simulatedFile(lfn):
    """
    Tell what is in a file that is nowhere; always the same for the same name.

    :param lfn: logical file name; a run in its path (/000/123/456/) becomes the run, else it is run 1
    :return: EventFile with 100 events in luminosity sections 1 to 10
    """
    match = RUN_IN_NAME.search(lfn)
    run = int("".join(match.groups())) if match else 1
    guid = GUID_IN_NAME.search(lfn)
    code = "%08X" % (binascii.crc32(lfn.encode("utf-8", "replace") if not isinstance(lfn, bytes) else lfn) & 0xffffffff)
    first = 1 + (int(code, 16) % 10000) * SIMULATED_LUMIS * SIMULATED_EVENTS_PER_LUMI
    ranges = [(run, lumi, first + (lumi - 1) * SIMULATED_EVENTS_PER_LUMI, SIMULATED_EVENTS_PER_LUMI)
              for lumi in range(1, SIMULATED_LUMIS + 1)]
    name = guid.group(1).upper() if guid else "%s-0000-4000-8000-%s0000" % (code, code)
    return EventFile(name, [(run, item[1]) for item in ranges], ranges, ["edmEventAuxiliary_source__SIM."])


def writeEventFile(path, eventFile, **header):
    """
    Write a file, in one step.

    :param path: path of the file; its directory must be there, as for cmsRun
    :param eventFile: EventFile
    :param header: further JSON values: process, module, dataTier
    """
    count = sum(item[3] for item in eventFile.ranges)
    value = dict(header, guid=eventFile.guid, lumis=eventFile.lumis, events=eventFile.ranges, branches=eventFile.branches,
                 padding="0" * (BYTES_PER_EVENT * count))
    temporary = "%s.%d.tmp" % (path, os.getpid())
    with io.open(temporary, "wb") as handle:
        handle.write((MAGIC + json.dumps(value, sort_keys=True) + "\n").encode("utf-8"))
    os.rename(temporary, path)


def toRanges(events):
    """
    Join neighbouring events.

    :param events: list of (run, lumi, event), in order
    :return: list of (run, lumi, first event, count)
    """
    ranges = []
    for run, lumi, event in events:
        if ranges and ranges[-1][:2] == (run, lumi) and sum(ranges[-1][2:]) == event:
            ranges[-1] = ranges[-1][:3] + (ranges[-1][3] + 1,)
        else:
            ranges.append((run, lumi, event, 1))
    return ranges
