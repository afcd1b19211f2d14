"""Merge: the process of a merge job"""
import FWCore.ParameterSet.Config as cms


def mergeProcess(*inputFiles, **options):
    """
    Make the process that joins files.

    :param inputFiles: names of the files
    :param options: process_name (Merge), outputmod_label (Merged), newDQMIO, output_file, output_lfn, drop_dqm; others ignored
    :return: cms.Process
    """
    process = cms.Process(str(options.get("process_name", "Merge")))
    kind = "DQMRootSource" if options.get("newDQMIO") else "PoolSource"
    process.source = cms.Source(kind, fileNames=cms.untracked.vstring(*[str(name) for name in inputFiles]))
    if options.get("newDQMIO"):
        process.add_(cms.Service("DQMStore"))
        writer = cms.OutputModule("DQMRootOutputModule")
    else:
        writer = cms.OutputModule("PoolOutputModule")
        if options.get("drop_dqm"):
            writer.outputCommands = cms.untracked.vstring("keep *", "drop *_MEtoEDMConverter_*_*")
    writer.fileName = cms.untracked.string(str(options.get("output_file") or "Merged.root"))
    if options.get("output_lfn"):
        writer.logicalFileName = cms.untracked.string(str(options["output_lfn"]))
    label = str(options.get("outputmod_label") or "Merged")
    setattr(process, label, writer)
    process.outputPath = cms.EndPath(writer)
    return process
