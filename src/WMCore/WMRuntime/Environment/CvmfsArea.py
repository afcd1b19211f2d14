"""
The python of an area on CVMFS: the provider of environments that jobs use unless they ask for another.
"""
import os
import re

import attr

from WMCore.WMRuntime.Environment.AreaInspection import AreaInspection
from WMCore.WMRuntime.Environment.AreaPython import TIMEOUT, PythonStart, sourceFiles, startFuture, startPython
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Environment.CleanEnvironment import AREA_PATHS, withoutWrapperPython
from WMCore.WMRuntime.Environment.CompAreas import areaDirectories, requiredSystems, systemsFor
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.EnvironmentProvider import (ERROR, INFO, PYTHON, WARNING, Availability,
                                                              EnvironmentProvider, Finding, Prepared)
from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries
from WMCore.WMRuntime.Environment.NodeFacts import containerOf
from WMCore.WMRuntime.Environment.VersionInspection import VersionInspection
from WMCore.WMRuntime.Errors import WMRuntimeError

_UNNUMBERED = re.compile(r"rhel_")
_REMEDY = "mend or publish one of these areas (wmruntime area check), or ask for another python"


class CvmfsArea(EnvironmentProvider):
    """
    Give the python of the best area there is.

    :param context: EnvironmentContext
    :param timeout: float seconds, for starting one python
    """
    name = "CVMFS area"
    priority = 20
    gives = PYTHON

    def __init__(self, context, timeout=TIMEOUT):
        self.description = context.description
        self.pin = context.request.pythonVersion
        self.timeout = timeout

    @classmethod
    def create(cls, context):
        """Take part in every job."""
        return cls(context)

    def areas(self, node):
        """
        List the areas that may do, best first, whether they are there or not.

        :param node: NodeFacts
        :return: list of (str directory, str system)
        """
        return areaDirectories(systemsFor(node.environ, node.system), node.roots, node.machine)

    def available(self, node):
        """Look whether any area has a directory for pythons."""
        areas = [directory for directory, _ in self.areas(node)]
        for directory in areas:
            if os.path.isdir(os.path.join(directory, "external", "python3")):
                return Availability(True, "%s is there" % directory)
        return Availability(False, "none of these areas is there: %s" % ", ".join(areas))

    def prepare(self, node):
        """
        Start the first python that works, in the order of the job wrapper.

        :param node: NodeFacts
        :return: Prepared
        :raises WMRuntimeError: with each path that was tried
        """
        clean, tried = withoutWrapperPython(node.environ), []
        for directory, system in self.areas(node):
            python3 = os.path.join(directory, "external", "python3")
            try:
                versions = AreaVersions.read(python3)
            except OSError as ex:
                tried.append("%s: %s" % (python3, ex.strerror))
                continue
            tried.append("%s:%s" % (python3, "" if versions.versions else " no version in it"))
            candidates = versions.candidates(self.pin)
            tried.extend("  %s: %s is asked for" % (version.name, self.pin) for version in versions.versions
                         if version not in candidates)
            for version in map(_asItLies, candidates):
                start = self._start(node, system, version, clean)
                if start.ok:
                    return self._prepared(node, clean, directory, system, versions, version, start, tried)
                tried.append("  %s: %s" % (version.name, start.message))
        raise WMRuntimeError(11014, "There is no python3 that can be started in any area.", "Tried:\n" + "\n".join(
            tried), _REMEDY)

    def _start(self, node, system, version, clean):
        """Start a python; one for a container this process is not in is looked at, and its init.sh alone sourced."""
        if not _isElsewhere(node):
            return startPython(version, clean, self.timeout)
        needs = self.description.system(system)
        wrong = [finding for finding in VersionInspection(version, node.machine, needs, ERROR).findings()
                 if finding.severity == ERROR]
        if wrong:
            return PythonStart(wrong[0].code, "%s: %s" % (wrong[0].path, wrong[0].message))
        sourced = sourceFiles([version.init], clean, self.timeout)
        return attr.evolve(sourced, version=version.version, path=sourced.environ.get("PYTHONPATH", "").split(os.pathsep))

    def _prepared(self, node, clean, directory, system, versions, version, start, tried):
        reasons = ["python %s of %s" % (version.name, directory)]
        reasons.append("%s is asked for" % self.pin if self.pin else "the area's file default names it"
                       if version.name == versions.default else "it is the newest of %d that works" % len(versions.versions))
        if node.system and system != node.system:
            reasons.append("no area of %s, which this node runs, has one: libraries may not fit (#11893)" % node.system)
        if len(tried) > 1:
            reasons.append("tried before: %s" % "; ".join(line.strip() for line in tried[:-1]))
        if versions.problem:
            reasons.append(versions.problem)
        future = _futureOf(os.path.realpath(directory))
        if _isElsewhere(node):
            reasons.append("it was not started: it is for the inside of %s" % node.container)
        elif future is not None:
            start, why = startFuture(start, version, future, clean, self.timeout)
            reasons.append("%s is left out: %s" % (future.directory, why) if why else "with %s" % future.directory)
        return Prepared(self.name, version.python, start.version, _bothWays(node.environ, clean, start.environ), reasons,
                        libraries=self._libraries(start))

    def _libraries(self, start):
        installed = InstalledLibraries(start.path)
        found = [installed.find(library.name, library.imports) for library, _ in self.description.librariesFor(start.version)]
        return [(library.name, library.version, library.where) for library in found if library is not None]

    def check(self, node):
        """
        Look for everything that is wrong with the areas of a node; what can be started is started.

        :param node: NodeFacts; nothing is for another CPU than this one's, or a container this process is not in
        :return: tuple of Finding
        """
        there = [(directory, system) for directory, system in self.areas(node) if os.path.lexists(directory)]
        found = list(_names(node))
        if not there:
            found.append(Finding("areaMissing", ERROR, "none of these areas is there: %s" % ", ".join(
                directory for directory, _ in self.areas(node)), "see whether CVMFS is mounted; publish one"))
        for directory, system in there:
            inspection = AreaInspection(directory, system, node.machine, self.description, self.pin)
            found.extend(inspection.findings())
            if node.machine == os.uname()[4] and not _isElsewhere(node):
                found.extend(self._running(inspection, withoutWrapperPython(node.environ)))
        return tuple(found)

    def _running(self, inspection, clean):
        """Start each python of an area, and py3-future with the first that works."""
        versions = inspection.versions() if not inspection.layoutOnly else None
        taken = None
        for number, version in enumerate(versions.candidates() if versions else ()):
            if not os.path.isfile(version.init) or not os.path.exists(version.python):
                continue  # the inspection names it
            start = startPython(version, clean, self.timeout)
            for finding in _startFindings(version, start, WARNING if number else ERROR):
                yield finding
            taken = taken or (start.ok and (start, version))
        future = _futureOf(inspection.directory)
        if taken and future is not None:
            why = startFuture(taken[0], taken[1], future, clean, self.timeout)[1]
            if why:
                yield Finding("futureNeedsImp" if "No module named 'imp'" in why else "futureUnusable", WARNING,
                              "python %s cannot use it, jobs go without: %s" % (taken[1].name, why),
                              "publish future 1.0.0 or later for this python, or take it away", future.directory)


def _asItLies(version):
    """Name a version by where the area's link leads now: a running job keeps its files when the area is replaced."""
    python3, name = os.path.split(version.directory)
    return attr.evolve(version, directory=os.path.join(os.path.realpath(python3), name))


def _isElsewhere(node):
    """Tell whether a node is the inside of a container that this process is not in."""
    return bool(node.container) and node.container != containerOf(os.environ)


def _futureOf(directory):
    """Find the newest py3-future of an area that has an init.sh; None for none."""
    try:
        versions = AreaVersions.read(os.path.join(directory, "external", "py3-future")).versions
    except OSError:
        return None
    return next((version for version in versions if os.path.isfile(version.init)), None)


def _bothWays(whole, clean, result):
    """State what leads to the result, from a node's environment and from the same without the wrapper's python."""
    one, two = EnvDiff.between(whole, result), EnvDiff.between(clean, result)
    return EnvDiff(dict(one.toSet, **two.toSet), set(one.toUnset) | set(two.toUnset))


def _names(node):
    """Look for systems that are none: the macro %rhel of rpm can be empty."""
    for name in requiredSystems(node.environ)[1]:
        yield Finding("requiredSystemOdd", WARNING, "REQUIRED_OS holds %r, which is no name of a system: ignored" % name,
                      "expected names such as rhel8, or any")
    for root in node.roots:
        for folder in AREA_PATHS:
            top = os.path.join(root, folder)
            for name in sorted(os.listdir(top)) if os.path.isdir(top) else ():
                if _UNNUMBERED.match(name):
                    yield Finding("systemUnnumbered", WARNING, "the name says no version of the system: no job looks "
                                  "there", "rename it to rhel<number>_<cpu>", os.path.join(top, name))


def _startFindings(version, start, severity):
    remedy = "mend this version, or name another one in the file default beside it"
    command = "bash -c '. \"%s\" && \"%s\" -V'" % (version.init, version.python)
    if not start.ok:
        yield Finding(start.problem, severity, start.message, remedy, version.directory, command)
    if start.home:
        yield Finding("pythonHomeSet", severity, "init.sh sets PYTHONHOME=%s: no other python starts with it (#10765)" %
                      start.home, "take it out of init.sh", version.init, command)
    if start.functions:
        yield Finding("initLeavesFunctions", WARNING, "init.sh exports the functions %s" % ", ".join(start.functions),
                      "take them out of init.sh", version.init, command)
    if start.ok and start.printed:
        yield Finding("initPrints", INFO, "init.sh prints: %s" % start.printed, "keep it silent", version.init, command)
    if start.ok and len(version.version) > 1 and start.version[:2] != version.version[:2]:
        yield Finding("versionMisnamed", WARNING, "it is called %s and is python %s" % (
            version.name, ".".join(map(str, start.version))), "rename it", version.directory, command)
