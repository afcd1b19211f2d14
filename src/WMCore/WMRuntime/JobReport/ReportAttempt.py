"""
Read a job report once, as it is or repaired, as far as it goes.
"""
import os
import stat

from WMCore.WMRuntime.JobReport.ElementBuilder import build
from WMCore.WMRuntime.JobReport.ErrorLikeness import asError
from WMCore.WMRuntime.JobReport.FailureTraces import FailureTraces
from WMCore.WMRuntime.JobReport.Reader import readElements
from WMCore.WMRuntime.JobReport.Sanitiser import Sanitiser
from WMCore.WMRuntime.JobReport.XmlTrouble import AFTER_END, TOO_LARGE, XmlTrouble

NO_FILE = "noFile"
EMPTY = "empty"

# What cmsRun closes the root with until it writes the next element over it (cmssw#39778, cmssw#41124).
PLACEHOLDER = '<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>'
# The end of the placeholder alone, `>`, could be anything.
MIN_REST = 2
MAX_TEXT = 256


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
        self.strayText = ""
        self._rootText = ""

    @property
    def wholeRoot(self):
        """
        Say whether the root was read to its end.

        :return: bool
        """
        return self.trouble is None or self.trouble.kind == AFTER_END

    @property
    def placeholderLeft(self):
        """
        Say whether the rest of cmsRun's placeholder stands behind the last element that was written over its start.

        :return: bool
        """
        rest = self._rootText.rstrip().rpartition("\n")[2]
        return len(rest) >= MIN_REST and PLACEHOLDER.endswith(rest)

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
                    for element in readElements(stream, self._limits, self._backend, onRootText=self._noteRootText):
                        value = build(element, self._limits.maxMessage)
                        yield asError(value) or value
                except XmlTrouble as ex:
                    self.trouble = ex
                traces.drain(self._limits.maxBytes)
                self.places, self.codes = tuple(sorted(traces.places)), tuple(traces.exitCodes())
                if self._sanitised:
                    self.repairs = stream.repairs
        except XmlTrouble as ex:
            self.trouble = ex

    def _noteRootText(self, text, previousTag):
        """Remember what text there is between the root's children: only a FallbackAttempt has some after it."""
        self._rootText = (self._rootText + text)[-MAX_TEXT:]
        if previousTag != "FallbackAttempt" or self.placeholderLeft:
            self.strayText = (self.strayText + text)[:MAX_TEXT]

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
