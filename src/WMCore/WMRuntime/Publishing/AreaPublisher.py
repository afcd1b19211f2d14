"""
Publish an area: build it beside the builds before it, and show it when it is whole.
"""
import os
import re
import shutil

import attr

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaBuilder import OlderPythons, buildArea
from WMCore.WMRuntime.Publishing.AreaLock import areaLock
from WMCore.WMRuntime.Publishing.WholeFile import makeDirectory


def publishArea(request, switch, keepDefault=False, show=True, finish=lambda built: None):
    """
    Build an area's next build, and let jobs see it.

    The pythons of builds before it can still be asked for by their version: a pin holds when a new one is published.

    :param request: AreaRequest
    :param switch: AreaSwitch of the area
    :param keepDefault: bool, whether jobs that ask for no version stay with the python they have now
    :param show: bool, whether jobs see the build; False leaves it for `area rollback --to`
    :param finish: callable taking the BuiltArea before anybody sees it; what it raises leaves no build
    :return: BuiltArea
    :raises WMRuntimeError: when it cannot be built or shown, or jobs were switched meanwhile; they then see what they
        saw before
    """
    if show:
        switch.current()  # an area that is somebody else's is found before anything is made
    makeDirectory(os.path.dirname(switch.lock))
    with areaLock(switch.lock):
        before = switch.current() if show else None
        remains = removeRemains(switch)
        older = olderPythons(switch, keepDefault) if request.prefix else OlderPythons()
        built = _build(request, switch, older, finish)
        if show:
            _show(switch, built.manifest.build, before)
    return attr.evolve(built, warnings=remains + built.warnings)


def removeRemains(switch):
    """
    Remove what is left of builds and of removals that were killed: who holds the lock makes the only one there is.

    :param switch: AreaSwitch
    :return: tuple of str, what was removed, for people
    :raises WMRuntimeError: when it cannot be removed
    """
    builds = os.path.dirname(switch.lock)
    partial = re.compile(r"\.%s-[1-9][0-9]*\.(?:partial|removed)\Z" % re.escape(switch.name))
    remains = tuple(sorted(filter(partial.match, os.listdir(builds))))
    for found in remains:
        try:
            shutil.rmtree(os.path.join(builds, found))
        except OSError as ex:
            raise WMRuntimeError(None, "What is left of an action that was killed cannot be removed.", str(ex),
                                 "remove %s" % os.path.join(builds, found))
    return tuple("removed %s, what was left of an action that was killed" % found for found in remains)


def _build(request, switch, older, finish):
    """Make the next build under a name that is none of a build, then give it its own."""
    build = max([0] + switch.builds()) + 1
    directory = switch.directory(build)
    partial = os.path.join(os.path.dirname(directory), ".%s.partial" % os.path.basename(directory))
    try:
        os.mkdir(partial)
        built = buildArea(request, build, partial, older)
        finish(built)
        os.rename(partial, directory)
    except OSError as ex:
        raise WMRuntimeError(None, "Build %d of %s cannot be written." % (build, request.name), str(ex),
                             "check the space and the rights on the disk")
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return built.at(directory)


def _show(switch, build, before):
    """Let jobs see a build, unless somebody switched the area meanwhile: that was on purpose."""
    now = switch.current()
    if now != before:
        raise WMRuntimeError(None, "Build %d of %s is made, and not shown." % (build, switch.name),
                             "%s was switched while it was made, from %s to %s" % (
                                 switch.link, *("build %d" % one if one else "none" for one in (before, now))),
                             "to show it all the same: `wmruntime area rollback %s --to %d`" % (switch.name, build))
    switch.show(build)


def olderPythons(switch, keepDefault):
    """
    Find the pythons a new build is to offer beside its own: those of all builds that are there.

    :param switch: AreaSwitch
    :param keepDefault: bool, whether the default of now stays the default
    :return: OlderPythons
    :raises WMRuntimeError: when the default of now is asked for, and there is none
    """
    links, warnings = {}, []
    for build in switch.builds():
        try:
            manifest = loadManifest(switch.directory(build))
        except WMRuntimeError as ex:
            warnings.append("without the python of build %d: %s %s" % (build, ex.message, ex.context))
            continue
        if manifest is not None and not manifest.layoutOnly:
            version = os.path.basename(manifest.pythonDirectory)
            links[version] = "../../../%s/%s" % (os.path.basename(switch.directory(build)), manifest.pythonDirectory)
    default = ""
    if keepDefault:
        default, found = _currentDefault(switch)
        if default not in links:
            raise WMRuntimeError(None, "The python that jobs use cannot be kept.",
                                 "%s: expected one of %s as the default, found %s" % (
                                     switch.link, ", ".join(sorted(links)) or "no version", found),
                                 "publish without --keep-default")
    return OlderPythons(links, default, warnings)


def _currentDefault(switch):
    """Give the version that jobs get now: (str name, empty for none; str what there is instead)."""
    directory = switch.directory(switch.current() or 0)
    try:
        found = AreaVersions.read(os.path.join(directory, "external", "python3"))
    except OSError:
        return "", "no python"
    return found.default, found.problem or found.default or "none"
