"""
What of a node a container sees: the job's directory to write to, the rest to read.
"""
import os

import attr

# Bound over an image's own they would make it this node's system again.
SYSTEM_DIRECTORIES = frozenset(["/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt",
                                "/proc", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64",
                                "/usr/local", "/var", "/var/tmp"])
GRID_DIRECTORIES = ("/etc/grid-security", "/etc/vomses", "/etc/cvmfs/SITECONF")
SITE_VARIABLES = ("SITECONFIG_PATH", "CMS_PATH", "MACHINEFEATURES", "JOBFEATURES")
AD_VARIABLES = ("_CONDOR_JOB_AD", "_CONDOR_MACHINE_AD", "_CONDOR_CHIRP_CONFIG")
CREDENTIAL_VARIABLES = ("X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY", "BEARER_TOKEN_FILE", "_CONDOR_CREDS",
                        "KRB5CCNAME", "X509_CERT_DIR", "X509_VOMS_DIR", "X509_VOMSES")
# A site's own binds, made by the program itself.
SITE_BINDS = ("APPTAINER_BIND", "APPTAINER_BINDPATH", "SINGULARITY_BIND", "SINGULARITY_BINDPATH")


@attr.s(frozen=True)
class Bind(object):
    """
    Hold a file or directory of the node that is seen in a container, under the same path.

    :param path: str, absolute
    :param why: str, what it is
    :param readOnly: bool
    """
    path = attr.ib(type=str)
    why = attr.ib(type=str)
    readOnly = attr.ib(type=bool, default=True)

    @property
    def spec(self):
        """Give the bind as a command line says it."""
        return "%s:%s%s" % (self.path, self.path, ":ro" if self.readOnly else "")


def inside(path, directory):
    """
    Tell whether a path is a directory or below it.

    :param path: str, absolute
    :param directory: str, absolute
    :return: bool
    """
    return (path + "/").startswith(directory.rstrip("/") + "/")


def writable(path):
    """
    Tell whether a path can stand in a bind.

    :param path: str
    :return: bool; False for one with a character that means something there
    """
    return path.startswith("/") and not set(path).intersection(":,\\\"\n\0")


def siteBinds(environ):
    """
    List what the site binds into every container.

    :param environ: dict
    :return: tuple of str, as a command line says it
    """
    return tuple(spec for name in SITE_BINDS for spec in environ.get(name, "").split(",") if spec)


class BindCollector(object):
    """
    Collect what a job's container is to see.

    :param startDirectory: str, where the job was started; the container's home, which it may write to
    :param site: sequence of str, what the site binds
    """

    def __init__(self, startDirectory, site=()):
        self.startDirectory = startDirectory
        self.binds = []
        self.leftOut = []
        parts = [spec.split(":") for spec in site]
        self._seen = [startDirectory] + [part[0] for part in parts if part[0] == (part[1:2] or part)[0]]

    def sees(self, path):
        """
        Tell whether a path is seen already.

        :param path: str
        :return: bool
        """
        return any(inside(path, seen) for seen in self._seen)

    def add(self, path, why, readOnly=True, again=False):
        """
        Let the container see a path of the node, if it is there, and where its links lead.

        :param path: str
        :param why: str, what it is
        :param readOnly: bool
        :param again: bool, whether what can be seen and written to already is made read-only
        """
        if not path or not os.path.exists(path):
            return
        for place in (os.path.normpath(path), os.path.realpath(path)):
            reason = self._whyNot(place, readOnly)
            if self.sees(place) and not (again and not os.path.islink(place)):
                continue
            if reason:
                self.leftOut.append("%s (%s) is not seen in the container: %s" % (place, why, reason))
            elif not any(bind.path == place for bind in self.binds):
                self.binds.append(Bind(place, why, readOnly))
                self._seen.append(place)

    def _whyNot(self, place, readOnly):
        if not writable(place):
            return "a bind cannot name it"
        if place in SYSTEM_DIRECTORIES:
            return "it is a directory of the system"
        if readOnly and inside(self.startDirectory, place):
            return "the job's own directory lies in it"
        return ""

    def sorted(self):
        """
        Give what was collected, directories before what is in them.

        :return: tuple of Bind
        """
        return tuple(sorted(self.binds, key=lambda bind: bind.path.count("/")))


def collectBinds(environ, roots, startDirectory):
    """
    Collect what a job's container is to see.

    :param environ: dict, the job's
    :param roots: sequence of str, directories that may hold the CMS software
    :param startDirectory: str, where the job was started
    :return: BindCollector
    """
    found = BindCollector(startDirectory, siteBinds(environ))
    found.add(environ.get("_CONDOR_SCRATCH_DIR"), "HTCondor's scratch directory", readOnly=False)
    for root in roots:
        # The parent holds the other repositories: images, grid certificates, conditions.
        parent = os.path.dirname(root) if os.path.basename(root) == "cms.cern.ch" else root
        # CVMFS cannot be written to anyway, and below /cvmfs the kernel mounts repositories when they are used.
        found.add(parent, "CMS software", readOnly=parent != "/cvmfs")
        found.add(os.path.join(root, "SITECONF", "local"), "site configuration")
    for name in SITE_VARIABLES:
        found.add(environ.get(name), name)
    for path in GRID_DIRECTORIES:
        found.add(path, "grid configuration")
    config = environ.get("CONDOR_CONFIG", "")
    # condor_chirp lies beside it (WMCore's Watchdog looks there).
    folder = os.path.dirname(config)
    found.add(config if folder in SYSTEM_DIRECTORIES else folder, "CONDOR_CONFIG")
    for name in AD_VARIABLES:
        found.add(environ.get(name), name, again=True)
    for name in CREDENTIAL_VARIABLES:
        path = environ.get(name, "")
        path = path[len("FILE:"):] if path.startswith("FILE:") else path
        # A renewed credential is a new file under the old name: a bind of the file would go on showing the old one.
        found.add(path, name, again=os.path.isdir(path))
    return found
