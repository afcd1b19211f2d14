"""
What the process reads: the task's conditions, the job's files and events, or the output of the step before.
"""
import logging

from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PSetSetup.PSetPlan import SOURCE_MARK
from WMCore.WMRuntime.PSetSetup.Resources import threadsTweak

with needsWMCore(__name__):
    from PSetTweaks.PSetTweak import PSetTweak
    from PSetTweaks.WMTweak import makeJobTweak, makeTaskTweak

# The sources that can compare a file's name with the GUID inside.
GUID_SOURCES = ("PoolSource", "EmbeddedRootSource")


def taskTweak(pset, threads):
    """
    Plan what is the same in all jobs of the task.

    :param pset: PSetJob
    :param threads: (int threads, int streams), or None
    :return: list of ToolCall
    """
    tweak = PSetTweak()
    for name, value in threadsTweak(threads).items():
        tweak.addParameter(name, value)
    makeTaskTweak(pset.data, tweak)
    return pset.tweak("Task", tweak, "threads and conditions")


def inputTweak(pset):
    """
    Plan what this job reads.

    :param pset: PSetJob
    :return: list of ToolCall
    :raises WMTweakMaskError: when the job's mask lacks its first event or lumi section
    """
    tweak = PSetTweak()
    if getattr(pset.data.input, "chainedProcessing", False):
        _readStepBefore(pset.data.input, tweak)
        return pset.tweak("Input", tweak, "input from the step before")
    makeJobTweak(pset.job, tweak)
    return pset.tweak("Input", tweak, "input of the job")


def _readStepBefore(step, tweak):
    """Add the file of the step before, and all of its events."""
    path = "file:../%s/%s.root" % (step.inputStepName, step.inputOutputModule)
    logging.info("The step reads all events of %s", path)
    tweak.addParameter("process.source.fileNames", "customTypeCms.untracked.vstring(%s)" % [path])
    tweak.addParameter("process.maxEvents", "customTypeCms.untracked.PSet(input=cms.untracked.int32(-1))")


def guidInFileName(pset):
    """
    Plan the comparison of a file's name with what is in it; CRAB's users read files of any name.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    if pset.crab:
        return []
    return [pset.call("cmssw_enforce_guid_in_filename.py", "--input_source", SOURCE_MARK, why="names with a GUID",
                      sourceTypes=GUID_SOURCES)]


def lastTweak(pset):
    """
    Plan what the step's settings say about source and length of the run.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    settings, application = pset.configuration, pset.data.application
    values = {"process.Timing.summaryOnly": "customTypeCms.untracked(cms.bool(True))"}
    if getattr(application.command, "oneEventMode", False):
        values["process.maxEvents.input"] = "customTypeCms.untracked.int32(1)"
    if hasattr(settings, "skipBadFiles"):
        values["process.source.skipBadFiles"] = "customTypeCms.untracked.bool(%s)" % settings.skipBadFiles
    if hasattr(settings, "eventsPerLumi"):
        values["process.source.numberEventsInLuminosityBlock"] = \
            "customTypeCms.untracked.uint32(%s)" % settings.eventsPerLumi
    if hasattr(settings, "maxSecondsUntilRampdown"):
        # The PSet itself, which a process need not have (#10770).
        values["process.maxSecondsUntilRampdown"] = \
            "customTypeCms.untracked.PSet(input=cms.untracked.int32(%s))" % settings.maxSecondsUntilRampdown
    if hasattr(application, "overrideCatalog"):
        logging.info("The step overrides the catalog: %s", application.overrideCatalog)
        values["process.source.overrideCatalog"] = "customTypeCms.untracked.string(%r)" % application.overrideCatalog
    return pset.tweak("", values, "settings of the step")
