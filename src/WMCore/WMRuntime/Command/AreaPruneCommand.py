"""
`wmruntime area prune`: remove builds of areas that nothing needs any more.
"""
import os

from WMCore.WMRuntime.Command.AreaPlace import addPlace, areaFolder
from WMCore.WMRuntime.Command.Table import printFailure, printRow
from WMCore.WMRuntime.Command.Termination import terminationInterrupts
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError

_WIDTH, _KEPT = 16, 3


def register(commands):
    """
    Add the action to the parser.

    :param commands: the subparsers of wmruntime area
    """
    prune = commands.add_parser("prune", help="say which old builds nothing names any more; --remove removes them")
    prune.add_argument("areas", nargs="*", metavar="AREA", help="such as rhel8_x86_64")
    prune.add_argument("--all", action="store_true", help="all areas that were published there")
    addPlace(prune)
    prune.add_argument("--keep", type=int, default=_KEPT, metavar="N", help="the N newest stay, whatever names them "
                       "(default %(default)s)")
    prune.add_argument("--drop-pins", action="store_true", help="builds go, too, that are there only for jobs that pin "
                       "their python: the builds that stay offer it no more")
    prune.add_argument("--remove", action="store_true", help="remove them (default: only say so)")
    prune.set_defaults(run=_prune)


def _prune(arguments):
    from WMCore.WMRuntime.Publishing.AreaPruning import planPruning, pruneArea
    description = loadDescription(arguments.description)
    if arguments.keep < 1:
        raise WMRuntimeError(None, "--keep needs a number of 1 or more.", "found %d" % arguments.keep, "leave it out")
    folder = areaFolder(arguments, description)
    folders = [os.path.join(os.path.dirname(folder), name) for name in description.areaPaths]
    work, gone, failed = pruneArea if arguments.remove else planPruning, 0, False
    with terminationInterrupts():
        for switch in _switches(arguments, folder):
            try:
                plan = work(switch, folders, arguments.keep, arguments.drop_pins)
            except WMRuntimeError as ex:
                printFailure(switch.name, ex, _WIDTH)
                failed = True
                continue
            gone += len(plan.goes)
            _tell(plan, arguments.remove)
    if gone and not arguments.remove:
        print("nothing was removed: --remove does it")
    return 1 if failed else 0


def _switches(arguments, folder):
    """Choose the areas."""
    from WMCore.WMRuntime.Publishing.AreaSwitch import publishedAreas
    published = {switch.name: switch for switch in publishedAreas(folder)}
    if bool(arguments.areas) == arguments.all:
        raise WMRuntimeError(None, "It is not said which areas to prune.", "found %s" % (
            " ".join(arguments.areas) or "none"), "name some, or give --all alone")
    for name in arguments.areas:
        if name not in published:
            raise WMRuntimeError(None, "There is no area %s." % name, "%s: found %s" % (
                folder, ", ".join(published) or "none"), "name one of these; look with `wmruntime area list`")
    return [switch for name, switch in published.items() if arguments.all or name in arguments.areas]


def _tell(plan, removed):
    """Print what became of each build, or would become."""
    rows = {build: "stays, " + why for build, why in plan.stays.items()}
    rows.update((build, "%s, %.1f MB" % ("is removed" if removed else "can go", size / 1e6)) for build, size in plan.goes.items())
    name = plan.switch.name
    for build in sorted(rows, reverse=True):
        printRow(name, "build %d %s" % (build, rows[build]), _WIDTH)
        name = ""
    for build, versions in sorted(plan.pins.items()):
        printRow("", "build %d %s %s to jobs that pin it" % (
            build, "no longer offers" if removed else "would no longer offer", ", ".join(versions)), _WIDTH)
