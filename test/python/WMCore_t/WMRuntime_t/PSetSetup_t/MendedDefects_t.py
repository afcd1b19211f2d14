"""What upstream's SetupCMSSWPset gets wrong is right here; each is a row of docs/defects.md."""
import json

import pytest

from WMCore_t.WMRuntime_t.PSetSetup_t.PSetRuns import PYTHON2, PYTHON3, PSetRuns


@pytest.fixture(scope="module")
def runs(workerNode, tmp_path_factory, sourceTree, upstreamTree):
    """Give a PSetRuns."""
    return PSetRuns(workerNode, tmp_path_factory.mktemp("psets"), sourceTree, upstreamTree)


def valueOf(runs, case, name, release=PYTHON3):
    """Give the text of one parameter of the PSet a case makes."""
    return runs.parameters(runs.run(case, release), release)[name][1]


def test_theSeedsOfAReproducibleJobAreTheOnesItWasMadeWith(runs):
    run = runs.run("reproducible")
    found = runs.parameters(run, PYTHON3)
    service = "process.RandomNumberGeneratorService.%s.initialSeed"
    assert run.json("reproducible_seed.json") == {service % "generator": 4711, service % "mix": 4712}
    assert [found[service % name][1] for name in ("generator", "mix")] == ["cms.untracked.uint32(4711)",
                                                                          "cms.untracked.uint32(4712)"]


def test_10770_aTimeLimitIsSetInAProcessThatHasNone(runs):
    assert valueOf(runs, "rampdown", "process.maxSecondsUntilRampdown.input") == "cms.untracked.int32(3600)"


def test_aStepWithoutArgumentsIsSetUp(runs):
    assert "mine.root" not in json.dumps(runs.parameters(runs.run("noArguments"), PYTHON3))


def test_eachTypeOfPileupHasItsOwnFiles(runs):
    run = runs.run("pileupTwoTypes")
    known = run.json("CMSSWPileupConfig.json")
    assert set(lfn.split("/")[2] for lfn in known["data"]["FileList"]) == {"data"}
    assert set(lfn.split("/")[2] for lfn in known["mc"]["FileList"]) == {"mc"}
    assert known["data"]["eventsAvailable"] == known["mc"]["eventsAvailable"] == 400


@pytest.mark.parametrize("release", [PYTHON3, PYTHON2])
def test_5572_aFailureNamesTheToolItsOutputAndTheLineOfThePSet(runs, release):
    if not runs.node.releases[release]["runnable"]:
        pytest.skip(runs.node.releases[release]["why"])
    run = runs.run("brokenConfiguration", release, expect=1)
    end = run.log[run.log.rindex("PSetSetupError"):]
    assert "edm_pset_pickler.py failed with exit code 1 (the configuration of the sandbox)" in end
    assert "PSet.py, line 11: process.extra.number = cms.int32('many')" in end
    assert "command: edm_pset_pickler.py --input %s/PSet.py" % run.directory in end
    assert "ValueError" in end and "Scram" not in end
    assert "cms.Process" in run.read("PSet.py")


def test_5572_aTweakThatCannotBeAppliedIsNamed(runs):
    run = runs.run("missingModuleInTweak", expect=1)
    end = run.log[run.log.rindex("PSetSetupError"):]
    assert "edm_pset_tweak.py failed with exit code 1" in end and "process.GlobalTag.globaltag" in end
    assert [call["status"] for call in run.calls][-2:] == [1, 0]


def test_aProcessWithoutASourceIsAnErrorThatNamesWhatItHas(runs):
    run = runs.run("noSource", expect=1)
    end = run.log[run.log.rindex("PSetSetupError"):]
    assert "check the source failed" in end and "RECOoutput" in end and "GlobalTag" in end


def test_whiteSpaceInThePathOfAStepDoesNoHarm(runs, tmp_path):
    spaced = PSetRuns(runs.node, tmp_path / "a b", runs.paths["ours"][0], runs.paths["ours"][1:])
    (tmp_path / "a b").mkdir()
    assert spaced.run("processing").calls[-1]["status"] == 0
