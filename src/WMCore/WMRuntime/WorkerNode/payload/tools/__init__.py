"""The cmssw-wm-tools commands of the worker node in a box; installed into share/overrides/bin."""
