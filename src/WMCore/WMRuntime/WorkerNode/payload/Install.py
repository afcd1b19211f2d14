"""
Install: put the stand-ins for cmsRun, FWCore and cmssw-wm-tools into the tree of a worker node in a box

Everything installed finds its neighbours relative to its own place, so the node's directory can be moved as a whole.
"""
import json
import os
import shlex
import shutil

STAND_IN = "wmruntimeStandIn"
INSTALLED = "installed.json"
SOURCE = os.path.dirname(os.path.abspath(__file__))

# What makes the cmssw-wm-tools choose python3: only a release whose cmsRun embeds python 3 can import it.
PYTHON3_ONLY = os.path.join("FWCore", "PythonFramework", "CmsRun.py")

CMSRUN_LAUNCHER = """#!/bin/sh
# Stand-in for {program}, generated for a worker node in a box.
self=$0
[ ! -h "$self" ] || self=$(readlink -f -- "$self")
release=$(cd -P "${{self%"${{self##*/}}"}}./../.." && pwd)
program={program}
python={python}
why={why}
arch={arch}
callsLog={callsLog}
case $python in
    ""|/*) ;;
    *) python=$release/$python ;;
esac
if [ -z "$python" ] || [ ! -x "$python" ]; then
    [ -n "$why" ] || why="its python, ${{python:-none}}, is not there or not executable"
    printf '%s: cannot run in %s (%s): %s\\n' "$program" "${{release##*/}}" "$arch" "$why" >&2
    mkdir -p "$release/${{callsLog%/*}}"
    printf '{{"program": "%s", "argv": ["%s"], "pid": %s, "time": %s, "exit": 127}}\\n' \\
        "$program" "$program" "$$" "$(date +%s)" >> "$release/$callsLog"
    exit 127
fi
# The pythons of CMSSW read {variable} themselves (sitecustomize); the node's do not.
PYTHONPATH=$release/lib/$arch${{{variable}:+:${variable}}}${{PYTHONPATH:+:$PYTHONPATH}}
export PYTHONPATH
exec "$python" -B -m {package}.CmsRun "$program" "$@"
"""


def installTools(overridesBin, overridesPython, callsLog):
    """
    Install the stand-ins for the cmssw-wm-tools commands.

    :param overridesBin: path of the directory for the commands (a node's cvmfs/cms.cern.ch/share/overrides/bin)
    :param overridesPython: path of the directory for their python modules; it must be `../python` of overridesBin, as
        in the real place
    :param callsLog: path of the node's var/calls.jsonl; each call appends one line
    :return: list of the paths of the commands
    :raises ValueError: when overridesPython is not beside overridesBin
    """
    expected = os.path.normpath(os.path.join(overridesBin, "..", "python"))
    if os.path.abspath(expected) != os.path.abspath(overridesPython):
        raise ValueError("The tools look for their modules in %s, but overridesPython is %s" % (expected, overridesPython))
    package = installStandIn(overridesPython, callsLog)
    os.makedirs(overridesBin, exist_ok=True)
    commands = []
    for name in sorted(os.listdir(os.path.join(SOURCE, "tools"))):
        if name.endswith(".py") and name != "__init__.py":
            target = os.path.join(overridesBin, name)
            shutil.copyfile(os.path.join(SOURCE, "tools", name), target)
            os.chmod(target, 0o755)
            commands.append(target)
    writeInstalled(package, {"callsLog": relativePath(callsLog, package)})
    return commands


def installRelease(releaseDir, arch, python2, python3, cmsRunPython, hasPython3Twin, callsLog, why="", hasCmsRun=True):
    """
    Install cmsRun, its python packages and FWCore into a release of the node.

    Made are `bin/<arch>/cmsRun` (and `cmsRunPython3`), `lib/<arch>/wmruntimeStandIn/` and `python/` with FWCore,
    Configuration and IOMC. The interpreters themselves (`external/<arch>/bin/python`, …) are the caller's.

    :param releaseDir: path of the release (…/cms/cmssw/CMSSW_X_Y_Z); its last part is the release's name
    :param arch: SCRAM architecture
    :param python2: path of the release's python 2, relative to releaseDir (moves with the node) or absolute; None or ""
        when the release or the machine has none
    :param python3: the same for python 3
    :param cmsRunPython: "2" or "3", the python that cmsRun embeds
    :param hasPython3Twin: whether there is a cmsRunPython3 (releases whose cmsRun embeds python 2, 10_6 to 12_0_0_pre3)
    :param callsLog: path of the node's var/calls.jsonl
    :param why: what cmsRun says, with exit code 127, when its python is None, empty or not executable
    :param hasCmsRun: False for a patch release that takes cmsRun from its base release; its python/ is installed all
        the same
    :return: list of the paths of the launchers made
    :raises ValueError: when cmsRunPython is neither "2" nor "3"
    """
    if cmsRunPython not in ("2", "3"):
        raise ValueError("cmsRunPython must be \"2\" or \"3\", found %r" % (cmsRunPython,))
    installFwcore(os.path.join(releaseDir, "python"), cmsRunPython)
    if not hasCmsRun:
        return []
    package = installStandIn(os.path.join(releaseDir, "lib", arch), callsLog)
    release = os.path.basename(os.path.abspath(releaseDir))
    writeInstalled(package, {"callsLog": relativePath(callsLog, package), "release": release, "arch": arch,
                             "cmsRunPython": cmsRunPython})
    interpreters = {"2": python2, "3": python3}
    variables = {"2": "PYTHON27PATH", "3": "PYTHON3PATH"}
    programs = [("cmsRun", cmsRunPython)] + ([("cmsRunPython3", "3")] if hasPython3Twin else [])
    binDir = os.path.join(releaseDir, "bin", arch)
    os.makedirs(binDir, exist_ok=True)
    launchers = []
    for program, major in programs:
        text = CMSRUN_LAUNCHER.format(program=program, python=shlex.quote(interpreters[major] or ""), why=shlex.quote(why),
                                      arch=shlex.quote(arch), variable=variables[major], package=STAND_IN,
                                      callsLog=shlex.quote(relativePath(callsLog, releaseDir)))
        launchers.append(writeExecutable(os.path.join(binDir, program), text))
    return launchers


def installFwcore(pythonDir, cmsRunPython):
    """
    Install FWCore, Configuration and IOMC.

    :param pythonDir: path of the release's `python` directory
    :param cmsRunPython: "2" or "3"; FWCore.PythonFramework.CmsRun is importable in "3" only
    """
    copyTree(os.path.join(SOURCE, "python"), pythonDir)
    top = os.path.join(pythonDir, "__init__.py")
    if os.path.exists(top):
        os.unlink(top)  # only makes it a package of ours, a release has none
    if cmsRunPython != "3":
        os.unlink(os.path.join(pythonDir, PYTHON3_ONLY))


def installStandIn(directory, callsLog):
    """
    Copy the package wmruntimeStandIn.

    :param directory: path of the directory that is to hold the package
    :param callsLog: path of the node's var/calls.jsonl; its directory is made
    :return: path of the package
    """
    os.makedirs(os.path.dirname(os.path.abspath(callsLog)), exist_ok=True)
    package = os.path.join(directory, STAND_IN)
    copyTree(os.path.join(SOURCE, STAND_IN), package)
    return package


def copyTree(source, target):
    """
    Copy the python files of a directory tree over an existing or new one.

    :param source: path of the tree to copy
    :param target: path of the tree to make
    """
    for directory, subdirectories, names in os.walk(source):
        subdirectories[:] = [name for name in subdirectories if name != "__pycache__"]
        there = os.path.normpath(os.path.join(target, os.path.relpath(directory, source)))
        os.makedirs(there, exist_ok=True)
        for name in names:
            if name.endswith(".py"):
                shutil.copyfile(os.path.join(directory, name), os.path.join(there, name))


def writeInstalled(package, constants):
    """
    Write what the stand-ins must know of their node.

    :param package: path of the installed package
    :param constants: dict, goes to installed.json; paths are relative to the package
    """
    with open(os.path.join(package, INSTALLED), "w") as handle:
        json.dump(constants, handle, sort_keys=True, indent=1)


def writeExecutable(path, text):
    """
    Write an executable script.

    :param path: path of the file; replaced in one step when it exists
    :param text: its text
    :return: path
    """
    temporary = path + ".tmp"
    with open(temporary, "w") as handle:
        handle.write(text)
    os.chmod(temporary, 0o755)
    os.rename(temporary, path)
    return path


def relativePath(path, start):
    """
    Say a path as seen from a directory, both taken without following links.

    :param path: path of the file
    :param start: path of the directory
    :return: relative path
    """
    return os.path.relpath(os.path.abspath(path), os.path.abspath(start))
