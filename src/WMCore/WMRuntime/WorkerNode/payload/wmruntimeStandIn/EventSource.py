"""EventSource: delivers the events that a process's source would"""
import os
import re

from .EventFile import EventFileError, readEventFile, simulatedFile

# cmsRun would go on for ever with an EmptySource and maxEvents -1.
ENDLESS = 100
REMOTE = "root://worker-node-in-a-box.invalid/"
LARGEST = 2 ** 32
OPEN_ERROR, READ_ERROR, CONFIGURATION = 8020, 8021, 8009


class CmsException(Exception):
    """What cmsRun reports as FrameworkError: a code, its category and a message."""

    def __init__(self, code, category, message):
        super(CmsException, self).__init__(message)
        self.code = code
        self.category = category


class InputFile(object):
    """One file that was opened, and what was read of it."""

    def __init__(self, name, lfn, pfn, content):
        self.name, self.lfn, self.pfn, self.content = name, lfn, pfn, content
        self.eventsRead = 0
        self.lumis, self.lumisRead = [], set()


def parameter(pset, name, default):
    """
    Take a value from a PSet.

    :param pset: PSet, Source, ...; None gives the default
    :param name: name of the parameter
    :param default: when it is not set
    :return: plain python value
    """
    found = getattr(pset, name, None)
    return default if found is None else found.value()


def makeSource(process, storage, fault):
    """
    Choose what delivers the events.

    :param process: cms.Process
    :param storage: path of the node's storage directory, or None
    :param fault: Fault
    :return: EmptyEvents or FileEvents
    :raises CmsException: when the process has no source
    """
    source = process.source
    if source is None:
        raise CmsException(CONFIGURATION, "Configuration", "No input source was found for this process")
    if hasattr(source, "fileNames"):
        return FileEvents(source, storage, fault)
    return EmptyEvents(source, parameter(getattr(process, "maxEvents", None), "input", -1))


class EmptyEvents(object):
    """Events without content, as of EmptySource and the generators."""

    def __init__(self, source, maxEvents):
        self.run = parameter(source, "firstRun", 1)
        self.lumi = parameter(source, "firstLuminosityBlock", 1)
        self.event = parameter(source, "firstEvent", 1)
        self.perLumi = parameter(source, "numberEventsInLuminosityBlock", 0)
        self.perRun = parameter(source, "numberEventsInRun", 0)
        self.limit = ENDLESS if maxEvents < 0 else maxEvents
        self.files, self.skipped, self.fallbacks = [], [], []

    def events(self):
        """:return: iterator over (run, lumi, event, None)"""
        run, lumi, inRun = self.run, self.lumi, 0
        for number in range(self.limit):
            if self.perRun and inRun == self.perRun:
                run, lumi, inRun = run + 1, 1, 0
            elif self.perLumi and inRun and inRun % self.perLumi == 0:
                lumi += 1
            inRun += 1
            yield run, lumi, self.event + number, None

    def lumis(self):
        """:return: list of (run, lumi) without events that were seen all the same"""
        return []


class FileEvents(object):
    """Events of files."""

    def __init__(self, source, storage, fault):
        self.names = [str(name) for name in source.fileNames]
        self.skip = parameter(source, "skipEvents", 0)
        self.skipBadFiles = parameter(source, "skipBadFiles", False)
        self.wanted = [parseRange(text) for text in parameter(source, "lumisToProcess", [])]
        self.unwanted = [parseRange(text) for text in parameter(source, "lumisToSkip", [])]
        self.wantedEvents = [parseEventRange(text) for text in parameter(source, "eventsToProcess", [])]
        self.storage, self.fault = storage, fault
        self.files, self.skipped, self.fallbacks = [], [], []
        if not self.names:
            raise CmsException(CONFIGURATION, "Configuration", "There are no input files: fileNames is empty")

    def openFile(self, name, isFirst):
        """
        Open one file.

        :param name: as in the configuration: LFN, `file:` and a path, or root:// and more
        :param isFirst: whether a fault of the first file applies
        :return: InputFile
        :raises CmsException: when it cannot be opened or read
        """
        lfn, pfn, path = name, name, None
        if name.startswith("/store/") or name.startswith("/"):
            path = os.path.join(self.storage, name.lstrip("/")) if self.storage else None
            pfn = "file:" + path if path and os.path.exists(path) else REMOTE + name
            path = path if path and os.path.exists(path) else None
        elif name.startswith("file:"):
            lfn, path = "", name[len("file:"):]
        else:
            lfn = ""
        if isFirst and self.fault.name == "badInput":
            raise CmsException(OPEN_ERROR, "FileOpenError", "Failed to open the file '%s'" % pfn)
        if isFirst and self.fault.name == "fallback":
            self.fallbacks.append((lfn, "root://first-attempt.invalid/" + (lfn or name)))
        try:
            content = readEventFile(path) if path is not None else simulatedFile(name)
        except EventFileError as error:
            raise CmsException(READ_ERROR, "FileReadError", str(error))
        except (IOError, OSError) as error:
            raise CmsException(OPEN_ERROR, "FileOpenError", "Failed to open the file '%s'\n   Additional Info:\n      [a] %s"
                               % (pfn, error))
        return InputFile(name, lfn, pfn, content)

    def events(self):
        """:return: iterator over (run, lumi, event, InputFile); opens the files on the way"""
        left = self.skip
        for index, name in enumerate(self.names):
            try:
                opened = self.openFile(name, index == 0)
            except CmsException as error:
                if not self.skipBadFiles:
                    raise
                self.skipped.append((name if name.startswith("/") else "", name, str(error)))
                continue
            self.files.append(opened)
            opened.lumis = [lumi for lumi in opened.content.lumis if self.isWanted(lumi)]
            for run, lumi, event in opened.content.events():
                if not self.isWanted((run, lumi)) or not self.isWantedEvent((run, event)):
                    continue
                if left > 0:
                    left -= 1
                    continue
                yield run, lumi, event, opened

    def isWanted(self, lumi):
        """
        :param lumi: (run, lumi)
        :return: whether the source is to read it
        """
        inside = not self.wanted or any(low <= lumi <= high for low, high in self.wanted)
        return inside and not any(low <= lumi <= high for low, high in self.unwanted)

    def isWantedEvent(self, event):
        """
        :param event: (run, event)
        :return: whether the source is to read it
        """
        return not self.wantedEvents or any(low <= event <= high for low, high in self.wantedEvents)

    def lumis(self):
        """:return: list of (run, lumi) that the files have, with or without events"""
        return [lumi for opened in self.files for lumi in opened.lumis]


def parseRange(text):
    """
    Read a range of luminosity sections.

    :param text: `run:lumi-run:lumi`, `run:lumi` or `run`; min and max are understood
    :return: ((run, lumi), (run, lumi)), both ends inside
    """
    ends = [end.split(":") for end in str(text).split("-")]
    first, last = ends[0], ends[-1]
    low = (int(first[0]), boundary(first[1:], 1))
    high = (int(last[0]), boundary(last[1:], LARGEST if len(last) == 1 else low[1]))
    return low, high


def parseEventRange(text):
    """
    Read a range of events; a luminosity section in it is not looked at.

    :param text: `run:event-run:event`, with a luminosity section in the middle or not
    :return: ((run, event), (run, event)), both ends inside
    """
    ends = [re.sub(r":[^:]*:", ":", end) for end in str(text).split("-")]
    return parseRange("-".join(ends))


def boundary(words, default):
    """
    Read the second number of an end of a range.

    :param words: list with that number, min or max as text, or empty
    :param default: when it is empty
    :return: int
    """
    if not words:
        return default
    return {"min": 1, "max": LARGEST}.get(words[0].lower()) or int(words[0])
