"""
What an area of the runtime says of itself: its python, its libraries, and each of its files.

`wmruntime area build` writes it as manifest.json beside `external`. It comes over CVMFS, or from wherever somebody
copied an area: nothing in it is believed before it was checked.
"""
import json
import os
import re

import attr

from WMCore.WMRuntime.Environment.PlainFile import readPlain
from WMCore.WMRuntime.Errors import WMRuntimeError

MANIFEST_NAME = "manifest.json"
FORMAT = 1
_MAX_BYTES, _MAX_FILES, _MAX_LIBRARIES = 32 * 1024 * 1024, 200000, 200
_MODES = (0o644, 0o755)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SYSTEM = re.compile(r"rhel[0-9]{1,3}\Z")
_CPU = re.compile(r"[a-z0-9_]{1,32}\Z")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")
_GLIBC = re.compile(r"(2\.[0-9]{1,3})?\Z")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?\Z")
_RELEASE = re.compile(r"[0-9][A-Za-z0-9._+!-]{0,99}\Z")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}(\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,9}\Z")
# Where jobs look, and nowhere else; nothing for an area without an interpreter.
_PYTHON = re.compile(r"(external/python3/[0-9][A-Za-z0-9._+-]{0,99})?\Z")
_LIBRARY = re.compile(r"external/py3-[A-Za-z0-9._-]{1,100}/[0-9][A-Za-z0-9._+!-]{0,99}\Z")
# Publishing makes these: the python of another build that lies beside the area.
_OLDER_PYTHON = re.compile(r"(\.\./){3}rhel[0-9]{1,3}_[a-z0-9_]+-[0-9]{1,9}/external/python3/[0-9][A-Za-z0-9._-]*\Z")
_REMEDY = "publish the area again with `wmruntime area build`, or go back with `wmruntime area rollback`"


@attr.s(frozen=True)
class AreaFile(object):
    """
    Hold what one path of an area is: a file, or a symbolic link.

    :param sha256: str, in hexadecimal; empty for a link
    :param size: int, bytes
    :param mode: int, permission bits
    :param link: str, what the link says; empty for a file
    """
    sha256 = attr.ib(default="", type=str)
    size = attr.ib(default=0, type=int)
    mode = attr.ib(default=0o644, type=int)
    link = attr.ib(default="", type=str)

    def toDict(self):
        """Give it as the manifest has it."""
        if self.link:
            return {"link": self.link}
        return {"sha256": self.sha256, "size": self.size, "mode": self.mode}


@attr.s(frozen=True)
class AreaLibrary(object):
    """
    Hold one library of an area.

    :param name: str, of the distribution
    :param version: str
    :param directory: str, relative to the area
    :param imports: tuple of str, names to import
    :param pure: bool, whether it holds no compiled code
    :param licence: str, SPDX expression
    """
    name = attr.ib(type=str)
    version = attr.ib(type=str)
    directory = attr.ib(type=str)
    imports = attr.ib(converter=tuple)
    pure = attr.ib(type=bool)
    licence = attr.ib(type=str)

    def toDict(self):
        """Give it as the manifest has it."""
        return dict(attr.asdict(self), imports=list(self.imports))


@attr.s(frozen=True)
class AreaManifest(object):
    """
    Hold the manifest of an area.

    :param system: str, such as rhel8
    :param cpu: str, as `uname -m` names it
    :param build: int, counted up each time the area is published
    :param description: str, SHA-256 of the description it was built from
    :param pythonVersion: str, such as 3.9.18
    :param pythonDirectory: str, relative to the area; empty when the area has the libraries alone
    :param libraries: tuple of AreaLibrary
    :param files: dict of str, path relative to the area, to AreaFile
    :param systemLibraries: tuple of str, shared libraries that the system has to bring
    :param glibc: str, the oldest C library its python starts with, such as 2.28; empty when it asks for none
    """
    system = attr.ib(type=str)
    cpu = attr.ib(type=str)
    build = attr.ib(type=int)
    description = attr.ib(type=str)
    pythonVersion = attr.ib(type=str)
    pythonDirectory = attr.ib(type=str)
    libraries = attr.ib(default=(), converter=tuple)
    files = attr.ib(factory=dict, repr=False)
    systemLibraries = attr.ib(default=(), converter=tuple)
    glibc = attr.ib(default="", type=str)

    @property
    def name(self):
        """Give the area's name, such as rhel8_x86_64."""
        return "%s_%s" % (self.system, self.cpu)

    @property
    def packages(self):
        """List the directories its libraries are imported from, relative to the area, as its init.sh has them."""
        series = ".".join(self.pythonVersion.split(".")[:2])
        return ["%s/lib/python%s/site-packages" % (library.directory, series) for library in self.libraries]

    @property
    def layoutOnly(self):
        """Tell whether the area has no interpreter: it was made on another CPU."""
        return not self.pythonDirectory

    @property
    def size(self):
        """Give the bytes of all its files."""
        return sum(one.size for one in self.files.values())

    def toDict(self):
        """Give the manifest for JSON."""
        return {"format": FORMAT, "system": self.system, "cpu": self.cpu, "build": self.build,
                "description": self.description, "layoutOnly": self.layoutOnly,
                "python": {"version": self.pythonVersion, "directory": self.pythonDirectory},
                "libraries": [library.toDict() for library in self.libraries],
                "systemLibraries": list(self.systemLibraries), "glibc": self.glibc,
                "files": {path: one.toDict() for path, one in self.files.items()}}


def manifestText(manifest):
    """
    Write a manifest as text, the same for the same manifest.

    :param manifest: AreaManifest
    :return: str
    """
    return json.dumps(manifest.toDict(), indent=1, sort_keys=True) + "\n"


def loadManifest(areaDirectory):
    """
    Read the manifest of an area.

    :param areaDirectory: str
    :return: AreaManifest, or None when the area has none: it was not built by `wmruntime area build`
    :raises WMRuntimeError: when there is one that cannot be read, or that says what no manifest says
    """
    path = os.path.join(areaDirectory, MANIFEST_NAME)
    if not os.path.lexists(path):
        return None
    try:
        return parseManifest(json.loads(readPlain(path, _MAX_BYTES).decode("utf-8")))
    except (OSError, ValueError, RecursionError) as ex:
        raise WMRuntimeError(None, "The manifest of an area cannot be used.",
                             "%s: %s" % (path, ex or type(ex).__name__), _REMEDY)


def manifestOfPython(directory):
    """
    Read the manifest of the build a python belongs to; an area offers those of older builds by links, too.

    :param directory: str, the python's, .../external/python3/<version>
    :return: tuple of the str directory of that build, links followed, and its AreaManifest, None when the build has none
        or has it for another python
    :raises WMRuntimeError: as loadManifest
    """
    place = os.path.realpath(directory)
    area = os.path.dirname(os.path.dirname(os.path.dirname(place)))
    manifest = loadManifest(area)
    return area, manifest if manifest is not None and os.path.join(area, manifest.pythonDirectory) == place else None


def parseManifest(data):
    """
    Check what was read from a manifest.

    :param data: what json.loads made of it
    :return: AreaManifest
    :raises ValueError: when it is no manifest of this format; it says what was expected where
    """
    top = _Section(data, "the manifest")
    if top.get("format", int) != FORMAT:
        raise ValueError("its format is %r, expected %d" % (top.get("format", int), FORMAT))
    python = _Section(top.get("python", dict), "python")
    files = top.get("files", dict)
    libraries = top.get("libraries", list)
    if len(files) > _MAX_FILES or len(libraries) > _MAX_LIBRARIES:
        raise ValueError("it names %d files and %d libraries, expected at most %d and %d"
                         % (len(files), len(libraries), _MAX_FILES, _MAX_LIBRARIES))
    return AreaManifest(top.text("system", _SYSTEM), top.text("cpu", _CPU), top.count("build"),
                        top.text("description", _SHA256), python.text("version", _VERSION),
                        python.text("directory", _PYTHON), [_library(one) for one in libraries],
                        {safePath(path): _file(path, one) for path, one in files.items()},
                        top.texts("systemLibraries"), top.text("glibc", _GLIBC))


class _Section(object):
    """A JSON object whose values are asked for by name and kind."""

    def __init__(self, data, name):
        if not isinstance(data, dict):
            raise ValueError("%s: expected an object, found %s" % (name, type(data).__name__))
        self._data = data
        self._name = name

    def get(self, key, kind):
        """Give a value of a kind; True is no number."""
        value = self._data.get(key)
        if type(value) is not kind:
            raise ValueError("%s: expected %s of kind %s, found %.80r" % (self._name, key, kind.__name__, value))
        return value

    def text(self, key, pattern):
        """Give a text of a form."""
        value = self.get(key, str)
        if not pattern.match(value):
            raise ValueError("%s: expected %s like %s, found %.80r" % (self._name, key, pattern.pattern, value))
        return value

    def texts(self, key):
        """Give a list of texts."""
        values = self.get(key, list)
        if not all(map(_isShortText, values)):
            raise ValueError("%s: expected %s to be short texts, found %.80r" % (self._name, key, values))
        return values

    def names(self, key, pattern):
        """Give a list of texts of a form."""
        values = self.texts(key)
        if not all(map(pattern.match, values)):
            raise ValueError("%s: expected %s like %s, found %.80r" % (self._name, key, pattern.pattern, values))
        return values

    def words(self, key):
        """Give a text for people, of one line."""
        value = self.get(key, str)
        if not _isShortText(value):
            raise ValueError("%s: expected %s to be a short text, found %.80r" % (self._name, key, value))
        return value

    def count(self, key):
        """Give a number that counts something."""
        value = self.get(key, int)
        if not 0 <= value < 1 << 60:
            raise ValueError("%s: expected %s to be a count, found %d" % (self._name, key, value))
        return value


def _library(data):
    section = _Section(data, "a library")
    return AreaLibrary(section.text("name", _NAME), section.text("version", _RELEASE),
                       section.text("directory", _LIBRARY), section.names("imports", _MODULE), section.get("pure", bool),
                       section.words("licence"))


def _isShortText(value):
    return isinstance(value, str) and value.isprintable() and len(value) < 256


def _file(path, data):
    section = _Section(data, path)
    if "link" in data:
        target = section.get("link", str)
        if not target or not target.isprintable():
            raise ValueError("%s: expected where the link leads to, found %.80r" % (path, target))
        # A link that leads elsewhere would read what nobody has checked.
        if os.path.dirname(path) != "external/python3" or not _OLDER_PYTHON.match(target):
            safePath(os.path.normpath(os.path.join(os.path.dirname(path), target)))
        return AreaFile(link=target)
    mode = section.get("mode", int)
    if mode not in _MODES:
        raise ValueError("%s: expected the mode %s, found %o" % (path, " or ".join("%o" % one for one in _MODES), mode))
    return AreaFile(section.text("sha256", _SHA256), section.count("size"), mode)


def safePath(path):
    """
    Check a path that is to lie inside an area.

    :param path: str
    :return: str, the same
    :raises ValueError: when it is absolute, empty, not normal, leads out, or cannot be printed
    """
    if not path or not path.isprintable() or path.startswith("/") or os.path.normpath(path) != path \
            or path.split("/")[0] in (os.pardir, os.curdir):
        raise ValueError("expected a path inside the area, found %.200r" % path)
    return path
