"""
Kinds of jobs whose PSet is set up, under whichever runtime comes first in PYTHONPATH.

    python PSetCases.py <case> <release> <arch> <step directory>

makes the step and the job with WMCore's own classes, lays the configuration into the directory and calls SetupCMSSWPset
there. Each case is a function of (helper, job, directory).
"""
import json
import logging
import os
import sys

GUID = "0A1B2C3D-0A1B-0A1B-0A1B-0A1B2C3D4E5F"
FILES = ["/store/data/Run/%s.root" % GUID, "/store/data/Run/other.root"]

HEADER = """import FWCore.ParameterSet.Config as cms
process = cms.Process("TEST")
process.GlobalTag = cms.ESSource("PoolDBESSource", globaltag=cms.string("OLD::All"))
"""
READING = HEADER + """
process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring("file:user.root"))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(7))
process.RECOoutput = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("mine.root"),
                                      dataset=cms.untracked.PSet(dataTier=cms.untracked.string("RECO")))
process.extra = cms.OutputModule("PoolOutputModule")
process.out = cms.EndPath(process.RECOoutput + process.extra)
"""
GENERATING = HEADER + """
process.source = cms.Source("EmptySource")
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(10))
process.options = cms.untracked.PSet(numberOfThreads=cms.untracked.uint32(1), wantSummary=cms.untracked.bool(True))
process.RandomNumberGeneratorService = cms.Service(
    "RandomNumberGeneratorService",
    generator=cms.PSet(initialSeed=cms.untracked.uint32(1234), engineName=cms.untracked.string("TRandom3")),
    mix=cms.PSet(initialSeed=cms.untracked.uint32(5678)))
process.generator = cms.EDProducer("ExampleGenerator", nEvents=cms.untracked.uint32(10))
process.filter = cms.EDFilter("ExampleFilter")
process.RECOoutput = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("gen.root"))
process.generation = cms.Path(process.generator + process.filter)
process.out = cms.EndPath(process.RECOoutput)
"""
MIXING = GENERATING + """
process.mix = cms.EDProducer("MixingModule", input=cms.SecSource(
    "EmbeddedRootSource", fileNames=cms.untracked.vstring("/store/old.root")))
process.mixData = cms.EDProducer("DataMixingModule", input=cms.SecSource(
    "EmbeddedRootSource", fileNames=cms.untracked.vstring("/store/old.root")))
process.mixing = cms.Path(process.mix + process.mixData)
"""
LHE = GENERATING.replace('cms.Source("EmptySource")', 'cms.Source("LHESource", fileNames=cms.untracked.vstring())')


def configuration(directory, text):
    """Lay the configuration into the step's directory."""
    with open(os.path.join(directory, "PSet.py"), "w") as handle:
        handle.write(text)


def outputs(helper, *names):
    """Name the output modules of the step."""
    for name in names:
        helper.addOutputModule(name, primaryDataset="P", processedDataset="D-v1", dataTier="RECO", filterName="",
                               lfnBase="/store/unmerged/E/P/RECO/v1", mergedLFNBase="/store/data/E/P/RECO/v1")


def inputs(job, *lfns, **options):
    """Give the job its files."""
    from WMCore.DataStructs.File import File
    for lfn in lfns:
        known = File(lfn=lfn, size=1000, events=10)
        for parent in options.get("parents", ()):
            known["parents"].add(File(lfn=parent))
        job.addFile(known)


def generated(job):
    """Give the job the input of one that generates its events."""
    inputs(job, "MCFakeFile-1")
    job["mask"].update(FirstEvent=1, LastEvent=10, FirstLumi=3, LastLumi=3, FirstRun=1, LastRun=1)


def reading(helper, job, directory, text=READING, **options):
    """Set the common part of jobs up that read files."""
    configuration(directory, text)
    outputs(helper, "RECOoutput")
    inputs(job, *FILES, **options)


def processing(helper, job, directory):
    reading(helper, job, directory, parents=["/store/parent.root"])
    outputs(helper, "extra", "Sqlite")
    helper.setNumberOfCores(4, 2)
    job.getBaggage().seeding = "AutomaticSeeding"


def skipBadFiles(helper, job, directory):
    reading(helper, job, directory)
    helper.setSkipBadFiles(True)
    helper.data.application.overrideCatalog = "trivialcatalog_file:/some/storage.xml?protocol=direct"
    helper.data.application.command.oneEventMode = True
    helper.data.application.command.silentMemoryCheck = True


def lumiBased(helper, job, directory):
    reading(helper, job, directory)
    job["mask"].addRunAndLumis(run=305000, lumis=[1, 5])
    job["mask"].addRunAndLumis(run=305000, lumis=[10, 12])
    job["mask"].addRunAndLumis(run=305001, lumis=[7, 7])


def eventBased(helper, job, directory):
    reading(helper, job, directory)
    job["mask"].update(FirstEvent=100, LastEvent=199)


def generation(helper, job, directory):
    configuration(directory, GENERATING)
    outputs(helper, "RECOoutput")
    generated(job)
    helper.setEventsPerLumi(50)
    job.getBaggage().seeding = "AutomaticSeeding"


def resized(helper, job, directory):
    generation(helper, job, directory)
    helper.setNumberOfCores(2, 2)
    for name, text in (("job", "WMCore_ResizeJob = true\n"), ("machine", "Cpus = 6\nMemory = 12000\n")):
        path = os.path.join(directory, name + ".ad")
        with open(path, "w") as handle:
            handle.write(text)
        os.environ["_CONDOR_%s_AD" % name.upper()] = path


def chained(helper, job, directory):
    reading(helper, job, directory)
    helper.setupChainedProcessing("cmsRun0", "RAWSIMoutput")


def merge(helper, job, directory):
    helper.setDataProcessingConfig("cosmics", "merge", newDQMIO=False)
    helper.setNumberOfCores(8, 4)
    outputs(helper, "Merged", "MergedError")
    inputs(job, *FILES)


def mergeErrors(helper, job, directory):
    merge(helper, job, directory)
    job.getBaggage().useErrorDataset = True


def harvesting(helper, job, directory):
    helper.setDataProcessingConfig("pp", "dqmHarvesting", datasetName="/P/D-v1/DQMIO", runNumber=305000,
                                   globalTag="HARVEST::All")
    inputs(job, *FILES)
    bag = job.getBaggage()
    bag.runIsComplete, bag.multiRun, bag.runLimits = True, True, "-305000-305010"


def alcaHarvesting(helper, job, directory):
    helper.setDataProcessingConfig("AlCa", "alcaHarvesting", globalTag="ALCA::All", datasetName="/P/D-v1/ALCAPROMPT")
    helper.setNumberOfCores(8, 8)
    inputs(job, *FILES)


def promptReco(helper, job, directory):
    helper.setDataProcessingConfig("ppEra_Run3", "promptReco", globalTag="PROMPT::All", writeTiers=["RECO", "AOD"])
    outputs(helper, "write_RECO", "write_AOD")
    inputs(job, *FILES)


def repack(helper, job, directory):
    helper.setDataProcessingConfig("cosmics", "repack", outputs=[{"moduleLabel": "write_A_RAW", "dataTier": "RAW"},
                                                                 {"moduleLabel": "write_B_RAW", "dataTier": "RAW"}])
    outputs(helper, "write_A_RAW", "write_B_RAW")
    inputs(job, "/store/t0streamer/a.dat")


def lhe(helper, job, directory):
    configuration(directory, LHE)
    outputs(helper, "RECOoutput")
    inputs(job, "MCFakeFile-1")
    job["mask"].update(FirstEvent=101, LastEvent=200, FirstLumi=2, LastLumi=2, FirstRun=1, LastRun=1)
    job.getBaggage().lheInputFiles = True


def _pileup(helper, job, directory, *types):
    from WMCore.Storage.SiteLocalConfig import loadSiteLocalConfig
    configuration(directory, MIXING)
    outputs(helper, "RECOoutput")
    generated(job)
    here = loadSiteLocalConfig().localStageOut["phedex-node"]
    helper.setupPileup({kind: ["/P/D-v1/PU"] for kind in types}, "https://dbs.example")
    content = {kind: {"/P/D-v1/PU#b%d" % block: {
        "FileList": ["/store/%s/%d/%d.root" % (kind, block, number) for number in range(4)],
        "NumberOfEvents": 100 * block, "PhEDExNodeNames": [here] if block != 2 else ["T2_Elsewhere"]}
                      for block in (1, 2, 3)} for kind in types}
    with open(os.path.join(directory, "pileupconf.json"), "w") as handle:
        json.dump(content, handle)


def pileup(helper, job, directory):
    _pileup(helper, job, directory, "mc")


def pileupAnywhere(helper, job, directory):
    _pileup(helper, job, directory, "mc")
    job.getBaggage().trustPUSitelists = True


def pileupData(helper, job, directory):
    _pileup(helper, job, directory, "data")
    job.getBaggage().skipPileupEvents = 130


def pileupTwoTypes(helper, job, directory):
    _pileup(helper, job, directory, "data", "mc")


def reproducible(helper, job, directory):
    generation(helper, job, directory)
    job.addBaggageParameter("seeding", "ReproducibleSeeding")
    job.addBaggageParameter("process.RandomNumberGeneratorService.generator.initialSeed", 4711)
    job.addBaggageParameter("process.RandomNumberGeneratorService.mix.initialSeed", 4712)


def rampdown(helper, job, directory):
    reading(helper, job, directory)
    helper.data.application.configuration.maxSecondsUntilRampdown = 3600


def noArguments(helper, job, directory):
    reading(helper, job, directory)
    del helper.data.application.configuration.pickledarguments


def crab(helper, job, directory):
    reading(helper, job, directory)
    helper.setNumberOfCores(4, 2)


def brokenConfiguration(helper, job, directory):
    reading(helper, job, directory, READING + "process.extra.number = cms.int32('many')\n")


def noSource(helper, job, directory):
    reading(helper, job, directory, READING.replace("process.source", "source"))


def missingModuleInTweak(helper, job, directory):
    reading(helper, job, directory, READING + "del process.GlobalTag\n")


class StepSpace(object):
    """Say where the step is."""

    def __init__(self, location):
        self.location = location
        self.stepName = "cmsRun1"


def makeScript(case, release, arch, directory):
    """Make SetupCMSSWPset for a case."""
    from WMCore.DataStructs.Job import Job
    from WMCore.WMRuntime.Scripts.SetupCMSSWPset import SetupCMSSWPset
    from WMCore.WMSpec.Steps import StepFactory
    from WMCore.WMSpec.WMWorkload import newWorkload
    task = newWorkload("Cases").newTask("Task")
    task.setTaskType("Production")
    step = task.makeStep("cmsRun1")
    step.setStepType("CMSSW")
    StepFactory.getStepTemplate("CMSSW")(step.data)
    helper = step.getTypeHelper()
    helper.cmsswSetup(release, softwareEnvironment="", scramArch=[arch])
    helper.setGlobalTag("CASE::All")
    job = Job(name="job-1")
    job.update(id=1, task=task.getPathName(), workflow="Cases", counter=2001, agentNumber=3)
    globals()[case](helper, job, directory)
    script = SetupCMSSWPset(crabPSet=case.startswith("crab"))
    script.task, script.job, script.step, script.stepSpace = task, job, task.getStep("cmsRun1"), StepSpace(directory)
    if script.crabPSet:
        # From CMSSW_VERSION and SCRAM_ARCH; the stand-in for scram does not say again what the environment has.
        script.getCmsswVersion, script.getScramVersion = lambda: release, lambda: arch
    return script


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    os.makedirs(sys.argv[4])
    sys.exit(makeScript(*sys.argv[1:])())
