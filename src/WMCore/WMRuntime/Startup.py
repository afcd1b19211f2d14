#!/usr/bin/env python3
"""
Run a job in its job directory; started by the wrapper as `python3 Startup.py`.

Three directories matter: the start directory, where HTCondor put the job and takes the report and the
log from; the job directory in it, with the sandbox; the task space in that, with the steps.
"""
import os
import sys
import time
import traceback


# What a job asks of its environment through; EnvironmentRequest reads them.
ASKING_VARIABLES = ("WMRUNTIME_PYTHON_VERSION", "WMRUNTIME_CONTAINER", "WMRUNTIME_CONTAINER_GPU",
                    "WMRUNTIME_ENVIRONMENT_APPLIED")
ASKING_FILES = ("environment.cfg", "wheels")


def _logLoss(environment):
    """Write into the job's log why not even the runtime could be imported; nobody else can."""
    record = "%s,000:CRITICAL:Startup:The runtime cannot be imported\n%s" % (
        time.strftime("%Y-%m-%d %H:%M:%S"), traceback.format_exc())
    if environment is not None:
        record += "What was done for the job's environment: %s\n" % environment
    with open(os.path.join("..", "wmagentJob.log"), "a", encoding="utf-8", errors="replace") as log:
        log.write(record)


def _prepareEnvironment(jobDir):
    """
    Make the container, the python, the libraries ready that the job asks for; this process may be replaced.

    The price for a job that asks for nothing is two stats: most do, half a million a day.

    :return: EnvironmentOutcome, whose error is JobTerminated when a signal came in between; None when nothing is asked for
    """
    if not any(os.environ.get(name) for name in ASKING_VARIABLES) \
            and not any(os.path.lexists(os.path.join(jobDir, name)) for name in ASKING_FILES):
        return None
    from WMCore.WMRuntime.Environment.AutoEnvironment import AutoEnvironment
    from WMCore.WMRuntime.Errors import JobTerminated
    from WMCore.WMRuntime.StopSignals import raisingOnce
    environment = AutoEnvironment(jobDir, os.path.abspath(__file__))
    try:
        with raisingOnce():
            return environment()
    except JobTerminated as ex:
        return environment.outcome.failed(ex)


def main():
    """
    Run the job of the current directory.

    :return: int, the process status
    """
    jobDir, environment = os.getcwd(), None
    try:
        environment = _prepareEnvironment(jobDir)
        from WMCore.WMRuntime.JobExecution import JobExecution
    except BaseException:
        _logLoss(environment)
        raise
    return JobExecution(jobDir, environment)()


if __name__ == "__main__":
    sys.exit(main())
