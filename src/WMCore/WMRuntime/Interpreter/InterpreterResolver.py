"""
Choose the python for a purpose, and say why it and not another.

    resolver = InterpreterResolver(os.environ)
    resolution = resolver.resolve(RELEASE_SCRIPT, release)
    if resolution.interpreter is None:
        logging.error(resolution.describe())
"""
import logging
import os

import attr
from packaging.specifiers import SpecifierSet

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Interpreter.Interpreter import Interpreter, Rejected, Resolution, versionText
from WMCore.WMRuntime.Interpreter.InterpreterProvider import (SCRIPTS, Candidate, InterpreterProvider, ResolutionContext,
                                                              RunningPython, realPath)
from WMCore.WMRuntime.Interpreter.ProbeCache import ProbeCache
from WMCore.WMRuntime.Interpreter.ProbeRunner import ProbeRunner, whyNotStarted
from WMCore.WMRuntime.Interpreter.ProbeVerdict import ProbeVerdict, fits
from WMCore.WMRuntime.Interpreter.Providers import BUILT_IN
from WMCore.WMRuntime.Interpreter.StartEnvironment import codePaths
from WMCore.WMRuntime.Plugins import loadPlugins

PLUGIN_GROUP = "wmcore.runtime.interpreters"
# More providers by name: `module:attribute`, separated by commas.
PLUGIN_VARIABLE = "WMRUNTIME_INTERPRETERS"
CACHE_NAME = "interpreterProbes.json"
SCRIPT_REQUIREMENT = ">=3.6"
# What the job wrapper asks of its python, too.
SCRIPT_MODULES = ("bz2", "hashlib", "json", "logging", "pickle", "subprocess", "tarfile", "zipfile")
# With these in the sandbox a script can run.
SANDBOX_MODULES = ("WMCore.WMRuntime.Errors", "attr")
# What an interpreter must have to run the runtime itself, here and now.
RUNTIME_MODULES = SCRIPT_MODULES + SANDBOX_MODULES
_HIGHEST_MICRO = 60
_SHOWN = 600


def usableEnvironment(environ):
    """
    Leave out of a mapping what no process can have in its environment.

    :param environ: mapping
    :return: dict of str to str
    """
    usable = {}
    for name, value in environ.items():
        try:
            if name and "\0" not in name + value and "=" not in name:
                os.fsencode(name + value)
                usable[name] = value
        except (TypeError, ValueError):
            pass
    return usable


class InterpreterResolver(object):
    """
    Ask providers in the order of their priority, and probe what they propose until one fits.

    No process is started but the probe of a candidate that may fit; the running interpreter needs none.

    :param environ: mapping, the environment of the job; None for os.environ
    :param providers: sequence of InterpreterProvider classes, instead of the built-in ones and all plugins
    :param prober: ProbeRunner; None for one that keeps its verdicts in the job's directory (WMAGENTJOBDIR),
        and in memory where there is none
    :param plugins: names `module:attribute` of more provider classes
    :param running: RunningPython, None for the real one
    """

    def __init__(self, environ=None, providers=None, prober=None, plugins=(), running=None):
        self.environ = usableEnvironment(os.environ if environ is None else environ)
        self.running = RunningPython() if running is None else running
        self.prober = ProbeRunner(cache=ProbeCache(self._cacheFile())) if prober is None else prober
        self.problems = ()
        if providers is None:
            names = list(plugins) + [name for name in self.environ.get(PLUGIN_VARIABLE, "").split(",") if name.strip()]
            providers, self.problems = loadPlugins(PLUGIN_GROUP, BUILT_IN, names, InterpreterProvider)
        self.providers = tuple(sorted(providers, key=lambda provider: provider.priority))

    def _cacheFile(self):
        job = self.environ.get("WMAGENTJOBDIR")
        return os.path.join(job, CACHE_NAME) if job and os.path.isdir(job) else None

    def resolve(self, purpose, release=None, requirement=None, setting=None, releaseEnvironment=None,
                modules=None):
        """
        Choose an interpreter.

        :param purpose: AGENT_SCRIPT, RELEASE_SCRIPT, PSET_TOOL or PAYLOAD
        :param release: Release, where the purpose has one
        :param requirement: SpecifierSet or str, the versions that will do; None for >=3.6 for scripts, and for the
            python that the release's cmsRun has otherwise
        :param setting: str, the path or name of the interpreter the step asks for; it must do, or nothing does
        :param releaseEnvironment: EnvDiff of the release's SCRAM session (ScramSession.diff), where it is known:
            the interpreter's environment then holds the release's search paths
        :param modules: sequence of str, what it must be able to import; None for what a script needs, and in a job
            the runtime too: elsewhere the question is what a job would get, whose sandbox brings the runtime along
        :return: Resolution; its interpreter is None when nothing fits
        :raises ValueError: for an unknown purpose or a malformed requirement, never for what is on the node
        """
        reasons = ()
        if requirement is None:
            requirement, reasons = _defaultRequirement(purpose, release)
        elif not isinstance(requirement, SpecifierSet):
            requirement = SpecifierSet(requirement)
        context = self._context(purpose, release, requirement, setting, releaseEnvironment)
        modules = _modules(context) if modules is None else tuple(modules)
        rejected = [Rejected(problem.name, "plugin", problem.reason) for problem in self.problems]
        interpreter = self._choose(context, modules, reasons, rejected)
        resolution = Resolution(interpreter, tuple(rejected), purpose, str(requirement))
        logging.log(logging.INFO if interpreter else logging.WARNING, "%s", resolution.describe())
        return resolution

    def _context(self, purpose, release, requirement, setting, releaseEnvironment):
        clean = withoutWrapperPython(self.environ, [prefix for prefix in self.running.prefixes if prefix])
        base = clean if releaseEnvironment is None else releaseEnvironment.apply(clean)
        return ResolutionContext(purpose, self.environ, clean, base, requirement, release, setting,
                                 releaseEnvironment is not None, self.running)

    def _choose(self, context, modules, reasons, rejected):
        seen = {}
        for provider, candidate in self._proposals(context):
            if isinstance(candidate, Candidate):
                problem, verdict = self._judge(context, candidate, modules, seen)
                if problem is None:
                    told = (candidate.reason,) + _told(candidate, verdict) + tuple(reasons)
                    return Interpreter(candidate.path, verdict.version, candidate.environment, provider,
                                       tuple(reason for reason in told if reason))
                text = "%s: %s" % (candidate.reason, problem) if candidate.reason else problem
                rejected.append(Rejected(candidate.path, provider, _because(text, candidate.binding)))
            else:
                rejected.append(attr.evolve(candidate, reason=_because(candidate.reason, candidate.binding)))
            if candidate.binding:
                return None
        return None

    def _proposals(self, context):
        """Yield (str name of the provider, Candidate or Rejected); what a provider raises becomes a Rejected."""
        for kind in self.providers:
            try:
                provider = kind.create(context)
                for candidate in provider.candidates(context) if provider is not None else ():
                    if not isinstance(candidate, (Candidate, Rejected)):
                        raise TypeError("it proposed %r, expected a Candidate or a Rejected" % (candidate,))
                    yield kind.name, candidate
            except Exception as ex:  # whatever a plugin, a site's files or a broken release do, the next may work
                logging.warning("The provider %s of interpreters failed", kind.name, exc_info=True)
                yield kind.name, Rejected("", kind.name, "the provider failed: %s: %s" % (type(ex).__name__, ex))

    def _judge(self, context, candidate, modules, seen):
        """Return (str problem or None, ProbeVerdict or None); `seen` keeps what was found out on the way."""
        if candidate.version and not _mayFit(context.requirement, candidate.version):
            return "it is python %s by its files, %s is needed" % (versionText(candidate.version),
                                                                   context.requirement), None
        problem = whyNotStarted(candidate.path)
        if problem:
            return problem, None
        same = (realPath(candidate.path), repr(candidate.environment))
        if same in seen and os.path.basename(same[0]).startswith("python"):
            return "it is the same file as %s, with the same environment" % seen[same], None
        seen[same] = candidate.path
        verdict = self._probe(context, candidate, modules)
        return verdict.whyUnfit(context.requirement), verdict

    def _probe(self, context, candidate, modules):
        if candidate.path == context.running.path:
            return ProbeVerdict(candidate.path, context.running.version, executable=candidate.path)
        environ = candidate.environment.apply(context.base)
        return self.prober.probe(candidate.path, environ, modules)


def _modules(context):
    if context.purpose not in SCRIPTS:
        return ()
    carried = any(path.endswith(".zip") for path in codePaths(context))
    return SCRIPT_MODULES + (SANDBOX_MODULES if carried else ())


def _mayFit(requirement, version):
    """Tell whether any version that begins like this one fits."""
    if len(version) >= 3:
        # Files round down: manifests say 3.6.4 of a python that reports itself, and that counts.
        version = version[:2]
    if len(version) == 2:
        return any(fits(requirement, version + (micro,)) for micro in range(_HIGHEST_MICRO))
    return any(fits(requirement, version + (minor, micro)) for minor in range(30) for micro in (0, _HIGHEST_MICRO)) \
        if version else True


def _told(candidate, verdict):
    level = "" if verdict.level == "final" else " (%s)" % verdict.level
    said = ["it says it is %s %s%s" % (verdict.implementation or "python", versionText(verdict.version), level)]
    if verdict.executable and realPath(verdict.executable) != realPath(candidate.path):
        said.append("behind it is %s" % verdict.executable)
    return tuple(said)


def _because(text, binding):
    if binding:
        text += "; nothing else is taken in its place, because it was asked for by name"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _defaultRequirement(purpose, release):
    """Return (SpecifierSet, tuple of str reasons) for a purpose that names none."""
    if purpose in SCRIPTS:
        return SpecifierSet(SCRIPT_REQUIREMENT), ()
    try:
        answer = release.cmsRunPython() if release is not None else None
    except Exception as ex:  # a broken release must not keep a setting from being used
        logging.warning("Which python cmsRun of %s has cannot be told", release, exc_info=True)
        return SpecifierSet(">=2.6"), ("which python cmsRun has cannot be told: %s" % ex,)
    if answer is None or answer.major is None:
        return SpecifierSet(">=2.6"), ("which python cmsRun has is not known",)
    return SpecifierSet(">=2.6,<3" if answer.major == 2 else ">=3.0"), \
        ("cmsRun has python %d" % answer.major,) + tuple(answer.reasons[-1:])
