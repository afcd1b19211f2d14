"""
Run cmsRun through `<step>-main.sh`: build its environment, start it, wait for it, stop all of it.

Its output goes straight to the step's log files, so nothing of it is held in memory and a kill leaves
what was printed so far.
"""
import logging
import os
import socket

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Payload.MainScript import STATUS_NAME, writeMainScript
from WMCore.WMRuntime.Payload.PayloadExit import PayloadStatusError, readPayloadExit
from WMCore.WMRuntime.Tools.ChildProcess import groupAlive, runChild, stopGroup

STOP_GRACE = 10.0


@attr.s(frozen=True)
class PayloadRun(object):
    """
    Hold how a payload ran.

    :param args: list of str, the command that was started
    :param child: ChildExit of `<step>-main.sh`, its usage with cmsRun's
    :param exit: PayloadExit, or None when the script left none
    :param problem: str, why there is no exit, or empty
    """
    args = attr.ib()
    child = attr.ib()
    exit = attr.ib(default=None)
    problem = attr.ib(default="")


def payloadEnvironment(environ, workload, host=None):
    """
    Build the environment cmsRun's script starts with.

    :param environ: dict, the job's environment, left as it is
    :param workload: str, name of the workload, told to Frontier
    :param host: str, full name of this machine; None to ask for it
    :return: dict
    """
    result = withoutWrapperPython(environ)
    # Even one the site had set: a release's python finds its modules by itself (CRABServer#8805).
    result.pop("PYTHONPATH", None)
    result["FRONTIER_ID"] = "wmagent_%s" % workload
    # Libraries linked with CMSSW need it (#6894).
    result.setdefault("HOME", environ.get("PWD", "/"))
    host = socket.getfqdn() if host is None else host
    logging.info("The full name of this node is %s", host)
    # GSI authentication against EOS at CERN (#6325). Nobody has shown that EOS can do without it.
    if host.endswith("cern.ch"):
        result["XRD_LOADBALANCERTTL"] = "86400"
    return result


def _stopRemains(group, grace):
    """Stop what a script left running in its group, cmsRun above all when the script itself was killed."""
    if groupAlive(group):
        logging.warning("The payload's script has ended and left processes in group %d: stopping them", group)
        stopGroup(group, grace)


def runPayload(stepName, directory, arguments, environment, stdout, stderr, stopGrace=STOP_GRACE, remarks=()):
    """
    Write `<step>-main.sh` and run it to its end.

    There is no time limit here: the watchdog and the batch system have one each. When an exception such as
    JobTerminated passes, the whole process group is stopped first.

    :param stepName: str
    :param directory: str, the step's directory, where it runs
    :param arguments: MainArguments
    :param environment: dict, as payloadEnvironment gives it
    :param stdout: str, log file for standard output, relative to the directory
    :param stderr: str, log file for standard error, likewise
    :param stopGrace: float seconds between SIGTERM and SIGKILL
    :param remarks: list of str about the executable, for the script's header
    :return: PayloadRun
    :raises OSError: when the script or the logs cannot be written
    """
    args = ["/bin/bash", writeMainScript(stepName, directory, arguments, remarks)] + arguments.words()
    statusFile = os.path.join(directory, STATUS_NAME % stepName)
    if os.path.lexists(statusFile):
        os.remove(statusFile)
    logs = [os.path.join(directory, name) for name in (stdout, stderr)]
    for name in logs:
        open(name, "wb").close()
    logging.info("Executing CMSSW. args: %s", args)
    try:
        child = runChild(args, env=environment, cwd=directory, stdout=logs[0], stderr=logs[1], stopGrace=stopGrace)
    except BaseException as ex:
        logging.critical("The payload of step %s was stopped: %r. Its output so far is in %s", stepName, ex, logs[0])
        raise
    _stopRemains(child.pid, stopGrace)
    try:
        return PayloadRun(args, child, readPayloadExit(statusFile))
    except PayloadStatusError as ex:
        logging.error("How far the payload's script came is not known: %s", ex)
        return PayloadRun(args, child, None, str(ex))
