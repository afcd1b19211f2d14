"""
Tell how the payload of a step ended.

`<step>-main.sh` ends with 71 to 73 when SCRAM fails, and cmsRun's 8007 to 8009 arrive as the same
numbers (#8026). The status file the script leaves tells them apart. It gets a line of JSON for each stage the
script enters, and is replaced by one with a single line when the script ends; so the last whole line is true
whenever the script was killed.
"""
import json
import signal

import attr

from WMCore.WMRuntime.Errors import signalOfStatus

STAGES = ("arguments", "setup", "project", "enter", "runtime", "payload")
PAYLOAD = "payload"
_MAX_STATUS_BYTES = 64 * 1024


class PayloadStatusError(Exception):
    """Say that a status file is missing or not what `<step>-main.sh` writes."""


def _isNumber(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _numberOrNone(instance, attribute, value):
    if value is not None and not _isNumber(value):
        raise ValueError("%s is %r, expected a number or null" % (attribute.name, value))


def _oneOfStages(instance, attribute, value):
    if value not in STAGES:
        raise ValueError("%s is %r, expected one of %s" % (attribute.name, value, ", ".join(STAGES)))


@attr.s(frozen=True)
class PayloadExit(object):
    """
    Hold what the last whole line of `<step>-status.json` says.

    :param stage: str, how far the script came: arguments, setup, project, enter, runtime or payload
    :param exitCode: int, the script's exit status; None while it runs, or when it was killed
    :param signal: int, the signal that ended the payload, as far as a shell can tell (a status over 128); or None
    :param executable: str
    :param pid: int, process id of the payload, or None
    """
    stage = attr.ib(validator=_oneOfStages)
    exitCode = attr.ib(default=None, validator=_numberOrNone)
    signal = attr.ib(default=None, validator=_numberOrNone)
    executable = attr.ib(default="", validator=attr.validators.instance_of(str))
    pid = attr.ib(default=None, validator=_numberOrNone)


def _lastWholeLine(data):
    """Leave out what comes behind the last line end: it was cut off while it was written."""
    lines = data.split(b"\n")
    if len(lines) < 2:
        raise ValueError("there is no whole line")
    return lines[-2]


def readPayloadExit(path):
    """
    Read and check a status file.

    :param path: str
    :return: PayloadExit
    :raises PayloadStatusError: when the file is missing, unreadable or not of the right shape
    """
    try:
        with open(path, "rb") as handle:
            data = handle.read(_MAX_STATUS_BYTES + 1)
    except OSError as ex:
        raise PayloadStatusError("cannot read %s: %s" % (path, ex))
    if len(data) > _MAX_STATUS_BYTES:
        raise PayloadStatusError("%s has more than %d bytes" % (path, _MAX_STATUS_BYTES))
    try:
        values = json.loads(_lastWholeLine(data).decode("utf-8", "replace"))
        names = [field.name for field in attr.fields(PayloadExit)]
        return PayloadExit(**{name: values[name] for name in names})
    except (ValueError, TypeError, KeyError, RecursionError) as ex:
        raise PayloadStatusError("%s does not hold a payload status: %s: %s" % (path, type(ex).__name__, ex))


def setupFailure(exit, child):
    """
    Tell whether the payload was never started, and why.

    A status file the script could not bring up to date is not believed: it must hold the status the
    script really ended with, unless a signal ended the script itself.

    :param exit: PayloadExit, or None when there is none to believe
    :param child: ChildExit of the script
    :return: str that names the stage and the status, or None when the payload was started or nothing tells
    """
    if exit is None or exit.stage == PAYLOAD:
        return None
    if child.signal is None and exit.exitCode != child.returnCode:
        return None
    return "The payload %s was not started: its script ended during stage %s with status %d%s." \
        % (exit.executable or "(unnamed)", exit.stage, child.shellCode, signalNote(child.shellCode))


def signalNote(code):
    """
    Name the signal a shell's status stands for.

    :param code: int, status as a shell gives it
    :return: str such as " (signal 9, SIGKILL)", or an empty str
    """
    number = signalOfStatus(code)
    if number is None:
        return ""
    try:
        return " (signal %d, %s)" % (number, signal.Signals(number).name)
    except ValueError:
        return " (signal %d)" % number
