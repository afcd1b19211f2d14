"""
Run the same job with each provider of its environment, in turn, and print what each costs.

    benchmarks/run environments.py [--runs N]

All ways run on the same worker node in a box, one after the other in every round, so that a machine that slows down
slows all; medians of the rounds are printed, and their ratio to the first way's. The seconds are such a node's, not a real
CVMFS's; what one pays for there are the files opened under the tree, each of them once fetched and then looked up.

Files and processes are counted in a round of their own. Files: inotify on every directory of the tree, and on the
python's own, which the job has to itself as a tree of hard links, when that python lies outside. Processes (and threads):
the wrapper runs in a process-id namespace of its own, whose last number is their count.
"""
import argparse
import ctypes
import os
import re
import shutil
import statistics
import struct
import tempfile
import threading
import time

from WMCore.WMRuntime.Tools.ChildProcess import runCaptured
from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons, probePython
from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
from WMCore.WMRuntime.WorkerNode.ProvidedJobs import WAYS, ProvidedJobs

# <sys/inotify.h>
IN_OPEN, IN_CLOSE_WRITE, IN_CLOSE_NOWRITE, IN_ISDIR, IN_Q_OVERFLOW = 0x20, 0x8, 0x10, 0x40000000, 0x4000
_EVENT = struct.Struct("iIII")
_RECORD = re.compile(r"^(\S+ \S+),(\d{3}):INFO:[^:]*:Process id: ", re.MULTILINE)
_COUNTED = """#!/bin/bash
# What follows runs as the first process of a namespace; the last number given there says how many there were.
exec unshare --pid --fork --mount-proc bash -c 'bash "$0" "$@"; status=$?
cat /proc/sys/kernel/ns_last_pid > "$0.processes"; exit $status' "${BASH_SOURCE[0]}.real" "$@"
"""


class OpenCounter(object):
    """
    Count which files below some directories are opened.

    :param tops: list of str
    """

    def __init__(self, tops):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_CLOEXEC)
        self.folders = {}
        self.opened = set()
        self.lost = False
        for top in tops:
            for folder, _, _ in os.walk(top):
                number = self.libc.inotify_add_watch(self.descriptor, os.fsencode(folder),
                                                     IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE)
                if number < 0:
                    raise SystemExit("inotify: %s: %s" % (folder, os.strerror(ctypes.get_errno())))
                self.folders[number] = folder

    def __enter__(self):
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_error):
        # An event that is the end: the reader closes when it sees it.
        self.libc.inotify_add_watch(self.descriptor, b"/dev/null", IN_OPEN)
        open(os.devnull).close()
        self.reader.join()
        os.close(self.descriptor)
        if self.lost:
            raise SystemExit("inotify lost events: raise fs.inotify.max_queued_events")

    def _read(self):
        while True:
            data = os.read(self.descriptor, 1 << 20)
            while data:
                number, mask, _, length = _EVENT.unpack_from(data)
                name, data = data[_EVENT.size:_EVENT.size + length].rstrip(b"\0"), data[_EVENT.size + length:]
                self.lost = self.lost or bool(mask & IN_Q_OVERFLOW)
                if number not in self.folders:
                    return
                if name and mask & IN_OPEN and not mask & IN_ISDIR:
                    self.opened.add(os.path.join(self.folders[number], os.fsdecode(name)))


def ownPythons(top, wanted):
    """
    Give the job pythons of its own: the machine's, as trees of hard links.

    :param top: str, directory for them, on the pythons' file system
    :param wanted: sequence of str, series
    :return: (dict of series to MachinePython for createNode, list of str directories that containers must see: the
        linked programs find libpython by the absolute path they were built with)
    """
    pythons, seen = findMachinePythons(), [top]
    for series in [one for one in wanted if one in pythons]:
        prefix = os.path.dirname(os.path.dirname(pythons[series].executable))
        copy = os.path.join(top, series)
        seen.append(prefix)
        # A .pth file in the machine's site-packages would run in each start of what is to be a bare python.
        shutil.copytree(prefix, copy, symlinks=True, ignore=shutil.ignore_patterns("site-packages"), copy_function=_linked)
        found = probePython(os.path.join(copy, os.path.relpath(pythons[series].executable, prefix)))
        if found is None or not found.stdlib.startswith(copy):
            raise SystemExit("python %s does not run from %s" % (series, copy))
        pythons[series] = found
    return pythons, seen


def _linked(source, target, follow_symlinks=True):
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=follow_symlinks)


def firstRecord(log):
    """
    Tell when Startup wrote its first record.

    :param log: str, path of wmagentJob.log
    :return: float, seconds since the epoch
    """
    with open(log, encoding="utf-8", errors="replace") as handle:
        found = _RECORD.search(handle.read())
    return time.mktime(time.strptime(found.group(1), "%Y-%m-%d %H:%M:%S")) + int(found.group(2)) / 1000.0


def goodRun(jobs, way, directory, stageHook=None):
    """
    Run a job.

    :return: JobResult
    """
    result = jobs.run(way, directory, stageHook).result
    if result.exit.shellCode:
        raise SystemExit("the job failed with %s: %s" % (way, result.output()[-2000:]))
    return result


def timed(jobs, way, directory):
    """
    Run one job for its times.

    :return: dict of figure name to number
    """
    result = goodRun(jobs, way, directory)
    return {"to Startup's first record, s": firstRecord(result.log) - result.exit.startTime,
            "whole job, s": result.exit.endTime - result.exit.startTime,
            "sandbox, bytes": result.sandboxBytes}


def counted(jobs, way, directory, tree, pythons):
    """
    Run one job for its counts.

    :return: dict of figure name to number
    """
    def stage(start):
        wrapper = os.path.join(start, "submit_py3.sh")
        os.rename(wrapper, wrapper + ".real")
        with open(wrapper, "w", encoding="utf-8") as handle:
            handle.write(_COUNTED)
    with OpenCounter([tree, pythons]) as counter:
        result = goodRun(jobs, way, directory, stage)
    with open(os.path.join(result.startDir, "submit_py3.sh.real.processes"), encoding="utf-8") as handle:
        processes = int(handle.read())
    inTree = sum(path.startswith(tree + os.sep) for path in counter.opened)
    return {"files opened under the tree": inTree, "and of a python outside it": len(counter.opened) - inTree,
            "processes and threads": processes}


def main():
    """Parse the arguments, run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--directory", default=os.path.expanduser("~"), help="where to work (default %(default)s); "
                        "not below /tmp, which is another one in a container")
    arguments = parser.parse_args()
    if not runCaptured(["unshare", "--pid", "--fork", "--mount-proc", "true"], env=dict(os.environ), timeout=60)[0].ok:
        raise SystemExit("unshare cannot make a process-id namespace: run this as root")
    top = tempfile.mkdtemp(prefix="wmruntime-benchmark-", dir=arguments.directory)
    try:
        pythons = os.path.join(top, "pythons")
        own, seen = ownPythons(pythons, ("3.6", "3.8"))
        node = createNode(os.path.join(top, "node"), own, log=lambda text: None)
        jobs = ProvidedJobs(node, top, seen)
        jobs.prepare()
        ways = [way for way in WAYS if jobs.canRun(way)]
        rows = {way: [] for way in ways}
        for number in range(arguments.runs):
            for way in ways:
                rows[way].append(timed(jobs, way, os.path.join(top, "%d-%d" % (number, ways.index(way)))))
        tree = os.path.join(node.root, "cvmfs")
        counts = {way: counted(jobs, way, os.path.join(top, "c%d" % ways.index(way)), tree, pythons) for way in ways}
    finally:
        shutil.rmtree(top)
    show(rows, counts, jobs.series, arguments.runs)


def show(rows, counts, series, runs):
    """Print the table."""
    medians = {way: {name: statistics.median(row[name] for row in found) for name in found[0]}
               for way, found in rows.items()}
    first = medians[WAYS[0]]
    print("medians of %d rounds; ratios to the first row; python %s unless the row says another" % (runs, series))
    print("| environment | to Startup's first record | whole job | kB added to the sandbox | files opened under the tree "
          "| of a python outside it | processes and threads |\n|---|---:|---:|---:|---:|---:|---:|")
    for way, found in medians.items():
        times = tuple(part for name in ("to Startup's first record, s", "whole job, s")
                      for part in (found[name], found[name] / first[name]))
        # In kB: two sandboxes of one content differ by some bytes, for the identifiers in them are made by chance.
        added = round((found["sandbox, bytes"] - first["sandbox, bytes"]) / 1e3)
        print("| %s | %.2f s (%.2f) | %.1f s (%.2f) | %d | %s |" % ((way,) + times + (
            added, " | ".join(str(count) for count in counts[way].values()))))



if __name__ == "__main__":
    main()
