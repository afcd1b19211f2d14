"""
The areas to be checked: those a person names, and all that should be under a CMS root.
"""
import hashlib
import os
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

_LOOKS_LIKE_AREA = re.compile(r"^(rhel[0-9]*)_([A-Za-z0-9_]*)$")


@attr.s(frozen=True)
class CheckedArea(object):
    """
    Hold one area: where it is and whom it is for.

    :param directory: str, absolute path as jobs name it, `<root>/COMP/rhel8_x86_64`, a link as a rule
    :param areaPath: str, directory under the root that holds it, COMP or WMRuntime
    :param system: str, rhel8
    :param cpu: str, as `uname -m` names it
    """
    directory = attr.ib(type=str)
    areaPath = attr.ib(type=str)
    system = attr.ib(type=str)
    cpu = attr.ib(type=str)

    @property
    def name(self):
        """Give the name that is one for all areas of a root, `COMP/rhel8_x86_64`."""
        return "%s/%s_%s" % (self.areaPath, self.system, self.cpu)

    @property
    def key(self):
        """Give a name for files that is the area's own, also beside the areas of other roots."""
        return "%s_%s-%s" % (self.system, self.cpu, hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12])

    @property
    def there(self):
        """Tell whether there is anything at the area's path, a broken link included."""
        return os.path.lexists(self.directory)


def areaAt(directory, description):
    """
    Take a path a person gave for an area.

    :param directory: str, `<root>/<area path>/<system>_<cpu>`
    :param description: Description
    :return: CheckedArea
    :raises WMRuntimeError: when the path does not say which system and CPU it is for, or nothing is there
    """
    path = os.path.abspath(directory)
    name = os.path.basename(path)
    targets = _targets(description)
    if name not in targets:
        raise WMRuntimeError(None, "This path does not name an area.", "%s: expected one of the names %s, found %s" % (
            path, ", ".join(targets), name), "give the link jobs use, <root>/COMP/rhel8_x86_64, not where it leads")
    if not os.path.lexists(path):
        raise WMRuntimeError(None, "There is no area to check.", "%s: no such directory" % path,
                             "name another path, or --root DIR --all for the areas under a CMS root")
    return CheckedArea(path, os.path.basename(os.path.dirname(path)), *targets[name])


def _targets(description):
    """Give the areas there are to be: dict of name to (system, CPU)."""
    return {"%s_%s" % (system.name, cpu): (system.name, cpu) for system, cpu in description.targets()}


def findAreas(root, description):
    """
    List the areas a CMS root has, and where those it lacks should be.

    :param root: str, such as /cvmfs/cms.cern.ch
    :param description: Description
    :return: list of CheckedArea, in the description's order; a target without any has one that is not there
    :raises WMRuntimeError: when the root holds none of the description's area paths
    """
    root = os.path.abspath(root)
    paths = [path for path in description.areaPaths if os.path.isdir(os.path.join(root, path))]
    if not paths:
        raise WMRuntimeError(None, "There are no areas under this root.", "%s: expected one of the directories %s" % (
            root, ", ".join(description.areaPaths)), "name the directory that holds them with --root")
    found = []
    for name, target in _targets(description).items():
        areas = [CheckedArea(os.path.join(root, path, name), path, *target) for path in paths]
        there = [area for area in areas if area.there]
        found.extend(there or areas[-1:])
    return found


def strayNames(root, description):
    """
    List names that look like an area's and are none of the description's; no job ever looks there.

    :param root: str
    :param description: Description
    :return: list of str, absolute paths
    """
    targets = _targets(description)
    stray = []
    for path in description.areaPaths:
        folder = os.path.join(os.path.abspath(root), path)
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        stray.extend(os.path.join(folder, name) for name in sorted(names)
                     if _LOOKS_LIKE_AREA.match(name) and name not in targets)
    return stray
