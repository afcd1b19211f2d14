"""
Output modules: that their parameters exist, and what they are called in this job.
"""
from WMCore.WMRuntime.NeedsWMCore import needsWMCore
from WMCore.WMRuntime.PSetSetup.PSetPlan import MODULE_MARK, JsonFile
from WMCore.WMRuntime.PSetSetup.Resources import OPTIONS

with needsWMCore(__name__):
    from PSetTweaks.PSetTweak import PSetTweak
    from PSetTweaks.WMTweak import makeOutputTweak

SKIP, LENIENT = "--skip_if_set", "--allow_failed_tweaks"
_MODULE = "process.%s." % MODULE_MARK
_EMPTY = "customTypeCms.untracked.string('')"
# What a release may leave out, and what is set later needs.
MODULE_DEFAULTS = [OPTIONS, {_MODULE + "dataset": "customTypeCms.untracked.PSet(dataTier=cms.untracked.string(''), "
                                                  "filterName=cms.untracked.string(''))"},
                   {_MODULE + "fileName": _EMPTY}, {_MODULE + "logicalFileName": _EMPTY}]


def missingParameters(pset, withOptions):
    """
    Plan the parameters that are not set yet.

    :param pset: PSetJob
    :param withOptions: bool, whether process.options must be there in a process without output modules, too
    :return: list of ToolCall
    """
    tweak = JsonFile(pset.path("PSetTweakOutputModules.json"), MODULE_DEFAULTS, perOutputModule=True)
    calls = pset.tweakFile(tweak, "what output modules must have", SKIP)
    return calls + (pset.tweak("Options", OPTIONS, "threads", SKIP) if withOptions else [])


def outputTweak(pset):
    """
    Plan the files' names.

    :param pset: PSetJob
    :return: list of ToolCall; modules that the process does not have are no failure
    """
    helper, tweak = pset.step.getTypeHelper(), PSetTweak()
    for name in helper.listOutputModules():
        module = helper.getOutputModule(name)
        if _isWritten(pset, module.getInternalName()):
            makeOutputTweak(module, pset.job, tweak)
    return pset.tweak("Output", tweak, "names of the output", LENIENT)


def _isWritten(pset, label):
    """Tell whether a module takes part: a merge writes either the good files or those of failed jobs."""
    if pset.function != "merge":
        return True
    return (label == "MergedError") == bool(getattr(pset.bag, "useErrorDataset", False))
