"""
What the sandbox says a job is: its package, its place in it, its workload and its task.
"""
import importlib
import os

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PickleLoader import PickleLoadError, loadPickle
from WMCore.WMRuntime.Sandbox import moduleDirectory

with needsWMCore(__name__):
    from WMCore.DataStructs.JobPackage import JobPackage
    from WMCore.WMSpec.WMWorkload import WMWorkload, WMWorkloadHelper

# What Bootstrap's codes were before they got numbers of their own: 11001 to 11003 are the wrapper's (#7273).
FORMER_CODES = {11011: 11001, 11012: 11002, 11013: 11003}


class JobDefinitionError(WMRuntimeError):
    """Say why a sandbox does not define a job that can run."""

    def __init__(self, code, message, context="", hint=""):
        former = FORMER_CODES.get(code)
        message = "%s (formerly code %d)" % (message, former) if former else message
        super(JobDefinitionError, self).__init__(code, message, context, hint)


def sandboxDirectory():
    """
    Find the sandbox by importing it.

    :return: str, absolute path of the WMSandbox package
    :raises ImportError: when there is none on sys.path
    """
    return moduleDirectory(importlib.import_module("WMSandbox"))


def _sandboxFile(name, code):
    """Name a file of the sandbox; `code` is for the error when there is no sandbox."""
    try:
        return os.path.join(sandboxDirectory(), name)
    except Exception as ex:
        raise JobDefinitionError(code, "Cannot import WMSandbox", "%s: %s" % (type(ex).__name__, ex),
                                 "start in the job directory that Unpacker made, with it on PYTHONPATH")


def readPackage():
    """
    Load the job package of the sandbox.

    :return: JobPackage
    :raises JobDefinitionError: 11011
    """
    path = _sandboxFile("JobPackage.pcl", 11011)
    try:
        content = loadPickle(path, "the job package")
    except PickleLoadError as ex:
        raise JobDefinitionError(11011, "Failed to load JobPackage: %s" % path, str(ex),
                                 "check the JobPackage.pkl that was transferred with the job")
    if not isinstance(content, dict):
        raise JobDefinitionError(11011, "Failed to load JobPackage: %s" % path,
                                 "a JobPackage was expected, a %s was found" % type(content).__name__)
    package = JobPackage()
    package.clear()
    package.update(content)
    return package


def readIndex():
    """
    Import the job's index, which Unpacker wrote.

    :return: int
    :raises JobDefinitionError: 11012
    """
    try:
        index = importlib.import_module("WMSandbox.JobIndex").jobIndex
    except Exception as ex:
        raise JobDefinitionError(11012, "Failed to import WMSandbox.JobIndex module",
                                 "%s: %s" % (type(ex).__name__, ex), "check that Unpacker ran with an index")
    if isinstance(index, bool) or not isinstance(index, int):
        raise JobDefinitionError(11012, "WMSandbox.JobIndex holds no index",
                                 "a number was expected, %r was found" % (index,), "check Unpacker's --index")
    return index


def readJob():
    """
    Load the job from its package.

    :return: (int, Job), the index and the job
    :raises JobDefinitionError: 11011, 11012 or 11013
    """
    package = readPackage()
    index = readIndex()
    job = package.get(index)
    if not isinstance(job, dict):
        known = sorted(key for key in package if isinstance(key, int))
        raise JobDefinitionError(
            11013, "Failed to extract job index %d from the job package of directory %s"
            % (index, package.get("directory")),
            "the package holds %d jobs%s" % (len(known), ": %s .. %s" % (known[0], known[-1]) if known else ""),
            "check that index and package belong together")
    return index, job


def readWorkload():
    """
    Load the workload of the sandbox.

    :return: WMWorkloadHelper
    :raises JobDefinitionError: 11101
    """
    path = _sandboxFile("WMWorkload.pkl", 11101)
    try:
        workload = loadPickle(path, "the workload")
    except PickleLoadError as ex:
        raise JobDefinitionError(11101, "Failed to load the workload: %s" % path, str(ex), "check the sandbox")
    if not isinstance(workload, WMWorkload):
        raise JobDefinitionError(11101, "Failed to load the workload: %s" % path,
                                 "a WMWorkload was expected, a %s was found" % type(workload).__name__)
    return WMWorkloadHelper(workload)


def findTask(workload, job):
    """
    Look up the task of a job.

    :param workload: WMWorkloadHelper
    :param job: Job
    :return: WMTaskHelper
    :raises JobDefinitionError: 11101, 11102 or 11103
    """
    path = job.get("task")
    if not path:
        raise JobDefinitionError(11103, "Task name not in job object",
                                 "its 'task' is %r" % (path,) if "task" in job else "it has no 'task'")
    try:
        task = workload.getTaskByPath(path)
    except Exception as ex:
        raise JobDefinitionError(11101, "Error looking up task %s" % path, "%s: %s" % (type(ex).__name__, ex))
    if task is None:
        raise JobDefinitionError(11102, "Unable to look up task %s from Workload: task name not matched" % path,
                                 "workload %s has %s" % (workload.name(), workload.listAllTaskPathNames()))
    return task
