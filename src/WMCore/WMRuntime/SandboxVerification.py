"""
Prove that all a sandbox carries can be imported on a worker node: by a bare interpreter, from the sandbox alone.
"""
import json
import os
import shutil
import tempfile

import attr

from WMCore.WMRuntime.AreaCheck import SandboxImports
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.SandboxArchive import extractArchive
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# What has to be importable; parts of the third-party packages are for other Pythons or systems.
VERIFIED_PACKAGES = ("WMCore", "Utils", "PSetTweaks", "attr", "attrs", "packaging")


@attr.s(frozen=True)
class SandboxVerification(object):
    """
    Hold what came of importing a sandbox's modules.

    :param python: str, the interpreter
    :param version: str, its version
    :param modules: tuple of str, all that were tried
    :param failed: dict of str module to str why it cannot be imported; empty when the sandbox is good
    """
    python = attr.ib(type=str)
    version = attr.ib(type=str)
    modules = attr.ib(type=tuple, repr=False)
    failed = attr.ib(type=dict)


def verifySandbox(archivePath, python, timeout=300.0):
    """
    Import every module of a sandbox with an interpreter that sees nothing else.

    The interpreter runs without its site-packages and without PYTHON* variables, in an empty directory.

    :param archivePath: str, the sandbox
    :param python: str, interpreter of 3.6 or later
    :param timeout: float seconds
    :return: SandboxVerification
    :raises WMRuntimeError: when the sandbox cannot be unpacked or the interpreter gives no answer
    """
    base = os.path.realpath(tempfile.mkdtemp(prefix="wmruntime-verify-"))
    try:
        job, empty = os.path.join(base, "job"), os.path.join(base, "cwd")
        extractArchive(archivePath, job)
        os.mkdir(empty)
        asked, answered = os.path.join(base, "request.json"), os.path.join(base, "answer.json")
        with open(asked, "w", encoding="utf-8") as handle:
            json.dump({"job": job, "packages": VERIFIED_PACKAGES, "path": [os.path.join(job, "WMCore.zip"), job]}, handle)
        ended, _output, errors = runCaptured(
            [python, "-S", "-E", "-B", os.path.abspath(SandboxImports.__file__), asked, answered], cwd=empty,
            timeout=timeout)
        answer = _readAnswer(answered) if ended.ok else None
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if answer is None:
        raise WMRuntimeError(99109, "The sandbox could not be verified.",
                             "%s with %s: exit %s\n%s" % (archivePath, python, ended.shellCode, errors[-2000:]),
                             "check the interpreter")
    failed = dict(answer["failed"])
    failed.update((name, "taken from " + origin) for name, origin in answer["foreign"].items())
    return SandboxVerification(python, answer["version"], tuple(answer["modules"]), failed)


def _readAnswer(path):
    """Read what the interpreter answered; None when it ended well and before it answered."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)
