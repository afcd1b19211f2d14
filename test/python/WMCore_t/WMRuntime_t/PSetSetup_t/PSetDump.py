"""
Write all parameters of a pickled process as JSON, run in a python of the release: `python PSetDump.py <pickle> <json>`.
"""
import json
import pickle
import sys


def flatten(found, path, value):
    """Add a value, or all values in it, to the dict: path to [type, value]."""
    if hasattr(value, "parameterNames_"):
        kind = type(value).__name__ + (":" + value.type_() if hasattr(value, "type_") else "")
        tracked = value.isTracked() if hasattr(value, "isTracked") else None
        found[path] = [kind, tracked]
        for name in value.parameterNames_():
            flatten(found, "%s.%s" % (path, name), getattr(value, name))
    else:
        found[path] = [value.configTypeName() if hasattr(value, "configTypeName") else type(value).__name__,
                       value.dumpPython() if hasattr(value, "dumpPython") else repr(value)]


def main(source, target):
    """Load, flatten and write."""
    with open(source, "rb") as handle:
        process = pickle.load(handle)
    found = {"process": [process.name_(), None]}
    names = []
    for kind in ("producers_", "filters_", "analyzers_", "outputModules_", "services_", "paths_", "endpaths_", "psets_"):
        labels = getattr(process, kind)()
        names.extend(labels)
        found["process." + kind] = sorted(labels)
    for name in sorted(set(names + ["source", "GlobalTag", "options", "maxEvents", "maxSecondsUntilRampdown"])):
        if hasattr(process, name):
            flatten(found, "process." + name, getattr(process, name))
    found["dumpPython"] = sorted(line for line in process.dumpPython().splitlines())
    with open(target, "w") as handle:
        json.dump(found, handle)


main(*sys.argv[1:])
