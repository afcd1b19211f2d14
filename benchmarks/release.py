"""
Time what a job asks of a release: all its manifests, and the questions about its pythons and executables.

    benchmarks/run release.py [--manifests N] [--runs N]

The release is made in a temporary directory from the manifests of test/data/tools, each copied under more
names until there are as many as a real release has. The files are in the page cache: the figures are those of
the reading, not of CVMFS. The target is 300 manifests in under 50 ms.
"""
import argparse
import glob
import os
import shutil
import statistics
import tempfile
import time

from WMCore.WMRuntime.Release.Release import Release

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "tools")
VERSION, ARCH = "CMSSW_12_0_0", "slc7_amd64_gcc900"


def makeRelease(root, count):
    """
    Lay a release out.

    :param root: str
    :param count: int, of manifests
    """
    directory = os.path.join(root, ARCH, "cms", "cmssw", VERSION)
    selected = os.path.join(directory, "config", "toolbox", ARCH, "tools", "selected")
    os.makedirs(selected)
    shutil.copy(os.path.join(DATA, VERSION, "Self.xml"), os.path.join(directory, "config"))
    sources = sorted(glob.glob(os.path.join(DATA, VERSION, ARCH, "*.xml")))
    for source in sources:
        shutil.copy(source, selected)
    for number in range(count - len(sources)):
        name = "tool%03d" % number
        with open(sources[number % len(sources)]) as handle:
            text = handle.read()
        with open(os.path.join(selected, name + ".xml"), "w") as handle:
            handle.write(text.replace('<tool name="', '<tool name="%s-' % name, 1))


def milliseconds(action, runs):
    """
    Time an action.

    :param action: callable
    :param runs: int
    :return: (median, fastest) of the runs
    """
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000.0)
    return statistics.median(times), min(times)


def main():
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--manifests", type=int, default=300)
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    root = tempfile.mkdtemp(prefix="release-")
    try:
        makeRelease(root, arguments.manifests)
        release = Release.locate(VERSION, ARCH, roots=[root])
        tools, problems = release.manifests()
        if problems or len(tools) != arguments.manifests:
            raise SystemExit("%d manifests were read, %d were not" % (len(tools), len(problems)))
        for what, action in (("%d manifests" % len(tools), release.manifests), ("its pythons", release.pythons),
                             ("cmsRun's python", release.cmsRunPython),
                             ("finding it", lambda: Release.locate(VERSION, ARCH, roots=[root]))):
            median, fastest = milliseconds(action, arguments.runs)
            print("%-16s  median %7.2f ms, fastest %7.2f ms" % (what, median, fastest))
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
