"""
Run by the python a job would have, 3.6 or later: import every module of an unpacked sandbox, say what fails and what
comes from elsewhere.

    python SandboxImports.py REQUEST.json ANSWER.json

Imports nothing of the project: what it is to import must come from the sandbox.
"""
import importlib
import json
import os
import sys
import zipfile


def modulesOf(job, packages):
    """
    Name the modules of an unpacked sandbox.

    :param job: str, the directory it was unpacked into
    :param packages: iterable of str, only those in these
    :return: list of str
    """
    with zipfile.ZipFile(os.path.join(job, "WMCore.zip")) as archive:
        names = archive.namelist()
    for folder, _, files in os.walk(job):
        names.extend(os.path.relpath(os.path.join(folder, name), job) for name in files)
    modules = set()
    for name in names:
        parts = name.split("/")
        if name.endswith(".py") and parts[0] in packages:
            parts[-1] = parts[-1][:-3]
            modules.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(modules)


def importAll(job, packages):
    """
    Import all that a sandbox carries, as a job would.

    :param job: str, the directory it was unpacked into
    :param packages: iterable of str, see modulesOf
    :return: dict with `version` of this python, `modules` that were tried, `failed` (dict of module to why), `foreign`
        (dict of module to the file it came from instead)
    """
    modules, failed, foreign = modulesOf(job, packages), {}, {}
    for name in modules:
        try:
            origin = importlib.import_module(name).__file__ or ""
        except BaseException as ex:  # a broken module may raise anything, SystemExit too
            failed[name] = "%s: %s" % (type(ex).__name__, ex)
            continue
        if not origin.startswith(job + os.sep):
            foreign[name] = origin
    return {"version": "%d.%d.%d" % sys.version_info[:3], "modules": modules, "failed": failed, "foreign": foreign}


def main(argv):
    """
    Answer a request.

    :param argv: list of str: the file of the request, an object with `job`, `packages`, and `path`, what is put first
        on the search path; the file for the answer, what importAll gives
    """
    here = os.path.dirname(os.path.abspath(__file__))
    with open(argv[0], encoding="utf-8") as handle:
        request = json.load(handle)
    # Only what the job would find counts.
    sys.path[:] = request["path"] + [entry for entry in sys.path if not entry or os.path.abspath(entry) != here]
    answer = importAll(request["job"], request["packages"])
    with open(argv[1], "w", encoding="utf-8") as handle:
        json.dump(answer, handle)


if __name__ == "__main__":
    main(sys.argv[1:])
