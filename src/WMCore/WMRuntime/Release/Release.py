"""
A CMSSW release on disk.

    release = Release.locate("CMSSW_10_6_30", "slc7_amd64_gcc700")
    release.python(3).path, release.executable("cmsRunPython3"), release.cmsRunPython().major
"""
import attr

from WMCore.WMRuntime.Errors import WMRuntimeError


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
        raise NotImplementedError

    @classmethod
    def fromEnvironment(cls, environ=None):
        """
        Find the release whose runtime environment this is.

        :param environ: dict, None for os.environ; CMSSW_BASE, CMSSW_RELEASE_BASE, SCRAMRT_SET, SCRAM_ARCH count
        :return: Release, with its area when the environment is a developer area's
        :raises ReleaseNotFound: when the environment names none, or one that is not there
        """
        raise NotImplementedError

    @classmethod
    def fromArea(cls, path, arch=None):
        """
        Find the release a project area was made from.

        :param path: str, the area, such as a step's CMSSW_13_0_3 directory
        :param arch: str, None for the one the area is set up for
        :return: Release with area
        :raises ReleaseNotFound:
        """
        raise NotImplementedError

    @property
    def scramMajor(self):
        """Give the major version of the release's SCRAM, 2 or 3; None when it is unknown."""
        raise NotImplementedError

    def manifest(self, tool):
        """
        Read the manifest of one selected tool; a developer area's own comes first.

        :param tool: str
        :return: ToolManifest, or None when it is not selected
        :raises ManifestError: when the file is there and cannot be read
        """
        raise NotImplementedError

    def manifests(self):
        """
        Read all manifests of the selected tools.

        :return: (dict of tool name to ToolManifest, tuple of ManifestError)
        """
        raise NotImplementedError

    def binDirectories(self):
        """
        List the directories of the release's executables, in the order of its PATH.

        :return: tuple of str: the area's, the release's own, the base's
        """
        raise NotImplementedError

    def executable(self, name):
        """
        Find an executable.

        :param name: str, a bare file name such as cmsRun
        :return: str, its path; None when the release has none of that name that may be executed
        """
        raise NotImplementedError

    def executables(self):
        """
        List all executables.

        :return: dict of name to path
        """
        raise NotImplementedError

    def pythons(self):
        """
        List the pythons the release brings, there or not.

        :return: tuple of ReleasePython
        """
        raise NotImplementedError

    def python(self, major):
        """
        Give the python of a major version.

        :param major: int, 2 or 3
        :return: ReleasePython; None when the release has no such python
        """
        raise NotImplementedError

    def cmsRunPython(self, runtime=None):
        """
        Tell which python cmsRun embeds.

        :param runtime: dict, the release's runtime environment, to ask a python of the release when its files
            do not tell for sure; None to start nothing
        :return: PythonAnswer
        """
        raise NotImplementedError
