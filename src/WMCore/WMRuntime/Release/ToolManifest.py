"""
A SCRAM tool manifest: what one tool of a release brings.
"""
import attr

from WMCore.WMRuntime.Errors import WMRuntimeError


class ManifestError(WMRuntimeError):
    """Say that a manifest cannot be read, which one, where and why; code 50513."""


@attr.s(frozen=True)
class RuntimeSetting(object):
    """
    Hold one `runtime` tag.

    :param name: str, of the variable
    :param value: str, with the variables known resolved
    :param isPath: bool, whether the value is one more entry of a search path
    :param handler: str, `warn` when a missing path is no error, else empty
    :param join: str, as written, else empty
    """
    name = attr.ib()
    value = attr.ib()
    isPath = attr.ib(default=False)
    handler = attr.ib(default="")
    join = attr.ib(default="")


@attr.s(frozen=True, hash=False)
class ToolManifest(object):
    """
    Hold what a tool manifest says, for one arch and release.

    :param name: str
    :param version: str, as written, such as 3.9.14-c10287ae
    :param kind: str, the `type` attribute: scram, compiler or empty
    :param environment: dict of name to tuple of str, each value in order (LIBDIR and INCLUDE come more than once)
    :param runtime: tuple of RuntimeSetting
    :param libs: tuple of str
    :param uses: tuple of str, names of tools
    :param flags: dict of name to tuple of str
    :param url: str, of `info`, or empty
    :param hasClient: bool, whether there is a `client` tag
    :param unresolved: tuple of str, variables that nothing gave a value, left as they stand
    :param path: str, the file
    """
    name = attr.ib()
    version = attr.ib(default="")
    kind = attr.ib(default="")
    environment = attr.ib(factory=dict)
    runtime = attr.ib(default=())
    libs = attr.ib(default=())
    uses = attr.ib(default=())
    flags = attr.ib(factory=dict)
    url = attr.ib(default="")
    hasClient = attr.ib(default=False)
    unresolved = attr.ib(default=())
    path = attr.ib(default="")

    @property
    def upstreamVersion(self):
        """Give the version without the suffix of the build: 3.9.14 of 3.9.14-c10287ae."""
        return self.version.split("-", 1)[0]

    @property
    def base(self):
        """Give the directory the tool is installed in, from its `<NAME>_BASE`; None when it names none."""
        values = self.environment.get(self.name.upper().replace("-", "_") + "_BASE")
        return values[-1] if values else None

    def paths(self, variable):
        """
        Give what the tool adds to a search path.

        :param variable: str, such as PATH
        :return: tuple of str
        """
        return tuple(entry.value for entry in self.runtime if entry.isPath and entry.name == variable)


def parseManifest(path, scramArch=None, release=None, variables=None):
    """
    Read one manifest.

    :param path: str
    :param scramArch: str, decides the conditionals by arch and gives $SCRAM_ARCH
    :param release: str, decides the conditionals by release
    :param variables: dict of further variables its values may name
    :return: ToolManifest
    :raises ManifestError: when it cannot be read, for whatever reason
    """
    raise NotImplementedError


def readManifests(directory, scramArch=None, release=None, variables=None):
    """
    Read all manifests of a directory.

    :param directory: str, such as config/toolbox/<arch>/tools/selected; it may be missing
    :param scramArch: str
    :param release: str
    :param variables: dict
    :return: (dict of tool name to ToolManifest, tuple of ManifestError for the files that cannot be read)
    """
    raise NotImplementedError
