"""RandomServiceHelper: sets the seeds of the random number service"""
import random

import FWCore.ParameterSet.Config as cms

LARGEST_SEED = 900000000  # accepted by every engine of CMSSW


class RandomNumberServiceHelper(object):
    """Gives every engine of a service a seed."""

    def __init__(self, service):
        self._service = service

    def engines(self):
        """:return: dict of the engines' PSets by name: those with a seed or a set of seeds"""
        return dict((name, value) for name, value in self._service.parameters_().items()
                    if isinstance(value, cms.PSet) and (hasattr(value, "initialSeed") or hasattr(value, "initialSeedSet")))

    def populate(self):
        """Give each engine new random seeds."""
        source = random.SystemRandom()
        for engine in self.engines().values():
            if hasattr(engine, "initialSeedSet"):
                engine.initialSeedSet = [source.randint(1, LARGEST_SEED) for _ in engine.initialSeedSet]
            else:
                engine.initialSeed = source.randint(1, LARGEST_SEED)
