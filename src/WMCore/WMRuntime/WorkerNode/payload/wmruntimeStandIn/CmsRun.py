"""
CmsRun: the stand-in for the executable cmsRun

Started by the launcher in a release's bin/<arch> as `python -m wmruntimeStandIn.CmsRun <program> <arguments>`.
"""
import itertools
import os
import pickle
import re
import signal
import sys
import time
import traceback

from .CallsLog import installedConstants, logCall
from .CommandLine import USAGE, Options
from .EventFile import BYTES_PER_EVENT
from .EventSource import CmsException, makeSource, parameter
from .FaultActions import Ending, afterReport, beforeEvents, inTheMiddle
from .Faults import Fault, findFault
from .JobReport import JobReport
from .OutputModules import writeAnalysisFiles, writeOutputs
from .Performance import Performance, fileSize

# edm::errors of CMSSW, FWCore/Utilities/interface/EDMException.h; the process exits with the code modulo 256.
NO_CONFIGURATION, BAD_CONFIGURATION, STD_EXCEPTION = 7001, 7002, 8002
PLACEHOLDER_SINCE = (12, 6)


class Stop(object):
    """Remembers the signal that asks for an end at the next event."""

    def __init__(self):
        self.number = None
        for number in (signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, self.ask)

    def ask(self, number, _frame):
        """
        :param number: the signal
        """
        self.number = number


def loadProcess(options, fault):
    """
    Execute the configuration file.

    :param options: Options
    :param fault: Fault
    :return: cms.Process
    :raises CmsException: 7001 without a file, 7002 when it fails or leaves no process
    """
    path = options.values.get("pset")
    if path is None and "command" not in options.values:
        raise CmsException(NO_CONFIGURATION, "ConfigFileNotFound", "No configuration file given. For usage and an options list, "
                           "please do 'cmsRun --help'.")
    if path is not None and not os.path.isfile(path):
        raise CmsException(NO_CONFIGURATION, "ConfigFileNotFound", "Could not find configuration file: %s" % path)
    names = {"__name__": "__main__", "__file__": path or "<command>"}
    sys.argv = ["cmsRun", path or ""] + options.arguments
    realLoad = pickle.load
    if fault.name == "badPickle":
        pickle.load = truncatedPickle
    try:
        text = options.values.get("command")
        if path is not None:
            sys.path.append(os.path.dirname(os.path.abspath(path)))
            with open(path, "rb") as handle:
                text = handle.read()
        exec(compile(text, names["__file__"], "exec"), names)  # pylint: disable=exec-used
        process = names["process"]
        process.source, process.outputModules  # pylint: disable=pointless-statement
    except BaseException as error:  # a configuration can raise anything, SystemExit as well
        raise CmsException(BAD_CONFIGURATION, "ConfigFileReadError", "Problem with configuration file %s\n%s: %s\n%s" % (
            path, type(error).__name__, error, traceback.format_exc()))
    finally:
        pickle.load = realLoad
    return process


def truncatedPickle(*_args, **_kwargs):
    """
    Stand in for pickle.load under the fault badPickle.

    :raises pickle.UnpicklingError: always
    """
    raise pickle.UnpicklingError("pickle data was truncated")


def ordinal(count):
    """
    :param count: 1, 2, ...
    :return: 1st, 2nd, 3rd, ... as cmsRun prints it
    """
    endings = {1: "st", 2: "nd", 3: "rd"}
    return "%d%s" % (count, "th" if count % 100 in (11, 12, 13) else endings.get(count % 10, "th"))


def log(text):
    """
    Print a line where cmsRun's message logger does.

    :param text: the line
    """
    sys.stderr.write(text + "\n")
    sys.stderr.flush()  # python 3.3 to 3.8 keep it back when stderr is no terminal


class Job(object):
    """One run of a process."""

    def __init__(self, process, report, fault, storage):
        self.process, self.report, self.fault = process, report, fault
        self.limit = parameter(getattr(process, "maxEvents", None), "input", -1)
        self.stop = Stop()
        self.performance = Performance()
        self.source = makeSource(process, storage, fault)
        self.events = []

    def run(self):
        """
        Read all events, write the output files, report everything.

        :raises CmsException: when it fails
        """
        try:
            self.loop()
        finally:
            self.reportInputs()
        self.finish()

    def loop(self):
        """Read the events up to maxEvents or a signal."""
        beforeEvents(self.fault)
        pending = list(itertools.islice(self.source.events(), None if self.limit < 0 else self.limit))
        middle = len(pending) // 2
        for index, (run, lumi, event, opened) in enumerate(pending):
            if index == middle:
                inTheMiddle(self.fault)
            if self.stop.number is not None:
                break
            began = time.time()
            log("Begin processing the %s record. Run %d, Event %d, LumiSection %d on stream 0 at %s"
                % (ordinal(index + 1), run, event, lumi, time.strftime("%d-%b-%Y %H:%M:%S.000 UTC", time.gmtime(began))))
            if self.fault.name == "slow":
                time.sleep(float(self.fault.number(1)))
            self.events.append((run, lumi, event))
            if opened is not None:
                opened.eventsRead += 1
                opened.lumisRead.add((run, lumi))
            self.performance.eventTimes.append(time.time() - began)
        if not pending:
            inTheMiddle(self.fault)

    def endsEarly(self):
        """:return: whether the sources have more: a signal or maxEvents ended the loop"""
        return self.stop.number is not None or len(self.events) == self.limit

    def reportInputs(self):
        """Report the files that were opened or not."""
        for lfn, pfn, message in self.source.skipped:
            log("Input file: %s was not found, and will be skipped. %s" % (pfn, message))
            self.report.addSkippedFile(lfn, pfn)
        for lfn, pfn in self.source.fallbacks:
            self.report.addFallback(lfn, pfn, "An exception of category 'FileOpenError' occurred while\n   [0] Calling "
                                    "StorageFactory::open()\nException Message:\nFailed to open the file '%s'" % pfn)
        for opened in self.source.files:
            isLocal = opened.pfn.startswith("file:")
            self.performance.readBytes += fileSize(opened.pfn[len("file:"):]) if isLocal else (
                opened.eventsRead * BYTES_PER_EVENT)
            if self.endsEarly():
                opened.lumis = sorted(opened.lumisRead)
            self.report.addInputFile(opened, self.process.source.type_())

    def finish(self):
        """Write and report the output files and the measurements."""
        lumis = sorted(set([event[:2] for event in self.events] + ([] if self.endsEarly() else self.source.lumis())))
        inputBranches = sorted(set(name for opened in self.source.files for name in opened.content.branches))
        if self.fault.name != "noOutput":
            for written in writeOutputs(self.process, self.events, lumis, inputBranches):
                self.performance.writtenBytes += fileSize(written.pfn)
                self.report.addOutputFile(written, self.source.files)
            writeAnalysisFiles(self.process, set(run for run, _ in lumis), self.report)
        if self.stop.number is not None:
            log("%%MSG-w ShutdownSignal: signal %d, the job ends early" % self.stop.number)
        self.report.addReadBranches(inputBranches, len(self.events))
        self.performance.report(self.process, self.report)


def keepsPlaceholder(release, fault):
    """
    Tell whether the report is kept well-formed while cmsRun runs.

    :param release: name of the release
    :param fault: Fault
    :return: bool
    """
    match = re.match(r"CMSSW_(\d+)_(\d+)_", release)
    modern = match is not None and (int(match.group(1)), int(match.group(2))) >= PLACEHOLDER_SINCE
    return modern or fault.name == "placeholder8901"


def runProcess(options, report, fault, constants):
    """
    Load the configuration and run it.

    :param options: Options
    :param report: JobReport
    :param fault: Fault
    :param constants: dict of installedConstants
    :raises CmsException: when it fails
    """
    process = loadProcess(options, fault)
    if "threads" in options.values:
        process.options.numberOfThreads = int(options.values["threads"])
    threads = parameter(getattr(process, "options", None), "numberOfThreads", 1)
    print("cmsRun: process %s, %d thread%s" % (process.name_(), threads, "" if threads == 1 else "s"))
    sys.stdout.flush()
    storage = None
    if "callsLog" in constants:
        here = os.path.dirname(os.path.abspath(__file__))
        storage = os.path.join(os.path.dirname(os.path.normpath(os.path.join(here, constants["callsLog"]))), "..", "storage")
    Job(process, report, fault, storage and os.path.normpath(storage)).run()


def main(arguments):
    """
    Be cmsRun.

    :param arguments: list: the program's name (cmsRun or cmsRunPython3), then its arguments
    :return: exit code of the process
    """
    program, arguments = arguments[0], arguments[1:]
    constants = installedConstants()
    logCall(program, arguments)
    print("%s: stand-in of %s for %s, python %d.%d.%d at %s" % (
        program, constants.get("release", "no release"), constants.get("arch", "no architecture"),
        sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable))
    sys.stdout.flush()
    report, fault = JobReport(None, False), Fault()
    try:
        options = Options(arguments)
        if options.help:
            print(USAGE)
            return 0
        fault = findFault(os.getcwd())
        report = JobReport(options.reportPath(), keepsPlaceholder(constants.get("release", ""), fault))
        runProcess(options, report, fault, constants)
    except Ending as ending:
        return ending.apply(report)
    except CmsException as error:
        return fail(report, error.code, error.category, str(error))
    except Exception as error:  # pylint: disable=broad-except
        return fail(report, STD_EXCEPTION, "StdException", "%s: %s\n%s" % (type(error).__name__, error, traceback.format_exc()))
    report.close()
    return afterReport(fault, report.path)


def fail(report, code, category, message):
    """
    Report an exception and print it as cmsRun does.

    :param report: JobReport
    :param code: its code
    :param category: its category
    :param message: what it says
    :return: exit code of the process, the code modulo 256
    """
    log("----- Begin Fatal Exception %s-----------------------" % time.strftime("%d-%b-%Y %H:%M:%S UTC", time.gmtime()))
    log("An exception of category '%s' occurred\nException Message:\n%s" % (category, message))
    log("----- End Fatal Exception -------------------------------------------------")
    report.addError(code, category, message)
    report.close()
    return code % 256


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
