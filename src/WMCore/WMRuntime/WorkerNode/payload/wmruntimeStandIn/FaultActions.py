"""FaultActions: carry out what Faults describes"""
import io
import os
import re
import signal
import sys
import time

from .EventSource import CmsException
from .Faults import DIRT

MEGABYTE = 1024 * 1024
LINE = "wmruntime fault bigOutput: this line is one of many and says nothing at all, its only use is to be long.\n"
CODES = {8001: "CMSException", 8002: "StdException", 8003: "UnknownException", 8004: "BadAlloc", 8006: "ProductNotFound",
         8009: "Configuration", 8020: "FileOpenError", 8021: "FileReadError", 8026: "NotFound", 8028: "FallbackFileOpenError",
         8033: "EventTimeout"}
# Written raw, so that the file is as damaged as those of the field: cmssw#47555, WMCore #8051, cmssw#50020, cmssw#37363.
DIRTY_BYTES = {
    "nul": b'<FallbackAttempt Pfn="root://site//store/a.root" Lfn="/store/a.root" />\n<![CDATA[\nxrootd said: \x00\x01 no\n]]>\n',
    "latin1": b'<FallbackAttempt Pfn="root://site//store/a.root" Lfn="/store/a.root" />\n<![CDATA[\nserver said: \xff\xe9\n]]>\n',
    "rawAmpersand": b'<SkippedFile Pfn="root://site//store/a.root?x=1&y=2" Lfn="/store/a.root" />\n',
    "interleaved": b'<PerformanceReport>\n  <PerformanceSummary Metric="A">\n<PerformanceReport>\n  </PerformanceSummary>\n'
                   b'  <PerformanceSummary Metric="B">\n</PerformanceReport>\n    <Metric Name="X" Value="1"/>\n'
                   b'</PerformanceReport>\n  </PerformanceSummary>\n',
    "emptyTags": b"\n<InputFile>\n<State  Value=\"closed\"/>\n<LFN></LFN>\n<PFN></PFN>\n<Catalog></Catalog>\n"
                 b"<ModuleLabel>mix</ModuleLabel>\n<GUID></GUID>\n<InputType>mixingFiles</InputType>\n"
                 b"<InputSourceClass>EmbeddedRootSource</InputSourceClass>\n<EventsRead>0</EventsRead>\n"
                 b"<Runs>\n</Runs>\n</InputFile>\n"}


class Ending(Exception):
    """cmsRun ends with a code that its report does not tell."""

    def __init__(self, fault):
        super(Ending, self).__init__(fault.name)
        self.fault = fault

    def apply(self, report):
        """
        Leave the report as the fault wants it.

        :param report: JobReport
        :return: exit code of the process
        """
        if self.fault.name == "exitNoReport":
            if report.path is not None and os.path.exists(report.path):
                os.unlink(report.path)
        else:
            if self.fault.name == "zeroCodeReport":
                report.addError(0, "Success", "")
            report.close()
        return int(self.fault.number(65 if self.fault.name == "zeroCodeReport" else 8001)) % 256


def beforeEvents(fault):
    """
    Do what comes before the first event.

    :param fault: Fault
    """
    if fault.name == "bigOutput":
        printMuch(int(fault.number(300000000)))
    elif fault.name == "daemon":
        leaveDaemon(float(fault.number(60)))


def inTheMiddle(fault):
    """
    Do what comes when half of the events are done.

    :param fault: Fault
    :raises CmsException: for the fault `exit`
    :raises Ending: for the faults that end cmsRun with a code its report does not tell
    """
    if fault.name == "exit":
        code = int(fault.number(8001))
        raise CmsException(code, CODES.get(code, "CMSException"), "An exception of category '%s' occurred while\n   [0] Processing "
                           "an event\nException Message:\nasked for by wmruntimeFault.json" % CODES.get(code, "CMSException"))
    if fault.name in ("signal", "placeholder8901"):
        dieOfSignal(fault.number("SEGV" if fault.name == "signal" else "KILL"))
    elif fault.name == "hang":
        hang(float(fault.setting("seconds", 3600, "seconds")), bool(fault.setting("ignoreTerm", False)))
    elif fault.name == "memory":
        grow(float(fault.setting("perSecond", 100)), float(fault.setting("upTo", 1000, "upTo")),
             float(fault.setting("hold", 0)))
    elif fault.name in ("exitNoError", "exitNoReport", "zeroCodeReport"):
        raise Ending(fault)


def afterReport(fault, path):
    """
    Spoil the finished report.

    :param fault: Fault
    :param path: path of the report, or None
    :return: exit code of the process
    """
    if fault.name not in ("truncatedReport", "dirtyReport"):
        return 0
    if path is not None:
        with io.open(path, "rb") as handle:
            content = handle.read()
        if fault.name == "truncatedReport":
            content = content[:int(len(content) * float(fault.setting("keep", 0.66, "keep")))]
        else:
            content = dirty(content, fault.setting("kind", "nul", "kind"))
        with io.open(path, "wb") as handle:
            handle.write(content)
    return int(fault.setting("exit", 0)) % 256


def dirty(content, kind):
    """
    Put damage into a report, before its end.

    :param content: bytes of the report
    :param kind: one of DIRT
    :return: bytes
    :raises ValueError: for another kind
    """
    if kind not in DIRT:
        raise ValueError("dirtyReport knows %s, not %r" % (", ".join(DIRT), kind))
    head, end, tail = content.rpartition(b"</FrameworkJobReport>")
    return head + DIRTY_BYTES[kind] + end + tail


def dieOfSignal(which):
    """
    Send this process a signal that it does not handle.

    :param which: name (with or without SIG) or number
    """
    name = str(which).upper()
    name = name if name.startswith("SIG") else "SIG" + name
    number = int(which) if re.match(r"\d+$", str(which)) else getattr(signal, name)
    sys.stdout.flush()
    sys.stderr.flush()
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(10)
    raise CmsException(8002, "StdException", "signal %s did not end the process" % which)


def hang(seconds, ignoreTerm):
    """
    Do nothing.

    :param seconds: at most that long
    :param ignoreTerm: whether SIGTERM, SIGINT and SIGUSR2 are ignored as well
    """
    for number in (signal.SIGINT, signal.SIGUSR2) + ((signal.SIGTERM,) if ignoreTerm else ()):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(min(1.0, max(0.0, end - time.time())))


def grow(perSecond, upTo, hold):
    """
    Take memory, and touch it.

    :param perSecond: MB for each second
    :param upTo: MB
    :param hold: seconds to keep it afterwards
    """
    taken, step = [], max(1.0, perSecond / 10.0)
    while len(taken) * step < upTo:
        block = bytearray(int(step * MEGABYTE))
        block[::4096] = b"x" * len(block[::4096])
        taken.append(block)
        time.sleep(step / perSecond)
    time.sleep(hold)


def printMuch(size):
    """
    Write lines to stdout.

    :param size: bytes
    """
    block = LINE * (MEGABYTE // len(LINE))
    left = size
    while left > 0:
        sys.stdout.write(block[:left])
        left -= len(block)
    sys.stdout.write("\n")
    sys.stdout.flush()


def leaveDaemon(seconds):
    """
    Start a process of another session that is nobody's child and keeps stdout and stderr open.

    :param seconds: how long it stays
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork() == 0:
        time.sleep(seconds)
    os._exit(0)
