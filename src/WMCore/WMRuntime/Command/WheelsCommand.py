"""
`wmruntime wheels`: collect libraries for nodes whose python lacks them, check them, and say what sending them costs.
"""
import os
import sys

from WMCore.WMRuntime.Command.Table import printRow
from WMCore.WMRuntime.Environment.CompAreas import cmsRoots
from WMCore.WMRuntime.Environment.Description import NEEDED, loadDescription
from WMCore.WMRuntime.Environment.Wheelhouse import verifyWheel
from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelCost import JOBS_PER_DAY, WheelCost, sizeText
from WMCore.WMRuntime.Publishing.WheelPlan import WHEELHOUSE_VARIABLE, areaPythons, planWheels
from WMCore.WMRuntime.Publishing.WheelTarget import PYTHONS, targetsOf
from WMCore.WMRuntime.VendoredPackages import findVendored, sandboxPackagesDirectory

_WIDTH = 16


def register(groups):
    """
    Add the wheels commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("wheels", help="libraries that travel with a job: collect, check, cost")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    collect = commands.add_parser("collect", help="fetch the wheels the description pins, with pip; what an "
                                  "earlier collection left there and this one does not ask for is removed")
    _addCommon(collect)
    collect.add_argument("--python", action="append", default=[], choices=["%d.%d" % one for one in PYTHONS],
                         help="only for this python; may be repeated")
    collect.add_argument("--library", action="append", default=[], help="only this library; may be repeated")
    collect.add_argument("--find-links", action="append", default=[], metavar="DIR", help="take wheels from here, too")
    collect.add_argument("--no-index", action="store_true", help="take them from nowhere else")
    collect.add_argument("--index-url", metavar="URL", help="the index (default: the one pip is set up for)")
    collect.add_argument("--update-lock", action="store_true", help="accept files that wheels.lock does not name")
    collect.set_defaults(run=_collect)
    check = commands.add_parser("check", help="verify every wheel of a directory against its index, and that it brings no "
                                "modules but its library's")
    check.add_argument("directory", metavar="DIR")
    check.add_argument("--description", metavar="FILE", help="another requirements.cfg")
    check.set_defaults(run=_check)
    cost = commands.add_parser("cost", help="what the wheels add to each job's transfer, and to a day's")
    _addCommon(cost)
    cost.add_argument("--root", action="append", metavar="DIR",
                      help="CMS directory with areas, for what they have (default: those the environment names)")
    cost.add_argument("--jobs", type=int, default=JOBS_PER_DAY, help="jobs a day (default %(default)s)")
    cost.add_argument("--sandbox", metavar="FILE", help="say instead what is in this sandbox")
    cost.set_defaults(run=_cost)


def _addCommon(parser):
    parser.add_argument("directory", metavar="DIR", nargs="?", default=os.environ.get(WHEELHOUSE_VARIABLE),
                        help="the directory of wheels (default: %s)" % WHEELHOUSE_VARIABLE)
    parser.add_argument("--description", metavar="FILE", help="another requirements.cfg")
    parser.add_argument("--system", action="append", default=[], help="only this one, such as rhel8; may be repeated")
    parser.add_argument("--cpu", action="append", default=[], help="only this one, such as x86_64; may be repeated")


def _directory(arguments):
    if not arguments.directory:
        raise WMRuntimeError(None, "No directory of wheels is named.", "", "give DIR, or set %s" % WHEELHOUSE_VARIABLE)
    return arguments.directory


def _checkNames(arguments, description):
    """Refuse a name the description does not have: it would select nothing, and look like nothing to do."""
    for option, known in (("system", [system.name for system in description.systems]), ("cpu", description.cpus),
                          ("library", [library.name for library in description.libraries])):
        for name in getattr(arguments, option, ()):
            if name not in known:
                raise WMRuntimeError(None, "The description has no such %s." % option,
                                     "--%s %s: expected one of %s" % (option, name, ", ".join(known)), "correct it")


def _collect(arguments):
    # pip is started, and files are written, by this action alone.
    from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
    from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
    directory, description = _directory(arguments), loadDescription(arguments.description)
    _checkNames(arguments, description)
    pythons = [tuple(int(part) for part in text.split(".")) for text in arguments.python]
    collector = WheelCollector(directory, PipDownload(arguments.index_url, arguments.find_links, arguments.no_index),
                               arguments.update_lock, lambda text: printRow("", text, 2))
    found = collector.collect(description, targetsOf(description, arguments.system, arguments.cpu, pythons),
                              arguments.library)
    for (library, version), targets in _byLibrary(found.missing).items():
        printRow("no wheel", "%s %s (%s) for %s" % (library.name, version, library.need, ", ".join(targets)), _WIDTH)
    wheels = found.index.wheels
    printRow("collected", "%d wheels, %s, in %s; %d of them new" % (
        len(wheels), sizeText(sum(entry.size for entry in wheels)), directory, len(found.fetched)), _WIDTH)
    return 1 if any(one.library.need == NEEDED for one in found.missing) else 0


def _byLibrary(missing):
    """Gather for each library and version the targets it is missing for."""
    found = {}
    for one in missing:
        found.setdefault((one.library, one.version), []).append("%d.%d %s_%s" % (
            one.target.python + (one.target.system, one.target.cpu)))
    return found


def _check(arguments):
    index, description = loadWheelIndex(arguments.directory), loadDescription(arguments.description)
    if index is None:
        raise WMRuntimeError(None, "There is no index of wheels.",
                             "%s: expected %s" % (arguments.directory, INDEX_NAME), "collect wheels there")
    bad = 0
    for entry in index.wheels:
        try:
            content, library = verifyWheel(index, entry, description)
            kind = "pure" if content.pure else "binary"
            printRow("good", "%s, %s, %s%s" % (entry.file, sizeText(entry.size), kind, "" if library is not None else
                                               "; its library is not in the description, so no job takes it"), _WIDTH)
        except WMRuntimeError as ex:
            bad += 1
            printRow("REFUSED", ex.context, _WIDTH)
    printRow("checked", "%d wheels, %d refused" % (len(index.wheels), bad), _WIDTH)
    return 1 if bad else 0


def _carried():
    """Say what every sandbox carries in its WMCore.zip; pyparsing is in none until something imports it."""
    packages = findVendored(sandboxPackagesDirectory(os.environ, sys.prefix))
    return {name: package.version for name, package in packages.items() if name != "pyparsing"}


def _cost(arguments):
    if arguments.sandbox:
        printRow("sandbox", WheelCost.ofSandbox(arguments.sandbox).text(arguments.jobs), _WIDTH)
        return 0
    directory, description = _directory(arguments), loadDescription(arguments.description)
    _checkNames(arguments, description)
    roots = arguments.root or cmsRoots(os.environ)
    carried = _carried()
    for system, cpu in description.targets():
        if (arguments.system and system.name not in arguments.system) or (arguments.cpu and cpu not in arguments.cpu):
            continue
        area = areaPythons(system, cpu, description, roots)
        plan = planWheels(directory, description, [(system, cpu)], roots, carried)
        printRow("%s_%s" % (system.name, cpu), "%s; python %s, %s" % (
            plan.cost.text(arguments.jobs), " ".join("%d.%d" % python for python in area.pythons), area.source), _WIDTH)
    return 0
