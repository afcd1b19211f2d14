"""
Find the third-party packages a sandbox carries, in versions every worker node's Python can run.

A worker node offers a bare interpreter from 3.6 to 3.13, so attrs, packaging and what WMCore's WMSpec imports
travel in the sandbox. The agent's own copies may be too new for that: the project's set-up keeps a directory
of fitting ones.
"""
import logging
import os
import re
import sys
import zipfile
from email.parser import Parser

import attr
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.ModuleIndex import ModuleSource, indexWheel, moduleOfPath

# The oldest and the newest Python a job may meet.
NODE_PYTHONS = ("3.6.8", "3.13.0")
# What the runtime and WMCore's WMSpec import; packaging needs pyparsing up to version 21.
BASE_DISTRIBUTIONS = ("attrs", "packaging", "pyparsing", "future")
PACKAGES_VARIABLE = "WMRUNTIME_SANDBOX_PACKAGES"
_NOT_SHIPPED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
_REMEDY = ("make a directory with `pip install --no-deps --target DIR attrs==22.2.0 packaging==21.3 pyparsing==3.0.7"
           " future==1.0.0` and name it in %s" % PACKAGES_VARIABLE)


@attr.s(frozen=True)
class VendoredDistribution(object):
    """
    Hold one third-party distribution to be packed.

    :param name: str, normalised as PEP 503 says
    :param version: str
    :param origin: str, the wheel or the dist-info directory it was read from
    :param requiresPython: str, version specifiers, "" for any
    :param modules: dict of str to ModuleSource
    :param metadata: dict of str to bytes, the files of its dist-info directory by their path in the sandbox
    """
    name = attr.ib(type=str)
    version = attr.ib(type=str)
    origin = attr.ib(type=str)
    requiresPython = attr.ib(type=str)
    modules = attr.ib(type=dict, repr=False)
    metadata = attr.ib(type=dict, repr=False)


def normalisedName(name):
    """
    Normalise a distribution's name (PEP 503).

    :param name: str
    :return: str
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(origin, members, modules, metadata):
    """Build a distribution from its dist-info files, by member name, and check that it can be carried."""
    name = next((member for member in metadata if member.endswith(".dist-info/METADATA")), None)
    if name is None:
        raise WMRuntimeError(99109, "A third-party package for the sandbox has no METADATA.", origin, _REMEDY)
    header = Parser().parsestr(metadata[name].decode("utf-8", "replace"), headersonly=True)
    native = [member for member in members if member.endswith((".so", ".pyd", ".dylib"))]
    if native:
        raise WMRuntimeError(99109, "A third-party package for the sandbox is not pure Python.",
                             "%s holds %s" % (origin, native[0]), "take a pure Python version of it")
    return VendoredDistribution(normalisedName(header.get("Name", "")), header.get("Version", ""), origin,
                                header.get("Requires-Python", "") or "", modules, metadata)


def readWheel(path):
    """
    Read a distribution from a wheel.

    :param path: str
    :return: VendoredDistribution
    :raises WMRuntimeError: when the file is no wheel, or not pure Python
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            members = wheel.namelist()
            metadata = {member: wheel.read(member) for member in members if _isShippedMetadata(member)}
        modules = indexWheel(path)
    except (OSError, zipfile.BadZipFile) as ex:
        raise WMRuntimeError(99109, "A wheel for the sandbox cannot be read.", "%s: %s" % (path, ex), _REMEDY)
    return _distribution(path, members, modules, metadata)


def readInstalled(distInfo):
    """
    Read a distribution installed in a directory, from its RECORD (PEP 376).

    :param distInfo: str, its dist-info directory
    :return: VendoredDistribution
    :raises WMRuntimeError: when it has no RECORD or METADATA, or is not pure Python
    """
    site = os.path.dirname(distInfo)
    record = os.path.join(distInfo, "RECORD")
    try:
        with open(record, encoding="utf-8") as handle:
            # The path is the first of three fields; it is quoted only when it holds a comma.
            members = [line.rsplit(",", 2)[0].strip('"') for line in handle if line.strip()]
    except OSError as ex:
        raise WMRuntimeError(99109, "An installed package for the sandbox has no RECORD.", "%s: %s" % (record, ex),
                             _REMEDY)
    inside = [name for name in members if not name.startswith(("/", "..")) and os.path.isfile(os.path.join(site, name))]
    modules = {}
    for name in sorted(inside):
        module = moduleOfPath(name)
        if module and (module[1] or module[0] not in modules):
            modules[module[0]] = ModuleSource(module[0], module[1], os.path.join(site, name))
    metadata = {}
    for name in inside:
        if _isShippedMetadata(name):
            with open(os.path.join(site, name), "rb") as handle:
                metadata[name] = handle.read()
    return _distribution(distInfo, inside, modules, metadata)


def _isShippedMetadata(member):
    """Tell whether a file belongs to a dist-info directory and says nothing about this machine."""
    parts = member.split("/")
    return len(parts) > 1 and parts[0].endswith(".dist-info") and not member.endswith("/") \
        and parts[-1] not in _NOT_SHIPPED and ".." not in parts


def readDirectory(directory):
    """
    Read all distributions of a directory: wheels, and packages installed with `pip install --target`.

    :param directory: str
    :return: dict of str to VendoredDistribution, by normalised name
    :raises WMRuntimeError: when the directory cannot be listed or holds a distribution twice
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError as ex:
        raise WMRuntimeError(99109, "The directory of third-party packages for the sandbox cannot be read.",
                             "%s: %s" % (directory, ex), _REMEDY)
    found = {}
    for name in names:
        path = os.path.join(directory, name)
        if name.endswith(".whl"):
            distribution = readWheel(path)
        elif name.endswith(".dist-info"):
            distribution = readInstalled(path)
        else:
            continue
        if distribution.name in found:
            raise WMRuntimeError(99109, "A third-party package for the sandbox is there twice.",
                                 "%s and %s" % (found[distribution.name].origin, path), "remove one of them")
        found[distribution.name] = distribution
    return found


def readEnvironment(paths=None):
    """
    Read the base distributions from the running environment.

    :param paths: list of str, directories to look in; None for sys.path
    :return: dict of str to VendoredDistribution; those that are not installed are not in it
    """
    found = {}
    for site in sys.path if paths is None else paths:
        if not os.path.isdir(site):
            continue
        for name in sorted(os.listdir(site)):
            plain = normalisedName(name.split("-")[0])
            if name.endswith(".dist-info") and plain in BASE_DISTRIBUTIONS and plain not in found:
                found[plain] = readInstalled(os.path.join(site, name))
    return found


def sandboxPackagesDirectory(environ, prefix):
    """
    Name the directory the third-party packages are taken from.

    :param environ: dict, looked up for WMRUNTIME_SANDBOX_PACKAGES
    :param prefix: str, where the runtime is installed (sys.prefix)
    :return: str, or None when only the running environment's own packages are left
    """
    named = environ.get(PACKAGES_VARIABLE)
    if named:
        return named
    installed = os.path.join(prefix, "share", "wmcore-runtime", "sandbox-packages")
    return installed if os.path.isdir(installed) else None


def refusedPython(distribution):
    """
    Tell which worker node's Python a distribution does not run on.

    :param distribution: VendoredDistribution
    :return: str, the oldest of NODE_PYTHONS that its Requires-Python excludes; None when it runs on all
    :raises WMRuntimeError: when its Requires-Python cannot be read
    """
    try:
        admitted = SpecifierSet(distribution.requiresPython)
    except InvalidSpecifier as ex:
        raise WMRuntimeError(99109, "The Requires-Python of a package for the sandbox cannot be read.",
                             "%s: %s" % (distribution.origin, ex), _REMEDY)
    return next((version for version in NODE_PYTHONS if not admitted.contains(version)), None)


def _checkPython(distribution, chosen):
    """Refuse what does not run on every node when it was chosen for that, else warn: the agent has no other."""
    refused = refusedPython(distribution)
    if refused is None:
        return
    facts = "%s %s in %s requires Python %s, a node may have %s" % (
        distribution.name, distribution.version, distribution.origin, distribution.requiresPython, refused)
    if chosen:
        raise WMRuntimeError(99109, "A third-party package does not run on every worker node.", facts, _REMEDY)
    logging.warning("Jobs of this sandbox cannot run on every worker node: %s; to mend it, %s", facts, _REMEDY)


def findVendored(directory=None):
    """
    Find the third-party packages for a sandbox.

    What lies in a directory made for the purpose must run on every node. The running environment's own
    packages are the last resort of an agent that has no such directory: they are taken with a warning, for
    its jobs on newer nodes are better than none.

    :param directory: str, where they are; None for the running environment's own
    :return: dict of str to VendoredDistribution
    :raises WMRuntimeError: when attrs, packaging or future is missing, or one of the directory does not run on
        every node
    """
    found = readDirectory(directory) if directory else readEnvironment()
    for distribution in found.values():
        _checkPython(distribution, chosen=bool(directory))
    missing = [name for name in BASE_DISTRIBUTIONS if name not in found and name != "pyparsing"]
    if missing:
        raise WMRuntimeError(99109, "A third-party package for the sandbox is missing.",
                             "%s not found in %s" % (", ".join(missing), directory or "the running environment"),
                             _REMEDY)
    return found
