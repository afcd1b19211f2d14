"""
The payload side of the worker node in a box: stand-ins for cmsRun, FWCore and cmssw-wm-tools.

`Install` puts them into a node's tree. Nothing of it is used on a real worker node.

    wmruntimeStandIn/  what the stand-ins run, installed whole beside cmsRun and beside the tools (python 2.7 and 3.6+)
    python/            FWCore, Configuration, IOMC as a release's python/ directory has them
    tools/             the cmssw-wm-tools commands, started by sh, run by the release's python
"""
