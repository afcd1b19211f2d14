"""Performance: the measurements of cmsRun's services"""
import io
import os
import re
import resource
import time

KB = 1024.0


class Performance(object):
    """Clock and counters of one cmsRun."""

    def __init__(self):
        self.start = time.time()
        self.eventTimes = []
        self.readBytes = 0
        self.writtenBytes = 0

    def report(self, process, report):
        """
        Report what the process's services measure, and the storage statistics.

        :param process: cms.Process
        :param report: JobReport
        """
        services = process.services
        if "CPU" in services:
            report.addPerformance("SystemCPU", cpuMetrics())
        if "SimpleMemoryCheck" in services:
            report.addPerformance("ApplicationMemory", memoryMetrics())
            report.addPerformance("SystemMemory", systemMemory())
        if "Timing" in services:
            report.addPerformance("Timing", self.timing(process))
        report.addPerformance("StorageStatistics", self.storage())

    def timing(self, process):
        """
        :param process: cms.Process
        :return: dict of the metrics of the Timing service, seconds
        """
        usage = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        total, cpu = time.time() - self.start, usage.ru_utime + usage.ru_stime
        times = self.eventTimes or [0.0]
        return {"AvgEventTime": number(sum(times) / len(times)), "MaxEventTime": number(max(times)),
                "MinEventTime": number(min(times)), "AvgEventCPU": number(cpu / len(times)), "TotalEventCPU": number(cpu),
                "TotalJobCPU": number(cpu), "TotalJobTime": number(total), "TotalLoopTime": number(sum(times)),
                "TotalLoopCPU": number(cpu), "TotalInitTime": number(max(0.0, total - sum(times))),
                "TotalInitCPU": number(0.0), "TotalJobChildrenCPU": number(children.ru_utime + children.ru_stime),
                "EventThroughput": number(len(self.eventTimes) / total if total > 0 else 0.0),
                "NumberOfThreads": process.options.numberOfThreads.value(),
                "NumberOfStreams": process.options.numberOfStreams.value() or process.options.numberOfThreads.value()}

    def storage(self):
        """:return: dict of the metrics of the storage layer"""
        metrics = {"Parameter-untracked-bool-enabled": "true", "Parameter-untracked-bool-stats": "true",
                   "Parameter-untracked-string-cacheHint": "application-only",
                   "Parameter-untracked-string-readHint": "auto-detect"}
        read, written = self.readBytes / KB / KB, self.writtenBytes / KB / KB
        for way, size in (("file-read", read), ("file-write", written), ("tstoragefile-read", read),
                          ("tstoragefile-readActual", read), ("tstoragefile-write", written)):
            operations = 1 if size else 0
            for name, value in (("numOperations", operations), ("numSuccessfulOperations", operations),
                                ("totalMegabytes", number(size)), ("totalMsecs", number(size)), ("minMsecs", number(size)),
                                ("maxMsecs", number(size))):
                metrics["Timing-%s-%s" % (way, name)] = value
        metrics["ROOT-tfile-read-totalMegabytes"] = number(read)
        metrics["ROOT-tfile-write-totalMegabytes"] = number(written)
        return metrics


def number(value):
    """
    :param value: float
    :return: text with six significant digits, as a C++ stream writes it
    """
    return "%g" % value


def linesOf(path, pattern):
    """
    :param path: path of a file of /proc; when it cannot be read, nothing is found
    :param pattern: regular expression with a name and a value
    :return: list of (name, value)
    """
    try:
        with io.open(path, encoding="utf-8", errors="replace") as handle:
            return re.findall(pattern, handle.read(), re.MULTILINE)
    except (IOError, OSError):
        return []


def cpuMetrics():
    """:return: dict of the metrics of the CPU service"""
    models = sorted(set(value for _, value in linesOf("/proc/cpuinfo", r"^(model name)\s*:\s*(.*)$")))
    speeds = [float(value) for _, value in linesOf("/proc/cpuinfo", r"^(cpu MHz)\s*:\s*([0-9.]+)$")]
    total = len(linesOf("/proc/cpuinfo", r"^(processor)\s*:\s*(\d+)$"))
    return {"CPUModels": ", ".join(models) or "unknown", "totalCPUs": total or 1,
            "averageCoreSpeed": number(sum(speeds) / len(speeds) if speeds else 0.0)}


def memoryMetrics():
    """:return: dict of the metrics of SimpleMemoryCheck, MB"""
    status = dict(linesOf("/proc/self/status", r"^(VmPeak|VmHWM)\s*:\s*(\d+) kB$"))
    rss = float(status.get("VmHWM", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)) / KB
    vsize = float(status.get("VmPeak", rss * KB)) / KB
    return {"PeakValueRss": number(rss), "PeakValueVsize": number(vsize), "LargestRssEvent-f-RSS": number(rss),
            "LargestRssEvent-e-VSIZE": number(vsize), "LargestRssEvent-h-PSS": number(rss),
            "AverageGrowthRateRss": number(0.0), "AverageGrowthRateVsize": number(0.0)}


def systemMemory():
    """:return: dict of the numbers of /proc/meminfo, kB"""
    return dict(linesOf("/proc/meminfo", r"^([\w()]+)\s*:\s*(\d+)(?: kB)?$"))


def fileSize(path):
    """
    :param path: path of a file
    :return: its size in bytes, 0 when it is not there
    """
    return os.path.getsize(path) if os.path.exists(path) else 0
