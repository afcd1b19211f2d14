"""
Read a job report up a ladder: strictly; if that fails, through a Sanitiser; else what was complete before the trouble.

A sound report goes through here on its own. What only trouble needs is imported where trouble is: it takes longer than
to read a usual report.
"""
import os
import stat

from WMCore.WMRuntime.JobReport.Reader import readElements
from WMCore.WMRuntime.JobReport.Reading import AFTER_END, MALFORMED, TOO_LARGE, Limits, XmlTrouble, asNumber
from WMCore.WMRuntime.JobReport.SignWatch import SignWatch

COMPLETE = "complete"
PLACEHOLDER = "placeholder"
REPAIRED = "repaired"
TRUNCATED = "truncated"
UNUSABLE = "unusable"

NO_FILE = "noFile"
UNREADABLE = "unreadable"
EMPTY = "empty"
GARBAGE_AT_END = "garbageAtEnd"

ERROR = "FrameworkError"
# What upstream's parser gives an error that names no code.
DEFAULT_CODE = 8001
# Children of the root that are no errors whatever their attributes, and those that are none without any.
_SOUND = frozenset(("InputFile", "File", "AnalysisFile", "SkippedFile", "SkippedEvent", "FallbackAttempt",
                    "PerformanceReport"))
_SOUND_WHEN_BARE = frozenset(("MemoryService", "MessageSummary", "ReadBranches", "SecondarySourceReadBranches",
                              "LumiSections", "GeneratorInfo", "StorageStatistics", "Process"))


def exitCodeOf(exitStatus):
    """
    Read the code of an error; one without a usable code is still an error (CRABServer#7571).

    :param exitStatus: str or None, the attribute of a FrameworkError
    :return: int above 0
    """
    number = asNumber(exitStatus)
    return number if number is not None and number > 0 else DEFAULT_CODE


def reportedCode(exitStatus):
    """
    Read the code of an error as WMCore's Report gets it: a 0 stays, an error without a code, which leaves the word to
    the process (CRABServer#7571).

    :param exitStatus: str or None, the attribute of a FrameworkError
    :return: int, 0 or above
    """
    return 0 if asNumber(exitStatus) == 0 else exitCodeOf(exitStatus)


def readReport(path, limits=None, backend=None, make=None):
    """
    Read a report, whatever is in the file; the file is only read.

    :param path: str, the report
    :param limits: Limits, None for the default ones
    :param backend: str or None, as Reader.readElements takes it
    :param make: callable, gets each element and gives the value that is kept; None to keep the elements themselves,
        which only expat's are good for
    :return: tuple of ReportAttempt and list of values
    """
    attempt = ReportAttempt(path, limits, backend)
    values = list(attempt.elements() if make is None else map(make, attempt.elements()))
    if attempt.trouble is not None and attempt.trouble.kind == MALFORMED:
        repaired = ReportAttempt(path, limits, backend, sanitised=True)
        more = list(repaired.elements() if make is None else map(make, repaired.elements()))
        if repaired.wholeRoot or len(more) > len(values):
            attempt, values = repaired, more
    return attempt, values


class ReportAttempt(object):
    """
    Go through a report once; what was found besides the elements is known when `elements` has ended.

    :param path: str, the report; opened for reading only, when `elements` starts
    :param limits: Limits, None for the default ones
    :param backend: str or None, as Reader.readElements takes it
    :param sanitised: bool, whether to read it through a Sanitiser
    :ivar size: int, bytes of the file; None when it is not there
    :ivar trouble: XmlTrouble that ended the reading, or None
    :ivar repairs: tuple of Repair
    :ivar errors: tuple of ReadError: why the file is not whole, and signs of a failure no element tells of
    """

    def __init__(self, path, limits=None, backend=None, sanitised=False):
        self._path = path
        self._limits = limits or Limits()
        self._backend = backend
        self._sanitised = sanitised
        self._watch = SignWatch()
        self._count = 0
        # Of the errors that are elements: whether one has a real code, and the code of the last.
        self._hasRealCode = False
        self._lastCode = None
        self.size = None
        self.trouble = None
        self.repairs = ()
        self.errors = ()

    @property
    def wholeRoot(self):
        """
        Say whether the root was read to its end.

        :return: bool
        """
        return self.trouble is None or self.trouble.kind == AFTER_END

    @property
    def status(self):
        """
        Say how far the report can be trusted.

        :return: str, one of ParseResult.STATUSES, see there
        """
        if not self.wholeRoot:
            return TRUNCATED if self._count else UNUSABLE
        codes = [error.exitStatus for error in self.errors if error.exitStatus is not None]
        lastCode = codes[-1] if codes else self._lastCode
        if lastCode is not None and _isPlaceholder(lastCode):
            return PLACEHOLDER
        return REPAIRED if self.repairs else COMPLETE

    def elements(self):
        """
        Give the direct children of the root, each when it is complete, damaged errors as the errors they were; a
        trouble ends them and stays in `trouble`.

        :return: iterator of elements, as Reader.readElements gives them
        """
        try:
            with self._open() as source:
                stream = self._sanitiser(source) if self._sanitised else source
                try:
                    for element in readElements(stream, self._limits, self._backend, self._watch):
                        tag = element.tag
                        if tag not in _SOUND:
                            if tag != ERROR and (tag not in _SOUND_WHEN_BARE or element.attrib):
                                element = _asError(element)
                            if element.tag == ERROR:
                                self._noteCode(element)
                        self._count += 1
                        yield element
                except XmlTrouble as ex:
                    self._place(ex, stream)
                except OSError as ex:
                    self.trouble = self._unreadable(ex)
                if self._sanitised:
                    self.repairs = stream.repairs
                try:
                    self.errors = self._findErrors(source)
                except OSError as ex:
                    if self.wholeRoot:
                        # What could not be looked at may tell of a failure.
                        self.trouble = self._unreadable(ex)
                    self.errors = (_readError(self.trouble),)
        except XmlTrouble as ex:
            self.trouble = ex
            self.errors = (_readError(ex),)

    @staticmethod
    def _sanitiser(source):
        # Only what cannot be read as it is needs it.
        from WMCore.WMRuntime.JobReport.Sanitiser import Sanitiser
        return Sanitiser(source)

    def _noteCode(self, element):
        """Note the code of an error."""
        self._lastCode = exitCodeOf(element.get("ExitStatus"))
        self._hasRealCode = self._hasRealCode or not _isPlaceholder(self._lastCode)

    def _place(self, trouble, stream):
        """Keep a trouble, with its place in the file; the lines of repaired bytes are those of the file."""
        if self._sanitised and trouble.byteOffset is not None:
            trouble.byteOffset = stream.originalOffset(trouble.byteOffset)
        self.trouble = trouble

    def _findErrors(self, source):
        """Tell what is wrong with the report besides its errors; leave garbage at its end out."""
        errors, rootEnd = [], None
        if not self.wholeRoot:
            errors.append(_readError(self.trouble))
        elif self.trouble is None:
            rootEnd = self.size
        else:
            rootEnd = self._leaveGarbage(source)
        # A report that tells of its failure needs no search for signs of one; what was repaired is not what was read.
        isSound = self.trouble is None and not self._sanitised and self._watch.foundNothing
        if not self._hasRealCode and not isSound:
            from WMCore.WMRuntime.JobReport.QuickLook import lookForSigns
            found = lookForSigns(source, self._limits.maxBytes, rootEnd)
            if any(found):
                from WMCore.WMRuntime.JobReport.FailureSigns import failureSigns
                errors += failureSigns(source, self._limits.maxBytes, rootEnd, self._lastCode is not None, found)
        return tuple(errors)

    def _leaveGarbage(self, source):
        """Note that what is behind the root's end was left out; give the byte at which it begins."""
        # Reports of older releases have it after a crash only.
        from WMCore.WMRuntime.JobReport.ParseResult import Repair
        from WMCore.WMRuntime.JobReport.FailureSigns import garbageStart
        # libxml2 does not always know the place.
        end = garbageStart(source, self.size if self.trouble.byteOffset is None else self.trouble.byteOffset)
        self.repairs += (Repair(GARBAGE_AT_END, self.size - end, end),)
        return end

    def _open(self):
        """Open the report when it is a file of a size that can be one."""
        try:
            # Opening a pipe would wait for somebody to write into it.
            status = os.stat(self._path)
            if not stat.S_ISREG(status.st_mode):
                raise XmlTrouble(UNREADABLE, "%s is no regular file" % self._path)
            self.size = status.st_size
            if not self.size:
                raise XmlTrouble(EMPTY, "the file is empty, expected a <FrameworkJobReport>")
            if self.size > self._limits.maxBytes:
                raise XmlTrouble(TOO_LARGE, "the file has %d bytes, expected at most %d"
                                 % (self.size, self._limits.maxBytes))
            # Blocks are large: a buffer of python's would only be one more copy of each.
            return open(self._path, "rb", buffering=0)
        except (FileNotFoundError, NotADirectoryError, ValueError) as ex:
            raise XmlTrouble(NO_FILE, "cannot read %s: %s" % (self._path, ex))
        except OSError as ex:
            raise self._unreadable(ex)

    def _unreadable(self, error):
        """Make a trouble of what the system says: a disk may fail in the middle of a file."""
        return XmlTrouble(UNREADABLE, "cannot read %s: %s" % (self._path, error), elementsSeen=self._count)


def _isPlaceholder(code):
    # In a job Errors is loaded; elsewhere a report without errors does not need it.
    from WMCore.WMRuntime.Errors import PLACEHOLDER as code8901
    return code == code8901


def _asError(element):
    """Give an element that is not one of cmsRun's usual ones as the error it may have been."""
    # Usual reports have no such element.
    from WMCore.WMRuntime.JobReport.ErrorLikeness import asError
    error = asError(element)
    return element if error is None else error


def _readError(trouble):
    """Make a value of a reader's trouble."""
    # Brings attrs along.
    from WMCore.WMRuntime.JobReport.ParseResult import ReadError
    return ReadError(trouble.kind, trouble.message, trouble.line, trouble.column, trouble.byteOffset,
                     trouble.elementsSeen)
