"""
The provider of containers: a job that asks for one is continued in it.
"""
import os
import shlex

import attr

from WMCore.WMRuntime.Environment.CompAreas import requiredSystems
from WMCore.WMRuntime.Environment.ContainerBinds import collectBinds, siteBinds
from WMCore.WMRuntime.Environment.ContainerCall import ContainerCall, gpuOption
from WMCore.WMRuntime.Environment.ContainerPlaces import whyNoStart
from WMCore.WMRuntime.Environment.ContainerRuntime import findProgram, findRuntime
from WMCore.WMRuntime.Environment.ContainerTrial import tryOut
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.EnvironmentProvider import (CONTAINER, ERROR, INFO, WARNING, Availability,
                                                              EnvironmentProvider, Finding, Prepared)
from WMCore.WMRuntime.Environment.EnvironmentRequest import AUTO
from WMCore.WMRuntime.Environment.ImageTable import chooseImage, imageSystem, localPaths
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError

# In the job's start directory: the container's /tmp, which --contain makes of a few MB of memory otherwise.
SCRATCH = ".wmruntime-container"
USER_NAMESPACES = "/proc/sys/user/max_user_namespaces"


def _unable(message, context, hint):
    return WMRuntimeError(11014, message, context, hint)


@attr.s(frozen=True)
class PreparedContainer(Prepared):
    """
    Hold a container that was tried out.

    Of `inside` the executable is the image's own python3, empty when it has none.

    :param call: ContainerCall; None in a container that fits already
    :param outside: dict, the environment of the node it was asked about
    """
    call = attr.ib(default=None, repr=False)
    outside = attr.ib(factory=dict, repr=False, hash=False)

    def launch(self, command, environ):
        """
        Say how a command is run in there.

        :param command: sequence of str
        :param environ: dict, the environment it is to have: that of inside, and what was added to it
        :return: (list of str, dict environment), for os.execve or runChild
        """
        if self.call is None:
            return list(command), dict(environ)
        return list(self.prefix) + list(command), self.call.environment(self.outside, environ)[0]


class ContainerImage(EnvironmentProvider):
    """
    Provide the container a job asks for.

    :param description: Description
    :param request: EnvironmentRequest
    """
    name = "containerImage"
    priority = 10
    gives = CONTAINER

    def __init__(self, description, request):
        self.description, self.request = description, request

    @classmethod
    def create(cls, context):
        """
        Make the provider for a job that asks for a container.

        :param context: EnvironmentContext
        :return: ContainerImage, or None
        """
        return cls(context.description, context.request) if context.request.container else None

    def available(self, node):
        """
        Tell whether a container can be had, without starting anything.

        :param node: NodeFacts
        :return: Availability
        """
        if node.container:
            return Availability(True, "this job runs in the container %s already" % node.container)
        program = findProgram(node.environ)
        if program is None:
            return Availability(False, "there is no apptainer or singularity on PATH")
        try:
            return Availability(True, "%s; %s" % (program, chooseImage(self.description, self.request, node).reason))
        except WMRuntimeError as ex:
            return Availability(False, "%s %s" % (ex.message, ex.context))

    def prepare(self, node):
        """
        Make the container ready, and try it out: afterwards nobody is left to report that it does not start.

        :param node: NodeFacts
        :return: PreparedContainer; without prefix in a container that fits already
        :raises WMRuntimeError: with the code 11014 when it cannot be had
        """
        if node.container:
            return self._nested(node)
        call, choice, collected = self.call(node)
        variables = call.variables(node.environ, collected.sees)
        environ, lost = call.environment(node.environ, variables)
        trial = tryOut(call, environ)
        if choice.system and trial.system and trial.system != choice.system:
            raise _unable("The container is of another system than it is to be.", "%s: expected %s, found %s" % (
                choice.path, choice.system, trial.system), "mend the description's table, or the image")
        reasons = [choice.reason, "started by %s (%s)" % (call.runtime.path, call.runtime.said)] + collected.leftOut
        if self.request.gpu:
            reasons.append("GPUs are asked for: %s" % ("--" + call.gpu if call.gpu else "this node has none"))
        if lost:
            reasons.append("%s evaluates variables, so these are not handed over: %s"
                           % (call.runtime.said, ", ".join(lost)))
        inside = NodeFacts(variables, trial.system or choice.system, node.machine, node.roots, trial.python, trial.version,
                           node.jobDirectory, choice.path)
        return PreparedContainer(self.name, environment=EnvDiff.between(node.environ, environ), reasons=reasons,
                                 prefix=call.prefix, call=call, inside=inside, outside=node.environ)

    def _nested(self, node):
        """Stay in the container this job runs in, if that is of the system asked for."""
        asked = self.request.container
        places = localPaths(asked, node.roots)
        if asked == AUTO:
            systems = requiredSystems(node.environ)[0]
        else:
            systems = [system for system in map(imageSystem, places) if system][:1]
        if node.container not in places and systems and node.system and node.system not in systems:
            raise _unable("The job runs in a container already, and asks for another.",
                         "expected %s (%s), found %s in %s" % (asked, ", ".join(systems), node.system, node.container),
                         "let the pilot choose the container (REQUIRED_OS), or do not ask for one")
        return PreparedContainer(self.name, inside=node, reasons=["in the container %s already (%s): no other is started"
                                                                  % (node.container, node.system or "system unknown")])

    def call(self, node):
        """
        Build the command line, without starting anything but `apptainer --version`.

        :param node: NodeFacts; without a job directory commands start in the current one
        :return: (ContainerCall, ImageChoice, BindCollector)
        :raises WMRuntimeError: when it cannot be had
        """
        choice = chooseImage(self.description, self.request, node)
        runtime = findRuntime(node.environ)
        directory = os.path.realpath(node.jobDirectory or os.getcwd())
        home = os.path.dirname(directory) if node.jobDirectory else directory
        reason = whyNoStart(home)
        if reason:
            raise _unable("The job's directory cannot be bound into a container.",
                          "%s: expected a directory that is none of the system's, its path without , : \" \\ and line "
                          "ends; found: %s" % (home, reason), "start in another directory")
        collected = collectBinds(node.environ, node.roots, home)
        call = ContainerCall(runtime, choice.path, home, directory, os.path.join(home, SCRATCH), collected.sorted(),
                             siteBinds(node.environ), gpuOption() if self.request.gpu else "")
        try:
            call.layOut()
        except OSError as ex:
            raise _unable("The container's temporary directory cannot be made.", "%s: %s" % (call.scratch, ex),
                          "start in a directory that can be written to")
        return call, choice, collected

    def launch(self, node, command):
        """
        Say how a command is run in the container, without trying that out.

        :param node: NodeFacts
        :param command: sequence of str
        :return: (list of str, dict environment), for os.execve or runChild
        :raises WMRuntimeError: when it cannot be had
        """
        if node.container:
            return self._nested(node).launch(command, node.environ)
        call, _, collected = self.call(node)
        return list(call.prefix) + list(command), call.environment(
            node.environ, call.variables(node.environ, collected.sees))[0]

    def check(self, node):
        """
        Look for everything that is wrong with the program, the image, and the container they make.

        :param node: NodeFacts
        :return: tuple of Finding
        """
        image = "" if self.request.container == AUTO else "--image %s " % shlex.quote(self.request.container)
        again = "wmruntime container exec %s-- cat /etc/os-release" % image
        if node.container:
            return (Finding("containerNested", INFO, "this process runs in the container %s already" % node.container,
                            "no other is started from here", node.container),)
        found = []
        if _number(USER_NAMESPACES) == 0:
            found.append(Finding("userNamespacesOff", WARNING, "%s is 0: only an apptainer that is installed setuid can start "
                                 "a container" % USER_NAMESPACES, "sysctl user.max_user_namespaces=15000", USER_NAMESPACES))
        for code, step in (("containerProgram", lambda: findRuntime(node.environ)),
                           ("containerImage", lambda: chooseImage(self.description, self.request, node)),
                           ("containerStart", lambda: self.prepare(node))):
            try:
                step()
            except WMRuntimeError as ex:
                found.append(Finding(code, ERROR, "%s %s" % (ex.message, ex.context), ex.hint,
                                     self.request.container, again))
                break
        return tuple(found)


def _number(path):
    try:
        with open(path, "rb") as handle:
            return int(handle.read())
    except (OSError, ValueError):
        return None
