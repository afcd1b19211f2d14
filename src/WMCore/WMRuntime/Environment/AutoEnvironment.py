"""
Give a job the environment it asks for: a container, a python in it, libraries on top of that.

Whoever asks for nothing never comes here (Startup). A container or another python means that Startup is
started again in the place of this process; once for each, the variable of EnvironmentOutcome sees to that.
"""
import os
import re
import sys
import traceback

import attr

from WMCore.WMRuntime.Environment.AreaVersions import isAskedFor
from WMCore.WMRuntime.Environment.CleanEnvironment import START_VARIABLES, withoutWrapperPython
from WMCore.WMRuntime.Environment.Description import loadDescription, versionText
from WMCore.WMRuntime.Environment.EnvironmentOutcome import APPLIED_VARIABLE, EnvironmentOutcome
from WMCore.WMRuntime.Environment.EnvironmentProvider import (CONTAINER, GROUP, LIBRARIES, PYTHON, SETTING,
                                                              EnvironmentContext, EnvironmentProvider)
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Plugins import loadPlugins, loadReference

_ROOM = "WMCore.WMRuntime.Environment."
BUILTINS = ((CONTAINER, _ROOM + "ContainerImage:ContainerImage"), (PYTHON, _ROOM + "CvmfsArea:CvmfsArea"),
            (LIBRARIES, _ROOM + "Wheelhouse:Wheelhouse"))
# The wrapper's own pin, of one file: whatever else is asked for, that python runs the job.
FIXED_PYTHON = "WMRUNTIME_PYTHON"
# What an image has here is its system's, and nobody chose it for the runtime: an area's comes first.
SYSTEM_DIRECTORIES = ("/usr/bin", "/bin", "/usr/local/bin")
_VERSION_DIRECTORY = re.compile(r"/external/python3/([^/]+)/bin/[^/]+\Z")


def loadProviders(environ, kinds=(CONTAINER, PYTHON, LIBRARIES)):
    """
    Load the providers there are: the runtime's own, those the environment names, those of installed packages.

    :param environ: dict
    :param kinds: sequence of str, what the runtime's own are to give; a job does not import the others
    :return: tuple of EnvironmentProvider classes, by priority
    """
    names = environ.get(SETTING, "").replace(",", " ").split()
    builtins = [loadReference(reference) for kind, reference in BUILTINS if kind in kinds]
    return loadPlugins(GROUP, builtins, names, EnvironmentProvider)[0]


def versionDirectory(executable, version):
    """
    Name a python as pins do.

    :param executable: str, path
    :param version: tuple of int
    :return: str, its version directory in an area, such as 3.9.14-comp; its version alone when it is in none
    """
    found = _VERSION_DIRECTORY.search(executable)
    return found.group(1) if found else ".".join(str(part) for part in version)


class AutoEnvironment(object):
    """
    Make a job's environment ready.

    :param jobDirectory: str, where the sandbox was unpacked; the current directory
    :param program: str, path of the program to start again
    :param environ: dict; None for os.environ, which then gets what the libraries need
    """

    def __init__(self, jobDirectory, program, environ=None):
        self.jobDirectory = jobDirectory
        self.program = program
        self.environ = os.environ if environ is None else environ
        self.outcome = EnvironmentOutcome()
        self.context = None
        self.providers = ()

    def __call__(self):
        """
        Make it ready; does not return when Startup is started again.

        :return: EnvironmentOutcome; its error says why the job cannot run
        """
        try:
            self._apply()
        except WMRuntimeError as ex:
            return self.outcome.failed(ex)
        except Exception as ex:  # a provider's own error must not take the job's report from it
            return self.outcome.failed(WMRuntimeError(
                11014, "The job's environment could not be made ready.", traceback.format_exc(),
                "report this error of the runtime: %s" % type(ex).__name__))
        return self.outcome

    def _apply(self):
        applied = self.environ.pop(APPLIED_VARIABLE, None)
        if applied is not None:
            self.outcome = EnvironmentOutcome.fromVariable(applied)
        self.ask()
        node = NodeFacts.fromEnviron(self.environ, self.jobDirectory)
        container, place = self.plan(node)
        if container or place is not node:
            self._startAgain(container, place)
        self.addLibraries(node)

    def ask(self):
        """
        Read what is asked for, and load who may give it.

        :raises WMRuntimeError: when that cannot be understood
        """
        request = EnvironmentRequest.fromJob(self.environ, self.jobDirectory)
        self.outcome = attr.evolve(self.outcome, asked=request.toDict())
        self.context = EnvironmentContext(loadDescription(), request)
        kinds = [kind for kind, asked in ((CONTAINER, request.container), (LIBRARIES, request.wheels),
                                          (PYTHON, request.container or request.pythonVersion)) if asked]
        self.providers = loadProviders(self.environ, kinds)

    def plan(self, node):
        """
        Choose where the job is to run; nothing is started that stays.

        :param node: NodeFacts of the process that would be replaced
        :return: (Prepared of the container to enter or None, NodeFacts of the python in there; node itself to stay)
        :raises WMRuntimeError: when what is asked for cannot be had
        """
        container = self._container(node)
        return container, self._withPython(container.inside, node) if container else self._withPython(node)

    def _container(self, node):
        """Prepare the container that is asked for; None when there is none to start."""
        request = self.context.request
        if request.gpu and not request.container:
            self._note("GPUs, which %s asks for, are a container's business, and none is asked for" % request.origin("gpu"))
        if request.container and CONTAINER in self.outcome.stages and not node.container:
            raise WMRuntimeError(11014, "The job is not in the container that it is said to have been put into.",
                                 "%s: expected a container around this process, found none" % APPLIED_VARIABLE,
                                 "do not set this variable")
        if not request.container or CONTAINER in self.outcome.stages:
            return None
        prepared = self._choose(CONTAINER, node, "the container %s that %s asks for" % (
            request.container, request.origin("container")))
        return prepared if prepared.prefix else None

    def _withPython(self, place, outside=None):
        """
        Choose the python for a place, this process's or the inside of a container.

        :param place: NodeFacts
        :param outside: NodeFacts of this process, when the place is in a container that is not entered yet
        :return: NodeFacts, the same for the python that is there; else with another executable and environment
        """
        request = self.context.request
        there = versionDirectory(place.executable, place.version)
        asked = "python %s, which %s asks for" % (request.pythonVersion, request.origin("pythonVersion"))
        fixed = self.environ.get(FIXED_PYTHON)
        if fixed:
            if request.pythonVersion:
                self._note("%s is set: %s, is not looked for" % (FIXED_PYTHON, asked))
            # The wrapper has started that python.
            return attr.evolve(place, executable=fixed, version=outside.version) if outside else place
        if not isAskedFor(there, request.pythonVersion) and PYTHON in self.outcome.stages:
            raise WMRuntimeError(11014, "The python that was started is not the one asked for.",
                                 "%s: expected %s, found %s" % (place.executable, asked, there),
                                 "check the area it is in: wmruntime area check")
        fits = isAskedFor(there, request.pythonVersion) and (not outside or self._isInRange(place))
        if fits and not (outside and os.path.dirname(place.executable) in SYSTEM_DIRECTORIES):
            self._note("the job's python is %s, %s" % (there, place.executable))
            return place
        clean = attr.evolve(place, environ=withoutWrapperPython(place.environ))
        try:
            prepared = self._choose(PYTHON, clean, asked if request.pythonVersion else "a python for %s" % place.system)
        except WMRuntimeError as ex:
            if not fits:
                raise
            self._note("the job's python is %s, %s of the image: %s" % (there, place.executable, ex.message))
            return place
        return attr.evolve(place, executable=prepared.python, version=prepared.version,
                           environ=self._environmentOf(prepared, clean))

    def _isInRange(self, place):
        """Tell whether the description takes the python of a container's image."""
        system = self.context.description.system(place.system)
        return bool(place.executable and system) and system.python.contains(versionText(place.version), prereleases=True)

    def _choose(self, kind, node, what):
        """Prepare with the first provider of a kind that can."""
        failures = []
        for cls in self.providers:
            if cls.gives != kind:
                continue
            try:
                provider = cls.create(self.context)
                if provider is None:
                    continue
                available = provider.available(node)
                prepared = provider.prepare(node) if available.ok else None
            except WMRuntimeError as ex:
                failures.append("%s: %s" % (cls.name, ex))
            except Exception as ex:  # a plugin may fail in any way; the next is asked
                failures.append("%s: %s: %s" % (cls.name, type(ex).__name__, ex))
            else:
                if prepared:
                    self.outcome = self.outcome.adding(prepared, stage=kind)
                    return prepared
                failures.append("%s: %s" % (cls.name, available.reason))
        raise WMRuntimeError(11014, "%s cannot be had." % (what[0].upper() + what[1:]),
                             "\n  ".join(failures) or "no provider of a %s took it on" % kind,
                             "run on a node that has it, or ask for another: `wmruntime doctor` tells what is there")

    def _environmentOf(self, prepared, place):
        """Build the environment for another python: nothing of the running one, the job's code first."""
        environ = prepared.environment.apply(place.environ)
        # Whatever foreign is started later gets these back.
        environ.update((start, place.environ.get(name, "")) for name, start in START_VARIABLES.items())
        code = [os.path.join(self.jobDirectory, "WMCore.zip"), self.jobDirectory]
        rest = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path and path not in code]
        environ["PYTHONPATH"] = os.pathsep.join(code + rest)
        return environ

    def _startAgain(self, container, place):
        """Replace this process by one in the container, in the python, or in both."""
        environ = dict(place.environ)
        environ[APPLIED_VARIABLE] = self.outcome.toVariable()
        command = [place.executable, self.program]
        if container:
            command, environ = container.launch(command, environ)
        self._leaveReport(command)
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            os.execve(command[0], command, environ)
        except OSError as ex:
            raise WMRuntimeError(11014, "The job's environment cannot be started.", "%s: expected a program, found: %s"
                                 % (command[0], ex), "mend it, or ask for another")

    def _leaveReport(self, command):
        """Leave a report for the case that what is started never writes one."""
        from WMCore.WMRuntime.EarlyReport import createErrorReport
        createErrorReport(11014, "RuntimeEnvironmentError", "Nothing wrote a report after the start of: %s\n%s" % (
            " ".join(command), "\n".join(self.outcome.reasons)))

    def addLibraries(self, node):
        """
        Let this process, and those it starts, import the libraries that are lacking.

        :param node: NodeFacts of this process
        :raises WMRuntimeError: when one that is needed cannot be had
        """
        for cls in self.providers:
            provider = cls.create(self.context) if cls.gives == LIBRARIES else None
            if provider is None:
                continue
            prepared = provider.prepare(node)
            node = attr.evolve(node, environ=prepared.environment.apply(node.environ))
            for name in prepared.environment.toUnset:
                self.environ.pop(name, None)
            self.environ.update(prepared.environment.toSet)
            paths = [path for path in node.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
            sys.path[:0] = [path for path in paths if path not in sys.path]
            self.outcome = self.outcome.adding(prepared)

    def _note(self, reason):
        self.outcome = self.outcome.adding(reason=reason)
