"""
What checks that run something need: a worker node in a box, a real sandbox, a CMS root with one area in it.
"""
import json
import os
import shutil
import tempfile

import attr

from WMCore.WMRuntime.AreaCheck import AreaProbe, SandboxImports
from WMCore.WMRuntime.AreaCheck.Children import Children
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

#: The program an area's python runs for each question, with its first arguments.
PROGRAMS = {question: (os.path.abspath(AreaProbe.__file__), question) for question in AreaProbe.QUESTIONS}
PROGRAMS["closure"] = (os.path.abspath(SandboxImports.__file__),)
PROBE_SECONDS, JOB_SECONDS = 120.0, 300.0
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@attr.s(frozen=True)
class CheckRelease(object):
    """
    Hold a release to check with.

    :param name: str, CMSSW_13_0_3
    :param arch: str, its scram arch
    :param system: str, the system a job of it runs on
    """
    name = attr.ib(type=str)
    arch = attr.ib(type=str)
    system = attr.ib(type=str)


class ProbeFailed(Exception):
    """Say that an area's python gave no answer, and what it said instead."""


class CheckBench(object):
    """
    Hold the shared things of one run of checks; all it makes is in one directory.

    :param description: Description
    :param work: str, directory for all that is made; must exist
    :param nodeDirectory: str, a worker node in a box to use; None to make one
    :param startSeconds: float, for one version of an area's python to start in
    """

    def __init__(self, description, work, nodeDirectory=None, startSeconds=30.0):
        self.description = description
        self.startSeconds = startSeconds
        self.work = os.path.realpath(work)
        self.nodeDirectory = nodeDirectory
        self.children = Children()
        self.node = None
        self.job = None

    def prepareNode(self):
        """Have the worker node; to be called before the checks that run something."""
        if self.node is not None:
            return
        from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
        from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNode
        if self.nodeDirectory is None:
            self.node = createNode(os.path.join(self.work, "node"), log=lambda text: None)
        else:
            self.node = WorkerNode.load(self.nodeDirectory)

    def prepareSandbox(self):
        """
        Make a real sandbox of the example workload and unpack it.

        :raises WMRuntimeError: when WMCore is missing, or the sandbox cannot be made
        """
        if self.job is not None:
            return
        from WMCore.WMRuntime.SandboxArchive import extractArchive
        from WMCore.WMRuntime.SandboxCreator import SandboxCreator
        from WMCore.WMRuntime.WorkerNode.ExampleWorkload import buildWorkload, chainOf
        release, state = sorted(self.node.releases.items())[-1]
        workload = buildWorkload("AreaCheck", chainOf(release, (state["arch"],), 1))
        archive = SandboxCreator().makeSandbox(os.path.join(self.work, "agent"), workload)
        job = os.path.join(self.work, "sandbox")
        extractArchive(archive, job)
        self.job = job

    def workDirectory(self, area, purpose):
        """
        Make a directory for one check of one area.

        :param area: CheckedArea
        :param purpose: str
        :return: str, absolute path
        """
        return tempfile.mkdtemp(prefix="%s-%s-" % (area.key, purpose), dir=self.work)

    def areaRoot(self, area, system=None):
        """
        Make a CMS root that holds this area and no other, and the worker node's SCRAM and releases.

        :param area: CheckedArea
        :param system: str, the system the area is to pass for; None for its own
        :return: str, absolute path
        """
        system = system or area.system
        root = os.path.join(self.work, "roots", "%s-%s" % (area.key, system))
        if os.path.isdir(root):
            return root
        temporary = self.workDirectory(area, "root")
        others = os.listdir(self.node.cvmfs) if self.node else ()
        for name in others:
            if name not in self.description.areaPaths:
                os.symlink(os.path.join(self.node.cvmfs, name), os.path.join(temporary, name))
        os.mkdir(os.path.join(temporary, area.areaPath))
        os.symlink(area.directory, os.path.join(temporary, area.areaPath, "%s_%s" % (system, area.cpu)))
        os.makedirs(os.path.dirname(root), exist_ok=True)
        try:
            os.rename(temporary, root)
        except OSError:
            # Another check of this area was quicker.
            shutil.rmtree(temporary, ignore_errors=True)
        return root

    def environment(self, area, system=None):
        """
        Build the environment in which a pilot would start the job wrapper on a node of a system.

        :param area: CheckedArea
        :param system: str, as for areaRoot
        :return: dict; nothing of this process's own is in it
        """
        root, system = self.areaRoot(area, system), system or area.system
        release = os.path.join(self.work, "os-release-%s" % system)
        if not os.path.exists(release):
            handle, temporary = tempfile.mkstemp(dir=self.work)
            with os.fdopen(handle, "w", encoding="utf-8") as output:
                output.write('PLATFORM_ID="platform:el%s"\n' % system[len("rhel"):])
            os.replace(temporary, release)
        # A python of the area must not leave its .pyc files in it.
        return {"PATH": _SYSTEM_PATH, "HOME": self.work, "TMPDIR": self.work, "VO_CMS_SW_DIR": root,
                "WMRUNTIME_CVMFS_ROOT": root, "REQUIRED_OS": system, "WMRUNTIME_OS_RELEASE": release,
                "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, args, **options):
        """
        Run a child that is stopped when the run is.

        :param args: list of str
        :param options: as for runCaptured
        :return: tuple of ChildExit, str, str
        """
        started = []

        def note(pid):
            started.append(pid)
            self.children.started(pid)
        try:
            return runCaptured(args, onStart=note, stopGrace=2.0, **options)
        finally:
            for pid in started:
                self.children.ended(pid)

    def ask(self, start, question, request, directory):
        """
        Ask an area's python a question.

        :param start: AreaStart
        :param question: str, one of PROGRAMS
        :param request: dict, for JSON
        :param directory: str, where it runs and its files go
        :return: dict, the answer
        :raises ProbeFailed: when there is none
        """
        asked, answered = (os.path.join(directory, name) for name in (question + ".json", question + "-answer.json"))
        with open(asked, "w", encoding="utf-8") as handle:
            json.dump(request, handle)
        ended, output, _ = self.run([start.python] + list(PROGRAMS[question]) + [asked, answered], env=start.environ,
                                    cwd=directory, timeout=PROBE_SECONDS, mergeStderr=True, maxBytes=64 * 1024)
        try:
            with open(answered, encoding="utf-8") as handle:
                answer = json.loads(handle.read(4 * 1024 * 1024))
        except (OSError, ValueError):
            answer = None
        if not ended.ok or not isinstance(answer, dict):
            how = "was stopped after %d s" % PROBE_SECONDS if ended.timedOut else "status %s" % ended.shellCode
            raise ProbeFailed("%s: %s\n%s" % (start.python, how, output[-2000:]))
        return answer

    def checkReleases(self, area, wanted=()):
        """
        Choose the releases to check an area with: one of each series that runs on the area's system.

        For a system the worker node has no release of, it is the newest there is, and the area passes for one of that
        release's system: what is checked is the area, not the release.

        :param area: CheckedArea
        :param wanted: sequence of str, releases asked for by name; none for those it must serve
        :return: tuple of CheckRelease
        :raises WMRuntimeError: when the node has no release of a wanted name
        """
        releases = {name: state["arch"] for name, state in self.node.releases.items() if state["runnable"]}
        unknown = [name for name in wanted if name not in releases]
        if unknown:
            raise WMRuntimeError(None, "The worker node cannot run %s." % ", ".join(unknown),
                                 "it runs %s" % ", ".join(sorted(releases)), "name one of these with --release")
        own = self.description.system(area.system)
        bySeries = {}
        for name in sorted(releases):
            if own.servesArch(releases[name]):
                # The full release comes before its patches.
                bySeries.setdefault(tuple(name.split("_")[1:3]), name)
        newest = max(releases, key=lambda name: [int(part) for part in name.split("_")[1:4]])
        names = wanted or tuple(bySeries.values()) or (newest,)
        return tuple(CheckRelease(name, releases[name], self._systemFor(releases[name], own)) for name in names)

    def _systemFor(self, arch, own):
        """Name the system a scram arch runs on, an area's own if that does."""
        systems = [own] + list(self.description.systems)
        return next((system.name for system in systems if system.servesArch(arch)), own.name)
