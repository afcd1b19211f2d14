"""
`wmruntime release`: what a CMSSW release offers, and how that is known.
"""
import json
import os

import attr

from WMCore.WMRuntime.Command.Table import printRow
from WMCore.WMRuntime.Environment.CleanEnvironment import PYTHON_VARIABLES
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Interpreter.Interpreter import versionText
from WMCore.WMRuntime.Release.Release import Release, ReleaseNotFound

_WIDTH, _MANY = 14, 20


def register(groups):
    """
    Add the release commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("release", help="what a CMSSW release offers: pythons, executables")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    show = commands.add_parser("show", help="say where a release is and what it has")
    addReleaseArguments(show, True)
    show.add_argument("--ask", action="store_true", help="where files do not tell which python cmsRun has, start the "
                      "release's python3 to find out; in the release's own environment only")
    show.add_argument("--json", action="store_true", help="print it as JSON")
    show.set_defaults(run=_show)


def addReleaseArguments(parser, positional=False):
    """
    Add the arguments that name a release.

    :param parser: argparse parser of an action
    :param positional: bool, whether the release is an argument of its own and not an option
    """
    if positional:
        parser.add_argument("release", nargs="?", help="such as CMSSW_13_0_3 (default: the one of the environment)")
    else:
        parser.add_argument("--release", help="such as CMSSW_13_0_3 (default: the one of the environment, if any)")
    parser.add_argument("--arch", help="scram arch (default: the newest that has the release)")
    parser.add_argument("--root", action="append", metavar="DIR",
                        help="directory that holds <arch>/cms/... (default: those the environment names)")


def findRelease(arguments):
    """
    Find the release that is named.

    :param arguments: parsed arguments with release, arch and root
    :return: Release; None when none is named and the environment has none
    :raises ReleaseNotFound: when it is not there
    """
    if arguments.release:
        roots = [os.path.abspath(root) for root in arguments.root] if arguments.root else None
        return Release.locate(arguments.release, arguments.arch, roots)
    if os.environ.get("CMSSW_BASE"):
        return Release.fromEnvironment()
    return None


def describeRelease(release, runtime=None):
    """
    Gather what a release has.

    :param release: Release
    :param runtime: dict, its runtime environment, to start its python3 where files do not tell; or None
    :return: dict, ready for JSON
    """
    answer = release.cmsRunPython(runtime)
    manifests, broken = release.manifests()
    return {"release": release.version, "arch": release.arch, "directory": release.directory, "area": release.area,
            "base": release.base.directory if release.base else None, "scram": release.scramVersion or None,
            "tools": len(manifests), "brokenManifests": [error.context for error in broken],
            "executables": release.executables(), "notes": list(release.notes),
            "pythons": [dict(attr.asdict(python), version=list(python.version)) for python in release.pythons()],
            "cmsRun": {"python": answer.major, "sure": answer.sure, "rung": answer.rung,
                       "reasons": list(answer.reasons)}}


def _show(arguments):
    release = findRelease(arguments)
    if release is None:
        raise WMRuntimeError(None, "No release is named.", "there is none in the environment either",
                             "name one, or run this in a release's environment")
    found = describeRelease(release, _runtimeOf(release) if arguments.ask else None)
    if arguments.json:
        print(json.dumps(found, indent=2, sort_keys=True))
    else:
        _tell(found)
    return 0


def _runtimeOf(release):
    """Take the runtime environment of a release from this process's own, without what steers other pythons."""
    try:
        directory = Release.fromEnvironment().directory
    except ReleaseNotFound:
        directory = None
    if directory is None or os.path.realpath(directory) != os.path.realpath(release.directory):
        raise WMRuntimeError(None, "The python3 of %s cannot be asked." % release.version,
                             "this is %s" % ("the environment of %s" % directory if directory else "no release's environment"),
                             "run cmsenv in a project area of it, and then this again")
    return {name: value for name, value in os.environ.items() if name not in PYTHON_VARIABLES + ("PYTHONPATH",)}


def _tell(found):
    _row("release", "%s for %s" % (found["release"], found["arch"]))
    _row("directory", found["directory"])
    for name, key in (("project area", "area"), ("base release", "base")):
        _rows(name, [found[key]] if found[key] else [])
    _row("SCRAM", found["scram"] or "unknown")
    _row("tools", "%d selected" % (found["tools"] + len(found["brokenManifests"])))
    _rows("", ["  cannot be used: " + text for text in found["brokenManifests"]])
    for python in found["pythons"]:
        _row("python %d" % python["major"], "%s  %s%s" % (versionText(tuple(python["version"])), python["path"],
                                                         "" if python["exists"] else "  (MISSING)"))
        _rows("", ["  " + reason for reason in python["reasons"]])
    names = sorted(found["executables"])
    _row("executables", "%d: %s" % (len(names), ", ".join(names[:_MANY]) + (", ..." if len(names) > _MANY else ""))
         if names else "none")
    cmsRun = found["cmsRun"]
    _row("cmsRun", "python %s%s" % (cmsRun["python"] or "unknown", "" if cmsRun["sure"] else ", not sure"))
    _rows("", ["  " + reason for reason in cmsRun["reasons"]])
    _rows("note", found["notes"])


def _row(name, text):
    printRow(name, text, _WIDTH)


def _rows(name, texts):
    for text in texts:
        _row(name, text)
