"""
Publish an area: build it beside the builds before it, and show it when it is whole.
"""
import os
import shutil

from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaBuilder import OlderPythons, buildArea

# Workflows pin a python for months, and a build is 40 MB that CVMFS stores once.
_KEPT = 3


def publishArea(request, switch, keepDefault=False, show=True):
    """
    Build an area's next build, and let jobs see it.

    The pythons of builds before it can still be asked for by their version: a pin holds when a new one is published.

    :param request: AreaRequest
    :param switch: AreaSwitch of the area
    :param keepDefault: bool, whether jobs that ask for no version stay with the python they have now
    :param show: bool, whether jobs see the build; False leaves it for `area rollback --to`
    :return: BuiltArea
    :raises WMRuntimeError: when it cannot be built or shown; jobs then see what they saw before
    """
    if show:
        switch.current()  # an area that is somebody else's is found before the work is done
    older = olderPythons(switch, keepDefault) if request.prefix else OlderPythons()
    build = max([0] + switch.builds()) + 1
    directory = switch.directory(build)
    partial = os.path.join(os.path.dirname(directory), ".%s.partial" % os.path.basename(directory))
    try:
        os.makedirs(os.path.dirname(partial), exist_ok=True)
        os.mkdir(partial)
    except OSError as ex:
        raise WMRuntimeError(None, "Build %d of %s cannot be begun." % (build, request.name), str(ex),
                             "when nobody else is building it, remove what is left of a build that was killed")
    try:
        built = buildArea(request, build, partial, older)
        os.rename(partial, directory)
    except OSError as ex:
        raise WMRuntimeError(None, "Build %d of %s cannot be written." % (build, request.name), str(ex),
                             "check the space and the rights on the disk")
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if show:
        switch.show(build)
    return built.at(directory)


def olderPythons(switch, keepDefault):
    """
    Find the pythons a new build is to offer beside its own.

    :param switch: AreaSwitch
    :param keepDefault: bool, whether the default of now stays the default
    :return: OlderPythons
    :raises WMRuntimeError: when the default of now is asked for, and there is none
    """
    links = {}
    for build in switch.builds()[-_KEPT:]:
        manifest = loadManifest(switch.directory(build))
        if manifest is not None and not manifest.layoutOnly:
            version = os.path.basename(manifest.pythonDirectory)
            links[version] = "../../../%s/%s" % (os.path.basename(switch.directory(build)), manifest.pythonDirectory)
    default = ""
    if keepDefault:
        default = _currentDefault(switch)
        if default not in links:
            raise WMRuntimeError(None, "The python that jobs use cannot be kept.",
                                 "%s: expected one of %s as the default, found %s" % (
                                     switch.link, ", ".join(sorted(links)) or "no version", default or "none"),
                                 "publish without --keep-default")
    return OlderPythons(links, default)


def _currentDefault(switch):
    current = switch.current()
    path = os.path.join(switch.directory(current or 0), "external", "python3", "default")
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read(256).strip()
