"""
Choose the executable of a step: cmsRun, its twin of the other python, or what the step names.

asRequested takes what the step asks for. preferPython3 takes an executable of python 3 where there is one.
matchPSet looks at the PSet and takes the executable whose python can run it; the name `auto` stands for it.
No process is started, unless a PSet is about to be refused, or its syntax could not be looked at and there are two
executables to choose from: then the release's own pythons have the last word.
"""
import logging

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableChoice import (AS_REQUESTED, MATCH_PSET, PREFER_PYTHON3,
                                                       PYTHON2_TWIN, PYTHON3_TWIN, ExecutableChoice, ExecutableRequest,
                                                       RejectedExecutable)
from WMCore.WMRuntime.Payload.ExecutableProvider import (GROUP, Executable, ExecutableContext, ExecutableProvider,
                                                         FromRelease, FromSearchPath)

PLUGIN_VARIABLE = "WMRUNTIME_EXECUTABLES"
BUILT_IN = (FromRelease, FromSearchPath)
EXECUTABLE_NOT_FOUND, BAD_CONFIGURATION = 50110, 7002
_SHOWN = 12


class _Selection(object):
    """One selection under way."""

    def __init__(self, request, context, providers, pset, ask):
        self.request = request
        self.context = context
        self.pset = pset
        self.ask = ask
        self.reasons, self.rejected, self.providers, self.said = list(request.reasons), [], [], []
        for provider in sorted(providers, key=lambda item: item.priority):
            try:
                self.providers.append(provider())
            except Exception as ex:  # a plugin may fail in any way
                self.failed(provider, ex)

    def failed(self, provider, problem):
        """Note a plugin that failed; without the built-in providers nobody knows what there is."""
        if isinstance(provider, BUILT_IN):
            raise problem
        if isinstance(problem, Exception):
            problem = "%s: %s" % (type(problem).__name__, problem)
        logging.warning("The provider %s of executables failed: %s", provider.name, problem)
        self.reject(provider.name, None, "this provider failed: %s" % problem)

    def reject(self, name, path, reason):
        """Note what is not taken, once."""
        item = RejectedExecutable(name, path, reason)
        if item not in self.rejected:
            self.rejected.append(item)

    def find(self, name):
        """Give the first provider's Executable of a name, or None."""
        for provider in self.providers:
            try:
                executable = provider.find(name, self.context)
            except Exception as ex:  # a plugin may fail in any way
                self.failed(provider, ex)
                continue
            if isinstance(executable, Executable):
                return executable
            if executable is not None:
                self.failed(provider, "it found %r, which is no Executable" % (executable,))
        return None

    def names(self):
        """List what all providers have."""
        found = set()
        for provider in self.providers:
            try:
                found.update(map(str, provider.names(self.context)))
            except Exception as ex:  # a plugin may fail in any way
                self.failed(provider, ex)
        return sorted(found)

    def asRequested(self):
        """Choose what the step names."""
        executable = self.find(self.request.program) if self.request.program else None
        if executable is None:
            raise self.missing(self.request.text)
        return self.choice(executable)

    def choice(self, executable, language=None):
        """Make the choice of an executable; it gets the options of the step, whatever it is called by."""
        name = self.request.text if executable.name == self.request.program else \
            self.request.withProgram(executable.name)
        return ExecutableChoice(name, executable.path, executable.python, self.request.policy,
                                tuple(self.reasons) + tuple(executable.reasons), tuple(self.rejected), language,
                                self.request.text)

    def missing(self, requested):
        """Compose the error for an executable that is not there."""
        names, release = self.names(), self.context.release
        shown = ", ".join(names[:_SHOWN]) + (", and %d more" % (len(names) - _SHOWN) if len(names) > _SHOWN else "")
        where = "%s for %s (%s)" % (release.version, release.arch, release.directory) if release else "no release"
        return WMRuntimeError(EXECUTABLE_NOT_FOUND, "There is no executable %s." % (requested or "(unnamed)"),
                              "looked in %s%s; it has: %s" % (where, " and in the step's PATH" * bool(
                                  self.context.searchPath), shown or "none") + "".join(
                                      "; not %s: %s" % (item.name, item.reason) for item in self.rejected),
                              "name one of these, or `auto`, as the step's executable, or take another release")

    def twins(self):
        """Give the executables that run PSets, cmsRun first."""
        found = [self.find(name) for name in (PYTHON2_TWIN, PYTHON3_TWIN)]
        if not any(found):
            raise self.missing(PYTHON2_TWIN)
        return [executable for executable in found if executable is not None]

    def preferPython3(self):
        """Choose an executable of python 3, cmsRun where there is none."""
        twins = self.twins()
        ofPython3 = [twin for twin in twins if twin.python == 3]
        if not ofPython3:
            self.reasons.append("the release has no executable of python 3 for PSets")
        return self.choice((ofPython3 or twins)[0])

    def matchPSet(self):
        """Choose the executable that can run the PSet."""
        twins = self.twins()
        if self.pset is None:
            self.reasons.append("there is no PSet to look at")
            return self.choice(twins[0])
        # Loaded here: two grammars of python, and most steps name what they run.
        from WMCore.WMRuntime.Payload.PSetLanguage import readPSet
        from WMCore.WMRuntime.Payload.ReleaseGrammar import askPythons
        language = readPSet(self.pset, self._tools())
        self.reasons.append("the PSet %s is for %s" % (self.pset, _pythonsOf(language)))
        self.reasons += [str(finding) for finding in language.findings] + list(language.notes)
        fitting = [twin for twin in twins if not self.objections(twin, language)]
        if self.ask and (not fitting or len(fitting) > 1 and language.unjudged):
            language, self.said = askPythons(language, self.context, {twin.python for twin in twins if twin.python})
            self.reasons += self.said + ["so it is for %s" % _pythonsOf(language)]
            fitting = [twin for twin in twins if not self.objections(twin, language)]
        for twin in twins:
            against = self.objections(twin, language)
            if against:
                self.reject(twin.name, twin.path, "; ".join(against[:3]))
        if not fitting:
            raise self.refused(language, twins)
        chosen = fitting[0]
        for other in fitting[1:]:
            self.reject(other.name, other.path, "%s fits too and comes first" % chosen.name)
        return self.choice(chosen, language)

    def _tools(self):
        manifests = getattr(self.context.release, "manifests", None)
        return manifests()[0] if manifests else ()

    @staticmethod
    def objections(twin, language):
        """List why an executable cannot run the PSet."""
        if twin.python is None:
            return []
        against = ["%s" % finding for finding in language.against(twin.python)]
        tooOld = [str(finding) for finding in language.findings
                  if twin.python == 3 and finding.since and len(twin.version) > 1 and twin.version < finding.since]
        if language.verdict in ("both", "python%d" % twin.python):
            against = []
        return ["%s is python %s" % (twin.name, ".".join(map(str, twin.version or (twin.python,))))] + (
            against + tooOld) if against or tooOld else []

    def refused(self, language, twins):
        """Compose the error for a PSet that no executable can run."""
        release = self.context.release
        said = [str(finding) for finding in language.findings if finding.certain] or [
            str(finding) for finding in language.findings]
        hint = {"python2": "write it for python 3, or take a release whose cmsRun is python 2 (before 12_0)",
                "python3": "write it for python 2, or take a release from 12_0 on"}.get(
                    language.verdict, "correct these lines")
        return WMRuntimeError(BAD_CONFIGURATION, "The PSet %s cannot be run by %s of %s." % (
            self.pset, " or ".join("%s (python %s)" % (twin.name, twin.python or "unknown") for twin in twins),
            release.version if release else "no release"), "; ".join(said[:_SHOWN] + self.said[:_SHOWN]), hint)


def _pythonsOf(language):
    return {"both": "both pythons, as far as its text tells", "neither": "neither python"}.get(
        language.verdict, language.verdict[:-1] + " " + language.verdict[-1])


def namedPlugins(environ):
    """
    Read the providers that WMRUNTIME_EXECUTABLES names.

    :param environ: dict
    :return: tuple of str, module:attribute
    """
    return tuple(name for name in environ.get(PLUGIN_VARIABLE, "").split(",") if name.strip())


def selectExecutable(release, requested="cmsRun", pset=None, policy=None, searchPath=None, directory=None,
                     providers=None, plugins=(), ask=True, environ=None):
    """
    Choose a step's executable.

    :param release: Release; None when it is unknown
    :param requested: str, a name with or without options, which stay; see ExecutableRequest.of
    :param pset: str, path of the PSet; None when the job makes its process otherwise
    :param policy: str, one of POLICIES, or None; see ExecutableRequest.of
    :param searchPath: str, PATH of the release's environment, to look in too
    :param directory: str, the step's directory
    :param providers: sequence of ExecutableProvider classes, instead of the built-in ones and all plugins
    :param plugins: names `module:attribute` of more providers; namedPlugins reads those of a setting
    :param ask: bool, whether the release's pythons may be started
    :param environ: dict, the variables of the release's environment, to start its pythons in; without them they are
        started with the libraries that lie in the release
    :return: ExecutableChoice
    :raises WMRuntimeError: 50110 when there is no such executable, 7002 (cmsRun's own code for a bad
        configuration) when no executable can run the PSet; None as code for an unknown policy
    """
    request = ExecutableRequest.of(requested, policy)
    problems = ()
    if providers is None:
        # Plugins reads the metadata of what is installed; nobody pays for it who brings providers.
        from WMCore.WMRuntime.Plugins import loadPlugins
        providers, problems = loadPlugins(GROUP, BUILT_IN, plugins, ExecutableProvider)
    context = ExecutableContext(release, searchPath, directory, environ)
    selection = _Selection(request, context, providers, pset, ask)
    for problem in problems:
        selection.reject(problem.name, None, "the plugin of %s is left out: %s" % (problem.source, problem.reason))
    return {AS_REQUESTED: selection.asRequested, PREFER_PYTHON3: selection.preferPython3,
            MATCH_PSET: selection.matchPSet}[request.policy]()
