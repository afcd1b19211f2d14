"""
Examine a node: ask each section and each station, and each provider what is wrong with what it would use.
"""
import os
import shutil
import tempfile

from WMCore.WMRuntime.Doctor.Diagnosis import Diagnosis, Section, Station
from WMCore.WMRuntime.Doctor.JobPlan import JobPlan
from WMCore.WMRuntime.Doctor.NodeSections import diskSection, namespacesSection, nodeSection, pythonSection
from WMCore.WMRuntime.Doctor.Patient import Patient
from WMCore.WMRuntime.Doctor.SiteSections import condorSection, credentialsSection, siteSection
from WMCore.WMRuntime.Doctor.SoftwareSections import areasSection, containerSection, rootsSection, sandboxSection
from WMCore.WMRuntime.Environment.AutoEnvironment import loadProviders
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, WARNING, EnvironmentContext, Finding
from WMCore.WMRuntime.Errors import WMRuntimeError

SECTIONS = (("node", nodeSection), ("running python", pythonSection), ("disk", diskSection), ("CMS roots", rootsSection),
            ("areas", areasSection), ("containers", containerSection), ("user namespaces", namespacesSection),
            ("job", sandboxSection), ("site", siteSection), ("HTCondor", condorSection),
            ("credentials", credentialsSection))


def examine(environ, jobDirectory=None):
    """
    Examine this node.

    :param environ: dict, the environment a job would be started with
    :param jobDirectory: str, where a sandbox was unpacked; None for none
    :return: Diagnosis
    """
    try:
        scratch = tempfile.mkdtemp(prefix="wmruntime-doctor-")
    except OSError as ex:
        finding = Finding("noTemporaryDirectory", ERROR, "nothing can be written: %s" % ex,
                          "let TMPDIR name a directory on a disk with space")
        return Diagnosis(stations=[Station("temporary directory", False, str(ex))], findings=[finding])
    try:
        patient = Patient(environ, scratch, os.path.realpath(jobDirectory) if jobDirectory else None)
        plan = JobPlan(patient)
        # First, for what cmsset_default.sh says counts in the sections, too.
        stations = plan()
        sections = [_section(name, section, patient) for name, section in SECTIONS]
        return Diagnosis(sections, stations, plan.findings + list(_providersFindings(patient)))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _section(name, section, patient):
    """Ask one section; what it cannot tell is a finding, and ends nothing."""
    try:
        return section(patient)
    except Exception as ex:
        return Section(name, [("unknown", str(ex))], [_broken(name, ex)])


def _broken(what, error):
    if isinstance(error, WMRuntimeError):
        return Finding("cannotBeTold", WARNING, "%s: %s %s" % (what, error.message, error.context), error.hint)
    return Finding("cannotBeTold", WARNING, "%s: %s: %s" % (what, type(error).__name__, error),
                   "report this, with the whole output")


def _providersFindings(patient):
    """Let each provider that has to do with the job check what it would use."""
    try:
        context = EnvironmentContext(patient.description(), patient.request())
        providers = loadProviders(patient.environ)
    except Exception as ex:
        yield _broken("providers of environments", ex)
        return
    for cls in providers:
        try:
            provider = cls.create(context)
            for finding in provider.check(patient.node) if provider else ():
                yield finding
        except Exception as ex:  # a plugin's error is no error of the node
            yield _broken(cls.name, ex)
