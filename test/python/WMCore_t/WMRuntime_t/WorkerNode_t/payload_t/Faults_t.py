"""Each fault does what FAULTS says of it."""
import json
import os
import signal
import time
import xml.etree.ElementTree as ElementTree

import pytest

from WMCore.WMRuntime.WorkerNode.payload.wmruntimeStandIn.Faults import DIRT, FAULTS, findFault

PSET = '''
import pickle
import FWCore.ParameterSet.Config as cms
process = cms.Process("GEN")
process.source = cms.Source("PoolSource", fileNames=cms.untracked.vstring("/store/a.root", "/store/b.root"))
process.maxEvents = cms.untracked.PSet(input=cms.untracked.int32(20))
process.out = cms.OutputModule("PoolOutputModule", fileName=cms.untracked.string("out.root"))
'''


class Run(object):
    """One cmsRun with a fault."""

    def __init__(self, tree, path, fault, value=None, expect=0, release="CMSSW_13_0_3", pset=PSET):
        self.path = path
        self.out, self.err = tree.cmsRun(release, pset, path, expect, {"step": None, "fault": fault, "value": value})

    def raw(self):
        """Return the bytes of the report."""
        return (self.path / "FrameworkJobReport.xml").read_bytes()

    def root(self):
        """Return the parsed report."""
        return ElementTree.fromstring(self.raw())

    def errors(self):
        """Return the codes in the report."""
        return [int(error.get("ExitStatus")) for error in self.root().findall("FrameworkError")]


@pytest.mark.parametrize("code", [8001, 8028, 8004])
def testExitHasTheCodeInTheReportAndModulo256(tree, releaseName, tmp_path, code):
    run = Run(tree, tmp_path, "exit", code, code % 256, releaseName)
    assert run.errors() == [code] and not (tmp_path / "out.root").exists()
    assert run.root().find("InputFile").findtext("EventsRead") == "10"


def testExitNoErrorLeavesACompleteReportWithoutError(tree, tmp_path):
    assert Run(tree, tmp_path, "exitNoError", 134, 134).errors() == []


def testExitNoReportLeavesNone(tree, tmp_path):
    Run(tree, tmp_path, "exitNoReport", None, 8001 % 256)
    assert not (tmp_path / "FrameworkJobReport.xml").exists()


def testZeroCodeReportSaysZeroWhileTheProcessFails(tree, tmp_path):
    assert Run(tree, tmp_path, "zeroCodeReport", 137, 137).errors() == [0]


@pytest.mark.parametrize("name", ["SEGV", "ABRT", "TERM", "KILL"])
def testSignalEndsTheProcess(tree, tmp_path, name):
    run = Run(tree, tmp_path, "signal", name, -getattr(signal, "SIG" + name))
    assert run.errors() == [8901] and "Begin processing the 10th" in run.err and "the 11th" not in run.err


def testPlaceholderIsLeftInAnOldReleaseToo(tree, python2, tmp_path):
    if python2 is None:
        pytest.skip("this machine has no python 2.7, so the cmsRun of CMSSW_10_6_30 cannot run")
    assert Run(tree, tmp_path, "placeholder8901", None, -signal.SIGKILL, "CMSSW_10_6_30").errors() == [8901]


def startHanging(tree, path, ignoreTerm):
    """Start a cmsRun that hangs; return it when it does."""
    (path / "PSet.py").write_text(PSET)
    (path / "wmruntimeFault.json").write_text(json.dumps({"fault": "hang", "value": {"ignoreTerm": ignoreTerm, "seconds": 30}}))
    child = tree.start("CMSSW_13_0_3", ["cmsRun", "-j", "FrameworkJobReport.xml", "PSet.py"], path)
    for line in child.stderr:
        if line.startswith(b"Begin processing the 10th"):
            time.sleep(0.3)
            return child
    raise AssertionError("cmsRun ended before it hung")


def testHangEndsByTermUnlessItIgnoresIt(tree, tmp_path):
    child = startHanging(tree, tmp_path, False)
    child.send_signal(signal.SIGUSR2)
    child.terminate()
    child.communicate(timeout=20)
    assert child.returncode == -signal.SIGTERM
    child = startHanging(tree, tmp_path, True)
    child.terminate()
    time.sleep(0.5)
    assert child.poll() is None
    child.kill()
    child.communicate(timeout=20)
    assert child.returncode == -signal.SIGKILL


def testHangEndsByItselfAfterItsTime(tree, tmp_path):
    assert Run(tree, tmp_path, "hang", 0.2).errors() == []


def testBigOutputIsAsBigAsAsked(tree, tmp_path):
    run = Run(tree, tmp_path, "bigOutput", 3000000)
    assert 3000000 < len(run.out) < 3001000 and run.errors() == []


def testTruncatedReportKeepsItsBeginning(tree, tmp_path):
    run = Run(tree, tmp_path, "truncatedReport", {"keep": 0.5, "exit": 65}, 65)
    assert run.raw().startswith(b"<FrameworkJobReport>")
    with pytest.raises(ElementTree.ParseError):
        run.root()


@pytest.mark.parametrize("kind", DIRT)
def testDirtyReportIsWhatTheFieldHasSeen(tree, tmp_path, kind):
    run = Run(tree, tmp_path, "dirtyReport", kind)
    if kind == "emptyTags":
        assert [not item.findtext("LFN") for item in run.root().findall("InputFile")] == [False, True]
        return
    with pytest.raises(ElementTree.ParseError):
        run.root()
    marks = {"nul": b"\x00", "latin1": b"\xff", "rawAmpersand": b"?x=1&y=2", "interleaved": b'Metric="B"'}
    assert marks[kind] in run.raw()


def testUnknownDirtIsAnError(tree, tmp_path):
    Run(tree, tmp_path, "dirtyReport", "glitter", 1)


def testNoOutputWritesAndReportsNoFiles(tree, tmp_path):
    run = Run(tree, tmp_path, "noOutput")
    assert run.root().find("File") is None and not (tmp_path / "out.root").exists()


def testMemoryGrows(tree, tmp_path):
    pset = PSET + "process.add_(cms.Service('SimpleMemoryCheck'))\n"
    run = Run(tree, tmp_path, "memory", {"perSecond": 400, "upTo": 120}, pset=pset)
    metrics = {item.get("Name"): item.get("Value") for item in run.root().iter("Metric")}
    assert float(metrics["PeakValueRss"]) > 120


def testDaemonOutlivesCmsRunInASessionOfItsOwn(tree, tmp_path):
    (tmp_path / "PSet.py").write_text(PSET)
    (tmp_path / "wmruntimeFault.json").write_text(json.dumps({"fault": "daemon", "value": 3}))
    child = tree.start("CMSSW_13_0_3", ["cmsRun", "PSet.py"], tmp_path)
    began = time.time()
    child.communicate(timeout=60)  # the daemon keeps the pipes open
    assert child.returncode == 0 and time.time() - began > 2.5


def testSlowTakesItsTimeForEachEvent(tree, tmp_path):
    began = time.time()
    Run(tree, tmp_path, "slow", 0.05)
    assert time.time() - began > 1.0


def testBadPickleIsAConfigurationError(tree, releaseName, tmp_path):
    pset = PSET + "pickle.load(open('PSet.py', 'rb'))\n"
    run = Run(tree, tmp_path, "badPickle", None, 7002 % 256, releaseName, pset)
    assert run.errors() == [7002] and "pickle data was truncated" in run.err


def testBadInputFailsOrIsSkipped(tree, tmp_path):
    assert Run(tree, tmp_path, "badInput", None, 8020 % 256).errors() == [8020]
    run = Run(tree, tmp_path, "badInput", pset=PSET + "process.source.skipBadFiles = cms.untracked.bool(True)\n")
    assert run.root().find("SkippedFile").get("Lfn") == "/store/a.root" and run.errors() == []


def testFallbackHasItsMessageAsTail(tree, tmp_path):
    attempt = Run(tree, tmp_path, "fallback").root().find("FallbackAttempt")
    assert attempt.get("Lfn") == "/store/a.root" and attempt.text is None and "FileOpenError" in attempt.tail


def testFaultOfAnotherStepDoesNotApply(tmp_path):
    step = tmp_path / "job" / "cmsRun2"
    step.mkdir(parents=True)
    (tmp_path / "wmruntimeFault.json").write_text('{"step": "cmsRun2", "fault": "slow", "value": 2}')
    assert findFault(str(step)).name == "slow" and findFault(str(step.parent)).name is None


def testFaultIsLookedForSixLevelsUp(tmp_path):
    (tmp_path / "wmruntimeFault.json").write_text('{"step": null, "fault": "slow"}')
    deep = tmp_path.joinpath(*"abcdef")
    assert findFault(str(deep)).name == "slow" and findFault(str(deep / "g")).name is None


def testUnknownFaultIsAnError(tmp_path):
    (tmp_path / "wmruntimeFault.json").write_text('{"fault": "glitter"}')
    with pytest.raises(ValueError, match="known are"):
        findFault(str(tmp_path))


def testEveryFaultHasATest():
    with open(os.path.abspath(__file__)) as handle:
        text = handle.read()
    assert [name for name in FAULTS if '"%s"' % name not in text.replace("__file__", "")] == []
