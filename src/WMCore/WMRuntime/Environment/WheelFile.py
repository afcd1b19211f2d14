"""
One wheel on disk: verified against its index entry, looked through, and unpacked without trusting it.

The form of a wheel is PEP 427's and PEP 491's: a zip with the modules, one dist-info directory, and a data directory
whose purelib and platlib belong beside the modules.
"""
import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib

import attr
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from WMCore.WMRuntime.Environment.PlainFile import openPlain
from WMCore.WMRuntime.Errors import WMRuntimeError

# lxml, the largest wheel in sight, has some 300 members and 20 MB.
MAX_MEMBERS = 20000
MAX_UNPACKED_BYTES = 1024 ** 3
# Text compresses to a tenth, a bomb to a thousandth (deflate's limit is 1032:1).
MAX_RATIO = 200
_FREE_BYTES = 1024 ** 2
_COPY_BYTES = 1024 ** 2
# A version of a million digits would be computed with for minutes.
_VERSION_CHARACTERS = 200
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NATIVE = (".so", ".pyd", ".dylib")
_REMEDY = "do not use it; collect the wheels again (wmruntime wheels collect) and make a new sandbox"


@attr.s(frozen=True)
class WheelContent(object):
    """
    Hold what a wheel has inside, all checked.

    :param name: str, of its METADATA
    :param version: str, of its METADATA
    :param imports: tuple of str, top-level modules
    :param pure: bool, whether it can be imported as it lies: nothing compiled, nothing to be moved
    :param files: tuple of (str member, str relative path it is unpacked to, int bytes)
    """
    name = attr.ib(type=str)
    version = attr.ib(type=str)
    imports = attr.ib(type=tuple)
    pure = attr.ib(type=bool)
    files = attr.ib(type=tuple, repr=False)


def _refusal(path, what):
    return WMRuntimeError(11014, "A wheel is refused.", "%s: %s" % (path, what), _REMEDY)


def fileHash(handle):
    """
    Compute the SHA-256 of a file.

    :param handle: binary file object, read to its end
    :return: str, hexadecimal
    """
    digest = hashlib.sha256()
    for block in iter(lambda: handle.read(_COPY_BYTES), b""):
        digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(path, entry):
    """Open a wheel as a zip; with an entry, what is read is what was verified."""
    try:
        with openPlain(path) as handle:
            if entry is not None:
                size = os.fstat(handle.fileno()).st_size
                if size != entry.size:
                    raise _refusal(path, "%d bytes expected, found %d" % (entry.size, size))
                found = fileHash(handle)
                if found != entry.sha256:
                    raise _refusal(path, "the SHA-256 %s was expected, found %s" % (entry.sha256, found))
                handle.seek(0)
            with zipfile.ZipFile(handle) as archive:
                yield archive
    # zipfile raises these and more for damaged archives; an OSError of the disk has its number
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as ex:
        raise _refusal(path, "a wheel was expected, found a zip that cannot be read (%s: %s)" % (type(ex).__name__, ex))
    except OSError as ex:
        raise WMRuntimeError(11014, "A wheel cannot be read or unpacked.", "%s: %s" % (path, ex),
                             "check the file, and the space and the rights on the disk")


def _checkMember(path, info):
    """Refuse a member that could be written elsewhere, is no plain file, or grows without measure."""
    name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
    parts = (name[:-1] if name.endswith("/") else name).split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in info.orig_filename or ":" in parts[0]:
        raise _refusal(path, "the member %r has no plain relative path" % info.orig_filename)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refusal(path, "the member %r is neither file nor directory (mode %o)" % (name, info.external_attr >> 16))
    if info.flag_bits & 1 or info.compress_type not in _COMPRESSIONS:
        raise _refusal(path, "the member %r is encrypted or compressed in a strange way" % name)
    if info.file_size > _FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise _refusal(path, "the member %r grows from %d to %d bytes" % (name, info.compress_size, info.file_size))


def _checkMembers(path, archive):
    """Check all members; give those that are files."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(info.file_size for info in members) > MAX_UNPACKED_BYTES:
        raise _refusal(path, "%d members and %d bytes unpacked; at most %d and %d are allowed" % (
            len(members), sum(info.file_size for info in members), MAX_MEMBERS, MAX_UNPACKED_BYTES))
    for info in members:
        _checkMember(path, info)
    return [info for info in members if not info.filename.endswith("/")]


def _place(member):
    """Say where a member goes, None for what is of no use to an import: scripts, headers, data."""
    parts = member.split("/")
    if not parts[0].endswith(".data") or len(parts) < 3:
        return member
    return "/".join(parts[2:]) if parts[1] in ("purelib", "platlib") else None


def _topLevel(place):
    """Give the module a path belongs to, None for dist-info, for bundled libraries, for a file that is no module."""
    first, _, rest = place.partition("/")
    name = first if rest or not first.endswith((".py", ".pyc") + _NATIVE) else first.split(".")[0]
    return name if name.isidentifier() and (rest or name != first) else None


def _readMetadata(path, archive, members):
    """Read the few headers that matter from the one METADATA file."""
    found = [info for info in members if info.filename.count("/") == 1
             and info.filename.endswith(".dist-info/METADATA")]
    if len(found) != 1 or found[0].file_size > _FREE_BYTES:
        raise _refusal(path, "one dist-info directory with a METADATA of at most 1 MiB was expected, found %d"
                       % len(found))
    headers = {}
    for line in archive.read(found[0]).decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        headers.setdefault(key.strip().lower(), value.strip())
    return headers


def _contentOf(path, archive, entry):
    """Look through an open wheel, and compare it with its entry."""
    members = _checkMembers(path, archive)
    headers = _readMetadata(path, archive, members)
    placed = [(info.filename, _place(info.filename), info.file_size) for info in members]
    files = tuple(one for one in placed if one[1] is not None)
    places = [place for _member, place, _size in files]
    if len(set(places)) != len(places):
        raise _refusal(path, "two members have one name")
    imports = tuple(sorted({name for name in map(_topLevel, places) if name}))
    compiled = any(os.path.basename(place).endswith(_NATIVE) or ".so." in place for place in places)
    moved = any(member != place for member, place, _size in files)
    content = WheelContent(headers.get("name", ""), headers.get("version", ""), imports, not compiled and not moved,
                           files)
    if entry is not None:
        _checkContent(path, content, entry)
    return content


def _checkContent(path, content, entry):
    """Refuse a wheel that is another one, or brings other modules, than its entry says."""
    try:
        same = canonicalize_name(content.name) == canonicalize_name(entry.name) \
            and len(content.version) <= _VERSION_CHARACTERS and Version(content.version) == Version(entry.version)
    except InvalidVersion:
        same = False
    if not same:
        raise _refusal(path, "%s %s was expected, its METADATA says %.80r %.80r"
                       % (entry.name, entry.version, content.name, content.version))
    strange = sorted(set(content.imports).difference(entry.imports))
    if strange:
        raise _refusal(path, "modules %s were expected, it brings %s, too" % (
            ", ".join(entry.imports), ", ".join("%.80r" % name for name in strange[:5])))


def readWheel(path, entry=None):
    """
    Look through a wheel; with its entry, verify it.

    :param path: str
    :param entry: WheelEntry, None for a wheel that is not in an index yet
    :return: WheelContent
    :raises WMRuntimeError: when it is not what the entry says, or holds what no wheel may
    """
    with _opened(path, entry) as archive:
        return _contentOf(path, archive, entry)


def unpackWheel(path, entry, base):
    """
    Unpack a wheel once; several processes may try at the same time.

    :param path: str
    :param entry: WheelEntry
    :param base: str, directory for unpacked wheels, made when it does not exist; the caller's own: who can write
        there can replace what is imported
    :return: str, the directory to import from
    :raises WMRuntimeError: as readWheel, and when there is no space or no right to write
    """
    target = os.path.join(base, "%s-%s" % (entry.file[:-len(".whl")], entry.sha256[:16]))
    with _opened(path, entry) as archive:
        content = _contentOf(path, archive, entry)
        if _isWhole(target, content):
            return target
        os.makedirs(base, mode=0o700, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix="unpacking-", dir=base)
        try:
            for member, place, size in content.files:
                _writeMember(path, archive, member, os.path.join(temporary, place), size)
            os.chmod(temporary, 0o755)
            _install(temporary, target, content)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


def _writeMember(path, archive, member, place, size):
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with archive.open(member) as source, open(place, "xb") as sink:
        shutil.copyfileobj(source, sink, _COPY_BYTES)
        written = sink.tell()
    if written != size:
        raise _refusal(path, "%d bytes of %r expected, found %d" % (size, member, written))


def _isWhole(directory, content):
    """Tell whether a directory holds all of a wheel; one that was damaged since is made again."""
    try:
        return all(stat.S_ISREG(found.st_mode) and found.st_size == size for found, size in (
            (os.lstat(os.path.join(directory, place)), size) for _member, place, size in content.files))
    except OSError:
        return False


def _install(temporary, target, content):
    """Give the new directory its name, unless another process was faster."""
    try:
        os.rename(temporary, target)
    except OSError:
        if _isWhole(target, content):
            return
        os.rename(target, tempfile.mkdtemp(prefix="damaged-", dir=os.path.dirname(target)))
        os.rename(temporary, target)
