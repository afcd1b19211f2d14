"""
What was found of the software on the node: CMS roots, areas, containers, the job's sandbox, its wheels.
"""
import os

import attr

from WMCore.WMRuntime.Doctor.Diagnosis import Section
from WMCore.WMRuntime.Doctor.Files import isFile
from WMCore.WMRuntime.Doctor.Patient import BESIDE, CODE
from WMCore.WMRuntime.Environment.AreaManifest import loadManifest
from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Environment.CompAreas import areaDirectories, systemsFor
from WMCore.WMRuntime.Environment.ContainerRuntime import findRuntime
from WMCore.WMRuntime.Environment.EnvironmentProvider import WARNING, Finding
from WMCore.WMRuntime.Environment.EnvironmentRequest import AUTO
from WMCore.WMRuntime.Environment.ImageTable import chooseImage
from WMCore.WMRuntime.Environment.WheelIndex import loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError


def rootsSection(patient):
    """
    List the directories that may hold the CMS software.

    :param patient: Patient
    :return: Section
    """
    rows = []
    for root in patient.node.roots:
        there = "not there" if not os.path.isdir(root) else "cmsset_default.sh is there" if isFile(
            os.path.join(root, "cmsset_default.sh")) else "there, without a cmsset_default.sh"
        rows.append((root, there))
    return Section("CMS roots", rows)


def areasSection(patient):
    """
    List the areas a job would look at, and the pythons in each.

    :param patient: Patient
    :return: Section
    """
    node, rows = patient.node, []
    areas = areaDirectories(systemsFor(node.environ, node.system), node.roots, node.machine)
    for directory, _ in areas:
        if os.path.lexists(directory):
            rows.append((directory, _area(directory)))
    return Section("areas", rows or [("none", "looked for %s" % ", ".join(directory for directory, _ in areas))])


def _area(directory):
    """Tell in a line what an area offers."""
    parts = ["-> %s" % os.readlink(directory)] if os.path.islink(directory) else []
    try:
        versions = AreaVersions.read(os.path.join(directory, "external", "python3"))
    except OSError as ex:
        return " ".join(parts + ["no python3: %s" % ex.strerror])
    parts.append("python %s" % (" ".join(version.name for version in versions.versions) or "none"))
    parts.append("default %s" % versions.default if versions.default else versions.problem or "no file default: the newest")
    try:
        manifest = loadManifest(directory)
        parts.append("build %d" % manifest.build if manifest else "no manifest")
    except WMRuntimeError as ex:
        parts.append("manifest unusable: %s" % ex.message)
    return ", ".join(parts)


def containerSection(patient):
    """
    Tell which program starts containers, and the image a job would be given.

    :param patient: Patient
    :return: Section
    """
    rows = []
    request = attr.evolve(patient.request(), container=patient.request().container or AUTO)
    for name, find in (("program", lambda: findRuntime(patient.environ)),
                       ("image", lambda: chooseImage(patient.description(), request, patient.node))):
        try:
            found = find()
            what = found.said if name == "program" else found.system or "system unknown"
            rows.append((name, "%s (%s)" % (found.path, what)))
        except WMRuntimeError as ex:
            rows.append((name, "none: %s" % ex.context))
    return Section("containers", rows)


def sandboxSection(patient):
    """
    Tell what the job's sandbox brings, and what the job asks of its environment.

    :param patient: Patient
    :return: Section
    """
    rows = [("asks for %s" % field, "%(value)s, by %(where)s" % asked) for field, asked in sorted(
        patient.request().toDict().items()) if field != "wheels"]
    rows = rows or [("asks for", "nothing: the python that the wrapper finds will do")]
    job = patient.jobDirectory
    if not job:
        return Section("job", rows + [("directory", "none named")])
    findings = []
    rows.append(("directory", job))
    for name in (CODE,) + BESIDE:
        there = os.path.exists(os.path.join(job, name))
        rows.append((name, "there" if there else "not there"))
        if not there:
            findings.append(Finding("sandboxIncomplete", WARNING, "the sandbox has no %s" % name, "unpack it again",
                                    os.path.join(job, name)))
    index = loadWheelIndex(patient.request().wheels) if patient.request().wheels else None
    rows.extend(("wheel", "%s, %s" % (entry.file, entry.need)) for entry in (index.wheels if index else ()))
    return Section("job", rows + ([] if index else [("wheels", "none")]), findings)
