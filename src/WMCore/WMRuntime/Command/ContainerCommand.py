"""
`wmruntime container`: run something in a container as a job would be, write what images are built from.
"""
import os
import shlex
import sys

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WholeFile import makeDirectory, writeWholeFile


def register(groups):
    """
    Add the container commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("container", help="run a command in a job's container; write container definitions")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True

    execute = commands.add_parser("exec", help="run a command in the container a job would have, in this directory")
    which = execute.add_mutually_exclusive_group()
    which.add_argument("--image", metavar="PATH", help="the image, an unpacked directory or a .sif file (default: auto, "
                       "the description's)")
    which.add_argument("--system", metavar="RHEL", help="that of a system, such as rhel8 (default: of this node's)")
    execute.add_argument("--gpu", action="store_true", help="let it see the node's GPUs")
    execute.add_argument("--root", metavar="DIR", help="directory of the CMS software (default: as a job finds it)")
    execute.add_argument("--description", metavar="FILE", help="another requirements.cfg")
    execute.add_argument("--show", action="store_true", help="print the command line, and run nothing")
    execute.add_argument("words", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    execute.set_defaults(run=_execute)

    definition = commands.add_parser("definition", help="write the definition of an image with an area's python in it")
    definition.add_argument("--system", metavar="RHEL", help="such as rhel8 (default: all)")
    definition.add_argument("--cpu", help="such as x86_64 (default: all)")
    definition.add_argument("--format", choices=("apptainer", "oci"), default="apptainer",
                            help="a definition file for apptainer, or a Containerfile (default %(default)s)")
    definition.add_argument("--area", metavar="DIR", help="the area, relative to where the image is built (default: "
                            "where `area build` puts it under its root)")
    definition.add_argument("--description", metavar="FILE", help="another requirements.cfg")
    definition.add_argument("--output", metavar="DIR", help="write a file for each there (default: print the only one)")
    definition.set_defaults(run=_definition)


def _execute(arguments):
    from WMCore.WMRuntime.Environment.ContainerImage import ContainerImage
    from WMCore.WMRuntime.Environment.EnvironmentRequest import AUTO, EnvironmentRequest
    from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
    environ = dict(os.environ)
    if arguments.root:
        environ["VO_CMS_SW_DIR"] = os.path.abspath(arguments.root)
    description = loadDescription(arguments.description)
    if arguments.system:
        _checkSystem(arguments.system, description)
        environ["REQUIRED_OS"] = arguments.system
    image = AUTO if arguments.image in (None, AUTO) else os.path.abspath(arguments.image)
    request = EnvironmentRequest(container=image, gpu=arguments.gpu, origins={"container": "the command line"})
    provider = ContainerImage(description, request)
    words, environ = provider.launch(NodeFacts.fromEnviron(environ), arguments.words)
    if arguments.show:
        print(" ".join(shlex.quote(word) for word in words))
        return 0
    sys.stdout.flush()
    # In the place of this process: signals and the exit code are the program's own.
    try:
        os.execvpe(words[0], words, environ)
    except OSError as ex:
        raise WMRuntimeError(None, "The command cannot be started.", "%s: %s" % (words[0], ex), "check its name and PATH")


def _checkSystem(name, description):
    if description.system(name) is None:
        names = ", ".join(system.name for system in description.systems)
        raise WMRuntimeError(None, "There is no such system in the description.",
                             "--system: expected one of %s, found %r" % (names, name), "name one of these")


def _definition(arguments):
    from WMCore.WMRuntime.Publishing.ContainerDefinition import OCI, definitionTargets, writeDefinition
    description = loadDescription(arguments.description)
    targets = definitionTargets(description, arguments.system, arguments.cpu)
    if not arguments.output and len(targets) > 1:
        raise WMRuntimeError(None, "That would be %d definitions." % len(targets), ", ".join(one.name for one in targets),
                             "name a directory for them by --output, or one by --system and --cpu")
    if arguments.output:
        makeDirectory(arguments.output)
    for target in targets:
        text = writeDefinition(description, target, arguments.area, arguments.format)
        if not arguments.output:
            sys.stdout.write(text)
            continue
        name = "Containerfile.%s" % target.name if arguments.format == OCI else "%s.def" % target.name
        path = os.path.join(arguments.output, name)
        writeWholeFile(path, text)
        print(path)
    return 0
