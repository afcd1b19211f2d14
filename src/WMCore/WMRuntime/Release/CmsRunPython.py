"""
Which python a release's cmsRun embeds, by a ladder of evidence from its files.

1. cmsRunPython3 beside cmsRun: cmsRun is python 2, its twin python 3.
2. Only one of the tools python and python3 is selected.
3. config/Self.xml: PYTHON27PATH or PYTHONPATH means python 2, PYTHON3PATH alone means python 3.
4. The libpython that libFWCorePythonParameterSet.so, or cmsRun itself, needs.
5. Asking the release's python3 for FWCore.PythonFramework.CmsRun, when that is wanted.
0. Where none of these is sure: what the release's name says of a special build, or of its series.

1 and 3 have been wrong: both changed at other times than cmsRun did, in the 12_0 pre-releases, and in the
builds _PY3, _PYTHON3 and _DEVEL (cmssw#33959). There they are not sure, and the ladder goes on.
"""
import os
import re

import attr

from WMCore.WMRuntime.Release.NeededLibraries import ElfError, readNeeded
from WMCore.WMRuntime.Release.ReleaseVersion import ReleaseVersion
from WMCore.WMRuntime.Release.ToolManifest import ManifestError, parseManifest
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

_LIBRARY = "libFWCorePythonParameterSet.so"
_LIBPYTHON = re.compile(r"^libpython([23])\.[0-9]")
_QUESTION = "from FWCore.PythonFramework.CmsRun import CmsRun"
_PATIENCE = 120.0
# The series in which cmsRun changed from python 2 to 3.
_TURN = (12, 0)


@attr.s(frozen=True)
class PythonAnswer(object):
    """
    Hold which python cmsRun embeds and how that is known.

    :param major: int, 2 or 3; None when nothing tells
    :param rung: int, the rung of the ladder that decided, 1 to 5; 0 for the release's name alone or nothing
    :param reasons: tuple of str, what each rung looked at and saw, in order
    :param sure: bool, False when the deciding evidence is known to have been wrong for some releases
    """
    major = attr.ib()
    rung = attr.ib(default=0)
    reasons = attr.ib(default=())
    sure = attr.ib(default=False)


@attr.s(frozen=True)
class _Step(object):
    """What one rung saw: the major version or None, whether that is sure, and the words for it."""

    major = attr.ib()
    sure = attr.ib()
    text = attr.ib()


def answerCmsRunPython(release, runtime=None):
    """
    Climb the ladder until a rung is sure.

    :param release: Release
    :param runtime: dict, the release's runtime environment for rung 5; None to start nothing
    :return: PythonAnswer
    """
    name = _parsed(release.version)
    doubtful = name is None or name.isSpecial or name.series == _TURN
    rungs = [lambda: _byTwin(release, doubtful), lambda: _byTools(release), lambda: _bySelf(release, doubtful),
             lambda: _byLibrary(release)]
    if runtime is not None:
        rungs.append(lambda: _byAsking(runtime))
    reasons, unsure = [], None
    for number, rung in enumerate(rungs, 1):
        step = rung()
        reasons.append("%d. %s" % (number, step.text))
        if step.major is not None and step.sure:
            return PythonAnswer(step.major, number, tuple(reasons), True)
        if step.major is not None and unsure is None:
            unsure = (step.major, number)
    byName = _byName(name, unsure is not None, release.python(3) is not None)
    reasons.append("0. %s" % byName.text)
    if byName.major is not None:
        return PythonAnswer(byName.major, 0, tuple(reasons), False)
    major, number = unsure or (None, 0)
    return PythonAnswer(major, number, tuple(reasons), False)


def _parsed(version):
    try:
        return ReleaseVersion.parse(version)
    except ValueError:
        return None


def _byTwin(release, doubtful):
    path = release.executable("cmsRunPython3")
    if path is None:
        return _Step(None, False, "no cmsRunPython3 in %s" % ", ".join(release.binDirectories()))
    return _Step(2, not doubtful, "%s is there, so cmsRun is python 2%s"
                 % (path, ", unless this build is one of those whose cmsRun is python 3 too" if doubtful else ""))


def _byTools(release):
    # The release's own: what a developer selected since changes no cmsRun.
    selected = release.toolbox(ofRelease=True)
    if not os.path.isdir(selected):
        pythons = sorted({python.major for python in release.pythons()})
        text = "%s is not there; external/ speaks of python %s" % (selected, " and ".join(map(str, pythons)) or "none")
        return _Step(pythons[0] if len(pythons) == 1 else None, False, text)
    tools = [tool for tool in ("python", "python3") if os.path.isfile(os.path.join(selected, tool + ".xml"))]
    if len(tools) == 1:
        return _Step(2 if tools == ["python"] else 3, True, "only the tool %s is selected in %s" % (tools[0], selected))
    return _Step(None, False, "%s the tools python and python3 are selected in %s"
                 % ("both" if tools else "neither of", selected))


def _bySelf(release, doubtful):
    path = os.path.join(release.directory, "config", "Self.xml")
    try:
        names = {entry.name for entry in parseManifest(path, release.arch, release.version).runtime}
    except ManifestError as ex:
        return _Step(None, False, ex.context)
    old, new = sorted(names & {"PYTHON27PATH", "PYTHONPATH"}), "PYTHON3PATH" in names
    if not old and not new:
        return _Step(None, False, "%s sets no python path" % path)
    said = "%s sets %s" % (path, ", ".join(old + ["PYTHON3PATH"] * new))
    if not old:
        return _Step(3, True, "%s alone, so cmsRun is python 3" % said)
    return _Step(2, not doubtful, "%s, so cmsRun is python 2%s" % (said, ", or this build's cmsRun changed before that "
                                                                   "file did" if doubtful else ""))


def _byLibrary(release):
    tops = [release.directory] + ([release.base.directory] if release.base else [])
    files = [os.path.join(top, "lib", release.arch, _LIBRARY) for top in tops]
    files += [os.path.join(top, "bin", release.arch, "cmsRun") for top in tops]
    texts = []
    for path in files:
        try:
            needed = readNeeded(path)
        except ElfError as ex:
            texts.append(str(ex))
            continue
        pythons = [name for name in needed if _LIBPYTHON.match(name)]
        majors = {int(_LIBPYTHON.match(name).group(1)) for name in pythons}
        if len(majors) == 1:
            return _Step(majors.pop(), True, "%s needs %s" % (path, ", ".join(pythons)))
        texts.append("%s needs %s" % (path, ", ".join(pythons) or "no libpython"))
    return _Step(None, False, "; ".join(texts))


def _byAsking(runtime):
    try:
        child, _out, err = runCaptured(["python3", "-c", _QUESTION], env=dict(runtime), timeout=_PATIENCE)
    except (OSError, ValueError) as ex:
        return _Step(None, False, "python3 of the runtime environment cannot be asked: %s" % ex)
    if child.ok:
        return _Step(3, True, "python3 of the runtime environment imports cmsRun's modules")
    last = (err.strip().splitlines() or ["no message"])[-1]
    if child.returnCode == 1 and last.startswith(("ImportError", "ModuleNotFoundError")):
        return _Step(2, True, "python3 of the runtime environment does not import cmsRun's modules: %s" % last)
    return _Step(None, False, "python3 of the runtime environment gave status %s: %s" % (child.shellCode, last))


def _byName(name, hasEvidence, hasPython3):
    """Give what the name alone says: of a special build what is known of its kind, else what its series had."""
    if name is None:
        return _Step(None, False, "the release's name says nothing")
    if name.isSpecial and (hasPython3 or not hasEvidence):
        return _Step(3, False, "builds called %s have a cmsRun of python 3" % "_".join(name.flags))
    if hasEvidence:
        return _Step(None, False, "nothing is sure; the first that was seen is taken")
    if name.series == _TURN:
        before = name.pre is not None and name.pre < 4
        major = 2 if before else None if name.pre == 4 else 3
    else:
        major = 2 if name.series < _TURN else 3
    return _Step(major, False, "releases of the series %d_%d %s" % (
        name.series + ("have a cmsRun of python %d" % major if major else "changed their cmsRun about this one",)))
