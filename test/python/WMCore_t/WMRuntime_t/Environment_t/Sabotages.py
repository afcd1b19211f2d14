"""
Ways in which an area can be broken, what a check has to call each, and what a job then runs on.

They work on any area whose python is real: one laid out for these tests, or one that was built.
"""
import os
import shutil

import attr

# What a job is led to: the version it would have taken anyway, the next one of the area, another area.
SAME, NEXT, OTHER = "same", "next", "other"


class SpoiledArea(object):
    """
    Hold an area that is to be spoiled.

    :param directory: pathlib.Path as jobs name it, .../COMP/rhel8_x86_64; it may be a link
    :param version: str, name of the version that jobs take from it
    """

    def __init__(self, directory, version):
        self.directory = directory
        self.external = directory / "external"
        self.python3 = self.external / "python3"
        self.version = self.python3 / version
        self.init = self.version / "etc" / "profile.d" / "init.sh"
        self.program = self.version / "bin" / "python3"

    def library(self):
        """Give the standard library, as a directory of the version's own."""
        found = sorted(path for path in (self.version / "lib").iterdir() if path.name.startswith("python"))[0]
        if found.is_symlink():
            target = os.path.realpath(str(found))
            found.unlink()
            shutil.copytree(target, str(found), symlinks=True)
        return found

    @staticmethod
    def own(path):
        """Make a file, which may be a link, one of its own; give it."""
        target = os.path.realpath(str(path))
        if path.is_symlink():
            path.unlink()
            shutil.copy2(target, str(path))
        return path

    def say(self, text):
        """Put commands at the end of init.sh."""
        with open(str(self.init), "a") as handle:
            handle.write(text + "\n")

    def addFuture(self, series, text, init=""):
        """Add a py3-future for a series of python, whose modules are the text."""
        top = self.external / "py3-future" / "0.18.2"
        packages = top / "lib" / ("python" + series) / "site-packages"
        for name in ("future", "future/standard_library", "future/utils", "past", "past/builtins"):
            (packages / name).mkdir(parents=True)
            (packages / name / "__init__.py").write_text(text)
        (top / "etc" / "profile.d").mkdir(parents=True)
        (top / "etc" / "profile.d" / "init.sh").write_text(
            "export PYTHONPATH='%s'${PYTHONPATH:+\":$PYTHONPATH\"}\n%s\n" % (packages, init))

    @property
    def series(self):
        """Give the python's series as text, 3.9."""
        return sorted(path.name for path in (self.version / "lib").iterdir() if path.name.startswith("python"))[0][6:]


@attr.s(frozen=True)
class Sabotage(object):
    """
    Hold one way to break an area.

    :param name: str
    :param spoil: callable(SpoiledArea)
    :param code: str, of the finding that has to name it
    :param leadsTo: str, SAME, NEXT, OTHER, or the name of a version
    :param words: str, what the wrapper has to say of it; empty when nothing has to be said
    :param environ: dict, what the job's environment holds besides
    """
    name = attr.ib()
    spoil = attr.ib()
    code = attr.ib()
    leadsTo = attr.ib()
    words = attr.ib(default="")
    environ = attr.ib(factory=dict)


def _relink(area, target):
    if area.directory.is_symlink():
        area.directory.unlink()
    else:
        shutil.rmtree(str(area.directory))
    os.symlink(target, str(area.directory))


def _asFile(path):
    def spoil(area):
        target = path(area)
        if target.is_symlink() or target.is_file():
            target.unlink()
        else:
            shutil.rmtree(str(target))
        target.write_text("")
    return spoil


def _asDirectory(path):
    def spoil(area):
        path(area).unlink()
        path(area).mkdir()
    return spoil


def _danglingVersion(area):
    shutil.rmtree(str(area.version))
    os.symlink("3.0.0-gone", str(area.version))


def _danglingProgram(area):
    area.program.unlink()
    os.symlink("python-gone", str(area.program))


def _emptied(area):
    shutil.rmtree(str(area.python3))
    area.python3.mkdir()


def _unreadable(path):
    def spoil(area):
        area.own(path(area)).chmod(0)
    return spoil


def _truncated(path):
    def spoil(area):
        target = area.own(path(area))
        with open(str(target), "r+b") as handle:
            handle.truncate(os.path.getsize(str(target)) // 10)  # more than half may be symbols
    return spoil


def _libpython(area):
    return sorted(path for path in (area.version / "lib").iterdir()
                  if path.name.startswith("libpython" + area.series) and not path.name.endswith(".so"))[0]


def _foreign(area):
    """Turn the program into one of another CPU, as its header has it (e_machine of elf(5))."""
    with open(str(area.own(area.program)), "r+b") as handle:
        handle.seek(18)
        machine = handle.read(2)
        handle.seek(18)
        handle.write(b"\xb7\0" if machine != b"\xb7\0" else b"\x3e\0")


def _foreignArea(area):
    for version in area.python3.iterdir():
        if (version / "bin").is_dir():
            _foreign(SpoiledArea(area.directory, version.name))
    other = "aarch64" if os.uname().machine != "aarch64" else "ppc64le"
    target = area.directory.parent / ("el8_%s_gcc8" % other)
    os.rename(os.path.realpath(str(area.directory)), str(target))
    _relink(area, target.name)


def _otherSystem(area):
    target = area.directory.parent / "slc7_amd64_gcc630-linked"
    os.rename(os.path.realpath(str(area.directory)), str(target))
    _relink(area, target.name)


def _withoutEncodings(area):
    path = area.library() / "encodings"
    path.unlink() if path.is_symlink() else shutil.rmtree(str(path))


def _cutModule(area):
    (area.own(area.library() / "tarfile.py")).write_text("def cut(\n")


def _tooOld(area):
    """Put a program in place of the python that answers as one of 3.5 does."""
    area.program.unlink()
    area.program.write_text("#!/bin/sh\necho 'python 3.5 found, 3.6 or later needed' >&2\nexit 1\n")
    area.program.chmod(0o755)


def _outOfRange(area):
    shutil.copytree(str(area.version), str(area.python3 / "3.6.4-kept"), symlinks=True)
    (area.python3 / "default").write_text("3.6.4-kept\n")


def _touched(area):
    for version in area.python3.iterdir():
        when = 1500000000 if version.name == area.version.name else 1600000000
        os.utime(str(version / "etc" / "profile.d" / "init.sh"), (when, when))


def _withDefault(data):
    return lambda area: (area.python3 / "default").write_bytes(data)


def _oddVersion(name):
    return lambda area: shutil.copytree(str(area.version), str(area.python3 / name), symlinks=True)


def _brokenLibc(area):
    folder = area.version / "lib" / "broken"
    folder.mkdir()
    (folder / "libc.so.6").write_text("no library\n")
    area.say("export LD_LIBRARY_PATH='%s'" % folder)


def _withoutNumber(area):
    os.rename(str(area.directory), str(area.directory.parent / ("rhel_" + os.uname().machine)))


def _init(text):
    return lambda area: area.say(text)


# The modules of 0.18.2 import imp; a python before 3.12 is made to answer as later ones do.
_NEEDS_IMP = "import sys\nif sys.version_info < (3, 12):\n    raise ImportError(\"No module named 'imp'\")\nimport imp\n"
_SLOW = {"WMA_PROBE_TIMEOUT_SECS": "2"}
_GOOD_MODULE = "x = 1\n"

SABOTAGES = (
    Sabotage("missingInit", lambda area: area.init.unlink(), "initMissing", NEXT, "it is not there"),
    Sabotage("unreadableInit", _unreadable(lambda area: area.init), "initUnreadable", NEXT, "may not be read"),
    Sabotage("directoryInPlaceOfInit", _asDirectory(lambda area: area.init), "initUnreadable", NEXT, "it is not there"),
    Sabotage("futureForAnotherPython", lambda area: area.addFuture("3.5", _GOOD_MODULE), "futureWrongPython", SAME,
             "is left out: it has nothing for python"),
    Sabotage("futureNeedsImp", lambda area: area.addFuture(area.series, _NEEDS_IMP), "futureNeedsImp", SAME,
             "No module named 'imp'"),
    Sabotage("futureHangs", lambda area: area.addFuture(area.series, _GOOD_MODULE, "sleep 60"), "futureUnusable", SAME,
             "0.18.2/etc/profile.d/init.sh is left out", _SLOW),
    Sabotage("danglingArea", lambda area: _relink(area, "el8_gone"), "areaLinkBroken", OTHER, "a link to el8_gone, which"),
    Sabotage("circularArea", lambda area: _relink(area, area.directory.name), "areaLinkBroken", OTHER, "leads nowhere"),
    Sabotage("fileInPlaceOfArea", _asFile(lambda area: area.directory), "areaNotDirectory", OTHER, "it is no directory"),
    Sabotage("emptyArea", _emptied, "areaEmpty", OTHER, "no version in it"),
    Sabotage("fileInPlaceOfPythons", _asFile(lambda area: area.python3), "areaUnreadable", OTHER, "it is no directory"),
    Sabotage("danglingVersion", _danglingVersion, "versionLinkBroken", NEXT, "it is not there"),
    Sabotage("fileInPlaceOfVersion", _asFile(lambda area: area.version), "versionNotDirectory", NEXT, "it is not there"),
    Sabotage("areaOfAnotherSystem", _otherSystem, "areaWrongSystem", SAME, "its libraries may not fit (#11893)"),
    Sabotage("areaOfAnotherCpu", _foreignArea, "areaWrongCpu", OTHER, "cannot execute binary file"),
    Sabotage("missingPython", lambda area: area.program.unlink(), "pythonMissing", NEXT, "No such file or directory"),
    Sabotage("danglingPython", _danglingProgram, "pythonLinkBroken", NEXT, "No such file or directory"),
    Sabotage("pythonNotExecutable", lambda area: area.own(area.program).chmod(0o644), "pythonNotExecutable", NEXT,
             "Permission denied"),
    Sabotage("truncatedPython", _truncated(lambda area: area.program), "pythonTruncated", NEXT, "does not work"),
    Sabotage("pythonOfAnotherCpu", _foreign, "pythonWrongCpu", NEXT, "cannot execute binary file"),
    Sabotage("truncatedLibpython", _truncated(_libpython), "libraryTruncated", NEXT, "does not work"),
    Sabotage("missingEncodings", _withoutEncodings, "stdlibIncomplete", NEXT, "encodings"),
    Sabotage("truncatedModule", _cutModule, "pythonDoesNotStart", NEXT, "SyntaxError"),
    Sabotage("unreadableLibrary", _unreadable(lambda area: area.library() / "subprocess.py"), "libraryUnreadable", NEXT,
             "does not work"),
    Sabotage("pipeInPlaceOfExtension", lambda area: os.mkfifo(str(area.library() / "waits.so")), "libraryNotFile", SAME),
    Sabotage("tooOldPython", _tooOld, "pythonDoesNotStart", NEXT, "python 3.5 found"),
    Sabotage("defaultOutOfRange", _outOfRange, "versionOutOfRange", "3.6.4-kept"),
    Sabotage("newestByTimeIsOlder", _touched, "newestByTime", SAME),
    Sabotage("pythonHomeInInit", _init("export PYTHONHOME=/nowhere"), "pythonHomeSet", SAME, "PYTHONHOME=/nowhere dropped"),
    Sabotage("initExits", _init("exit 0"), "initEndsShell", NEXT, "it ended the shell"),
    Sabotage("initUnderStrictOptions", _init("set -eu\n: \"$NO_SUCH_VARIABLE\""), "initEndsShell", NEXT, "NO_SUCH_VARIABLE"),
    Sabotage("initHangs", _init("sleep 60"), "initHangs", NEXT, "not done after 2 s", _SLOW),
    Sabotage("initPrintsForEver", _init("x=$(printf %1000000s)\nwhile :; do printf %s \"$x\"; done"), "initEndsShell", NEXT,
             "does not work"),
    Sabotage("initRuinsPath", _init("export PATH=/nowhere"), "pathRuined", NEXT, "timeout: "),
    Sabotage("initRuinsLibraries", _brokenLibc, "initEndsShell", NEXT, "libc.so.6"),
    Sabotage("initLeavesFunctions", _init("for name in printf timeout mv unset set trap builtin exec local compgen declare; do\n"
                                          "    eval \"$name() { :; }; export -f $name\"\ndone"),
             "initLeavesFunctions", SAME),
    Sabotage("initPrints", _init("echo welcome"), "initPrints", SAME, "welcome"),
    Sabotage("defaultNamesNothing", _withDefault(b"3.0.1-gone\n"), "defaultBad", SAME, "default names 3.0.1-gone"),
    Sabotage("defaultIsGarbage", _withDefault(b"\xff\0\x1b[31m\n\n"), "defaultBad", SAME, "default names "),
    Sabotage("defaultLeadsOut", _withDefault(b"../../../../../etc\n"), "defaultBad", SAME, "default names ../"),
    Sabotage("defaultIsDirectory", lambda area: (area.python3 / "default").mkdir(), "defaultBad", SAME, "names nothing"),
    Sabotage("blankInVersion", _oddVersion("99.1 beta"), "versionNameOdd", SAME, "no name of a version"),
    Sabotage("newlineInVersion", _oddVersion("99.1\n99.2"), "versionNameOdd", SAME, "no name of a version"),
    Sabotage("renamedVersion", lambda area: os.symlink(area.version.name, str(area.python3 / "99.9.9")), "versionMisnamed",
             "99.9.9"),
    Sabotage("systemWithoutNumber", _withoutNumber, "systemUnnumbered", OTHER, "no name of a system",
             {"REQUIRED_OS": "rhel"}),
)
