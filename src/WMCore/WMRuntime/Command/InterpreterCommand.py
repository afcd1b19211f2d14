"""
`wmruntime interpreter`: which python something runs in, and why.
"""
import json
import logging
import os
import sys

from packaging.specifiers import InvalidSpecifier

from WMCore.WMRuntime.Command.ReleaseCommand import addReleaseArguments, findRelease
from WMCore.WMRuntime.Command.Table import printRow
from WMCore.WMRuntime.Environment.CleanEnvironment import START_VARIABLES
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Interpreter.Interpreter import versionText
from WMCore.WMRuntime.Interpreter.InterpreterProvider import PURPOSES
from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver


def register(groups):
    """
    Add the interpreter commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("interpreter", help="which python a script, a tool or a payload runs in")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    resolve = commands.add_parser("resolve", help="choose an interpreter, with the reasons")
    resolve.add_argument("--purpose", choices=PURPOSES, default=PURPOSES[0], help="what for (default %(default)s)")
    resolve.add_argument("--python", metavar="VERSIONS", help="the versions that will do, such as '>=3.6,<3.10'")
    resolve.add_argument("--setting", metavar="PATH", help="the interpreter a step asks for; a bare name is looked for in "
                         "the job's PATH, where a job in a release has the release's before it, which is not known here")
    resolve.add_argument("--path", metavar="DIRS", help="the PATH the job starts with (default: %s, else this shell's)" %
                         START_VARIABLES["PATH"])
    resolve.add_argument("--plugin", action="append", default=[], metavar="MODULE:ATTRIBUTE", help="a further provider")
    addReleaseArguments(resolve)
    resolve.add_argument("--json", action="store_true", help="print it as JSON")
    resolve.set_defaults(run=_resolve)


def _resolve(arguments):
    # What the resolver logs for a job is in the table.
    logging.basicConfig(level=logging.CRITICAL)
    environ = dict(os.environ)
    if arguments.root:
        environ["VO_CMS_SW_DIR"] = os.path.abspath(arguments.root[0])
    if arguments.path is not None:
        environ[START_VARIABLES["PATH"]] = arguments.path
    resolver = InterpreterResolver(environ, plugins=arguments.plugin)
    try:
        resolution = resolver.resolve(arguments.purpose, findRelease(arguments), arguments.python, arguments.setting)
    except InvalidSpecifier as ex:
        raise WMRuntimeError(None, "Those are no versions: %s" % ex, "", "write them as '>=3.6,<3.10'")
    if arguments.json:
        print(json.dumps(resolution.toDict(), indent=2, sort_keys=True))
    else:
        _tell(resolution)
    if resolution.interpreter is None:
        print("wmruntime: no python fits\n  what to do: name one in WMRUNTIME_PYTHON, ask for other versions by "
              "--python, or name a release that has one", file=sys.stderr)
        return 1
    return 0


def _tell(resolution):
    rows = [("purpose", "%s, python %s" % (resolution.purpose, resolution.requirement or "of any version"))]
    chosen = resolution.interpreter
    if chosen is not None:
        rows += [("interpreter", chosen.path), ("version", versionText(chosen.version)), ("provider", chosen.provider)]
        rows += [("because", reason) for reason in chosen.reasons]
    rows += [("rejected", "%-18s %s: %s" % (rejected.provider, rejected.path or "-", rejected.reason))
             for rejected in resolution.rejected]
    for row in rows:
        printRow(*row)
