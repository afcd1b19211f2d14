"""
Pack a built area into one file, the same bytes for the same area.

The archive stands alone: the pythons of other builds are links to what lies beside an area, and not in it.
"""
import hashlib
import io
import lzma
import os
import tarfile

import attr

from WMCore.WMRuntime.Environment.AreaManifest import MANIFEST_NAME, AreaFile, manifestText
from WMCore.WMRuntime.Publishing.AreaBuilder import DEFAULT_NAME, areaTime
from WMCore.WMRuntime.Publishing.WholeFile import wholeFile


def writeAreaArchive(area, path):
    """
    Write an area as a tar archive, compressed by xz, under a temporary name first.

    :param area: BuiltArea
    :param path: str
    :raises WMRuntimeError: when it cannot be written
    """
    texts = _ownTexts(area.manifest)
    name, seconds = "%s-%d" % (area.manifest.name, area.manifest.build), areaTime(area.manifest.build)
    # The preset 6 makes it a tenth smaller and takes three times as long.
    with wholeFile(path) as output, lzma.open(output, "wb", preset=2) as stream, \
            tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for inside in _members(area.directory):
            one = area.manifest.files.get(inside)
            if one is None or not _leadsOut(inside, one):
                _add(tar, os.path.join(area.directory, inside), os.path.normpath(os.path.join(name, inside)), seconds,
                     texts.get(inside))


def _ownTexts(manifest):
    """Give the files, as bytes by name, that are different in an area with no other build beside it."""
    files, texts = {path: one for path, one in manifest.files.items() if not _leadsOut(path, one)}, {}
    if not manifest.layoutOnly:
        texts[DEFAULT_NAME] = (os.path.basename(manifest.pythonDirectory) + "\n").encode("utf-8")
        files[DEFAULT_NAME] = AreaFile(hashlib.sha256(texts[DEFAULT_NAME]).hexdigest(), len(texts[DEFAULT_NAME]))
    texts[MANIFEST_NAME] = manifestText(attr.evolve(manifest, files=files)).encode("utf-8")
    return texts


def _leadsOut(path, one):
    """Tell whether a file of an area is a link to what lies outside it."""
    return os.path.normpath(os.path.join(os.path.dirname(path), one.link)).startswith("..")


def _members(directory):
    """List a directory and all below it, relative to it, in a fixed order."""
    found = ["."]
    for folder, folders, names in os.walk(directory):
        found += [os.path.relpath(os.path.join(folder, name), directory) for name in folders + names]
    return sorted(found, key=lambda path: path.split("/"))


def _add(tar, path, name, seconds, text=None):
    """Add what lies at a path; of a file the text given, when there is one, and not its own."""
    info = tar.gettarinfo(path, name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = seconds
    if not info.isreg():
        tar.addfile(info)
    elif text is not None:
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    else:
        with open(path, "rb") as handle:
            tar.addfile(info, handle)
