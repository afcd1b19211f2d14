"""
Make the sandbox of a workload: what a worker node needs to run any of its jobs.

Runs on the agent. The archive holds WMSandbox/ (the workload, and a package for each task and step with
what the fetchers brought), WMCore.zip, PSetTweaks/, Utils/ and the users' own sandboxes.
"""
import logging
import os
import shutil
import sys
from urllib.parse import urlsplit

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.Publishing.WheelPlan import WHEELHOUSE_VARIABLE, planForSandbox
from WMCore.WMRuntime.SandboxArchive import ArchiveEntry, directoryEntries, extractArchive, tarFilter, \
    writeSandbox, zipBytes
from WMCore.WMRuntime.SandboxContents import collectContents, sourcePaths, upstreamArchive
from WMCore.WMRuntime.SandboxEnvironment import environmentEntries, sandboxRequest
from WMCore.WMRuntime.SandboxVerification import verifySandbox
from WMCore.WMRuntime.VendoredPackages import findVendored, sandboxPackagesDirectory

with needsWMCore(__name__):
    from WMCore.WMSpec.Steps.StepFactory import getFetcher
    from WMCore.WMSpec.WMStep import WMStepHelper
    from WMCore.WMSpec.WMTask import WMTaskHelper

__all__ = ["SandboxCreator", "tarFilter", "verifySandbox"]


def _hasConfigCache(step):
    """Tell whether a step's PSet comes from the ConfigCache."""
    configuration = getattr(getattr(step.data, "application", None), "configuration", None)
    return getattr(configuration, "configCacheUrl", None) is not None


def _hasFiles(step):
    """Tell whether a step names files to be fetched by URL."""
    return any(True for _ in getattr(step.data, "sandbox", None) or ())


def _hasPileup(step):
    """Tell whether a step mixes pileup in."""
    return hasattr(step.data, "pileup")


# In the order they run. Importing one takes clients of services (CouchDB, DBS, Rucio) that an agent has, but
# that a test, or a workload without need of them, should not require.
COMMON_FETCHERS = (("CMSSWFetcher", _hasConfigCache), ("URLFetcher", _hasFiles), ("PileupFetcher", _hasPileup))


class SandboxCreator(object):
    """
    Make and unpack sandboxes.

    The attribute packagesDirectory names the directory of third-party packages to carry; when it is None, the
    environment's WMRUNTIME_SANDBOX_PACKAGES, then the installation's own directory, then the running
    environment's copies are taken. The attribute wheelhouse names a directory of collected wheels to choose from for
    what the workload's areas lack; when it is None, the environment's WMRUNTIME_WHEELHOUSE; without either, no wheels.
    The attribute environment is an EnvironmentRequest, the python or the container the jobs are to ask for; when it is
    None, the file that WMRUNTIME_SANDBOX_ENVIRONMENT names says so; without either, they ask for nothing.
    """

    def __init__(self):
        self.packageWMCore = True
        self.packagesDirectory = None
        self.wheelhouse = None
        self.environment = None

    def disableWMCorePackaging(self):
        """Leave WMCore.zip, PSetTweaks and Utils out of the sandboxes made from now on."""
        self.packageWMCore = False

    def extractSandbox(self, archivePath, targetPath):
        """
        Unpack a sandbox.

        :param archivePath: str, a tar archive, compressed or not
        :param targetPath: str, directory, made when it does not exist
        :raises WMRuntimeError: when it cannot be read, or a member would not stay inside the target
        """
        os.makedirs(targetPath, exist_ok=True)
        extractArchive(archivePath, targetPath)

    def makeSandbox(self, buildItHere, workload):
        """
        Make the sandbox of a workload, unless it is there already, and tell the workload where it is.

        :param buildItHere: str, directory; the sandbox goes into one named after the workload
        :param workload: WMWorkloadHelper; its spec URL, its sandbox and the sandbox of its tasks are set
        :return: str, path of the archive
        :raises WMRuntimeError: when a user sandbox or a module that must go in is missing
        """
        name = workload.name()
        workloadPath = os.path.join(buildItHere, name)
        sandboxPath = os.path.join(workloadPath, "WMSandbox")
        workloadFile = os.path.join(sandboxPath, "WMWorkload.pkl")
        archivePath = os.path.join(workloadPath, "%s-Sandbox.tar.bz2" % name)
        if os.path.exists(archivePath) and os.path.exists(workloadFile):
            workload.setSpecUrl(workloadFile)
            return archivePath
        shutil.rmtree(sandboxPath, ignore_errors=True)
        self._makePathonPackage(sandboxPath)
        workload.setSandbox(archivePath)
        userSandboxes = []
        for topLevelTask in workload.taskIterator():
            for taskNode in topLevelTask.nodeIterator():
                task = WMTaskHelper(taskNode)
                userSandboxes.extend(self._buildTask(task, sandboxPath, archivePath, buildItHere))
        workload.setSpecUrl(workloadFile)
        workload.save(workloadFile)
        entries = directoryEntries(sandboxPath, "WMSandbox")
        entries.extend(self._userEntries(userSandboxes))
        modules = 0
        if self.packageWMCore:
            contents = self.collectContents()
            modules = len(contents.modules)
            entries.extend(self._codeEntries(contents))
            entries.extend(self._wheelEntries(workload, contents))
        entries.extend(environmentEntries(self.environment))
        writeSandbox(archivePath, entries)
        logging.info("Created sandbox %s: %d bytes, %d modules", os.path.basename(archivePath),
                     os.path.getsize(archivePath), modules)
        return archivePath

    def collectContents(self):
        """
        Collect the code that goes into a sandbox.

        :return: SandboxContents
        :raises WMRuntimeError: when a module or a third-party package that must go in is missing
        """
        directory = self.packagesDirectory or sandboxPackagesDirectory(os.environ, sys.prefix)
        contents = collectContents(sourcePaths(), findVendored(directory))
        for module in sorted(contents.leftOut):
            logging.debug("Not in the sandbox: %s, which needs %s", module, contents.leftOut[module])
        return contents

    def upstreamSize(self):
        """
        Measure what the code of a sandbox would take if it were packed as WMCore's own SandboxCreator does.

        :return: int, bytes
        """
        return len(upstreamArchive(sourcePaths()))

    def _makePathonPackage(self, path):
        """Make a directory that can be imported."""
        os.makedirs(path)
        with open(os.path.join(path, "__init__.py"), "w", encoding="utf-8") as handle:
            handle.write("# Made by SandboxCreator so that the job can import what is in here.\n")

    def _buildTask(self, task, sandboxPath, archivePath, buildItHere):
        """Make the packages of a task and its steps, run the fetchers; return the users' sandboxes it names."""
        taskPath = os.path.join(sandboxPath, task.name())
        self._makePathonPackage(taskPath)
        # The sandbox belongs to the workload now, but the WorkQueue still reads it from the task.
        task.data.input.sandbox = archivePath
        userSandboxes = []
        steps = [WMStepHelper(node) for node in task.steps().nodeIterator()]
        for step in steps:
            self._makePathonPackage(os.path.join(taskPath, step.name()))
            userSandboxes.extend(step.getUserSandboxes())
        names = [name for name, isNeeded in COMMON_FETCHERS if any(isNeeded(step) for step in steps)]
        for name in names + list(getattr(task.data, "fetchers", None) or ()):
            fetcher = getFetcher(name)
            fetcher.setCacheDirectory(os.path.join(buildItHere, "pileupCache"))
            fetcher.setWorkingDirectory(taskPath)
            fetcher(task)
        return userSandboxes

    def _userEntries(self, userSandboxes):
        """List the users' sandboxes that are files here; those with a URL are fetched by the job."""
        entries = []
        for path in sorted(set(userSandboxes)):
            if urlsplit(path).scheme:
                continue
            if not os.path.isfile(path):
                raise WMRuntimeError(99109, "A user sandbox of the workload cannot be packed.",
                                     "%s: expected a file, found %s" % (
                                         path, "a directory" if os.path.isdir(path) else "nothing"),
                                     "mend the step's user.inputSandboxes")
            entries.append(ArchiveEntry(os.path.basename(path), path=os.path.realpath(path)))
        return entries

    def _wheelEntries(self, workload, contents):
        """List the wheels of libraries that the areas the workload's jobs run in lack; log what they cost."""
        directory = self.wheelhouse or os.environ.get(WHEELHOUSE_VARIABLE)
        if not directory:
            return []
        archs = [arch for path in workload.listAllTaskPathNames()
                 for arch in workload.getTaskByPath(path).getScramArch(allSteps=True)]
        asked = sandboxRequest(self.environment)
        return planForSandbox(directory, archs, contents.zipped, os.environ,
                              asked.pythonVersion if asked else "").archiveEntries()

    def _codeEntries(self, contents):
        """List the code as files and the directories above them."""
        files = dict(contents.unzipped)
        files["WMCore.zip"] = zipBytes(contents.zipped)
        folders = set()
        for name in files:
            parts = name.split("/")[:-1]
            folders.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return [ArchiveEntry(name, isDirectory=True) for name in folders] + \
            [ArchiveEntry(name, content=files[name]) for name in files]
