"""ToolProgram: what the stand-ins for the cmssw-wm-tools commands have in common"""
import argparse
import io
import json
import os
import pickle
import re
import sys

from .CallsLog import logCall

# The real tools ask for this, so that a PSet pickle of python 3 looks as one of python 2.
PICKLE_PROTOCOL = 0


class ToolError(Exception):
    """A tool cannot do what it was asked; its message is all the user needs."""


def runTool(program, parser, action):
    """
    Run one command to its exit, and log the call.

    :param program: name of the command
    :param parser: argparse.ArgumentParser with its options
    :param action: function of the parsed arguments
    :raises SystemExit: 0, 1 (ToolError or another exception, on stderr) or 2 (bad command line)
    """
    arguments, code = sys.argv[1:], 1
    try:
        action(parser.parse_args(arguments))
        code = 0
    except SystemExit as stop:
        code = stop.code
    except ToolError as error:
        sys.stderr.write("%s: %s\n" % (program, error))
    finally:
        sys.stdout.flush()
        logCall(program, arguments, exit=code)
    sys.exit(code)


def toolParser(description, pickles=True):
    """
    Make a parser as those of the real tools.

    :param description: one line for --help
    :param pickles: whether the tool changes pickles, with --input_pkl and --output_pkl
    :return: argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(usage="%(prog)s [OPTION] [FILE]...", description=description)
    if pickles:
        parser.add_argument("--input_pkl", nargs="+", required=True)
        parser.add_argument("--output_pkl", nargs="+", required=False)
    return parser


def changePickles(args, change):
    """
    Load each pickle, change its process and write it.

    :param args: parsed arguments with input_pkl and output_pkl; without output_pkl a pickle is changed in place
    :param change: function of the process and the arguments
    :raises ToolError: when the lists differ in length, or a pickle cannot be read
    """
    outputs = args.output_pkl or args.input_pkl
    if len(outputs) != len(args.input_pkl):
        raise ToolError("Incorrect arguments. --input_pkl and --output_pkl must be the same length")
    for source, target in zip(args.input_pkl, outputs):
        process = loadPickle(source)
        change(process, args)
        savePickle(process, target)


def loadPickle(path):
    """
    Read a process.

    :param path: path of the pickle
    :return: cms.Process
    :raises ToolError: when the file is missing or is no pickle this python can read
    """
    try:
        with open(path, "rb") as handle:
            return pickle.load(handle)
    except (IOError, OSError, EOFError, ValueError, KeyError, IndexError, AttributeError, ImportError,
            pickle.PickleError) as error:
        raise ToolError("Not a valid pickle file %s (%s: %s)- stopping" % (path, type(error).__name__, error))


def savePickle(process, path):
    """
    Write a process, straight into its file as the real tools do.

    :param process: cms.Process
    :param path: path of the pickle
    """
    with open(path, "wb") as handle:
        pickle.dump(process, handle, protocol=PICKLE_PROTOCOL)


def readJson(path, kinds=(dict,)):
    """
    Read a JSON file; in python 2 its texts become str, as parameters take no unicode.

    :param path: path of the file
    :param kinds: types allowed at the top
    :return: the value
    :raises ToolError: when it cannot be read, or is of another type
    """
    try:
        with io.open(path, encoding="utf-8") as handle:
            value = json.load(handle)
    except (IOError, OSError, ValueError) as error:
        raise ToolError("Error opening file %s: %s" % (path, error))
    if not isinstance(value, kinds):
        raise ToolError("Error loading json %s: it holds a %s, expected %s"
                        % (path, type(value).__name__, " or ".join(kind.__name__ for kind in kinds)))
    return nativeText(value)


def nativeText(value):
    """
    Turn texts of JSON into what `str` is.

    :param value: a JSON value
    :return: the same with str only
    """
    if isinstance(value, dict):
        return dict((nativeText(key), nativeText(item)) for key, item in value.items())
    if isinstance(value, list):
        return [nativeText(item) for item in value]
    if isinstance(value, type(u"")) and not isinstance(value, str):
        return value.encode("utf-8")
    return value


def releaseNumbers(release):
    """
    Take the three numbers out of a release's name.

    :param release: CMSSW_X_Y_Z with or without a suffix
    :return: tuple of three ints
    :raises ToolError: when it is no such name
    """
    match = re.match(r"CMSSW_(\d+)_(\d+)_(\d+)", release or "")
    if match is None:
        raise ToolError("CMSSW_VERSION=%s is not a release's name; run this in a SCRAM environment" % release)
    return tuple(int(number) for number in match.groups())


def currentRelease():
    """:return: name of the release of the environment; "" when there is none"""
    return os.environ.get("CMSSW_VERSION", "")
