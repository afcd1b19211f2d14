"""
Write what container images are built from: the CMSSW image of a system and CPU, and that area's python and libraries.

The area is one `wmruntime area build` made, in the directory the image is built from. So a job finds in the image what it
would find on CVMFS, from one description.
"""
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

APPTAINER, OCI = "apptainer", "oci"
FORMATS = (APPTAINER, OCI)
# Where jobs look first in a container (Environment/ContainerCall.DEFAULT_PATH).
PREFIX = "/opt/wmruntime"
# unpacked.cern.ch keeps an image below its registry's name; that one is what docker.io's pages are called.
_UNPACKED = re.compile(r"^/cvmfs/unpacked\.cern\.ch/([^/]+)/(.+)$")
_REGISTRIES = {"registry.hub.docker.com": "docker.io"}
_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "ppc64le": "linux/ppc64le"}
PROGRAM = "%s/bin/python3" % PREFIX


@attr.s(frozen=True)
class DefinitionTarget(object):
    """
    Hold what an image is to be built for.

    :param system: SystemNeeds
    :param cpu: str
    :param image: str, the image of the description it is built upon
    """
    system = attr.ib()
    cpu = attr.ib(type=str)
    image = attr.ib(type=str)

    @property
    def name(self):
        """Give the name of the area, such as rhel8_x86_64."""
        return "%s_%s" % (self.system.name, self.cpu)


def definitionTargets(description, system=None, cpu=None):
    """
    List what images can be built for.

    :param description: Description
    :param system: str, only that one
    :param cpu: str, only that one
    :return: tuple of DefinitionTarget
    :raises WMRuntimeError: when the description has no image for any
    """
    found = tuple(DefinitionTarget(needs, machine, needs.images[machine]) for needs, machine in description.targets()
                  if system in (None, needs.name) and cpu in (None, machine) and needs.images.get(machine))
    if not found:
        known = ", ".join("%s %s" % (needs.name, " ".join(sorted(needs.images))) for needs in description.systems)
        raise WMRuntimeError(None, "The description has no image for that.", "asked: %s on %s; known: %s" % (
            system or "any system", cpu or "any CPU", known), "name another, or add `image %s` to its section"
                             % (cpu or "CPU"))
    return found


def sourceReference(image):
    """
    Tell where an unpacked image came from.

    :param image: str, its path
    :return: str, such as docker.io/cmssw/el8:x86_64; None for an image that is not of unpacked.cern.ch
    """
    found = _UNPACKED.match(image)
    return "%s/%s" % (_REGISTRIES.get(found.group(1), found.group(1)), found.group(2)) if found else None


def _steps(description, target):
    """Give the bash commands, one line each, that make the area's python that of the image, and prove it."""
    python = "%s/area/external/python3" % PREFIX
    imports = [name for library in description.libraries if library.need == "needed" for name in library.imports]
    check = ("import sys, %s; from packaging.specifiers import SpecifierSet; version = \"%%d.%%d.%%d\" %% sys.version_info[:3]; "
             % ", ".join(imports) +
             "sys.exit(0 if SpecifierSet(\"{0}\").contains(version) else \"python \" + version + \" is not {0}\")".format(
                 target.system.python))
    start = "'#!/bin/bash' \". '{0}/$version/etc/profile.d/init.sh'\" \"exec '{0}/$version/bin/python3' \\\"\\$@\\\"\"".format(python)
    return (
        "set -eu",
        "version=$(cat %s/default)" % python,
        'test -x "%s/$version/bin/python3"' % python,
        "mkdir -p %s/bin" % PREFIX,
        "printf '%%s\\n' %s >%s" % (start, PROGRAM),
        "chmod 755 %s" % PROGRAM), "%s -c '%s'" % (PROGRAM, check)


def writeDefinition(description, target, areaPath=None, form=APPTAINER):
    """
    Write the definition of an image.

    :param description: Description
    :param target: DefinitionTarget
    :param areaPath: str, the area relative to the directory the image is built in; None for where `area build` puts it
    :param form: str, "apptainer" for a definition file, "oci" for a Containerfile
    :return: str
    :raises WMRuntimeError: for an OCI image upon one of no registry
    """
    area = areaPath or "%s/%s" % (description.areaPaths[0], target.name)
    source = sourceReference(target.image)
    labels = [("org.opencontainers.image.title", "wmruntime-%s" % target.name),
              ("ch.cern.cms.wmruntime.system", target.system.name), ("ch.cern.cms.wmruntime.cpu", target.cpu),
              ("ch.cern.cms.wmruntime.description", description.sha256)]
    steps, check = _steps(description, target)
    head = "# Made by `wmruntime container definition --system %s --cpu %s --format %s`; change requirements.cfg instead.\n" \
        % (target.system.name, target.cpu, form)
    if form == APPTAINER:
        return head + _apptainerText(target, area, source, labels, steps, check)
    if source is None:
        raise WMRuntimeError(None, "There is no registry's image to build upon.", "%s: expected a path below "
                             "/cvmfs/unpacked.cern.ch, found %s" % (target.name, target.image), "use --format apptainer")
    lines = ["FROM --platform=%s %s" % (_PLATFORMS.get(target.cpu, "linux/%s" % target.cpu), source),
             "LABEL %s" % " \\\n      ".join('%s="%s"' % label for label in labels),
             "COPY %s/ %s/area/" % (area, PREFIX),
             'SHELL ["/bin/bash", "-c"]',
             "RUN %s" % " && \\\n    ".join(steps + (check,)),
             "ENV PATH=%s/bin:$PATH" % PREFIX]
    return head + "\n".join(lines) + "\n"


def _apptainerText(target, area, source, labels, steps, check):
    bootstrap = ("docker", source) if source else ("localimage", target.image)
    parts = ["Bootstrap: %s\nFrom: %s" % bootstrap,
             "%%files\n    %s %s/area" % (area, PREFIX),
             "%%post -c /bin/bash\n%s" % "\n".join("    " + step for step in steps),
             "%%environment\n    export PATH=%s/bin:$PATH" % PREFIX,
             "%%labels\n%s" % "\n".join("    %s %s" % label for label in labels),
             "%%test\n    %s" % check,
             "%%help\n    The python and the libraries of %s for CMS jobs: %s" % (target.name, PROGRAM)]
    return "\n\n".join(parts) + "\n"
