"""
For which CPU the programs and libraries of an area are, told from their first bytes: nothing is run.
"""
import os
import stat
import struct

# e_machine of the System V ABI (elf(5)), as `uname -m` names the CPU.
_MACHINES = {3: "i686", 21: "ppc64", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
_MOST_FILES = 200000


def elfMachine(path):
    """
    Tell for which CPU a file is.

    :param path: str
    :return: str, as `uname -m` names it; None when it is no ELF file
    :raises OSError: when it cannot be read
    """
    with open(path, "rb") as handle:
        head = handle.read(20)
    if len(head) < 20 or head[:4] != b"\x7fELF" or head[5] not in (1, 2):
        return None
    number = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)[0]
    name = _MACHINES.get(number, "ELF machine %d" % number)
    return "ppc64le" if (name, head[5]) == ("ppc64", 1) else name


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
    :return: dict of str path to str CPU; a file that cannot be read has an empty text
    """
    found = {}
    for path in walkFiles(tops):
        folder, name = os.path.split(path)
        if ".so" not in name and os.path.basename(folder) not in ("bin", "sbin"):
            continue
        try:
            machine = elfMachine(path)
        except OSError:
            machine = ""
        if machine is not None:
            found[path] = machine
    return found
