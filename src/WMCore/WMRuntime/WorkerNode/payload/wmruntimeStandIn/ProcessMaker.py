"""ProcessMaker: the stand-ins for edm_pset_pickler.py and cmssw_wm_create_process.py"""
import inspect
import io

from .ToolProgram import ToolError, readJson, runTool, savePickle, toolParser


def executePset(path):
    """
    Execute a configuration file.

    :param path: path of the file
    :return: the cms.Process it leaves in the variable `process`
    :raises ToolError: when it leaves none
    """
    # Bytes: python 2 finds the coding line in them, python 3 as well.
    with io.open(path, "rb") as handle:
        code = compile(handle.read(), path, "exec")
    names = {"__file__": path, "__name__": "__main__"}
    exec(code, names)  # pylint: disable=exec-used
    if names.get("process") is None:
        raise ToolError("%s does not define `process`" % path)
    return names["process"]


def makeProcess(function, options):
    """
    Let Configuration.DataProcessing make a process.

    :param function: merge, repack or the name of a method of a scenario
    :param options: dict of its arguments; the scenario's name is the option `scenario`
    :return: cms.Process
    :raises ToolError: when the scenario has no such method, or an argument is missing
    """
    options = dict(options)
    if function == "merge":
        from Configuration.DataProcessing.Merge import mergeProcess
        return mergeProcess(**options)
    if function == "repack":
        from Configuration.DataProcessing.Repack import repackProcess
        return repackProcess(**options)
    from Configuration.DataProcessing.GetScenario import getScenario
    name = options.pop("scenario", None)
    method = getattr(getScenario(name), function, None)
    if method is None:
        raise ToolError("Failed to load process from Scenario %s: it has no %s" % (name, function))
    names = inspect.getargspec(method).args if not hasattr(inspect, "signature") else [
        parameter.name for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    missing = [argument for argument in names if argument != "self" and argument not in options]
    if missing:
        raise ToolError("Failed to load process from Scenario %s: %s needs %s" % (name, function, ", ".join(missing)))
    return method(**options)


def pickler():
    """Run edm_pset_pickler.py."""
    parser = toolParser("Pickle a pset file", pickles=False)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output_pkl", required=True)
    runTool("edm_pset_pickler.py", parser, lambda args: savePickle(executePset(args.input), args.output_pkl))


def creator():
    """Run cmssw_wm_create_process.py."""
    parser = toolParser("Process creator (merge, DataProcessing etc)", pickles=False)
    parser.add_argument("--funcname", required=True)
    parser.add_argument("--funcargs", required=True)
    parser.add_argument("--useErrorDataset", action="store_true")
    parser.add_argument("--output_pkl", required=True)

    def create(args):
        options = readJson(args.funcargs)
        if args.funcname == "merge" and args.useErrorDataset:
            options["outputmod_label"] = "MergedError"
        savePickle(makeProcess(args.funcname, options), args.output_pkl)
    runTool("cmssw_wm_create_process.py", parser, create)
