"""
The order in which a PSet is set up.
"""
from WMCore.WMRuntime.PSetSetup.Outputs import missingParameters, outputTweak
from WMCore.WMRuntime.PSetSetup.Pileup import pileup
from WMCore.WMRuntime.PSetSetup.ProcessCreation import createProcess, lheInput
from WMCore.WMRuntime.PSetSetup.PSetPlan import PSetPlan
from WMCore.WMRuntime.PSetSetup.Resources import threadsAndStreams
from WMCore.WMRuntime.PSetSetup.Seeds import seeds
from WMCore.WMRuntime.PSetSetup.Services import condorStatus, dqmFileSaver, numberOfEvents, performance
from WMCore.WMRuntime.PSetSetup.Sources import guidInFileName, inputTweak, lastTweak, taskTweak


def planPSet(pset):
    """
    Plan all that is done to a step's PSet. Later calls see what earlier ones set: the order counts.

    :param pset: PSetJob
    :return: PSetPlan
    :raises WMTweakMaskError: when the job's mask lacks its first event or lumi section
    :raises WMRuntimeError: when a file that the plan needs cannot be used
    """
    threads = threadsAndStreams(pset)
    families = (createProcess(pset), condorStatus(pset), missingParameters(pset, threads is not None),
                taskTweak(pset, threads), inputTweak(pset), pileup(pset), outputTweak(pset), seeds(pset),
                performance(pset), dqmFileSaver(pset), lheInput(pset), guidInFileName(pset), lastTweak(pset),
                numberOfEvents(pset))
    return PSetPlan(pset.pickle, [call for family in families for call in family]).merged()
