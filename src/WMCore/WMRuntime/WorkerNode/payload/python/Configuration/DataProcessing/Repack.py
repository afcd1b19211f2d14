"""Repack: the process that turns the streamer files of the data taking into data sets"""
import FWCore.ParameterSet.Config as cms


def repackProcess(**options):
    """
    Make the process of a repack job.

    :param options: outputs (list of dicts with moduleLabel, and selectEvents, dataTier, primaryDataset when known),
        inputs and others ignored
    :return: cms.Process
    """
    process = cms.Process("REPACK")
    process.source = cms.Source("NewEventStreamFileReader", fileNames=cms.untracked.vstring())
    process.outputPath = cms.EndPath()
    for output in options.get("outputs", []):
        label = str(output.get("moduleLabel", "output"))
        writer = cms.OutputModule("PoolOutputModule", compressionAlgorithm=cms.untracked.string("LZMA"),
                                  compressionLevel=cms.untracked.int32(4),
                                  fileName=cms.untracked.string("%s.root" % label))
        writer.dataset = cms.untracked.PSet(dataTier=cms.untracked.string(str(output.get("dataTier", "RAW"))))
        if "primaryDataset" in output:
            writer.dataset.primaryDataset = cms.untracked.string(str(output["primaryDataset"]))
        if "selectEvents" in output:
            paths = [str(path) for path in output["selectEvents"]]
            writer.SelectEvents = cms.untracked.PSet(SelectEvents=cms.vstring(paths))
        setattr(process, label, writer)
        process.outputPath += writer
    return process
