"""
Wheels that came with the job: libraries for what the node's python lacks.

Pure wheels are imported from where they lie, binary ones are unpacked once into the job's directory. A wheel is used
only for a library that is not there, or is there in a version that will not do.
"""
import logging
import os

import attr
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

from WMCore.WMRuntime.Environment.Description import NEEDED
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, LIBRARIES, WARNING, Availability, \
    EnvironmentProvider, Finding, Prepared
from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries
from WMCore.WMRuntime.Environment.WheelFile import readWheel, unpackWheel
from WMCore.WMRuntime.Environment.WheelIndex import ANY_PYTHON, INDEX_NAME, WheelIndex, chooseWheel, \
    loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError

UNPACKED_DIRECTORY = "wheels.unpacked"
_REMEDY = "collect wheels for this python (wmruntime wheels collect), or have the area carry the library"


@attr.s(frozen=True)
class Lack(object):
    """
    Hold a library an interpreter does not have as it should.

    :param library: LibraryNeeds
    :param versions: packaging SpecifierSet, those that will do
    :param found: InstalledLibrary in another version, None when there is none at all
    """
    library = attr.ib()
    versions = attr.ib()
    found = attr.ib(default=None)

    @property
    def reason(self):
        """Say what is lacking."""
        if self.found is None:
            return "this python has no %s" % self.library.name
        return "%s %s in %s is not %s" % (self.library.name, self.found.version, self.found.where, self.versions)


def lackingLibraries(description, version, paths=None):
    """
    List what an interpreter lacks of what the runtime needs.

    :param description: Description
    :param version: tuple of int, of the interpreter
    :param paths: list of str, what it imports from; None for this process's sys.path
    :return: tuple of Lack, in the description's order
    """
    installed = InstalledLibraries(paths)
    looked = [(library, versions, installed.find(library.name, library.imports))
              for library, versions in description.librariesFor(version)]
    return tuple(Lack(*one) for one in looked if one[2] is None or not one[2].isIn(one[1]))


class Wheelhouse(EnvironmentProvider):
    """
    Provide libraries from a directory of wheels, on top of the python that runs.

    :param directory: str
    :param description: Description
    :param paths: list of str, what the python imports from; None for sys.path
    """
    name = "wheels"
    priority = 50
    gives = LIBRARIES

    def __init__(self, directory, description, paths=None):
        self.directory = directory
        self.description = description
        self.paths = paths

    @classmethod
    def create(cls, context):
        """
        Make the provider when the job has wheels.

        :param context: EnvironmentContext
        :return: Wheelhouse or None
        """
        return cls(context.request.wheels, context.description) if context.request.wheels else None

    def available(self, node):
        """
        Tell whether there are wheels that can be used.

        :param node: NodeFacts
        :return: Availability
        """
        index, broken = self._readIndex()
        if broken is not None:
            return Availability(False, "%s %s" % (broken.message, broken.context))
        return Availability(True, "%d wheels in %s" % (len(index.wheels), self.directory))

    def lacking(self, node):
        """
        List what the node's python lacks.

        :param node: NodeFacts
        :return: tuple of Lack
        """
        return lackingLibraries(self.description, node.version, self.paths)

    def prepare(self, node):
        """
        Make the wheels ready for what the python lacks.

        A library that only helps and cannot be had is skipped with a warning.

        :param node: NodeFacts, of the python that runs this
        :return: Prepared, whose environment puts the wheels first on PYTHONPATH, and whose libraries are those added:
            (name, version, the entry for sys.path)
        :raises WMRuntimeError: when a needed library cannot be had, code 11014
        """
        index, broken = self._readIndex()
        added, reasons = [], []
        for lack in self.lacking(node):
            try:
                if broken is not None:
                    raise broken
                found = self._provide(index, lack, node)
            except WMRuntimeError as ex:
                if lack.library.need == NEEDED:
                    raise
                logging.warning("The job goes on without %s: %s", lack.library.name, ex)
                reasons.append("without %s: %s %s" % (lack.library.name, ex.message, ex.context))
                continue
            if found is None:
                reasons.append("%s, and none came with the job" % lack.reason)
                continue
            entry, where = found
            added.append((entry.name, entry.version, where))
            reasons.append("%s, taken from %s" % (lack.reason, entry.file))
        return Prepared(self.name, None, node.version, _onPath(node.environ, [one[2] for one in added]), reasons,
                        libraries=added)

    def _readIndex(self):
        """Give the index and no error, or an empty one and the error."""
        try:
            index = loadWheelIndex(self.directory)
            if index is None:
                raise WMRuntimeError(11014, "There is no index of wheels.", "%s: expected %s" % (
                    self.directory, INDEX_NAME), "make the sandbox again")
            return index, None
        except WMRuntimeError as ex:
            return WheelIndex(self.directory, ()), ex

    def _provide(self, index, lack, node):
        """
        Choose, verify and if need be unpack the wheel for a library; give its entry and where to import it from.

        None is no fault when the library only helps and none was sent: what to send is the agent's choice.
        """
        candidates = index.candidates(lack.library.name, lack.versions)
        if not candidates and lack.library.need != NEEDED:
            return None
        entry = chooseWheel(candidates, _ranks(candidates))
        if entry is None:
            raise WMRuntimeError(
                11014, "No wheel fits.", "%s, and of the %d wheels of it in %s none is for python %s on %s" % (
                    lack.reason, len(candidates), index.directory, ".".join(map(str, node.version)), node.machine),
                _REMEDY)
        entry.checkFor(lack.library)
        path = index.path(entry)
        if not readWheel(path, entry).pure:
            path = unpackWheel(path, entry, os.path.join(node.jobDirectory or self.directory, UNPACKED_DIRECTORY))
        if os.pathsep in path:
            raise WMRuntimeError(11014, "A wheel cannot be put on PYTHONPATH.", "%r holds %r" % (path, os.pathsep),
                                 "run the job in a directory with another name")
        return entry, os.path.abspath(path)

    def check(self, node):
        """
        Look for what is wrong with the wheels, as far as this node can tell.

        :param node: NodeFacts
        :return: tuple of Finding; what does not fit here is no fault, only what is damaged or lacking
        """
        index, broken = self._readIndex()
        if broken is not None:
            return (_finding("wheelIndexBroken", broken, self.directory),)
        findings = []
        for entry in index.wheels:
            try:
                verifyWheel(index, entry, self.description)
            except WMRuntimeError as ex:
                findings.append(_finding("wheelRefused", ex, index.path(entry)))
        for lack in self.lacking(node):
            candidates = index.candidates(lack.library.name, lack.versions)
            if chooseWheel(candidates, _ranks(candidates)) is None:
                findings.append(Finding("wheelLacking", ERROR if lack.library.need == NEEDED else WARNING,
                                        "%s, and no wheel here fits" % lack.reason, _REMEDY, self.directory))
        return tuple(findings)


def verifyWheel(index, entry, description):
    """
    Look at a wheel as a job would that takes it.

    :param index: WheelIndex
    :param entry: WheelEntry, of the index
    :param description: Description
    :return: tuple of the WheelContent and the LibraryNeeds the wheel is for, None when the description has none
    :raises WMRuntimeError: when a job would refuse it
    """
    content = readWheel(index.path(entry), entry)
    name = canonicalize_name(entry.name)
    library = next((one for one in description.libraries if canonicalize_name(one.name) == name), None)
    if library is not None:
        entry.checkFor(library)
    return content, library


def _finding(code, error, path):
    return Finding(code, ERROR, "%s %s" % (error.message, error.context), error.hint, path)


def _ranks(candidates):
    """Rank the tags this python takes; the list of all takes milliseconds, and a pure wheel needs none of it."""
    if all(ANY_PYTHON in entry.tags for entry in candidates):
        return {ANY_PYTHON: 0}
    ranks = {}
    for tag in sys_tags():
        ranks.setdefault(tag, len(ranks))
    return ranks


def _onPath(environ, entries):
    """Put entries first on PYTHONPATH: a version that will do must come before the one that will not."""
    if not entries:
        return EnvDiff()
    before = environ.get("PYTHONPATH")
    older = [path for path in before.split(os.pathsep) if path not in entries] if before else []
    return EnvDiff({"PYTHONPATH": os.pathsep.join(entries + older)})
