"""
What of a node a container sees: the job's directory to write to, the rest to read.
"""
import os

import attr

from WMCore.WMRuntime.Environment.ContainerPlaces import inside, whyNotShown

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
            if self.sees(place) and not (again and not os.path.islink(place)):
                continue
            reason = whyNotShown(place, self.startDirectory)
            if reason:
                self.leaveOut(place, why, reason)
            elif not any(bind.path == place for bind in self.binds):
                self.binds.append(Bind(place, why, readOnly))
                self._seen.append(place)

    def leaveOut(self, what, why, reason):
        """
        Say that the container does not see something.

        :param what: str
        :param why: str, what it is
        :param reason: str
        """
        said = "%s (%s) is not seen in the container: %s" % (what, why, reason)
        if said not in self.leftOut:
            self.leftOut.append(said)

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
        shown = root if whyNotShown(parent, startDirectory) else parent
        # CVMFS cannot be written to anyway, and below /cvmfs the kernel mounts repositories when they are used.
        found.add(shown, "CMS software", readOnly=shown != "/cvmfs")
        found.add(os.path.join(root, "SITECONF", "local"), "site configuration")
    for name in SITE_VARIABLES:
        found.add(environ.get(name), name)
    for path in GRID_DIRECTORIES:
        found.add(path, "grid configuration")
    config = environ.get("CONDOR_CONFIG", "")
    # condor_chirp lies beside it (WMCore's Watchdog looks there).
    folder = os.path.dirname(config)
    found.add(config if whyNotShown(folder, startDirectory) else folder, "CONDOR_CONFIG")
    for name in AD_VARIABLES:
        found.add(environ.get(name), name, again=True)
    for name in CREDENTIAL_VARIABLES:
        value = environ.get(name, "")
        path = _cachePath(value) if name == "KRB5CCNAME" else value
        if value and not path:
            found.leaveOut(value, name, "it is in no file")
        # A renewed credential is a new file under the old name: a bind of the file would go on showing the old one.
        found.add(path, name, again=os.path.isdir(path))
    return found


def _cachePath(name):
    """Tell where a Kerberos cache is: a path, FILE:path, DIR:directory, DIR::file; empty for the types without files."""
    if name.startswith("/"):
        return name
    kind, _, path = name.partition(":")
    if kind == "DIR" and path.startswith(":"):
        return os.path.dirname(path[1:])
    return path if kind in ("FILE", "DIR") else ""
