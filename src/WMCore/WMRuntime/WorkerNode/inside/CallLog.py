"""Record the calls of a node's stand-ins, one JSON line each. Runs inside the node, on any python from 2.7."""
import json
import os
import sys
import time


def recordCall(log, program, arguments, exitCode=None):
    """
    Append one line to the log of calls, in one write.

    :param log: str, path of var/calls.jsonl; its folder is made
    :param program: str, name of the stand-in
    :param arguments: list of str, those after the program's name; `argv` in the log begins with the name
    :param exitCode: int, where it is known; None leaves it out
    :return: dict, what was written
    """
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = ""
    call = {"program": program, "argv": [program] + list(arguments), "cwd": cwd, "pid": os.getpid(), "time": time.time()}
    if exitCode is not None:
        call["exit"] = exitCode
    line = (json.dumps(call, sort_keys=True) + "\n").encode("ascii")
    if not os.path.isdir(os.path.dirname(log)):
        os.makedirs(os.path.dirname(log))
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
    return call


if __name__ == "__main__":
    recordCall(sys.argv[1], sys.argv[2], sys.argv[3:], 0)
