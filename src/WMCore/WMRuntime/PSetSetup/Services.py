"""
Services and analysers that watch the process: HTCondor's, performance, the file saver of the data quality monitoring.
"""
import logging

_REPORT_ONLY = "customTypeCms.Service('SimpleMemoryCheck', jobReportOutputOnly=cms.untracked.bool(True))"


def condorStatus(pset):
    """
    Plan the service that tells HTCondor how far the step is.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    return [pset.call("cmssw_handle_condor_status_service.py", "--name", pset.data._internal_name,
                      why="progress for HTCondor")]


def performance(pset):
    """
    Plan the services that the performance part of the job report comes from.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    silent = getattr(pset.data.application.command, "silentMemoryCheck", False)
    return pset.tweak("Services", {
        "process.SimpleMemoryCheck": _REPORT_ONLY if silent else "customTypeCms.Service('SimpleMemoryCheck')",
        "process.CPU": "customTypeCms.Service('CPU')",
        "process.Timing": "customTypeCms.Service('Timing')"}, "performance services")


def dqmFileSaver(pset):
    """
    Plan what harvesting calls its data set, for the DQM GUI.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    bag = pset.bag
    complete, many = getattr(bag, "runIsComplete", False), getattr(bag, "multiRun", False)
    limits = getattr(bag, "runLimits", "")
    logging.info("DQMFileSaver: multiRun %s, runIsComplete %s, runLimits %s", many, complete, limits)
    dataset = pset.scenarioArguments().get("datasetName")
    options = ["--datasetName", dataset] if dataset else []
    options += ["--multiRun", "--runLimits=%s" % limits] if many and limits else []
    options += ["--runIsComplete"] if complete else []
    return [pset.call("cmssw_handle_dqm_filesaver.py", *options, why="DQM file saver")]


def numberOfEvents(pset):
    """
    Plan that producers with a number of events of their own make as many as the process runs.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    return [pset.call("cmssw_handle_nEvents.py", why="events of the producers")]
