"""The stand-in for FWCore behaves as the parts of FWCore that production uses, on python 2 and 3."""
import os

import pytest

CHECK = '''
import pickle
import FWCore.ParameterSet.Config as cms

process = cms.Process("TEST")
process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring("/store/a.root"),
                            lumisToProcess=cms.untracked.VLuminosityBlockRange(["1:1-1:5", "2:1-2:max"]))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(10))
process.gen = cms.EDProducer("Gen", nEvents=cms.untracked.uint32(3), tag=cms.InputTag("a", "", "X"), x=cms.vdouble(1, 2.5),
                             ps=cms.VPSet(cms.PSet(a=cms.int32(1))), flag=cms.bool(True), big=cms.uint64(2 ** 63),
                             sub=cms.SecSource("EmbeddedRootSource", fileNames=cms.untracked.vstring()))
process.flt = cms.EDFilter("Filter")
process.out = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("o.root"))
process.seq = cms.Sequence(process.gen + ~process.flt)
process.p = cms.Path(process.seq)
process.e = cms.EndPath(process.out)
process.schedule = cms.Schedule(process.p, process.e)
process.CPU = cms.Service("CPU")
'''


def run(tree, releaseName, tmp_path, text):
    """Run a python text in the release's python with FWCore."""
    interpreter = "python3" if releaseName == "CMSSW_13_0_3" else "python"
    (tmp_path / "check.py").write_text("import sys\nsys.path.insert(0, %r)\n" % os.path.join(tree.release(releaseName), "python")
                                       + CHECK + text)
    return tree.run(releaseName, [interpreter, "-B", "check.py"], tmp_path)


def testPickleRoundTripKeepsTypesAndText(tree, releaseName, tmp_path):
    run(tree, releaseName, tmp_path, '''
again = pickle.loads(pickle.dumps(process, 0))
assert sorted(again.dumpPython().split()) == sorted(process.dumpPython().split())
assert type(again.maxEvents.input) is cms.int32 and not again.maxEvents.input.isTracked()
assert again.p.moduleNames() == set(["gen", "flt"])
''')


def testDumpedTextMakesTheSameProcess(tree, releaseName, tmp_path):
    run(tree, releaseName, tmp_path, '''
names = {}
exec(process.dumpPython(), names)
assert sorted(names["process"].dumpPython().split()) == sorted(process.dumpPython().split())
''')


def testPlainValuesKeepTypeAndTrackedness(tree, releaseName, tmp_path):
    run(tree, releaseName, tmp_path, '''
process.maxEvents.input = 5
assert type(process.maxEvents.input) is cms.int32 and process.maxEvents.input.value() == 5
assert process.maxEvents.input.configTypeName() == "untracked int32"
process.source.fileNames = ["/store/b.root"]
assert type(process.source.fileNames) is cms.vstring
process.gen.tag = "b:c"
assert process.gen.tag.getProductInstanceLabel() == "c"
''')


def testComponentsAreRegisteredByKind(tree, releaseName, tmp_path):
    run(tree, releaseName, tmp_path, '''
assert list(process.outputModules) == ["out"] == list(process.outputModules_())
assert list(process.services) == ["CPU"] and list(process.producers) == ["gen"] and list(process.filters) == ["flt"]
assert process.source.type_() == "PoolSource" and process.out.label_() == "out"
assert not hasattr(process, "missing")
del process.gen
assert list(process.producers) == [] and not hasattr(process, "gen")
''')


@pytest.mark.parametrize("statement", [
    "process.maxEvents.input = 'many'", "process.source.newOne = 5", "process.x = 5", "process.Other = cms.Service('CPU')",
    "cms.int32(2 ** 31)", "cms.uint32(-1)", "cms.vstring(1)", "cms.VLuminosityBlockRange('one')",
    "process.mysource = cms.Source('EmptySource')", "cms.untracked.nonsense(1)", "cms.bool(2)", "cms.string(None)"])
def testWrongAssignmentsAreRefused(tree, tmp_path, statement):
    run(tree, "CMSSW_13_0_3", tmp_path, '''
try:
    %s
except (TypeError, ValueError, AttributeError):
    pass
else:
    raise SystemExit("accepted")
''' % statement)
