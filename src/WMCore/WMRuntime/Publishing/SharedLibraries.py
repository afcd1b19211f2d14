"""
The shared libraries of an interpreter's own: copied beside it, and found there without a variable.

A python that needs LD_LIBRARY_PATH hands it down to scram and cmsRun, or does not start where somebody has cleared it
(#10765). The search path that the linker wrote into a program can be shortened where it stands.
"""
import os
import re
import shutil

import attr

from WMCore.WMRuntime.Publishing.PythonPrefix import SYSTEM_PREFIXES
from WMCore.WMRuntime.Release.NeededLibraries import ElfError, readNeeded, readRunPaths


# How glibc names the versions of its functions in the table of names of who uses them.
_GLIBC = re.compile(rb"\0GLIBC_2\.([0-9]{1,3})(?:\.[0-9]{1,3})?(?=\0)")


@attr.s(frozen=True)
class SharedLibraries(object):
    """
    Hold the shared libraries of a laid out interpreter.

    :param own: tuple of str, names of those that came with it, in its lib
    :param system: tuple of str, names of those that the system has to bring
    :param findEachOther: bool, whether the loader finds its own ones without LD_LIBRARY_PATH
    :param glibc: int, minor version of the oldest C library 2 that has all they need; 0 when they need none
    """
    own = attr.ib(converter=tuple)
    system = attr.ib(converter=tuple)
    findEachOther = attr.ib(type=bool)
    glibc = attr.ib(default=0, type=int)


def laySharedLibraries(prefix, target, objects):
    """
    Copy the libraries of the interpreter's own that are needed.

    :param prefix: PythonPrefix
    :param target: str, the laid out interpreter
    :param objects: list of str, its programs and extension modules; the first is the interpreter
    :return: SharedLibraries
    :raises OSError: when one cannot be copied
    """
    own, system, waiting, needs = {}, set(), list(objects), {}
    while waiting:
        path = waiting.pop()
        needs[path] = neededBy(path)
        for name in needs[path]:
            source = _ownLibrary(prefix, name)
            if source is None:
                system.add(name)
            elif name not in own:
                own[name] = os.path.join(target, "lib", name)
                shutil.copyfile(source, own[name])
                os.chmod(own[name], 0o755)
                waiting.append(own[name])
    # What the interpreter itself has loaded is there for all that come later.
    loaded = set(needs[objects[0]])
    found = True
    for path in sorted(needs):
        wanted = set(needs[path]).intersection(own)
        relative = os.path.relpath(os.path.join(target, "lib"), os.path.dirname(path))
        if wanted and not _searchIn(path, "$ORIGIN/" + relative) and (path == objects[0] or wanted - loaded):
            found = False
    return SharedLibraries(sorted(own), sorted(system), found, max([0] + [_glibcNeededBy(path) for path in needs]))


def neededBy(path):
    """
    List the libraries a file needs.

    :param path: str
    :return: tuple of str; empty for a script
    """
    try:
        return readNeeded(path)
    except ElfError:
        return ()


def _glibcNeededBy(path):
    with open(path, "rb") as handle:
        return max([0] + [int(minor) for minor in _GLIBC.findall(handle.read())])


def _ownLibrary(prefix, name):
    """Find a library that came with the interpreter; of one that came with the system that is libpython alone."""
    for folder in prefix.libraryFolders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (name.startswith("libpython") or prefix.prefix not in SYSTEM_PREFIXES):
            return path
    return None


def _searchIn(path, directory):
    """Write a search path over the one in a program or library; tell whether there was one, and long enough."""
    try:
        places = readRunPaths(path)
    except ElfError:
        return False
    text = directory.encode("ascii")
    room = [(offset, len(old.encode("utf-8"))) for offset, old in places]
    if not room or any(length < len(text) for _offset, length in room):
        return False
    with open(path, "r+b") as handle:
        for offset, length in room:
            handle.seek(offset)
            handle.write(text.ljust(length, b"\0"))
    return True
