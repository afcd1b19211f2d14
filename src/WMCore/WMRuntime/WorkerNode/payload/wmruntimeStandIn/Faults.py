"""
Faults: the ways cmsRun of the worker node in a box can be told to fail

Told by a file wmruntimeFault.json in cmsRun's directory or above it:
{"step": "cmsRun1" or null for any, "fault": "<name>", "value": <see FAULTS>}.
"""
import io
import json
import os

FAULT_FILE = "wmruntimeFault.json"
LEVELS = 6

FAULTS = {
    "exit": "fail in the middle of the events; value: the code (8001) in FrameworkError, the process exits with code % 256",
    "exitNoError": "the same, but the report is complete and has no FrameworkError; value: the code (8001)",
    "exitNoReport": "the same, and there is no report at all; value: the code (8001)",
    "zeroCodeReport": "exit with a code while FrameworkError says 0; value: the code (65)",
    "signal": "end by a signal in the middle of the events; value: its name or number (SEGV)",
    "placeholder8901": "end by a signal, the report is valid and holds the placeholder 8901; value: the signal (KILL)",
    "hang": "stop working in the middle of the events; value: {\"ignoreTerm\": false, \"seconds\": 3600}",
    "slow": "take long for each event; value: seconds (1)",
    "bigOutput": "print a lot on stdout, then go on; value: bytes (300000000)",
    "memory": "grow in the middle of the events, then go on; value: {\"perSecond\": 100, \"upTo\": 1000, \"hold\": 0}, MB and "
              "seconds",
    "daemon": "leave a grandchild behind that is in a session of its own; value: seconds it stays (60)",
    "truncatedReport": "cut the finished report; value: part kept (0.66), or {\"keep\": 0.66, \"exit\": 0}",
    "dirtyReport": "spoil the finished report; value: nul, latin1, rawAmpersand, interleaved or emptyTags, or {\"kind\": ..., "
                   "\"exit\": 0}",
    "noOutput": "write no output files and do not report any; no value",
    "badPickle": "a pickle that the PSet loads is truncated (7002); no value",
    "badInput": "the first input file cannot be opened (8020), or is skipped with skipBadFiles; no value; for sources with files",
    "fallback": "the first input file is opened at the second attempt; no value; for sources with files",
}
DIRT = ("nul", "latin1", "rawAmpersand", "interleaved", "emptyTags")


class Fault(object):
    """One fault that applies to this cmsRun; without a name there is none."""

    def __init__(self, name=None, value=None):
        self.name = name
        self.value = value

    def number(self, default):
        """
        :param default: value when none is given
        :return: the value as a number
        """
        return default if self.value is None else self.value

    def setting(self, key, default, short=None):
        """
        Take one of several values.

        :param key: its key when the value is a dict
        :param default: when it is not given
        :param short: key that a value that is no dict stands for
        :return: the value
        """
        if isinstance(self.value, dict):
            return self.value.get(key, default)
        return self.value if self.value is not None and key == short else default


def findFault(directory):
    """
    Look for the fault file of a cmsRun.

    :param directory: path of its current directory
    :return: Fault
    :raises ValueError: when the file is broken or names an unknown fault
    """
    directory = os.path.abspath(directory)
    parts = directory.split(os.sep)
    for _ in range(LEVELS + 1):
        path = os.path.join(directory, FAULT_FILE)
        if os.path.exists(path):
            return readFault(path, parts)
        directory = os.path.dirname(directory)
    return Fault()


def readFault(path, parts):
    """
    Read a fault file.

    :param path: path of the file
    :param parts: list of the names on the path of cmsRun's directory; a fault for a step applies when its name is there
    :return: Fault
    :raises ValueError: when the file is broken or names an unknown fault
    """
    with io.open(path, encoding="utf-8") as handle:
        content = json.load(handle)
    name = content.get("fault")
    if name not in FAULTS:
        raise ValueError("%s: unknown fault %r; known are: %s" % (path, name, ", ".join(sorted(FAULTS))))
    if content.get("step") is not None and content["step"] not in parts:
        return Fault()
    return Fault(str(name), content.get("value"))
