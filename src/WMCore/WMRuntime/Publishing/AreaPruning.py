"""
Which builds of an area can go, and their removal: those that no link names, and nobody is seen to use.
"""
import os
import shutil

import attr

from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME, loadManifest, manifestText
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaBuilder import areaTime
from WMCore.WMRuntime.Publishing.AreaLock import areaLock
from WMCore.WMRuntime.Publishing.AreaPublisher import removeRemains
from WMCore.WMRuntime.Publishing.WholeFile import writeWholeFile

_PYTHONS = os.path.join("external", "python3")


@attr.s(frozen=True)
class PruningPlan(object):
    """
    Hold which builds of an area stay, and which go.

    :param switch: AreaSwitch of the area
    :param stays: dict of int, number of a build, to str, why it stays
    :param goes: dict of int, number of a build, to int, its bytes
    :param pins: dict of int, number of a build that stays, to tuple of str, the versions it offers from builds that go
    """
    switch = attr.ib()
    stays = attr.ib(type=dict)
    goes = attr.ib(type=dict)
    pins = attr.ib(type=dict)


def planPruning(switch, folders, keep, dropPins=False):
    """
    Tell which builds can go; change nothing.

    :param switch: AreaSwitch
    :param folders: sequence of str, directories whose links may name a build, beside those of the area's own folder
    :param keep: int, how many of the newest builds stay whatever names them
    :param dropPins: bool, whether builds may go that others name as the place of an older python, for jobs that pin it
    :return: PruningPlan; the python that is the default of a build that stays is never in one that goes
    :raises WMRuntimeError: when the area is somebody else's
    """
    switch.current()
    builds = switch.builds()
    stays = _namedBuilds(switch, folders)
    stays.update((build, why) for build, why in _runningBuilds(switch).items() if build not in stays)
    stays.update((build, "one of the %d newest" % keep) for build in builds[-keep:] if build not in stays)
    waiting = [build for build in builds if build in stays]
    while waiting:
        build = waiting.pop()
        for other, why in _offered(switch, build, dropPins):
            if other in builds and other not in stays:
                stays[other] = why
                waiting.append(other)
    goes = {build: _size(switch.directory(build)) for build in builds if build not in stays}
    pins = {build: tuple(sorted(name for name, place in _pythons(switch, build)[0].items() if place in goes))
            for build in builds if build in stays}
    return PruningPlan(switch, {build: stays[build] for build in builds if build in stays}, goes,
                       {build: names for build, names in pins.items() if names})


def pruneArea(switch, folders, keep, dropPins=False):
    """
    Remove the builds that can go.

    :param switch: AreaSwitch
    :param folders: as for planPruning
    :param keep: as for planPruning
    :param dropPins: as for planPruning; the links to the pythons that go are taken out of the builds that stay
    :return: PruningPlan, which was carried out
    :raises WMRuntimeError: when a build is being made, the area is switched meanwhile, or something cannot be removed;
        what jobs see is whole all the same
    """
    with areaLock(switch.lock):
        try:
            removeRemains(switch)
            plan = planPruning(switch, folders, keep, dropPins)
            for build, versions in plan.pins.items():
                _dropPins(switch, build, versions)
            for build in plan.goes:
                _remove(switch, folders, build)
        except OSError as ex:
            raise WMRuntimeError(None, "Builds of %s cannot be removed." % switch.name, str(ex),
                                 "see whether the directory can be written (on CVMFS: inside a transaction), and repeat it")
    return plan


def _namedBuilds(switch, folders):
    """Find the builds that links name: dict of int to str which."""
    found = {}
    own = os.path.dirname(switch.link)
    for folder in [own, os.path.dirname(switch.directory(1))] + [one for one in folders if one != own]:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            build = switch.holding(path) if os.path.islink(path) else None
            if build is not None:
                found.setdefault(build, "jobs see it" if path == switch.link else "%s leads to it" % path)
    return found


def _runningBuilds(switch):
    """Find the builds whose python runs, as far as this machine tells: dict of int to str which process."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            build = switch.holding(os.readlink("/proc/%s/exe" % name))
        except OSError:
            continue  # it has ended, or is somebody else's
        if build is not None:
            found.setdefault(build, "process %s runs in it" % name)
    return found


def _pythons(switch, build):
    """Give the pythons a build offers: (dict of str version to int build it lies in, str version that is the default)."""
    try:
        versions = AreaVersions.read(os.path.join(switch.directory(build), _PYTHONS))
    except OSError:
        return {}, ""  # the libraries alone
    return {version.name: switch.holding(version.directory) for version in versions.versions}, versions.default


def _offered(switch, build, dropPins):
    """Yield (int other build, str why it stays) for the pythons a build offers."""
    places, default = _pythons(switch, build)
    for name, other in sorted(places.items()):
        if name == default:
            yield other, "build %d gives its python %s to jobs that ask for none" % (build, name)
        elif not dropPins:
            yield other, "build %d offers its python %s to jobs that pin it" % (build, name)


def _size(directory):
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _folders, names in os.walk(directory)
               for name in names)


def _dropPins(switch, build, versions):
    """Take links to pythons out of a build, of its manifest first: who is killed in between can begin again."""
    area = switch.directory(build)
    paths = ["%s/%s" % (_PYTHONS, version) for version in versions]
    manifest = loadManifest(area)
    if manifest is not None:
        files = {path: one for path, one in manifest.files.items() if path not in paths}
        writeWholeFile(os.path.join(area, MANIFEST_NAME), manifestText(attr.evolve(manifest, files=files)))
    for path in paths:
        os.unlink(os.path.join(area, path))
    for path in (os.path.join(area, MANIFEST_NAME), os.path.join(area, _PYTHONS), area):
        if os.path.exists(path):
            os.utime(path, (areaTime(build), areaTime(build)))


def _remove(switch, folders, build):
    """Remove a build, at once for all who look; a switch to it that came in between stands."""
    directory = switch.directory(build)
    aside = os.path.join(os.path.dirname(directory), ".%s.removed" % os.path.basename(directory))
    os.rename(directory, aside)
    named = _namedBuilds(switch, folders)
    if build in named:
        os.rename(aside, directory)
        raise WMRuntimeError(None, "Build %d of %s is not removed." % (build, switch.name),
                             "somebody began to use it meanwhile: %s" % named[build], "repeat it")
    shutil.rmtree(aside)
