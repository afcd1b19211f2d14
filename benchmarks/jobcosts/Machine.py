"""What the machine is, and what it lets a benchmark watch."""
import os
import platform

from jobcosts.CpuClock import CpuClock
from jobcosts.FileGate import FileGate
from jobcosts.TaskStats import TaskStats

WATCHED = (("opens and programs", lambda: FileGate(None, None)), ("CPU of the pythons", TaskStats),
           ("CPU of a part of a job", CpuClock))


def refusals():
    """
    Try what watching needs.

    :return: dict of what cannot be measured to the reason
    """
    found = {}
    for what, make in WATCHED:
        try:
            make().close()
        except OSError as error:
            found[what] = "%s; run this as root" % error if os.geteuid() else str(error)
    return found


def describeMachine():
    """
    Describe the machine in a line.

    :return: str
    """
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as handle:
        memory = int(handle.readline().split()[1]) / 1e6
    return "%d cores (%s), %.0f GB, Linux %s, load %.1f at the end" % (
        os.cpu_count(), model, memory, platform.release().split("-")[0], os.getloadavg()[0])
