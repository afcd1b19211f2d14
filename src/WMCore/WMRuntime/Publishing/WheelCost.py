"""
What the wheels of a sandbox cost: each job transfers them anew, from the agent's machine to a worker node.
"""
import tarfile

import attr

from WMCore.WMRuntime.Environment.EnvironmentRequest import WHEELS_DIRECTORY
from WMCore.WMRuntime.Environment.WheelIndex import indexBytes
from WMCore.WMRuntime.Errors import WMRuntimeError

#: "an average of .5 million transfers every day": the requirements page, on wheels.
JOBS_PER_DAY = 500000
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def sizeText(size):
    """
    Write a size for people, in powers of ten as networks count.

    :param size: int, bytes
    :return: str
    """
    power = 0
    while size >= 1000 and power < len(_UNITS) - 1:
        size, power = size / 1000.0, power + 1
    return "%d %s" % (size, _UNITS[0]) if power == 0 else "%.3g %s" % (size, _UNITS[power])


@attr.s(frozen=True)
class WheelCost(object):
    """
    Hold what wheels add to each job's transfer.

    :param wheels: int, how many
    :param size: int, bytes of the wheels and their index as they are: wheels are compressed, and the sandbox's bzip2
        makes them some percent larger, not smaller
    """
    wheels = attr.ib(type=int)
    size = attr.ib(type=int)

    @classmethod
    def of(cls, entries):
        """
        Compute what wheels cost.

        :param entries: sequence of WheelEntry; without any there is no index either, so nothing to pay for
        :return: WheelCost
        """
        index = len(indexBytes(entries)) if entries else 0
        return cls(len(entries), sum(entry.size for entry in entries) + index)

    @classmethod
    def ofSandbox(cls, path):
        """
        Read from a sandbox what its wheels cost.

        :param path: str, the archive
        :return: WheelCost
        :raises WMRuntimeError: when it cannot be read
        """
        try:
            with tarfile.open(path, "r:*") as tar:
                found = [member for member in tar if member.isfile()
                         and member.name.startswith(WHEELS_DIRECTORY + "/")]
        except (tarfile.TarError, EOFError, OSError) as ex:
            raise WMRuntimeError(None, "The sandbox cannot be read.", "%s: %s" % (path, ex), "name another one")
        return cls(len([member for member in found if member.name.endswith(".whl")]),
                   sum(member.size for member in found))

    def perDay(self, jobs=JOBS_PER_DAY):
        """
        Compute the transfer of a day.

        :param jobs: int
        :return: int, bytes
        """
        return self.size * jobs

    def text(self, jobs=JOBS_PER_DAY):
        """
        Write the cost for people.

        :param jobs: int, a day
        :return: str
        """
        return "%d wheel%s, %s more for each job, %s a day for %d jobs" % (
            self.wheels, "" if self.wheels == 1 else "s", sizeText(self.size), sizeText(self.perDay(jobs)), jobs)
