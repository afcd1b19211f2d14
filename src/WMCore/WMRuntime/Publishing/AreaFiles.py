"""
The files of an area as they are on disk, for its manifest.
"""
import hashlib
import os
import stat

from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME, AreaFile

_BLOCK = 1 << 20


def scanFiles(areaDirectory):
    """
    Describe each file and link of an area but its manifest.

    :param areaDirectory: str
    :return: dict of str, path relative to the area, to AreaFile
    :raises OSError: when something cannot be read, or is neither file, link nor directory
    """
    return {path: _describe(os.path.join(areaDirectory, path)) for path in _paths(areaDirectory)}


def _paths(areaDirectory):
    found = []

    def fail(error):
        raise error

    for folder, folders, names in os.walk(areaDirectory, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), areaDirectory) for name in names + links]
    return sorted(path for path in found if path != MANIFEST_NAME)


def _describe(path):
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return AreaFile(link=os.readlink(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError("neither a file nor a link: %s" % path)
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(_BLOCK), b""):
            digest.update(block)
    return AreaFile(digest.hexdigest(), status.st_size, stat.S_IMODE(status.st_mode))
