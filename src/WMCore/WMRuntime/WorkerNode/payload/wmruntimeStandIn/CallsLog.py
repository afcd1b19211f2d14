"""CallsLog: tells the node's var/calls.jsonl that a stand-in has been called"""
import io
import json
import os
import sys
import time

INSTALLED = "installed.json"


def installedConstants():
    """
    Read what Install wrote beside this module.

    :return: dict; empty when the package is used from the source tree
    """
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), INSTALLED)
    if not os.path.exists(path):
        return {}
    with io.open(path, encoding="utf-8") as handle:
        return json.load(handle)


def logCall(program, arguments, **extra):
    """
    Append one line about this call; one write, so that lines of parallel calls do not mix.

    :param program: name of the command
    :param arguments: list of its arguments, without the command
    :param extra: further JSON values, such as exit
    """
    where = installedConstants().get("callsLog")
    if where is None:
        return
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), where)
    line = {"program": program, "argv": [program] + [str(argument) for argument in arguments], "cwd": os.getcwd(),
            "pid": os.getpid(), "time": round(time.time(), 3), "python": "%d.%d.%d" % sys.version_info[:3]}
    line.update(extra)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, (json.dumps(line, sort_keys=True) + "\n").encode("utf-8"))
    finally:
        os.close(descriptor)
