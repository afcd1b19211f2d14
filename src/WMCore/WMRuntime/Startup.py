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


def _logLoss():
    """Write into the job's log why not even the runtime could be imported; nobody else can."""
    record = "%s,000:CRITICAL:Startup:The runtime cannot be imported\n%s" % (
        time.strftime("%Y-%m-%d %H:%M:%S"), traceback.format_exc())
    with open(os.path.join("..", "wmagentJob.log"), "a", encoding="utf-8", errors="replace") as log:
        log.write(record)


def main():
    """
    Run the job of the current directory.

    :return: int, the process status
    """
    try:
        from WMCore.WMRuntime.JobExecution import JobExecution
    except BaseException:
        _logLoss()
        raise
    return JobExecution(os.getcwd())()


if __name__ == "__main__":
    sys.exit(main())
