"""
For which CPU the programs and libraries of an area are, and whether they are whole, told from their bytes: nothing is run.
"""
import os
import stat

import attr

from WMCore.WMRuntime.Environment.ElfFile import elfMachine, whyNotWhole

_MOST_FILES = 200000


@attr.s(frozen=True)
class MachineCode(object):
    """
    Hold what was found of programs and shared libraries, by their paths.

    :param cpus: dict of str path to str, the CPU as `uname -m` names it
    :param damaged: dict of str path to str, what is missing of it
    :param unreadable: dict of str path to str, why it cannot be read
    """
    cpus = attr.ib(factory=dict)
    damaged = attr.ib(factory=dict)
    unreadable = attr.ib(factory=dict)


def walkFiles(tops):
    """
    List the files below some directories, links followed, each directory once.

    :param tops: iterable of str
    :return: generator of str, paths; at most 200000
    :raises OSError: when a directory cannot be listed
    """
    seen, count = set(), 0
    waiting = [top for top in tops if os.path.isdir(top)]
    while waiting:
        folder = waiting.pop()
        facts = os.stat(folder)
        if (facts.st_dev, facts.st_ino) in seen:
            continue
        seen.add((facts.st_dev, facts.st_ino))
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            try:
                mode = os.stat(path).st_mode
            except OSError:
                # A link that leads nowhere: the check of the layout names it.
                continue
            if stat.S_ISDIR(mode):
                waiting.append(path)
            elif stat.S_ISREG(mode):
                count += 1
                if count > _MOST_FILES:
                    return
                yield path


def machineCode(tops):
    """
    Find the programs and shared libraries below some directories.

    :param tops: iterable of str
    :return: MachineCode
    """
    found = MachineCode()
    for path in walkFiles(tops):
        folder, name = os.path.split(path)
        if ".so" not in name and os.path.basename(folder) not in ("bin", "sbin"):
            continue
        try:
            machine = elfMachine(path)
            problem = machine and whyNotWhole(path)
        except OSError as ex:
            found.unreadable[path] = ex.strerror or str(ex)
            continue
        except ValueError as ex:
            machine, problem = None, str(ex)
        if machine:
            found.cpus[path] = machine
        if problem:
            found.damaged[path] = problem
    return found
