"""What a CMSSW release's python/ directory holds in the worker node in a box; installed without this file."""
