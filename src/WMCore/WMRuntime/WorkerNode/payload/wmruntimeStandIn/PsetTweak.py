"""PsetTweak: the stand-in for edm_pset_tweak.py"""
import FWCore.ParameterSet.Config as cms

from .ToolProgram import ToolError, changePickles, readJson, runTool, toolParser

CUSTOM = "customTypeCms."


def tweakValue(value):
    """
    Turn a value of a tweak file into what is set.

    :param value: JSON value; a text `customTypeCms.<expression>` is evaluated with the names of FWCore.ParameterSet.Config
    :return: python value or parameter
    """
    if isinstance(value, str) and value.startswith(CUSTOM):
        return eval("cms." + value[len(CUSTOM):], {"cms": cms})  # pylint: disable=eval-used
    return value


def applyTweak(process, key, value, skipIfSet=False, createUntrackedPsets=False):
    """
    Set one parameter of a process.

    :param process: cms.Process
    :param key: names separated by dots, with or without `process.` in front
    :param value: what tweakValue made
    :param skipIfSet: leave a parameter alone that is there
    :param createUntrackedPsets: make the PSets that are missing on the way
    :return: whether it could be applied (or was skipped); False when something on the way is missing
    """
    names = key.split(".")
    if names[0] == "process":
        names = names[1:]
    parameter = process
    for name in names[:-1]:
        if not hasattr(parameter, name) and createUntrackedPsets:
            setattr(parameter, name, cms.untracked.PSet())
        parameter = getattr(parameter, name, None)
        if parameter is None:
            return False
    if skipIfSet and hasattr(parameter, names[-1]):
        print("Attribute already set %s. Not changing" % key)
        return True
    setattr(parameter, names[-1], value)
    print("Set attribute %s to %s" % (key, getattr(parameter, names[-1])))
    return True


def readTweaks(paths):
    """
    Read tweak files.

    :param paths: list of paths of JSON files, each an object or a list of objects
    :return: list of (key, value), in the order given
    """
    tweaks = []
    for path in paths:
        content = readJson(path, (dict, list))
        for group in content if isinstance(content, list) else [content]:
            tweaks.extend(group.items())
    return tweaks


def tweakProcess(process, args):
    """
    Apply all tweaks to one process.

    :param process: cms.Process
    :param args: parsed arguments
    :raises ToolError: when one cannot be applied and --allow_failed_tweaks was not given
    """
    for key, value in readTweaks(args.json):
        done = applyTweak(process, key, tweakValue(value), args.skip_if_set, args.create_untracked_psets)
        if not done:
            print("Tweak not applied %s %s" % (key, value))
            if not args.allow_failed_tweaks:
                raise ToolError("Tweak not applied %s %s" % (key, value))


def main():
    """Run edm_pset_tweak.py."""
    parser = toolParser("Tweak pset(s) based on json list of tweaks to apply and write out resulting pset(s)")
    parser.add_argument("--json", nargs="+", required=True)
    parser.add_argument("--allow_failed_tweaks", action="store_true")
    parser.add_argument("--skip_if_set", action="store_true")
    parser.add_argument("--create_untracked_psets", action="store_true")
    runTool("edm_pset_tweak.py", parser, lambda args: changePickles(args, tweakProcess))
