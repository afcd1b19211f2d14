"""What a CMSSW release offers, read from its files: pythons, executables, and the python inside its cmsRun."""
