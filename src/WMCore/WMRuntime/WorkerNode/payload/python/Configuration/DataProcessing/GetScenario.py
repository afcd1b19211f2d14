"""GetScenario: the scenarios of the Tier-0, each a maker of processes"""
import FWCore.ParameterSet.Config as cms

SCENARIOS = ("pp", "cosmics", "HeavyIons", "AlCa", "AlCaLumiPixels", "AlCaPhiSymEcal", "AlCaTestEnable", "hcalnzs",
             "ppEra_Run2_2016", "ppEra_Run2_2017", "ppEra_Run2_2018", "ppEra_Run3", "cosmicsEra_Run2_2018",
             "cosmicsEra_Run3", "trackingOnlyEra_Run3", "Test")


class Scenario(object):
    """Makes processes that have the right shape (source, tag, output modules) and no physics."""

    def __init__(self, name):
        self.name = name

    def promptReco(self, globalTag, **options):
        """
        Make the process of a prompt reconstruction.

        :param globalTag: name of the conditions
        :param options: outputs (list of dicts with moduleLabel, dataTier), writeTiers (list of data tiers)
        :return: cms.Process
        """
        return self._process("RECO", globalTag, options, ["RECO"])

    def expressProcessing(self, globalTag, **options):
        """
        Make the process of the express stream.

        :param globalTag: name of the conditions
        :param options: as of promptReco
        :return: cms.Process
        """
        return self._process("RECO", globalTag, options, ["FEVT"])

    def visualizationProcessing(self, globalTag, **options):
        """
        Make the process for event displays.

        :param globalTag: name of the conditions
        :param options: as of promptReco
        :return: cms.Process
        """
        return self._process("RECO", globalTag, options, ["FEVT"])

    def alcaSkim(self, skims, **options):
        """
        Make the process that writes the calibration samples.

        :param skims: list of names of samples, one output module each
        :param options: globaltag, and as of promptReco
        :return: cms.Process
        """
        outputs = [{"moduleLabel": "ALCARECOStream%s" % skim, "dataTier": "ALCARECO"} for skim in skims]
        return self._process("ALCA", options.get("globaltag"), dict(options, outputs=outputs), [])

    def dqmHarvesting(self, datasetName, runNumber, globalTag, **options):
        """
        Make the process that harvests the monitoring histograms.

        :param datasetName: name of the data set, `/primary/processed/tier`
        :param runNumber: number of the run
        :param globalTag: name of the conditions
        :param options: as of promptReco
        :return: cms.Process
        """
        process = self._process("HARVESTING", globalTag, dict(options, outputs=[]), [])
        process.dqmSaver = cms.EDAnalyzer("DQMFileSaver", workflow=cms.untracked.string(str(datasetName)),
                                          saveByRun=cms.untracked.int32(int(runNumber)))
        process.endPath = cms.EndPath(process.dqmSaver)
        return process

    def alcaHarvesting(self, globalTag, datasetName, **options):
        """
        Make the process that turns calibration samples into conditions.

        :param globalTag: name of the conditions
        :param datasetName: name of the data set
        :param options: as of promptReco
        :return: cms.Process
        """
        process = self._process("ALCAHARVEST", globalTag, dict(options, outputs=[]), [])
        process.configurationMetadata = cms.untracked.PSet(annotation=cms.untracked.string(str(datasetName)))
        return process

    def _process(self, name, globalTag, options, tiers):
        process = cms.Process(name)
        process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring())
        process.GlobalTag = cms.ESSource("PoolDBESSource", globaltag=cms.string(str(globalTag or "")))
        outputs = options.get("outputs")
        if outputs is None:
            tiers = options.get("writeTiers") or tiers
            outputs = [{"moduleLabel": "write_%s" % tier, "dataTier": tier} for tier in tiers]
        process.outputPath = cms.EndPath()
        for output in outputs:
            label = str(output["moduleLabel"])
            writer = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("%s.root" % label))
            writer.dataset = cms.untracked.PSet(dataTier=cms.untracked.string(str(output.get("dataTier", ""))))
            setattr(process, label, writer)
            process.outputPath += writer
        return process


def getScenario(name):
    """
    Look a scenario up.

    :param name: name of the scenario
    :return: Scenario
    :raises RuntimeError: when there is none of that name
    """
    if name not in SCENARIOS:
        raise RuntimeError("Cannot find scenario %s in Configuration.DataProcessing; there are: %s"
                           % (name, ", ".join(SCENARIOS)))
    return Scenario(name)
