"""
Time what a job asks of a release: its manifests, a python and an executable for a step, the language of a PSet.

    benchmarks/run release.py [--manifests N] [--runs N] [--megabytes X]

The manifests are those of test/data/tools, each copied under more names until there are as many as a real
release has; a python and an executable are chosen on a worker node in a box. The files are in the page cache:
the figures are those of the reading, not of CVMFS. The targets are 300 manifests in under 50 ms, none of the
mutated ones over 50 ms, and resolving plus selecting under 30 ms beyond the probe with one process at most.

A PSet is looked at in a process of its own, next to one that parses the whole of it with ast.parse and
compiles it, so that seconds and memory of both can be compared. The last line of the choices is the import
of all they need, which a job pays once.
"""
import argparse
import glob
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from WMCore.WMRuntime.Interpreter.InterpreterProvider import RELEASE_SCRIPT
from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver
from WMCore.WMRuntime.Payload.ExecutableSelector import selectExecutable
from WMCore.WMRuntime.Release.Release import Release
from WMCore.WMRuntime.Release.ToolManifest import ManifestError, parseManifest
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "data", "tools")
VERSION, ARCH = "CMSSW_12_0_0", "slc7_amd64_gcc900"
MUTATIONS = 10000
STEP_PSET = ("import FWCore.ParameterSet.Config as cms\nimport pickle\n"
             "with open('PSet.pkl', 'rb') as handle:\n    process = pickle.load(handle)\n")
IMPORTS = ("from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver;"
           "from WMCore.WMRuntime.Payload.ExecutableSelector import selectExecutable;"
           "from WMCore.WMRuntime.Release.Release import Release")
LOOKS = {"parsed whole": "import ast, sys; tree = ast.parse(open(sys.argv[1]).read());"
                         "compile(tree, 'PSet', 'exec'); list(ast.walk(tree))",
         "readPSet": "import sys; from WMCore.WMRuntime.Payload.PSetLanguage import readPSet; readPSet(sys.argv[1])"}


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


def mutationTimes(root, count):
    """
    Time the reading of manifests that were changed at random.

    :return: list of float milliseconds, each the better of two
    """
    chooser, times = random.Random(1), []
    path = os.path.join(root, "mutated.xml")
    texts = []
    for source in sorted(glob.glob(os.path.join(DATA, "*", "*", "*.xml"))):
        with open(source, "rb") as handle:
            texts.append(handle.read())

    def read():
        try:
            parseManifest(path, ARCH, VERSION)
        except ManifestError:
            pass
    for _ in range(count):
        text = bytearray(chooser.choice(texts))
        for _change in range(chooser.randint(1, 6)):
            place, other = chooser.randrange(len(text) + 1), chooser.randrange(len(text) + 1)
            repeated = text[other:other + chooser.randint(1, 200)] * chooser.randint(1, 30)
            text[place:place + chooser.randint(0, 9)] = repeated
        with open(path, "wb") as handle:
            handle.write(text)
        times.append(milliseconds(read, 2)[1])
    return times


class Processes(object):
    """Count the processes that are started."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        self._popen, counter = subprocess.Popen, self

        class Counted(subprocess.Popen):
            """Tell of itself."""

            def __init__(self, *args, **options):
                counter.count += 1
                super(Counted, self).__init__(*args, **options)
        subprocess.Popen = Counted
        return self

    def __exit__(self, *_exception):
        subprocess.Popen = self._popen


def choose(root, name, record, environ, pset):
    """
    Find a release, the python for a script in it and the executable for a PSet.

    :return: (float milliseconds in all, float milliseconds of the probe, int processes)
    """
    with Processes() as processes:
        started = time.perf_counter()
        release = Release.at(os.path.join(root, record["directory"]), name, record["arch"])
        resolver = InterpreterResolver(environ)
        probing, probe = [0.0], resolver.prober._try

        def timed(*args):
            begun = time.perf_counter()
            try:
                return probe(*args)
            finally:
                probing[0] += time.perf_counter() - begun
        resolver.prober._try = timed
        resolver.resolve(RELEASE_SCRIPT, release)
        selectExecutable(release, "auto", pset)
        return (time.perf_counter() - started) * 1000.0, probing[0] * 1000.0, processes.count


def reportChoices(root, runs):
    """Print what choosing costs on a worker node, in a new job and once a verdict is kept."""
    node = createNode(os.path.join(root, "node"), log=lambda text: None)
    pset = os.path.join(root, "PSet.py")
    with open(pset, "w") as handle:
        handle.write(STEP_PSET)
    print("| resolve and select | beyond the probe, ms | slowest | probe, ms | processes |\n|---|---:|---:|---:|---:|")
    for name in sorted(node.releases):
        figures = {"new job": [], "verdict kept": []}
        for _ in range(runs):
            job = tempfile.mkdtemp(dir=root)
            environ = dict(node.environment(), WMAGENTJOBDIR=job)
            for what in ("new job", "verdict kept"):
                figures[what].append(choose(node.root, name, node.releases[name], environ, pset))
        for what, rows in figures.items():
            beyond = [row[0] - row[1] for row in rows]
            print("| %s, %s | %.1f | %.1f | %.0f | %d |" % (
                name, what, statistics.median(beyond), max(beyond), statistics.median(row[1] for row in rows),
                max(row[2] for row in rows)))
    empty, full = [milliseconds(lambda: subprocess.check_call([sys.executable, "-c", code]), 5)[0]
                   for code in ("pass", IMPORTS)]
    print("| importing all of it | %.1f | | | |" % (full - empty))


def reportPSet(root, megabytes):
    """Print what looking at a dumped PSet costs, next to the parsing of the whole."""
    path = os.path.join(root, "Dumped.py")
    module = "process.m%d = cms.EDProducer('Type',\n" + "".join(
        "    p%d = cms.PSet(\n        x = cms.vdouble(0.1, 0.2, %d),\n        y = cms.InputTag('a', 'b')\n    ),\n"
        % (number, number) for number in range(12)) + ")\n\n"
    with open(path, "w") as handle:
        handle.write("import FWCore.ParameterSet.Config as cms\nprocess = cms.Process('X')\n")
        while handle.tell() < megabytes * 1e6:
            handle.write(module % handle.tell())
    figures = {}
    for what, code in LOOKS.items():
        rows = [runCaptured([sys.executable, "-c", code, path], env=dict(os.environ))[0] for _ in range(3)]
        figures[what] = (statistics.median(row.userTime + row.sysTime for row in rows),
                         max(row.maxRss for row in rows) / 1e6)
    print("| PSet of %.1f MB | CPU, s | largest memory, MB |\n|---|---:|---:|" % megabytes)
    for what, pair in figures.items():
        print("| %s | %.2f | %.0f |" % ((what,) + pair))
    print("| ratio | %.2f | %.2f |" % tuple(
        ours / theirs for ours, theirs in zip(figures["readPSet"], figures["parsed whole"])))


def main():
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--manifests", type=int, default=300)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--megabytes", type=float, default=1.7)
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
        times = mutationTimes(root, MUTATIONS)
        print("%d mutated manifests: median %.2f ms, slowest %.2f ms" % (
            len(times), statistics.median(times), max(times)))
        reportChoices(root, arguments.runs)
        reportPSet(root, arguments.megabytes)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
