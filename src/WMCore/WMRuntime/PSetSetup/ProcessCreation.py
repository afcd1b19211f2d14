"""
How the process comes to be: from a scenario of the Tier-0 or a configuration file, and how it reads its files.
"""
import logging
import socket

from WMCore.WMRuntime.PSetSetup.PSetPlan import CHECK_SOURCE, JsonFile, ToolCall


def createProcess(pset):
    """
    Plan the making of the pickle.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    calls = fromScenario(pset) if pset.isFromScenario else fromFile(pset)
    return calls + [ToolCall(CHECK_SOURCE, why="a process that reads nothing cannot be set up")]


def fromFile(pset):
    """
    Plan the pickling of the sandbox' configuration.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    source = pset.path(getattr(pset.data.application.command, "configuration", "PSet.py"))
    return [ToolCall("edm_pset_pickler.py", ("--input", source, "--output_pkl", pset.pickle),
                     "the configuration of the sandbox")]


def fromScenario(pset):
    """
    Plan the making of a process by Configuration.DataProcessing.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    function, arguments = pset.function, dict(pset.scenarioArguments())
    if function not in ("merge", "repack"):
        arguments["scenario"] = pset.configuration.scenario
    known = JsonFile(pset.path("process_funcArgs.json"), arguments)
    options = ["--output_pkl", pset.pickle, "--funcname", function, "--funcargs", known.path]
    if function == "merge" and getattr(pset.bag, "useErrorDataset", False):
        options.append("--useErrorDataset")
    calls = [ToolCall("cmssw_wm_create_process.py", options, "the scenario's %s" % function, files=[known])]
    if function == "repack":
        calls += lazyDownload(pset, "repacking small events straight from EOS is slow")
    # Half of CERN's disks were far away, which is bad for merging.
    if function == "merge" and socket.getfqdn().endswith("cern.ch"):
        calls += lazyDownload(pset, "merging at CERN")
    return calls


def lazyDownload(pset, why, *options):
    """
    Plan the reading of files in large pieces.

    :param pset: PSetJob
    :param why: str
    :param options: for the tool
    :return: list of ToolCall
    """
    return [pset.call("cmssw_enable_lazy_download.py", *options, why=why)]


def lheInput(pset):
    """
    Plan the reading of LHE articles over the net.

    :param pset: PSetJob
    :return: list of ToolCall
    """
    if not getattr(pset.bag, "lheInputFiles", False):
        return []
    logging.info("The job reads LHE files: lazy download is on")
    return lazyDownload(pset, "LHE files from CERN", "--check_lhe_workflow")
