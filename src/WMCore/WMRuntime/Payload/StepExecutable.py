"""
Choose what a CMSSW step runs, once its SCRAM environment is there, and leave word of it.

A step that asks for nothing special gets what it names, as ever: whatever is wrong then, the payload's
script tells it as it always did. Only a step that leaves the choice to the runtime can be refused here.
"""
import json
import logging
import os

import attr

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, quoteForBash
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableSelector import AS_REQUESTED, AUTO, selectExecutable
from WMCore.WMRuntime.Release.Release import Release
from WMCore.WMRuntime.RuntimeInfo import FILE_NAME, writeRuntimeInfo
from WMCore.WMRuntime.Tools.ScramSession import readSession, storeSession

DEFAULT = "cmsRun"
_TOOL_PYTHON = "psetPython"
_MAX_BYTES = 16 * 1024 * 1024


def chooseStepExecutable(stepName, directory, command, runtimeEnv, arch=None):
    """
    Choose the executable of a step, log the choice and note it in runtimeInfo.json.

    :param stepName: str
    :param directory: str, the step's directory
    :param command: the step's application.command: executable, configuration and maybe executablePolicy
    :param runtimeEnv: dict, the variables of the release's environment
    :param arch: str, scram arch, or None
    :return: str, the executable for main.sh
    :raises WMRuntimeError: when the step leaves the choice to the runtime, and nothing fits
    """
    requested, policy = command.executable, getattr(command, "executablePolicy", None)
    open_ = requested == AUTO or policy not in (None, AS_REQUESTED)
    try:
        release = Release.fromEnvironment(dict({"SCRAM_ARCH": arch} if arch else {}, **runtimeEnv))
        pset = os.path.join(directory, command.configuration) if command.configuration else None
        choice = selectExecutable(release, requested, pset if pset and os.path.isfile(pset) else None, policy,
                                  runtimeEnv.get("PATH"), directory)
        _leaveWord(stepName, directory, choice)
        if open_ and choice.python == 3 and release.cmsRunPython().major == 2:
            _toolsInPython3(directory, release)
        return choice.name
    except WMRuntimeError as ex:
        if open_ and ex.code != 50513:
            raise
        logging.warning("The executable %s of step %s is taken unseen: %s", requested, stepName, ex)
    except Exception as ex:  # what is on the disk of a release must not end a step that could run
        logging.warning("The executable %s of step %s is taken unseen: %s: %s", requested, stepName,
                        type(ex).__name__, ex)
    return DEFAULT if requested == AUTO else requested


def _leaveWord(stepName, directory, choice):
    """Write the choice to the log and, where the job has one, to runtimeInfo.json."""
    logging.info("Step %s runs %s (%s, python %s), policy %s", stepName, choice.name, choice.path,
                 choice.python or "unknown", choice.policy)
    for reason in choice.reasons:
        logging.info("  because: %s", reason)
    for rejected in choice.rejected:
        logging.info("  not %s: %s", rejected.name, rejected.reason)
    job = os.path.dirname(os.path.dirname(os.path.abspath(directory)))
    try:
        with open(os.path.join(job, FILE_NAME), "rb") as handle:
            information = json.loads(handle.read(_MAX_BYTES).decode("utf-8"))
        information.setdefault("executables", {})[stepName] = choice.toDict()
        writeRuntimeInfo(information, job)
    except FileNotFoundError:
        # CRAB's jobs have none.
        return
    except (OSError, ValueError, AttributeError, TypeError) as ex:
        logging.warning("The choice is not noted in %s: %s", os.path.join(job, FILE_NAME), ex)


def _toolsInPython3(directory, release):
    """
    Have the tools that write the PSet's pickle run in python 3.

    They go by cmsRun's python, and start `python` where that is python 2 (cmssw-wm-tools). The pickle has to
    come from the python that reads it (CRABClient#5279), so `python` is python 3 in this step's environment.

    :param directory: str, the step's directory, with its SCRAM session
    :param release: Release
    """
    python = release.python(3)
    if python is None or not python.exists:
        raise WMRuntimeError(50513, "The release's python3 is not there.", "; ".join(python.reasons if python else ()),
                             "")
    programs = os.path.join(os.path.abspath(directory), _TOOL_PYTHON)
    os.makedirs(programs, exist_ok=True)
    path = os.path.join(programs, "python")
    with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write("#!/bin/sh\n# The tools of this step run in the python of its executable.\nexec %s \"$@\"\n"
                     % quoteForBash(python.path))
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    session = readSession(directory)
    values = dict(session.diff.toSet)
    values["PATH"] = os.pathsep.join([programs] + [entry for entry in [values.get("PATH")] if entry])
    storeSession(attr.evolve(session, diff=EnvDiff(values, session.diff.toUnset)), directory)
