"""
The directory a step runs in, WMTaskSpace/<step>.
"""
import os
import shutil
import tempfile

from WMCore.WMRuntime.Sandbox import Sandbox, moduleDirectory


class StepSpace(object):
    """
    Give a step its directory and its files.

    :param StepName: str
    :param TaskName: str, name of the task, not its path
    :param Locator: function defined in the step directory's __init__.py
    """

    def __init__(self, **args):
        # Set by the TaskSpace that hands this one out.
        self.taskSpace = None
        self.args = args
        self.stepName = args.get("StepName", None)
        self.location = moduleDirectory(args.get("Locator", None))
        self.initmodule = os.path.join(self.location, "__init__.py")
        self.sandbox = Sandbox(args["TaskName"], self.stepName)

    def sandboxFiles(self):
        """
        List the step's files in the sandbox.

        :return: list of str, names
        """
        return self.sandbox.listFiles()

    def getFromSandbox(self, filename, target=None):
        """
        Copy a file of the sandbox into the step's directory.

        :param filename: str, its name in the sandbox
        :param target: str, name, or path below the step's directory, of the copy; the same name when None
        :raises RuntimeError: when the file is not there or cannot be copied
        """
        source = self.sandbox.getFile(filename)
        destination = os.path.join(self.location, filename if target is None else target)
        if os.path.isdir(destination):
            destination = os.path.join(destination, filename)
        try:
            copyWhole(source, destination)
        except OSError as ex:
            raise RuntimeError("Cannot copy %s from the sandbox %s to %s: %s"
                               % (filename, self.sandbox.directory, destination, ex))

    def getWMTask(self):
        """
        Give the task this step is part of.

        :return: WMTaskHelper
        """
        return self.taskSpace.getWMTask()

    def getWMStep(self):
        """
        Give the step's description.

        :return: WMStepHelper
        """
        return self.getWMTask().getStep(self.stepName)


def copyWhole(source, destination):
    """
    Copy a file so that the copy is there whole or not at all.

    :param source: str
    :param destination: str
    :raises OSError: when that fails; it names the file
    """
    descriptor, temporary = tempfile.mkstemp(prefix=".copy-", dir=os.path.dirname(destination))
    os.close(descriptor)
    try:
        shutil.copyfile(source, temporary)
        shutil.copymode(source, temporary)
        os.replace(temporary, destination)
    except OSError:
        os.remove(temporary)
        raise
