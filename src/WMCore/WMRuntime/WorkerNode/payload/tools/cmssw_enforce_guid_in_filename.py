#!/bin/sh
""":"
# Read by sh up to exec, by python as a text. The pythons of CMSSW read PYTHON3PATH and PYTHON27PATH themselves
# (sitecustomize); those of the node do not.
path3="${PYTHON3PATH-}${PYTHON3PATH:+${PYTHONPATH:+:}}${PYTHONPATH-}"
if PYTHONPATH="$path3" python3 -c "from FWCore.PythonFramework.CmsRun import CmsRun" 2>/dev/null; then
    PYTHONPATH="$path3" exec python3 -B "$0" "$@"
fi
PYTHONPATH="${PYTHON27PATH-}${PYTHON27PATH:+${PYTHONPATH:+:}}${PYTHONPATH-}" exec python -B "$0" "$@"
":"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

from wmruntimeStandIn.ProcessHandlers import main  # noqa: E402

main("cmssw_enforce_guid_in_filename.py")
