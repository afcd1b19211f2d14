"""
What the jobs of a sandbox ask of their environment: the file environment.cfg that goes beside WMCore.zip.
"""
import os

from WMCore.WMRuntime.Environment.EnvironmentRequest import FILE_NAME, EnvironmentRequest
from WMCore.WMRuntime.SandboxArchive import ArchiveEntry

ENVIRONMENT_VARIABLE = "WMRUNTIME_SANDBOX_ENVIRONMENT"


def sandboxRequest(request=None, environ=None):
    """
    Say what the jobs of a sandbox ask for.

    :param request: EnvironmentRequest; None for what the file says that WMRUNTIME_SANDBOX_ENVIRONMENT names
    :param environ: dict, the agent's environment; None for this process's
    :return: EnvironmentRequest; None when they ask for nothing
    :raises WMRuntimeError: when the file is not there, or no job would understand what is asked for
    """
    path = (os.environ if environ is None else environ).get(ENVIRONMENT_VARIABLE)
    return EnvironmentRequest.fromFile(path) if request is None and path else request


def environmentEntries(request=None, environ=None):
    """
    List the file, if there is anything to ask for.

    :param request: EnvironmentRequest, or None, as for sandboxRequest
    :param environ: dict, likewise
    :return: list of ArchiveEntry, none or one
    :raises WMRuntimeError: as sandboxRequest
    """
    request = sandboxRequest(request, environ)
    text = request.toText() if request is not None else ""
    return [ArchiveEntry(FILE_NAME, content=text.encode("utf-8"))] if text else []
