"""The other commands: runtime, unsetenv, tool, list, arch, version."""
import glob
import os
import sys

from .Context import Ended, fatal
from .ProjectCommand import hostWarning
from .ProjectDb import ProjectDb
from .RuntimeEnvironment import SHELLS, areaRuntime, renderRuntime, restored
from .Toolbox import readTool

_USAGE = "Error parsing arguments. See \"scram -help\" for usage info."


def runtime(context, arguments):
    """Print the commands that set the area's environment; see Main.main for the parameters."""
    shell = _shell(context, arguments)
    area = context.localArea()
    added = areaRuntime(area, os.path.join(context.cvmfs, "share", "overrides"), context.environ)
    text, unset = renderRuntime(area, added, context.environ, shell, context.version, context.callerArch)
    if unset:
        sys.stderr.write("**** Following environment variables are going to be unset.\n%s\n"
                         % "\n".join("      " + name for name in unset))
    if area.isSetUp() and "SCRAM_IGNORE_RUNTIME_HOOK" not in context.environ and \
            "SCRAM_IGNORE_SITE_RUNTIME_HOOK" not in context.environ:
        sys.stderr.write(hostWarning(context, area.arch))
    sys.stdout.write(text)
    return 0


def unsetenv(context, arguments):
    """Print the commands that take an earlier runtime back."""
    shell = _shell(context, arguments)
    command, equals, unset = SHELLS[shell]
    before = restored(context.environ)
    gone = sorted(name for name in context.environ if name not in before)
    if gone:
        sys.stdout.write("%s  %s;\n" % (unset, " ".join(gone)))
    for name in sorted(before):
        if before[name] != context.environ[name]:
            sys.stdout.write('%s %s%s"%s";\n' % (command, name, equals, before[name]))
    return 0


def arch(context, arguments):
    """Print the architecture, unchecked as in reality."""
    del arguments
    sys.stdout.write(context.arch + "\n")
    return 0


def version(context, arguments):
    """Print the version of SCRAM."""
    del arguments
    sys.stdout.write(context.version + "\n")
    return 0


def listProjects(context, arguments):
    """Print the installed releases."""
    compact = any(word in ("-c", "--compact") for word in arguments)
    everything = any(word in ("-A", "--all") for word in arguments)
    words = [word for word in arguments if not word.startswith("-")]
    database = ProjectDb(context.database, context.arch)
    name, pattern = (words + ["", ""])[:2]
    if not pattern:
        pattern, name = name, name.split("_", 1)[0]
        if not database.hasProject(name):
            name = ""
    listed = database.listAll(name.upper(), pattern, everything)
    if not listed and not context.forcedArch:
        listed = database.listAll(name.upper(), pattern, True)
    if not listed:
        sys.stderr.write("SCRAM warning: >>>> No SCRAM project %s available for architecture %s. <<<<\n"
                         % (name or pattern, context.arch))
        sys.stderr.write("You can run \"scram list\" to see the available projects and their versions.\n")
        return 1
    rule = "-" * 80
    for archName, releases in listed:
        if not compact:
            sys.stdout.write("\nListing installed projects available for platform >> %s\n\n" % archName)
            sys.stdout.write("%s\n| %-12s  | %-24s | %-33s |\n%s\n\n"
                             % (rule, "Project Name", "Project Version", "Project Location", rule))
        for project, release, folder in releases:
            sys.stdout.write(("%-15s %-25s %-50s\n" if compact else "  %-15s %-25s  \n" + " " * 41 + "--> %-30s\n")
                             % (project, release, folder))
    return 0


def tool(context, arguments):
    """Print what the area knows of its tools."""
    area = context.localArea()
    action = arguments[0].lower() if arguments else ""
    if action not in ("list", "info", "tag"):
        fatal(_USAGE)
    if action == "list":
        return _toolList(area)
    if len(arguments) < 2:
        fatal("No tool name given: see \"scram tool -help\" for usage info.")
    name = arguments[1].lower()
    found = _readArea(area).get(name)
    if found is None:
        stream = sys.stderr if context.isV3 else sys.stdout
        stream.write("SCRAM error: >>>> Tool %s is not setup for this project area. <<<<\n" % name)
        raise Ended(1)
    return _toolTag(found, arguments[2:]) if action == "tag" else _toolInfo(context, area, found)


def _readArea(area):
    paths = sorted(glob.glob(os.path.join(glob.escape(area.selected), "*.xml")))
    tools = [readTool(path, area.variables()) for path in paths]
    return {found.name: found for found in tools}


def _toolList(area):
    tools = _readArea(area)
    if not tools:
        sys.stderr.write("SCRAM error: >>>> No tools set up for current arch or area! <<<<\n")
        raise Ended(1)
    title = "Tool list for location %s" % area.location
    sys.stdout.write("\n%s\n%s\n\n" % (title, "+" * len(title)))
    for name in sorted(tools):
        sys.stdout.write(" %-40s %-20s\n" % (name, tools[name].version))
    sys.stdout.write("\n")
    return 0


def _toolInfo(context, area, found):
    title = "Tool info as configured in location %s" % area.location
    sys.stdout.write("%s\n%s\n\nName : %s\nVersion : %s\n%s\n\n"
                     % (title, "+" * (len(title) + 1), found.name, found.version, "+" * 20))
    if context.isV3:
        values = _features(found)
        for name in sorted(values):
            sys.stdout.write("%s=%s\n" % (name, values[name]))
    else:
        sys.stdout.write("SCRAM_PROJECT=%s\n" % ("yes" if found.kind == "scram" else "no"))
        for name, value in _featuresV2(found):
            sys.stdout.write("%s=%s\n" % (name, value))
    sys.stdout.write("\n")
    return 0


def _toolTag(found, arguments):
    values = _features(found)
    if not arguments:
        sys.stdout.write("".join(name + "\n" for name in sorted(values)))
    elif values.get(arguments[0]):
        sys.stdout.write(values[arguments[0]] + "\n")
    return 0


def _features(found):
    """Return all that a tool has to say, name to text."""
    values = {}
    for name, value, _ in found.environment:
        values[name] = values[name] + " " + value if name in values else value
    for name, value, isPath, _ in found.runtime:
        values[name] = values[name] + (":" if isPath else " ") + value if name in values else value
    for name, items in found.flags:
        values[name] = " ".join(items)
    for name, items in (("LIB", found.libs), ("USE", found.uses)):
        if items:
            values[name] = " ".join(items)
    return values


def _featuresV2(found):
    """List the same in the order of V2: variables, LIB, LIBDIR, INCLUDE, USE, runtime, flags with `+`."""
    values = _features(found)
    for name, _, _ in found.environment:
        if name not in ("LIBDIR", "INCLUDE"):
            yield name, values[name]
    for name in ("LIB", "LIBDIR", "INCLUDE", "USE"):
        if name in values:
            yield name, values[name]
    for name in sorted({name for name, _, _, _ in found.runtime}):
        yield name, values[name]
    for name, _ in found.flags:
        yield name + "+", values[name]


def _shell(context, arguments):
    """Return the shell option, which comes first."""
    if not arguments or arguments[0] not in SHELLS:
        if arguments and not context.isV3:
            sys.stderr.write("Unknown option: %s\n" % arguments[0].lstrip("-"))
        fatal(_USAGE)
    return arguments[0]
