"""
Which files the mixing modules read.
"""
import json
import logging

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PSetSetup.PSetPlan import JsonFile

with needsWMCore(__name__):
    from Utils.Utilities import decodeBytesToUnicode

CONFIGURATION, TOOL_INPUT = "pileupconf.json", "CMSSWPileupConfig.json"


def pileup(pset):
    """
    Plan the pileup of a step that has some.

    :param pset: PSetJob
    :return: list of ToolCall
    :raises WMRuntimeError: when the configuration that PileupFetcher made cannot be used
    """
    if not hasattr(pset.data, "pileup"):
        return []
    known = JsonFile(pset.path(TOOL_INPUT), _filesByType(pset))
    options = ["--pileup_dict", known.path]
    if getattr(pset.bag, "skipPileupEvents", None):
        # One order of the files in all jobs of a task, which each job enters at its own place.
        options += ["--skip_pileup_events", pset.bag.skipPileupEvents, "--random_seed", pset.job["task"]]
    return [pset.call("cmssw_handle_pileup.py", *options, why="pileup", files=[known])]


def _filesByType(pset):
    """Give for each type of pileup (`data`, `mc`) what the tool reads, a dict of eventsAvailable and FileList."""
    # Few jobs have pileup, and what reads XML comes with it.
    from WMCore.Storage.SiteLocalConfig import loadSiteLocalConfig
    site = loadSiteLocalConfig()
    node = site.localStageOut["phedex-node"]
    anywhere = bool(getattr(pset.bag, "trustPUSitelists", False))
    logging.info("Pileup for site %s, PNN %s, files from %s", site.siteName, node, "anywhere" if anywhere else "there")
    path = pset.path(CONFIGURATION)
    try:
        with open(path, encoding="utf-8") as handle:
            blocks = json.load(handle)
        types = [decodeBytesToUnicode(name) for name in pset.data.pileup.listSections_()]
        return {name: _available(blocks[name], node, anywhere) for name in types}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as ex:
        raise WMRuntimeError(50513, "The pileup cannot be set up: its configuration cannot be used",
                             "%s, for the types %s: %s: %s" % (path, pset.data.pileup.listSections_(),
                                                               type(ex).__name__, ex),
                             "see whether PileupFetcher put the file into the sandbox")


def _available(blocks, node, anywhere):
    """
    Collect the files of one type that the job may read.

    :param blocks: dict of block name to dict with PhEDExNodeNames, NumberOfEvents, FileList
    :param node: str, the site's PNN
    :param anywhere: bool, whether files of other sites will do
    :return: dict
    """
    taken = [blocks[name] for name in sorted(blocks) if anywhere or node in blocks[name]["PhEDExNodeNames"]]
    return {"eventsAvailable": sum(int(block.get("NumberOfEvents", 0)) for block in taken),
            "FileList": [decodeBytesToUnicode(lfn) for block in taken for lfn in block["FileList"]]}
