"""A SCRAM area: a release, or a developer's area made from one."""
import os

ADMIN = ".SCRAM"
#: How far up SCRAM looks for the top of an area.
LEVELS = 10


class Area(object):
    """The area at a location, seen for one architecture."""

    def __init__(self, location, arch):
        self.location = location
        self.arch = arch
        values = {}
        for path in (os.path.join(location, ADMIN, "Environment"), os.path.join(self.archDirectory, "Environment")):
            values.update(_readEnvironment(path))
        self.name = values.get("SCRAM_PROJECTNAME", "")
        self.version = values.get("SCRAM_PROJECTVERSION", os.path.basename(location))
        self.releaseTop = values.get("RELEASETOP", "")

    @property
    def archDirectory(self):
        """Return .SCRAM/<arch>."""
        return os.path.join(self.location, ADMIN, self.arch)

    @property
    def config(self):
        """Return the configuration directory."""
        return os.path.join(self.location, "config")

    @property
    def selected(self):
        """Return the directory of the manifests that are set up."""
        return os.path.join(self.config, "toolbox", self.arch, "tools", "selected")

    @property
    def scramVersion(self):
        """Return the version of SCRAM that the area asks for, empty when it says nothing."""
        try:
            with open(os.path.join(self.config, "scram_version"), encoding="utf-8") as handle:
                return handle.read().strip()
        except OSError:
            return ""

    def isSetUp(self):
        """Return whether the area knows its architecture at all."""
        return os.path.isdir(self.archDirectory)

    def variables(self):
        """Return what manifests of this area may refer to."""
        return {"LOCALTOP": self.location, "RELEASETOP": self.releaseTop, "SCRAM_ARCH": self.arch,
                "SCRAM_PROJECTNAME": self.name, "SCRAM_PROJECTVERSION": self.version}


def findLocation(folder):
    """
    Find the top of the area that a folder lies in.

    :param folder: str, absolute path
    :return: str, or None outside of any area
    """
    for _ in range(LEVELS):
        if os.path.isdir(os.path.join(folder, ADMIN)):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return None


def areaArch(location, wanted):
    """
    Choose the architecture of an area: the wanted one where the area has it, else the one it has.

    :param location: str, top of the area
    :param wanted: str, SCRAM_ARCH
    :return: str
    """
    admin = os.path.join(location, ADMIN)
    known = sorted(name for name in os.listdir(admin)
                   if os.path.exists(os.path.join(admin, name, "chkarch")) or
                   os.path.isdir(os.path.join(admin, name, "MakeData")))
    if wanted in known or not known:
        return wanted
    return known[-1]


def _readEnvironment(path):
    """Read NAME=value lines."""
    values = {}
    try:
        with open(path, encoding="utf-8") as handle:
            for line in handle:
                name, mark, value = line.strip().partition("=")
                if mark and name and not name.startswith("#"):
                    values[name] = value
    except OSError:
        pass
    return values
