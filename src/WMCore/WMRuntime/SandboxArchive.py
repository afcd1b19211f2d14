"""
Write a sandbox so that the same content gives the same bytes, and unpack one without trusting it.
"""
import bz2
import io
import os
import tarfile
import zipfile

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

# 1980-01-01, the earliest a zip can say: two sandboxes of one workload differ only where their content does.
FIXED_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
FIXED_TIME = 315532800
_UNWANTED = (".svn", ".git")


@attr.s(frozen=True)
class ArchiveEntry(object):
    """
    Say what becomes one file or directory of a sandbox.

    :param name: str, relative path in the archive, with forward slashes
    :param path: str, file to copy from; empty when content is given
    :param content: bytes, or None for a directory or a file to copy
    :param isDirectory: bool
    """
    name = attr.ib(type=str)
    path = attr.ib(default="", type=str)
    content = attr.ib(default=None, repr=False)
    isDirectory = attr.ib(default=False, type=bool)


def tarFilter(tarinfo):
    """
    Decide what may go into a sandbox.

    :param tarinfo: tarfile.TarInfo
    :return: the same, or None for what stays out: version control, symbolic and hard links, devices
    """
    if tarinfo.name.endswith(_UNWANTED) or any(part in _UNWANTED for part in tarinfo.name.split("/")):
        return None
    return tarinfo if tarinfo.isfile() or tarinfo.isdir() else None


def directoryEntries(directory, name):
    """
    List a directory and all below it.

    :param directory: str
    :param name: str, its name in the archive
    :return: list of ArchiveEntry in a fixed order; links and version control are left out
    """
    entries = [ArchiveEntry(name, isDirectory=True)]
    for child in sorted(os.listdir(directory)):
        path = os.path.join(directory, child)
        if child in _UNWANTED or os.path.islink(path):
            continue
        inside = "%s/%s" % (name, child)
        if os.path.isdir(path):
            entries.extend(directoryEntries(path, inside))
        elif os.path.isfile(path):
            entries.append(ArchiveEntry(inside, path=path))
    return entries


def zipBytes(members, compression=zipfile.ZIP_STORED):
    """
    Make a zip whose bytes depend on its content alone.

    It is stored by default: bzip2 over the plain sources makes a smaller sandbox than over members
    deflated one by one, and importing from it on the node inflates nothing.

    :param members: dict of str to bytes
    :param compression: int, one of zipfile's constants
    :return: bytes
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, FIXED_ZIP_TIME)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            info.compress_type = compression
            archive.writestr(info, members[name])
    return buffer.getvalue()


def _tarInfo(entry, size):
    """Describe an entry without owner, time, or any mode but executable or not."""
    info = tarfile.TarInfo(entry.name)
    info.mtime = FIXED_TIME
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    executable = entry.isDirectory or entry.path and os.stat(entry.path).st_mode & 0o100
    info.mode = 0o755 if executable else 0o644
    info.type = tarfile.DIRTYPE if entry.isDirectory else tarfile.REGTYPE
    info.size = size
    return info


def writeSandbox(archivePath, entries):
    """
    Write a bzip2 tar archive under a temporary name, then rename it.

    :param archivePath: str
    :param entries: iterable of ArchiveEntry
    :raises WMRuntimeError: when two entries have one name
    :raises OSError: when a file cannot be read or the archive cannot be written
    """
    seen = set()
    temporary = "%s.tmp-%d" % (archivePath, os.getpid())
    try:
        with bz2.BZ2File(temporary, "wb", compresslevel=9) as stream, \
                tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for entry in sorted(entries, key=lambda one: one.name.split("/")):
                if entry.name in seen:
                    raise WMRuntimeError(99109, "Two files want the same place in the sandbox.",
                                         "%s in %s" % (entry.name, archivePath),
                                         "rename one of the workload's user sandboxes")
                seen.add(entry.name)
                _addEntry(tar, entry)
        os.rename(temporary, archivePath)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _addEntry(tar, entry):
    """Add one entry to an open tar."""
    if entry.isDirectory:
        tar.addfile(_tarInfo(entry, 0))
    elif entry.content is not None:
        tar.addfile(_tarInfo(entry, len(entry.content)), io.BytesIO(entry.content))
    else:
        with open(entry.path, "rb") as handle:
            tar.addfile(_tarInfo(entry, os.fstat(handle.fileno()).st_size), handle)


def extractArchive(archivePath, targetPath):
    """
    Unpack a sandbox, plain or compressed, refusing what would leave the target or is not a file.

    :param archivePath: str
    :param targetPath: str, made when it does not exist
    :raises WMRuntimeError: when the archive cannot be read or a member is not safe; nothing is unpacked then
    """
    try:
        with tarfile.open(archivePath, "r:*") as tar:
            members = tar.getmembers()
            for member in members:
                _checkMember(archivePath, member)
            for member in members:
                _extractMember(tar, member, targetPath)
    except (tarfile.TarError, EOFError, OSError) as ex:
        raise WMRuntimeError(11006, "The sandbox cannot be unpacked.",
                             "%s into %s: %s" % (archivePath, targetPath, ex), "make the sandbox again")


def _checkMember(archivePath, member):
    """Refuse a member that is neither file nor directory, or lies outside."""
    parts = member.name.replace("\\", "/").split("/")
    if member.name.startswith("/") or ".." in parts or not (member.isfile() or member.isdir()):
        raise WMRuntimeError(11006, "The sandbox holds a member that is not safe to unpack.",
                             "%s in %s: expected a file or directory with a relative path" % (member.name, archivePath),
                             "find out who made this archive, and make the sandbox again")


def _extractMember(tar, member, targetPath):
    """Write one checked member."""
    path = os.path.join(targetPath, member.name)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Opening a name that is there already could write through a link somebody put into the target.
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "wb") as handle:
        source = tar.extractfile(member)
        for block in iter(lambda: source.read(1 << 20), b""):
            handle.write(block)
    os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
