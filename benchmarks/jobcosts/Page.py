"""
The tables, and the page docs/performance.md around them.
"""
from jobcosts import Measurement as M
from jobcosts.Executions import KINDS
from WMCore.WMRuntime.WorkerNode.JobRun import OURS, UPSTREAM

_COUNTS = (M.SCRAM_CALLS, M.PSET_PYTHONS, M.PROGRAMS) + tuple(M.EXECUTED + kind for kind in KINDS) + (M.OPENS, M.FILES)
_COSTS = (M.TO_CMSRUN, M.FROM_CMSRUN, M.WALL, M.CPU_TO_CMSRUN, M.PYTHON_CPU, M.JOB_CPU, M.MEMORY, M.SANDBOX, M.UNPACK_CPU,
          M.UNPACK_WALL) + tuple(M.WITH_BYTECODE.values())
_STEP = (M.BEFORE_WALL, M.AFTER_WALL, M.STEP_WALL, M.BEFORE_CPU, M.AFTER_CPU, M.STEP_CPU)
_NOTHING = "–"
_PAGE = """# What the start of a job costs

Written by `benchmarks/run startup.py --write docs`, which measures all of it anew; run it as root on a machine that does
nothing else. `benchmarks/run startup.py --check` ends with 1 when a bound below does not hold.

One job of {release} (10 events; stage-out and log archive) on a [worker node in a box](worker-node.md), under upstream's
WMCore.WMRuntime of the pinned `wmcore` and under this one. {machine}.

![Upstream and ours: wall clock to cmsRun by delay; programs, opens and CPU by steps](performance/startup.svg)

## Bounds

{bounds}

## Figures

{tables}

## How it was measured

* **In turn.** Without a delay, and for one step with 20 ms: {rounds} round{s}, upstream and ours one after the other in each;
  medians. Behind ± is half of what lies between least and largest, in per cent of the median. Longer delayed jobs ran once,
  several beside each other, for they sleep nearly all the time.
* **Times and CPU** are those of jobs that nobody watched at each open. A job has a control group, whose CPU is read every
  10 ms, so that it is known at each moment; the CPU of the pythons (those of the COMP area and of the release, without
  cmsRun's own) is what the kernel tells of each thread when it ends.
* **Programs** are executed programs (execve), counted by fanotify; a script is one with its interpreter. What scram and
  cmsRun execute themselves is counted as theirs: both are stand-ins. The PSet's pythons are those of the release that neither
  scram nor cmsRun started, probes included.
* **Opens** are all opens of files under the fake CVMFS, and of the standard libraries that its pythons are linked to; files
  are those opened at least once.
* **Delays** are injected by the same fanotify: the kernel asks before each open under the fake CVMFS, and before each program,
  in the mount namespace of the job, and gets its answer so much later. That reaches both runtimes alike, whatever their
  environment, static programs as well, and two processes wait side by side. Every open waits, not only the first of a file,
  which is harder than a cold cache, whose second open is quick.
* **Sandboxes.** Upstream packs the bytecode that the agent's installation has; as its wheel comes there is none, and the
  sandbox is much smaller. Both are measured; all jobs above ran with the smaller one, whose code is imported no slower, for
  python does not look for bytecode of that form in a zip file. Unpacking is Unpacker.py in the python of the job, its start
  included.
* **cmsRun** is a stand-in that starts in a tenth of a second; its first line is the moment it tells of, its end is when its
  job report was written. Seconds on such a node say little about a site; counts and ratios do.
{left}{missing}"""


def _number(value):
    if value is None:
        return _NOTHING
    return "%.0f" % value if value >= 100 or value == int(value) else "%.3g" % value


def _cell(results, figure, runtime, steps, delay):
    spread = results.spread(figure, runtime, steps, delay)
    value = _number(results.median(figure, runtime, steps, delay))
    return "%s ±%.0f %%" % (value, 100 * spread) if spread else value


def _ratio(value):
    return _NOTHING if value is None else "%.2f" % value


def _table(head, lines):
    return "\n".join(["| %s |" % " | ".join(head), "|---|%s" % ("---:|" * (len(head) - 1))] + [
        "| %s |" % " | ".join(line) for line in lines])


def _bySteps(results, names, delay=0.0):
    """Make a table with upstream's, ours and the ratio for each number of steps."""
    lines = []
    for figure in names:
        line = [figure]
        for steps in results.steps:
            line += [_cell(results, figure, runtime, steps, delay) for runtime in (UPSTREAM, OURS)]
            line.append(_ratio(results.ratio(figure, steps, delay)))
        if any(part != _NOTHING for part in line[1:]):
            lines.append(line)
    head = ["%s %d step%s" % (who, steps, "s" if steps > 1 else "") for steps in results.steps
            for who in ("upstream,", "ours,", "ratio,")]
    return _table([""] + head, lines)


def _delayed(results):
    """Make the table of the delays."""
    lines = []
    for delay in results.delays:
        for steps in results.steps:
            if results.median(M.WALL, OURS, steps, delay) is None:
                continue
            line = ["%d ms, %d step%s" % (round(1000 * delay), steps, "s" if steps > 1 else "")]
            for figure in (M.TO_CMSRUN, M.FROM_CMSRUN, M.WALL):
                line += [_cell(results, figure, runtime, steps, delay) for runtime in (UPSTREAM, OURS)]
                line.append(_ratio(results.ratio(figure, steps, delay)))
            lines.append(line)
    head = ["%s: %s" % (what, who) for what in ("to cmsRun, s", "from cmsRun, s", "whole job, s")
            for who in ("upstream", "ours", "ratio")]
    return _table(["delay"] + head, lines)


def _steps(results):
    """Make the table of what one step costs."""
    longest, lines = max(results.steps), []
    for figure in _STEP:
        lines.append([figure] + [_cell(results, figure, runtime, 1, 0.0) for runtime in (UPSTREAM, OURS)]
                     + [_ratio(results.ratio(figure, 1))])
    for name, total, only in (("s", M.WALL, M.STEP_WALL), ("CPU s", M.JOB_CPU, M.STEP_CPU)):
        chain = [results.chainStep(total, runtime) for runtime in (UPSTREAM, OURS)]
        lines.append(["a step of %d: what each after the first adds, %s" % (longest, name)] + [
            _number(value) for value in chain] + [_ratio(chain[1] / chain[0] if chain[0] and chain[1] else None)])
        lines.append(["the same to the only step of a one-step job"] + [
            _ratio(results.chainRatio(total, only, runtime)) for runtime in (UPSTREAM, OURS)] + [_NOTHING])
    return _table(["a step", "upstream", "ours", "ratio"], lines)


def boundsTable(bounds):
    """
    Write bounds as a table.

    :param bounds: list of Bound
    :return: str
    """
    return _table(["what", "at most", "measured", "upstream", ""], [
        [bound.text, _number(bound.most) if bound.most >= 2 else "%.2f" % bound.most,
         _NOTHING if bound.value is None else _number(bound.value) if bound.most >= 2 else "%.2f" % bound.value,
         _number(bound.upstream), bound.state] for bound in bounds])


def tables(results, measured):
    """
    Write the tables.

    :param results: Results
    :param measured: dict, what startup.py measured
    :return: str
    """
    parts = [("What is done, by steps; counts of one run", _bySteps(results, _COUNTS)),
             ("What it costs without a delay, medians of %d" % measured["rounds"], _bySteps(results, _COSTS)),
             ("With a delay of each open and each program", _delayed(results)),
             ("One step, without a delay", _steps(results))]
    return "\n\n".join("**%s**\n\n%s" % part for part in parts)


def page(results, measured):
    """
    Write docs/performance.md.

    :param results: Results
    :param measured: dict, what startup.py measured
    :return: str
    """
    left = ", ".join("%d steps with %d ms" % (steps, round(1000 * delay)) for steps, delay in measured["left"])
    left = left and "* **Not run:** %s; upstream takes longer than ten minutes for each (`--all` runs them).\n" % left
    missing = "".join("* **Not measured:** %s (%s).\n" % pair for pair in sorted(measured["missing"].items()))
    return _PAGE.format(release=measured["release"], machine=measured["machine"], rounds=measured["rounds"],
                        s="" if measured["rounds"] == 1 else "s", bounds=boundsTable(results.bounds()),
                        tables=tables(results, measured), left=left, missing=missing)
