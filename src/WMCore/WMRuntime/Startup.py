#!/usr/bin/env python3
"""
Run a job in its job directory; started by the wrapper as `python3 Startup.py`.

Three directories matter: the start directory, where HTCondor put the job and takes the report and the
log from; the job directory in it, with the sandbox; the task space in that, with the steps.
"""
import os
import sys


def main():
    """
    Run the job of the current directory.

    :return: int, the process status
    """
    from WMCore.WMRuntime.JobExecution import JobExecution
    return JobExecution(os.getcwd())()


if __name__ == "__main__":
    sys.exit(main())
