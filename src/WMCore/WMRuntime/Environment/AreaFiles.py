"""
The files of an area as they are on disk, and how they differ from what its manifest says.
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
    return {path: describeFile(os.path.join(areaDirectory, path)) for path in listFiles(areaDirectory)}


def listFiles(areaDirectory):
    """
    List the paths of an area but its manifest, none of them a directory.

    :param areaDirectory: str
    :return: list of str, relative to the area, in a fixed order
    :raises OSError: when a directory cannot be read
    """
    found = []

    def fail(error):
        raise error

    for folder, folders, names in os.walk(areaDirectory, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), areaDirectory) for name in names + links]
    return sorted(path for path in found if path != MANIFEST_NAME)


def describeFile(path):
    """
    Describe a file or a link.

    :param path: str
    :return: AreaFile
    :raises OSError: when it cannot be read, or is neither
    """
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


def fileDifferences(areaDirectory, manifest, contents=True):
    """
    Compare an area with its manifest.

    Links in external/python3 that lead to the pythons of other builds are not missed in the manifest: publishing makes
    them.

    :param areaDirectory: str
    :param manifest: AreaManifest
    :param contents: bool, whether the files are read, too, and not only looked at
    :return: list of (str path relative to the area, str in words what is wrong), in order; empty when it is all there
    """
    try:
        present = set(listFiles(areaDirectory))
    except OSError as ex:
        return [("", "cannot be read: %s" % ex)]
    found = [(path, "is missing") for path in manifest.files if path not in present]
    found += [(path, "is not in the manifest") for path in present.difference(manifest.files)
              if not _isOlderPython(areaDirectory, path)]
    for path in present.intersection(manifest.files):
        wrong = _compare(os.path.join(areaDirectory, path), manifest.files[path], contents)
        found += [(path, wrong)] if wrong else []
    return sorted(found)


def _isOlderPython(areaDirectory, path):
    return os.path.dirname(path) == os.path.join("external", "python3") \
        and os.path.islink(os.path.join(areaDirectory, path))


def _compare(path, expected, contents):
    """Say in words how a path differs from what is expected there; empty when it does not."""
    try:
        if contents or expected.link:
            found = describeFile(path)
        else:
            status = os.lstat(path)
            kept = expected.sha256 if stat.S_ISREG(status.st_mode) else ""
            found = AreaFile(kept, status.st_size, stat.S_IMODE(status.st_mode))
    except OSError as ex:
        return "cannot be read: %s" % ex
    if found.link != expected.link:
        return "expected %s, found %s" % tuple("a link to %s" % one.link if one.link else "a file"
                                               for one in (expected, found))
    if found.size != expected.size:
        return "expected %d bytes, found %d" % (expected.size, found.size)
    if found.sha256 != expected.sha256:
        return "its content has changed"
    # CVMFS and archives keep the modes; a file nobody may run is a program that does not start.
    return "" if found.mode & 0o555 == expected.mode & 0o555 else \
        "expected the mode %o, found %o" % (expected.mode, found.mode)
