"""
Have the tools that write the PSet's pickle run in the python of the step's executable.

They go by cmsRun's python, and start `python` where that is python 2 (cmssw-wm-tools). The pickle has to come from
the python that reads it (CRABClient#5279), so for cmsRunPython3 beside a cmsRun of python 2 `python` is python 3 in
the step's environment. That is the environment of its SCRAM session, which outlives the choice.
"""
import os

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, quoteForBash
from WMCore.WMRuntime.Tools.ScramSession import readSession, storeSession

_DIRECTORY = "psetPython"


def _programs(directory):
    return os.path.join(os.path.abspath(directory), _DIRECTORY)


def withoutToolsPython(directory, searchPath):
    """
    Take back in a PATH what an earlier choice in the same directory put there.

    :param directory: str, the step's directory
    :param searchPath: str
    :return: str
    """
    return os.pathsep.join(entry for entry in searchPath.split(os.pathsep) if entry != _programs(directory))


def setToolsPython(directory, python=None):
    """
    Have `python` be a python of the release, or what the release itself has there, in the step's SCRAM session.

    :param directory: str, the step's directory, with its SCRAM session
    :param python: ReleasePython; None for what the release itself has
    :return: bool, whether the stored session was changed
    :raises OSError: when there is no session, or a file cannot be written
    :raises ValueError: when the python, or what is stored as the session, is not what it should be
    """
    if python is not None:
        if not python.exists:
            raise ValueError("the release's python is not there: %s" % python.path)
        _writeProgram(_programs(directory), python.path)
    session = readSession(directory)
    values = dict(session.diff.toSet)
    if "PATH" in values:
        values["PATH"] = withoutToolsPython(directory, values["PATH"])
    if python is not None:
        # A session only holds what SCRAM changes.
        others = values.get("PATH") or withoutWrapperPython(os.environ).get("PATH")
        values["PATH"] = os.pathsep.join([_programs(directory)] + [entry for entry in [others] if entry])
    if values == session.diff.toSet:
        return False
    unset = [name for name in session.diff.toUnset if name not in values]
    storeSession(attr.evolve(session, diff=EnvDiff(values, unset)), directory)
    return True


def _writeProgram(programs, python):
    os.makedirs(programs, exist_ok=True)
    path = os.path.join(programs, "python")
    with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write("#!/bin/sh\n# The tools of this step run in the python of its executable.\nexec %s \"$@\"\n"
                     % quoteForBash(python))
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
