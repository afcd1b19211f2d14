# Example: reads what the step before wrote, writes one output file. Runs under python 2 and python 3.
import FWCore.ParameterSet.Config as cms

process = cms.Process("RECO")
process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring("/store/example/input.root"))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(-1))
process.GlobalTag = cms.ESSource("PoolDBESSource", globaltag=cms.string("EXAMPLE::All"))
process.options = cms.untracked.PSet(numberOfThreads=cms.untracked.uint32(1))
process.reco = cms.EDProducer("ExampleReconstruction")
process.AODSIMoutput = cms.OutputModule(
    "PoolOutputModule", fileName=cms.untracked.string("AODSIMoutput.root"),
    dataset=cms.untracked.PSet(dataTier=cms.untracked.string("AODSIM"), filterName=cms.untracked.string("")))
process.reconstruction = cms.Path(process.reco)
process.out = cms.EndPath(process.AODSIMoutput)
