"""
The index of a wheelhouse: which wheels lie there, for whom, and the hash each must have.

A wheelhouse is a directory with wheels and `wheels.json`. The agent writes the index when it collects the wheels; a
sandbox carries a part of both. Nothing is imported or unpacked that the index does not name.
"""
import functools
import importlib.machinery
import json
import os
import re
import sys
import sysconfig

import attr
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from WMCore.WMRuntime.Environment.Description import HELPS, NEEDED
from WMCore.WMRuntime.Environment.PlainFile import readPlain
from WMCore.WMRuntime.Errors import WMRuntimeError

INDEX_NAME = "wheels.json"
FORMAT = 1
MAX_INDEX_BYTES = 4 * 1024 ** 2
MAX_WHEELS = 2000
MAX_WHEEL_BYTES = 512 * 1024 ** 2
#: The tags a wheel's name stands for are the product of three lists (PEP 425); the longest in use makes a dozen.
MAX_TAGS = 32
MAX_IMPORTS = 100
#: A wheel that brings one of these would replace the runtime itself, or run in every python that is started (site).
RESERVED = frozenset(["WMCore", "Utils", "PSetTweaks", "WMSandbox", "WMTaskSpace", "sitecustomize", "usercustomize"])
ANY_PYTHON = Tag("py3", "none", "any")
_FILE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+!~-]{0,199}\.whl\Z")
_MAX_CHARACTERS, _MAX_DIGITS = 200, 18
_SHA256 = re.compile(r"^[0-9a-f]{64}\Z")
_IMPORT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_REMEDY = "collect the wheels again (wmruntime wheels collect) and make a new sandbox"


@functools.lru_cache(maxsize=None)
def _standardDirectories():
    found = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    return tuple(sorted(found | {os.path.join(directory, "lib-dynload") for directory in found}))


def _isStandard(name):
    """Tell whether a name is the standard library's; python before 3.10 lists only what is compiled in."""
    if name in sys.builtin_module_names or name in getattr(sys, "stdlib_module_names", ()):
        return True
    spec = importlib.machinery.PathFinder.find_spec(name, list(_standardDirectories()))
    return spec is not None and spec.has_location


def _isFileName(text):
    """Tell whether a text is a plain name of a wheel that stands for few enough tags to list them."""
    if not _FILE.match(text):
        return False
    tags = 1
    for part in text[:-len(".whl")].split("-")[-3:]:
        tags *= part.count(".") + 1
    return tags <= MAX_TAGS


def _names(value):
    """Take a list of names; a text would become a list of its letters."""
    if isinstance(value, str):
        raise TypeError("%.80r is no list of names" % value)
    return tuple(value)


def _checkEntry(entry, _attribute, _value):
    """Refuse an entry that contradicts itself; the last attribute's validator sees all of them."""
    if not _isFileName(entry.file):
        raise ValueError("%.80r is no plain file name of a wheel with at most %d tags" % (entry.file, MAX_TAGS))
    if max(len(entry.name), len(entry.version)) > _MAX_CHARACTERS:
        raise ValueError("a name or version of more than %d characters" % _MAX_CHARACTERS)
    found = parse_wheel_filename(entry.file)
    if canonicalize_name(entry.name) != found[0] or Version(entry.version) != found[1]:
        raise ValueError("%s is not a wheel of %s %s" % (entry.file, entry.name, entry.version))
    if not _SHA256.match(entry.sha256):
        raise ValueError("%r is no SHA-256 in hexadecimal" % entry.sha256)
    if not 0 < entry.size <= MAX_WHEEL_BYTES:
        raise ValueError("a wheel of %d bytes, expected 1 to %d" % (entry.size, MAX_WHEEL_BYTES))
    for name in entry.imports:
        if not _IMPORT.match(name) or name in RESERVED or _isStandard(name):
            raise ValueError("a wheel may not bring the module %r" % name)
    if not 0 < len(entry.imports) <= MAX_IMPORTS or entry.need not in (NEEDED, HELPS):
        raise ValueError("imports %.80r and need %.80r, expected 1 to %d names, and 'needed' or 'helps'" % (
            entry.imports, entry.need, MAX_IMPORTS))


@attr.s(frozen=True)
class WheelEntry(object):
    """
    Hold one wheel of a wheelhouse.

    :param name: str, distribution
    :param version: str
    :param file: str, name of the wheel in the directory
    :param sha256: str, hexadecimal
    :param size: int, bytes
    :param imports: tuple of str, all top-level modules it brings
    :param pure: bool, whether it can be imported without being unpacked
    :param need: str, needed or helps
    :raises ValueError: when these contradict each other, or the wheel would replace a module it may not
    """
    name = attr.ib(validator=attr.validators.instance_of(str))
    version = attr.ib(validator=attr.validators.instance_of(str))
    file = attr.ib(validator=attr.validators.instance_of(str))
    sha256 = attr.ib(validator=attr.validators.instance_of(str))
    size = attr.ib(validator=attr.validators.instance_of(int))
    imports = attr.ib(converter=_names, validator=attr.validators.deep_iterable(attr.validators.instance_of(str)))
    pure = attr.ib(validator=attr.validators.instance_of(bool))
    need = attr.ib(validator=[attr.validators.instance_of(str), _checkEntry])

    @property
    def tags(self):
        """Give the packaging Tags in the wheel's name."""
        return parse_wheel_filename(self.file)[3]

    @property
    def order(self):
        """Give what the newer of two wheels has more of: version, then build number (PEP 427)."""
        _name, version, build, _tags = parse_wheel_filename(self.file)
        return version, build

    def rank(self, ranks):
        """
        Say how well the wheel fits an interpreter.

        :param ranks: dict of packaging Tag to int, 0 for the best
        :return: int, None when it does not fit
        """
        return min((ranks[tag] for tag in self.tags if tag in ranks), default=None)

    def checkFor(self, library):
        """
        Refuse a wheel that would replace modules of other libraries: it comes before them on the path.

        :param library: LibraryNeeds; names with a leading underscore are allowed besides what it says
        :raises WMRuntimeError: when the wheel brings more
        """
        known = {name.split(".")[0] for name in library.imports + library.also}
        strange = [name for name in self.imports if name not in known and not name.startswith("_")]
        if strange:
            raise WMRuntimeError(11014, "A wheel brings modules that its library is not for.",
                                 "%s: expected %s, found %s, too" % (
                                     self.file, ", ".join(sorted(known)), ", ".join(strange[:5])),
                                 "find out who made it; what is right there belongs to the library's `also` in "
                                 "requirements.cfg")


@attr.s(frozen=True)
class WheelIndex(object):
    """
    Hold what a wheelhouse offers.

    :param directory: str
    :param wheels: tuple of WheelEntry
    """
    directory = attr.ib(type=str)
    wheels = attr.ib(converter=tuple)

    def path(self, entry):
        """
        Say where a wheel lies.

        :param entry: WheelEntry
        :return: str
        """
        return os.path.join(self.directory, entry.file)

    def candidates(self, name, versions):
        """
        List the wheels of a library.

        :param name: str, distribution
        :param versions: packaging SpecifierSet that the wheel's version must be in
        :return: list of WheelEntry
        """
        wanted = canonicalize_name(name)
        return [entry for entry in self.wheels if canonicalize_name(entry.name) == wanted
                and versions.contains(entry.version, prereleases=True)]


def chooseWheel(entries, ranks):
    """
    Choose the wheel an interpreter gets, as pip does: the newest version, then the closest tags.

    :param entries: iterable of WheelEntry, of one library
    :param ranks: dict of packaging Tag to int, 0 for the best
    :return: WheelEntry, None when none fits
    """
    fitting = [(entry.order, -entry.rank(ranks), entry) for entry in entries if entry.rank(ranks) is not None]
    return max(fitting, key=lambda one: one[:2])[2] if fitting else None


def _refusal(path, expected, found):
    return WMRuntimeError(11014, "The index of the wheelhouse cannot be used.",
                          "%s: expected %s, found %s" % (path, expected, found), _REMEDY)


def loadWheelIndex(directory):
    """
    Read the index of a wheelhouse.

    :param directory: str
    :return: WheelIndex, None when the directory has no index
    :raises WMRuntimeError: when the index is there and cannot be used
    """
    path = os.path.join(directory, INDEX_NAME)
    try:
        data = readPlain(path, MAX_INDEX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as ex:
        raise _refusal(path, "a readable file of at most %d bytes" % MAX_INDEX_BYTES, ex)
    try:
        content = json.loads(data.decode("utf-8"), parse_int=_readNumber)
    except (ValueError, RecursionError) as ex:
        raise _refusal(path, "JSON", ex)
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("wheels"), list):
        raise _refusal(path, "an object with format %d and a list of wheels" % FORMAT, "%.80r" % (content,))
    if len(content["wheels"]) > MAX_WHEELS:
        raise _refusal(path, "at most %d wheels" % MAX_WHEELS, len(content["wheels"]))
    return WheelIndex(directory, [_readEntry(path, item) for item in _distinct(path, content["wheels"])])


def _readNumber(text):
    """Read a number; one of a million digits takes minutes before python 3.11."""
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number of %d digits" % len(text))
    return int(text)


def _readEntry(path, item):
    try:
        return WheelEntry(**item)
    except (TypeError, ValueError) as ex:
        raise _refusal(path, "a wheel's entry", "%.200r (%.200s)" % (item, ex))


def _distinct(path, items):
    """Refuse two entries for one file: it would depend on chance which hash counts."""
    seen = set()
    for item in items:
        name = item.get("file") if isinstance(item, dict) else None
        if not isinstance(name, str) or name.lower() in seen:
            raise _refusal(path, "each wheel's file once", "%.200r" % (item,))
        seen.add(name.lower())
    return items


def indexBytes(entries):
    """
    Write an index; the same wheels give the same bytes.

    :param entries: iterable of WheelEntry
    :return: bytes
    """
    wheels = [attr.asdict(entry, retain_collection_types=False) for entry in sorted(entries, key=lambda entry: entry.file)]
    text = json.dumps({"format": FORMAT, "wheels": wheels}, indent=1, sort_keys=True)
    return (text + "\n").encode("utf-8")
