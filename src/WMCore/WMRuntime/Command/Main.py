"""
The wmruntime command line.
"""
import argparse
import os
import sys

from WMCore.WMRuntime.Command import (AreaCommand, ContainerCommand, DoctorCommand, ExecutableCommand,
                                      InterpreterCommand, JobReportCommand, NodeCommand, ReleaseCommand, WheelsCommand)
from WMCore.WMRuntime.Errors import WMRuntimeError

COMMANDS = (NodeCommand, ReleaseCommand, InterpreterCommand, ExecutableCommand, JobReportCommand, AreaCommand,
            WheelsCommand, ContainerCommand, DoctorCommand)


def makeParser():
    """
    Build the parser from all commands.

    :return: argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(prog="wmruntime", description="Tools of the CMS worker-node runtime.")
    groups = parser.add_subparsers(dest="group", metavar="COMMAND")
    groups.required = True
    for command in COMMANDS:
        command.register(groups)
    return parser


def main(argv=None):
    """
    Run one command.

    :param argv: list of str, arguments without the program's name; None for the process's own
    :return: int, process status: 0 done, 1 the command says no, 2 wrong arguments, 141 when
        nobody reads on
    """
    arguments = makeParser().parse_args(argv)
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except WMRuntimeError as ex:
        print("wmruntime: %s" % ex, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, `head` say, has seen enough; python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("wmruntime: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
