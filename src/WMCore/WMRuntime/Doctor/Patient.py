"""
The node that is examined, and the job on it.
"""
import os

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts

CODE = "WMCore.zip"
# What else a sandbox brings; a job's code imports it from beside the zip.
BESIDE = ("WMSandbox", "PSetTweaks", "Utils")


def isSandbox(directory):
    """
    Tell whether a sandbox was unpacked in a directory, be it damaged; the code alone is none.

    :param directory: str
    :return: bool
    """
    return os.path.isfile(os.path.join(directory, CODE)) and any(
        os.path.exists(os.path.join(directory, name)) for name in BESIDE)


class Patient(object):
    """
    Know what is examined.

    :param environ: dict, the process's environment
    :param scratch: str, a directory of the doctor's own, to write to
    :param jobDirectory: str, where a sandbox was unpacked; None for none
    """

    def __init__(self, environ, scratch, jobDirectory=None):
        self.environ = environ
        self.scratch = scratch
        self.jobDirectory = jobDirectory
        self.node = NodeFacts.fromEnviron(environ, jobDirectory)

    @property
    def startDirectory(self):
        """Give the directory a job would be started in; the scratch directory when the current one is gone."""
        if self.jobDirectory:
            return os.path.dirname(self.jobDirectory)
        try:
            return os.getcwd()
        except OSError:
            return self.scratch

    def description(self):
        """
        Read the description.

        :return: Description
        :raises WMRuntimeError: when it cannot be read
        """
        return loadDescription()

    def request(self):
        """
        Read what the job asks for.

        :return: EnvironmentRequest
        :raises WMRuntimeError: when that cannot be understood
        """
        return EnvironmentRequest.fromJob(self.environ, self.jobDirectory)

    def code(self):
        """
        Say where a job's code would come from.

        :return: list of str, entries for PYTHONPATH; empty when there is no sandbox, or no more of it than its code
        """
        archive = getattr(__loader__, "archive", None)
        running = os.path.dirname(os.path.abspath(archive)) if archive else ""
        directory = self.jobDirectory or (running if running and isSandbox(running) else "")
        return [os.path.join(directory, CODE), directory] if directory else []
