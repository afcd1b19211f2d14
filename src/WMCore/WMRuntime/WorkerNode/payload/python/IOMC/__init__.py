"""Stand-in for the CMSSW package of this name (worker node in a box)."""
