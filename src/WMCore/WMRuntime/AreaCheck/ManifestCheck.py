"""
Compare an area with its own manifest, and the manifest with the description.
"""
import os

from packaging.version import InvalidVersion, Version

from WMCore.WMRuntime.AreaCheck.Check import Outcome, error, info, warning
from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME, loadManifest
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaFiles import scanFiles
from WMCore.WMRuntime.Tools.ShownText import counted

_SHOWN = 5
_REMEDY = "publish the area again with `wmruntime area build`, or go back with `wmruntime area rollback`"


def checkManifest(bench, area, _start, _release):
    """Check an area that has a manifest; the areas of today have none."""
    try:
        manifest = loadManifest(area.directory)
    except WMRuntimeError as ex:
        return Outcome([error("manifestBroken", "%s %s" % (ex.message, ex.context), _REMEDY,
                              os.path.join(area.directory, MANIFEST_NAME))])
    if manifest is None:
        return Outcome(skipped="the area has no %s: it was not made by `wmruntime area build`" % MANIFEST_NAME)
    findings = list(_contents(bench.description, area, manifest)) + list(_directories(area, manifest)) + \
        compareFiles(area.directory, manifest)
    return Outcome(findings, {"build": "%d" % manifest.build, "files": "%d" % len(manifest.files),
                              "python": manifest.pythonVersion + (", layout only" if manifest.layoutOnly else ""),
                              "libraries": ", ".join("%s %s" % (one.name, one.version) for one in manifest.libraries)})


def _contents(description, area, manifest):
    """Compare what a manifest says with what the description asks for."""
    if (manifest.system, manifest.cpu) != (area.system, area.cpu):
        yield error("manifestOfAnother", "the manifest is for %s, the area is found as %s_%s" % (
            manifest.name, area.system, area.cpu), _REMEDY, area.directory)
    system = description.system(area.system)
    if not system.python.contains(manifest.pythonVersion):
        yield error("pythonOutOfRange", "python %s, expected %s" % (manifest.pythonVersion, system.python), _REMEDY,
                    area.directory)
    if manifest.layoutOnly:
        yield warning("layoutOnly", "the area has its libraries and no interpreter",
                      "build it on a machine of that CPU", area.directory)
    if manifest.glibc and int(manifest.glibc.split(".")[1]) > system.glibc:
        yield warning("glibcTooNew", "its python needs glibc %s, %s has 2.%d: it starts on newer systems alone" % (
            manifest.glibc, area.system, system.glibc),
                      "build it from a python that was compiled on %s" % area.system, area.directory)
    if manifest.description != description.sha256:
        yield info("otherDescription", "the area was built from another requirements.cfg than it is checked with")
    have = {library.name: library for library in manifest.libraries}
    for need, versions in description.librariesFor(manifest.pythonVersion):
        library = have.get(need.name)
        if library is None and need.need == "needed":
            yield error("libraryMissing", "%s is needed and not in the area" % need.name, _REMEDY, area.directory)
        elif library is None:
            yield info("libraryMissing", "%s is not in the area; the runtime does without" % need.name)
        elif not _isIn(library.version, versions):
            yield error("libraryOutOfRange", "%s %s, expected %s" % (need.name, library.version, versions), _REMEDY,
                        os.path.join(area.directory, library.directory))


def _directories(area, manifest):
    """See whether what a manifest names is where it says."""
    named = [("pythonDirectoryMissing", "its python", manifest.pythonDirectory)] if manifest.pythonDirectory else []
    named += [("libraryDirectoryMissing", library.name, library.directory) for library in manifest.libraries]
    for code, name, directory in named:
        path = os.path.join(area.directory, directory)
        if not os.path.isdir(path):
            yield error(code, "the manifest says that %s is in %s, and there is no such directory" % (name, directory),
                        _REMEDY, path)


def _isIn(version, versions):
    try:
        return versions.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def compareFiles(directory, manifest):
    """
    Compare each file of an area with its manifest.

    :param directory: str
    :param manifest: AreaManifest
    :return: list of Finding, one for each kind of difference
    """
    try:
        present = scanFiles(directory)
    except OSError as ex:
        return [error("filesUnreadable", "the files of the area cannot be read: %s" % ex, _REMEDY, directory)]
    different = {"missing": sorted(set(manifest.files) - set(present)), "changed": [],
                 "added": sorted(set(present) - set(manifest.files))}
    for path in sorted(set(present).intersection(manifest.files)):
        problem = _difference(present[path], manifest.files[path])
        if problem:
            different["changed"].append("%s: %s" % (path, problem))
    return [_named(kind, names, directory) for kind, names in different.items() if names]


def _named(kind, names, directory):
    """Compose the finding for a kind of difference."""
    text = counted(len(names), "file") + {"missing": " of the manifest not there", "changed": " not as the manifest says",
                                          "added": " not in the manifest"}[kind]
    shown = "\n".join([text] + names[:_SHOWN] + ["..."] * (len(names) > _SHOWN))
    make = warning if kind == "added" else error
    return make("files%s" % kind.capitalize(), shown, _REMEDY, directory)


def _difference(found, expected):
    """Say how a file differs from its entry in the manifest; None when it does not."""
    if found.link != expected.link:
        return "%s, expected %s" % tuple("a link to %s" % one.link if one.link else "a file"
                                         for one in (found, expected))
    if found.size != expected.size:
        return "%s, expected %d" % (counted(found.size, "byte"), expected.size)
    # CVMFS and archives keep who may execute, not always who may write.
    if not found.link and bool(found.mode & 0o111) != bool(expected.mode & 0o111):
        return "mode %o, expected %o" % (found.mode, expected.mode)
    return None if found.sha256 == expected.sha256 else "its contents differ"
