"""Run SetupCMSSWPset for a case in a process of its own, on the worker node in a box, and look at what it made."""
import json
import os
import subprocess
import sys

import attr

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON3, PYTHON2 = "CMSSW_13_0_3", "CMSSW_10_6_30"


@attr.s(frozen=True)
class PSetRun(object):
    """
    Hold what became of a case.

    :param directory: str, the step's directory
    :param status: int, of the script's process
    :param log: str, what it logged
    """
    directory = attr.ib()
    status = attr.ib()
    log = attr.ib()

    def read(self, name):
        """Read a file of the step."""
        with open(os.path.join(self.directory, name), encoding="utf-8") as handle:
            return handle.read()

    def json(self, name):
        """Read a JSON file of the step."""
        return json.loads(self.read(name))

    @property
    def calls(self):
        """Give the record of our driver."""
        return self.json("psetCalls.json")["calls"]


class PSetRuns(object):
    """
    Run cases.

    :param node: WorkerNode
    :param home: str, directory for the steps
    :param sourceTree: str, of this project
    :param upstreamTree: list of str, of WMCore
    """

    def __init__(self, node, home, sourceTree, upstreamTree):
        self.node = node
        self.home = str(home)
        packages = [entry for entry in sys.path if entry.endswith("site-packages")]
        self.paths = {"upstream": upstreamTree + packages, "ours": [sourceTree] + upstreamTree + packages}

    def run(self, case, release=PYTHON3, runtime="ours", environment=None, path=(), expect=0):
        """
        Run a case.

        :param case: str, name of a function of PSetCases
        :param release: str
        :param runtime: str, ours or upstream
        :param environment: dict, more variables
        :param path: sequence of str, directories to come first in the release's PATH
        :param expect: int, status
        :return: PSetRun
        """
        directory = os.path.join(self.home, "%s-%s-%s" % (runtime, case, release))
        environ = self.node.environment(requiredOS="rhel8", jobAd="", machineAd="", home=self.home)
        environ.update(SITECONFIG_PATH=os.path.join(self.node.cvmfs, "SITECONF", "local"), CMS_PATH=self.node.cvmfs,
                       PATH="%s/common:%s" % (self.node.cvmfs, environ["PATH"]), PYTHONDONTWRITEBYTECODE="1",
                       PYTHONPATH=os.pathsep.join(self.paths[runtime]))
        environ.update(environment or {})
        done = subprocess.run([sys.executable, os.path.join(HERE, "PSetCases.py"), case, release,
                               self.node.releases[release]["arch"], directory], env=environ, cwd=self.home,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        log = done.stdout.decode("utf-8", "replace")
        assert done.returncode == expect, "%s gave %s\n%s" % (directory, done.returncode, log[-6000:])
        return PSetRun(directory, done.returncode, log)

    def parameters(self, run, release):
        """
        Load a run's pickle in the release's python and give its parameters.

        :param run: PSetRun
        :param release: str
        :return: dict of path to [type, value]
        """
        described = self.node.releases[release]
        name = "python" if described["cmsRunPython"] == "2" else "python3"
        python = os.path.join(self.node.root, described["pythons"][name]["path"])
        target = os.path.join(run.directory, "parameters.json")
        fwcore = os.path.join(self.node.releaseDirectory(release), "python")
        subprocess.check_call([python, "-B", os.path.join(HERE, "PSetDump.py"),
                               os.path.join(run.directory, "PSet.pkl"), target], env={"PYTHONPATH": fwcore})
        with open(target, encoding="utf-8") as handle:
            return json.load(handle)
