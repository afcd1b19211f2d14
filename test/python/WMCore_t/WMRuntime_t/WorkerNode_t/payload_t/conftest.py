"""A small tree with releases of three kinds, made by Install, and a way to run their commands."""
import json
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons
from WMCore.WMRuntime.WorkerNode.payload.Install import installRelease, installTools

ARCH = "el8_amd64_gcc12"
PYTHON2_RELEASE, PYTHON3_RELEASE, LOST_RELEASE = "CMSSW_10_6_30", "CMSSW_13_0_3", "CMSSW_8_0_31"


class PayloadTree(object):
    """Where the stand-ins were installed."""

    def __init__(self, root, python2):
        self.root = str(root)
        self.callsLog = os.path.join(self.root, "var", "calls.jsonl")
        self.overrides = os.path.join(self.root, "share", "overrides")
        installTools(os.path.join(self.overrides, "bin"), os.path.join(self.overrides, "python"), self.callsLog)
        self.install(PYTHON3_RELEASE, None, sys.executable, "3", False)
        self.install(PYTHON2_RELEASE, python2, sys.executable, "2", True, "this machine has no python 2.7")
        self.install(LOST_RELEASE, None, None, "2", False, "this machine has no python 2.7")

    def release(self, name):
        """Return the path of a release."""
        return os.path.join(self.root, "cms", "cmssw", name)

    def install(self, name, python2, python3, cmsRunPython, twin, why=""):
        """Install one release and the interpreters its environment offers."""
        binDir = os.path.join(self.release(name), "external", ARCH, "bin")
        os.makedirs(binDir)
        found = {}
        for tool, path in (("python", python2), ("python3", python3)):
            if path:
                with open(os.path.join(binDir, tool), "w") as handle:
                    handle.write("#!/bin/sh\nexec '%s' \"$@\"\n" % path)
                os.chmod(os.path.join(binDir, tool), 0o755)
                found[tool] = os.path.join("external", ARCH, "bin", tool)
        installRelease(self.release(name), ARCH, found.get("python"), found.get("python3"), cmsRunPython, twin,
                       self.callsLog, why)

    def environment(self, name):
        """Return the environment that SCRAM would give for a release."""
        release = self.release(name)
        path = [os.path.join(self.overrides, "bin"), os.path.join(release, "bin", ARCH),
                os.path.join(release, "external", ARCH, "bin"), "/usr/bin", "/bin"]
        environ = {"PATH": os.pathsep.join(path), "CMSSW_VERSION": name, "PYTHON3PATH": os.path.join(release, "python"),
                   "LC_ALL": "C"}
        if name != PYTHON3_RELEASE:
            environ["PYTHON27PATH"] = environ["PYTHON3PATH"]
        return environ

    def start(self, name, arguments, cwd):
        """Start a command in a release's environment."""
        return subprocess.Popen([str(argument) for argument in arguments], cwd=str(cwd), env=self.environment(name),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, name, arguments, cwd, expect=0):
        """Run a command to its end; return (stdout, stderr) as text."""
        child = self.start(name, arguments, cwd)
        out, err = [text.decode("utf-8", "replace") for text in child.communicate(timeout=120)]
        assert child.returncode == expect, "%s gave %s\n%s\n%s" % (arguments, child.returncode, out[-2000:], err[-4000:])
        return out, err

    def cmsRun(self, name, pset, cwd, expect=0, fault=None):
        """Run cmsRun on a configuration's text, with a fault; return (stdout, stderr)."""
        with open(os.path.join(str(cwd), "PSet.py"), "w") as handle:
            handle.write(pset)
        if fault is not None:
            with open(os.path.join(str(cwd), "wmruntimeFault.json"), "w") as handle:
                json.dump(fault, handle)
        return self.run(name, ["cmsRun", "-j", "FrameworkJobReport.xml", "PSet.py"], cwd, expect)

    def calls(self):
        """Return what the stand-ins said of their calls."""
        with open(self.callsLog) as handle:
            return [json.loads(line) for line in handle]


@pytest.fixture(scope="session")
def python2():
    """Path of a python 2.7, or None."""
    found = findMachinePythons().get("2.7")
    return found.executable if found else None


@pytest.fixture(scope="session")
def tree(tmp_path_factory, python2):
    """One PayloadTree for all tests; its path has a space."""
    return PayloadTree(tmp_path_factory.mktemp("pay load") / "node", python2)


@pytest.fixture(params=[PYTHON2_RELEASE, PYTHON3_RELEASE])
def releaseName(request, python2):
    """A release whose cmsRun is python 2, then one whose cmsRun is python 3."""
    if request.param == PYTHON2_RELEASE and python2 is None:
        pytest.skip("this machine has no python 2.7, so the cmsRun of %s cannot run" % PYTHON2_RELEASE)
    return request.param
