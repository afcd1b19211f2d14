"""
The interpreters wheels are collected for: a python of a system on a CPU, and the wheel tags it takes.
"""
import functools

import attr
from packaging.tags import compatible_tags, cpython_tags

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError

#: The pythons a node may have, oldest first; 3.7 was never in any area.
PYTHONS = ((3, 6), (3, 8), (3, 9), (3, 10), (3, 11), (3, 12), (3, 13))
# The tags before PEP 600 numbered them, by their glibc (PEP 513, 571, 599).
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
# PEP 513 and 571 were for x86_64 alone; for the other CPUs manylinux begins with 2014.
_OLDEST_GLIBC = {"x86_64": 5}


def _packagedGlibc(target):
    """Look the C library of a target's system up in the description that comes with the runtime."""
    description = loadDescription()
    system = description.system(target.system)
    if system is None:
        raise WMRuntimeError(None, "Which wheels load on a system is not known.", "expected one of %s, found %s" % (
            ", ".join(one.name for one in description.systems), target.system), "describe it in requirements.cfg")
    return system.glibc


@attr.s(frozen=True)
class WheelTarget(object):
    """
    Hold an interpreter that is not here.

    :param system: str, such as rhel8
    :param cpu: str, as `uname -m` names it
    :param python: tuple of two int
    :param glibc: int, the minor version of the system's C library, glibc 2; by default what the description that comes
        with the runtime says
    :raises WMRuntimeError: for a system that is not in that description
    """
    system = attr.ib(type=str)
    cpu = attr.ib(type=str)
    python = attr.ib(type=tuple)
    glibc = attr.ib(default=attr.Factory(_packagedGlibc, takes_self=True), type=int)

    def __str__(self):
        return "python %d.%d on %s_%s" % (self.python + (self.system, self.cpu))

    @property
    def abi(self):
        """Give the tag of its binary interface; until 3.7 there was an m for pymalloc."""
        return "cp%d%d%s" % (self.python + ("m" if self.python < (3, 8) else "",))

    @property
    def platforms(self):
        """List the platform tags it takes, the newest glibc first."""
        names = []
        for minor in range(self.glibc, _OLDEST_GLIBC.get(self.cpu, 17) - 1, -1):
            names.append("manylinux_2_%d_%s" % (minor, self.cpu))
            if minor in _LEGACY:
                names.append("%s_%s" % (_LEGACY[minor], self.cpu))
        return tuple(names) + ("linux_%s" % self.cpu,)

    @property
    def ranks(self):
        """Rank the tags it takes: a dict of packaging Tag to int, 0 for the best."""
        return _ranks(self)


@functools.lru_cache(maxsize=None)
def _ranks(target):
    interpreter = "cp%d%d" % target.python
    tags = list(cpython_tags(target.python, [target.abi], target.platforms))
    tags += compatible_tags(target.python, interpreter, target.platforms)
    ranks = {}
    for tag in tags:
        ranks.setdefault(tag, len(ranks))
    return ranks


def targetsOf(description, systems=(), cpus=(), pythons=()):
    """
    List the interpreters a description allows.

    :param description: Description
    :param systems: sequence of str, only these; empty for all
    :param cpus: sequence of str, only these; empty for all
    :param pythons: sequence of tuple of two int, only these; empty for all
    :return: tuple of WheelTarget, the oldest system of each CPU and python first: what loads there loads on newer ones
    """
    found = [WheelTarget(system.name, cpu, python, system.glibc) for system, cpu in description.targets()
             for python in PYTHONS if system.python.contains("%d.%d" % python) and (not systems or system.name in systems)
             and (not cpus or cpu in cpus) and (not pythons or python in pythons)]
    return tuple(sorted(found, key=lambda target: (target.cpu, target.python, target.glibc)))
