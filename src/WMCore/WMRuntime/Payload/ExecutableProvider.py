"""
Where a step's executable may come from.

A package offers another source through the entry point group wmcore.runtime.executables, or by
`module:attribute`: a class derived from ExecutableProvider.
"""
import abc
import os

import attr

from WMCore.WMRuntime.Payload.ExecutableChoice import PYTHON2_TWIN, PYTHON3_TWIN

GROUP = "wmcore.runtime.executables"


@attr.s(frozen=True)
class Executable(object):
    """
    Hold one executable that was found.

    :param name: str, as main.sh is to call it: the name asked for, or a program with options before it, such as
        `igprof -pp cmsRun`. A program with white space in its path cannot have options
    :param path: str, the file that is started
    :param python: int, the python it reads a PSet with, 2 or 3; None when that is unknown, or it reads none
    :param version: tuple of int, that python's, as far as it is known
    :param reasons: tuple of str, how that is known
    """
    name = attr.ib()
    path = attr.ib()
    python = attr.ib(default=None)
    version = attr.ib(default=())
    reasons = attr.ib(default=())


@attr.s(frozen=True)
class ExecutableContext(object):
    """
    Hold what providers may look at.

    :param release: Release, or None
    :param searchPath: str, PATH of the release's environment, or None
    :param directory: str, the step's directory, or None
    :param environ: dict, the variables of the release's environment, or None where they are not known
    """
    release = attr.ib(default=None)
    searchPath = attr.ib(default=None)
    directory = attr.ib(default=None)
    environ = attr.ib(default=None, repr=False)


class ExecutableProvider(abc.ABC):
    """Find executables in one kind of place."""

    name = ""
    priority = 50

    @abc.abstractmethod
    def find(self, name, context):
        """
        Look for an executable.

        :param name: str
        :param context: ExecutableContext
        :return: Executable, or None
        """

    def names(self, context):
        """
        List what there is, to choose from and for a message.

        :param context: ExecutableContext
        :return: sequence of str
        """
        return ()


class FromRelease(ExecutableProvider):
    """Find executables in the release's bin directories, and the base's."""

    name = "release"
    priority = 10

    def find(self, name, context):
        """See ExecutableProvider."""
        path = context.release.executable(name) if context.release is not None else None
        if path is None:
            return None
        python, version, reasons = self._python(name, context.release)
        return Executable(name, path, python, version, ("%s is in the release" % path,) + tuple(reasons))

    @staticmethod
    def _python(name, release):
        if name == PYTHON3_TWIN:
            python, reasons = 3, ["%s is python 3 by its name" % name]
        elif name == PYTHON2_TWIN:
            answer = release.cmsRunPython()
            python, reasons = answer.major, list(answer.reasons)
            if not answer.sure:
                reasons.append("that is not sure")
        else:
            return None, (), []
        own = release.python(python) if python else None
        return python, own.version if own is not None else (), reasons

    def names(self, context):
        """See ExecutableProvider."""
        return sorted(context.release.executables()) if context.release is not None else ()


class FromSearchPath(ExecutableProvider):
    """Find executables as the shell of main.sh does: in PATH, or by a path from the step's directory."""

    name = "path"
    priority = 20

    def find(self, name, context):
        """See ExecutableProvider."""
        if os.sep in name:
            places, how = [os.path.join(context.directory or os.curdir, name)], "there, named by its path"
        else:
            entries = context.searchPath.split(os.pathsep) if context.searchPath else []
            places, how = [os.path.join(entry or os.curdir, name) for entry in entries], "in the PATH of the step"
        for path in places:
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return Executable(name, path, reasons=("%s is %s" % (path, how),))
        return None
