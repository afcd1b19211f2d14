"""
`wmruntime executable`: which executable runs a PSet in a release, and why.
"""
import json
import os

from WMCore.WMRuntime.Command.ReleaseCommand import addReleaseArguments, findRelease
from WMCore.WMRuntime.Command.Table import printRow
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableChoice import POLICIES
from WMCore.WMRuntime.Payload.ExecutableSelector import namedPlugins, selectExecutable


def register(groups):
    """
    Add the executable commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("executable", help="which executable runs a PSet in a release")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    select = commands.add_parser("select", help="choose cmsRun or its twin, with the reasons")
    select.add_argument("--pset", metavar="FILE", help="the PSet; nothing of it is run")
    select.add_argument("--requested", default="auto", metavar="NAME",
                        help="what the step asks for: cmsRun, cmsRunPython3, auto, any name (default %(default)s)")
    select.add_argument("--policy", choices=POLICIES, help="(default: matchPSet for auto, else asRequested)")
    select.add_argument("--plugin", action="append", default=[], metavar="MODULE:ATTRIBUTE", help="a further provider")
    addReleaseArguments(select)
    select.add_argument("--json", action="store_true", help="print it as JSON")
    select.set_defaults(run=_select)


def _select(arguments):
    release = findRelease(arguments)
    if release is None:
        raise WMRuntimeError(None, "No release is named.", "there is none in the environment either",
                             "give --release, or run this in a release's environment")
    if arguments.pset and not os.path.isfile(arguments.pset):
        raise WMRuntimeError(None, "There is no PSet %s." % arguments.pset, "", "give the path of a file")
    # This process's own environment is the release's only where it names the release.
    environ = None if arguments.release else dict(os.environ)
    choice = selectExecutable(release, arguments.requested, arguments.pset, arguments.policy,
                              environ and environ.get("PATH"), os.getcwd(),
                              plugins=tuple(arguments.plugin) + namedPlugins(os.environ), environ=environ)
    if arguments.json:
        print(json.dumps(choice.toDict(), indent=2, sort_keys=True))
        return 0
    rows = [("release", "%s for %s" % (release.version, release.arch)), ("executable", choice.name),
            ("path", choice.path), ("python", choice.python or "unknown"), ("policy", choice.policy)]
    if choice.language is not None:
        rows.append(("PSet", "%s (%d files looked at)" % (choice.language.verdict, len(choice.language.files))))
    rows += [("because", reason) for reason in choice.reasons]
    rows += [("rejected", "%s: %s" % (item.name, item.reason)) for item in choice.rejected]
    for name, text in rows:
        printRow(name, text)
    return 0
