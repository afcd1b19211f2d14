"""
Import what a job imports, in the job's python: python3 -m WMCore.WMRuntime.Doctor.LibraryProbe JOB_DIRECTORY

The last line printed is the answer, a JSON object.
"""
import importlib
import json
import os
import shutil
import sys
import tempfile

import attr

from WMCore.WMRuntime.Environment.AutoEnvironment import AutoEnvironment
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError


def addLibraries(jobDirectory, scratch):
    """
    Add the libraries that a job brings, as Startup does.

    :param jobDirectory: str
    :param scratch: str, directory to unpack wheels in, in the place of the job's
    :return: tuple of str, the reasons
    :raises WMRuntimeError: when a library that is needed cannot be had
    """
    auto = AutoEnvironment(jobDirectory, "", dict(os.environ))
    auto.ask()
    auto.addLibraries(attr.evolve(NodeFacts.fromEnviron(), jobDirectory=scratch))
    return auto.outcome.reasons


def tryLibraries():
    """
    Import each library that is described for this python.

    :return: list of dict with name, need, version, where and problem, all str
    """
    installed, answer = InstalledLibraries(), []
    for library, versions in loadDescription().librariesFor(sys.version_info[:3]):
        found = installed.find(library.name, library.imports)
        problem = "" if found is None or found.isIn(versions) else "it is %s, expected %s" % (found.version, versions)
        for name in library.imports:
            problem = problem or whyNot(name)
        answer.append({"name": library.name, "need": library.need, "version": found.version if found else "",
                       "where": found.where if found else "", "problem": problem})
    return answer


def whyNot(module):
    """
    Tell why a module cannot be imported.

    :param module: str
    :return: str, empty when it can
    """
    try:
        importlib.import_module(module)
        return ""
    except Exception as ex:  # a damaged library raises what it likes
        return "%s: %s" % (type(ex).__name__, ex)


def main():
    """
    Print the answer.

    :return: int, process status
    """
    scratch, reasons, error = tempfile.mkdtemp(prefix="wmruntime-doctor-"), (), ""
    try:
        try:
            reasons = addLibraries(sys.argv[1], scratch) if sys.argv[1] else ()
        except WMRuntimeError as ex:
            error = str(ex)
        libraries = tryLibraries()
        error = error or whyNot("WMCore.WMRuntime.JobExecution")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("\n" + json.dumps({"libraries": libraries, "reasons": list(reasons), "error": error}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
