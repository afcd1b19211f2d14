"""
Tell, from the files that the kernel opens to execute, which programs a job executed, and what they are.

One execve of a script opens three files: the script, its interpreter, and that one's loader. It is counted once, under
the script's name, as strace would show it.
"""
import collections
import os
import re

import attr

JOB_PYTHON, RELEASE_PYTHON = "python of the job", "python of the release"
SCRAM, CMSRUN = "scram and in it", "cmsRun and in it"
SHELL, COREUTILS, TOOL, OTHER = "shells", "coreutils, grep, sed, awk", "PSet tools' scripts", "others"
KINDS = (JOB_PYTHON, RELEASE_PYTHON, SCRAM, SHELL, COREUTILS, TOOL, OTHER, CMSRUN)
_LOADER = re.compile(r"^ld(?:-linux|64|-musl)?[^/]*\.so(?:\.\d+)*$|^ld-\d+\.\d+\.so$")
_PYTHON = re.compile(r"^python[\d.]*$")
_SHELLS = frozenset("sh bash dash ash ksh mksh zsh csh tcsh busybox".split())
# What GNU coreutils install, and the three that are used beside them.
_COREUTILS = frozenset(
    "arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown chroot cksum comm cp csplit cut date dd df dir "
    "dircolors dirname du echo env expand expr factor false fmt fold groups head hostid hostname id install join link ln "
    "logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pinky pr printenv printf ptx "
    "pwd readlink realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split "
    "stat stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink uptime "
    "users vdir wc who whoami yes [ coreutils grep egrep fgrep sed awk gawk mawk".split())


@attr.s(frozen=True)
class Execution(object):
    """
    Hold one program that was executed.

    :param time: float, seconds since the epoch
    :param pid: int
    :param ancestors: tuple of int, process ids upwards
    :param path: str
    """
    time = attr.ib()
    pid = attr.ib()
    ancestors = attr.ib(converter=tuple)
    path = attr.ib()


class ExecutionRecorder(object):
    """
    Make executions out of opened files.

    :param ancestorsOf: callable(pid) giving process ids upwards
    """

    def __init__(self, ancestorsOf):
        self.ancestorsOf = ancestorsOf
        self.executions = []
        self._script = set()

    def opened(self, time, pid, path, head):
        """
        Take a file that is opened for execution.

        :param time: float
        :param pid: int
        :param path: str
        :param head: bytes, the first two of the file
        :return: bool, whether a program starts with it
        """
        isScript = head == b"#!"
        if pid in self._script:
            if not isScript:
                self._script.discard(pid)
            return False
        if _LOADER.match(os.path.basename(path)):
            return False
        if isScript:
            self._script.add(pid)
        self.executions.append(Execution(time, pid, self.ancestorsOf(pid), path))
        return True


def kindOf(path, tree):
    """
    Tell what a program is by its path.

    :param path: str
    :param tree: str, the node's CVMFS
    :return: str, one of KINDS
    """
    name = os.path.basename(path)
    inTree = path.startswith(tree + os.sep)
    if inTree and _PYTHON.match(name):
        return JOB_PYTHON if "/COMP/" in path else RELEASE_PYTHON
    if name in ("scram", "scramv1"):
        return SCRAM
    if inTree and re.match(r"^cmsRun(Python3)?$", name):
        return CMSRUN
    if inTree and "/overrides/bin/" in path:
        return TOOL
    return SHELL if name in _SHELLS else COREUTILS if name in _COREUTILS else OTHER


def kinds(executions, tree):
    """
    Tell the kind of each; what scram and cmsRun execute themselves is theirs, for here both are stand-ins.

    :param executions: list of Execution, in order
    :param tree: str, the node's CVMFS
    :return: list of str
    """
    owners, found = {}, []
    for execution in executions:
        inside = [owners[pid] for pid in (execution.pid,) + execution.ancestors if pid in owners]
        kind = inside[0] if inside else kindOf(execution.path, tree)
        if kind in (SCRAM, CMSRUN):
            owners[execution.pid] = kind
        found.append(kind)
    return found


def countKinds(executions, tree):
    """
    Count.

    :param executions: list of Execution, in order
    :param tree: str, the node's CVMFS
    :return: dict of each of KINDS to int
    """
    counted = collections.Counter(kinds(executions, tree))
    return {kind: counted[kind] for kind in KINDS}
