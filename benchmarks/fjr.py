"""
Time the reading of job reports, side by side with upstream's parser, bare expat and a bare drain of lxml's events.

    benchmarks/run fjr.py [--megabytes 1 20 100] [--runs N] [--usual N] [--kilobytes 100 200 300]

The reports are made like the real ones, larger: input files with the 796 branches of a real one, two runs
and 60 lumi sections each, after every fifth an output file of the same that names its inputs, and one
performance report with what a real one holds and, as one per cent of the bytes, modules of ten metrics.
Branches are 94 % of the bytes of a large one. Every measurement has a process of its own, which times the call
without its imports and tells the most memory it had; the rounds take all of them in turn, and medians are printed.
Times are those of the CPU, so that what else the machine does counts less, and those that end with a collection
of the young garbage: nobody saves time by leaving it to others.

Reports of usual size are read in fresh processes with the imports in the time. What a job has imported before is
imported before: WMCore's Report, its SiteLocalConfig (which parses XML), attrs, Errors. Modules come from
directories with bytecode, compiled in a round that does not count, or from a sandbox's WMCore.zip, each side from
its own and with its own importer: there is no bytecode in either. The targets: Report at least 6 times as fast as
upstream, the model at most 1.5 times a drain, iterEvents below 60 MB, the model below an eighth of
upstream's memory on 100 MB, and a usual report below a fifth of upstream's time.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile
import zipfile

from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(TOP, "test", "data", "fjr")
USUAL = ("CMSSWFailReport.xml", "PerformanceReport.xml")
UPSTREAM, DRAIN = "upstream: Report", "bare lxml drain"
FILL = ("import gc\nfrom WMCore.FwkJobReport.Report import Report\n"
        "from WMCore.FwkJobReport.XMLParser import xmlToJobReport\n"
        # Of all ways: what is imported when it is needed is imported before.
        "xmlToJobReport(Report('cmsRun1'), %r)\nreport = Report('cmsRun1')" % os.path.join(DATA, USUAL[1]),
        "xmlToJobReport(report, path)\ngc.collect(0)")
READ = "from WMCore.WMRuntime.JobReport.Reader import readElements"
#: The measurements by name: what comes before the clock starts, and what is timed.
WAYS = {
    UPSTREAM: FILL,
    "bare expat": ("import pyexpat\nparser = pyexpat.ParserCreate()\nparser.StartElementHandler = lambda *a: None",
                   "parser.ParseFile(open(path, 'rb'))"),
    DRAIN: ("from lxml import etree\nfrom WMCore.WMRuntime.JobReport.LxmlReader import HARDENED",
            "for event, element in etree.iterparse(path, **HARDENED):\n"
            "    element.clear()\n"
            "    while element.getprevious() is not None: del element.getparent()[0]"),
    "elements, expat": (READ, "for element in readElements(open(path, 'rb'), backend='expat'): pass"),
    "elements, lxml": (READ + "\nimport lxml.etree",
                       "for element in readElements(open(path, 'rb'), backend='lxml'): pass"),
    "iterEvents, expat": ("from WMCore.WMRuntime.JobReport.ReportParser import iterEvents",
                          "for value in iterEvents(path, backend='expat'): pass"),
    "iterEvents, lxml": ("from WMCore.WMRuntime.JobReport.ReportParser import iterEvents\nimport lxml.etree",
                         "for value in iterEvents(path, backend='lxml'): pass"),
    "model, expat": ("from WMCore.WMRuntime.JobReport.ReportParser import parse",
                     "model = parse(path, backend='expat')"),
    "model, lxml": ("from WMCore.WMRuntime.JobReport.ReportParser import parse\nimport lxml.etree",
                    "model = parse(path, backend='lxml')"),
    "Report": FILL,
}
PROGRAM = ("import resource, sys, time\npath = sys.argv[1]\n%s\nstart = time.process_time()\n%s\n"
           "print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)")
REPORT = "import gc\nfrom WMCore.FwkJobReport.Report import Report\nreport = Report('cmsRun1')"
PARSE = "from WMCore.FwkJobReport.XMLParser import xmlToJobReport\n" + FILL[1]
# What a whole job of each runtime has imported when it reads cmsRun's report.
JOB = ("import attr\nimport WMCore.Storage.SiteLocalConfig\ntry: import WMCore.WMRuntime.Errors\n"
       "except ImportError: pass\n") + REPORT
MODEL = "from WMCore.WMRuntime.JobReport.ReportParser import parse\nmodel = parse(path, backend='expat')\ngc.collect(0)"
#: What is in the time of a usual report: from directories or a zip, what comes before the clock starts, what is timed
#: of upstream and of ours.
FRESH = {
    "as in a job, installed": (False, JOB, PARSE, PARSE),
    "as in a job, from WMCore.zip": (True, JOB, PARSE, PARSE),
    "the same, modules imported before": (False, JOB + "\n" + FILL[0], FILL[1], FILL[1]),
    "nothing imported before": (False, "", REPORT + "\n" + PARSE, REPORT + "\n" + PARSE),
    "as in a job, installed, parse() for the model": (False, JOB, PARSE, MODEL),
}


def branches():
    """Take the 796 branches of a real output file."""
    with open(os.path.join(DATA, USUAL[0])) as handle:
        real = handle.read()
    return max((part.split("</Branches>\n")[0] for part in real.split("<Branches>\n")[1:]), key=len).join(
        ("<Branches>\n", "</Branches>\n"))


def runs(number):
    """Write two runs of 30 lumi sections."""
    return "<Runs>\n%s</Runs>\n" % "".join('<Run ID="%d">\n%s</Run>\n' % (
        run, "".join('  <LumiSection NEvents="100" ID="%d"/>\n' % (30 * number + lumi) for lumi in range(30)))
        for run in (122023, 122024))


def jobFile(kind, number, lists):
    """Write an input or an output file."""
    own = {"InputFile": "<State  Value=\"closed\"/>\n<InputType>primaryFiles</InputType>\n<InputSourceClass>PoolSource"
                        "</InputSourceClass>\n<EventsRead>6000</EventsRead>\n<ModuleLabel>source</ModuleLabel>\n",
           "File": "<OutputModuleClass>PoolOutputModule</OutputModuleClass>\n<TotalEvents>6000</TotalEvents>\n"
                   "<ModuleLabel>outputRECO</ModuleLabel>\n<DataType>DATA</DataType>\n"
                   "<BranchHash>c1e135af4ac2eb2b803bb6487be2c80f</BranchHash>\n<Inputs>\n%s</Inputs>\n" % "".join(
                       "<Input>\n  <LFN>/store/data/in%d.root</LFN>\n  <PFN>root://host//store/data/in%d.root</PFN>\n"
                       "</Input>\n" % (number - back, number - back) for back in range(5))}[kind]
    return ("<%s>\n<LFN>/store/data/Run2012D/MinimumBias/RECO/%s%d.root</LFN>\n<PFN>root://host//store/data/%s%d.root"
            "</PFN>\n<Catalog></Catalog>\n<GUID>34A5B215-CBD5-DE11-BC0F-%012d</GUID>\n%s%s%s</%s>\n\n"
            % (kind, kind, number, kind, number, number, lists, runs(number), own, kind))


def performance(size):
    """Write a performance report of about so many bytes beyond what a real one holds."""
    with open(os.path.join(DATA, "PerformanceReport.xml")) as handle:
        real = handle.read()
    start, end = real.index("<PerformanceReport>"), real.index("</PerformanceReport>")
    modules, length = [], 0
    while length < size:
        number = len(modules)
        modules.append('  <PerformanceModule Metric="Time%d"  Module="Producer%d" >\n%s  </PerformanceModule>\n' % (
            number, number,
            "".join('    <Metric Name="statistic%d" Value="%d.25"/>\n' % (one, one) for one in range(10))))
        length += len(modules[-1])
    return real[start:end] + "".join(modules) + "</PerformanceReport>\n"


def makeReport(path, megabytes):
    """
    Write a report.

    :param path: str
    :param megabytes: float
    """
    lists, number, last = branches(), 0, performance(megabytes * 1e4) + "</FrameworkJobReport>\n"
    with open(path, "w") as handle:
        handle.write("<FrameworkJobReport>\n\n")
        while handle.tell() < megabytes * 1e6 - len(last) - 9000:
            number += 1
            # The last file has as many branches as there is room for.
            room = int(megabytes * 1e6) - len(last) - 6000 - handle.tell()
            if room < len(lists):
                lists = lists[:lists.rindex("</Branch>\n", 0, room)] + "</Branch>\n</Branches>\n"
            handle.write(jobFile("InputFile" if number % 6 else "File", number, lists))
        handle.write(last)


def makeZips(folder):
    """
    Write what a job has as WMCore.zip: upstream's packs all its files deflated, ours what a node needs.

    :return: dict of bool, whether it is upstream's, to str path
    """
    # A child's peak is at least its parent's: what is measured before must not have these loaded.
    from WMCore.WMRuntime.SandboxArchive import zipBytes
    from WMCore.WMRuntime.SandboxCreator import SandboxCreator
    upstream, members = os.environ["WMCORE_UPSTREAM"], {}
    for top, _, names in os.walk(os.path.join(upstream, "WMCore")):
        for path in (os.path.join(top, name) for name in names if name.endswith(".py")):
            with open(path, "rb") as handle:
                members[os.path.relpath(path, upstream)] = handle.read()
    paths = {}
    for isUpstream, content in ((True, zipBytes(members, zipfile.ZIP_DEFLATED)),
                                (False, zipBytes(SandboxCreator().collectContents().zipped))):
        paths[isUpstream] = os.path.join(folder, "upstream" if isUpstream else "ours", "WMCore.zip")
        os.mkdir(os.path.dirname(paths[isUpstream]))
        with open(paths[isUpstream], "wb") as handle:
            handle.write(content)
    return paths


def run(before, timed, path, isUpstream, archive=None):
    """
    Measure in a process of its own.

    :param archive: str, the WMCore.zip that comes first; None for directories
    :return: list of float, seconds of the CPU and megabytes
    """
    upstream = os.environ["WMCORE_UPSTREAM"]
    first = [archive] if archive else [] if isUpstream else [os.path.join(TOP, "src")]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(first + [upstream]),
               PYTHONPYCACHEPREFIX=os.path.join(tempfile.gettempdir(), "bytecode"))
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    code = PROGRAM % (before, timed)
    ended, out, err = runCaptured([sys.executable, "-W", "ignore", "-c", code, path], env=env, timeout=600)
    if not ended.ok:
        raise SystemExit("failed on %s:\n%s\n%s" % (path, code, err))
    return [float(word) for word in out.split()]


def throughput(path, rounds):
    """Print what each way costs on one report."""
    size = os.path.getsize(path) / 1e6
    figures = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            figures[name].append(run(way[0], way[1], path, name == UPSTREAM))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}
    print("\n%.1f MB, medians of %d rounds" % (size, rounds))
    print("| way | MB/s | s | times as fast as upstream | time over drain | peak MB |\n|---|---:|---:|---:|---:|---:|")
    for name, (seconds, peak) in medians.items():
        print("| %s | %.0f | %.3f | %.1f | %.2f | %.0f |" % (
            name, size / seconds, seconds, medians[UPSTREAM][0] / seconds, seconds / medians[DRAIN][0], peak))


def usual(path, zips, rounds):
    """Print what a report of usual size costs in a fresh process."""
    print("\n%s, %d kB, fresh processes, imports included unless said, medians of %d"
          % (os.path.basename(path), os.path.getsize(path) / 1e3, rounds))
    print("| case | upstream ms | ours ms | ratio |\n|---|---:|---:|---:|")
    figures = {(name, isUpstream): [] for name in FRESH for isUpstream in (True, False)}
    for _ in range(rounds + 1):
        for name, (isZipped, before, *timed) in FRESH.items():
            for isUpstream, code in zip((True, False), timed):
                archive = zips[isUpstream] if isZipped else None
                figures[name, isUpstream].append(run(before, code, path, isUpstream, archive)[0] * 1e3)
    for name in FRESH:
        theirs, ours = [statistics.median(figures[name, isUpstream][1:]) for isUpstream in (True, False)]
        print("| %s | %.2f | %.2f | %.2f |" % (name, theirs, ours, ours / theirs))


def main():
    """Parse the arguments, make the reports, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--megabytes", type=float, nargs="*", default=[1, 20, 100])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--usual", type=int, default=15, help="rounds of the reports of usual size")
    parser.add_argument("--kilobytes", type=float, nargs="*", default=[100, 200, 300],
                        help="sizes of the made reports of usual size")
    arguments = parser.parse_args()
    # The processes keep their bytecode here too.
    top = tempfile.tempdir = tempfile.mkdtemp(prefix="wmruntime-benchmark-")
    try:
        for megabytes in arguments.megabytes:
            path = os.path.join(top, "FrameworkJobReport.xml")
            makeReport(path, megabytes)
            throughput(path, arguments.runs)
        if not arguments.usual:
            return
        zips = makeZips(top)
        paths = [os.path.join(DATA, name) for name in USUAL]
        for kilobytes in arguments.kilobytes:
            paths.append(os.path.join(top, "Made%d.xml" % kilobytes))
            makeReport(paths[-1], kilobytes / 1e3)
        for path in paths:
            usual(path, zips, arguments.usual)
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
