"""A worker node in a box: a stand-in for CVMFS, SCRAM, CMSSW releases and cmsRun, for tests and first steps."""
