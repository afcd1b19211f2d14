"""
Choose what a CMSSW step runs, once its SCRAM environment is there, and leave word of it.

A step that names its executable gets that, as ever, unless it is nowhere: then the step ends here (50110). Where
nobody can look, because the release is not found, main.sh finds out as it always did. A step that leaves the
choice to the runtime is refused when nothing fits.
"""
import logging
import os

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableChoice import AUTO, PYTHON2_TWIN, ExecutableChoice, ExecutableRequest
from WMCore.WMRuntime.Payload.ExecutableSelector import EXECUTABLE_NOT_FOUND, namedPlugins, selectExecutable
from WMCore.WMRuntime.Payload.LogTail import cleanText
from WMCore.WMRuntime.Payload.ToolsPython import setToolsPython, withoutToolsPython
from WMCore.WMRuntime.Release.Release import Release
from WMCore.WMRuntime.RuntimeInfo import addStepInfo

REPORT_SECTION = "executable"
_MAX_REASONS, _MAX_REASON = 20, 500


def chooseStepExecutable(stepName, directory, command, scram):
    """
    Choose the executable of a step, log the choice and note it in runtimeInfo.json.

    Where the tools for the PSet have to run in another python than before, the step's SCRAM session is changed, and
    the Scram object takes it up.

    :param stepName: str
    :param directory: str, the step's directory
    :param command: the step's application.command: executable, configuration and maybe executablePolicy
    :param scram: Scram, whose runtime() succeeded
    :return: ExecutableChoice; its path is None when the executable is taken unseen
    :raises WMRuntimeError: when the step leaves the choice to the runtime and nothing fits; when the executable
        it names is neither in the release nor in the PATH
    """
    request = ExecutableRequest.of(command.executable, getattr(command, "executablePolicy", None))
    tools = None
    try:
        environ, release = _releaseOf(scram, directory)
        pset = os.path.join(directory, command.configuration) if command.configuration else None
        choice = selectExecutable(release, request.text, pset if pset and os.path.isfile(pset) else None,
                                  request.policy, environ["PATH"], directory, plugins=namedPlugins(os.environ),
                                  environ=environ)
    except WMRuntimeError as ex:
        if _isFinal(ex, request):
            raise
        choice = _unseen(request, ex)
    except Exception as ex:  # what is on the disk of a release must not end a step that could run
        choice = _unseen(request, ex)
    else:
        if request.isOpen and choice.python == 3 and release.cmsRunPython().major == 2:
            tools = release.python(3)
            if tools is None:
                raise _noTools("the release has none", directory)
    _takeToolsAlong(directory, tools, scram)
    _leaveWord(stepName, directory, choice)
    return choice


def _releaseOf(scram, directory):
    """Give (dict, the release's environment as SCRAM made it; Release)."""
    # A session only holds what SCRAM changes.
    searchPath = scram.runtimeEnv.get("PATH") or withoutWrapperPython(os.environ).get("PATH") or ""
    environ = dict(scram.runtimeEnv, PATH=withoutToolsPython(directory, searchPath))
    return environ, Release.fromEnvironment(dict({"SCRAM_ARCH": scram.architecture} if scram.architecture else {},
                                                 **environ))


def _isFinal(error, request):
    """Say whether an error ends the step, or main.sh may still find something to run."""
    if request.isOpen:
        return error.code != 50513
    # A script of the step may yet make the file that a path names.
    return error.code == EXECUTABLE_NOT_FOUND and os.sep not in request.program


def _unseen(request, error):
    """Make the choice of a step whose executable, or whose release, cannot be looked at."""
    name = request.withProgram(PYTHON2_TWIN) if request.program == AUTO else request.text
    if isinstance(error, WMRuntimeError) and error.code == EXECUTABLE_NOT_FOUND:
        reason = "%s is not there yet, and a script of the step may make it" % request.program
    else:
        said = str(error) if isinstance(error, WMRuntimeError) else "%s: %s" % (type(error).__name__, error)
        reason = "nothing could be looked up: %s" % "; ".join(line.strip() for line in said.splitlines())
    logging.warning("The executable %s is taken unseen: %s", name, reason)
    return ExecutableChoice(name, None, reasons=request.reasons + (reason,), requested=request.text)


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


def _noTools(why, directory):
    return WMRuntimeError(50513, "The tools for the PSet cannot be had in python 3: %s" % why, directory,
                          "name the step's executable instead of `auto`, and see what is wrong in the directory")


def _takeToolsAlong(directory, python, scram):
    """Have the PSet's tools run in a python of the release, or in its own choice; the session is told, too."""
    try:
        changed = setToolsPython(directory, python)
    except (OSError, ValueError) as ex:
        if python is None:
            # Without a session that can be read there is nothing to be taken back.
            return
        raise _noTools(ex, directory)
    if changed and scram.runtime() != 0:
        raise WMRuntimeError(50513, "The SCRAM session cannot be taken up again.", scram.diagnostic(),
                             "run the job again")
