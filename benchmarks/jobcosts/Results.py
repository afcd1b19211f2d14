"""
What was measured, and the bounds it is held against.
"""
import statistics

import attr

from jobcosts.Measurement import (CPU_TO_CMSRUN, JOB_CPU, PROGRAMS, PSET_PYTHONS, SANDBOX, SCRAM_CALLS, STEP_CPU, STEP_WALL,
                                  TO_CMSRUN, UNPACK_CPU, UNPACK_WALL, WALL, WITH_BYTECODE)
from WMCore.WMRuntime.WorkerNode.JobRun import OURS, UPSTREAM


@attr.s(frozen=True)
class Row(object):
    """
    Hold one run.

    :param runtime: str, OURS or UPSTREAM
    :param steps: int
    :param delay: float, seconds
    :param counted: bool, whether opens and programs were watched
    :param figures: dict of figure name to number
    """
    runtime = attr.ib()
    steps = attr.ib()
    delay = attr.ib()
    counted = attr.ib()
    figures = attr.ib()


@attr.s(frozen=True)
class Bound(object):
    """
    Hold what must be shown, and what was.

    :param text: str, what it bounds
    :param most: float
    :param value: float, or None when it was not measured
    :param upstream: float, the same of upstream's, or None
    """
    text = attr.ib()
    most = attr.ib()
    value = attr.ib()
    upstream = attr.ib(default=None)

    @property
    def state(self):
        """Give "holds", "does not hold" or "not measured"."""
        if self.value is None:
            return "not measured"
        return "holds" if self.value <= self.most else "does not hold"


class Results(object):
    """
    Answer questions about rows.

    :param rows: list of Row
    """

    def __init__(self, rows):
        self.rows = list(rows)

    def values(self, figure, runtime, steps, delay):
        """
        Give all values of a figure: from runs that were not watched at each open, where there are such.

        :return: list of float
        """
        found = [row for row in self.rows if (row.runtime, row.steps, row.delay) == (runtime, steps, delay)
                 and figure in row.figures]
        return [row.figures[figure] for row in found if not row.counted] or [row.figures[figure] for row in found]

    def median(self, figure, runtime, steps, delay=0.0):
        """
        Give the median.

        :return: float, None when there is none
        """
        values = self.values(figure, runtime, steps, delay)
        return statistics.median(values) if values else None

    def spread(self, figure, runtime, steps, delay=0.0):
        """
        Give half of what lies between the least and the largest, as a part of the median.

        :return: float, None for less than two values
        """
        values = self.values(figure, runtime, steps, delay)
        return (max(values) - min(values)) / 2 / abs(statistics.median(values)) if len(values) > 1 else None

    def ratio(self, figure, steps, delay=0.0, upstreams=None):
        """
        Give ours to upstream's.

        :param upstreams: str, another figure of upstream's to divide by
        :return: float, None when either is not there
        """
        ours, upstream = (self.median(name, runtime, steps, delay) for name, runtime in (
            (figure, OURS), (upstreams or figure, UPSTREAM)))
        return ours / upstream if ours is not None and upstream else None

    @property
    def steps(self):
        """Give the numbers of steps."""
        return sorted({row.steps for row in self.rows})

    @property
    def delays(self):
        """Give the delays, seconds."""
        return sorted({row.delay for row in self.rows})

    def chainStep(self, figure, runtime):
        """
        Give what one step more costs: the longest chain's total less the one-step job's, by the steps between.

        :return: float, None when there is but one length
        """
        longest = max(self.steps)
        one, most = (self.median(figure, runtime, steps) for steps in (1, longest))
        return None if longest == 1 or one is None or most is None else (most - one) / (longest - 1)

    def chainRatio(self, figure, stepFigure, runtime):
        """
        Give a chain's step to the only step of a one-step job.

        :return: float, None when either is not there
        """
        chain, only = self.chainStep(figure, runtime), self.median(stepFigure, runtime, 1)
        return None if chain is None or not only else chain / only

    def bounds(self):
        """
        Hold the figures against what the start of a step must show.

        :return: list of Bound
        """
        longest = max(self.steps)
        perStep = {runtime: self._perStep(PSET_PYTHONS, runtime, longest) for runtime in (OURS, UPSTREAM)}
        found = [Bound("SCRAM calls of a job of %d step%s" % (steps, "s" if steps > 1 else ""), 2,
                       self.median(SCRAM_CALLS, OURS, steps), self.median(SCRAM_CALLS, UPSTREAM, steps))
                 for steps in sorted({1, longest})]
        found += [Bound("starts of the release's python for the PSet, per step", 1, perStep[OURS], perStep[UPSTREAM]),
                  Bound("programs executed, one step", 59, self.median(PROGRAMS, OURS, 1),
                        self.median(PROGRAMS, UPSTREAM, 1))]
        for text, figure, most, delay in (
                ("wrapper's start to cmsRun's first line, 20 ms delay", TO_CMSRUN, 0.25, 0.02),
                ("wrapper's start to cmsRun's first line, no delay", TO_CMSRUN, 0.60, 0.0),
                ("CPU to cmsRun's start", CPU_TO_CMSRUN, 0.50, 0.0), ("CPU of the whole job", JOB_CPU, 0.50, 0.0)):
            found.append(Bound(text + ", ours to upstream's", most, self.ratio(figure, 1, delay)))
        for text, figure in (("bytes of the sandbox", SANDBOX), ("unpacking, CPU", UNPACK_CPU),
                             ("unpacking, wall clock", UNPACK_WALL)):
            found += [Bound(text + ", ours to upstream's without bytecode", 1 / 3, self.ratio(figure, 1)),
                      Bound(text + ", ours to upstream's with bytecode", 1 / 3,
                            self.ratio(figure, 1, upstreams=WITH_BYTECODE[figure]))]
        for text, figure, stepFigure in (("wall clock", WALL, STEP_WALL), ("CPU", JOB_CPU, STEP_CPU)):
            text = "a step of a chain of %d to the step of a one-step job, %s" % (longest, text)
            found.append(Bound(text, 1.10, self.chainRatio(figure, stepFigure, OURS),
                               self.chainRatio(figure, stepFigure, UPSTREAM)))
        return found

    def _perStep(self, figure, runtime, steps):
        value = self.median(figure, runtime, steps)
        return None if value is None else value / steps
