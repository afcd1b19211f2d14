"""
The checks that run an area's python: it starts, its libraries import, the sandbox's modules import in it.
"""
import os

import attr
from packaging.version import InvalidVersion, Version

from WMCore.WMRuntime.AreaCheck.Check import Check, Outcome, error, info, warning
from WMCore.WMRuntime.AreaCheck.CheckBench import ProbeFailed
from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME
from WMCore.WMRuntime.SandboxVerification import VERIFIED_PACKAGES

_SHOWN = 5


def inside(path, directory):
    """
    Tell whether a path lies in a directory, as named or where links lead.

    :param path: str
    :param directory: str
    :return: bool
    """
    return any((one + os.sep).startswith(two + os.sep) for one in {path, os.path.realpath(path)}
               for two in {directory, os.path.realpath(directory)})


def lastLines(text, count=12):
    """Give the end of a program's output."""
    return "\n".join(text.strip().splitlines()[-count:])


def checkPython(bench, area, start, _release):
    """Start the area's python as the wrapper does; look at its version, its place and the variables left behind."""
    if start.problem:
        words = [line for line in start.words.splitlines() if ": no such directory" not in line]
        return Outcome([error("pythonDoesNotStart", "%s:\n%s" % (start.problem, lastLines("\n".join(words))),
                              "mend or unpublish the version named above; when this machine runs another system than "
                              "the area's, repeat it inside a container of that", area.directory)])
    try:
        said = bench.ask(start, "interpreter", {}, bench.workDirectory(area, "python"))
    except ProbeFailed as ex:
        return Outcome([error("pythonFails", "the python starts, and then fails: %s" % ex, "build it again",
                              area.directory)])
    findings = list(_pythonFindings(bench, area, start, said))
    version = ".".join(str(part) for part in said["version"])
    return Outcome(findings, {"python": version, "executable": said["executable"]})


def _pythonFindings(bench, area, start, said):
    """Judge what a python said of itself."""
    wanted = bench.description.system(area.system).python
    version = ".".join(str(part) for part in said["version"])
    if not wanted.contains(version):
        yield error("pythonOutOfRange", "python %s, expected %s" % (version, wanted),
                    "publish one in that range, or change [system %s] of requirements.cfg" % area.system, start.python)
    for name in ("prefix", "executable"):
        if not inside(said[name] or "", area.directory):
            yield error("pythonElsewhere", "sys.%s is %s, outside of the area" % (name, said[name]),
                        "build a relocatable python, and set no PYTHONHOME", start.python)
    if "PYTHONHOME" in start.environ:
        yield error("pythonHomeSet", "init.sh leaves PYTHONHOME=%s: no other python starts with it" %
                    start.environ["PYTHONHOME"], "take PYTHONHOME out of init.sh", start.python)
    if " does not work, trying the next: " in start.words:
        yield error("firstChoiceFails", "jobs run on another version than the one they should:\n%s" % "\n".join(
            line for line in start.words.splitlines() if " does not work, trying the next: " in line),
                    "mend that version, or name another one in external/python3/default", area.directory)


def checkLibraries(bench, area, start, _release):
    """Import each library of the description; compare its version and its place."""
    directory = bench.workDirectory(area, "libraries")
    version = tuple(bench.ask(start, "interpreter", {}, directory)["version"])
    needs = bench.description.librariesFor(version)
    answers = bench.ask(start, "libraries", {"libraries": {need.name: list(need.imports) for need, _ in needs}},
                        directory)
    # Areas of today carry no libraries but future; what they lack comes with each job.
    ownLibraries = os.path.lexists(os.path.join(area.directory, MANIFEST_NAME))
    findings, facts = [], {}
    for need, versions in needs:
        answer = answers[need.name]
        facts[need.name] = answer.get("version") or ("not there" if answer.get("absent") else answer.get("error", "?"))
        findings.extend(_libraryFindings(need, versions, answer, area, ownLibraries))
    return Outcome(findings, facts)


def _libraryFindings(need, versions, answer, area, ownLibraries):
    """Judge what importing one library came to."""
    if answer.get("absent"):
        if ownLibraries and need.need == "needed":
            yield error("libraryMissing", "%s cannot be imported: %s" % (need.name, answer["error"]),
                        "build the area again with it", area.directory)
        else:
            yield info("libraryMissing", "%s is not in the area; %s" % (
                need.name, "each job brings its own" if need.need == "needed" else "the runtime does without"))
    elif "error" in answer:
        yield error("libraryBroken", "%s does not import: %s" % (need.name, answer["error"]),
                    "take it out of the area or build it again for this python", area.directory)
    else:
        if not _isIn(answer["version"], versions):
            yield error("libraryOutOfRange", "%s %s, expected %s" % (need.name, answer["version"], versions),
                        "publish a version in that range", answer["origin"])
        if not inside(answer["origin"], area.directory):
            yield warning("libraryElsewhere", "%s comes from outside of the area" % need.name,
                          "publish it in the area, or keep that path out of init.sh", answer["origin"])


def _isIn(version, versions):
    try:
        return not version or versions.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def checkClosure(bench, area, start, _release):
    """Import every module of a real sandbox, in the environment a job has; each has to come from the sandbox."""
    directory = bench.workDirectory(area, "closure")
    answer = bench.ask(sandboxStart(bench, start), "closure",
                       {"job": bench.job, "packages": VERIFIED_PACKAGES, "path": []}, directory)
    findings, tried = [], len(answer["modules"])
    for key, code, message, remedy in (
            ("failed", "closureBroken", "of %d modules %d cannot be imported",
             "mend what their errors name, the area's python or the sandbox"),
            ("foreign", "closureShadowed", "of %d modules %d from elsewhere than the sandbox",
             "keep that path out of the area's init.sh")):
        if answer[key]:
            names = sorted(answer[key])
            shown = ["%s: %s" % (name, answer[key][name]) for name in names[:_SHOWN]] + ["..."] * (len(names) > _SHOWN)
            findings.append(error(code, message % (tried, len(names)) + "\n" + "\n".join(shown), remedy,
                                  area.directory))
    return Outcome(findings, {"modules imported": "%d" % (tried - len(answer["failed"]))})


def sandboxStart(bench, start):
    """
    Put the unpacked sandbox in front of an area's environment, as the wrapper does.

    :param bench: CheckBench, with its sandbox
    :param start: AreaStart
    :return: AreaStart
    """
    path = [os.path.join(bench.job, "WMCore.zip"), bench.job, start.environ.get("PYTHONPATH", "")]
    return attr.evolve(start, environ=dict(start.environ, PYTHONPATH=":".join(filter(None, path))))


RUNNING_CHECKS = (
    Check("python", "the wrapper starts this area's python, its version is in range", checkPython, runs=True),
    Check("libraries", "the libraries import, their versions are in range", checkLibraries, runs=True),
    Check("closure", "all of the sandbox's modules import, from the sandbox", checkClosure, runs=True))
