"""
The doctor's arguments and its words: of `wmruntime doctor`, and of a sandbox on a node without it.
"""
import argparse
import json
import os
import sys

from WMCore.WMRuntime.Doctor.Patient import CODE, isSandbox
from WMCore.WMRuntime.Tools.ShownText import shown

PURPOSE = "say what this node has, what a job would use here, and what to mend"


def addArguments(parser):
    """
    Add the doctor's arguments to a parser.

    :param parser: argparse.ArgumentParser
    """
    parser.add_argument("--job", metavar="DIR", help="a job's directory or start directory, with an unpacked sandbox "
                        "(default: the current one, when it has a %s and what belongs to it)" % CODE)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def examineNode(arguments):
    """
    Examine this node and print what is to say.

    :param arguments: what addArguments asked for
    :return: int, 0 when a job could run here, else 1
    """
    # Deferred: the command line must be quick to say what its commands are.
    from WMCore.WMRuntime.Doctor.Doctor import examine
    environ = dict(os.environ)
    diagnosis = examine(environ, jobDirectoryOf(arguments.job))
    content = diagnosis.toDict(environ)
    for line in [json.dumps(content, indent=2, sort_keys=True)] if arguments.json else textLines(content):
        sys.stdout.write((line if arguments.json else shown(line, sys.stdout.encoding)) + "\n")
    return 0 if diagnosis.canRun else 1


def jobDirectoryOf(named):
    """
    Find the directory a sandbox was unpacked in.

    :param named: str, the job's directory, or the one it was started in; None for the current one if it is a job's
    :return: str, or None
    """
    for path in (named or os.curdir, os.path.join(named or os.curdir, "job")):
        # Of one that is named the rest is missed; where nobody said so, the code alone is no job.
        if os.path.isfile(os.path.join(path, CODE)) if named else isSandbox(path):
            return path
    return named


def textLines(content):
    """
    Write a diagnosis for a person.

    :param content: dict, as Diagnosis.toDict gives it
    :return: list of str
    """
    lines = []
    for name, rows in content["found"].items():
        lines.append("== %s" % name)
        for row in rows:
            lines.extend(_row("", row["what"], row["found"]))
    lines.append("== what a job would use here")
    for station in content["job"]:
        lines.extend(_row({True: "ok", False: "NO", None: "--"}[station["ok"]], station["station"], station["text"]))
        for reason in station["reasons"]:
            lines.extend(_row("", "", "because: " + reason))
    lines.append("== what is wrong, and how to mend it")
    for finding in content["findings"]:
        lines.extend(_row("", "%(severity)s %(code)s" % finding, finding["message"]))
        for name, key in (("where", "path"), ("to do", "remedy"), ("see it", "command")):
            if finding[key]:
                lines.extend(_row("", "", "%s: %s" % (name, finding[key])))
    if not content["findings"]:
        lines.append("   nothing")
    lines.append("A job %s here." % ("can run" if content["canRun"] else "CANNOT run"))
    return lines


def _row(mark, name, text):
    """Write one row; more lines of the text go below the first."""
    first, rest = (text.splitlines() or [""])[0], text.splitlines()[1:]
    return ["%-2s %-22s %s" % (mark, name, first)] + ["%26s  %s" % ("", line.strip()) for line in rest]


def main(argv=None):
    """
    Examine this node, without the rest of the command line.

    :param argv: list of str; None for the process's own
    :return: int, process status
    """
    parser = argparse.ArgumentParser(prog="python3 -m WMCore.WMRuntime.Doctor", description=PURPOSE)
    addArguments(parser)
    try:
        status = examineNode(parser.parse_args(argv))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
