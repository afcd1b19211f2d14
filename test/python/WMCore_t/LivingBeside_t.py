"""
Living beside WMCore: one package name, two trees, and the order on the path decides.

Every case runs in a process of its own, because a package's path is fixed when it is first imported.
"""
import json
import os
import subprocess
import sys
import zipfile

import pytest

from WMCore.WMRuntime.TrimmedSource import trimSource

# Prints, for each module named on the command line, the file it comes from or the error it gives.
PROBE = r'''
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = getattr(importlib.import_module(name), "__file__", None) or ""
    except Exception as ex:
        found[name] = "%s: %s" % (type(ex).__name__, ex)
import WMCore
print(json.dumps({"modules": found, "version": WMCore.__version__, "path": list(WMCore.__path__),
                  "aliased": sorted(name for name, module in sys.modules.items()
                                    if name.startswith("WMCore") and module.__name__ != name)}))
'''
# Work without a workload, so without WMCore (DESIGN: everything that does not need one).
INDEPENDENT = ("Errors", "Unpacker", "Tools.Scram", "Tools.ChildProcess", "Release", "Interpreter", "JobReport",
               "Payload", "Environment", "Command", "ImportClosure", "VendoredPackages", "SandboxArchive",
               "SandboxVerification")


def thirdParty():
    """Give the directories of attrs and packaging that these tests run with."""
    import attr
    import packaging
    return sorted({os.path.dirname(os.path.dirname(os.path.abspath(module.__file__))) for module in (attr, packaging)})


def probe(path, modules, python=sys.executable, arguments=("-S", "-E")):
    """Import modules with the given path behind the standard library; tell where they come from."""
    code = "import sys\nsys.path[:0] = %r\n%s" % (list(path), PROBE)
    done = subprocess.run([python] + list(arguments) + ["-B", "-W", "ignore", "-c", code] + list(modules),
                          cwd=os.sep, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(done.stdout.decode("utf-8").splitlines()[-1])


def ownModules(sourceTree, below="WMCore"):
    """Name the modules of this project, without the data of the worker node in a box."""
    names = []
    for folder, subfolders, files in os.walk(os.path.join(sourceTree, *below.split("."))):
        subfolders[:] = sorted(name for name in subfolders
                               if os.path.isfile(os.path.join(folder, name, "__init__.py")) and name != "WorkerNode")
        inside = os.path.relpath(folder, sourceTree).replace(os.sep, ".")
        names.extend(inside if name == "__init__.py" else "%s.%s" % (inside, name[:-3])
                     for name in sorted(files) if name.endswith(".py"))
    return names


def upstreamVersion(upstreamTree):
    """Read upstream's version from its source."""
    for entry in upstreamTree:
        path = os.path.join(entry, "WMCore", "__init__.py")
        if os.path.isfile(path):
            with open(path) as handle:
                return [line.split("'")[1] for line in handle if line.startswith("__version__")][0]
    raise AssertionError("no WMCore in %s" % upstreamTree)


def testWithOursFirstEveryModuleOfOursIsOursAndTheRestIsUpstreams(sourceTree, upstreamTree):
    ours = ownModules(sourceTree)
    theirs = ["WMCore.WMSpec.WMWorkload", "WMCore.WMSpec.Steps.StepFactory", "WMCore.WMSpec.Steps.Executors.StageOut",
              "WMCore.FwkJobReport.Report", "WMCore.DataStructs.Job", "WMCore.Configuration"]
    answer = probe([sourceTree] + upstreamTree + thirdParty(), ours + theirs)
    wrong = {name: answer["modules"][name] for name in ours if not answer["modules"][name].startswith(sourceTree)}
    assert wrong == {}
    for name in theirs:
        assert answer["modules"][name].startswith(tuple(upstreamTree)), name


def testWithOursFirstTheVersionIsUpstreamsAndNothingIsAliased(sourceTree, upstreamTree):
    answer = probe([sourceTree] + upstreamTree + thirdParty(), ["WMCore.WMSpec.WMWorkload", "WMCore.WMRuntime.Unpacker"])
    assert answer["version"] == upstreamVersion(upstreamTree)
    assert answer["aliased"] == []
    assert answer["path"][0] == os.path.join(sourceTree, "WMCore") and len(answer["path"]) > 1


def testOursTwiceOnThePathIsNoProblem(sourceTree, upstreamTree, tmp_path):
    # An installed wheel and a checkout, say: the second copy has no version of upstream's to offer.
    copied = tmp_path / "WMCore"
    copied.mkdir()
    with open(os.path.join(sourceTree, "WMCore", "__init__.py")) as handle:
        (copied / "__init__.py").write_text(handle.read())
    answer = probe([sourceTree, str(tmp_path)] + upstreamTree + thirdParty(), ["WMCore.WMRuntime.Errors"])
    assert answer["modules"]["WMCore.WMRuntime.Errors"].startswith(sourceTree)
    assert answer["version"] == upstreamVersion(upstreamTree)


def testWithUpstreamFirstUpstreamIsAloneAndNothingIsMixed(sourceTree, upstreamTree):
    # Upstream's packages do not extend their path: what comes behind them is not seen at all.
    answer = probe(upstreamTree + [sourceTree] + thirdParty(),
                   ["WMCore.WMRuntime.Unpacker", "WMCore.WMRuntime.Tools.Scram", "WMCore.WMRuntime.Errors"])
    assert answer["version"] == upstreamVersion(upstreamTree)
    assert answer["modules"]["WMCore.WMRuntime.Unpacker"].startswith(tuple(upstreamTree))
    assert answer["modules"]["WMCore.WMRuntime.Tools.Scram"].startswith(tuple(upstreamTree))
    assert answer["modules"]["WMCore.WMRuntime.Errors"].startswith("ModuleNotFoundError")
    assert not [folder for folder in answer["path"] if folder.startswith(sourceTree)]


def testWithoutUpstreamWhatNeedsNoWorkloadImports(sourceTree):
    present = set(ownModules(sourceTree))
    wanted = [name for name in present for one in INDEPENDENT
              if name == "WMCore.WMRuntime." + one or name.startswith("WMCore.WMRuntime.%s." % one)]
    assert {"WMCore.WMRuntime.Errors", "WMCore.WMRuntime.Unpacker", "WMCore.WMRuntime.Tools.Scram"} <= set(wanted)
    answer = probe([sourceTree] + thirdParty(), sorted(wanted))
    wrong = {name: where for name, where in answer["modules"].items() if not where.startswith(sourceTree)}
    assert wrong == {}
    assert answer["version"] == "0"


def testWithoutUpstreamEveryOtherModuleImportsOrGivesOneClearError(sourceTree):
    answer = probe([sourceTree] + thirdParty(), ownModules(sourceTree))
    failed = {name: where for name, where in answer["modules"].items() if not where.startswith(sourceTree)}
    assert "WMCore.WMRuntime.SandboxCreator" in failed
    unclear = {name: error for name, error in failed.items()
               if not (error.startswith("WMCoreMissing: WMCore.") and "what to do:" in error)}
    assert unclear == {}


def testWithoutUpstreamScramAndUnpackerWork(sourceTree, tmp_path):
    code = ("import sys\nsys.path[:0] = %r\n"
            "from WMCore.WMRuntime.Tools.Scram import Scram\n"
            "from WMCore.WMRuntime.Errors import exitCodeInfo\n"
            "scram = Scram(command='nosuchscram', version='CMSSW_13_0_3', directory=%r, architecture='el8_amd64_gcc12')\n"
            "assert scram.project() != 0\n"
            "assert scram.diagnostic()\n"
            "print(exitCodeInfo(11006).name)\n" % ([sourceTree] + thirdParty(), str(tmp_path)))
    done = subprocess.run([sys.executable, "-S", "-E", "-B", "-c", code], cwd=str(tmp_path), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert done.stdout.decode().strip().endswith("UnpackFailed")


@pytest.fixture(scope="module")
def mergedJob(tmp_path_factory, sourceTree, upstreamTree, sandboxPackages):
    """Give the directory of a job's code: WMCore.zip with both trees in one, and what lies beside it."""
    base = str(tmp_path_factory.mktemp("merged"))
    code = ("import os, sys\n"
            "from WMCore.WMRuntime.SandboxContents import collectContents, sourcePaths\n"
            "from WMCore.WMRuntime.SandboxArchive import zipBytes\n"
            "from WMCore.WMRuntime.VendoredPackages import findVendored\n"
            "contents = collectContents(sourcePaths(), findVendored(sys.argv[1]))\n"
            "files = dict(contents.unzipped, **{'WMCore.zip': zipBytes(contents.zipped)})\n"
            "for name, content in files.items():\n"
            "    path = os.path.join(sys.argv[2], name)\n"
            "    os.makedirs(os.path.dirname(path), exist_ok=True)\n"
            "    with open(path, 'wb') as handle:\n"
            "        handle.write(content)\n")
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([sourceTree] + upstreamTree))
    subprocess.check_call([sys.executable, "-B", "-c", code, sandboxPackages, base], env=env, timeout=300)
    return base


def testFromTheMergedZipAloneWhatNeedsNoWorkloadImports(mergedJob):
    archive = os.path.join(mergedJob, "WMCore.zip")
    names = ["WMCore.WMRuntime.Errors", "WMCore.WMRuntime.Unpacker", "WMCore.WMRuntime.Tools.Scram",
             "WMCore.WMRuntime.Environment", "WMCore.WMRuntime.Payload", "attr", "packaging.version"]
    answer = probe([archive], names)
    assert {name: where for name, where in answer["modules"].items() if not where.startswith(archive)} == {}


def testInTheMergedJobBothTreesAreOne(mergedJob, sourceTree, upstreamTree):
    archive = os.path.join(mergedJob, "WMCore.zip")
    answer = probe([archive, mergedJob], ["WMCore.WMSpec.WMWorkload", "WMCore.WMRuntime.Unpacker", "Utils.Timestamps"])
    assert answer["modules"]["WMCore.WMSpec.WMWorkload"].startswith(archive)
    assert answer["version"] == upstreamVersion(upstreamTree)
    with open(os.path.join(sourceTree, "WMCore", "WMRuntime", "Unpacker.py"), "rb") as handle:
        assert zipfile.ZipFile(archive).read("WMCore/WMRuntime/Unpacker.py") == trimSource(handle.read())


@pytest.fixture(scope="module")
def cleanEnvironment(tmp_path_factory, topDirectory, sandboxPackages):
    """Give the python of a new environment that holds this project's wheel and its requirements alone."""
    base = str(tmp_path_factory.mktemp("wheel"))
    # A copy, because building leaves files in the tree it builds.
    source = os.path.join(base, "source")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=topDirectory, stdout=subprocess.PIPE).stdout
    for name in files.decode("utf-8").split("\0"):
        path = os.path.join(topDirectory, name)
        if name and os.path.isfile(path):
            os.makedirs(os.path.dirname(os.path.join(source, name)), exist_ok=True)
            with open(path, "rb") as old, open(os.path.join(source, name), "wb") as new:
                new.write(old.read())
    built = subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", base,
                            source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    wheels = [os.path.join(base, name) for name in os.listdir(base) if name.endswith(".whl")]
    if built.returncode or not wheels:
        pytest.skip("no wheel can be built here: %s" % built.stdout.decode("utf-8", "replace")[-300:])
    environment = os.path.join(base, "environment")
    subprocess.check_call([sys.executable, "-m", "venv", environment], timeout=300)
    python = os.path.join(environment, "bin", "python")
    packages = [os.path.join(sandboxPackages, name) for name in os.listdir(sandboxPackages) if name.endswith(".whl")]
    subprocess.check_call([python, "-m", "pip", "install", "-q", "--no-index", "--no-deps"] + wheels + packages,
                          timeout=300)
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"])
    site = site.decode().strip()
    if not packages:
        with open(os.path.join(site, "packages.pth"), "w") as handle:
            handle.write(sandboxPackages + "\n")
    return python, site


@pytest.mark.slow
def testTheWheelWorksInACleanEnvironment(cleanEnvironment):
    python, site = cleanEnvironment
    names = ["WMCore.WMRuntime.Errors", "WMCore.WMRuntime.Unpacker", "WMCore.WMRuntime.Tools.Scram"]
    answer = probe([], names, python, ("-E",))
    assert {name: where for name, where in answer["modules"].items() if not where.startswith(site)} == {}
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    helped = subprocess.run([os.path.join(os.path.dirname(python), "wmruntime"), "--help"], env=bare,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert helped.returncode == 0, helped.stdout.decode("utf-8", "replace")


@pytest.mark.slow
def testTheWheelGoesBeforeAnUpstreamNamedInAPthFile(cleanEnvironment, upstreamTree):
    python, site = cleanEnvironment
    named = os.path.join(site, "upstream.pth")
    with open(named, "w") as handle:
        handle.write("".join(entry + "\n" for entry in upstreamTree))
    try:
        answer = probe([], ["WMCore.WMRuntime.Unpacker", "WMCore.WMSpec.WMWorkload"], python, ("-E",))
    finally:
        os.unlink(named)
    assert answer["modules"]["WMCore.WMRuntime.Unpacker"].startswith(site)
    assert answer["modules"]["WMCore.WMSpec.WMWorkload"].startswith(tuple(upstreamTree))
    assert answer["version"] == upstreamVersion(upstreamTree)
