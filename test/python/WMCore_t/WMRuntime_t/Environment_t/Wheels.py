"""Small wheels, good and hostile, and indexes of them, for the tests of wheelhouses."""
import hashlib
import os
import struct
import zipfile

from WMCore.WMRuntime.Environment.WheelFile import readWheel
from WMCore.WMRuntime.Environment.WheelIndex import INDEX_NAME, WheelEntry, indexBytes

PURE, BINARY = "py3-none-any", "cp36-abi3-manylinux2014_x86_64"
METADATA = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n\nName: of no account, the headers are over\n"


def makeWheel(directory, name="probe", version="1.0", tags=PURE, members=None, metadata=METADATA):
    """
    Write a wheel.

    :param members: dict of str or ZipInfo to str or bytes; None for a package that knows its version
    :return: str, its path
    """
    os.makedirs(str(directory), exist_ok=True)
    path = os.path.join(str(directory), "%s-%s-%s.whl" % (name, version, tags))
    if members is None:
        members = {"%s/__init__.py" % name: "VERSION = %r\n" % version}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        if metadata:
            archive.writestr("%s-%s.dist-info/METADATA" % (name, version), metadata % (name, version))
    return path


def makeBinaryWheel(directory, name="probe", version="1.0", tags=BINARY):
    """Write a wheel that cannot be imported before it is unpacked; what is compiled in it is no real library."""
    return makeWheel(directory, name, version, tags, {
        "%s/__init__.py" % name: "VERSION = %r\nWHERE = __file__\n" % version,
        "%s/_speed.abi3.so" % name: b"\x7fELF not really" * 100,
        "%s-%s.data/platlib/%s/moved.py" % (name, version, name): "MOVED = True\n",
        "%s-%s.data/scripts/tool" % (name, version): "#!/bin/sh\n"})


def entryOf(path, need="helps", **changes):
    """Make the index entry of a wheel, truthful but for the changes."""
    with open(path, "rb") as handle:
        data = handle.read()
    name, version = os.path.basename(path).split("-")[:2]
    known = dict(name=name, version=version, file=os.path.basename(path), sha256=hashlib.sha256(data).hexdigest(),
                 size=len(data), imports=(name,), pure=True, need=need)
    known.update(changes)
    return WheelEntry(**known)


def makeIndex(directory, entries):
    """Write the index of a wheelhouse."""
    with open(os.path.join(str(directory), INDEX_NAME), "wb") as handle:
        handle.write(indexBytes(entries))


def makeWheelhouse(directory, paths, need="helps"):
    """Write the index of wheels that lie in a directory; give their entries."""
    entries = [entryOf(path, need, imports=readWheel(path).imports, pure=readWheel(path).pure) for path in paths]
    makeIndex(directory, entries)
    return entries


def zipInfo(name, mode=0o100644):
    """Describe a member of any kind."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def renameMember(path, old, new):
    """Give a member another name of the same length, one no zip library writes."""
    assert len(old) == len(new)
    with open(path, "rb") as handle:
        data = handle.read()
    with open(path, "wb") as handle:
        handle.write(data.replace(old, new))


def claimSize(path, member, size):
    """Let the directory of a wheel say another uncompressed size for a member than it has."""
    with open(path, "rb") as handle:
        data = bytearray(handle.read())
    name = member.encode()
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        if bytes(data[at + 46:at + 46 + len(name)]) == name:
            data[at + 24:at + 28] = struct.pack("<I", size)
        at = data.find(b"PK\x01\x02", at + 4)
    with open(path, "wb") as handle:
        handle.write(data)
