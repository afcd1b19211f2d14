"""Read, at any moment, how much CPU a job has used so far, its living processes included: a control group of its own."""
import os
import time


class CpuClock(object):
    """
    Make the control group; version 1 with cpuacct and version 2 count alike.

    :raises OSError: when there is none, or it belongs to somebody else
    """

    def __init__(self):
        mount, counter = _hierarchy()
        self.directory = os.path.join(mount, "wmruntime-benchmark-%d" % os.getpid())
        os.mkdir(self.directory)
        self.counter = os.open(os.path.join(self.directory, counter), os.O_RDONLY)
        self.samples = []

    def join(self):
        """Put the calling process, and all it will start, into the group."""
        with open(os.path.join(self.directory, "cgroup.procs"), "w", encoding="ascii") as handle:
            handle.write("0")

    def seconds(self):
        """
        Give the CPU used so far.

        :return: float
        """
        text = os.pread(self.counter, 4096, 0).split()
        return int(text[1]) / 1e6 if text[0] == b"usage_usec" else int(text[0]) / 1e9

    def sample(self):
        """Keep a reading."""
        self.samples.append((time.time(), self.seconds()))

    def close(self):
        """Take the group away; a process that the job left behind keeps it."""
        os.close(self.counter)
        for _ in range(40):
            try:
                os.rmdir(self.directory)
                return
            except OSError:
                time.sleep(0.05)


def _hierarchy():
    """Give where control groups with a count of CPU are mounted, and the name of the count."""
    unified = None
    with open("/proc/self/mountinfo", encoding="utf-8") as handle:
        for line in handle:
            fields = line.split()
            kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
            if kind == "cgroup" and "cpuacct" in options:
                return fields[4], "cpuacct.usage"
            if kind == "cgroup2":
                unified = fields[4]
    if unified is None:
        raise OSError("no control groups are mounted that count CPU")
    return unified, "cpu.stat"


def cpuAt(samples, moment):
    """
    Read a row of samples between its points.

    :param samples: list of (time, CPU seconds), ascending
    :param moment: float, a time
    :return: float, CPU seconds
    """
    before = samples[0]
    for sample in samples:
        if sample[0] >= moment:
            share = (moment - before[0]) / (sample[0] - before[0]) if sample[0] > before[0] else 1.0
            return before[1] + max(0.0, share) * (sample[1] - before[1])
        before = sample
    return before[1]
