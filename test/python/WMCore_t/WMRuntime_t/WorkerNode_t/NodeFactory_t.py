"""Tests of making a worker node: what is in it, what happens without a python, and that it can be moved."""
import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

from WMCore.WMRuntime.WorkerNode import NodeFactory
from WMCore.WMRuntime.WorkerNode.CompArea import COMP_SPECS
from WMCore.WMRuntime.WorkerNode.MachinePythons import MachinePython, findMachinePythons
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNode, WorkerNodeError


@pytest.fixture(scope="module")
def machinePythons():
    return findMachinePythons()


@pytest.fixture(scope="module")
def onePython(machinePythons):
    """Give the newest python3 of the machine, for nodes of which it does not matter how many they have."""
    series = max((text for text in machinePythons if text.startswith("3.")), key=lambda text: int(text[2:]))
    return {series: machinePythons[series]}


@pytest.fixture(scope="module")
def leanNode(tmp_path_factory, onePython):
    """Give a node of a machine with one python3 only, the newest."""
    said = []
    node = createNode(str(tmp_path_factory.mktemp("lean") / "node"), onePython, log=said.append)
    return node, list(onePython)[0], "\n".join(said)


def run(node, arguments, **options):
    env = dict(node.environment(home="/"), **options.pop("extra", {}))
    return subprocess.run(arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=60, **options)


def testNodeIsDescribedByItsFile(workerNode, machinePythons):
    with open(os.path.join(workerNode.root, "node.json")) as handle:
        description = json.load(handle)
    assert description["format"] == 1 and description["root"] == workerNode.root
    assert description["machine"] == platform.machine().replace("arm64", "aarch64")
    assert {series: path for series, path in description["pythons"].items() if path} == \
        {series: python.executable for series, python in machinePythons.items()}
    assert WorkerNode.load(workerNode.root) == workerNode
    assert workerNode.callsLog == os.path.join(workerNode.root, "var", "calls.jsonl")


def testNodeKnowsFiveReleasesOfDifferentGenerations(workerNode):
    assert {name: (state["cmsRunPython"], sorted(state["pythons"])) for name, state in workerNode.releases.items()} == {
        "CMSSW_8_0_31": ("2", ["python"]), "CMSSW_10_6_30": ("2", ["python", "python3"]),
        "CMSSW_12_0_0": ("3", ["python", "python3"]), "CMSSW_13_0_3": ("3", ["python3"]),
        "CMSSW_13_0_3_patch1": ("3", ["python3"])}


def testReleasesHaveTheProgramsOfTheirGeneration(workerNode):
    programs = {}
    for name, state in workerNode.releases.items():
        folder = os.path.join(workerNode.releaseDirectory(name), "bin", state["arch"])
        programs[name] = sorted(program for program in os.listdir(folder) if program.startswith("cmsRun"))
    assert programs == {"CMSSW_8_0_31": ["cmsRun"], "CMSSW_10_6_30": ["cmsRun", "cmsRunPython3"],
                        "CMSSW_12_0_0": ["cmsRun"], "CMSSW_13_0_3": ["cmsRun"], "CMSSW_13_0_3_patch1": []}


def testReleasesAreLaidOutAsTheirScramDoes(workerNode):
    for name, state in workerNode.releases.items():
        admin = os.path.join(workerNode.releaseDirectory(name), ".SCRAM", state["arch"])
        isV2 = state["scramVersion"].startswith("V2")
        assert os.path.isfile(os.path.join(admin, "ToolCache.db.gz")) == isV2
        assert os.path.isfile(os.path.join(admin, "tools", "xz")) != isV2
        assert os.path.isdir(os.path.join(admin, "MakeData"))
        assert not os.path.exists(os.path.join(admin, "Environment"))


def testV3ToolCacheNamesPlacesOfThisNode(workerNode):
    state = workerNode.releases["CMSSW_13_0_3"]
    path = os.path.join(workerNode.releaseDirectory("CMSSW_13_0_3"), ".SCRAM", state["arch"], "tools", "python3")
    with open(path) as handle:
        tool = json.load(handle)
    assert tool["TOOLNAME"] == "python3"
    assert tool["PYTHON3_BASE"].startswith(workerNode.cvmfs + "/") and os.path.isdir(tool["PYTHON3_BASE"])
    assert tool["RUNTIME"]["PATH:PATH"] == [tool["PYTHON3_BASE"] + "/bin"]
    assert tool["LIB"] == ["python3.9"]


def testExternalLinksAreRelativeAndLeadToTheToolsOwnPrograms(workerNode):
    for name, state in workerNode.releases.items():
        folder = os.path.join(workerNode.releaseDirectory(name), "external", state["arch"], "bin")
        for program in os.listdir(folder):
            target = os.readlink(os.path.join(folder, program))
            assert target.startswith("../../../../../../external/"), (name, program)
        with open(os.path.join(folder, "..", "links.DB")) as handle:
            assert "L:xz:bin/xz\n" in handle.readlines()


def testReleasePythonsRunAndReadTheirPathVariableAndNothingOfTheMachine(workerNode, tmp_path):
    (tmp_path / "onlyHere.py").write_text("")
    code = ("import sys, onlyHere; sys.stdout.write('%d.%d ' % sys.version_info[:2] + "
            "' '.join(p for p in sys.path if 'packages' in p))")
    ran = 0
    for name, state in workerNode.releases.items():
        for tool, found in state["pythons"].items():
            if found["path"] is None:
                continue
            link = os.path.join(workerNode.releaseDirectory(name), "external", state["arch"], "bin",
                                "python" + found["wanted"])
            variable = "PYTHON27PATH" if tool == "python" else "PYTHON3PATH"
            done = run(workerNode, [link, "-c", code], extra={variable: str(tmp_path)})
            assert done.returncode == 0, done.stderr
            version, _, packages = done.stdout.partition(" ")
            assert version == ".".join(found["actual"].split(".")[:2])
            assert all(workerNode.root in os.path.realpath(folder) for folder in packages.split())
            ran += 1
    assert ran >= 4


def testTwelveCompAreasExistAndOnlyThisCpusHaveAPythonThatRuns(workerNode):
    assert len(COMP_SPECS) == 12
    for spec in COMP_SPECS:
        area = os.path.join(workerNode.cvmfs, "COMP", spec.name)
        assert os.readlink(area) == spec.arch
        versions = os.listdir(os.path.join(area, "external", "python3"))
        assert len(versions) == 1
        home = os.path.join(area, "external", "python3", versions[0])
        assert os.path.isfile(os.path.join(home, "etc", "profile.d", "init.sh"))
        assert os.path.isfile(os.path.join(area, "external", "py3-future", "0.18.2", "etc", "profile.d", "init.sh"))
        python = os.path.join(home, "bin", "python3")
        if spec.name.endswith("_" + platform.machine()):
            done = run(workerNode, [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix)"])
            assert os.path.realpath(done.stdout.split()[1]) == os.path.realpath(home)
        else:
            assert not os.path.lexists(python)


def testCompInitScriptsSetWhatTheRealOnesSet(workerNode):
    area = os.path.join(workerNode.cvmfs, "COMP", "rhel8_" + platform.machine(), "external")
    version = os.listdir(os.path.join(area, "python3"))[0]
    script = ('set -u; . "$1"; . "$2"; echo "$PYTHON3_ROOT"; echo "$PYTHON3_VERSION"; echo "$PYTHON_LIB_SITE_PACKAGES"; '
              'echo "$PYTHON3_LIB_SITE_PACKAGES"; echo "$PATH"; echo "$LD_LIBRARY_PATH"; env | grep -c "^PYTHON3_"; '
              'command -v python3')
    done = run(workerNode, ["bash", "-c", script, "bash", os.path.join(area, "python3", version, "etc/profile.d/init.sh"),
                            os.path.join(area, "py3-future", "0.18.2", "etc/profile.d/init.sh")])
    home = os.path.realpath(os.path.join(area, "python3", version))
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert lines[0] == home and lines[1] == version
    assert lines[2] == lines[3] and lines[2].startswith("lib/python3.")
    assert lines[4].startswith(home + "/bin:") and lines[5] == home + "/lib"
    assert lines[6] == "0"  # not exported
    assert lines[7] == home + "/bin/python3"


def testFutureIsCopiedWhereTheRunningPythonHasIt(tmp_path, monkeypatch, onePython):
    (tmp_path / "libs" / "future").mkdir(parents=True)
    (tmp_path / "libs" / "future" / "__init__.py").write_text("where = __file__\n")
    monkeypatch.syspath_prepend(str(tmp_path / "libs"))
    # Another test may have imported the real one.
    monkeypatch.delitem(sys.modules, "future", raising=False)
    monkeypatch.setattr("WMCore.WMRuntime.WorkerNode.CompArea._FUTURE_PACKAGES", ("future",))
    node = createNode(str(tmp_path / "node"), onePython, log=lambda text: None)
    area = os.path.join(node.cvmfs, "COMP", "rhel8_" + platform.machine(), "external")
    version = os.listdir(os.path.join(area, "python3"))[0]
    script = '. "$1"; . "$2"; python3 -c "import future; print(future.where)"'
    done = run(node, ["bash", "-c", script, "bash", os.path.join(area, "python3", version, "etc/profile.d/init.sh"),
                      os.path.join(area, "py3-future", "0.18.2", "etc/profile.d/init.sh")])
    assert done.stdout.startswith(os.path.realpath(os.path.join(area, "py3-future", "0.18.2", "lib")))


def testReleaseWithoutItsPython2IsBuiltMarkedAndSaysSo(leanNode):
    node, _, said = leanNode
    state = node.releases["CMSSW_8_0_31"]
    assert not state["runnable"]
    assert state["why"] == "CMSSW_8_0_31 needs python 2.7, which this machine does not have"
    assert state["pythons"]["python"] == {"wanted": "2.7", "actual": None, "path": None,
                                          "why": "this machine has no python 2.7"}
    assert "release CMSSW_8_0_31 (%s): cannot run: %s" % (state["arch"], state["why"]) in said
    folder = os.path.join(node.releaseDirectory("CMSSW_8_0_31"), "external", state["arch"], "bin")
    link = os.path.join(folder, "python2.7")
    assert os.path.islink(link) and not os.path.exists(link)
    done = run(node, [os.path.join(node.releaseDirectory("CMSSW_8_0_31"), "bin", state["arch"], "cmsRun"), "x.py"])
    assert done.returncode == 127
    assert "python 2.7" in done.stderr


def testPython3OfAnotherSeriesStandsInAndIsRecorded(leanNode):
    node, series, said = leanNode
    found = node.releases["CMSSW_13_0_3"]["pythons"]["python3"]
    assert node.releases["CMSSW_13_0_3"]["runnable"]
    assert found["wanted"] == "3.9" and found["actual"].startswith(series + ".")
    assert found["why"] == "%s in place of 3.9" % series
    assert "python3: %s in place of 3.9" % series in said
    link = os.path.join(node.releaseDirectory("CMSSW_13_0_3"), "external", node.releases["CMSSW_13_0_3"]["arch"], "bin",
                        "python3.9")
    done = run(node, [link, "-c", "import sys, json, zlib; print('%d.%d' % sys.version_info[:2])"])
    assert done.stdout.strip() == series
    assert node.releases["CMSSW_10_6_30"]["runnable"] is False


@pytest.mark.parametrize("machine, cpu", [("aarch64", "aarch64"),
                                          pytest.param("ppc64le", "ppc64le", marks=pytest.mark.slow)])
def testReleasesOfAnotherCpuHaveItsArchNames(tmp_path, monkeypatch, onePython, machine, cpu):
    monkeypatch.setattr(NodeFactory.platform, "machine", lambda: machine)
    node = createNode(str(tmp_path / "node"), onePython, log=lambda text: None)
    assert node.releases["CMSSW_13_0_3"]["arch"] == "el8_%s_gcc12" % cpu
    top = node.releaseDirectory("CMSSW_13_0_3")
    path = os.path.join(top, "config", "toolbox", "el8_%s_gcc12" % cpu, "tools", "selected", "python3.xml")
    with open(path) as handle:
        assert "/el8_%s_gcc12/external/python3/" % cpu in handle.read()
    python = os.path.join(node.cvmfs, "COMP", "rhel8_" + machine, "external", "python3")
    assert os.path.exists(os.path.join(python, os.listdir(python)[0], "bin", "python3"))


def testMovedNodeIsRepairedWhenLoadedAndItsScramWorks(tmp_path, onePython):
    old = createNode(str(tmp_path / "old place"), onePython, log=lambda text: None)
    (tmp_path / "deep").mkdir()
    new = str(tmp_path / "deep" / "new place")
    os.rename(old.root, new)
    node = WorkerNode.load(new)
    assert node.root == new
    leftovers = subprocess.run(["grep", "-rlF", old.root + "/", new], stdout=subprocess.PIPE, universal_newlines=True)
    assert leftovers.stdout == ""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("CMSSW_10_6_30", "CMSSW_13_0_3_patch1"):
        state = node.releases[name]
        script = ('. "$VO_CMS_SW_DIR/cmsset_default.sh" && scramv1 --arch %s project CMSSW %s && cd %s && '
                  'eval "$(scramv1 runtime -sh)" && command -v cmsRun && python3 -c "import sys; print(sys.prefix)"'
                  % (state["arch"], name, name))
        done = run(node, ["bash", "-c", script], cwd=str(home))
        assert done.returncode == 0, done.stderr
        cmsRun, prefix = [line for line in done.stdout.splitlines() if line.startswith("/")]
        assert cmsRun.startswith(new + "/") and os.path.realpath(prefix).startswith(new + "/")


def testCopiedNodeWorksBesideTheFirst(tmp_path, workerNode):
    copy = str(tmp_path / "copy")
    shutil.copytree(workerNode.root, copy, symlinks=True)
    node = WorkerNode.load(copy)
    assert node.releaseDirectory("CMSSW_13_0_3").startswith(copy + "/")
    assert WorkerNode.load(workerNode.root) == workerNode


def testInterruptedRepairStartsAgain(tmp_path, leanNode, monkeypatch):
    copy = str(tmp_path / "copy")
    shutil.copytree(leanNode[0].root, copy, symlinks=True)
    real = os.rename
    seen = []

    def failing(source, target):
        seen.append(target)
        if len(seen) == 3:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr("WMCore.WMRuntime.WorkerNode.NodeFiles.os.rename", failing)
    with pytest.raises(OSError):
        WorkerNode.load(copy)
    monkeypatch.undo()
    WorkerNode.load(copy)
    leftovers = subprocess.run(["grep", "-rlF", leanNode[0].root + "/", copy, "--exclude=calls.jsonl",
                                "--exclude=*.pyc"],
                               stdout=subprocess.PIPE, universal_newlines=True)
    assert leftovers.stdout == ""


def testDirectoryWithSomethingElseInItIsNotTouched(tmp_path, machinePythons):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(WorkerNodeError, match="holds no worker node"):
        createNode(str(tmp_path), machinePythons, force=True)
    with pytest.raises(WorkerNodeError, match="is no directory"):
        createNode(str(tmp_path / "mine"), machinePythons)
    assert os.listdir(str(tmp_path)) == ["mine"]


def testExistingNodeIsReplacedOnlyWhenForced(tmp_path, onePython):
    root = str(tmp_path / "node")
    createNode(root, onePython, log=lambda text: None)
    open(os.path.join(root, "storage", "old"), "w").close()
    with pytest.raises(WorkerNodeError, match="--force"):
        createNode(root, onePython)
    assert os.path.exists(os.path.join(root, "storage", "old"))
    createNode(root, onePython, force=True, log=lambda text: None)
    assert os.listdir(os.path.join(root, "storage")) == []
    assert os.listdir(str(tmp_path)) == ["node"]


def testFailureLeavesNothingBehind(tmp_path, onePython, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(NodeFactory, "writeReleases", full)
    with pytest.raises(OSError):
        createNode(str(tmp_path / "node"), onePython, log=lambda text: None)
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("name", ["a:b", "a$b", "a\"b", "a&b", "a\nb"])
def testDirectoryNamesThatCannotStandInAPathAreRefused(tmp_path, name, machinePythons):
    with pytest.raises(WorkerNodeError, match="choose another"):
        createNode(str(tmp_path / name), machinePythons)


def testNoPython3AtAllIsAnError(tmp_path):
    with pytest.raises(WorkerNodeError, match="No python3"):
        createNode(str(tmp_path / "node"), {})


def testLoadSaysWhatIsMissing(tmp_path):
    with pytest.raises(WorkerNodeError, match="wmruntime node create"):
        WorkerNode.load(str(tmp_path))
    (tmp_path / "node.json").write_text('{"format": 99}')
    with pytest.raises(WorkerNodeError, match="another format"):
        WorkerNode.load(str(tmp_path))


def testNodeWhosePythonIsGoneSaysSo(tmp_path, leanNode):
    copy = str(tmp_path / "copy")
    shutil.copytree(leanNode[0].root, copy, symlinks=True)
    os.unlink(os.path.join(copy, "libexec", "python3"))
    os.symlink("/no/such/python3", os.path.join(copy, "libexec", "python3"))
    with pytest.raises(WorkerNodeError, match="/no/such/python3, which is no interpreter here"):
        WorkerNode.load(copy)


def testInterpreterThatCannotBeLaidOutIsLeftOutAndReplaced(tmp_path, machinePythons):
    broken = tmp_path / "python3.9"
    broken.write_text("#!/bin/sh\necho none\n")
    broken.chmod(0o755)
    other = max((text for text in machinePythons if text.startswith("3.") and text != "3.9"), key=lambda text: int(text[2:]))
    said = []
    pythons = {other: machinePythons[other],
               "3.9": MachinePython((3, 9, 1), str(broken), machinePythons[other].stdlib)}
    node = createNode(str(tmp_path / "node"), pythons, log=said.append)
    assert any(line.startswith("python 3.9 is left out: A copy of %s does not run" % broken) for line in said)
    assert node.pythons["3.9"] is None
    assert node.releases["CMSSW_13_0_3"]["pythons"]["python3"]["why"] == "%s in place of 3.9" % other


def testStartEnvironmentHasNothingOfTheCaller(workerNode, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/leak")
    monkeypatch.setenv("PYENV_ROOT", "/leak")
    environ = workerNode.environment(requiredOS="rhel7", jobAd="/j/.job.ad", machineAd="/j/.machine.ad", home="/j")
    assert not [name for name in environ if name.startswith(("PYTHON", "PYENV", "LD_"))]
    assert environ["VO_CMS_SW_DIR"] == workerNode.cvmfs and environ["REQUIRED_OS"] == "rhel7"
    assert environ["_CONDOR_JOB_AD"] == "/j/.job.ad" and environ["_CONDOR_MACHINE_AD"] == "/j/.machine.ad"
    assert environ["HOME"] == "/j"
    assert environ["PATH"].split(":")[0] == os.path.join(workerNode.root, "bin")
    assert "/leak" not in " ".join(environ.values())
    chirp = os.path.join(os.path.dirname(environ["CONDOR_CONFIG"]), "main", "condor", "libexec", "condor_chirp")
    assert os.access(chirp, os.X_OK)


def testCondorChirpRecordsItsArguments(workerNode, tmp_path):
    chirp = os.path.join(workerNode.root, "condor", "main", "condor", "libexec", "condor_chirp")
    value = '"a \'quoted\' value \u00e9\n"'
    done = run(workerNode, [chirp, "set_job_attr_delayed", "Chirp_WMCore_cmsRun_ExitCode", value], cwd=str(tmp_path),
               extra={"PYTHONHOME": "/nowhere", "LD_LIBRARY_PATH": "/nowhere"})
    assert done.returncode == 0 and done.stdout == "" and done.stderr == ""
    call = workerNode.calls("condor_chirp")[-1]
    assert call["argv"] == ["condor_chirp", "set_job_attr_delayed", "Chirp_WMCore_cmsRun_ExitCode", value]
    assert call["cwd"] == os.path.realpath(str(tmp_path)) and call["exit"] == 0


def testUnknownFaultIsRefused(workerNode):
    with pytest.raises(WorkerNodeError, match="has no fault"):
        workerNode.setScramFault("project", "explode")
    with pytest.raises(WorkerNodeError, match="has no release"):
        workerNode.releaseDirectory("CMSSW_1_2_3")
