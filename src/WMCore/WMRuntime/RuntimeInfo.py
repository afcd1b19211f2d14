"""
What a job is going to do, as JSON for people and programs that customise processes (#11743).
"""
import json
import logging
import os
import sys

from WMCore.WMRuntime.Environment.CleanEnvironment import interpreterAreas
from WMCore.WMRuntime.Tools.ScramArch import ARCH_TO_OS, getPlatformMachine

FILE_NAME = "runtimeInfo.json"
_MAX_BYTES = 16 * 1024 * 1024


def scramArchToRequiredOS(scramArch):
    """
    Name the operating systems a list of architectures runs on, as BossAir's BasePlugin does for condor.

    BossAir itself is agent code, which has no business on a worker node (#12426).

    :param scramArch: str, or list of str, or None
    :return: str, like "rhel8" or "rhel7,rhel8"; "any" when no architecture is asked for
    """
    if not scramArch or not isinstance(scramArch, (str, bytes, list, tuple)):
        return "any"
    if isinstance(scramArch, (str, bytes)):
        scramArch = [scramArch]
    names = [arch.decode("ascii") if isinstance(arch, bytes) else arch for arch in scramArch]
    return ",".join(sorted({system for name in names for system in ARCH_TO_OS.get(name.split("_")[0], [])}))


def _inputFiles(step, job):
    """List the files a cmsRun reads: the job's, or for generated events those of the step before."""
    lfns = [inputFile["lfn"] for inputFile in job.get("input_files", [])]
    if len(lfns) != 1 or not lfns[0].startswith("MCFakeFile"):
        return lfns
    source = step.data.input
    if not getattr(source, "chainedProcessing", False):
        return []
    return ["../%s/%s.root" % (getattr(source, "inputStepName", None), getattr(source, "inputOutputModule", None))]


def _cmsRunParameters(step, job):
    """Describe one cmsRun: what it reads and what becomes of what it writes."""
    names = step.listOutputModules()
    modules = [step.getOutputModule(name) for name in names]

    def each(attribute):
        return [getattr(module, attribute, None) for module in modules]

    return {
        "step": step.stepName(),
        "keep_output": step.data.output.keep,
        "input_files": _inputFiles(step, job),
        "output_files": ["%s.root" % name for name in names],
        "output_files_datatiers": each("dataTier"),
        "transient_output": each("transient"),
        "output_files_unmerged_base": each("lfnBase"),
        "output_files_merged_base": each("mergedLFNBase"),
    }


def describeJob(workload, task, job):
    """
    Gather the information.

    :param workload: WMWorkloadHelper
    :param task: WMTaskHelper
    :param job: Job
    :return: dict, ready for JSON
    """
    stepNames = task.listAllStepNames(cmsRunOnly=True)
    return {
        "workflow_type": workload.getRequestType(),
        "number_of_cmsRuns": len(stepNames),
        "worker_arch": getPlatformMachine(),
        "worker_os": scramArchToRequiredOS(task.getScramArch()),
        "job_type": job.get("jobType", None),
        "cmsRun_params": [_cmsRunParameters(task.getStepHelper(name), job) for name in stepNames],
    }


def writeRuntimeInfo(information, directory):
    """
    Write the information, whole or not at all.

    :param information: dict
    :param directory: str
    :return: str, the JSON text written to runtimeInfo.json there
    """
    text = json.dumps(information, indent=4, sort_keys=True)
    path = os.path.join(directory, FILE_NAME)
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(temporary, "w", encoding="utf-8") as handle:
            handle.write(text)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return text


def addStepInfo(stepDirectory, section, stepName, values):
    """
    Add to a job's runtimeInfo.json what was found out while one of its steps ran.

    The job does not depend on it: a file that cannot be read or written is logged, and CRAB's jobs have none.

    :param stepDirectory: str, the step's directory, two below the job's
    :param section: str, what it is about
    :param stepName: str
    :param values: what JSON can hold
    """
    def change(information):
        information.setdefault(section, {})[stepName] = values

    _changeInfo(os.path.dirname(os.path.dirname(os.path.abspath(stepDirectory))), change,
                "%s of step %s" % (section, stepName))


def addEnvironment(jobDirectory, outcome):
    """
    Add to a job's runtimeInfo.json which python it runs in, and why that one.

    :param jobDirectory: str
    :param outcome: EnvironmentOutcome; None when nothing was asked for
    """
    found = outcome.toDict() if outcome else {"asked": {}, "prepared": [], "reasons": [
        "nothing was asked for: the job stays in the python that the wrapper chose"]}
    areas = interpreterAreas([sys.executable or ""])
    # The area as it was named; what its links lead to comes with it.
    found["python"] = {"path": sys.executable, "version": ".".join(str(part) for part in sys.version_info[:3]),
                       "provider": "CVMFS area" if areas else "none: it is of no area",
                       "area": next((area for area in areas if (sys.executable or "").startswith(area + "/")), "")}
    _changeInfo(jobDirectory, lambda information: information.update(environment=found), "environment of the job")


def _changeInfo(jobDirectory, change, what):
    """Change the file of a job, if it has one; the job does not depend on it."""
    path = os.path.join(jobDirectory, FILE_NAME)
    if not os.path.exists(path):
        return
    try:
        with open(path, "rb") as handle:
            information = json.loads(handle.read(_MAX_BYTES).decode("utf-8"))
        change(information)
        writeRuntimeInfo(information, jobDirectory)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as ex:
        logging.warning("The %s is not noted in %s: %s", what, path, ex)
