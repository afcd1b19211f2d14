"""
Decide which modules a worker node needs, and give them as the files of a sandbox.
"""
import importlib.util
import io
import os
import tarfile
import zipfile

import attr

import WMCore
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.ImportClosure import computeClosure
from WMCore.WMRuntime.ModuleIndex import indexPackages
from WMCore.WMRuntime.SandboxArchive import zipBytes
from WMCore.WMRuntime.SandboxStandIns import STAND_INS
from WMCore.WMRuntime.TrimmedSource import trimSource
from WMCore.WMRuntime.VendoredPackages import BASE_DISTRIBUTIONS, PACKAGES_VARIABLE

# Everything in these is a root: the stations of a job, and the plug-ins that are loaded by their names.
ROOT_PACKAGES = ("WMCore.WMRuntime", "WMCore.WMSpec.Steps.Executors", "WMCore.WMSpec.Steps.Diagnostics",
                 "WMCore.WMSpec.Steps.Builders", "WMCore.WMSpec.Steps.Emulators", "WMCore.WMSpec.Steps.Templates",
                 "WMCore.Storage.Plugins", "WMCore.Storage.Backends", "WMCore.DataStructs", "WMCore.FwkJobReport",
                 "PSetTweaks", "attr", "attrs")
# Of these only the modules directly inside: Makers and StdSpecs build workloads, on the agent.
ROOT_FOLDERS = ("WMCore.WMSpec", "WMCore.WMSpec.Steps")
# Of packaging what works without pyparsing, which would be a sixth of the sandbox: packaging.requirements and
# packaging.markers, and pyparsing with them, go in as soon as a module that is packed imports them.
ROOT_MODULES = ("WMCore.Configuration", "WMCore.WMException", "WMCore.WMExceptions", "WMCore.Algorithms.Alarm",
                "WMCore.Algorithms.SubprocessAlgos", "packaging.version", "packaging.specifiers", "packaging.tags",
                "packaging.utils")
# Carried when they can be imported on a node: Utils also holds tools for the agent's services.
OPTIONAL_PACKAGES = ("Utils",)
# What makes sandboxes and fake nodes runs elsewhere, and lxml is on no node; test plug-ins are not for production.
AGENT_SIDE = ("WMCore.WMRuntime.WorkerNode", "WMCore.WMRuntime.Command", "WMCore.WMRuntime.SandboxCreator",
              "WMCore.WMRuntime.SandboxContents", "WMCore.WMRuntime.SandboxArchive", "WMCore.WMRuntime.ImportClosure",
              "WMCore.WMRuntime.ModuleIndex", "WMCore.WMRuntime.SandboxVerification",
              "WMCore.WMRuntime.SandboxEnvironment", "WMCore.WMRuntime.SandboxStandIns",
              "WMCore.WMRuntime.TrimmedSource", "WMCore.WMRuntime.VendoredPackages",
              "WMCore.WMRuntime.JobReport.LxmlReader", "WMCore.WMRuntime.Publishing", "WMCore.WMRuntime.AreaCheck",
              "WMCore.Storage.Plugins.Examples")
TEST_PLUGINS = ("WMCore.Storage.Plugins.Test", "WMCore.Storage.Backends.Test", "WMCore.Storage.Backends.Unittest")
# What future keeps for Python 2 is imported there alone, inside functions.
UNUSED = AGENT_SIDE + ("future.backports", "future.moves.dbm", "future.moves.test")
# These lie beside WMCore.zip in the job's directory: Timestamps is run as a file, job/Utils/Timestamps.py.
UNZIPPED_PACKAGES = ("Utils", "PSetTweaks")
ZIP_IMPORT_TEST = b"\"\"\"Show that modules can be imported from WMCore.zip.\"\"\"\nprint('ZIPIMPORTTESTOK')\n"
_WMCORE_INIT = '''"""Workload management core, as packed into a sandbox: the runtime's modules over WMCore's."""
import pkgutil

__path__ = pkgutil.extend_path(__path__, __name__)
__version__ = %r
__all__ = []

from WMCore.WMRuntime.SandboxImporter import importOnce
importOnce()
from WMCore.WMRuntime.LateModules import importLate
importLate()
'''


@attr.s(frozen=True)
class SandboxContents(object):
    """
    Hold the code a sandbox carries.

    :param zipped: dict of str to bytes, the members of WMCore.zip
    :param unzipped: dict of str to bytes, files beside it
    :param modules: tuple of str, the modules in both
    :param leftOut: dict of str to str, modules reached but of no use on a node, and what they lack
    """
    zipped = attr.ib(type=dict, repr=False)
    unzipped = attr.ib(type=dict, repr=False)
    modules = attr.ib(type=tuple, repr=False)
    leftOut = attr.ib(type=dict)


def _isBelow(name, package):
    """Tell whether a module is a package or inside it."""
    return name == package or name.startswith(package + ".")


def _isRoot(name):
    """Tell whether a module must be on the node, reached by imports or not."""
    if any(_isBelow(name, package) for package in AGENT_SIDE) or name.startswith(TEST_PLUGINS):
        return False
    return name in ROOT_MODULES or name.rpartition(".")[0] in ROOT_FOLDERS and name not in ROOT_FOLDERS \
        and not name.endswith((".Makers", ".StdSpecs", ".Fetchers")) \
        or any(_isBelow(name, package) for package in ROOT_PACKAGES)


def sourcePaths():
    """
    Say where the packages of WMCore are, as the running interpreter finds them.

    :return: dict of str package to list of str directories
    :raises WMRuntimeError: when one of them cannot be found, or lies in a zip
    """
    paths = {"WMCore": list(WMCore.__path__)}
    for package in UNZIPPED_PACKAGES:
        spec = importlib.util.find_spec(package)
        paths[package] = list(spec.submodule_search_locations or ()) if spec else []
    for package, folders in paths.items():
        if not any(os.path.isdir(folder) for folder in folders):
            raise WMRuntimeError(99109, "The sources for the sandbox cannot be found.",
                                 "%s: expected a directory, found %s" % (package, folders or "nothing"),
                                 "install wmcore beside wmcore-runtime")
    return paths


def _dataFiles(paths):
    """Collect what our runtime's packages hold besides modules, such as shell scripts, by archive name."""
    data = {}
    for folder in paths["WMCore"]:
        top = os.path.join(folder, "WMRuntime")
        for directory, subfolders, names in os.walk(top):
            module = "WMCore." + os.path.relpath(directory, folder).replace(os.sep, ".")
            agentSide = any(_isBelow(module, package) for package in AGENT_SIDE)
            subfolders[:] = [] if agentSide else sorted(name for name in subfolders if name != "__pycache__")
            for name in () if agentSide else sorted(names):
                if not name.endswith((".py", ".pyc", ".pyo", "~")) and name != "py.typed" and name[0] != ".":
                    data.setdefault("%s/%s" % (module.replace(".", "/"), name), os.path.join(directory, name))
    return data


def _withoutDescription(name, content):
    """Leave the long description out of a METADATA file (PEP 566): it comes after the headers."""
    return content.split(b"\n\n", 1)[0].rstrip() + b"\n" if name.endswith("/METADATA") else content


def _vendoredRoots(vendored):
    """Name the modules of packages that are carried because they were put there, not because WMCore needs them."""
    return {name for distribution in vendored.values() if distribution.name not in BASE_DISTRIBUTIONS
            for name in distribution.modules}


def _checkComplete(closure, required):
    """Refuse contents from which a needed module would be missing."""
    lost = sorted(name for name in required if name in closure.leftOut)
    if lost:
        raise WMRuntimeError(99109, "Modules the job needs cannot be imported on a worker node.",
                             "; ".join("%s lacks %s" % (name, closure.leftOut[name]) for name in lost[:10]),
                             "give the sandbox the missing package (%s), or guard the import" % PACKAGES_VARIABLE)


def collectContents(paths, vendored, change=trimSource):
    """
    Collect the code for a sandbox.

    :param paths: dict of str package to list of str directories, ours before WMCore's
    :param vendored: dict of str to VendoredDistribution
    :param change: callable taking and giving bytes, what is done to each module's source
    :return: SandboxContents
    :raises WMRuntimeError: when a module that the job needs is missing or needs one that is
    """
    index = indexPackages(paths)
    for name in sorted(vendored):
        for module, source in vendored[name].modules.items():
            index.setdefault(module, source)
    index.update((standIn.name, standIn) for standIn in STAND_INS if standIn.name in index)
    required = {name for name in index if _isRoot(name)}
    optional = {name for name in index if any(_isBelow(name, package) for package in OPTIONAL_PACKAGES)}
    closure = computeClosure(index, required | optional | _vendoredRoots(vendored), UNUSED)
    _checkComplete(closure, required | {"WMCore.WMSpec.WMWorkload", "WMCore.FwkJobReport.Report"})
    zipped, unzipped = {}, {}
    for name in closure.modules:
        source = index[name]
        target = unzipped if name.split(".")[0] in UNZIPPED_PACKAGES else zipped
        target[source.archiveName] = change(source.read())
    for member, path in _dataFiles(paths).items():
        with open(path, "rb") as handle:
            zipped[member] = handle.read()
    for distribution in vendored.values():
        if any(name in closure.reachedBy for name in distribution.modules):
            zipped.update((name, _withoutDescription(name, content)) for name, content in distribution.metadata.items())
    zipped["WMCore/__init__.py"] = (_WMCORE_INIT % WMCore.__version__).encode("utf-8")
    zipped["WMCore/ZipImportTestModule.py"] = ZIP_IMPORT_TEST
    return SandboxContents(zipped, unzipped, closure.modules, closure.leftOut)


def upstreamArchive(paths):
    """
    Pack the code as WMCore's own SandboxCreator does.

    That is: every file of the WMCore package deflated into WMCore.zip, PSetTweaks and Utils whole, all in a
    bzip2 tar. Compiled files are left out, so its size does not depend on what was imported before.

    :param paths: dict of str package to list of str directories; of WMCore the one with WMSpec's workload
        is upstream's
    :return: bytes of a bzip2 tar archive, without a workload
    :raises WMRuntimeError: when WMCore's own tree is not among the directories
    """
    whole = [folder for folder in paths["WMCore"] if os.path.isfile(os.path.join(folder, "WMSpec", "WMWorkload.py"))]
    if not whole:
        raise WMRuntimeError(99109, "WMCore's own tree cannot be found.", ", ".join(paths["WMCore"]),
                             "install wmcore beside wmcore-runtime")
    archive = zipBytes(_allFiles(whole[0], "WMCore"), zipfile.ZIP_DEFLATED)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as tar:
        files = {"WMCore.zip": archive}
        for package in UNZIPPED_PACKAGES:
            files.update(_allFiles(paths[package][0], package))
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            tar.addfile(info, io.BytesIO(files[name]))
    return packed.getvalue()


def _allFiles(directory, name):
    """Read every file below a directory but the compiled ones, by archive name."""
    found = {}
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = [one for one in subfolders if one != "__pycache__"]
        for one in names:
            path = os.path.join(folder, one)
            with open(path, "rb") as handle:
                found["%s/%s" % (name, os.path.relpath(path, directory))] = handle.read()
    return found
