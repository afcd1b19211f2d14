"""
Which python a release's cmsRun embeds, by a ladder of evidence from its files.

1. cmsRunPython3 beside cmsRun: cmsRun is python 2, its twin python 3.
2. Only one of the tools python and python3 is selected.
3. config/Self.xml: PYTHON27PATH or PYTHONPATH means python 2, PYTHON3PATH alone means python 3.
4. The libpython that libFWCorePythonParameterSet.so, or cmsRun itself, needs.
5. Asking the release's python3 for FWCore.PythonFramework.CmsRun, when that is wanted.
0. Where none of these is sure: what the release's name says of a special build, or of its series.

1 and 3 have been wrong: both changed at other times than cmsRun did, in 12_0 from the builds of July 2021 on, and
in the builds _PY3, _PYTHON3 and _DEVEL (cmssw#33959). There they are not sure, and the ladder goes on. So it does
where there is a cmsRunPython3 and no python 2 at all.
"""
import os
import re

import attr

from WMCore.WMRuntime.Release.NeededLibraries import ElfError, readNeeded
from WMCore.WMRuntime.Release.ReleasePaths import isPresent, whyNotListed
from WMCore.WMRuntime.Release.ReleaseVersion import ReleaseVersion
from WMCore.WMRuntime.Release.ToolManifest import ManifestError, parseManifest
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

_LIBRARY = "libFWCorePythonParameterSet.so"
_LIBPYTHON = re.compile(r"^libpython([23])\.[0-9]")
_QUESTION = "from FWCore.PythonFramework.CmsRun import CmsRun"
# What the dynamic linker says of a library that is not there: the release's, not python's, fault.
_NOT_DEPLOYED = "cannot open shared object file"
_PATIENCE = 120.0
# The series in which cmsRun changed from python 2 to 3, and the first integration build with it (cmsdist#7106).
_TURN, _TURN_DATE = (12, 0), "2021-07-07-1100"
# The first series with a python 3 at all, and the pre-release in which nobody wrote down what cmsRun was.
_FIRST_PYTHON3, _UNKNOWN_PRE = (10, 1), 4


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

    :param release: Release; what a developer's area adds changes no cmsRun and counts for nothing
    :param runtime: dict, the release's runtime environment for rung 5; None to start nothing
    :return: PythonAnswer
    """
    release = attr.evolve(release, area=None)
    name = _parsed(release.version)
    doubtful = name is None or name.isSpecial or (name.series == _TURN and _isTurned(name) is not False)
    rungs = [lambda: _byTwin(release, doubtful), lambda: _byTools(release), lambda: _bySelf(release, doubtful),
             lambda: _byLibrary(release)]
    if runtime is not None:
        rungs.append(lambda: _byAsking(release, runtime))
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


def _isTurned(name):
    """Tell whether a release was built after cmsRun changed; None when nobody wrote that down."""
    if name.series != _TURN:
        return name.series > _TURN
    if name.isIntegrationBuild:
        return name.date >= _TURN_DATE if name.date else None
    return None if name.pre == _UNKNOWN_PRE else name.pre is None or name.pre > _UNKNOWN_PRE


def _selectedPythons(release):
    """List the tools that are selected; one whose manifest is broken is."""
    return [tool for tool in ("python", "python3") if isPresent(os.path.join(release.toolbox(), tool + ".xml"))]


def _byTwin(release, doubtful):
    path = release.executable("cmsRunPython3")
    if path is None:
        problems = [problem for problem in map(whyNotListed, release.binDirectories()) if problem]
        return _Step(None, False, "; ".join(["no cmsRunPython3 in %s" % ", ".join(release.binDirectories())] + problems))
    if _selectedPythons(release) == ["python3"]:
        return _Step(None, False, "%s is there, but there is no python 2 that cmsRun could have" % path)
    return _Step(2, not doubtful, "%s is there, so cmsRun is python 2%s"
                 % (path, ", unless this build is one of those whose cmsRun is python 3 too" if doubtful else ""))


def _byTools(release):
    selected = release.toolbox()
    tools = _selectedPythons(release)
    if len(tools) == 1:
        return _Step(2 if tools == ["python"] else 3, True, "only the tool %s is selected in %s" % (tools[0], selected))
    if tools:
        return _Step(None, False, "both the tools python and python3 are selected in %s" % selected)
    problem = whyNotListed(selected) or "neither of the tools python and python3 is selected in %s" % selected
    pythons = sorted({python.major for python in release.pythons()})
    text = "%s; external/ speaks of python %s" % (problem, " and ".join(map(str, pythons)) or "none")
    return _Step(pythons[0] if len(pythons) == 1 else None, False, text)


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


def _byAsking(release, runtime):
    python = release.python(3)
    # The first python3 of PATH may be the system's, which knows nothing of cmsRun.
    if python is None or not python.exists:
        return _Step(None, False, "the release has no python3 that could be asked")
    try:
        child, _out, err = runCaptured([python.path, "-c", _QUESTION], env=dict(runtime), timeout=_PATIENCE)
    except (OSError, ValueError) as ex:
        return _Step(None, False, "%s cannot be asked: %s" % (python.path, ex))
    if child.ok:
        return _Step(3, True, "%s imports cmsRun's modules" % python.path)
    last = (err.strip().splitlines() or ["no message"])[-1]
    if child.returnCode == 1 and last.startswith(("ImportError", "ModuleNotFoundError")) and _NOT_DEPLOYED not in last:
        return _Step(2, True, "%s does not import cmsRun's modules: %s" % (python.path, last))
    return _Step(None, False, "%s gave status %s: %s" % (python.path, child.shellCode, last))


def _byName(name, hasEvidence, hasPython3):
    """Give what the name alone says: of a special build what is known of its kind, else what its series had."""
    if name is None:
        return _Step(None, False, "the release's name says nothing")
    if name.isSpecial and (hasPython3 or (not hasEvidence and name.series >= _FIRST_PYTHON3)):
        return _Step(3, False, "builds called %s have a cmsRun of python 3" % "_".join(name.flags))
    turned = _isTurned(name)
    if hasEvidence and not (name.series == _TURN and turned and hasPython3):
        return _Step(None, False, "nothing is sure; the first that was seen is taken")
    if turned is None:
        return _Step(None, False, "releases of the series %d_%d changed their cmsRun about this one" % name.series)
    major = 3 if turned else 2
    return _Step(major, False, "releases of the series %d_%d%s have a cmsRun of python %d" % (
        name.series + ((" after the change of July 2021" if turned else " before the change of July 2021")
                       if name.series == _TURN else "", major)))
