"""
Read a description of the runtime's environment: INI text, every option known, every value checked.
"""
import configparser
import re

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from WMCore.WMRuntime.Environment.Description import HELPS, NEEDED, Description, LibraryNeeds, SystemNeeds, VersionRow
from WMCore.WMRuntime.Errors import WMRuntimeError

MAX_BYTES = 256 * 1024
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_SYSTEM = re.compile(r"rhel[1-9][0-9]?\Z")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_GLIBC = re.compile(r"2\.[0-9]{1,3}\Z")
_PATH = re.compile(r"/[^\s\0]+\Z")
_ROW = re.compile(r"python\s+([^:]+):(.*),\s*pin\s+(\S+)\s*\Z")


class _Section(object):
    """Give the values of a section, each asked for once; what nobody asked for is an error."""

    def __init__(self, path, name, values):
        self.path, self.name, self.values = path, name, dict(values)

    def error(self, option, expected, found):
        return WMRuntimeError(11014, "The description of the runtime's environment is not valid.",
                              "%s, section [%s], option %s: expected %s, found %r" % (
                                  self.path, self.name, option, expected, found), "correct the option")

    def text(self, option, expected, pattern=None):
        value = self.values.pop(option, None)
        if not value or pattern is not None and not pattern.match(value):
            raise self.error(option, expected, value)
        return value

    def words(self, option, expected, pattern):
        words = self.text(option, expected).split()
        if len(set(words)) != len(words) or not all(pattern.match(word) for word in words):
            raise self.error(option, expected + ", each once", " ".join(words))
        return tuple(words)

    def choice(self, option, choices):
        value = self.text(option, " or ".join(choices))
        if value not in choices:
            raise self.error(option, " or ".join(choices), value)
        return choices[value]

    def specifiers(self, option, text):
        """Read version specifiers; strictly, packaging 21 lets strange ones pass."""
        parts = [part.strip() for part in text.split(",")]
        try:
            for part in parts:
                Specifier(part)
            return SpecifierSet(",".join(parts))
        except InvalidSpecifier:
            raise self.error(option, "version specifiers such as >=3.8", text)

    def end(self):
        if self.values:
            raise self.error(sorted(self.values)[0], "no such option", sorted(self.values.values())[0])


def readDescription(data, path, sha256):
    """
    Read the text of a description.

    :param data: bytes
    :param path: str, the file's name for errors
    :param sha256: str, kept in the result
    :return: Description
    :raises WMRuntimeError: when anything in it is missing, unknown or malformed
    """
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None,
                                       default_section=" no defaults ", empty_lines_in_values=False)
    parser.optionxform = str
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("more than %d bytes" % MAX_BYTES)
        parser.read_string(data.decode("utf-8"), path)
        # A line that goes on where no option began is None, and fails only here.
        sections = [_Section(path, name, parser.items(name)) for name in parser.sections()]
    except (configparser.Error, ValueError, AttributeError, TypeError) as ex:
        raise WMRuntimeError(11014, "The description of the runtime's environment is not valid.",
                             "%s: expected INI text in UTF-8, found: %s" % (path, ex), "correct the file")
    runtime = [section for section in sections if section.name == "runtime"]
    if not runtime:
        raise _Section(path, "runtime", {}).error("area paths", "the section", None)
    areaPaths = runtime[0].words("area paths", "names of directories", _WORD)
    cpus = runtime[0].words("cpus", "CPUs as `uname -m` names them", _WORD)
    runtime[0].end()
    systems, libraries = [], []
    for section in sections:
        kind, _, name = section.name.partition(" ")
        if kind == "system":
            systems.append(_readSystem(section, name, cpus))
        elif kind == "library":
            libraries.append(_readLibrary(section, name))
        elif section is not runtime[0]:
            raise section.error("(any)", "the sections [runtime], [system NAME] and [library NAME]", section.name)
    if not systems or not libraries:
        raise runtime[0].error("(any)", "one section [system NAME] and one [library NAME] at least", "none")
    return Description(areaPaths, tuple(systems), tuple(libraries), cpus, sha256)


def _readSystem(section, name, cpus):
    if not _SYSTEM.match(name):
        raise section.error("(its name)", "a system such as rhel8", name)
    python = section.specifiers("python", section.text("python", "version specifiers such as >=3.8"))
    serves = section.words("serves", "systems of scram archs", _WORD)
    glibc = int(section.text("glibc", "a version of the C library such as 2.28", _GLIBC).split(".")[1])
    own = section.words("cpus", "some of the CPUs", _WORD) if "cpus" in section.values else cpus
    if not set(own).issubset(cpus):
        raise section.error("cpus", "some of %s" % " ".join(cpus), " ".join(own))
    images = {cpu: section.text("image " + cpu, "an absolute path without blanks", _PATH)
              for cpu in own if "image " + cpu in section.values}
    section.end()
    return SystemNeeds(name, python, own, images, serves, glibc)


def _readLibrary(section, name):
    if not _NAME.match(name):
        raise section.error("(its name)", "the name of a distribution", name)
    library = LibraryNeeds(name=name, imports=section.words("imports", "names of modules", _MODULE),
                           need=section.choice("need", {NEEDED: NEEDED, HELPS: HELPS}),
                           pure=section.choice("pure", {"yes": True, "no": False}),
                           why=section.text("why", "a reason"), licence=section.text("licence", "an SPDX expression"),
                           versions=_readRows(section),
                           also=section.words("also", "names of modules", _MODULE) if "also" in section.values else ())
    section.end()
    return library


def _readRows(section):
    rows = []
    for line in section.text("versions", "lines `python RANGE: ACCEPTED, pin BUILT`").split("\n"):
        found = _ROW.match(line.strip())
        if line.strip() and not found:
            raise section.error("versions", "`python RANGE: ACCEPTED, pin BUILT`", line)
        if found:
            rows.append(_readRow(section, *found.groups()))
    return tuple(rows)


def _readRow(section, python, versions, pinned):
    accepted = section.specifiers("versions", versions)
    try:
        Version(pinned)
    except InvalidVersion:
        raise section.error("versions", "a version after `pin`", pinned)
    if not accepted.contains(pinned, prereleases=True):
        raise section.error("versions", "a pin that %s accepts" % accepted, pinned)
    return VersionRow(section.specifiers("versions", python), accepted, pinned)
