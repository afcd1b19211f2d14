"""The stand-ins for the cmssw-wm-tools commands do what their options say."""
import json

import pytest

PSET = '''
import FWCore.ParameterSet.Config as cms
process = cms.Process("TEST")
process.source = cms.Source("PoolSource",
    fileNames=cms.untracked.vstring("/store/mc/A/00000/34A5B215-CBD5-DE11-BC0F-001D09F2AF1E.root"))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(10))
process.out = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("o.root"))
process.gen = cms.EDProducer("Gen", nEvents=cms.untracked.uint32(3))
process.mix = cms.EDProducer("MixingModule", input=cms.SecSource("EmbeddedRootSource", fileNames=cms.untracked.vstring()))
process.datamix = cms.EDProducer("DataMixingModule",
    secsource=cms.SecSource("EmbeddedRootSource", fileNames=cms.untracked.vstring()))
process.dqmSaver = cms.EDAnalyzer("DQMFileSaver")
process.RandomNumberGeneratorService = cms.Service("RandomNumberGeneratorService",
    gen=cms.PSet(initialSeed=cms.untracked.uint32(1)))
'''
DUMP = '''
import pickle
import sys
sys.path.insert(0, sys.argv[1])
sys.stdout.write(pickle.load(open(sys.argv[2], "rb")).dumpPython())
'''
IN_OUT = ["--input_pkl", "PSet.pkl", "--output_pkl", "PSet.pkl"]


class Work(object):
    """A directory with a PSet.pkl."""

    def __init__(self, tree, releaseName, path):
        self.tree, self.releaseName, self.path = tree, releaseName, path
        (path / "PSet.py").write_text(PSET)
        (path / "dump.py").write_text(DUMP)
        self.run("edm_pset_pickler.py", "--input", "PSet.py", "--output_pkl", "PSet.pkl")

    def run(self, *arguments, **expectation):
        """Run a tool; return what it printed."""
        return self.tree.run(self.releaseName, arguments, self.path, **expectation)

    def tweak(self, tweaks, *flags, **expectation):
        """Apply tweaks; return the process as text."""
        (self.path / "tweak.json").write_text(json.dumps(tweaks))
        self.run("edm_pset_tweak.py", "--json", "tweak.json", *(IN_OUT + list(flags)), **expectation)
        return self.dump()

    def dump(self, name="PSet.pkl"):
        """Return the process of a pickle as python text."""
        interpreter = "python3" if self.releaseName == "CMSSW_13_0_3" else "python"
        return self.run(interpreter, "-B", "dump.py", self.tree.release(self.releaseName) + "/python", name)[0]


@pytest.fixture
def work(tree, releaseName, tmp_path):
    """A Work in each kind of release."""
    return Work(tree, releaseName, tmp_path)


@pytest.fixture
def work3(tree, tmp_path):
    """A Work in the python 3 release."""
    return Work(tree, "CMSSW_13_0_3", tmp_path)


def testToolsRunOnThePythonOfCmsRunWithProtocol0(work):
    call = [call for call in work.tree.calls() if call["program"] == "edm_pset_pickler.py"][-1]
    assert call["python"][0] == ("3" if work.releaseName == "CMSSW_13_0_3" else "2")
    assert call["exit"] == 0 and call["argv"][1:3] == ["--input", "PSet.py"]
    assert (work.path / "PSet.pkl").read_bytes().startswith(b"c")  # protocol 0: the GLOBAL opcode, as text


def testTweaksSetPlainAndTypedValues(work):
    text = work.tweak({"process.maxEvents.input": 7, "source.firstRun": "customTypeCms.untracked.uint32(5)",
                       "process.out.fileName": "x.root", "process.source.fileNames": ["/store/b.root"]})
    assert "cms.untracked.int32(7)" in text and "firstRun = cms.untracked.uint32(5)" in text
    assert "'x.root'" in text and "'/store/b.root'" in text


def testListOfTweaksIsAppliedInOrder(work3):
    text = work3.tweak([{"process.new": "customTypeCms.untracked.PSet()"}, {"process.new.a": "customTypeCms.int32(4)"}])
    assert "a = cms.int32(4)" in text


def testSkipIfSetLeavesValuesAlone(work3):
    text = work3.tweak({"process.out.fileName": "customTypeCms.untracked.string('')",
                        "process.out.logicalFileName": "customTypeCms.untracked.string('/store/l.root')"}, "--skip_if_set")
    assert "'o.root'" in text and "'/store/l.root'" in text


def testMissingWayFailsUnlessAllowed(work3):
    before = (work3.path / "PSet.pkl").read_bytes()
    work3.tweak({"process.no.such": 1}, expect=1)
    assert (work3.path / "PSet.pkl").read_bytes() == before
    text = work3.tweak([{"process.no.such": 1}, {"process.maxEvents.input": 3}], "--allow_failed_tweaks")
    assert "cms.untracked.int32(3)" in text


def testUntrackedPsetsAreMadeOnTheWay(work3):
    text = work3.tweak({"process.a.b.c": "customTypeCms.untracked.int32(9)"}, "--create_untracked_psets")
    assert "process.a = cms.untracked.PSet(" in text and "cms.untracked.int32(9)" in text


def testSeveralPicklesAndTweakFiles(work3):
    (work3.path / "one.json").write_text('{"process.maxEvents.input": 1}')
    (work3.path / "two.json").write_text('[{"process.maxEvents.input": 2}]')
    work3.run("edm_pset_tweak.py", "--json", "one.json", "two.json", "--input_pkl", "PSet.pkl", "PSet.pkl",
              "--output_pkl", "a.pkl", "b.pkl")
    assert work3.dump("a.pkl") == work3.dump("b.pkl") and "input = cms.untracked.int32(2)" in work3.dump("a.pkl")
    work3.run("edm_pset_tweak.py", "--json", "one.json", "--input_pkl", "PSet.pkl", "--output_pkl", "a", "b", expect=1)


@pytest.mark.parametrize("arguments, code", [
    (["--json", "missing.json"] + IN_OUT, 1), (["--json", "PSet.py"] + IN_OUT, 1), (IN_OUT, 2),
    (["--json", "ok.json", "--input_pkl", "PSet.py", "--output_pkl", "x"], 1), (["--nonsense"], 2)])
def testBadInputIsRefused(work3, arguments, code):
    (work3.path / "ok.json").write_text("{}")
    work3.run("edm_pset_tweak.py", *arguments, expect=code)
    assert work3.tree.calls()[-1]["exit"] == code


def testPicklerFailsOnABrokenPset(work3):
    (work3.path / "bad.py").write_text("raise RuntimeError('no')\n")
    _, err = work3.run("edm_pset_pickler.py", "--input", "bad.py", "--output_pkl", "bad.pkl", expect=1)
    assert "RuntimeError: no" in err and not (work3.path / "bad.pkl").exists()


def testEventNumberOfProducersFollowsMaxEvents(work):
    work.run("cmssw_handle_nEvents.py", *IN_OUT)
    assert "nEvents = cms.untracked.uint32(10)" in work.dump()


def testSeedsAreNewOrRecalledOrLeft(work):
    work.run("cmssw_handle_random_seeds.py", "--seeding", "None", *IN_OUT)
    assert "initialSeed = cms.untracked.uint32(1)" in work.dump()
    work.run("cmssw_handle_random_seeds.py", "--seeding", "AutomaticSeeding", *IN_OUT)
    assert "initialSeed = cms.untracked.uint32(1)" not in work.dump()
    (work.path / "seeds.json").write_text('{"process.RandomNumberGeneratorService.gen.initialSeed": 77}')
    work.run("cmssw_handle_random_seeds.py", "--seeding", "ReproducibleSeeding", "--reproducible_json", "seeds.json", *IN_OUT)
    assert "initialSeed = cms.untracked.uint32(77)" in work.dump()


def testPileupGoesToTheModulesOfItsKind(work):
    (work.path / "pileup.json").write_text(json.dumps({
        "mc": {"eventsAvailable": 10, "FileList": ["/store/mc/pu.root"]},
        "data": {"eventsAvailable": 10, "FileList": ["/store/data/pu1.root", "/store/data/pu2.root"]}}))
    work.run("cmssw_handle_pileup.py", "--pileup_dict", "pileup.json", "--skip_pileup_events", "13", "--random_seed", "task", *IN_OUT)
    text = work.dump()
    mix = text[text.index("process.mix"):].split("process.")[1]
    assert "/store/mc/pu.root" in mix and "/store/data" not in mix
    assert "skipEvents = cms.untracked.uint32(3)" in text and "sequential = cms.untracked.bool(True)" in text


def testServicesAreAdded(work):
    work.run("cmssw_handle_condor_status_service.py", "--name", "cmsRun1", *IN_OUT)
    work.run("cmssw_enable_lazy_download.py", "--check_lhe_workflow", *IN_OUT)
    text = work.dump()
    assert "'_cmsRun1_'" in text and "lazy-download" not in text
    work.run("cmssw_enable_lazy_download.py", *IN_OUT)
    assert "lazy-download" in work.dump()


def testDqmFileSaverLearnsItsDataset(work):
    work.run("cmssw_handle_dqm_filesaver.py", "--datasetName", "/A/B-v1/DQMIO", "--multiRun", "--runLimits=-1-2",
             "--runIsComplete", *IN_OUT)
    text = work.dump()
    assert "'/A/B-v1-1-2/DQMIO'" in text and "int32(999999)" in text and "runIsComplete = cms.untracked.bool(True)" in text


@pytest.mark.parametrize("source", ["PoolSource", "process.source", "source"])
def testGuidIsEnforcedBySourceTypeOrPath(work3, source):
    work3.run("cmssw_enforce_guid_in_filename.py", "--input_source", source, *IN_OUT)
    assert "enforceGUIDInFileName = cms.untracked.bool(True)" in work3.dump()


@pytest.mark.parametrize("function, options, expected", [
    ("merge", {"outputmod_label": "Merged"}, "process.Merged = cms.OutputModule('PoolOutputModule'"),
    ("repack", {"outputs": [{"moduleLabel": "write_A_RAW", "dataTier": "RAW"}]}, "process.write_A_RAW"),
    ("promptReco", {"scenario": "pp", "globalTag": "GT1", "outputs": [{"moduleLabel": "write_RECO"}]}, "process.write_RECO"),
    ("dqmHarvesting", {"scenario": "pp", "globalTag": "GT1", "datasetName": "/A/B/DQMIO", "runNumber": 5}, "DQMFileSaver")])
def testProcessesAreMade(work, function, options, expected):
    (work.path / "args.json").write_text(json.dumps(options))
    work.run("cmssw_wm_create_process.py", "--output_pkl", "PSet.pkl", "--funcname", function, "--funcargs", "args.json")
    assert expected in work.dump()


def testErrorDatasetHasItsOwnModule(work3):
    (work3.path / "args.json").write_text("{}")
    work3.run("cmssw_wm_create_process.py", "--output_pkl", "PSet.pkl", "--funcname", "merge", "--funcargs", "args.json",
              "--useErrorDataset")
    assert "process.MergedError" in work3.dump()


@pytest.mark.parametrize("function, options", [("promptReco", {"scenario": "none"}), ("promptReco", {"scenario": "pp"}),
                                               ("noSuch", {"scenario": "pp"})])
def testProcessesThatCannotBeMadeAreRefused(work3, function, options):
    (work3.path / "args.json").write_text(json.dumps(options))
    work3.run("cmssw_wm_create_process.py", "--output_pkl", "x.pkl", "--funcname", function, "--funcargs", "args.json", expect=1)
