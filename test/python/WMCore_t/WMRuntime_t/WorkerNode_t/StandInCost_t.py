"""Tests of what the stand-ins cost in programs, as docs/worker-node.md says it, and of how they find their node."""
import os
import platform
import re
import shutil
import subprocess

import pytest

from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNode

RELEASE = "CMSSW_13_0_3"
_EXECUTED = re.compile(r'execve\("([^"]*)".* = 0$', re.MULTILINE)


def run(node, command, folder, **environ):
    """Run a piece of bash on the node, with scram on the path; give what it printed."""
    env = dict(node.environment(home=str(folder), requiredOS="rhel8"), **environ)
    env["PATH"] = "%s:%s" % (os.path.join(node.cvmfs, "common"), env["PATH"])
    done = subprocess.run(command if isinstance(command, list) else ["/bin/bash", "--norc", "-c", command], cwd=str(folder),
                          env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def programs(node, command, folder, **environ):
    """Give the names of the programs that a piece of bash executes, without bash itself."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    traces = folder / "traces"
    traces.mkdir()
    # A file for each process, as the lines of several would be torn in one.
    run(node, [strace, "-ff", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", str(traces / "t"),
               "/bin/bash", "--norc", "-c", command], folder, **environ)
    text = "".join(path.read_text() for path in traces.iterdir())
    # The first execve is that of the bash asked for; the others tell of the stand-ins.
    names = sorted(re.sub(r"^python[0-9.]*$", "python", os.path.basename(path)) for path in _EXECUTED.findall(text))
    names.remove("bash")
    return names


@pytest.mark.parametrize("command, expected", [
    ("condor_chirp set_job_attr_delayed A 1; :", ["condor_chirp", "python"]),
    ("$CHIRP set_job_attr_delayed A 1; :", ["condor_chirp", "python"]),
    ("gfal-copy file://$PWD/a file://$PWD/b; :", ["gfal-copy", "python"]),
    ("gfal-rm file://$PWD/a; :", ["gfal-rm", "python"]),
    ("singularity version; :", ["python", "singularity"]),
    ("cmsarch; :", ["cmsarch", "cmsos", "uname"]),
    (". $VO_CMS_SW_DIR/cmsset_default.sh; :", ["cmsarch", "cmsos", "uname"]),
    (". $VO_CMS_SW_DIR/COMP/$AREA/etc/profile.d/init.sh; :", []),
    ("SCRAM_ARCH=$ARCH scramv1 project CMSSW $RELEASE; :",
     ["cmsarch", "cmsos", "env", "python", "python", "scram", "scramv1", "uname"]),
    ("cd $AREA_OF_RELEASE && SCRAM_ARCH=$ARCH scramv1 runtime -sh; :", ["cmsarch", "python", "scram", "scramv1", "uname"])])
def testAStandInRunsNoProgramsToFindItsNode_6(workerNode, tmp_path, tmp_path_factory, command, expected):
    (tmp_path / "a").write_text("x")
    area = tmp_path_factory.mktemp("area")
    arch = workerNode.releases[RELEASE]["arch"]
    if "AREA_OF_RELEASE" in command:
        run(workerNode, "scramv1 --arch %s project CMSSW %s" % (arch, RELEASE), area)
    comp = os.path.join("rhel8_" + platform.machine(), "external", "python3")
    version = os.listdir(os.path.join(workerNode.cvmfs, "COMP", comp))[0]
    chirp = os.path.join(workerNode.root, "condor", "main", "condor", "libexec", "condor_chirp")
    assert programs(workerNode, command, tmp_path, ARCH=arch, RELEASE=RELEASE, AREA=os.path.join(comp, version),
                    AREA_OF_RELEASE=str(area / RELEASE), CHIRP=chirp) == expected


def testCmsRunCostsItsLauncherAndItsPython_6(workerNode, tmp_path):
    release = workerNode.releases[RELEASE]
    program = os.path.join(workerNode.releaseDirectory(RELEASE), "bin", release["arch"], "cmsRun")
    assert programs(workerNode, "'%s' --help; :" % program, tmp_path) == ["cmsRun", "python"]


def testAStandInWorksByALinkThatLiesElsewhere(workerNode, tmp_path):
    """The real ones do: a site's own bin may hold links to them."""
    release = workerNode.releases[RELEASE]
    launcher = os.path.join(workerNode.releaseDirectory(RELEASE), "bin", release["arch"], "cmsRun")
    for name, target in (("condor_chirp", os.path.join(workerNode.root, "bin", "condor_chirp")),
                         ("gfal-copy", os.path.join(workerNode.root, "bin", "gfal-copy")),
                         ("scramv1", os.path.join(workerNode.cvmfs, "common", "scram")), ("cmsRun", launcher)):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "a").write_text("x")
    before = len(workerNode.calls("condor_chirp"))
    run(workerNode, "./condor_chirp set_job_attr_delayed A 1 && ./gfal-copy a b && ./cmsRun --help", tmp_path)
    assert len(workerNode.calls("condor_chirp")) == before + 1 and (tmp_path / "b").read_text() == "x"
    assert run(workerNode, "./scramv1 version", tmp_path).strip() == "V3_00_60"


def testAStandInWorksFromItsOwnFolder(workerNode, tmp_path):
    before = len(workerNode.calls("condor_chirp"))
    run(workerNode, "cd '%s' && ./condor_chirp phase x && PATH=:/usr/bin:/bin && condor_chirp phase y && sh condor_chirp phase z"
        % os.path.join(workerNode.root, "bin"), tmp_path)
    assert [call["argv"][2] for call in workerNode.calls("condor_chirp")[before:]] == ["x", "y", "z"]
    common = os.path.join(workerNode.cvmfs, "common")
    assert run(workerNode, "unset SCRAM_ARCH; cd '%s' && sh cmsarch" % common, tmp_path).startswith("el8_")
    sourced = run(workerNode, "cd '%s' && PATH=/usr/bin:/bin && . ./../common/../cmsset_default.sh && echo $CMS_PATH"
                  % common, tmp_path)
    assert sourced.strip() == workerNode.cvmfs
    sourced = run(workerNode, "cd '%s' && . cmsset_default.sh && echo $CMS_PATH" % workerNode.cvmfs, tmp_path)
    assert sourced.strip() == workerNode.cvmfs


def testACopiedNodesStandInsRecordInTheirNewPlace(workerNode, tmp_path):
    copy = str(tmp_path / "a node elsewhere")
    shutil.copytree(workerNode.root, copy, symlinks=True)
    node = WorkerNode.load(copy)
    calls = [len(some.calls("condor_chirp")) for some in (workerNode, node)]
    chirp = os.path.join(copy, "condor", "main", "condor", "libexec", "condor_chirp")
    run(node, "'%s' phase moved" % chirp, tmp_path)
    assert [len(some.calls("condor_chirp")) for some in (workerNode, node)] == [calls[0], calls[1] + 1]
