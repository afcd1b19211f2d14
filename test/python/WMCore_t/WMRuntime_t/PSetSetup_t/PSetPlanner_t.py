"""What is planned for which job."""
import os
import socket

import pytest

from WMCore_t.WMRuntime_t.PSetSetup_t import PSetCases

pytestmark = pytest.mark.usefixtures("upstreamTree")


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Give a function that plans a case; a change may be made to its script before."""
    monkeypatch.delenv("_CONDOR_JOB_AD", raising=False)

    def plan(case, change=None):
        from WMCore.WMRuntime.PSetSetup.PSetJob import PSetJob
        from WMCore.WMRuntime.PSetSetup.PSetPlanner import planPSet
        script = PSetCases.makeScript(case, "CMSSW_13_0_3", "el8_amd64_gcc12", str(tmp_path))
        if change:
            change(script)
        return planPSet(PSetJob(script.step, script.job, str(tmp_path), script.crabPSet))
    return plan


def programs(plan):
    """Give the names of the programs, in order."""
    return [call.program for call in plan.calls]


def content(plan, name):
    """Give what a tweak file of the plan says."""
    return next(known.content for call in plan.calls for known in call.files if os.path.basename(known.path) == name)


def test_theOrderIsUpstreams(planned):
    assert programs(planned("processing")) == [
        "edm_pset_pickler.py", "check the source", "cmssw_handle_condor_status_service.py", "edm_pset_tweak.py",
        "edm_pset_tweak.py", "edm_pset_tweak.py", "cmssw_handle_random_seeds.py", "edm_pset_tweak.py",
        "cmssw_handle_dqm_filesaver.py", "cmssw_enforce_guid_in_filename.py", "edm_pset_tweak.py",
        "cmssw_handle_nEvents.py"]


def test_crabsThreadsAndFileNamesStayTheUsers(planned):
    plan = planned("crab")
    assert "cmssw_enforce_guid_in_filename.py" not in programs(plan)
    assert not any("numberOfThreads" in str(known.content) for call in plan.calls for known in call.files)
    assert not any("PSetTweakOptions" in word for call in plan.calls for word in call.arguments)


def test_aStepThatSaysNothingAboutCoresKeepsItsThreads(planned):
    def change(script):
        del script.step.data.application.multicore
    assert "numberOfThreads" not in str(content(planned("processing", change), "PSetTweakTask.json"))


@pytest.mark.parametrize("case, host, where", [
    ("merge", "lxb1.cern.ch", 1), ("merge", "wn.fnal.gov", None), ("repack", "wn.fnal.gov", 1),
    ("promptReco", "lxb1.cern.ch", None), ("processing", "lxb1.cern.ch", None)])
def test_lazyDownloadIsForRepackAndForMergingAtCern(planned, monkeypatch, case, host, where):
    monkeypatch.setattr(socket, "getfqdn", lambda: host)
    names = programs(planned(case))
    assert (names.index("cmssw_enable_lazy_download.py") if "cmssw_enable_lazy_download.py" in names else None) == where


def test_aMergeWritesTheGoodFilesOrThoseOfFailedJobs(planned):
    assert sorted(content(planned("merge"), "PSetTweakOutput.json")) == ["process.Merged.fileName",
                                                                        "process.Merged.logicalFileName"]


def test_aMaskWithoutAFirstEventIsAnErrorBeforeAnythingRuns(planned):
    from PSetTweaks.WMTweak import WMTweakMaskError

    def change(script):
        script.job["mask"]["FirstEvent"] = None
    with pytest.raises(WMTweakMaskError):
        planned("generation", change)


def test_aPileupConfigurationThatIsNotThereIsNamed(planned, monkeypatch, tmp_path):
    from WMCore.WMRuntime.Errors import WMRuntimeError

    class Site(object):
        siteName, localStageOut = "T2_X", {"phedex-node": "T2_X_Disk"}
    monkeypatch.setattr("WMCore.Storage.SiteLocalConfig.loadSiteLocalConfig", Site)

    def change(script):
        (tmp_path / "pileupconf.json").write_text('{"mc": {}')
    with pytest.raises(WMRuntimeError, match="(?s)pileupconf.json, for the types .*mc.*ValueError|JSONDecodeError"):
        planned("pileup", change)


@pytest.mark.parametrize("settings, expected", [
    (dict(multiRun=True, runLimits="-1-2"), ["--multiRun", "--runLimits=-1-2"]), (dict(multiRun=True), []),
    (dict(runIsComplete=True), ["--runIsComplete"])])
def test_theFileSaverIsToldItsRuns(planned, settings, expected):
    def change(script):
        bag = script.job.getBaggage()
        bag.runIsComplete, bag.multiRun, bag.runLimits = False, False, ""
        for name, value in settings.items():
            setattr(bag, name, value)
    call = next(call for call in planned("harvesting", change).calls if "dqm" in call.program)
    assert call.arguments[4:] == ["--datasetName", "/P/D-v1/DQMIO"] + expected
