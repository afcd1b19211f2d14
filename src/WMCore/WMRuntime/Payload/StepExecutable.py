"""
Choose what a CMSSW step runs, once its SCRAM environment is there, and leave word of it.

A step that names its executable gets that, as ever, unless it is nowhere: then the step ends here (50110). Where
nobody can look, because the release is not found, main.sh finds out as it always did. A step that leaves the
choice to the runtime is refused when nothing fits.
"""
import logging
import os

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff, quoteForBash
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableChoice import AS_REQUESTED, ExecutableChoice
from WMCore.WMRuntime.Payload.ExecutableProvider import programOf
from WMCore.WMRuntime.Payload.ExecutableSelector import (AUTO, EXECUTABLE_NOT_FOUND, namedPlugins,
                                                         selectExecutable)
from WMCore.WMRuntime.Payload.LogTail import cleanText
from WMCore.WMRuntime.Release.Release import Release
from WMCore.WMRuntime.RuntimeInfo import addStepInfo
from WMCore.WMRuntime.Tools.ScramSession import readSession, storeSession

DEFAULT = "cmsRun"
REPORT_SECTION = "executable"
_TOOL_PYTHON = "psetPython"
_MAX_REASONS, _MAX_REASON = 20, 500


def chooseStepExecutable(stepName, directory, command, runtimeEnv, arch=None):
    """
    Choose the executable of a step, log the choice and note it in runtimeInfo.json.

    :param stepName: str
    :param directory: str, the step's directory
    :param command: the step's application.command: executable, configuration and maybe executablePolicy
    :param runtimeEnv: dict, the variables of the release's environment
    :param arch: str, scram arch, or None
    :return: ExecutableChoice; its path is None when the executable is taken unseen
    :raises WMRuntimeError: when the step leaves the choice to the runtime and nothing fits; when the executable
        it names is neither in the release nor in the PATH
    """
    requested, policy = command.executable, getattr(command, "executablePolicy", None)
    open_ = requested == AUTO or policy not in (None, AS_REQUESTED)
    try:
        release = Release.fromEnvironment(dict({"SCRAM_ARCH": arch} if arch else {}, **runtimeEnv))
        pset = os.path.join(directory, command.configuration) if command.configuration else None
        # A session only holds what SCRAM changes.
        searchPath = runtimeEnv.get("PATH") or withoutWrapperPython(os.environ).get("PATH")
        choice = selectExecutable(release, requested, pset if pset and os.path.isfile(pset) else None, policy,
                                  searchPath, directory, plugins=namedPlugins(os.environ))
    except WMRuntimeError as ex:
        if _isFinal(ex, open_, requested):
            raise
        choice = _unseen(requested, str(ex))
    except Exception as ex:  # what is on the disk of a release must not end a step that could run
        choice = _unseen(requested, "%s: %s" % (type(ex).__name__, ex))
    else:
        if open_ and choice.python == 3 and release.cmsRunPython().major == 2:
            _takeToolsAlong(directory, release)
    _leaveWord(stepName, directory, choice)
    return choice


def _isFinal(error, open_, requested):
    """Say whether an error ends the step, or main.sh may still find something to run."""
    if open_:
        return error.code != 50513
    # A script of the step may yet make the file that a path names.
    return error.code == EXECUTABLE_NOT_FOUND and os.sep not in programOf(requested)


def _unseen(requested, reason):
    """Make the choice of a step whose release cannot be looked at."""
    name = DEFAULT if requested == AUTO else requested
    logging.warning("The executable %s is taken unseen: %s", name, reason)
    return ExecutableChoice(name, None, reasons=("nothing could be looked up: %s" % reason,), requested=requested)


def noteInReport(step, choice):
    """
    Add the choice to a step's section of the report, when it is not just what the workload names.

    What the workload names the agent knows; such a report stays as upstream's, part by part. What WMCore makes of
    a report for its databases (Report.__to_json__, WMArchive) takes no section that it does not know.

    :param step: ConfigSection, Report.retrieveStep(stepName)
    :param choice: ExecutableChoice
    """
    if not choice.ours:
        return
    values = choice.toDict()
    section = step.section_(REPORT_SECTION)
    for name in ("name", "requested", "path", "policy"):
        setattr(section, name, values[name] if values[name] is None else cleanText(values[name]))
    section.python = values["python"]
    section.pset = values["pset"] and values["pset"]["verdict"]
    section.reasons = _shortened(values["reasons"])
    section.rejected = _shortened("%(name)s: %(reason)s" % item for item in values["rejected"])


def _shortened(texts):
    """Keep what a database wants to keep of each job."""
    texts = [cleanText(text) for text in texts]
    kept = [text[:_MAX_REASON] + " ..." * (len(text) > _MAX_REASON) for text in texts[:_MAX_REASONS]]
    return kept + ["and %d more, in the job's log" % (len(texts) - _MAX_REASONS)] * (len(texts) > _MAX_REASONS)


def _leaveWord(stepName, directory, choice):
    """Write the choice to the log and, where the job has one, to runtimeInfo.json."""
    first, rest = choice.describe()[0], choice.describe()[1:]
    logging.info("Step %s runs %s", stepName, first)
    for line in rest:
        logging.info("  %s", line)
    addStepInfo(directory, "executables", stepName, choice.toDict())


def _takeToolsAlong(directory, release):
    """Have the PSet's tools run in the python of the executable; without that its PSet cannot be prepared."""
    try:
        _toolsInPython3(directory, release)
    except (OSError, ValueError) as ex:
        raise WMRuntimeError(50513, "The tools for the PSet cannot be had in python 3: %s" % ex, directory,
                             "name the step's executable instead of `auto`, and see what is wrong in the directory")


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
        raise ValueError("the release's python3 is not there (%s)" % (python.path if python else "it has none"))
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
