"""
Set up the PSet of a CMSSW step for its job.

What is to be done is planned here, in the job's python (PSetSetup/PSetPlanner), and done by the commands of
cms-sw/cmssw-wm-tools in one python of the release (PSetSetup/PSetDriver).
"""
import logging
import os

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PSetSetup.PSetDriver import PSetDriver
from WMCore.WMRuntime.PSetSetup.PSetJob import PSetJob
from WMCore.WMRuntime.PSetSetup.PSetPlanner import planPSet
from WMCore.WMRuntime.RuntimeInfo import addStepInfo
from WMCore.WMRuntime.ScriptInterface import ScriptInterface
from WMCore.WMRuntime.Tools.Scram import Scram

with needsWMCore(__name__):
    from PSetTweaks.PSetTweak import PSetTweak

# What cmsRun is given: it loads the process that the tools made.
CONFIGURATION = """import FWCore.ParameterSet.Config as cms
import pickle
with open('%s', 'rb') as handle:
    process = pickle.load(handle)
"""


class SetupCMSSWPset(ScriptInterface):
    """
    Make PSet.pkl and the PSet.py that loads it.

    `task`, `step`, `job` and `stepSpace` are set before the call. `process` stays None: the process lives in the
    release's python only.

    :param crabPSet: bool; release and architecture come from CMSSW_VERSION and SCRAM_ARCH, and the number of threads
        and the check of file names stay the user's
    """

    def __init__(self, crabPSet=False):
        ScriptInterface.__init__(self)
        self.crabPSet = crabPSet
        self.process = None
        self.jobBag = None
        self.logger = logging.getLogger()
        self.tweak = PSetTweak()
        self.scram = None
        self.configPickle = "Pset.pkl"
        self.psetFile = None

    def createScramEnv(self):
        """
        Take the environment of the release, from the step's SCRAM session where there is one.

        :return: Scram
        :raises WMRuntimeError: when SCRAM fails
        """
        architecture, version = self.getScramVersion(), self.getCmsswVersion()
        self.logger.info("Setting up %s for %s", version, architecture)
        scram = Scram(version=version, directory=self.stepSpace.location, architecture=architecture,
                      initialise=self.step.data.application.setup.softwareEnvironment)
        if scram.project() != 0 or scram.runtime() != 0:
            raise WMRuntimeError(50513, "The environment of %s cannot be set up" % version, scram.diagnostic())
        return scram

    def getCmsswVersion(self):
        """
        Name the release.

        :return: str, CMSSW_X_Y_Z
        """
        if self.crabPSet:
            return os.environ.get("CMSSW_VERSION", "")
        return self.step.data.application.setup.cmsswVersion

    def getScramVersion(self, allSteps=False):
        """
        Name the architecture.

        :param allSteps: bool, give the step's whole list
        :return: str, the first of a list; or what the step has
        """
        known = None if self.crabPSet else self.step.data.application.setup.scramArch
        if not self.crabPSet and allSteps:
            return known
        if isinstance(known, list):
            return known[0] if known else None
        return os.environ.get("SCRAM_ARCH", "")

    def __call__(self):
        """
        Set the PSet up.

        :return: int, 0
        :raises PSetSetupError: when a tool fails
        :raises WMRuntimeError: when SCRAM fails, or a file the plan needs cannot be used
        :raises WMTweakMaskError: when the job's mask lacks its first event or lumi section
        """
        self.logger.info("Executing SetupCMSSWPset...")
        command = self.step.data.application.command
        self.jobBag = self.job.getBaggage()
        self.configPickle = getattr(command, "configurationPickle", "PSet.pkl")
        self.psetFile = getattr(command, "configuration", "PSet.py")
        directory = self.stepSpace.location
        plan = planPSet(PSetJob(self.step, self.job, directory, self.crabPSet))
        self.scram = self.createScramEnv()
        configuration = os.path.join(directory, self.psetFile)
        calls = PSetDriver(self.scram, directory).run(plan, configuration)
        addStepInfo(directory, "psetSetup", self.step.data._internal_name, calls.summary())
        writeConfiguration(configuration, self.configPickle)
        self.logger.info("CMSSW PSet setup completed!")
        return 0


def writeConfiguration(path, pickleName):
    """
    Write what cmsRun is given, in place of the configuration that the process was made from.

    :param path: str
    :param pickleName: str, name of the pickle
    :raises OSError: when it cannot be written
    """
    temporary = "%s.%d.tmp" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(CONFIGURATION % pickleName)
    os.replace(temporary, path)
