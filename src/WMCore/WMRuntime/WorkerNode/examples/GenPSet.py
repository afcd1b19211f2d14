# Example: ten generated events, one output file. Runs under python 2 and python 3.
import FWCore.ParameterSet.Config as cms

process = cms.Process("GEN")
process.source = cms.Source("EmptySource")
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(10))
process.GlobalTag = cms.ESSource("PoolDBESSource", globaltag=cms.string("EXAMPLE::All"))
process.options = cms.untracked.PSet(numberOfThreads=cms.untracked.uint32(1))
process.RandomNumberGeneratorService = cms.Service(
    "RandomNumberGeneratorService",
    generator=cms.PSet(initialSeed=cms.untracked.uint32(1234), engineName=cms.untracked.string("TRandom3")))
process.generator = cms.EDProducer("ExampleGenerator", nEvents=cms.untracked.uint32(10))
process.RAWSIMoutput = cms.OutputModule(
    "PoolOutputModule", fileName=cms.untracked.string("RAWSIMoutput.root"),
    dataset=cms.untracked.PSet(dataTier=cms.untracked.string("GEN-SIM"), filterName=cms.untracked.string("")))
process.generation = cms.Path(process.generator)
process.out = cms.EndPath(process.RAWSIMoutput)
