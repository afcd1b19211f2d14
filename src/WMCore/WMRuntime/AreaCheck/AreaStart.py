"""
Let the job wrapper itself choose and start an area's python, and keep the environment it leaves behind.
"""
import os

import attr

from WMCore.WMRuntime.Environment.EnvCapture import runShell
from WMCore.WMRuntime.Environment.EnvDiff import quoteForBash
from WMCore.WMRuntime.WorkerNode.JobRun import OURS, findWrapper

START_SECONDS = 120.0
_OUTPUT_BYTES = 64 * 1024


@attr.s(frozen=True)
class AreaStart(object):
    """
    Hold how an area started.

    :param python: str, the interpreter the wrapper took, absolute; empty when it took none
    :param environ: dict, what a job's processes have from then on
    :param words: str, what the wrapper printed meanwhile
    :param problem: str, why there is no python; empty when there is
    """
    python = attr.ib(type=str)
    environ = attr.ib(factory=dict, repr=False)
    words = attr.ib(default="", repr=False)
    problem = attr.ib(default="")


def startArea(bench, area):
    """
    Run the wrapper's own functions, up to the one that finds the python, on a root that holds this area alone.

    :param bench: CheckBench, with its worker node
    :param area: CheckedArea
    :return: AreaStart
    """
    directory = bench.workDirectory(area, "start")
    environ = dict(bench.environment(area), HOME=directory, TMPDIR=directory,
                   WMA_PROBE_TIMEOUT_SECS="%d" % bench.startSeconds)
    answer = os.path.join(directory, "python")
    stages = [("wrapper", ". %s" % quoteForBash(findWrapper(OURS))),
              ("cmsset", "wma_load_cms || exit 1"),
              ("python", "wma_find_python || exit 1\nprintf '%%s' \"$WMA_PYTHON\" > %s" % quoteForBash(answer))]
    started = []

    def note(pid):
        started.append(pid)
        bench.children.started(pid)
    try:
        run = runShell(stages, environ, cwd=directory, timeout=START_SECONDS, capture=True, mergeStderr=True,
                       maxBytes=_OUTPUT_BYTES, onStart=note, stopGrace=2.0)
    finally:
        for pid in started:
            bench.children.ended(pid)
    if run.environ is None or not os.path.exists(answer):
        why = "was stopped after %d s" % START_SECONDS if run.exit.timedOut else "status %s" % run.exit.shellCode
        return AreaStart("", words=run.stdout, problem="the wrapper's stage '%s' %s" % (run.stage, why))
    with open(answer, encoding="utf-8", errors="surrogateescape") as handle:
        return AreaStart(handle.read(), run.environ, run.stdout)
