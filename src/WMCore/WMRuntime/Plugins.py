"""
Find plugins: those that come with the runtime, those of installed packages, those named in a setting.

A plugin is a class with a `name` (str) and a `priority` (int, the lowest comes first). A package offers one
through an entry point; anything importable can be named as `module:attribute`. Entry points are read from
the dist-info directories on sys.path, also of zips such as a sandbox, without importlib.metadata: python
3.6 has none, and elsewhere importing it takes longer than all the rest of a resolution.
"""
import configparser
import importlib
import logging
import os
import re
import sys
import zipfile

import attr

_METADATA = re.compile(r"^(?:[^/]+\.dist-info|[^/]+\.egg-info|EGG-INFO)/entry_points\.txt$")
_REFERENCE = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(?:\[.*\]\s*)?$")
_MAX_BYTES = 1024 * 1024


@attr.s(frozen=True)
class PluginProblem(object):
    """
    Hold why a plugin was not loaded.

    :param name: str, as in the entry point or the setting
    :param source: str, the file or setting that names it
    :param reason: str
    """
    name = attr.ib(type=str)
    source = attr.ib(type=str)
    reason = attr.ib(type=str)


@attr.s(frozen=True)
class EntryPoint(object):
    """
    Hold one line of an entry_points.txt.

    :param name: str
    :param reference: str, module:attribute
    :param source: str, the file it stands in
    """
    name = attr.ib(type=str)
    reference = attr.ib(type=str)
    source = attr.ib(type=str)


def findEntryPoints(group, paths=None):
    """
    Read the entry points of a group; the first of two of one name counts, as with modules.

    :param group: str, such as wmcore.runtime.interpreters
    :param paths: list of str, directories and zips; None for sys.path
    :return: (list of EntryPoint sorted by name, list of PluginProblem)
    """
    found, problems = {}, []
    for path in sys.path if paths is None else paths:
        try:
            texts = list(_metadata(path or os.curdir))
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as ex:
            # Nothing that could be imported lies there either; it is no plugin's fault.
            logging.debug("No entry points can be read from %s: %s", path, ex)
            continue
        for source, data in texts:
            try:
                for name, reference in _readGroup(data, group):
                    found.setdefault(name, EntryPoint(name, reference, source))
            except (ValueError, configparser.Error) as ex:
                problems.append(PluginProblem("", source, "its entry points cannot be read: %s" % ex))
    return [found[name] for name in sorted(found)], problems


def _metadata(path):
    """Yield (str file, bytes) for each entry_points.txt of a directory or a zip."""
    if os.path.isdir(path):
        for folder in sorted(os.listdir(path)):
            name = os.path.join(path, folder, "entry_points.txt")
            if folder.endswith((".dist-info", ".egg-info")) and os.path.isfile(name):
                with open(name, "rb") as handle:
                    yield name, handle.read(_MAX_BYTES)
    elif os.path.isfile(path) and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if _METADATA.match(name):
                    with archive.open(name) as handle:
                        yield os.path.join(path, name), handle.read(_MAX_BYTES)


def _readGroup(data, group):
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(data.decode("utf-8"))
    return parser.items(group) if parser.has_section(group) else []


def loadReference(reference):
    """
    Import what a reference names.

    :param reference: str, module:attribute
    :return: the object
    :raises ValueError: when it has another form
    :raises Exception: whatever the import raises
    """
    match = _REFERENCE.match(reference)
    if match is None:
        raise ValueError("%r is not of the form module:attribute" % reference)
    found = importlib.import_module(match.group(1))
    for part in match.group(2).split("."):
        found = getattr(found, part)
    return found


def _whyNoPlugin(plugin, base):
    if base is not None and not (isinstance(plugin, type) and issubclass(plugin, base)):
        return "%r is no subclass of %s" % (plugin, base.__name__)
    name, priority = getattr(plugin, "name", None), getattr(plugin, "priority", None)
    if not isinstance(name, str) or not name:
        return "its name is %r, expected text" % (name,)
    if not isinstance(priority, int):
        return "its priority is %r, expected a number" % (priority,)
    return None


def loadPlugins(group, builtins, names=(), base=None):
    """
    Load all plugins of a kind. One that is broken is logged, reported and left out: it must not end a job.

    A name that is taken stays with who had it: the built-in ones first, then those named in a setting, then
    those of entry points.

    :param group: str, the group of entry points
    :param builtins: sequence of plugins that come with the runtime
    :param names: sequence of str, module:attribute
    :param base: class that a plugin must derive from; None for any object
    :return: (tuple of plugins sorted by priority, tuple of PluginProblem)
    """
    points, problems = findEntryPoints(group)
    loaded = {plugin.name: plugin for plugin in builtins}
    for point in [EntryPoint(name.strip(), name, "the setting") for name in names] + points:
        reason = _add(loaded, point, base)
        if reason:
            problems.append(PluginProblem(point.name, point.source, reason))
    for problem in problems:
        logging.warning("The plugin %s of %s is left out: %s", problem.name, problem.source, problem.reason)
    return tuple(sorted(loaded.values(), key=lambda plugin: plugin.priority)), tuple(problems)


def _add(loaded, point, base):
    """Load one plugin into the dict; return why not, or None."""
    try:
        plugin = loadReference(point.reference)
        reason = _whyNoPlugin(plugin, base)
        if reason is None and loaded.setdefault(plugin.name, plugin) is not plugin:
            reason = "the name %s is taken by %r" % (plugin.name, loaded[plugin.name])
        return reason
    except (Exception, SystemExit) as ex:  # a plugin may fail in any way while it is imported
        return "%s: %s" % (type(ex).__name__, ex)
