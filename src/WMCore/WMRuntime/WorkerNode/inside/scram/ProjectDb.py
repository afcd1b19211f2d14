"""The releases that SCRAM knows, found through the maps in etc/scramrc."""
import glob
import os
import re

_EL_ALIASES = ("cs", "alma", "rocky", "ubi", "rhel")


class ProjectDb(object):
    """Look-up of releases below one SCRAM database directory, which is a CVMFS top."""

    def __init__(self, database, arch):
        self.database = database
        self.arch = arch
        self.maps = _readMaps(os.path.join(database, "etc", "scramrc"))
        self.archs = self._knownArchs()

    def hasProject(self, name):
        """Return whether any map names the project."""
        return any(project == name.upper() for project, _ in self.maps)

    def find(self, project, version, arch):
        """
        Find one release for one architecture.

        :param project: str, upper case
        :param version: str, `CMSSW_13_0_3`
        :param arch: str
        :return: str, its directory, or None
        """
        if arch not in self.archs:
            return None
        for name, pattern in self.maps:
            if name == project:
                for folder in self._folders(pattern, arch):
                    if os.path.basename(folder) == version:
                        return folder
        return None

    def archsWith(self, project, version):
        """List the other architectures that have a release, oldest name first."""
        return [arch for arch in self.archs if arch != self.arch and self.find(project, version, arch)]

    def listAll(self, project, version, everyArch=False):
        """
        List releases, oldest first.

        :param project: str, upper case; empty for any
        :param version: str, regular expression; empty for any
        :param everyArch: bool, all known architectures instead of the present one
        :return: list of (arch, [(project, version, directory)]), only architectures with something
        """
        listed = []
        for arch in [self.arch] + [arch for arch in self.archs if everyArch and arch != self.arch]:
            if arch not in self.archs:
                continue
            found = [(name, os.path.basename(folder), folder) for name, pattern in self.maps
                     if project in ("", name) for folder in self._folders(pattern, arch)
                     if re.search(version or ".", os.path.basename(folder))]
            if found:
                listed.append((arch, sorted(found, key=lambda item: (os.path.getmtime(item[2]), item[1]))))
        return listed

    def _folders(self, pattern, arch):
        full = os.path.join(glob.escape(self.database), pattern.replace("$SCRAM_ARCH", arch))
        return [folder for folder in sorted(glob.glob(full)) if os.path.isdir(folder)]

    def _knownArchs(self):
        """Only architectures of the same system and CPU are considered; el<N> too for its rebuilds."""
        prefixes = {"_".join(self.arch.split("_")[:2])}
        for alias in _EL_ALIASES:
            if self.arch.startswith(alias):
                prefixes.add("_".join(("el" + self.arch[len(alias):]).split("_")[:2]))
        found = set()
        for prefix in prefixes:
            for common in glob.glob(os.path.join(glob.escape(self.database), glob.escape(prefix) + "_*", "cms",
                                                 "cms-common")):
                found.add(os.path.relpath(common, self.database).split(os.sep)[0])
        return sorted(found)


def _readMaps(folder):
    """Read `PROJECT=pattern` lines of all maps."""
    maps = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.map"))):
        with open(path, encoding="utf-8") as handle:
            for line in handle:
                project, mark, pattern = line.strip().partition("=")
                if mark:
                    maps.append((project.upper(), pattern))
    return maps
