"""
Reports as files: loaded through the allow-list, written whole or not at all.
"""
import os
import threading

from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PickleLoader import PickleLoadError, loadPickle

with needsWMCore(__name__):
    from WMCore.FwkJobReport.Report import Report


def cleanText(text):
    """
    Make a text that any reader can encode; what a node prints ended in reports as it came (#8056, #9150).

    :param text: anything
    :return: str, lone surrogates and undecodable bytes escaped
    """
    if isinstance(text, bytes):
        return text.decode("utf-8", "backslashreplace")
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def saveReport(report, path):
    """
    Write a report under a temporary name, then give it its own.

    A job can be killed at any moment, and a truncated report crashes the agent's accountant (#4004, #9515,
    #11817).

    :param report: Report
    :param path: str, Report.N.pkl
    :raises OSError: when it cannot be written; a report that was there before is then still there
    """
    # The signal handler's last resort writes from a thread of its own.
    temporary = "%s.%d.%d.tmp" % (path, os.getpid(), threading.get_ident())
    try:
        report.persist(temporary)
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.remove(temporary)


def loadReport(path, what="the report"):
    """
    Load a report.

    :param path: str, Report.N.pkl or a step's Report.pkl
    :param what: str, what it is, for the messages
    :return: Report
    :raises PickleLoadError: when the file does not hold one
    """
    data = loadPickle(path, what)
    if not isinstance(getattr(data, "steps", None), list):
        raise PickleLoadError(path, what, "it holds a %s without a list of steps" % type(data).__name__)
    report = Report()
    report.data = data
    return report


def loadStepReport(path, stepName):
    """
    Load what a step left.

    :param path: str, the step's Report.pkl
    :param stepName: str
    :return: Report that has this step
    :raises PickleLoadError: when the file does not hold a report of the step
    """
    what = "the report of step %s" % stepName
    report = loadReport(path, what)
    section = report.retrieveStep(stepName)
    if section is None or not hasattr(section, "errors"):
        raise PickleLoadError(path, what, "it reports on %s only" % (report.listSteps(),))
    return report
