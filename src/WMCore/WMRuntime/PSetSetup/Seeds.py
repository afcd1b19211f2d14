"""
Seeds of the random engines.
"""
import logging

from WMCore.WMRuntime.PSetSetup.PSetPlan import JsonFile

REPRODUCIBLE = "ReproducibleSeeding"


def seeds(pset):
    """
    Plan the seeding that the job's baggage names.

    :param pset: PSetJob
    :return: list of ToolCall
    :raises AttributeError: when the seeds of a reproducible job are not in its baggage
    """
    seeding = getattr(pset.bag, "seeding", None)
    logging.info("Seeding: %s", seeding)
    options, files = ["--seeding", seeding], []
    if seeding == REPRODUCIBLE:
        files.append(JsonFile(pset.path("reproducible_seed.json"), _seedsOf(pset.bag)))
        options += ["--reproducible_json", files[0].path]
    return [pset.call("cmssw_handle_random_seeds.py", *options, why="seeds: %s" % seeding, files=files)]


def _seedsOf(bag):
    """Give the parameters of the seeds that ReproducibleSeeding put into the baggage."""
    return {"process.RandomNumberGeneratorService.%s.initialSeed" % engine._internal_name: engine.initialSeed
            for engine in bag.process.RandomNumberGeneratorService}
