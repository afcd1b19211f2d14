"""CommandLine: the options of cmsRun"""
import os

from .EventSource import CmsException

COMMAND_LINE = 7000  # edm::errors::CommandLineProcessing
DEFAULT_REPORT = "FrameworkJobReport.xml"
WITH_VALUE = {"-j": "report", "--jobreport": "report", "-n": "threads", "--numThreads": "threads", "-s": "streams",
              "--sizeOfStackForThreadsInKB": "stack", "-m": "mode", "--mode": "mode", "-p": "pset",
              "--parameter-set": "pset", "-c": "command"}
FLAGS = ("-e", "--enablejobreport", "--strict")
USAGE = """cmsRun [options] [--parameter-set] config_file
 -h [ --help ]              produce help message
 -p [ --parameter-set ] arg configuration file
 -j [ --jobreport ] arg     file name to use for a job report file: default extension is .xml
 -e [ --enablejobreport ]   enable job report files (if any) specified in configuration file
 -m [ --mode ] arg          Job Mode for MessageLogger defaults - default mode is grid
 -n [ --numThreads ] arg    Number of threads to use in job (0 is use all CPUs)
 -s [ --sizeOfStackForThreadsInKB ] arg
                            Size of stack in KB to use for extra threads
 --strict                   strict parsing
 -c [ --command ] arg       pass in a configuration file as a string
This is the stand-in of a worker node in a box.
"""


class Options(object):
    """A command line of cmsRun."""

    def __init__(self, arguments):
        """
        :param arguments: list, without the command itself
        :raises CmsException: 7000 for an unknown option or one without its value
        """
        self.values, self.arguments, self.help = {}, [], False
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            name, equals, attached = word.partition("=")
            if name in WITH_VALUE and word.startswith("-"):
                if not equals and not rest:
                    raise CmsException(COMMAND_LINE, "CommandLineProcessing", "the required argument for option '%s' is missing"
                                       % name)
                self.values[WITH_VALUE[name]] = attached if equals else rest.pop(0)
            elif word in FLAGS:
                self.values.setdefault("report", DEFAULT_REPORT if word != "--strict" else None)
            elif word in ("-h", "--help"):
                self.help = True
            elif word.startswith("-"):
                raise CmsException(COMMAND_LINE, "CommandLineProcessing", "unrecognised option '%s'" % word)
            else:
                self.values.setdefault("pset", word)
                self.arguments = rest  # the rest belongs to the configuration
                break

    def reportPath(self):
        """:return: path of the job report, or None; .xml is added to a name without extension"""
        path = self.values.get("report")
        return path + ".xml" if path and not os.path.splitext(path)[1] else path
