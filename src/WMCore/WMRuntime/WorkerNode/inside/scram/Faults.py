"""Misbehaviour on request: var/scramFault.json of the node says what goes wrong."""
import json
import os
import sys
import time


def applyFault(node, command, beforeHang):
    """
    Do what the node's fault file asks for, if it asks for this command.

    :param node: str, the node's directory
    :param command: str, full name of the scram command
    :param beforeHang: callable() run before the command stops answering; it may be killed there
    :return: int, exit code to end with at once, or None to go on
    """
    try:
        with open(os.path.join(node, "var", "scramFault.json"), encoding="utf-8") as handle:
            fault = json.load(handle)
    except OSError:
        return None
    if fault.get("command") != command:
        return None
    value = int(fault.get("value", 1))
    kind = fault.get("fault")
    if kind == "hang":
        beforeHang()
        time.sleep(value)
        return None
    if kind == "exit":
        sys.stderr.write("scram stand-in: told to end with %d\n" % value)
        return value
    if kind == "flaky" and _countCall(node) <= value:
        sys.stderr.write("scram: cannot read the release: Transport endpoint is not connected\n")
        return 1
    return None


def _countCall(node):
    """Count one more call; one appended byte each, so that concurrent calls do not lose any."""
    path = os.path.join(node, "var", "scramFault.count")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, b".")
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
