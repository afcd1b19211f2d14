"""
Prove that all a sandbox carries can be imported on a worker node: by a bare interpreter, from the sandbox alone.
"""
import json
import os
import shutil
import tempfile

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.SandboxArchive import extractArchive
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# What has to be importable; parts of the third-party packages are for other Pythons or systems.
VERIFIED_PACKAGES = ("WMCore", "Utils", "PSetTweaks", "attr", "attrs", "packaging")
_MARK = "@@verified@@"
# Runs on the node's Python, 3.6 or later, with nothing but the standard library.
_DRIVER = '''
import importlib, json, os, sys, zipfile
job, packages, mark = sys.argv[1], set(sys.argv[2].split(",")), sys.argv[3]
sandbox = os.path.join(job, "WMCore.zip")
sys.path[:0] = [sandbox, job]
names = [name for name in zipfile.ZipFile(sandbox).namelist()]
for folder, _, files in os.walk(job):
    names.extend(os.path.relpath(os.path.join(folder, name), job) for name in files)
modules = set()
for name in names:
    parts = name.split("/")
    if name.endswith(".py") and parts[0] in packages:
        parts[-1] = parts[-1][:-3]
        modules.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
failed = {}
foreign = {}
for name in sorted(modules):
    try:
        origin = importlib.import_module(name).__file__
    except BaseException as ex:
        failed[name] = "%s: %s" % (type(ex).__name__, ex)
        continue
    if not origin.startswith(job):
        foreign[name] = origin
failed.update((name, "taken from " + origin) for name, origin in foreign.items())
print(mark + json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "modules": sorted(modules), "failed": failed}))
'''


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
        job = os.path.join(base, "job")
        extractArchive(archivePath, job)
        empty = os.path.join(base, "cwd")
        os.mkdir(empty)
        driver = os.path.join(base, "verifyImports.py")
        with open(driver, "w", encoding="utf-8") as handle:
            handle.write(_DRIVER)
        ended, output, errors = runCaptured(
            [python, "-S", "-E", "-B", driver, job, ",".join(VERIFIED_PACKAGES), _MARK], cwd=empty, timeout=timeout)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    answers = [line[len(_MARK):] for line in output.splitlines() if line.startswith(_MARK)]
    if not ended.ok or not answers:
        raise WMRuntimeError(99109, "The sandbox could not be verified.",
                             "%s with %s: exit %s\n%s" % (archivePath, python, ended.shellCode, errors[-2000:]),
                             "check the interpreter")
    answer = json.loads(answers[-1])
    return SandboxVerification(python, answer["version"], tuple(answer["modules"]), answer["failed"])
