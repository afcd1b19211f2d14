"""The COMP areas of the node's CVMFS: where the job wrapper takes its python from."""
import importlib.util
import os
import shutil

import attr

from WMCore.WMRuntime.WorkerNode.MachinePythons import nearestPython3
from WMCore.WMRuntime.WorkerNode.NodeFiles import DATA, linkTo, writeText
from WMCore.WMRuntime.WorkerNode.PythonArea import installPython

# Upstream's wrapper asks for this version by name, whatever is inside.
FUTURE_VERSION = "0.18.2"
_FUTURE_PACKAGES = ("future", "past", "libfuturize", "libpasteurize")


@attr.s(frozen=True)
class CompSpec(object):
    """One COMP area: what WMCore calls it, what it is, which python it carries."""

    name = attr.ib()     # rhel8_x86_64
    arch = attr.ib()     # el8_amd64_gcc8, the folder the name links to
    series = attr.ib()   # python it has on the real CVMFS
    folder = attr.ib()   # version folder when there is no interpreter behind it


def _spec(osName, cpu, arch, series, folder):
    return CompSpec("%s_%s" % (osName, cpu), arch, series, folder)


#: rhel6-9 on the three CPUs. The names are WMCore's, some arch names are inferred: WMCore#11077's map is not public.
COMP_SPECS = (
    _spec("rhel6", "x86_64", "slc6_amd64_gcc700", "3.6", "3.6.4"),
    _spec("rhel7", "x86_64", "slc7_amd64_gcc630", "3.8", "3.8.2-comp"),
    _spec("rhel8", "x86_64", "el8_amd64_gcc8", "3.8", "3.8.2-comp"),
    _spec("rhel9", "x86_64", "el9_amd64_gcc11", "3.9", "3.9.14-comp"),
    _spec("rhel6", "aarch64", "slc6_aarch64_gcc493", "3.6", "3.6.4"),
    _spec("rhel7", "aarch64", "slc7_aarch64_gcc630", "3.8", "3.8.2-comp"),
    _spec("rhel8", "aarch64", "el8_aarch64_gcc8", "3.8", "3.8.2-comp"),
    _spec("rhel9", "aarch64", "el9_aarch64_gcc11", "3.9", "3.9.14-comp"),
    _spec("rhel6", "ppc64le", "slc6_ppc64le_gcc493", "3.6", "3.6.4"),
    _spec("rhel7", "ppc64le", "slc7_ppc64le_gcc630", "3.8", "3.8.2-comp"),
    _spec("rhel8", "ppc64le", "el8_ppc64le_gcc8", "3.8", "3.8.2-comp"),
    _spec("rhel9", "ppc64le", "el9_ppc64le_gcc11", "3.9", "3.9.14-comp"),
)


def writeCompAreas(cvmfs, machine, pythons):
    """
    Lay out the COMP areas: those of this machine's CPU with a python that runs, the others without.

    :param cvmfs: str, the node's cms.cern.ch directory
    :param machine: str, CPU as `uname -m` names it
    :param pythons: dict of series to MachinePython
    :return: dict of area name to {"arch", "python", "executable", "why", "future"} as node.json keeps it
    """
    return {spec.name: _writeArea(cvmfs, spec, nearestPython3(spec.series, pythons)
                                  if spec.name.endswith("_" + machine) else None)
            for spec in COMP_SPECS}


def _writeArea(cvmfs, spec, python):
    external = os.path.join(cvmfs, "COMP", spec.arch, "external")
    linkTo(os.path.join(cvmfs, "COMP", spec.name), spec.arch)
    series = python.series if python else spec.series
    folder = python.versionText + ("-comp" if "-comp" in spec.folder else "") if python else spec.folder
    area = os.path.join(external, "python3", folder)
    record = {"arch": spec.arch, "python": folder, "executable": None, "why": ""}
    if python is None:
        os.makedirs(os.path.join(area, "lib", "python" + series, "site-packages"))
        record["why"] = "layout only: not this machine's CPU"
    else:
        executable = installPython(area, python, os.path.join(cvmfs, "..", "..", "libexec", "stdlib"))
        record["executable"] = os.path.relpath(executable, os.path.join(cvmfs, "..", ".."))
        if series != spec.series:
            record["why"] = "%s in place of %s" % (series, spec.series)
    _writeInit(area, "python3-init.sh", folder, series)
    future = os.path.join(external, "py3-future", FUTURE_VERSION)
    packages = os.path.join(future, "lib", "python" + series, "site-packages")
    record["future"] = python is not None and _copyFuture(packages)
    _writeInit(future, "py3-future-init.sh", FUTURE_VERSION, series)
    return record


def _writeInit(area, template, version, series):
    with open(os.path.join(DATA, "programs", template), encoding="utf-8") as handle:
        text = handle.read()
    writeText(os.path.join(area, "etc", "profile.d", "init.sh"),
              text.replace("@VERSION@", version).replace("@SERIES@", series))


def _copyFuture(target):
    """Copy `future` from the running python, where it has it; return whether it did."""
    found = False
    for name in _FUTURE_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin and os.path.isfile(spec.origin):
            shutil.copytree(os.path.dirname(spec.origin), os.path.join(target, name),
                            ignore=shutil.ignore_patterns("__pycache__", "tests", "test", "*.pyc"))
            found = True
    return found
