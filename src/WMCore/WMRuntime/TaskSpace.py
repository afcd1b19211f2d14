"""
The directory a task runs in, WMTaskSpace, and the step directories below it.
"""
import importlib
import os
import sys

from WMCore.WMRuntime import JobDefinition
from WMCore.WMRuntime.Sandbox import moduleDirectory


class TaskSpace(object):
    """
    Give a task its directory, its workload and its steps' directories.

    :param TaskName: str, path of the task
    :param Locator: function defined in the task directory's __init__.py
    """

    def __init__(self, **args):
        self.taskName = args["TaskName"]
        self.location = moduleDirectory(args["Locator"])
        self.task = None
        self.workload = None

    def getWMWorkload(self):
        """
        Load the workload, unless it is.

        :return: WMWorkloadHelper
        :raises RuntimeError: when the sandbox or the workload in it cannot be loaded
        """
        if self.workload is None:
            try:
                self.workload = JobDefinition.readWorkload()
            except JobDefinition.JobDefinitionError as ex:
                raise RuntimeError(str(ex))
        return self.workload

    def workloadName(self):
        """
        Give the workload's name.

        :return: str
        """
        return self.getWMWorkload().name()

    def getWMTask(self):
        """
        Look up the task in the workload.

        :return: WMTaskHelper, or None when the workload has no such task
        """
        return self.getWMWorkload().getTaskByPath(self.taskName)

    def stepSpaces(self):
        """
        List the steps that have a directory here.

        :return: list of str, step names
        """
        return [name for name in os.listdir(self.location)
                if os.path.exists(os.path.join(self.location, name, "__init__.py"))]

    def stepSpace(self, stepName):
        """
        Give a step's directory.

        :param stepName: str
        :return: StepSpace, which knows this task space
        :raises RuntimeError: when there is none, or it is broken
        """
        modName = "WMTaskSpace.%s" % stepName
        module = sys.modules.get(modName)
        if module is None:
            try:
                module = importlib.import_module(modName)
            except ImportError as ex:
                raise RuntimeError("Unable to import StepSpace from %s, expected in %s: %s"
                                   % (modName, os.path.join(self.location, stepName), ex))
        space = getattr(module, "stepSpace", None)
        if space is None:
            raise RuntimeError("No stepSpace Attribute in module %s of %s" % (modName, moduleDirectory(module)))
        space.taskSpace = self
        return space
