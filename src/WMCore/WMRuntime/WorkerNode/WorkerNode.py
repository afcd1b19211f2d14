"""A worker node in a box, as it lies on disk."""
import json
import os

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.WorkerNode.NodeFiles import writeJson, writeText

FORMAT = 1
NODE_FILE = "node.json"
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class WorkerNodeError(WMRuntimeError):
    """
    Say that a node, or a job on it, cannot be had, and what to do.

    :param message: str, what happened, to which directory or file
    :param context: str, what was expected and what was found
    :param hint: str, what to do about it
    """

    def __init__(self, message, context="", hint=""):
        super(WorkerNodeError, self).__init__(None, message, context, hint)


@attr.s(frozen=True)
class WorkerNode(object):
    """A node: where its parts are and what it can run."""

    root = attr.ib()        # absolute path of the node's directory
    cvmfs = attr.ib()       # its /cvmfs/cms.cern.ch
    siteConfig = attr.ib()  # its SITECONF/local
    storage = attr.ib()     # where stage-out puts files
    releases = attr.ib()    # dict of release name to what node.json says of it
    pythons = attr.ib()     # dict of series ("3.9") to the machine's interpreter, None where it has none
    callsLog = attr.ib()    # one JSON line per call of a stand-in
    images = attr.ib(factory=dict)  # dict of system ("rhel8") to the directory of its container image

    @classmethod
    def load(cls, directory):
        """
        Read a node from its directory, and make it right again when it was moved or copied since.

        The files that must hold absolute paths (tool manifests, the site's storage description) are rewritten when
        node.json names another place than the one the node is found in.

        :param directory: str, the node's directory
        :return: WorkerNode
        :raises WorkerNodeError: when there is no node, one of another format or one whose python is gone
        """
        root = os.path.realpath(directory)
        description = readDescription(root)
        own = os.path.join(root, "libexec", "python3")
        if not os.access(own, os.X_OK):
            raise WorkerNodeError("%s leads to %s, which is no interpreter here: the node was made on another machine, or "
                                  "that python was removed. Make it again: `wmruntime node create --force %s`."
                                  % (own, os.path.realpath(own), root))
        if description["root"] != root:
            _repair(root, description)
        return cls.fromDescription(description)

    @classmethod
    def fromDescription(cls, description):
        """
        Make the object from the contents of node.json.

        :param description: dict
        :return: WorkerNode
        """
        root = description["root"]
        return cls(root=root, cvmfs=os.path.join(root, "cvmfs", "cms.cern.ch"),
                   siteConfig=os.path.join(root, "site", "SITECONF", "local"), storage=os.path.join(root, "storage"),
                   releases=description["releases"], pythons=description["pythons"],
                   callsLog=os.path.join(root, "var", "calls.jsonl"),
                   images={system: os.path.join(root, image["path"])
                           for system, image in description.get("images", {}).items()})

    def calls(self, program=None):
        """
        Read what the stand-ins recorded.

        :param program: str, only the calls of this one ("scram", "condor_chirp"); default all
        :return: list of dict, oldest first: program, argv, cwd, pid, time, and exit where the stand-in knew it
        """
        if not os.path.exists(self.callsLog):
            return []
        with open(self.callsLog, encoding="utf-8") as handle:
            found = [json.loads(line) for line in handle if line.strip()]
        return [call for call in found if program is None or call["program"] == program]

    def releaseDirectory(self, name):
        """
        Say where a release lies.

        :param name: str, `CMSSW_13_0_3`
        :return: str, absolute path
        :raises WorkerNodeError: when the node has no such release
        """
        if name not in self.releases:
            raise WorkerNodeError("The node %s has no release %s; it has %s."
                                  % (self.root, name, ", ".join(sorted(self.releases))))
        return os.path.join(self.root, self.releases[name]["directory"])

    def environment(self, requiredOS="rhel8", jobAd=None, machineAd=None, home=None):
        """
        Build the environment in which HTCondor would start the job wrapper on this node.

        Nothing comes from the caller's environment.

        :param requiredOS: str, REQUIRED_OS of the job: `rhel8`, `any`
        :param jobAd: str, path of the job ad; None leaves the variable out
        :param machineAd: str, path of the machine ad; None leaves the variable out
        :param home: str, HOME and HTCondor's scratch directory, which is the job's start directory; None leaves both out
        :return: dict
        """
        environ = {
            "VO_CMS_SW_DIR": self.cvmfs,
            "REQUIRED_OS": requiredOS,
            "CONDOR_CONFIG": os.path.join(self.root, "condor", "condor_config"),
            "PATH": os.pathsep.join((os.path.join(self.root, "bin"),) + _SYSTEM_PATH),
            "USER": "cmspilot",
            "LOGNAME": "cmspilot",
            "BATCH_SYSTEM": "HTCondor",
            "_CONDOR_SLOT": "slot1_1",
            # As sites do that have storage of their own; here it is what the stand-ins need, too.
            "APPTAINER_BINDPATH": self.root,
        }
        for name, value in (("_CONDOR_JOB_AD", jobAd), ("_CONDOR_MACHINE_AD", machineAd), ("HOME", home),
                            ("_CONDOR_SCRATCH_DIR", home), ("_CONDOR_JOB_IWD", home)):
            if value is not None:
                environ[name] = str(value)
        return environ

    def setScramFault(self, command, fault, value=1):
        """
        Tell the scram stand-in to misbehave from now on.

        :param command: str, "project" or "runtime"
        :param fault: str, "exit" (ends with code `value`), "hang" (sleeps `value` seconds), "flaky" (the first `value`
            calls fail)
        :param value: int
        """
        if command not in ("project", "runtime") or fault not in ("exit", "hang", "flaky"):
            raise WorkerNodeError("scram has no fault %r for %r: use exit, hang or flaky for project or runtime"
                                  % (fault, command))
        self.clearScramFault()
        writeJson(os.path.join(self.root, "var", "scramFault.json"),
                  {"command": command, "fault": fault, "value": value})

    def clearScramFault(self):
        """Let the scram stand-in work again."""
        for name in ("scramFault.json", "scramFault.count"):
            path = os.path.join(self.root, "var", name)
            if os.path.exists(path):
                os.unlink(path)


def readDescription(root):
    """
    Read and check node.json.

    :param root: str, the node's directory
    :return: dict
    :raises WorkerNodeError: when it is missing, damaged or of another format
    """
    path = os.path.join(root, NODE_FILE)
    try:
        with open(path, encoding="utf-8") as handle:
            description = json.load(handle)
    except (OSError, ValueError) as error:
        raise WorkerNodeError("No worker node in %s: %s. Make one with `wmruntime node create %s`."
                              % (root, error, root)) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise WorkerNodeError("%s describes a node of another format than %d. Make the node again: "
                              "`wmruntime node create --force %s`." % (path, FORMAT, root))
    return description


def _repair(root, description):
    """Rewrite the absolute paths of a moved node; node.json comes last, so an interrupted repair starts again."""
    old = description["root"]
    for name in description["pathFiles"]:
        path = os.path.join(root, name)
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        if old + os.sep in text:
            mode = os.access(path, os.X_OK)
            writeText(path, text.replace(old + os.sep, root + os.sep), executable=mode)
    description["root"] = root
    writeJson(os.path.join(root, NODE_FILE), description)
