"""
The same job with each provider of its environment, on one worker node in a box.
"""
import json
import os
import shutil
from contextlib import contextmanager

import attr

from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Publishing.AreaBuilder import AreaRequest
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
from WMCore.WMRuntime.Publishing.PythonPrefix import describePrefix
from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
from WMCore.WMRuntime.Publishing.WheelPlan import WHEELHOUSE_VARIABLE
from WMCore.WMRuntime.Publishing.WheelTarget import WheelTarget
from WMCore.WMRuntime.RuntimeInfo import FILE_NAME
from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNodeError

SYSTEM, RELEASE = "rhel8", "CMSSW_13_0_3"
COMP, AREA, CONTAINER = "COMP area", "WMRuntime area", "container"
WHEELS, BARE, OLDEST = "bare python and wheels", "bare python", "bare python 3.6"
WAYS = (COMP, AREA, CONTAINER, WHEELS, BARE, OLDEST)


@attr.s(frozen=True)
class ProvidedRun(object):
    """
    Hold one run.

    :param way: str, one of WAYS
    :param result: JobResult
    """
    way = attr.ib(type=str)
    result = attr.ib()

    @property
    def environment(self):
        """Give what the job's runtimeInfo.json says of its environment."""
        with open(os.path.join(self.result.startDir, "job", FILE_NAME), encoding="utf-8") as handle:
            return json.load(handle)["environment"]


class ProvidedJobs(object):
    """
    Make ready and run.

    All but OLDEST use pythons of one version, that of the node's own area, so that only their provider differs.

    :param node: WorkerNode
    :param directory: str, for wheels; the built area goes into the node's CMS root
    :param binds: sequence of str, directories besides the node's own that its containers see
    """

    def __init__(self, node, directory, binds=()):
        self.node = node
        self.binds = tuple(binds)
        self.wheels = os.path.join(directory, "wheels")
        self.machine = os.uname()[4]
        self.areas = os.path.join(node.cvmfs, "WMRuntime")
        comp = os.path.join(node.cvmfs, "COMP", "%s_%s" % (SYSTEM, self.machine), "external", "python3")
        if not os.path.isdir(comp):
            raise WorkerNodeError("the node has no area for %s on %s" % (SYSTEM, self.machine), comp)
        self.series = "%d.%d" % AreaVersions.read(comp).candidates()[0].version[:2]

    def prepare(self):
        """
        Collect the wheels with pip, and publish an area under WMRuntime that no job sees before its turn.

        :raises WMRuntimeError: when pip cannot fetch the wheels, or the area cannot be built
        """
        description = loadDescription()
        target = WheelTarget(SYSTEM, self.machine, tuple(int(part) for part in self.series.split(".")))
        index = WheelCollector(self.wheels, PipDownload()).collect(description, [target]).index
        prefix = describePrefix(self.node.pythons[self.series])
        request = AreaRequest(SYSTEM, self.machine, prefix.versionText, prefix, description, index)
        publishArea(request, AreaSwitch(self.areas, request.name))
        os.rename(self.areas, self._hidden)

    @property
    def _hidden(self):
        return self.areas + ".hidden"

    def environmentFor(self, way):
        """
        Say what a job's environment asks for.

        :param way: str, one of WAYS
        :return: dict
        """
        if way == CONTAINER:
            return {"WMRUNTIME_CONTAINER": "auto", "APPTAINER_BINDPATH": ",".join((self.node.root,) + self.binds)}
        series = {WHEELS: self.series, BARE: self.series, OLDEST: "3.6"}.get(way)
        return {"WMRUNTIME_PYTHON": self.node.pythons[series]} if series else {}

    def canRun(self, way):
        """
        Tell whether the machine has what a way needs.

        :param way: str, one of WAYS
        :return: bool
        """
        return way != OLDEST or bool(self.node.pythons.get("3.6"))

    def run(self, way, directory, stageHook=None):
        """
        Run the job.

        :param way: str, one of WAYS
        :param directory: str, to be made: the job's start directory
        :param stageHook: as for runJob
        :return: ProvidedRun
        """
        # Every job writes the same files, and stage-out refuses those that are there.
        shutil.rmtree(self.node.storage)
        os.makedirs(self.node.storage)
        with self._shown(way == AREA), self._agent(way == WHEELS):
            return ProvidedRun(way, runJob(self.node, JobRequest(release=RELEASE, name="Provided"), directory,
                                           environment=self.environmentFor(way), stageHook=stageHook))

    @contextmanager
    def _shown(self, show):
        """Let jobs see the built area for a while."""
        if show:
            os.rename(self._hidden, self.areas)
        try:
            yield
        finally:
            if show:
                os.rename(self.areas, self._hidden)

    @contextmanager
    def _agent(self, wheels):
        """Let the agent pack wheels, for what the node's own areas lack."""
        changed = {WHEELHOUSE_VARIABLE: self.wheels, "VO_CMS_SW_DIR": self.node.cvmfs} if wheels else {}
        before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
