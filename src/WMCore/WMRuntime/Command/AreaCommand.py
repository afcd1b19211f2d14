"""
`wmruntime area`: build the areas that jobs take their python from, publish them, go back, clear up.
"""
import functools
import json
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, wait

from WMCore.WMRuntime.AreaCheck import CheckCommand
from WMCore.WMRuntime.Command import AreaPruneCommand
from WMCore.WMRuntime.Command.AreaPlace import addPlace, areaFolder
from WMCore.WMRuntime.Command.Table import printFailure, printRow
from WMCore.WMRuntime.Command.Termination import terminationInterrupts
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError

_WIDTH, _WAIT_SECONDS = 16, 0.1


def register(groups):
    """
    Add the area commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("area", help="the areas on CVMFS that jobs take their python and libraries from")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True
    _registerBuild(commands)
    CheckCommand.register(commands)
    rollback = commands.add_parser("rollback", help="let jobs see an older build of an area, at once")
    rollback.add_argument("area", metavar="AREA", help="such as rhel8_x86_64")
    addPlace(rollback)
    rollback.add_argument("--to", type=int, metavar="N", help="number of the build (default: the one before)")
    rollback.set_defaults(run=_rollback)
    listed = commands.add_parser("list", help="list the areas published under a root, and their builds")
    addPlace(listed)
    listed.add_argument("--json", action="store_true", help="print it as JSON")
    listed.set_defaults(run=_list)
    AreaPruneCommand.register(commands)


def _registerBuild(commands):
    build = commands.add_parser("build", help="build areas from pythons of this machine and wheels, and publish them")
    build.add_argument("areas", nargs="*", metavar="AREA", help="such as rhel8_x86_64")
    build.add_argument("--all", action="store_true", help="all areas of the description; those for other CPUs than "
                       "this machine's get their layout and libraries alone")
    addPlace(build)
    build.add_argument("--python", action="append", default=[], metavar="PREFIX", help="an installed python to choose "
                       "from, the oldest that fits (default: those of this machine)")
    build.add_argument("--wheels", metavar="DIR", help="where `wmruntime wheels collect` put them (default: fetched by "
                       "pip)")
    build.add_argument("--layout-only", action="store_true", help="no interpreter: for a CPU that is not here")
    build.add_argument("--keep-default", action="store_true", help="jobs that ask for no version stay with the python "
                       "they have now")
    build.add_argument("--no-switch", action="store_true", help="leave it unseen by jobs until `area rollback --to N`")
    build.add_argument("--keep-symbols", action="store_true", help="keep the symbols for a debugger, twice the size")
    build.add_argument("--archive", metavar="FILE", help="write the one area built as FILE, a .tar.xz, too")
    build.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="areas built at a time "
                       "(default %(default)s)")
    build.set_defaults(run=_build)


def _switch(arguments):
    from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
    description = loadDescription(arguments.description)
    _target(description, arguments.area)
    return AreaSwitch(areaFolder(arguments, description), arguments.area)


def _target(description, name):
    """Find the system and the CPU of an area by its name."""
    targets = {"%s_%s" % (system.name, cpu): (system, cpu) for system, cpu in description.targets()}
    if name not in targets:
        raise WMRuntimeError(None, "There is no area %s." % name, "expected one of %s" % ", ".join(sorted(targets)),
                             "name one of these, or add it to the description")
    return targets[name]


def _build(arguments):
    description = loadDescription(arguments.description)
    everyName = ["%s_%s" % (system.name, cpu) for system, cpu in description.targets()]
    names = everyName if arguments.all else arguments.areas
    if not names or arguments.all and arguments.areas:
        raise WMRuntimeError(None, "It is not said which areas to build.", "found %s" % (" ".join(names) or "none"),
                             "name some, or give --all alone")
    if arguments.archive and len(names) > 1:
        raise WMRuntimeError(None, "One archive holds one area.", "found %d areas" % len(names), "name one area")
    if arguments.jobs < 1:
        raise WMRuntimeError(None, "--jobs needs a number of 1 or more.", "found %d" % arguments.jobs, "leave it out")
    folder, stopped = areaFolder(arguments, description), threading.Event()
    with terminationInterrupts(), tempfile.TemporaryDirectory(prefix="wmruntime-area-") as scratch:
        requests = _requests(arguments, description, names, scratch)
        works = [functools.partial(_publish, arguments, folder, request, stopped) for request in requests]
        good = _doAll(works, arguments.jobs, functools.partial(_tell, unseen=arguments.no_switch), stopped)
    return 0 if all(good) else 1


def _doAll(works, jobs, tell, stopped):
    """Do works, some at a time, and tell of each in order; after an interrupt no more are begun, and none is shown."""
    if min(len(works), jobs) <= 1:
        return [tell(*work()) for work in works]  # in this thread, where an interrupt reaches it
    begin, futures = threading.Event(), []

    def do(work):
        begin.wait()
        if stopped.is_set():
            raise KeyboardInterrupt()
        return work()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            # An interrupt in here may lose a thread that the pool has just started: none may have begun yet.
            futures.extend(pool.submit(do, work) for work in works)
            begin.set()
            return [tell(*_await(future)) for future in futures]
        finally:
            stopped.set()
            begin.set()
            for future in futures:
                future.cancel()


def _await(future):
    """Give a future's result; a signal that comes just as a wait begins is seen when it ends, so it is a short one."""
    while not wait([future], _WAIT_SECONDS).done:
        pass
    return future.result()


def _requests(arguments, description, names, scratch):
    """Make the request for each area, its python chosen and its wheels at hand."""
    from WMCore.WMRuntime.Publishing.AreaBuilder import AreaRequest
    from WMCore.WMRuntime.Publishing.PythonPrefix import choosePrefix
    prefixes, chosen = _prefixes(arguments), []
    for system, cpu in (_target(description, name) for name in dict.fromkeys(names)):
        chosen.append((system, cpu, choosePrefix(prefixes, system)))
    wheels = _wheels(arguments, description, chosen, scratch)
    return [AreaRequest(system.name, cpu, prefix.versionText,
                        None if arguments.layout_only or arguments.all and cpu != prefix.machine else prefix,
                        description, wheels, arguments.keep_symbols) for system, cpu, prefix in chosen]


def _prefixes(arguments):
    from WMCore.WMRuntime.Publishing.PythonPrefix import describePrefix
    from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons
    paths = arguments.python or [python.executable for python in findMachinePythons().values()
                                 if python.version[0] == 3]
    return [describePrefix(path) for path in paths]


def _wheels(arguments, description, chosen, scratch):
    """Open the wheels given, or let pip fetch those that the areas need."""
    from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, loadWheelIndex
    if arguments.wheels:
        index = loadWheelIndex(arguments.wheels)
        if index is None:
            raise WMRuntimeError(None, "There are no wheels in %s." % arguments.wheels, "expected a %s" % INDEX_NAME,
                                 "collect them there with `wmruntime wheels collect`")
        return index
    from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
    from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
    from WMCore.WMRuntime.Publishing.WheelTarget import WheelTarget
    print("fetching wheels with pip ...")
    targets = [WheelTarget(system.name, cpu, prefix.version[:2], system.glibc) for system, cpu, prefix in chosen]
    return WheelCollector(scratch, PipDownload()).collect(description, targets).index


def _publish(arguments, folder, request, stopped):
    """Publish one area; give its name, what was built, and the error when it was not."""
    from WMCore.WMRuntime.Publishing.AreaArchive import writeAreaArchive
    from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
    from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch

    def finish(built):
        if arguments.archive:
            writeAreaArchive(built, arguments.archive)
        if stopped.is_set():
            raise KeyboardInterrupt()
    try:
        built = publishArea(request, AreaSwitch(folder, request.name), arguments.keep_default, not arguments.no_switch,
                            finish)
        return request.name, built, None
    except WMRuntimeError as ex:
        return request.name, None, ex


def _tell(name, built, error, unseen):
    """Print how the publishing of an area went; return whether it went well."""
    if error is not None:
        printFailure(name, error, _WIDTH)
        return False
    manifest = built.manifest
    printRow(name, "build %d in %.1f s: %s, %d libraries, %d files, %.1f MB%s" % (
        manifest.build, built.seconds, "layout only" if manifest.layoutOnly else "python " + manifest.pythonVersion,
        len(manifest.libraries), len(manifest.files), manifest.size / 1e6,
        "; jobs do not see it yet" if unseen else ""), _WIDTH)
    for warning in built.warnings:
        printRow("", warning, _WIDTH)
    return True


def _rollback(arguments):
    before, now = _switch(arguments).rollback(arguments.to)
    print("%s shows build %d now%s" % (arguments.area, now, ", it was build %d" % before if before else ""))
    return 0


def _list(arguments):
    description = loadDescription(arguments.description)
    from WMCore.WMRuntime.Publishing.AreaSwitch import publishedAreas
    areas = [_areaFacts(switch) for switch in publishedAreas(areaFolder(arguments, description))]
    if arguments.json:
        print(json.dumps(areas, indent=2, sort_keys=True))
        return 0
    for area in areas:
        printRow(area["area"], "no build is shown" if area["shown"] is None else "build %d%s" % (
            area["shown"], ", jobs get python %s" % area["python"] if area["python"] else ""), _WIDTH)
        if area["error"]:
            printRow("", area["error"], _WIDTH)
        for build in area["builds"]:
            printRow("", "%s %d: %s" % ("*" if build["build"] == area["shown"] else " ", build["build"],
                                        build["error"] or "%(python)s, %(libraries)s" % build), _WIDTH)
    if not areas:
        print("no areas were published in %s" % areaFolder(arguments, description))
    return 0


def _areaFacts(switch):
    from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
    facts = {"area": switch.name, "shown": None, "python": "", "error": "",
             "builds": [_buildFacts(switch, build) for build in switch.builds()]}
    try:
        facts["shown"] = switch.current()
    except WMRuntimeError as ex:
        return dict(facts, error="%s %s" % (ex.message, ex.context))
    place = os.path.join(switch.link, "external", "python3")
    if os.path.isdir(place):
        found = AreaVersions.read(place)
        facts.update(python="".join(version.name for version in found.candidates()[:1]), error=found.problem)
    return facts


def _buildFacts(switch, build):
    from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
    facts = {"build": build, "python": "", "libraries": "", "error": ""}
    try:
        manifest = loadManifest(switch.directory(build))
    except WMRuntimeError as ex:
        return dict(facts, error="%s %s" % (ex.message, ex.context))
    if manifest is None:
        return dict(facts, error="there is no manifest")
    return dict(facts, python="layout only" if manifest.layoutOnly else "python " + manifest.pythonVersion,
                libraries=", ".join("%s %s" % (library.name, library.version) for library in manifest.libraries))
