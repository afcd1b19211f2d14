"""
Read a job report once, as it is or repaired, as far as it goes.
"""
import os
import stat

from WMCore.WMRuntime.JobReport.ElementBuilder import build
from WMCore.WMRuntime.JobReport.ErrorLikeness import asError
from WMCore.WMRuntime.JobReport.FailureTraces import FailureTraces
from WMCore.WMRuntime.JobReport.ParseResult import Repair
from WMCore.WMRuntime.JobReport.Reader import readElements
from WMCore.WMRuntime.JobReport.ReportEnd import garbageStart, textBeforeRootEnd, unexpectedGarbage
from WMCore.WMRuntime.JobReport.Sanitiser import Sanitiser
from WMCore.WMRuntime.JobReport.XmlTrouble import AFTER_END, TOO_LARGE, XmlTrouble

NO_FILE = "noFile"
EMPTY = "empty"
GARBAGE_AT_END = "garbageAtEnd"


class ReportAttempt(object):
    """
    Go through a report once; what was found besides the values is known when `values` has ended.

    :param path: str, the report; opened for reading only, when `values` starts
    :param limits: Limits
    :param backend: str or None, as Reader.readElements takes it
    :param sanitised: bool, whether to read it through a Sanitiser
    """

    def __init__(self, path, limits, backend, sanitised=False):
        self._path = path
        self._limits = limits
        self._backend = backend
        self._sanitised = sanitised
        self.size = None
        self.trouble = None
        self.repairs = ()
        self.places = ()
        self.codes = ()
        self.strayText = b""

    @property
    def wholeRoot(self):
        """
        Say whether the root was read to its end.

        :return: bool
        """
        return self.trouble is None or self.trouble.kind == AFTER_END

    def values(self):
        """
        Give the direct children of the root, each when it is complete; a trouble ends them and stays in `trouble`.

        :return: iterator of values of the model
        """
        try:
            with self._open() as source:
                traces = FailureTraces(source)
                stream = Sanitiser(traces) if self._sanitised else traces
                try:
                    for element in readElements(stream, self._limits, self._backend):
                        value = build(element, self._limits.maxMessage)
                        yield asError(value) or value
                except XmlTrouble as ex:
                    self.trouble = self._placed(ex, stream)
                traces.drain(self._limits.maxBytes)
                self.places, self.codes = tuple(sorted(traces.places)), tuple(traces.exitCodes())
                if self._sanitised:
                    self.repairs = stream.repairs
                if self.wholeRoot:
                    self._lookAtEnd(source)
        except XmlTrouble as ex:
            self.trouble = ex

    def _placed(self, trouble, stream):
        """Give a trouble its place in the file; the lines of repaired bytes are those of the file."""
        if self._sanitised and trouble.byteOffset is not None:
            trouble.byteOffset = stream.originalOffset(trouble.byteOffset)
        return trouble

    def _lookAtEnd(self, source):
        """Look what stands behind the root's end, which is left out, and what right before it."""
        end = self.size
        if self.trouble is not None:
            # libxml2 does not always know the place.
            end = garbageStart(source, self.size if self.trouble.byteOffset is None else self.trouble.byteOffset)
            self.repairs += (Repair(GARBAGE_AT_END, self.size - end, end),)
        self.strayText = textBeforeRootEnd(source, end) or unexpectedGarbage(source, end)

    def _open(self):
        """Open the report when it is a file of a size that can be one."""
        try:
            # Opening a pipe would wait for somebody to write into it.
            status = os.stat(self._path)
            if not stat.S_ISREG(status.st_mode):
                raise XmlTrouble(NO_FILE, "%s is no regular file" % self._path)
            self.size = status.st_size
            if not self.size:
                raise XmlTrouble(EMPTY, "the file is empty, expected a <FrameworkJobReport>")
            if self.size > self._limits.maxBytes:
                raise XmlTrouble(TOO_LARGE, "the file has %d bytes, expected at most %d"
                                 % (self.size, self._limits.maxBytes))
            return open(self._path, "rb")
        except (OSError, ValueError) as ex:
            raise XmlTrouble(NO_FILE, "cannot read %s: %s" % (self._path, ex))
