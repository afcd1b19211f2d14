"""
Collect the wheels of the description's libraries for every python, system and CPU into one directory.
"""
import os

import attr
from packaging.specifiers import SpecifierSet

from WMCore.WMRuntime.Environment.WheelFile import fileHash, readWheel
from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, WheelEntry, WheelIndex, chooseWheel, indexBytes, \
    loadWheelIndex
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelLock import LOCK_NAME, WheelLock
from WMCore.WMRuntime.Publishing.WholeFile import makeDirectory, writeWholeFile


@attr.s(frozen=True)
class MissingWheel(object):
    """
    Hold a library there is no wheel of for a target.

    :param library: LibraryNeeds
    :param version: str
    :param target: WheelTarget
    """
    library = attr.ib()
    version = attr.ib(type=str)
    target = attr.ib()


@attr.s(frozen=True)
class Collection(object):
    """
    Hold what a collection came to.

    :param index: WheelIndex, as written
    :param fetched: tuple of str, files that are new
    :param missing: tuple of MissingWheel
    """
    index = attr.ib()
    fetched = attr.ib(type=tuple)
    missing = attr.ib(type=tuple)


def describeWheel(path, library, version):
    """
    Make the index entry of a wheel.

    :param path: str
    :param library: LibraryNeeds
    :param version: str, as the description pins it
    :return: WheelEntry
    :raises WMRuntimeError: when the file is no wheel of the library, or holds what no wheel may
    """
    content = readWheel(path)
    with open(path, "rb") as handle:
        sha256 = fileHash(handle)
    lost = sorted(set(library.imports).difference(content.imports))
    try:
        entry = WheelEntry(library.name, version, os.path.basename(path), sha256, os.path.getsize(path),
                           content.imports, content.pure, library.need)
    except ValueError as ex:
        raise WMRuntimeError(None, "A wheel cannot be collected.", "%s: %s" % (path, ex), "find out who made it")
    if lost:
        raise WMRuntimeError(None, "A wheel does not bring what its library is for.",
                             "%s: expected the modules %s, found %s" % (path, ", ".join(library.imports),
                                                                        ", ".join(content.imports)),
                             "mend the library's `imports` in the description")
    entry.checkFor(library)
    readWheel(path, entry)
    return entry


class WheelCollector(object):
    """
    Collect wheels into a directory, with an index and a lock.

    :param directory: str, made when it does not exist
    :param download: PipDownload
    :param updateLock: bool, whether hashes that the lock does not have are added to it
    :param log: callable taking a line of text
    """

    def __init__(self, directory, download, updateLock=False, log=lambda text: None):
        self.directory = os.path.abspath(directory)
        self.download = download
        self.log = log
        makeDirectory(self.directory)
        self.locked = WheelLock.load(self.directory)
        self.enforced = WheelLock() if updateLock or self.locked is None else self.locked
        self.mayAdd = updateLock or self.locked is None
        self.known, self.used, self.fetched, self.missing = [], set(), [], []

    def collect(self, description, targets, names=()):
        """
        Collect what the description pins. A wheel that is there and fits is not fetched again.

        :param description: Description
        :param targets: sequence of WheelTarget, the oldest systems first
        :param names: sequence of str, only these libraries; empty for all
        :return: Collection
        :raises WMRuntimeError: when pip fails, or a file is not the one the lock wants
        """
        libraries = [library for library in description.libraries if not names or library.name in names]
        old = loadWheelIndex(self.directory) or WheelIndex(self.directory, ())
        self.known = [entry for entry in old.wheels if self._isGood(entry)]
        for target in targets:
            for library in libraries:
                row = library.rowFor("%d.%d" % target.python)
                if row is not None:
                    self._provide(library, row.pinned, target)
        index = WheelIndex(self.directory, sorted(self.used, key=lambda entry: entry.file))
        self._finish(index, old)
        return Collection(index, tuple(self.fetched), tuple(self.missing))

    def _isGood(self, entry):
        """Tell whether a wheel of an earlier collection can stay."""
        try:
            readWheel(os.path.join(self.directory, entry.file), entry)
        except WMRuntimeError as ex:
            self.log("again: %s" % ex.context)
            return False
        return self.mayAdd or self.enforced.allows(entry.name, entry.version, entry.sha256)

    def _provide(self, library, version, target):
        """Find or fetch the wheel of a library for one target."""
        pinned = WheelIndex(self.directory, self.known).candidates(library.name, SpecifierSet("==" + version))
        entry = chooseWheel(pinned, target.ranks)
        if entry is None:
            path = self.download.fetch(self.enforced.requirement(library.name, version), target, self.directory)
            if path is None:
                self.missing.append(MissingWheel(library, version, target))
                return
            entry = self._accept(path, library, version)
            if entry.rank(target.ranks) is None:
                raise WMRuntimeError(None, "pip fetched a wheel that does not fit.", "%s for %s" % (path, target),
                                     "use a newer pip")
            self.fetched.append(entry.file)
            self.known.append(entry)
            self.log("%s, for %s" % (entry.file, target))
        self.used.add(entry)

    def _accept(self, path, library, version):
        """Describe a wheel that was fetched, and hold it against the lock; one that fails does not stay."""
        try:
            entry = describeWheel(path, library, version)
            if not self.mayAdd and not self.enforced.allows(library.name, version, entry.sha256):
                raise WMRuntimeError(None, "A wheel is not in the lock.", "%s has the SHA-256 %s, not in %s" % (
                    path, entry.sha256, os.path.join(self.directory, LOCK_NAME)),
                    "if the description's pin was changed on purpose, collect with --update-lock")
        except WMRuntimeError:
            os.unlink(path)
            raise
        return entry

    def _finish(self, index, old):
        """Write lock and index, then remove the wheels that only the old index names."""
        lock = self.locked or WheelLock()
        for entry in index.wheels:
            lock.add(entry.name, entry.version, entry.sha256)
        writeWholeFile(os.path.join(self.directory, LOCK_NAME), lock.text())
        writeWholeFile(os.path.join(self.directory, INDEX_NAME), indexBytes(index.wheels))
        kept = {entry.file for entry in index.wheels}
        for entry in old.wheels:
            if entry.file not in kept and os.path.isfile(index.path(entry)):
                os.unlink(index.path(entry))
                self.log("removed %s" % entry.file)
