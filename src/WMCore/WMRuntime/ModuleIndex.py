"""
Find the source of every module of a package that may lie in several places.

A sandbox merges our tree with WMCore's, and takes third-party packages from wheels or from a directory.
The index tells, for every module name, which file Python would take: the first found along the path.
"""
import os
import zipfile

import attr


@attr.s(frozen=True)
class ModuleSource(object):
    """
    Say where the source of one module is.

    :param name: str, dotted module name
    :param isPackage: bool, whether it is a package's __init__
    :param location: str, the file, or the wheel it is in
    :param member: str, name inside the wheel; empty for a file of its own
    """
    name = attr.ib(type=str)
    isPackage = attr.ib(type=bool)
    location = attr.ib(type=str)
    member = attr.ib(default="", type=str)

    @property
    def archiveName(self):
        """Give the path of the module below the root of a sys.path entry."""
        path = self.name.replace(".", "/")
        return path + ("/__init__.py" if self.isPackage else ".py")

    def read(self):
        """
        Read the source.

        :return: bytes
        :raises OSError: when the file cannot be read
        """
        if not self.member:
            with open(self.location, "rb") as handle:
                return handle.read()
        with zipfile.ZipFile(self.location) as wheel:
            return wheel.read(self.member)


def moduleOfPath(path):
    """
    Translate a path below a sys.path entry to the module it holds.

    :param path: str, with forward slashes, such as WMCore/WMSpec/__init__.py
    :return: tuple of str and bool, the module's name and whether it is a package; None when the path holds
        no module that could be imported by name
    """
    if not path.endswith(".py"):
        return None
    parts = path[:-len(".py")].split("/")
    isPackage = parts[-1] == "__init__"
    if isPackage:
        parts.pop()
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts), isPackage


def indexDirectory(directory, prefix=""):
    """
    List the modules below a directory.

    :param directory: str, a package's directory when prefix names it, else an entry of sys.path
    :param prefix: str, name of the package the directory is, with dots
    :return: dict of str to ModuleSource; a package goes before a module of the same name, as on import
    """
    found = {}
    base = prefix.replace(".", "/") + "/" if prefix else ""
    for folder, subfolders, names in os.walk(directory):
        below = os.path.relpath(folder, directory).replace(os.sep, "/")
        inside = base if below == "." else "%s%s/" % (base, below)
        subfolders[:] = sorted(name for name in subfolders if name.isidentifier() and name != "__pycache__")
        if inside and "__init__.py" not in names and folder != directory:
            subfolders[:] = []
            continue
        for name in sorted(names):
            module = moduleOfPath(inside + name)
            if module and (module[1] or not os.path.isfile(os.path.join(folder, name[:-3], "__init__.py"))):
                found[module[0]] = ModuleSource(module[0], module[1], os.path.join(folder, name))
    return found


def indexWheel(path):
    """
    List the modules of a wheel (a zip laid out as a sys.path entry, PEP 427).

    :param path: str, the wheel
    :return: dict of str to ModuleSource
    :raises zipfile.BadZipFile: when the file is no zip
    """
    found = {}
    with zipfile.ZipFile(path) as wheel:
        for member in sorted(wheel.namelist()):
            module = moduleOfPath(member)
            if module and (module[1] or module[0] not in found):
                found[module[0]] = ModuleSource(module[0], module[1], path, member)
    return found


def indexPackages(paths):
    """
    List the modules of packages that are made of several directories.

    :param paths: dict of str package name to list of str, its `__path__`; earlier directories win
    :return: dict of str to ModuleSource
    """
    merged = {}
    for package in sorted(paths):
        for directory in paths[package]:
            for name, source in indexDirectory(directory, package).items():
                merged.setdefault(name, source)
    return merged
