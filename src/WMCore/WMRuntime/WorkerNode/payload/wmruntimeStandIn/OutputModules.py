"""OutputModules: the files a process writes"""
import hashlib
import os
import uuid

from .EventFile import EventFile, toRanges, writeEventFile
from .EventSource import CmsException, parameter

FILE_WRITE_ERROR = 8022  # edm::errors::FileWriteError of CMSSW
NO_DATASET = "/Global/CMSSW/DQM"


class OutputFile(object):
    """One file that was written."""

    def __init__(self, label, moduleClass, lfn, pfn, content):
        self.label, self.moduleClass, self.lfn, self.pfn, self.content = label, moduleClass, lfn, pfn, content
        self.perLumi = {}
        for run, lumi, _, count in content.ranges:
            self.perLumi[(run, lumi)] = self.perLumi.get((run, lumi), 0) + count
        self.events = sum(self.perLumi.values())
        self.dataType = "Data" if any(run > 1 for run, _ in content.lumis) else "MC"
        self.branchHash = hashlib.md5("|".join(content.branches).encode("utf-8")).hexdigest()


def writeOutputs(process, events, lumis, inputBranches):
    """
    Write one file for each output module; all events go to each, SelectEvents is not looked at.

    :param process: cms.Process
    :param events: list of (run, lumi, event)
    :param lumis: list of (run, lumi) that were seen
    :param inputBranches: list of names of branches, kept
    :return: list of OutputFile
    :raises CmsException: when a file cannot be written
    """
    written = []
    for label, module in sorted(process.outputModules.items()):
        path = parameter(module, "fileName", "") or label + ".root"
        path = path[len("file:"):] if path.startswith("file:") else path
        made = ["edmEventAuxiliary_%s__%s." % (name, process.name_()) for name in sorted(process.producers)]
        content = EventFile(str(uuid.uuid4()).upper(), sorted(set(lumis)), toRanges(events),
                            sorted(set(inputBranches + made)) or ["edmTriggerResults_TriggerResults__%s." % process.name_()])
        tier = parameter(getattr(module, "dataset", None), "dataTier", "")
        try:
            writeEventFile(path, content, process=process.name_(), module=label, dataTier=tier)
        except (IOError, OSError) as error:
            raise CmsException(FILE_WRITE_ERROR, "FileWriteError", "Failed to write the file '%s': %s" % (path, error))
        written.append(OutputFile(label, module.type_(), parameter(module, "logicalFileName", ""), path, content))
    return written


def writeAnalysisFiles(process, runs, report):
    """
    Write and report the files with histograms: of DQMFileSaver and of TFileService.

    :param process: cms.Process
    :param runs: set of the numbers of the runs that were seen
    :param report: JobReport
    """
    service = process.services.get("TFileService")
    if service is not None:
        name = parameter(service, "fileName", "histo.root")
        writeHistograms(name, process)
        report.addAnalysisFile(name, Source="TFileService")
    for label, module in sorted(process.analyzers.items()):
        if module.type_() == "DQMFileSaver":
            dataset = parameter(module, "workflow", NO_DATASET).strip("/").replace("/", "__")
            run = parameter(module, "forceRunNumber", max(runs or [1]))
            name = "DQM_V0001_R%09d__%s.root" % (run, dataset)
            writeHistograms(name, process)
            report.addAnalysisFile(name, Source="DQMFileSaver", Label=label, Run=run)


def writeHistograms(name, process):
    """
    Write a file that stands for one with histograms.

    :param name: path of the file
    :param process: cms.Process
    """
    temporary = "%s.%d.tmp" % (name, os.getpid())
    with open(temporary, "w") as handle:
        handle.write("wmruntime-histograms 1\n%s\n" % process.name_())
    os.rename(temporary, name)
