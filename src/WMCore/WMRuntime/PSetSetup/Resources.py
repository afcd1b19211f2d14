"""
Threads, streams and how long the process may run.
"""
import logging

from WMCore.WMRuntime.NeedsWMCore import needsWMCore

with needsWMCore(__name__):
    from PSetTweaks.WMTweak import resizeResources

OPTIONS = {"process.options": "customTypeCms.untracked.PSet()"}
SINGLE_CORE = ("merge", "alcaHarvesting")


def threadsAndStreams(pset):
    """
    Choose how many threads and streams the process has.

    :param pset: PSetJob
    :return: (int threads, int streams), or None where the process' own numbers stay
    """
    if pset.crab:
        return None
    multicore = getattr(pset.data.application, "multicore", None)
    if multicore is None:
        logging.error("The step says nothing about cores: the number of threads of its configuration stays")
        return None
    cores, streams = int(getattr(multicore, "numberOfCores", 1)), int(getattr(multicore, "eventStreams", 0))
    if pset.isFromScenario and pset.function in SINGLE_CORE:
        cores, streams = min(cores, 1), min(streams, 0)
    resources = {"cores": cores}
    resizeResources(resources)
    if resources["cores"] != cores:
        logging.info("The slot has %s cores, not %s: there are as many streams as threads", resources["cores"], cores)
        streams = 0
    return resources["cores"], streams


def threadsTweak(numbers):
    """
    Make the parameters for them; `process.options` is there by then, see OPTIONS.

    :param numbers: (int threads, int streams), or None
    :return: dict of parameter to value
    """
    if numbers is None:
        return {}
    return {"process.options.numberOfThreads": "customTypeCms.untracked.uint32(%s)" % numbers[0],
            "process.options.numberOfStreams": "customTypeCms.untracked.uint32(%s)" % numbers[1]}
