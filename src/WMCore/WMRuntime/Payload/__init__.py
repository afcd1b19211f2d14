"""The payload of a CMSSW step: how cmsRun is started, watched and judged."""
