"""
Watch the bytes of a job report, while it is read, for what a failure leaves there.

Nearly all reports that tell of no error have nothing of the kind. Those that may have are looked over again by
QuickLook and judged by FailureSigns, which are not even imported for the others.
"""
# The names of the error element and its attribute, cmsRun's placeholder, and what it writes when a signal stopped
# it in an orderly way (JobReport.cc of CMSSW).
STATUS = "ExitStatus"
TERMINATION = "UnexpectedJobTermination"
SHUTDOWN = "ShutdownSignal"
WORDS = tuple(word.encode("ascii") for word in ("FrameworkError", STATUS, TERMINATION, SHUTDOWN))
ROOT_END = b"</FrameworkJobReport"
# Longer than a word, the root's end and the comment with which cmsRun fills the place of its placeholder.
_TAIL_BYTES = 1024


class SignWatch(object):
    """
    Note whether there may be signs of a failure in a report that is well-formed to its end.

    :ivar sawWord: bool, whether one of the words was seen so far
    """

    def __init__(self):
        self.sawWord = False
        self._tail = b""

    def look(self, block):
        """
        Take the next bytes.

        :param block: bytes, what follows those taken before
        """
        seen = self._tail + block
        self.lookInto(seen)
        self._tail = seen[-_TAIL_BYTES:]

    def lookInto(self, section):
        """
        Take bytes from elsewhere in the report.

        :param section: bytes; no word reaches from them into others
        """
        if not self.sawWord:
            self.sawWord = any([word in section for word in WORDS])

    @property
    def foundNothing(self):
        """
        Say whether it is certain, once all bytes were taken, that there is neither a word nor text between the last
        child of the root and the root's end.

        :return: bool; False for every unusual end, too
        """
        if self.sawWord:
            return False
        before, _, behind = self._tail.rpartition(ROOT_END)
        before, behind = before.rstrip(), behind.strip()
        if behind != b">" and not (behind.startswith(b">") and behind.endswith(b"-->")
                                   and behind[1:].lstrip().startswith(b"<!--")):
            # Not the root's end: one in a comment behind it.
            return False
        # A plain tag; a comment, an instruction or a CDATA section says nothing about what is before it.
        last = before[before.rfind(b"<"):]
        return (last.startswith(b"<") and last.find(b">") == len(last) - 1
                and not last.endswith((b"-->", b"?>", b"]]>")))
