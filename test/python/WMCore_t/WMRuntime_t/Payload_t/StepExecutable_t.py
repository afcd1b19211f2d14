"""The choice of a step's executable in a job."""
import json
import os
import shutil
from types import SimpleNamespace

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.StepExecutable import chooseStepExecutable, noteInReport
from WMCore.WMRuntime.Tools.Scram import Scram
from WMCore_t.WMRuntime_t.Plugins_t import installed, profilerIn
from WMCore_t.WMRuntime_t.WholeJob_t import codesOf, run, runnable


def choose(directory, requested, environ, policy=None):
    command = SimpleNamespace(executable=requested, configuration="PSet.py", executablePolicy=policy)
    scram = SimpleNamespace(runtimeEnv=environ, architecture=None, runtime=lambda: 0)
    return chooseStepExecutable("cmsRun1", str(directory), command, scram)


def environment(workerNode, release):
    record = workerNode.releases[release]
    return {"CMSSW_BASE": os.path.join(workerNode.root, record["directory"]), "CMSSW_RELEASE_BASE": "",
            "CMSSW_VERSION": release, "SCRAM_ARCH": record["arch"], "PATH": "/usr/bin"}


@pytest.mark.parametrize("requested, expected", [("cmsRun", "cmsRun"), ("cmsRunNowhere", "cmsRunNowhere"),
                                                 ("auto", "cmsRun")])
def test_anUnknownReleaseNeverFailsAStep(requested, expected, tmp_path):
    for environ in ({}, {"CMSSW_BASE": "/no/such", "CMSSW_RELEASE_BASE": ""}, {"CMSSW_BASE": "\0"}):
        choice = choose(tmp_path, requested, environ)
        assert (choice.name, choice.path) == (expected, None) and "nothing could be looked up" in choice.reasons[0]
        assert "\n" not in "".join(choice.reasons)


def test_aNamedExecutableThatIsNowhereIsRefused(workerNode, tmp_path):
    with pytest.raises(WMRuntimeError, match="it has: cmsRun") as refused:
        choose(tmp_path, "cmsRunNowhere", environment(workerNode, "CMSSW_13_0_3"))
    assert refused.value.code == 50110


def test_aPathIsLeftToMainScriptForAScriptMayYetMakeTheFile(workerNode, tmp_path):
    choice = choose(tmp_path, "./made later --fast", environment(workerNode, "CMSSW_13_0_3"))
    assert (choice.name, choice.path) == ("./made later --fast", None)
    assert choice.reasons == ("./made is not there yet, and a script of the step may make it",)
    (tmp_path / "made").write_text("#!/bin/sh\n")
    (tmp_path / "made").chmod(0o755)
    choice = choose(tmp_path, "./made later", environment(workerNode, "CMSSW_13_0_3"))
    assert choice.reasons == ("%s is there, named by its path" % (tmp_path / "." / "made").as_posix().replace(
        "/made", "/./made"),)


def test_withoutAPathInTheSessionTheJobsIsLookedAt(workerNode, tmp_path, monkeypatch):
    environ = environment(workerNode, "CMSSW_13_0_3")
    del environ["PATH"]
    (tmp_path / "mine").write_text("#!/bin/sh\n")
    (tmp_path / "mine").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH"):
        monkeypatch.delenv("WMRUNTIME_START_" + name, raising=False)
    assert choose(tmp_path, "mine", environ).path == str(tmp_path / "mine")


def test_toolsThatCannotRunInThePythonOfTheExecutableEndTheStep(workerNode, tmp_path):
    (tmp_path / "PSet.py").write_text("x = f'{1}'\n")
    with pytest.raises(WMRuntimeError, match="scramSession.json") as refused:
        choose(tmp_path, "auto", environment(workerNode, "CMSSW_10_6_30"))
    assert refused.value.code == 50513


def test_theToolsFollowEachChoiceAndSoDoTheSessionAndTheScramObject(workerNode, tmp_path, monkeypatch):
    runnable(workerNode, "CMSSW_10_6_30")
    record = workerNode.releases["CMSSW_10_6_30"]
    root = os.path.join(workerNode.root, "cvmfs", "cms.cern.ch")
    monkeypatch.setenv("VO_CMS_SW_DIR", root)
    request = dict(version="CMSSW_10_6_30", architecture=record["arch"], directory=str(tmp_path), command="scramv1",
                   initialise=". %s/cmsset_default.sh" % root)
    command = SimpleNamespace(executable="auto", configuration="PSet.py")
    for text, name, tools in (("x = f'a'", "cmsRunPython3", 3), ("x = f'b'", "cmsRunPython3", 3),
                              ("print 'x'", "cmsRun", 2), ("x = f'a'", "cmsRunPython3", 3)):
        (tmp_path / "PSet.py").write_text(text + "\n")
        scram = Scram(**request)
        assert scram.project() == 0 and scram.runtime() == 0, scram.diagnostic()
        choice = chooseStepExecutable("cmsRun1", str(tmp_path), command, scram)
        assert choice.name == name and not [reason for reason in choice.reasons if "psetPython" in reason]
        another = Scram(**request)
        assert another.project() == 0 and another.runtime() == 0 and another.sessionReused
        for each in (scram, another):
            assert each.runtimeEnv["PATH"].split(":").count(str(tmp_path / "psetPython")) == (tools == 3)
            assert each("python -c 'import sys; print(\"python %d\" % sys.version_info[0])'") == 0
            assert "python %d" % tools in each.getStdout()
        # A script that is started in the session finds it to be its own.
        assert scram._session.token(str(tmp_path)) == another._session.token(str(tmp_path))


@pytest.mark.parametrize("requested, name", [(" auto ", "cmsRun"), ("auto -n 4", "cmsRun -n 4")])
def test_autoIsAutoWithOptionsAndWithBlanksAroundIt(requested, name, workerNode, tmp_path):
    (tmp_path / "PSet.py").write_text("print 'x'\n")
    choice = choose(tmp_path, requested, environment(workerNode, "CMSSW_10_6_30"))
    assert (choice.name, choice.policy, choice.python) == (name, "matchPSet", 2)
    assert choose(tmp_path, requested, {}).name == name
    (tmp_path / "PSet.py").write_text("print 'x'; y = f''\n")
    with pytest.raises(WMRuntimeError, match="an f-string"):
        choose(tmp_path, requested, environment(workerNode, "CMSSW_10_6_30"))


def test_aStepThatLeavesTheChoiceIsRefusedWhenNothingFits(workerNode, tmp_path):
    (tmp_path / "PSet.py").write_text("print 'x'\n")
    with pytest.raises(WMRuntimeError, match="PSet.py:1"):
        choose(tmp_path, "auto", environment(workerNode, "CMSSW_13_0_3"))


def test_theChoiceIsAddedToTheRuntimeInformation(workerNode, tmp_path):
    directory = tmp_path / "WMTaskSpace" / "cmsRun1"
    directory.mkdir(parents=True)
    (directory / "PSet.py").write_text("print 'x'\n")
    (tmp_path / "runtimeInfo.json").write_text('{"job_type": "Production"}')
    assert choose(directory, "auto", environment(workerNode, "CMSSW_10_6_30")).name == "cmsRun"
    written = json.loads((tmp_path / "runtimeInfo.json").read_text())
    assert written["job_type"] == "Production" and written["executables"]["cmsRun1"]["pset"]["verdict"] == "python2"


def withFirstLine(tmp_path, text):
    """Write the example's PSet with a line of its own at the top."""
    from WMCore.WMRuntime.WorkerNode.ExampleWorkload import EXAMPLES
    with open(os.path.join(EXAMPLES, "GenPSet.py"), encoding="utf-8") as handle:
        (tmp_path / "Own.py").write_text(text + "\n" + handle.read())
    return str(tmp_path / "Own.py")


def hostileChoice():
    """Give a choice whose texts hold what no database takes, and more of them than one wants."""
    from WMCore.WMRuntime.Payload.ExecutableChoice import ExecutableChoice, RejectedExecutable
    return ExecutableChoice("cmsRunPython3", "/a\x00b\udcff/cmsRunPython3", 3, "matchPSet",
                            tuple("reason %d \x1b %s" % (number, "x" * 900) for number in range(50)),
                            (RejectedExecutable("cmsRun", None, "no \ud800"),), requested="auto")


def test_theReportWithTheChoiceSurvivesPickleMergeAndWMCoresDatabases(upstreamTree, tmp_path):
    report_ = pytest.importorskip("WMCore.FwkJobReport.Report")
    archive = pytest.importorskip("WMCore.Services.WMArchive.DataMap")
    from WMCore.WMRuntime.ReportFile import loadReport, saveReport
    plain, noted = report_.Report("cmsRun1"), report_.Report("cmsRun1")
    for report in (plain, noted):
        report.setStepStatus("cmsRun1", 0)
    noteInReport(noted.retrieveStep("cmsRun1"), hostileChoice())
    saveReport(noted, str(tmp_path / "Report.pkl"))
    merged = report_.Report()
    merged.setStep("cmsRun1", loadReport(str(tmp_path / "Report.pkl"), "a step's report").retrieveStep("cmsRun1"))
    saveReport(merged, str(tmp_path / "Report.0.pkl"))
    found = report_.Report()
    found.load(str(tmp_path / "Report.0.pkl"))
    section = found.retrieveStep("cmsRun1").executable
    assert (section.name, section.python, section.policy, section.requested) == ("cmsRunPython3", 3, "matchPSet", "auto")
    assert section.rejected == ["cmsRun: no "] and section.path == "/ab/cmsRunPython3"
    assert len(section.reasons) == 21 and section.reasons[-1] == "and 30 more, in the job's log"
    assert max(map(len, section.reasons)) < 510 and "\x1b" not in "".join(section.reasons)
    json.dumps(found.retrieveStep("cmsRun1").dictionary_whole_tree_()).encode("utf-8")
    # What goes to CouchDB and to WMArchive is what upstream's report gives, part by part.
    documents = [report.__to_json__(None) for report in (plain, found)]
    assert documents[0]["steps"] == documents[1]["steps"]
    job = {"id": "1-0", "doc": {"fwjr": documents[1], "jobtype": "Production", "jobstate": "success", "timestamp": 1}}
    json.dumps(archive.createArchiverDoc(job, "2.4.5"))


def test_aChoiceThatTheWorkloadMadeAddsNothingToTheReport(workerNode, tmp_path):
    class Section(object):
        """A section that takes nothing."""

        def section_(self, name):
            """See ConfigSection."""
            raise AssertionError(name)
    noteInReport(Section(), choose(tmp_path, "cmsRun", environment(workerNode, "CMSSW_13_0_3")))


def wordOfMainScript(result):
    """Give the header of the first step's main.sh."""
    with open(result.stepFile("cmsRun1", "cmsRun1-main.sh"), encoding="utf-8") as handle:
        return handle.read().split("\nwmDirectory=")[0]


def runtimeInfo(result):
    """Read the job's runtimeInfo.json."""
    with open(os.path.join(result.startDir, "job", "runtimeInfo.json"), encoding="utf-8") as handle:
        return json.load(handle)


def runEverywhere(result, expected, policy):
    """Check that cmsRun's calls, the report, main.sh, the log and runtimeInfo.json agree on what ran."""
    assert result.exit.shellCode == 0, result.output()[-6000:] + result.output("err")[-3000:]
    report, codes = codesOf(result)
    assert codes["cmsRun1"] == [] and report.getExitCode() == 0
    called = [call["program"] for call in result.calls if call["program"].startswith("cmsRun")]
    assert called == [expected]
    choice = runtimeInfo(result)["executables"]["cmsRun1"]
    section = report.retrieveStep("cmsRun1").executable
    for told in (choice["name"], section.name):
        assert told == expected
    assert choice["policy"] == section.policy == policy and choice["path"] == section.path
    assert choice["python"] == section.python
    said = "%s (%s, python %d), policy %s" % (expected, section.path, section.python, policy)
    assert "\n# Executable: %s\n" % said in wordOfMainScript(result)
    with open(result.log, encoding="utf-8", errors="replace") as handle:
        log = handle.read()
    assert "Step cmsRun1 runs %s" % said in log
    for reason in section.reasons:
        assert reason in log and reason in choice["reasons"] and "because: %s" % reason in wordOfMainScript(result)
    return section


@pytest.mark.slow
@pytest.mark.parametrize("line, expected, said", [
    ("print 'x'", "cmsRun", "PSet.py:1: the print statement"), ("x = f'{1}'", "cmsRunPython3", "PSet.py:1: an f-string"),
    ("x = 1", "cmsRun", "for both pythons")])
def test_autoRunsAPSetUnderThePythonItIsWrittenFor(line, expected, said, workerNode, upstreamTree, tmp_path):
    runnable(workerNode, "CMSSW_10_6_30")
    result = run(workerNode, tmp_path / "job", release="CMSSW_10_6_30", executable="auto",
                 pset=withFirstLine(tmp_path, line))
    section = runEverywhere(result, expected, "matchPSet")
    assert said in "\n".join(section.reasons) and section.requested == "auto" and len(section.rejected) == 1


@pytest.mark.slow
def test_aPolicyOfTheStepChoosesForANameThatIsNotAuto(workerNode, upstreamTree, tmp_path):
    runnable(workerNode, "CMSSW_10_6_30")
    result = run(workerNode, tmp_path / "job", release="CMSSW_10_6_30", executablePolicy="preferPython3")
    assert runEverywhere(result, "cmsRunPython3", "preferPython3").requested == "cmsRun"


@pytest.mark.slow
def test_aPSetThatNeitherCanRunIsRefusedBeforeCmsRun(workerNode, upstreamTree, tmp_path):
    result = run(workerNode, tmp_path / "job", release="CMSSW_10_6_30", executable="auto",
                 pset=withFirstLine(tmp_path, "print 'x'; y = f'{1}'"))
    report, codes = codesOf(result)
    assert codes["cmsRun1"] == [7002] and report.getExitCode() == 7002 and result.exit.shellCode != 0
    assert not [call for call in result.calls if call["program"].startswith("cmsRun")]
    assert not os.path.exists(result.stepFile("cmsRun1", "cmsRun1-main.sh"))
    assert "executables" not in runtimeInfo(result) and not hasattr(report.retrieveStep("cmsRun1"), "executable")
    details = report.retrieveStep("cmsRun1").errors.error0.details
    assert "PSet.py:1" in details and "the print statement" in details and "an f-string" in details


@pytest.mark.slow
def test_noArchThatFitsTheNodeIs50513WithTheList(workerNode, upstreamTree, tmp_path):
    archs = ("el8_riscv64_gcc12", "el9_amd64_gcc12")
    result = run(workerNode, tmp_path / "job", scramArchs=archs, requiredOS="rhel8")
    report, codes = codesOf(result)
    assert codes["cmsRun1"] == [50513] and report.getExitCode() == 50513 and result.exit.shellCode != 0
    details = report.retrieveStep("cmsRun1").errors.error0.details
    assert all(arch in details for arch in archs) and "needs a riscv64 CPU" in details and "needs rhel9" in details
    assert not [call for call in result.calls if call["program"].startswith(("cmsRun", "scram"))]


@pytest.mark.slow
def test_thePluginOfASandboxRunsTheStep(workerNode, upstreamTree, sandboxPackages, topDirectory, tmp_path, monkeypatch):
    packages = tmp_path / "packages"
    shutil.copytree(sandboxPackages, str(packages))
    installed(topDirectory, packages)
    monkeypatch.setenv("WMRUNTIME_SANDBOX_PACKAGES", str(packages))
    path = workerNode.environment(requiredOS="rhel8", jobAd="", machineAd="", home="")["PATH"]
    result = run(workerNode, tmp_path / "job", {"PATH": "%s:%s" % (profilerIn(tmp_path / "profiler"), path)},
                 executable="cmsRunIgProf")
    assert result.exit.shellCode == 0, result.output()[-6000:] + result.output("err")[-3000:]
    section = codesOf(result)[0].retrieveStep("cmsRun1").executable
    assert section.requested == "cmsRunIgProf" and section.name == "igprof -d -t cmsRun -pp -z -o igprof.gz cmsRun"
    assert os.path.exists(result.stepFile("cmsRun1", "igprof.gz"))
