"""The environment of an area as `scram runtime` prints it: set, saved and restored."""
import base64
import glob
import os
import re

from .Toolbox import readTool

PREFIX = "SRT_"
_KEPT = "_SCRAMRT"        # the variable was there before
_NEW = "_SCRAMRTDEL"      # it was not
_BACKUP = "SCRAMRT_BACKUP_ENV"
_PYTHON_PATHS = ("PYTHONPATH", "PYTHON27PATH", "PYTHON3PATH")
_PREFIXABLE = ("PATH", "LD_LIBRARY_PATH") + _PYTHON_PATHS
_SKIPPED = re.compile(r"^(_|PWD|PROMPT_COMMAND|SCRAM_.+|SCRAMV1_.+|SCRAM|LOCALTOP|RELEASETOP|BASE_PATH)$")

#: shell option -> (set command, what is between name and value, unset command)
SHELLS = {"-sh": ("export", "=", "unset"), "-csh": ("setenv", " ", "unsetenv"), "-win": ("set", "=", "unset")}


class AreaRuntime(object):
    """What the manifests of an area add to an environment."""

    def __init__(self):
        self.variables = []   # [(name, value)]
        self.paths = {}       # name -> [folders], in order of insertion

    def addPath(self, name, folder):
        """Append a folder to a path variable, once."""
        folders = self.paths.setdefault(name, [])
        if folder not in folders:
            folders.append(folder)


def areaRuntime(area, overrides, environ):
    """
    Work out what an area adds to the environment, from config/Self.xml and its tool manifests.

    :param area: Area
    :param overrides: str, CVMFS's share/overrides
    :param environ: dict of the caller, for SCRAM_PREFIX_* and the hook switches
    :return: AreaRuntime
    """
    runtime = AreaRuntime()
    if not area.isSetUp():
        return runtime
    selfTool = readTool(os.path.join(area.config, "Self.xml"), area.variables())
    tools = [readTool(path, area.variables()) for path in sorted(glob.glob(
        os.path.join(glob.escape(area.selected), "*.xml")))]
    project = area.name.lower()
    hidden = set(selfTool.flag("NO_EXTERNAL_RUNTIME"))
    shown = {"self", project} | {name.lower() for name in selfTool.flag("SKIP_TOOLS_SYMLINK")}
    _addSelf(runtime, area, selfTool)
    # The project's base release first, then the externals that others use before those that use them.
    for tool in sorted(tools, key=lambda tool: (tool.kind != "scram", tool.kind == "compiler")):
        for name, value, isPath, _ in tool.runtime:
            if not isPath:
                runtime.variables.append((name, value))
            elif name not in hidden or tool.name in shown:
                runtime.addPath(name, value)
            else:
                runtime.paths.setdefault(name, [])
    _addOverrides(runtime, overrides, environ)
    return runtime


def _addSelf(runtime, area, selfTool):
    """Add what config/Self.xml says: the area's own folders, then the same of its release."""
    for name, value, isPath, _ in selfTool.runtime:
        if isPath:
            runtime.addPath(name, value)
        else:
            runtime.variables.append((name, value))
    if not area.releaseTop:
        return
    # A release that vanished is still named: the environment then comes from what was cached.
    vanished = not os.path.isdir(area.releaseTop)
    for name in list(runtime.paths):
        for folder in list(runtime.paths[name]):
            if folder.startswith(area.location + os.sep):
                twin = area.releaseTop + folder[len(area.location):]
                if vanished or os.path.exists(twin):
                    runtime.addPath(name, twin)


def _addOverrides(runtime, overrides, environ):
    binFolder = os.path.join(overrides, "bin")
    if "PATH" in runtime.paths and os.path.exists(binFolder):
        runtime.paths["PATH"].insert(0, binFolder)
    pythonFolder = os.path.join(overrides, "python")
    if os.path.exists(pythonFolder):
        for name in _PYTHON_PATHS:
            if name in runtime.paths:
                runtime.paths[name].insert(0, pythonFolder)
    for name in _PREFIXABLE:
        for folder in environ.get("SCRAM_PREFIX_" + name, "").split(":"):
            if folder and name in runtime.paths and os.path.exists(folder):
                runtime.paths[name].insert(0, folder)
    if "SCRAM_IGNORE_RUNTIME_HOOK" not in environ and "SCRAM_IGNORE_SITE_RUNTIME_HOOK" not in environ:
        runtime.variables.append(("LC_ALL", "C"))  # the site hook 00-lc_all-env


def restored(environ):
    """
    Take back what an earlier `scram runtime` put into an environment.

    :param environ: dict
    :return: dict, a copy without it
    """
    result = dict(environ)
    if "SCRAMRT_SET" not in environ:
        return result
    saved = {}
    if _BACKUP in environ:
        text = base64.b64decode(environ[_BACKUP]).decode("utf-8", "replace")
        saved = dict(item.split("=", 1) for item in text.split(";") if "=" in item)
    for name, value in environ.items():
        if name.startswith("SCRAMRT_"):
            del result[name]
            continue
        isNew = name.endswith(_NEW)
        if _SKIPPED.match(name) or not (isNew or name.endswith(_KEPT)):
            continue
        del result[name]
        variable = name[:-len(_NEW if isNew else _KEPT)]
        variable = variable[len(PREFIX):] if variable.startswith(PREFIX) else variable
        if variable not in result:
            continue
        before = "" if isNew else _without(result[variable], value, saved.get(variable))
        if before:
            result[variable] = before
        else:
            del result[variable]
    return result


def _without(present, added, saved):
    """Return a variable's value as it was before `added` was put in."""
    if saved is not None:
        return saved
    if present == added:
        return ""
    match = re.match("^(.*?:|)%s(:.*|)$" % re.escape(added), present, re.DOTALL)
    text = match.group(1) + match.group(2) if match else present
    return text.strip(":").replace("::", ":")


def renderRuntime(area, runtime, caller, shell, scramVersion, callerArch):
    """
    Write the commands that bring a shell from its present environment to the area's.

    :param area: Area
    :param runtime: AreaRuntime
    :param caller: dict, environment of the shell that will run them
    :param shell: str, key of SHELLS
    :param scramVersion: str
    :param callerArch: str, SCRAM_ARCH as the shell has it, empty when unset
    :return: (text for stdout, list of names that are unset)
    """
    before = restored(caller)
    lines = []
    saves = []
    backup = []
    for name, value in runtime.variables:
        saves.append((PREFIX + name + (_KEPT if name in before else _NEW), _escaped(value)))
        if name in before:
            backup.append("%s=%s" % (name, before[name]))
    if backup:
        saves.append((_BACKUP, base64.b64encode(";".join(backup).encode("utf-8")).decode("ascii")))
    paths = {}
    for name, folders in runtime.paths.items():
        if "_SRTOPT_" in name:
            continue
        added = _escaped(":".join(_clean(folders)))
        saves.append((PREFIX + name + (_KEPT if name in before else _NEW), added))
        paths[name] = added + (":" + before[name] if before.get(name) else "")
    saves.append(("SCRAMRT_SET", ":".join((area.name, area.version, area.arch, scramVersion, PREFIX))))
    final = dict(before)
    final.update(saves)
    final.update((name, _escaped(value)) for name, value in runtime.variables)
    final.update(paths)
    unset = sorted(name for name in caller if name not in final)
    if unset:
        lines.append("%s  %s;" % (SHELLS[shell][2], " ".join(unset)))
    ordered = [name for name, _ in reversed(saves)]
    if area.arch != callerArch:
        final["SCRAM_ARCH"] = area.arch
        ordered.append("SCRAM_ARCH")
    changedBack = [name for name in before if name not in ordered and before[name] != caller.get(name)]
    ordered += changedBack + [name for name, _ in runtime.variables] + [name for name in paths]
    if "PATH" not in ordered and "PATH" in final:
        ordered.append("PATH")
    done = set()
    for name in ordered:
        if name in done or (name != "PATH" and caller.get(name) == final[name] and name != "SCRAM_ARCH"):
            continue
        done.add(name)
        lines.append('%s %s%s"%s";' % (SHELLS[shell][0], name, SHELLS[shell][1], final[name]))
    return "".join(line + "\n" for line in lines), [name for name in unset if not name.startswith("SCRAMRT_") and
                                                     not name.endswith(_KEPT) and not name.endswith(_NEW)]


def _escaped(text):
    """Escape as SCRAM does: the double quote and the backtick, nothing else."""
    return text.replace('"', '\\"').replace("`", "\\`")


def _clean(folders):
    """Normalise the folders of a path variable and drop repetitions."""
    cleaned = []
    for folder in folders:
        folder = os.path.abspath(folder) if folder else folder
        if folder and folder not in cleaned:
            cleaned.append(folder)
    return cleaned
