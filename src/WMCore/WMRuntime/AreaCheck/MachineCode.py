"""
For which CPU the programs and libraries of an area are, told from their first bytes: nothing is run.
"""
import os
import stat

from WMCore.WMRuntime.Environment.ElfFile import elfMachine

_MOST_FILES = 200000


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
    :return: dict of str path to str CPU; a file that cannot be read, or is damaged, has an empty text
    """
    found = {}
    for path in walkFiles(tops):
        folder, name = os.path.split(path)
        if ".so" not in name and os.path.basename(folder) not in ("bin", "sbin"):
            continue
        try:
            machine = elfMachine(path)
        except (OSError, ValueError):
            machine = ""
        if machine is not None:
            found[path] = machine
    return found
