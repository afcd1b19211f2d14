"""The stand-in for cmsRun reads, writes, reports and exits as cmsRun does."""
import json
import os
import signal
import time
import xml.etree.ElementTree as ElementTree
import zlib

import pytest

GEN = '''
import FWCore.ParameterSet.Config as cms
process = cms.Process("GEN")
process.source = cms.Source("EmptySource", firstRun=cms.untracked.uint32(3), firstLuminosityBlock=cms.untracked.uint32(7),
                            firstEvent=cms.untracked.uint32(101), numberEventsInLuminosityBlock=cms.untracked.uint32(4))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(10))
process.options = cms.untracked.PSet(numberOfThreads=cms.untracked.uint32(4))
process.out = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("out.root"),
                               logicalFileName=cms.untracked.string("/store/unmerged/x/out.root"))
process.endPath = cms.EndPath(process.out)
for name in "CPU", "Timing", "SimpleMemoryCheck":
    process.add_(cms.Service(name))
'''
READ = '''
import FWCore.ParameterSet.Config as cms
process = cms.Process("RECO")
process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring(%s))
process.out = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("reco.root"))
%s
'''


def report(path):
    """Parse the job report of a directory."""
    return ElementTree.parse(str(path / "FrameworkJobReport.xml")).getroot()


def lumisOf(element):
    """Return {run: {lumi: number of events or None}} of a file's element."""
    return {int(run.get("ID")): {int(lumi.get("ID")): int(lumi.get("NEvents")) if lumi.get("NEvents") else None
                                 for lumi in run} for run in element.find("Runs")}


def errorsOf(root):
    """Return the exit codes of a report's errors."""
    return [int(error.get("ExitStatus")) for error in root.findall("FrameworkError")]


def read(tree, path, files, more="", **keywords):
    """Run cmsRun of the python 3 release on files; return the report."""
    tree.cmsRun("CMSSW_13_0_3", READ % (", ".join(repr(name) for name in files), more), path, **keywords)
    return report(path)


def testEventsAreMadeWrittenAndReported(tree, releaseName, tmp_path):
    out, err = tree.cmsRun(releaseName, GEN, tmp_path)
    root = report(tmp_path)
    written = root.find("File")
    assert written.findtext("TotalEvents") == "10" and written.findtext("LFN") == "/store/unmerged/x/out.root"
    assert lumisOf(written) == {3: {7: 4, 8: 4, 9: 2}}
    assert written.findtext("OutputModuleClass") == "PoolOutputModule" and len(written.findtext("GUID")) == 36
    assert [item.get("Metric") for item in root.iter("PerformanceSummary")] == [
        "SystemCPU", "ApplicationMemory", "SystemMemory", "Timing", "StorageStatistics"]
    assert errorsOf(root) == [] and (tmp_path / "out.root").stat().st_size > 640
    assert "4 threads" in out and releaseName in out.splitlines()[0]
    assert "Begin processing the 1st record. Run 3, Event 101, LumiSection 7 " in err
    assert "Begin processing the 10th record. Run 3, Event 110, LumiSection 9 " in err


def testThreadsOfTheCommandLineWin(tree, tmp_path):
    (tmp_path / "PSet.py").write_text(GEN)
    out, _ = tree.run("CMSSW_13_0_3", ["cmsRun", "-n", "2", "PSet.py"], tmp_path)
    assert "2 threads" in out and not (tmp_path / "FrameworkJobReport.xml").exists()


def testConfigurationMayLoadAPickleAndSeesItsArguments(tree, releaseName, tmp_path):
    (tmp_path / "Gen.py").write_text(GEN)
    tree.run(releaseName, ["edm_pset_pickler.py", "--input", "Gen.py", "--output_pkl", "PSet.pkl"], tmp_path)
    (tmp_path / "PSet.py").write_text("import FWCore.ParameterSet.Config as cms\nimport pickle\nimport sys\n"
                                      "with open('PSet.pkl', 'rb') as handle:\n    process = pickle.load(handle)\n"
                                      "process.maxEvents.input = int(sys.argv[2])\n")
    tree.run(releaseName, ["cmsRun", "-j", "FrameworkJobReport.xml", "PSet.py", "6"], tmp_path)
    assert report(tmp_path).find("File").findtext("TotalEvents") == "6"


def testChainReadsWhatTheStepBeforeWrote(tree, releaseName, tmp_path):
    first, second = tmp_path / "cmsRun1", tmp_path / "cmsRun2"
    first.mkdir()
    second.mkdir()
    tree.cmsRun(releaseName, GEN, first)
    tree.cmsRun(releaseName, READ % ("'file:../cmsRun1/out.root'", ""), second)
    root = report(second)
    source = root.find("InputFile")
    assert source.findtext("PFN") == "file:../cmsRun1/out.root" and not source.findtext("LFN")
    assert source.findtext("GUID") == report(first).find("File").findtext("GUID")
    assert source.findtext("EventsRead") == "10" and lumisOf(root.find("File")) == {3: {7: 4, 8: 4, 9: 2}}
    assert [item.findtext("PFN") for item in root.iter("Input")] == ["file:../cmsRun1/out.root"]


def testFilesThatAreNowhereAreSimulatedTheSameWayEachTime(tree, tmp_path):
    name = "/store/data/A/RAW/v1/000/121/849/34A5B215-CBD5-DE11-BC0F-001D09F2AF1E.root"
    checksums = []
    for _ in range(2):
        root = read(tree, tmp_path, [name, "/store/mc/B/x.root"])
        content = json.loads((tmp_path / "reco.root").read_text().split("\n", 1)[1])
        checksums.append(zlib.adler32(json.dumps(content["events"]).encode()))
    sources = root.findall("InputFile")
    assert [source.findtext("EventsRead") for source in sources] == ["100", "100"]
    assert sources[0].findtext("GUID") == "34A5B215-CBD5-DE11-BC0F-001D09F2AF1E" and checksums[0] == checksums[1]
    assert sorted(lumisOf(root.find("File"))) == [1, 121849]


def testLumiMaskSkipAndMaxEventsAreHonoured(tree, tmp_path):
    more = ("process.source.lumisToProcess = cms.untracked.VLuminosityBlockRange('1:2-1:3', '1:9-1:max')\n"
            "process.source.skipEvents = cms.untracked.uint32(5)\nprocess.maxEvents.input = 30")
    root = read(tree, tmp_path, ["/store/mc/B/x.root", "/store/mc/B/never-opened.root"], more)
    assert lumisOf(root.find("File")) == {1: {2: 5, 3: 10, 9: 10, 10: 5}}
    assert [source.findtext("LFN") for source in root.findall("InputFile")] == ["/store/mc/B/x.root"]


def testFilesOfTheNodesStorageAreReallyRead(tree, tmp_path):
    stored = os.path.join(tree.root, "storage", "store", "unmerged", "x")
    os.makedirs(stored)
    tree.cmsRun("CMSSW_13_0_3", GEN.replace("out.root\"),", stored + "/kept.root\"),", 1), tmp_path)
    root = read(tree, tmp_path, ["/store/unmerged/x/kept.root"])
    assert root.find("InputFile").findtext("EventsRead") == "10"
    assert root.find("InputFile").findtext("PFN") == "file:" + stored + "/kept.root"


def testHarvestingWritesAnAnalysisFile(tree, tmp_path):
    root = read(tree, tmp_path, ["/store/x.root"],
                "process.dqmSaver = cms.EDAnalyzer('DQMFileSaver', workflow=cms.untracked.string('/A/B-v1/DQMIO'))")
    assert root.find("AnalysisFile").findtext("FileName") == "DQM_V0001_R000000001__A__B-v1__DQMIO.root"
    assert (tmp_path / "DQM_V0001_R000000001__A__B-v1__DQMIO.root").exists()


@pytest.mark.parametrize("pset, code", [
    ("raise RuntimeError('no')", 7002), ("x = 1", 7002), ("def (:", 7002), ("raise SystemExit(0)", 7002),
    ("import FWCore.ParameterSet.Config as cms\nprocess = cms.Process('X')", 8009),
    (READ % ("'file:missing.root'", ""), 8020), (READ % ("'file:PSet.py'", ""), 8021), (READ % ("", ""), 8009),
    (GEN.replace("out.root\"),", "no/such/place/out.root\"),", 1), 8022)])
def testFailuresHaveTheCodesOfCmsRun(tree, releaseName, tmp_path, pset, code):
    _, err = tree.cmsRun(releaseName, pset, tmp_path, expect=code % 256)
    assert errorsOf(report(tmp_path)) == [code] and "Begin Fatal Exception" in err


@pytest.mark.parametrize("arguments, code", [
    (["-j", "r.xml", "missing.py"], 7001), (["-j", "r.xml"], 7001), (["--nonsense", "PSet.py"], 7000), (["-j"], 7000)])
def testBadCommandLines(tree, tmp_path, arguments, code):
    tree.run("CMSSW_13_0_3", ["cmsRun"] + arguments, tmp_path, expect=code % 256)
    assert (tmp_path / "r.xml").exists() == (code == 7001)


def testBadFileIsSkippedWhenAllowed(tree, tmp_path):
    root = read(tree, tmp_path, ["file:missing.root", "/store/x.root"], "process.source.skipBadFiles = cms.untracked.bool(True)")
    assert [item.get("Pfn") for item in root.findall("SkippedFile")] == ["file:missing.root"]
    assert root.find("File").findtext("TotalEvents") == "100" and errorsOf(root) == []


def startSlow(tree, releaseName, tmp_path):
    """Start a cmsRun of slow events; return it when it has processed the first."""
    (tmp_path / "PSet.py").write_text(GEN)
    (tmp_path / "wmruntimeFault.json").write_text(json.dumps({"step": None, "fault": "slow", "value": 0.3}))
    child = tree.start(releaseName, ["cmsRun", "-j", "FrameworkJobReport.xml", "PSet.py"], tmp_path)
    for line in child.stderr:
        if line.startswith(b"Begin processing the 1st"):
            return child
    raise AssertionError("cmsRun ended before its first event")


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGINT])
def testSignalEndsCleanlyAtTheNextEvent(tree, releaseName, tmp_path, number):
    child = startSlow(tree, releaseName, tmp_path)
    child.send_signal(number)
    child.communicate(timeout=60)
    root = report(tmp_path)
    assert child.returncode == 0 and errorsOf(root) == [] and 1 <= int(root.find("File").findtext("TotalEvents")) < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def testKilledJobLeavesThePlaceholderOrATruncatedReport(tree, releaseName, tmp_path, number):
    child = startSlow(tree, releaseName, tmp_path)
    child.send_signal(number)
    child.communicate(timeout=60)
    assert child.returncode == -number
    if releaseName == "CMSSW_13_0_3":
        assert errorsOf(report(tmp_path)) == [8901]
    else:
        with pytest.raises(ElementTree.ParseError):
            report(tmp_path)


def testUpstreamsParserFillsAReport(tree, tmp_path):
    module = pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs the WMCore distribution")
    tree.cmsRun("CMSSW_13_0_3", READ % ("'/store/mc/B/x.root'", "for name in 'CPU', 'Timing', 'SimpleMemoryCheck':\n"
                                        "    process.add_(cms.Service(name))"), tmp_path)
    made = module.Report("cmsRun1")
    made.parse(str(tmp_path / "FrameworkJobReport.xml"))
    files, inputs = made.getAllFilesFromStep("cmsRun1"), made.getAllInputFiles()
    assert [item["events"] for item in files] == [100] and [item["lfn"] for item in inputs] == ["/store/mc/B/x.root"]
    assert sorted(run.run for run in files[0]["runs"]) == [1] and len(list(files[0]["runs"])[0].lumis) == 10
    performance = made.retrieveStep("cmsRun1").performance
    assert float(performance.memory.PeakValueRss) > 1 and float(performance.cpu.TotalJobTime) > 0
    assert performance.storage.writeTotalMB >= 0 and made.getExitCode() == 0


def testCallIsLoggedBeforeTheEnd(tree, tmp_path):
    child = startSlow(tree, "CMSSW_13_0_3", tmp_path)
    call = [call for call in tree.calls() if call["pid"] == child.pid]
    child.kill()
    child.communicate(timeout=60)
    assert call and call[0]["program"] == "cmsRun" and call[0]["cwd"] == str(tmp_path) and call[0]["time"] <= time.time()
