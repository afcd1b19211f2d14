"""
Run the same job under upstream's runtime and under this one, in turn, and print what each costs.

    benchmarks/run startup.py [--steps 1,2,5,10] [--delays 0,20,100] [--rounds N] [--write docs] [--check]

Both run on the same worker node in a box. Times without a delay come from rounds in which the two take turns, so that
a machine that slows down slows both. Opened files, executed programs and delays need root: the job gets a mount
namespace of its own, on whose mounts fanotify asks this program before each open and each exec; an answer that comes
later is the delay. Without root these figures are left out, and a line says so.

--write DIR writes DIR/performance.md and its chart; --check ends with 1 when a bound does not hold or was not measured;
--keep FILE keeps the figures of all runs, and --from FILE takes those instead of running.
"""
import argparse
import collections
import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import attr

from jobcosts.Machine import describeMachine, refusals
from jobcosts.Measurement import WALL, WITH_BYTECODE, Bench, Setting
from jobcosts.Page import boundsTable, page, tables
from jobcosts.Results import Results, Row
from WMCore.WMRuntime.WorkerNode.JobRun import OURS, UPSTREAM, upstreamEntries
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode

# Seconds of delay times steps. Up to the first a delayed job is run in all rounds, in turn; up to the second once, beside
# others, for it sleeps; beyond it takes upstream longer than ten minutes and is run only when asked for.
IN_TURN, LONGEST = 0.02, 0.2


@attr.s(frozen=True)
class Plan(object):
    """
    Hold what to run.

    :param inTurn: list of Setting, one after the other
    :param beside: list of Setting, several at once
    :param left: list of (steps, delay), not run
    """
    inTurn = attr.ib()
    beside = attr.ib()
    left = attr.ib()


def makePlan(steps, delays, rounds, everything=False, canWatch=True):
    """
    Decide what to run.

    :param steps: list of int
    :param delays: list of float, seconds
    :param rounds: int
    :param everything: bool, whether also what takes very long
    :param canWatch: bool, whether opens can be watched, and delayed
    :return: Plan
    """
    inTurn, beside, left = [], [], []
    for count, delay in [(count, delay) for count in steps for delay in delays if delay and canWatch]:
        cost = round(count * delay, 6)
        pair = [Setting(runtime, count, delay, True, alone=cost <= IN_TURN) for runtime in (UPSTREAM, OURS)]
        if cost <= IN_TURN:
            inTurn += rounds * pair
        elif cost <= LONGEST or everything:
            beside += pair
        else:
            left.append((count, delay))
    timed = [Setting(runtime, count) for _ in range(rounds) for count in steps for runtime in (UPSTREAM, OURS)]
    counted = [Setting(runtime, count, 0.0, True) for count in steps for runtime in (UPSTREAM, OURS)] if canWatch else []
    beside.sort(key=lambda one: (-one.steps * one.delay, one.runtime != UPSTREAM))
    return Plan((timed if 0.0 in delays else []) + counted + inTurn, beside, left)


def runAll(bench, plan, together, say):
    """
    Run all jobs of a plan.

    :param bench: Bench
    :param plan: Plan
    :param together: int, how many delayed jobs sleep at a time
    :param say: callable(str)
    :return: (list of Row, dict of what could not be watched to the reason)
    """
    missing, numbered = {}, list(enumerate(plan.inTurn + plan.beside))
    started = time.time()

    def one(job):
        number, setting = job
        found, lost = bench.run(setting, "job%03d" % number)
        missing.update(lost)
        say("%4d s  %d of %d  %s, %d steps, %d ms%s: %.1f s" % (
            time.time() - started, number + 1, len(numbered), setting.runtime, setting.steps, round(1000 * setting.delay),
            ", counted" if setting.counted else "", found[WALL]))
        return Row(setting.runtime, setting.steps, setting.delay, setting.counted, found)

    rows = [one(job) for job in numbered[:len(plan.inTurn)]]
    with ThreadPoolExecutor(together) as pool:
        rows += pool.map(one, numbered[len(plan.inTurn):])
    return rows, missing


def runWithBytecode(bench, rounds):
    """
    Run upstream as an agent packs it whose installation has bytecode, for its sandbox alone.

    :param bench: Bench
    :param rounds: int
    :return: list of Row
    """
    found = [bench.run(Setting(UPSTREAM, 1), "bytecode%d" % number)[0] for number in range(rounds)]
    return [Row(UPSTREAM, 1, 0.0, False, {name: figures[figure] for figure, name in WITH_BYTECODE.items()})
            for figures in found]


def withoutBytecode(directory):
    """
    Let upstream's WMCore be packed from its sources alone, as the wheel brings it: the smaller of its sandboxes.

    :param directory: str, to be made, for a copy
    """
    copies = []
    for number, entry in enumerate(upstreamEntries()):
        copies.append(os.path.join(directory, str(number)))
        shutil.copytree(entry, copies[-1], ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    os.environ.update(WMCORE_UPSTREAM=os.pathsep.join(copies), PYTHONDONTWRITEBYTECODE="1")


def measure(arguments):
    """
    Make the node, run the jobs.

    :return: dict of "rows", "missing", "left", "machine", "release", "rounds"
    """
    top = os.path.realpath(tempfile.mkdtemp(prefix="wmruntime-benchmark-", dir=arguments.directory))
    try:
        refused = refusals()
        for what, why in refused.items():
            print("not measured: %s: %s" % (what, why), file=sys.stderr)
        plan = makePlan(arguments.steps, arguments.delays, arguments.rounds, arguments.all,
                        "opens and programs" not in refused)
        node = createNode(os.path.join(top, "node"), log=lambda text: None)
        bench = Bench(node, arguments.release, top)
        rows = runWithBytecode(bench, arguments.rounds)
        withoutBytecode(os.path.join(top, "upstream"))
        found, missing = runAll(bench, plan, arguments.together, lambda text: print(text, file=sys.stderr, flush=True))
    finally:
        shutil.rmtree(top)
    return {"rows": [attr.asdict(row) for row in rows + found], "missing": dict(refused, **missing), "left": plan.left,
            "machine": describeMachine(), "release": arguments.release, "rounds": arguments.rounds}


def numbers(convert):
    """Give a type for options that take several numbers with commas between."""
    return lambda text: sorted({convert(part) for part in text.split(",")})


def parsed():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=numbers(int), default=[1, 2, 5, 10])
    parser.add_argument("--delays", type=numbers(lambda text: float(text) / 1000), default=[0.0, 0.02, 0.1],
                        help="milliseconds per open and per program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--release", default="CMSSW_13_0_3")
    parser.add_argument("--directory", help="where to work; default: the directory for temporary files")
    parser.add_argument("--together", type=int, default=4, help="long delayed jobs at a time (default %(default)s)")
    parser.add_argument("--all", action="store_true", help="also delayed jobs of more than ten minutes")
    parser.add_argument("--write", metavar="DIR")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", metavar="FILE")
    parser.add_argument("--from", dest="source", metavar="FILE")
    return parser.parse_args()


def main():
    """Run, print, write, check."""
    arguments = parsed()
    if arguments.source:
        with open(arguments.source, encoding="utf-8") as handle:
            measured = json.load(handle)
    else:
        measured = measure(arguments)
    if arguments.keep:
        with open(arguments.keep, "w", encoding="utf-8") as handle:
            json.dump(measured, handle)
    results = Results(Row(**row) for row in measured["rows"])
    print(tables(results, measured))
    if arguments.write:
        from jobcosts.Chart import draw  # pylint: disable=import-outside-toplevel
        os.makedirs(os.path.join(arguments.write, "performance"), exist_ok=True)
        draw(results, os.path.join(arguments.write, "performance", "startup.svg"))
        with open(os.path.join(arguments.write, "performance.md"), "w", encoding="utf-8") as handle:
            handle.write(page(results, measured))
    if arguments.check:
        bounds = results.bounds()
        print(boundsTable(bounds))
        states = collections.Counter(bound.state for bound in bounds)
        sys.exit(1 if states["holds"] < len(bounds) else 0)


if __name__ == "__main__":
    main()
