"""
The pythons of a release, from its tool manifests and from the links in its external/ directory.
"""
import os
import re

import attr

from WMCore.WMRuntime.Release.ReleasePaths import describeMissing, existing, isExecutable, isPresent, namesIn
from WMCore.WMRuntime.Release.ToolManifest import ManifestError

# The tool called python is python 2 in every release that has it.
TOOLS = (("python", 2), ("python3", 3))
_VERSION = re.compile(r"^([0-9]{1,3}(?:\.[0-9]{1,4}){0,3})")
_LIBRARY = re.compile(r"^python([0-9]\.[0-9]{1,3})")
_LINK = re.compile(r"^python([23])(?:\.([0-9]{1,3}))?\Z")


@attr.s(frozen=True)
class ReleasePython(object):
    """
    Hold one python of a release.

    :param tool: str, the tool that brings it: python (which is python 2, always) or python3; empty when only
        a link in external/ speaks of it
    :param major: int, 2 or 3
    :param version: tuple of int, such as (3, 9, 14); only what is known: (3, 9), (3,) or ()
    :param base: str, the directory it is installed in; None when no manifest names one
    :param path: str, of the interpreter; where it should be when it is not there; None when nothing says where
    :param exists: bool, whether path is a file that may be executed
    :param where: str, `external` (a link of the release), `base` (the tool's own directory), `missing`
    :param reasons: tuple of str, what was looked at and what was seen
    """
    tool = attr.ib()
    major = attr.ib()
    version = attr.ib(default=())
    base = attr.ib(default=None)
    path = attr.ib(default=None)
    exists = attr.ib(default=False)
    where = attr.ib(default="missing")
    reasons = attr.ib(default=())


def findPythons(release):
    """
    List the pythons of a release.

    :param release: Release
    :return: tuple of ReleasePython, python 2 first
    """
    found = [_findPython(release, tool, major) for tool, major in TOOLS]
    return tuple(python for python in found if python is not None)


def _findPython(release, tool, major):
    reasons = []
    try:
        manifest = release.manifest(tool)
        broken = False
    except ManifestError as ex:
        manifest, broken = None, True
        reasons.append("the manifest of %s cannot be used: %s" % (tool, ex.context))
    if manifest is not None and manifest.name != tool:
        reasons.append("the manifest of %s cannot be used: %s is about the tool %s" % (tool, manifest.path, manifest.name))
        manifest, broken = None, True
    links = _linksOf(release, major)
    if manifest is None and not broken and not links:
        return None
    if manifest is None:
        if not broken:
            reasons.append("the tool %s is not selected; only links in external/ speak of it" % tool)
        python = ReleasePython(tool if broken else "", major, max([version for _path, version in links], default=()),
                               reasons=tuple(reasons))
        return _withPath(python, [("external", path, version) for path, version in links] + _expected(release, python))
    version = manifestVersion(manifest)
    reasons.append("the tool %s is selected, version %s (%s)" % (tool, manifest.version or "unknown", manifest.path))
    if version and version[0] != major:
        reasons.append("its version is not one of python %d" % major)
        version = ()
    base = manifest.base
    if base is not None:
        taken, reason = existing(base, release.arch, release.root)
        reasons.append(reason)
        base = taken or base
    python = ReleasePython(tool, major, version, base, reasons=tuple(reasons))
    return _withPath(python, _expected(release, python))


def manifestVersion(manifest):
    """
    Give the version of python a manifest is about.

    :param manifest: ToolManifest of python or python3
    :return: tuple of int, from the version without its suffix, else from the library's name (python3.6m); or ()
    """
    texts = [manifest.upstreamVersion] + [found.group(1) for found in map(_LIBRARY.match, manifest.libs) if found]
    for text in texts:
        found = _VERSION.match(text)
        if found:
            return tuple(int(part) for part in found.group(1).split("."))
    return ()


def _externalBins(release):
    return [os.path.join(top, "external", release.arch, "bin") for top in (release.area, release.directory) if top]


def _linksOf(release, major):
    """Give (path, version) of what is named as a python of the major version in external/, the newest first."""
    links = []
    for directory in _externalBins(release):
        found = [_LINK.match(name) for name in namesIn(directory)]
        named = [((major,) + ((int(link.group(2)),) if link.group(2) else ()), link.group())
                 for link in found if link and int(link.group(1)) == major]
        links += [(os.path.join(directory, name), version) for version, name in sorted(named, reverse=True)]
    return links


def _expected(release, python):
    """List where a python should be, as (where, path, version): in external/, then in the tool's own directory."""
    names = ["python%d.%d" % python.version[:2]] if len(python.version) > 1 else []
    names += ["python%d" % python.major] + (["python"] if python.major == 2 else [])
    places = [("external", directory) for directory in _externalBins(release)]
    places += [("base", os.path.join(python.base, "bin"))] if python.base and os.path.isabs(python.base) else []
    return [(where, os.path.join(directory, name), python.version) for where, directory in places for name in names]


def _withPath(python, candidates):
    """Take the first of the candidates that is an interpreter."""
    reasons, expected = list(python.reasons), None
    for where, path, version in candidates:
        if isExecutable(path):
            reasons.append("%s is there" % path)
            return attr.evolve(python, path=path, version=version, exists=True, where=where, reasons=tuple(reasons))
        if isPresent(path) and describeMissing(path) not in reasons:
            reasons.append(describeMissing(path))
            expected = expected or path
    reasons.append("no interpreter at %s" % ", ".join(sorted({path for _where, path, _version in candidates})))
    return attr.evolve(python, path=expected or candidates[0][1], reasons=tuple(reasons))
