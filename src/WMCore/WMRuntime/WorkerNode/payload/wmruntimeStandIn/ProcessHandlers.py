"""ProcessHandlers: the stand-ins for the cmssw_handle_*.py, cmssw_enable_*.py and cmssw_enforce_*.py commands"""
import random
import re

import FWCore.ParameterSet.Config as cms

from .ToolProgram import changePickles, currentRelease, readJson, releaseNumbers, runTool, toolParser

GUID_FILE = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\.root$")
# First release of each cycle with enforceGUIDInFileName, and single releases that got it; from 11_0_0 on all have it
# (cms-sw/cmssw-wm-tools, python/tweak_program_helpers.py).
GUID_CYCLES = {(10, 6): 8, (10, 2): 20, (9, 4): 16, (9, 3): 17, (8, 0): 34}
GUID_RELEASES = ("CMSSW_10_2_20_UL", "CMSSW_9_4_16_UL", "CMSSW_8_0_34_UL", "CMSSW_7_1_45_patch3")
CONDOR_SERVICE_SINCE = (7, 6, 0)
FORCE_RUN_SINCE = (8, 0, 0)


def handleRandomSeeds(process, args):
    """
    Seed the random number service; a process without one is left alone.

    :param process: cms.Process
    :param args: parsed arguments with seeding (list of names) and reproducible_json
    """
    service = getattr(process, "RandomNumberGeneratorService", None)
    if service is None:
        return
    for seeding in args.seeding:
        if seeding == "ReproducibleSeeding":
            seeds = readJson(args.reproducible_json) if args.reproducible_json else {}
            for key, seed in seeds.items():
                engine = getattr(service, key.split(".")[-2], None)
                if engine is not None:
                    engine.initialSeed = int(seed)
            print("Recalled random seeds from saved seeds")
        elif seeding != "None":
            from IOMC.RandomEngine.RandomServiceHelper import RandomNumberServiceHelper
            RandomNumberServiceHelper(service).populate()
            print("Populated random numbers of RandomNumberService")


def handleNumberOfEvents(process, args):
    """
    Let each producer with nEvents make as many as the process runs.

    :param process: cms.Process
    :param args: not used
    """
    for name in process.producers:
        producer = getattr(process, name)
        if hasattr(producer, "nEvents"):
            producer.nEvents = process.maxEvents.input.value()


def handlePileup(process, args):
    """
    Give the mixing modules their files.

    :param process: cms.Process
    :param args: parsed arguments with pileup_dict, skip_pileup_events, random_seed
    """
    pileup = readJson(args.pileup_dict)
    modules = list(process.producers.values()) + list(process.filters.values())
    for kind, types in (("data", ("DataMixingModule",)), ("mc", ("MixingModule", "DataMixingModule", "PreMixingModule"))):
        for module in modules:
            source = getattr(module, "input", None) or getattr(module, "secsource", None)
            if module.type_() in types and source is not None and kind in pileup:
                setPileupFiles(source, kind, pileup[kind], args)


def setPileupFiles(source, kind, content, args):
    """
    Set the files of one second source.

    :param source: cms.SecSource
    :param kind: data or mc; for data the order is the same in every job of the task and events are skipped
    :param content: dict with eventsAvailable and FileList
    :param args: parsed arguments with skip_pileup_events, random_seed
    """
    files = list(content["FileList"])
    source.fileNames = cms.untracked.vstring()
    if kind == "data" and args.skip_pileup_events:
        random.seed(args.random_seed)
        skip = int(args.skip_pileup_events) % max(1, int(content["eventsAvailable"]))
        source.skipEvents = cms.untracked.uint32(skip)
        source.sequential = cms.untracked.bool(True)
    random.shuffle(files)
    source.fileNames.extend(files)
    print("    Added %4d files with %s events of %s pileup" % (len(files), content["eventsAvailable"], kind))
    enforceGuid(source)


def handleCondorStatus(process, args):
    """
    Add the service that tells HTCondor of the progress.

    :param process: cms.Process
    :param args: parsed arguments with name (list, its first counts)
    """
    if releaseNumbers(currentRelease()) >= CONDOR_SERVICE_SINCE:
        process.add_(cms.Service("CondorStatusService", tag=cms.untracked.string("_%s_" % args.name[0])))


def handleDqmFileSaver(process, args):
    """
    Tell the file saver of a harvesting process its data set.

    :param process: cms.Process; without dqmSaver it is left alone
    :param args: parsed arguments
    """
    saver = getattr(process, "dqmSaver", None)
    if saver is None:
        return
    saver.runIsComplete = cms.untracked.bool(args.runIsComplete)
    if args.multiRun and releaseNumbers(currentRelease()) >= FORCE_RUN_SINCE:
        saver.forceRunNumber = cms.untracked.int32(999999)
    if args.datasetName:
        workflow = args.datasetName
        if args.multiRun:
            head, tail = workflow.rsplit("/", 1)
            workflow = "%s%s/%s" % (head, args.runLimits, tail)
        saver.workflow = cms.untracked.string(workflow)


def enableLazyDownload(process, args):
    """
    Let the process fetch its files in large pieces.

    :param process: cms.Process
    :param args: parsed arguments with check_lhe_workflow: only a process that reads LHE files
    """
    if args.check_lhe_workflow and (process.source is None or process.source.type_() != "LHESource"):
        print("No LHESource, lazy-download is not added")
        return
    process.add_(cms.Service("SiteLocalConfigService", overrideSourceCacheHintDir=cms.untracked.string("lazy-download")))
    print("Added lazy-download to SiteLocalConfigService")


def enforceGuidInFileName(process, args):
    """
    Let sources check that a file's name is its GUID.

    :param process: cms.Process
    :param args: parsed arguments with input_source: each a path in the process, or the type of its source (as
        SetupCMSSWPset gives it)
    """
    for path in args.input_source:
        names = path.split(".")
        source = process
        if process.source is not None and path == process.source.type_():
            names = ["source"]
        for name in names[1:] if names[0] == "process" else names:
            source = getattr(source, name)
        enforceGuid(source)


def hasEnforceGuid(release):
    """
    Tell whether the sources of a release know enforceGUIDInFileName.

    :param release: CMSSW_X_Y_Z
    :return: bool
    """
    numbers = releaseNumbers(release)
    first = GUID_CYCLES.get(numbers[:2])
    return numbers >= (11, 0, 0) or release in GUID_RELEASES or (first is not None and numbers[2] >= first)


def enforceGuid(source):
    """
    Switch the check on, when the release knows it and the first file's name is a GUID.

    :param source: cms.Source or cms.SecSource
    """
    if not hasEnforceGuid(currentRelease()):
        print("GUID enforcement not supported in this CMSSW release (%s)" % currentRelease())
        return
    names = list(getattr(source, "fileNames", []))
    if source.type_() in ("PoolSource", "EmbeddedRootSource") and names and GUID_FILE.search(names[0]):
        source.enforceGUIDInFileName = cms.untracked.bool(True)
        print("Enabled GUID enforcement for a %s" % source.type_())


def option(name, **settings):
    """
    Describe an option.

    :param name: with its dashes
    :param settings: as for argparse's add_argument
    :return: pair for TOOLS
    """
    return name, settings


TOOLS = {
    "cmssw_handle_random_seeds.py": (handleRandomSeeds, "Handle random number seeding", [
        option("--seeding", nargs="+", required=True), option("--reproducible_json")]),
    "cmssw_handle_nEvents.py": (handleNumberOfEvents, "Set nEvents appropriately in producers", []),
    "cmssw_handle_pileup.py": (handlePileup, "Handle the files of the pileup", [
        option("--pileup_dict", required=True), option("--skip_pileup_events"), option("--random_seed")]),
    "cmssw_handle_condor_status_service.py": (handleCondorStatus, "Add the CondorStatusService", [
        option("--name", nargs="+", required=True)]),
    "cmssw_handle_dqm_filesaver.py": (handleDqmFileSaver, "Handle the DQM file saver", [
        option("--runIsComplete", action="store_true"), option("--multiRun", action="store_true"),
        option("--runLimits", default=""), option("--datasetName")]),
    "cmssw_enable_lazy_download.py": (enableLazyDownload, "Enable the lazy download service", [
        option("--check_lhe_workflow", action="store_true")]),
    "cmssw_enforce_guid_in_filename.py": (enforceGuidInFileName, "Add GUID enforcement support", [
        option("--input_source", nargs="+", required=True)]),
}


def main(program):
    """
    Run one of the commands.

    :param program: its name
    """
    change, description, options = TOOLS[program]
    parser = toolParser(description)
    for name, settings in options:
        parser.add_argument(name, **settings)
    runTool(program, parser, lambda args: changePickles(args, change))
