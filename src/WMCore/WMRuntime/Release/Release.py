"""
A CMSSW release on disk.

    release = Release.locate("CMSSW_10_6_30", "slc7_amd64_gcc700")
    release.python(3).path, release.executable("cmsRunPython3"), release.cmsRunPython().major
"""
import os
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Release.CmsRunPython import answerCmsRunPython
from WMCore.WMRuntime.Release.PatchBase import findBase
from WMCore.WMRuntime.Release.ReleasePaths import (PLAIN_NAME, archsOf, candidatePaths, firstLine, isDirectory,
                                                   isExecutable, isPresent, namesIn, rootOf, rootsOf, whyNotListed)
from WMCore.WMRuntime.Release.ReleasePython import findPythons
from WMCore.WMRuntime.Release.ToolManifest import parseManifest, readManifests
from WMCore.WMRuntime.Tools.ProjectArea import ProjectArea


class ReleaseNotFound(WMRuntimeError):
    """Say that a release is not on disk, with each path that was tried; code 50513."""


@attr.s(frozen=True)
class Release(object):
    """
    Hold where a release is; its methods look at what is there, and never raise for what is not.

    :param version: str, such as CMSSW_13_0_3
    :param arch: str, scram arch
    :param directory: str, the release's top directory
    :param base: Release a patch release is built upon, None for a full one
    :param area: str, the developer's project area, None when the release itself is meant
    :param root: str, the directory that holds <arch>/cms/...; None when the release lies elsewhere
    :param scramVersion: str, of config/scram_version; empty when it cannot be read
    :param notes: tuple of str, what was noticed on the way
    """
    version = attr.ib()
    arch = attr.ib()
    directory = attr.ib()
    base = attr.ib(default=None)
    area = attr.ib(default=None)
    root = attr.ib(default=None)
    scramVersion = attr.ib(default="")
    notes = attr.ib(default=())

    @classmethod
    def locate(cls, version, arch=None, roots=None, environ=None):
        """
        Find a release by its name.

        :param version: str
        :param arch: str; None for the newest of this CPU that has it
        :param roots: sequence of str, directories that hold <arch>/cms/...; None for those the environment names
        :param environ: dict, None for os.environ
        :return: Release
        :raises ReleaseNotFound: naming every path tried
        """
        tops = rootsOf(os.environ if environ is None else environ) if roots is None else tuple(roots)
        _checkNames(version, arch)
        tried = []
        for root in tops:
            archs = archsOf(root, version) if arch is None else [arch]
            for name in reversed(archs):
                for path in candidatePaths(root, name, version):
                    if isDirectory(path):
                        return cls.at(path, version, name, root=root,
                                      notes=["also there for %s" % other for other in archs if other != name])
                    tried.append(path)
            if not archs:
                tried.append(os.path.join(root, "*", "cms", "cmssw*", version))
        elsewhere = sorted({name for root in tops for name in archsOf(root, version)})
        raise _notFound(version, arch, tried, "it is there for %s" % ", ".join(elsewhere) if elsewhere else "")

    @classmethod
    def fromEnvironment(cls, environ=None):
        """
        Find the release whose runtime environment this is.

        :param environ: dict, None for os.environ; CMSSW_BASE, CMSSW_RELEASE_BASE, SCRAMRT_SET, SCRAM_ARCH count
        :return: Release, with its area when the environment is a developer area's
        :raises ReleaseNotFound: when the environment names none, or one that is not there
        """
        environ = os.environ if environ is None else environ
        area, top = environ.get("CMSSW_BASE"), environ.get("CMSSW_RELEASE_BASE")
        # cmsenv inside a release leaves CMSSW_RELEASE_BASE empty: the release is CMSSW_BASE itself.
        directory = top or area
        if not directory:
            raise _notFound(environ.get("CMSSW_VERSION"), environ.get("SCRAM_ARCH"), (),
                            "the environment has neither CMSSW_RELEASE_BASE nor CMSSW_BASE")
        version = environ.get("CMSSW_VERSION") or os.path.basename(os.path.normpath(directory))
        arch = _archOf(environ, directory)
        if not isDirectory(directory):
            raise _notFound(version, arch, [directory], "the environment names it, it is not there")
        if arch is None:
            raise _notFound(version, arch, [directory], "nothing says for which arch: no SCRAMRT_SET, no SCRAM_ARCH")
        return cls.at(directory, version, arch, area=area if top and area and area != top else None,
                      fullRelease=environ.get("CMSSW_FULL_RELEASE_BASE"))

    @classmethod
    def fromArea(cls, path, arch=None):
        """
        Find the release a project area was made from.

        :param path: str, the area, such as a step's CMSSW_13_0_3 directory
        :param arch: str, None for the one the area is set up for
        :return: Release with area
        :raises ReleaseNotFound:
        """
        project = ProjectArea(path, arch)
        known = project.architectures()
        chosen = arch or (known[-1] if known else None)
        top = project.releaseTop(chosen) if chosen else None
        if top is None:
            raise _notFound(os.path.basename(os.path.normpath(path)), arch, [path],
                            "its .SCRAM/%s/Environment names no RELEASETOP" % (chosen or "<arch>"))
        version = os.path.basename(os.path.normpath(top))
        if not isDirectory(top):
            raise _notFound(version, chosen, [top], "%s was made from it" % path)
        return cls.at(top, version, chosen, area=path)

    @classmethod
    def at(cls, directory, version, arch, area=None, root=None, fullRelease=None, notes=()):
        """
        Look at a release whose directory is known.

        :param directory: str, which is there
        :param version: str
        :param arch: str
        :param area: str, a developer's project area made from it, or None
        :param root: str, the directory that holds <arch>/cms/..., None to take it from the directory
        :param fullRelease: str, the base of a patch release when its manifest names none, or None
        :param notes: sequence of str
        :return: Release
        """
        release = cls(version, arch, directory, area=area, root=root or rootOf(directory, arch),
                      scramVersion=_scramVersion(directory), notes=tuple(notes))
        base, found = findBase(release, fullRelease)
        if base is not None:
            base = cls(os.path.basename(os.path.normpath(base)), arch, base, root=release.root,
                       scramVersion=_scramVersion(base))
        problem = whyNotListed(release.toolbox(ofRelease=True))
        if problem:
            found.append("%s: no tool manifests" % problem)
        return attr.evolve(release, base=base, notes=release.notes + tuple(found))

    @property
    def scramMajor(self):
        """Give the major version of the release's SCRAM, 2 or 3; None when it is unknown."""
        found = re.match(r"^V([1-9])_", self.scramVersion)
        if found:
            # V1 and V2 are one code, with the same layout on disk.
            return max(2, int(found.group(1)))
        admin = os.path.join(self.directory, ".SCRAM", self.arch)
        for major, name in ((3, "tools"), (2, "ToolCache.db.gz")):
            if os.path.exists(os.path.join(admin, name)):
                return major
        return None

    def toolbox(self, ofRelease=False):
        """
        Give the directory of the selected tools' manifests.

        :param ofRelease: bool, the release's own even when there is a developer's area with its own copy
        :return: str, whether it is there or not
        """
        parts = ("config", "toolbox", self.arch, "tools", "selected")
        if self.area and not ofRelease:
            own = os.path.join(self.area, *parts)
            if isDirectory(own):
                return own
        return os.path.join(self.directory, *parts)

    def _variables(self):
        return {"SCRAM_PROJECTNAME": self.version.split("_")[0], "LOCALTOP": self.area or self.directory,
                "RELEASETOP": self.directory}

    def manifest(self, tool):
        """
        Read the manifest of one selected tool; a developer area's own comes first.

        :param tool: str
        :return: ToolManifest, or None when it is not selected
        :raises ManifestError: when the file is there and cannot be read
        """
        path = os.path.join(self.toolbox(), "%s.xml" % tool)
        if not PLAIN_NAME.match(tool) or not isPresent(path):
            return None
        return parseManifest(path, self.arch, self.version, self._variables())

    def manifests(self):
        """
        Read all manifests of the selected tools.

        :return: (dict of tool name to ToolManifest, tuple of ManifestError)
        """
        return readManifests(self.toolbox(), self.arch, self.version, self._variables())

    def binDirectories(self):
        """
        List the directories of the release's executables, in the order of its PATH.

        :return: tuple of str: the area's, the release's own, the base's
        """
        tops = [self.area, self.directory, self.base.directory if self.base else None]
        return tuple(os.path.join(top, "bin", self.arch) for top in tops if top)

    def executable(self, name):
        """
        Find an executable.

        :param name: str, a bare file name such as cmsRun
        :return: str, its path; None when the release has none of that name that may be executed
        """
        if not isinstance(name, str) or not PLAIN_NAME.match(name):
            return None
        paths = [os.path.join(directory, name) for directory in self.binDirectories()]
        return next((path for path in paths if isExecutable(path)), None)

    def executables(self):
        """
        List all executables.

        :return: dict of name to path
        """
        found = {}
        for directory in self.binDirectories():
            for name in namesIn(directory):
                path = os.path.join(directory, name)
                if name not in found and PLAIN_NAME.match(name) and isExecutable(path):
                    found[name] = path
        return found

    def pythons(self):
        """
        List the pythons the release brings, there or not.

        :return: tuple of ReleasePython
        """
        return findPythons(self)

    def python(self, major):
        """
        Give the python of a major version.

        :param major: int, 2 or 3
        :return: ReleasePython; None when the release has no such python
        """
        return next((python for python in self.pythons() if python.major == major), None)

    def cmsRunPython(self, runtime=None):
        """
        Tell which python cmsRun embeds.

        :param runtime: dict, the release's runtime environment, to ask a python of the release when its files
            do not tell for sure; None to start nothing
        :return: PythonAnswer
        """
        return answerCmsRunPython(self, runtime)


def _checkNames(version, arch):
    """Refuse what would lead to another directory."""
    for kind, text in (("release", version), ("arch", arch)):
        if not (isinstance(text, str) and PLAIN_NAME.match(text)) and not (text is None and kind == "arch"):
            raise _notFound(version, arch, (), "%r is no name of a %s" % (text, kind))


def _scramVersion(directory):
    return firstLine(os.path.join(directory, "config", "scram_version"))


def _notFound(version, arch, tried, why):
    context = "; ".join(["tried %s" % path for path in tried] + [text for text in [why] if text])
    message = "The release %s%s is not there." % (version, " for %s" % arch if arch else "")
    return ReleaseNotFound(50513, message, context,
                           "check the release's name and its scram arch, and whether CVMFS is mounted on this node")


def _archOf(environ, directory):
    """Take the arch from what scram said, which does not print SCRAM_ARCH, else from what the release has."""
    parts = environ.get("SCRAMRT_SET", "").strip('"').split(":")
    known = namesIn(os.path.join(directory, "config", "toolbox"))
    candidates = [parts[2] if len(parts) > 2 else "", environ.get("SCRAM_ARCH", "").strip('"'),
                  known[0] if len(known) == 1 else ""]
    return next((arch for arch in candidates if PLAIN_NAME.match(arch)), None)
