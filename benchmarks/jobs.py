"""
Run the same job under upstream's runtime and under this one, in turn, and print what each costs.

    benchmarks/run jobs.py [--runs N] [--steps N] [--release R]

Both runtimes run on the same worker node in a box, one after the other in every round, so that a machine
that slows down slows both. Medians of the rounds are printed, and the ratio of ours to upstream's.
Seconds on such a node say nothing about a real CVMFS; counts of processes and calls do.
"""
import argparse
import os
import shutil
import statistics
import tempfile

from WMCore.WMRuntime.WorkerNode.JobRun import OURS, UPSTREAM, JobRequest, runJob
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode


def measure(node, runtime, arguments, directory):
    """
    Run one job.

    :return: dict of figure name to number
    """
    request = JobRequest(release=arguments.release, steps=arguments.steps, runtime=runtime)
    result = runJob(node, request, directory)
    if result.exit.shellCode:
        raise SystemExit("the %s job failed; see %s" % (runtime, directory))
    programs = [call["program"] for call in result.calls]
    starts = [call["time"] for call in result.calls if call["program"].startswith("cmsRun")]
    return {
        "scram calls": sum(name in ("scram", "scramv1") for name in programs),
        "PSet tool calls": sum(name.endswith(".py") for name in programs),
        "wall clock of the job, s": result.exit.endTime - result.exit.startTime,
        "wrapper start to first cmsRun, s": min(starts) - result.exit.startTime,
        "CPU of the job, s": result.exit.userTime + result.exit.sysTime,
        "largest process, MB": result.exit.maxRss / 1e6,
        "sandbox, kB": result.sandboxBytes / 1e3,
    }


def main():
    """Parse the arguments, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--release", default="CMSSW_13_0_3")
    arguments = parser.parse_args()
    top = tempfile.mkdtemp(prefix="wmruntime-benchmark-")
    try:
        node = createNode(os.path.join(top, "node"), log=lambda text: None)
        figures = {UPSTREAM: [], OURS: []}
        for number in range(arguments.runs):
            for runtime in (UPSTREAM, OURS):
                figures[runtime].append(measure(node, runtime, arguments, os.path.join(top, runtime + str(number))))
    finally:
        shutil.rmtree(top)
    print("%s, %d step(s), medians of %d rounds" % (arguments.release, arguments.steps, arguments.runs))
    print("| figure | upstream | ours | ratio |\n|---|---:|---:|---:|")
    for name in figures[OURS][0]:
        theirs, ours = (statistics.median(row[name] for row in figures[runtime]) for runtime in (UPSTREAM, OURS))
        print("| %s | %.2f | %.2f | %.2f |" % (name, theirs, ours, ours / theirs if theirs else float("nan")))


if __name__ == "__main__":
    main()
