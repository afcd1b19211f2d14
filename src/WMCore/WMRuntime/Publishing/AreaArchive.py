"""
Pack a built area into one file, the same bytes for the same area.
"""
import lzma
import os
import tarfile

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaBuilder import areaTime


def writeAreaArchive(area, path):
    """
    Write an area as a tar archive, compressed by xz, under a temporary name first.

    :param area: BuiltArea
    :param path: str
    :raises WMRuntimeError: when it cannot be written
    """
    name = "%s-%d" % (area.manifest.name, area.manifest.build)
    temporary = "%s.tmp-%d" % (path, os.getpid())
    try:
        # The preset 6 makes it a tenth smaller and takes three times as long.
        with lzma.open(temporary, "wb", preset=2) as stream, \
                tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for inside in _members(area.directory):
                _add(tar, os.path.join(area.directory, inside), os.path.normpath(os.path.join(name, inside)),
                     areaTime(area.manifest.build))
        os.rename(temporary, path)
    except (OSError, tarfile.TarError, lzma.LZMAError) as ex:
        raise WMRuntimeError(None, "The archive of an area cannot be written.", "%s: %s" % (path, ex),
                             "check the space and the rights on the disk")
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _members(directory):
    """List a directory and all below it, relative to it, in a fixed order."""
    found = ["."]
    for folder, folders, names in os.walk(directory):
        found += [os.path.relpath(os.path.join(folder, name), directory) for name in folders + names]
    return sorted(found, key=lambda path: path.split("/"))


def _add(tar, path, name, seconds):
    info = tar.gettarinfo(path, name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = seconds
    if not info.isreg():
        tar.addfile(info)
        return
    with open(path, "rb") as handle:
        tar.addfile(info, handle)
