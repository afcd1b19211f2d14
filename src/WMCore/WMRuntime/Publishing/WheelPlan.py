"""
Decide which wheels a sandbox carries: those of libraries that the areas its jobs may run in lack.
"""
import logging
import os

import attr
from packaging.utils import canonicalize_name

from WMCore.WMRuntime.Environment.AreaManifest import manifestOfPython
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions, isAskedFor, leadingVersion
from WMCore.WMRuntime.Environment.CompAreas import areaDirectories, cmsRoots, systemsFor
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.EnvironmentRequest import WHEELS_DIRECTORY
from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibrary, distributionsIn
from WMCore.WMRuntime.Environment.WheelFile import readWheel
from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, chooseWheel, indexBytes, loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelCost import WheelCost
from WMCore.WMRuntime.Publishing.WheelTarget import PYTHONS, WheelTarget
from WMCore.WMRuntime.Release.ScramArch import ScramArch
from WMCore.WMRuntime.SandboxArchive import ArchiveEntry

#: Names the agent's directory of collected wheels.
WHEELHOUSE_VARIABLE = "WMRUNTIME_WHEELHOUSE"


@attr.s(frozen=True)
class AreaPythons(object):
    """
    Hold what a job finds in the area of one system and CPU.

    :param system: str
    :param cpu: str
    :param pythons: tuple of (int, int), those the job may run in
    :param libraries: dict of str canonical name to str version, of the area
    :param source: str, how that is known
    """
    system = attr.ib(type=str)
    cpu = attr.ib(type=str)
    pythons = attr.ib(type=tuple)
    libraries = attr.ib(type=dict)
    source = attr.ib(type=str)


@attr.s(frozen=True)
class WheelPlan(object):
    """
    Hold the wheels chosen for a sandbox.

    :param index: WheelIndex of the directory they lie in
    :param wheels: tuple of WheelEntry
    :param reasons: tuple of str, for each wheel or lack one line
    """
    index = attr.ib()
    wheels = attr.ib(type=tuple)
    reasons = attr.ib(type=tuple)

    @property
    def cost(self):
        """Give the WheelCost of the plan."""
        return WheelCost.of(self.wheels)

    def archiveEntries(self):
        """
        List what goes into the sandbox.

        :return: list of ArchiveEntry; empty without wheels
        """
        if not self.wheels:
            return []
        inside = WHEELS_DIRECTORY + "/%s"
        return [ArchiveEntry(WHEELS_DIRECTORY, isDirectory=True),
                ArchiveEntry(inside % INDEX_NAME, content=indexBytes(self.wheels))] + \
            [ArchiveEntry(inside % entry.file, path=self.index.path(entry)) for entry in self.wheels]


def targetsOfArchs(archs, description):
    """
    Tell on which systems and CPUs the jobs of scram archs run.

    :param archs: iterable of str
    :param description: Description
    :return: tuple of (SystemNeeds, str CPU); an arch that is not described is logged and left out
    """
    found = []
    for arch in sorted(set(archs)):
        try:
            machine = (ScramArch.parse(arch).machine or "").lower()
        except ValueError:
            machine = ""
        fitting = [(system, cpu) for system, cpu in description.targets() if system.servesArch(arch) and cpu == machine]
        if not fitting:
            logging.warning("No wheels for the scram arch %s: the description has no system for it", arch)
        found.extend(target for target in fitting if target not in found)
    return tuple(found)


def areaPythons(system, cpu, description, roots, pin=""):
    """
    Tell in which pythons jobs run on a system, and what libraries they find there.

    The first area that has a python for them decides, in the order of a node. That python's libraries are those in the
    manifest of the build it belongs to; without a manifest it has none but the sandbox's own. Without an area, or when
    the name does not tell which python it is, any in the system's range may be met.

    :param system: SystemNeeds
    :param cpu: str
    :param description: Description
    :param roots: sequence of str, CMS roots to look for areas in
    :param pin: str, the version directory the jobs ask for; empty for the one each area gives
    :return: AreaPythons
    :raises WMRuntimeError: when the manifest cannot be used
    """
    source = "the description; no area was found"
    for area, _system in areaDirectories(systemsFor({}, system.name), roots, cpu):
        version = _firstVersion(area, pin)
        if version is None:
            continue
        _build, manifest = manifestOfPython(version.directory)
        if manifest is not None:
            libraries = {canonicalize_name(one.name): one.version for one in manifest.libraries}
            return AreaPythons(system.name, cpu, (leadingVersion(manifest.pythonVersion)[:2],), libraries,
                               "the manifest of %s" % area)
        if len(version.version) > 1:
            return AreaPythons(system.name, cpu, (version.version[:2],), {}, "the first python of %s" % area)
        source = "the description; %s does not tell which python it is" % version.directory
        break
    pythons = tuple(python for python in PYTHONS if system.python.contains("%d.%d" % python)
                    and isAskedFor("%d.%d" % python, ".".join(pin.split(".")[:2])))
    return AreaPythons(system.name, cpu, pythons, {}, source)


def _firstVersion(area, pin):
    """Give the version a job tries first in an area, None for no python."""
    try:
        candidates = AreaVersions.read(os.path.join(area, "external", "python3")).candidates(pin)
    except OSError:
        return None
    return candidates[0] if candidates else None


def planWheels(directory, description, targets, roots=(), carried=None, pin=""):
    """
    Choose the wheels that jobs on some systems and CPUs need from the sandbox.

    :param directory: str, with collected wheels
    :param description: Description
    :param targets: iterable of (SystemNeeds, str CPU)
    :param roots: sequence of str, CMS roots to look for areas in
    :param carried: dict of str canonical name to str version, what the sandbox carries anyway
    :param pin: str, the python the jobs ask for; empty for any
    :return: WheelPlan
    :raises WMRuntimeError: when the directory has no usable index, an area no usable manifest, or a wheel brings more
        than its library
    """
    index = loadWheelIndex(directory)
    if index is None:
        raise WMRuntimeError(None, "There is no index of wheels.", "%s: expected %s" % (directory, INDEX_NAME),
                             "collect wheels there (wmruntime wheels collect), or name another directory in %s"
                             % WHEELHOUSE_VARIABLE)
    chosen, reasons = [], []
    for system, cpu in targets:
        area = areaPythons(system, cpu, description, roots, pin)
        have = dict(area.libraries, **(carried or {}))
        for python in area.pythons:
            target = WheelTarget(system.name, cpu, python, system.glibc)
            for library, entry in _chosen(index, description, target, have):
                what = "nothing collected fits" if entry is None else entry.file
                reasons.append("%s lacks %s (%s): %s" % (target, library.name, area.source, what))
                if entry is not None and entry not in chosen:
                    chosen.append(entry)
    return WheelPlan(index, tuple(sorted(chosen, key=lambda entry: entry.file)), tuple(reasons))


def _chosen(index, description, target, have):
    """Yield each library a target lacks, and the wheel for it or None."""
    for library, versions in description.librariesFor("%d.%d" % target.python):
        version = have.get(canonicalize_name(library.name))
        if version is None or not InstalledLibrary(library.name, version, "").isIn(versions):
            entry = chooseWheel(index.candidates(library.name, versions), target.ranks)
            if entry is not None:
                entry.checkFor(library)
            yield library, entry


def planForSandbox(directory, archs, members, environ, pin=""):
    """
    Choose the wheels for the sandbox of a workload, and log what they cost.

    :param directory: str, with collected wheels
    :param archs: iterable of what its steps name as their scram arch: str, list of str, or None
    :param members: iterable of str, names of the files in the sandbox's WMCore.zip
    :param environ: dict, names the CMS roots to look for areas in
    :param pin: str, the python the jobs ask for; empty for any
    :return: WheelPlan, whose wheels were verified: what every job would refuse is found out once, here
    :raises WMRuntimeError: as planWheels, and when a wheel is not what the index says
    """
    description = loadDescription()
    named = {arch for found in archs for arch in ([found] if isinstance(found, str) else found or ())}
    plan = planWheels(directory, description, targetsOfArchs(named, description), cmsRoots(environ),
                      distributionsIn(members), pin)
    for entry in plan.wheels:
        readWheel(plan.index.path(entry), entry)
    for reason in plan.reasons:
        logging.debug(reason)
    logging.info("Wheels of the sandbox for %s: %s", ", ".join(sorted(named)) or "no scram arch", plan.cost.text())
    return plan
