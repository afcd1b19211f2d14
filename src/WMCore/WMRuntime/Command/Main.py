"""
The wmruntime command line.
"""
import argparse
import sys

from WMCore.WMRuntime.Command import ExecutableCommand, InterpreterCommand, NodeCommand, ReleaseCommand
from WMCore.WMRuntime.Errors import WMRuntimeError

COMMANDS = (NodeCommand, ReleaseCommand, InterpreterCommand, ExecutableCommand)


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
    :return: int, process status: 0 done, 1 the command says no, 2 wrong arguments
    """
    arguments = makeParser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except WMRuntimeError as ex:
        print("wmruntime: %s" % ex, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("wmruntime: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
