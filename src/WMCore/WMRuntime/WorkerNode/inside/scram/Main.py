"""The command line of the scram stand-in."""
import os
import sys

from . import Commands
from .Context import Context, Ended
from .Faults import applyFault
from .ProjectCommand import project
from .Toolbox import ToolError

COMMANDS = {"project": project, "runtime": Commands.runtime, "unsetenv": Commands.unsetenv, "tool": Commands.tool,
            "list": Commands.listProjects, "arch": Commands.arch, "version": Commands.version}
#: Commands of the real scram that need its build system; named, so that abbreviations mean the same.
NOT_FAKED = ("build", "config", "db", "help", "setup", "install")
_OTHER_TERMINAL = ("WARNING: In non-interactive mode release checks e.g. deprecated releases, production architectures "
                   "are disabled.\n")


def main(argv, environ, recordCall):
    """
    Run one command.

    :param argv: list of str, arguments without the program's name
    :param environ: dict, as the wrapper scripts leave it
    :param recordCall: callable(log, program, arguments, exitCode) that writes the node's log of calls
    :return: int, exit code
    """
    context = Context(environ)
    log = os.path.join(context.node, "var", "calls.jsonl")
    recorded = []

    def record(code=None):
        if not recorded:
            recorded.append(recordCall(log, "scram", argv, code))

    code = None
    try:
        code = _run(context, argv, record)
    except Ended as ended:
        code = ended.code
    except ToolError as error:
        sys.stderr.write("**** ERROR: %s\n" % error)
        code = 2
    finally:
        sys.stdout.flush()
        record(1 if code is None else code)
    return code


def _run(context, argv, beforeHang):
    words, wantsHelp = _commonOptions(context, argv)
    name = _fullName(words[0]) if words and not wantsHelp else None
    if name is None:
        return _usage(context, wantsHelp)
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write(_OTHER_TERMINAL)
    if name in NOT_FAKED:
        sys.stderr.write("scram %s: the stand-in of a worker node in a box does not build, set up or configure\n" % name)
        return 1
    code = applyFault(context.node, name, beforeHang)
    return COMMANDS[name](context, words[1:]) if code is None else code


def _commonOptions(context, argv):
    """Take out the options that every command knows; return the other words and whether help was asked for."""
    words = []
    wantsHelp = False
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word in ("-a", "--arch", "-arch") and rest:
            context.forceArch(rest.pop(0))
        elif word.startswith("--arch="):
            context.forceArch(word.split("=", 1)[1])
        elif word in ("-h", "--help", "-help"):
            wantsHelp = True
        elif word not in ("-f", "--force", "-v", "--verbose", "--debug"):
            words.append(word)
    return words, wantsHelp


def _fullName(word):
    """Return the command that a unique prefix stands for, or None."""
    names = sorted(COMMANDS) + list(NOT_FAKED)
    if word in names:
        return word
    matching = [name for name in names if name.startswith(word)]
    if len(matching) > 1:
        sys.stderr.write("SCRAM error: Multiple commands matched '%s': %s\n" % (word, ", ".join(matching)))
        raise Ended(1)
    return matching[0] if matching else None


def _usage(context, wantsHelp):
    stars = "*" * 51
    lines = [stars, "SCRAM HELP ------------- Recognised Commands", stars, ""]
    lines += ["\t scram %s" % name for name in sorted(COMMANDS)]
    lines += ["", "See scram manual pages for detail documentation about these commands.", ""]
    (sys.stdout if context.isV3 or wantsHelp else sys.stderr).write("\n".join(lines) + "\n")
    return 0 if wantsHelp else 1
