"""
Tests of SandboxCreator, SandboxContents and SandboxVerification.
"""
import json
import logging
import os
import pickle
import shutil
import subprocess
import tarfile
import zipfile
from email.parser import Parser

import pytest

pytest.importorskip("WMCore.WMSpec.WMWorkload", reason="upstream's WMCore is not on the path")

import WMCore
from Utils.FileTools import tarMode
from WMCore.WMRuntime import Startup
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.SandboxContents import collectContents, sourcePaths
from WMCore.WMRuntime.SandboxCreator import SandboxCreator, verifySandbox
from WMCore.WMRuntime.VendoredPackages import findVendored
from WMCore.WMSpec.Steps import StepFactory
from WMCore.WMSpec.WMWorkload import newWorkload


def chain():
    """Make a workload of two tasks with two steps each."""
    workload = newWorkload("TwoTasks")
    first = workload.newTask("Production")
    step = first.makeStep("cmsRun1")
    step.setStepType("CMSSW")
    step.addStep("stageOut1").setStepType("StageOut")
    second = first.addTask("Merge")
    step = second.makeStep("cmsRun2")
    step.setStepType("CMSSW")
    step.addStep("logArch2").setStepType("LogArchive")
    first.applyTemplates()
    second.applyTemplates()
    return workload


def tasksOf(workload):
    """Give a workload's tasks by name."""
    return {name.rsplit("/", 1)[-1]: workload.getTaskByPath(name) for name in workload.listAllTaskPathNames()}


def stepOf(workload, task, step):
    """Give one step of a workload."""
    return tasksOf(workload)[task].getStep(step)


@pytest.fixture
def creator():
    """Give a creator that leaves the code out."""
    found = SandboxCreator()
    found.disableWMCorePackaging()
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory, sandboxPackages):
    """Give one whole sandbox: its path, the workload, and the directory it is unpacked in."""
    base = tmp_path_factory.mktemp("sandbox")
    creator = SandboxCreator()
    creator.packagesDirectory = sandboxPackages
    workload = chain()
    archive = creator.makeSandbox(str(base), workload)
    creator.extractSandbox(archive, str(base / "job"))
    return archive, workload, str(base / "job")


class RecordingFetcher(object):
    """A fetcher that writes down how it was called."""

    def __init__(self, name, calls):
        self.name, self.calls = name, calls

    def setCacheDirectory(self, path):
        """Keep the cache directory."""
        self.cache = path

    def setWorkingDirectory(self, path):
        """Keep the working directory."""
        self.working = path

    def __call__(self, task):
        self.calls.append((self.name, task.name(), self.cache, self.working))
        with open(os.path.join(self.working, "cmsRun1", self.name + ".txt"), "w") as handle:
            handle.write("fetched")


@pytest.fixture
def fetcherCalls(monkeypatch):
    """Replace the fetchers by recording ones; give the list of calls."""
    calls = []
    fetchers = {name: RecordingFetcher(name, calls)
                for name in ("CMSSWFetcher", "URLFetcher", "PileupFetcher", "MyFetcher")}
    monkeypatch.setattr(StepFactory._FetcherFactory, "objectList", fetchers)
    return calls


def testTheLayoutIsTheOneTheUnpackerExpects(made):
    job = made[2]
    for name in ("WMSandbox/__init__.py", "WMSandbox/WMWorkload.pkl", "WMSandbox/Production/__init__.py",
                 "WMSandbox/Production/cmsRun1/__init__.py", "WMSandbox/Production/stageOut1/__init__.py",
                 "WMSandbox/Merge/cmsRun2/__init__.py", "WMSandbox/Merge/logArch2/__init__.py", "WMCore.zip",
                 "PSetTweaks/WMTweak.py", "Utils/Timestamps.py"):
        assert os.path.isfile(os.path.join(job, name)), name
    names = set(zipfile.ZipFile(os.path.join(job, "WMCore.zip")).namelist())
    assert {"WMCore/WMRuntime/Startup.py", "WMCore/WMRuntime/Scripts/SetupCMSSWPset.py",
            "WMCore/WMSpec/Steps/Executors/CMSSW.py", "attr/__init__.py", "packaging/version.py",
            "future/__init__.py"} <= names


def testTheWorkloadKnowsItsSandbox(made):
    archive, workload, job = made
    assert archive.endswith("/TwoTasks/TwoTasks-Sandbox.tar.bz2")
    assert workload.data.sandbox == archive
    assert workload.specUrl() == os.path.join(os.path.dirname(archive), "WMSandbox", "WMWorkload.pkl")
    assert all(task.data.input.sandbox == archive for task in tasksOf(workload).values())
    with open(os.path.join(job, "WMSandbox", "WMWorkload.pkl"), "rb") as handle:
        assert pickle.load(handle) == workload.data


def testModulesCanBeImportedFromTheZip(made, interpreters):
    for python in interpreters.values():
        if python and "2.7" not in python:
            output = subprocess.check_output([python, "-m", "WMCore.ZipImportTestModule"],
                                             env={"PYTHONPATH": os.path.join(made[2], "WMCore.zip")})
            assert b"ZIPIMPORTTESTOK" in output


@pytest.mark.parametrize("series", ["3.6", pytest.param("3.13", marks=pytest.mark.slow)])
def testIssue12426_aBarePythonImportsAllOfItFromTheSandboxAlone(made, interpreters, series):
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    verified = verifySandbox(made[0], python)
    assert verified.failed == {} and verified.version.startswith(series + ".")
    assert {"WMCore.WMRuntime.Startup", "WMCore.WMRuntime.ScriptInvoke", "WMCore.WMSpec.Steps.Executors.StageOut",
            "PSetTweaks.WMTweak", "Utils.Timestamps", "attr", "packaging.version"} <= set(verified.modules)
    assert len(verified.modules) > 150


@pytest.mark.parametrize("series", [pytest.param("3.12", marks=pytest.mark.slow), "3.13"])
def testSection2_8_theSandboxesFutureIsTakenNotTheSites(made, tmp_path, interpreters, series):
    """The wrapper has the area's future 0.18.2 on the path, which imports imp: no job ran on python 3.12."""
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    for package in ("future", "past"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("import imp\n")
    job, site = [os.path.join(made[2], "WMCore.zip"), made[2]], [str(tmp_path)]
    code = "import %s" % ", ".join("WMCore." + name for name in (
        "WMRuntime.Startup", "WMRuntime.Bootstrap", "WMRuntime.ScriptInvoke", "WMRuntime.Tools.Scram",
        "WMRuntime.Scripts.SetupCMSSWPset", "WMSpec.Steps.Executors.CMSSW", "FwkJobReport.Report"))

    def status(path):
        return subprocess.call([python, "-S", "-c", code], env={"PYTHONPATH": os.pathsep.join(path)},
                               stderr=subprocess.DEVNULL)
    assert status(job + site) == 0
    assert status(site + job) != 0


@pytest.mark.parametrize("series", ["3.6", "3.8", "3.13"])
def testAJobLoadsOfTheLibraryNoNetworkAndNoCompression(made, interpreters, series):
    """Each of these came with an import that no job uses; with http, ssl and email they were half of what it loaded."""
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    modules = ["WMCore." + name for name in (
        "WMRuntime.JobExecution", "WMRuntime.Watchdog", "WMSpec.Steps.Templates.CMSSW", "WMSpec.Steps.Executors.CMSSW",
        "WMSpec.Steps.Executors.LogArchive", "WMRuntime.ScriptInvoke", "WMRuntime.Scripts.SetupCMSSWPset")]
    code = "import json, sys, %s\nfrom WMCore.WMRuntime.LateModules import LateModule\n" \
        "print(json.dumps([name for name, module in sys.modules.items() " \
        "if not isinstance(module, LateModule) or module.__loader__.isLoaded]))" % ", ".join(modules)
    environ = {"PYTHONPATH": os.pathsep.join([os.path.join(made[2], "WMCore.zip"), made[2]])}
    loaded = set(json.loads(subprocess.check_output([python, "-S", "-B", "-W", "ignore", "-c", code], env=environ)))
    assert {"WMCore.WMSpec.WMTask", "tempfile", "logging"} <= loaded
    assert not loaded & {
        "urllib.request", "http.client", "ssl", "email", "xml.etree.ElementTree", "tkinter", "xmlrpc", "html", "test", "bz2",
        "lzma", "queue", "glob", "asyncio", "multiprocessing", "WMCore.Database.CMSCouch", "WMCore.Services.Requests"}


def testVerificationTellsAModuleThatCannotBeImported(made, tmp_path, interpreters):
    python = interpreters.get("3.13") or next(iter(interpreters.values()))
    job = made[2]
    archive = str(tmp_path / "broken.tar.bz2")
    with tarfile.open(archive, "w:bz2") as tar:
        tar.add(os.path.join(job, "WMCore.zip"), "WMCore.zip")
    failed = verifySandbox(archive, python).failed
    assert "No module named 'Utils'" in failed["WMCore.WMSpec.WMWorkload"]
    assert "attr" not in failed


@pytest.mark.parametrize("program", ["true", "false"])
def testAVerificationWithoutAnAnswerIsNoGoodOne(made, program):
    with pytest.raises(WMRuntimeError) as caught:
        verifySandbox(made[0], shutil.which(program))
    assert caught.value.code == 99109 and "could not be verified" in str(caught.value)


def testOnlySourcesAndNoAgentCodeGoIn(made):
    names = zipfile.ZipFile(os.path.join(made[2], "WMCore.zip")).namelist()
    assert not [name for name in names if name.endswith((".pyc", ".so"))]
    unwanted = ("WMCore/WMRuntime/WorkerNode/", "WMCore/WMRuntime/Command/", "WMCore/WMRuntime/SandboxCreator",
                "WMCore/WMSpec/Steps/Fetchers/", "WMCore/WMSpec/StdSpecs/", "WMCore/WMBS/", "WMCore/WebTools/",
                "WMCore/ReqMgr/", "WMCore/Storage/Plugins/Test")
    assert not [name for name in names if name.startswith(unwanted)]


FILL = """
import json, sys
from WMCore.FwkJobReport.Report import Report
from WMCore.FwkJobReport import XMLParser
report = Report("cmsRun1")
report.parse(sys.argv[1], "cmsRun1")
print(json.dumps([XMLParser.__file__, report.getExitCode(), len(report.getAllFiles()), sorted(sys.modules)]))
"""


@pytest.mark.parametrize("series", ["3.6", "3.13"])
def testItReadsJobReportsWithOurParserAndTheStandardLibraryAlone(made, interpreters, topDirectory, series):
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    report = os.path.join(topDirectory, "test", "data", "fjr", "CMSSWFailReport.xml")
    archive = os.path.join(made[2], "WMCore.zip")
    output = subprocess.check_output([python, "-S", "-E", "-B", "-c", "import sys\nsys.path[:0] = %r\n%s"
                                      % ([archive, made[2]], FILL), report], cwd=made[2])
    where, code, files, modules = json.loads(output.decode("utf-8").splitlines()[-1])
    assert where == archive + "/WMCore/FwkJobReport/XMLParser.py" and (code, files) == (8001, 2)
    assert "WMCore.WMRuntime.JobReport.ReportFiller" in modules and "WMCore.Algorithms.ParseXMLFile" not in modules
    assert not [name for name in modules if name.startswith("lxml")]
    assert not [name for name in zipfile.ZipFile(archive).namelist() if name.endswith("LxmlReader.py")]


def testTheVersionIsWMCores(made):
    source = zipfile.ZipFile(os.path.join(made[2], "WMCore.zip")).read("WMCore/__init__.py").decode()
    assert "__version__ = %r" % WMCore.__version__ in source


def testTheCarriedPackagesKeepTheirMetadata(made):
    archive = zipfile.ZipFile(os.path.join(made[2], "WMCore.zip"))
    for package in ("attrs", "packaging", "future"):
        name, = [name for name in archive.namelist()
                 if name.startswith(package + "-") and name.endswith(".dist-info/METADATA")]
        headers = Parser().parsestr(archive.read(name).decode("utf-8"))
        assert headers["Name"] == package and headers["Version"] and not headers.get_payload().strip()
        assert [other for other in archive.namelist() if other.startswith(package + "-") and "LICENSE" in other]


def testTheCodeCarriesNeitherCommentsNorDocstrings(made):
    """Nothing else is different: see TrimmedSource_t."""
    archive = zipfile.ZipFile(os.path.join(made[2], "WMCore.zip"))
    source = archive.read("WMCore/WMRuntime/Startup.py").decode("utf-8")
    with open(Startup.__file__, encoding="utf-8") as handle:
        original = handle.read()
    assert source.splitlines()[0] == "#!/usr/bin/env python3" and "The price for a job" in original
    assert "The price for a job" not in source
    assert source.splitlines().index("def main():") == original.splitlines().index("def main():")


def testTheAgentOpensItByItsName(made):
    """WorkflowUpdater brings pileup lists up to date in sandboxes; how it opens one it takes from the name's end."""
    with tarfile.open(made[0], tarMode(made[0], "r"), encoding="utf-8") as tar:
        assert "WMCore.zip" in tar.getnames()


@pytest.mark.parametrize("series", ["3.6", "3.8", "3.13"])
def testUpstreamsUnpackerUnpacksIt(made, tmp_path, interpreters, upstreamTree, series):
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    package = tmp_path / "JobPackage.pkl"
    package.write_bytes(b"a package")
    unpacker = next(path for path in (os.path.join(entry, "WMCore", "WMRuntime", "Unpacker.py")
                                      for entry in upstreamTree) if os.path.isfile(path))
    subprocess.check_call([python, unpacker, "--sandbox=" + made[0], "--package=" + str(package), "--index=1",
                           "--jobname=any"], cwd=str(tmp_path), env={"PATH": os.environ["PATH"]})
    assert {"Startup.py", "WMCore.zip", "WMSandbox", "Utils", "PSetTweaks"} <= set(os.listdir(str(tmp_path / "job")))
    assert (tmp_path / "job" / "WMSandbox" / "JobPackage.pcl").read_bytes() == b"a package"


@pytest.mark.slow
def testPyparsingGoesInWithTheFirstModuleThatNeedsIt(tmp_path, sandboxPackages):
    vendored, paths = findVendored(sandboxPackages), sourcePaths()
    assert not [name for name in collectContents(paths, vendored).modules if name.startswith("pyparsing")]
    extra = tmp_path / "WMRuntime" / "Scripts"
    extra.mkdir(parents=True)
    (tmp_path / "__init__.py").write_text("")
    (extra.parent / "__init__.py").write_text("")
    (extra / "__init__.py").write_text("")
    (extra / "NeedsRequirements.py").write_text("def late():\n    from packaging.requirements import Requirement\n")
    contents = collectContents(dict(paths, WMCore=paths["WMCore"] + [str(tmp_path)]), vendored)
    assert {"packaging.requirements", "packaging.markers", "pyparsing.core"} <= set(contents.modules)
    assert [name for name in contents.zipped if name.startswith("pyparsing-") and name.endswith("/METADATA")]


def testAModuleTheJobNeedsThatCannotBeImportedThereIsNamed(tmp_path, sandboxPackages):
    paths = sourcePaths()
    (tmp_path / "WMRuntime").mkdir()
    for name in ("__init__.py", "WMRuntime/__init__.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "WMRuntime" / "Service.py").write_text("import nosuchclient\n")
    with pytest.raises(WMRuntimeError, match="WMCore.WMRuntime.Service lacks nosuchclient"):
        collectContents(dict(paths, WMCore=paths["WMCore"] + [str(tmp_path)]), findVendored(sandboxPackages))


def testTwoSandboxesOfOneWorkloadAreTheSameByteForByte(tmp_path, sandboxPackages):
    archives = []
    for _ in range(2):
        creator = SandboxCreator()
        creator.packagesDirectory = sandboxPackages
        workload = chain()
        archive = creator.makeSandbox(str(tmp_path), workload)
        with open(archive, "rb") as handle:
            archives.append(handle.read())
        os.unlink(archive)
    assert archives[0] == archives[1]


def testItIsAThirdOfWMCoresOwnSourcesAtMost(made):
    """Upstream's sandbox holds the agent's compiled files as well: it is ten times as large as this one."""
    assert os.path.getsize(made[0]) * 3 <= SandboxCreator().upstreamSize()


def testSizeAndModulesAreLogged(tmp_path, creator, caplog):
    with caplog.at_level(logging.INFO):
        archive = creator.makeSandbox(str(tmp_path), chain())
    assert "TwoTasks-Sandbox.tar.bz2: %d bytes" % os.path.getsize(archive) in caplog.text


def testAFinishedSandboxIsUsedAgain(tmp_path, creator):
    archive = creator.makeSandbox(str(tmp_path), chain())
    stamp = os.stat(archive).st_mtime_ns
    again = chain()
    assert creator.makeSandbox(str(tmp_path), again) == archive
    assert os.stat(archive).st_mtime_ns == stamp and again.specUrl().endswith("/WMSandbox/WMWorkload.pkl")


def testLeftoversOfAnEarlierAttemptAreReplaced5130(tmp_path, creator):
    stale = tmp_path / "TwoTasks" / "WMSandbox" / "Production"
    stale.mkdir(parents=True)
    (stale / "stale.txt").write_text("")
    archive = creator.makeSandbox(str(tmp_path), chain())
    assert not [name for name in tarfile.open(archive).getnames() if "stale" in name]


def testWithoutWMCoreOnlyTheWorkloadIsPacked(tmp_path, creator):
    archive = creator.makeSandbox(str(tmp_path), chain())
    assert {name.split("/")[0] for name in tarfile.open(archive).getnames()} == {"WMSandbox"}


def testFetchersWithNothingToDoAreNotEvenLoaded(tmp_path, creator, fetcherCalls):
    creator.makeSandbox(str(tmp_path), chain())
    assert fetcherCalls == []


def testFetchersRunInOrderWithCacheAndWorkingDirectory(tmp_path, creator, fetcherCalls):
    workload = chain()
    step = stepOf(workload, "Production", "cmsRun1")
    step.data.application.configuration.configCacheUrl = "https://couch.example"
    step.data.section_("pileup")
    step.data.sandbox.section_("file0")
    tasksOf(workload)["Production"].data.fetchers = ["MyFetcher"]
    archive = creator.makeSandbox(str(tmp_path), workload)
    working = str(tmp_path / "TwoTasks" / "WMSandbox" / "Production")
    assert fetcherCalls == [(name, "Production", str(tmp_path / "pileupCache"), working)
                            for name in ("CMSSWFetcher", "URLFetcher", "PileupFetcher", "MyFetcher")]
    assert "WMSandbox/Production/cmsRun1/CMSSWFetcher.txt" in tarfile.open(archive).getnames()


def testUserSandboxesGoInByTheirBasenames(tmp_path, creator):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "user.tgz").write_bytes(b"content")
    workload = chain()
    for task, step in (("Production", "cmsRun1"), ("Merge", "cmsRun2")):
        stepOf(workload, task, step).data.section_("user")
        stepOf(workload, task, step).data.user.inputSandboxes = [
            str(tmp_path / "in" / "user.tgz"), "https://cache.example/remote.tgz"]
    archive = creator.makeSandbox(str(tmp_path), workload)
    assert tarfile.open(archive).extractfile("user.tgz").read() == b"content"
    assert "remote.tgz" not in tarfile.open(archive).getnames()


def testAMissingUserSandboxIsNamedAndNoArchiveIsLeft(tmp_path, creator):
    workload = chain()
    step = stepOf(workload, "Merge", "cmsRun2")
    step.data.section_("user")
    step.data.user.inputSandboxes = [str(tmp_path / "nowhere.tgz")]
    with pytest.raises(WMRuntimeError, match="nowhere.tgz"):
        creator.makeSandbox(str(tmp_path), workload)
    assert [name for name in os.listdir(str(tmp_path / "TwoTasks")) if "Sandbox.tar" in name] == []


def testPlainTarsAreUnpackedAsBefore(tmp_path, creator):
    (tmp_path / "file").write_text("x")
    with tarfile.open(str(tmp_path / "x.tar"), "w") as tar:
        tar.add(str(tmp_path / "file"), "inside/file")
    creator.extractSandbox(str(tmp_path / "x.tar"), str(tmp_path / "made" / "here"))
    assert (tmp_path / "made" / "here" / "inside" / "file").read_text() == "x"
