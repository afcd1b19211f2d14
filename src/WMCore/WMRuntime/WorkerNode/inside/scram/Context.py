"""What one call of scram knows: its version, the caller's environment, the architecture and the database."""
import os
import sys

from .Area import Area, areaArch, findLocation
from .ProjectDb import ProjectDb

_BACKUP = "SCRAM_STANDIN_BACKUP_"


class Ended(Exception):
    """The command is over, its message said."""

    def __init__(self, code):
        Exception.__init__(self, code)
        self.code = code


class Context(object):
    """One call. `environ` is the caller's environment, without what the wrapper scripts of the stand-in added."""

    def __init__(self, environ):
        environ = dict(environ)
        self.home = environ.pop("SCRAM_STANDIN_HOME")
        self.version = os.path.basename(self.home)
        self.isV3 = not self.version.startswith(("V1", "V2"))
        self.cvmfs = os.path.realpath(os.path.join(self.home, "..", "..", "..", ".."))
        self.node = os.path.dirname(os.path.dirname(self.cvmfs))
        #: <os>_<cpu> of the pretended host, as common/cmsos said it to the wrapper
        self.host = environ.pop("SCRAM_STANDIN_HOST")
        original = environ.pop("SCRAM_STANDIN_CALLER_ARCH", "")
        for name in [name for name in environ if name.startswith(_BACKUP)]:
            environ[name[len(_BACKUP):]] = environ.pop(name)
        self.arch = environ.get("SCRAM_ARCH", "") or original
        # V3 takes its wrapper's SCRAM_ARCH for the caller's; V2 notices that the caller had none.
        self.callerArch = self.arch if self.isV3 else original
        if original:
            environ["SCRAM_ARCH"] = original
        else:
            environ.pop("SCRAM_ARCH", None)
        self.environ = environ
        self.forcedArch = ""
        self.database = environ.get("SCRAM_LOOKUPDB") or environ.get("SCRAM_USERLOOKUPDB") or self.cvmfs

    def forceArch(self, arch):
        """Take --arch into account."""
        self.forcedArch = self.arch = arch
        if self.isV3:
            self.callerArch = arch

    def localArea(self):
        """
        Find the area of the current directory.

        :return: Area
        :raises Ended: outside of any, after saying so
        """
        location = findLocation(os.getcwd())
        if location is None:
            fatal("Unable to locate the top of local release. Please run this command from a SCRAM-based area.")
        area = Area(location, self.forcedArch or areaArch(location, self.arch))
        self._checkReleaseTop(area)
        return area

    def runOtherVersion(self, release, arch):
        """Replace this process by the series of SCRAM that a release needs, where it is another one."""
        wanted = Area(release, arch).scramVersion
        if not wanted or wanted.split("_")[0] == self.version.split("_")[0]:
            return
        environ = dict(self.environ, SCRAM_VERSION=wanted)
        environ.setdefault("SCRAM_ARCH", self.arch)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(os.path.join(self.cvmfs, "common", "scram"), ["scram"] + sys.argv[1:], environ)

    def _checkReleaseTop(self, area):
        if not area.releaseTop or os.path.isdir(os.path.join(area.releaseTop, ".SCRAM", area.arch, "MakeData")):
            return
        sys.stderr.write("********** ERROR: Missing Release top ************\n"
                         "  The release area \"%s\"\n"
                         "  for \"%s\" version \"%s\" is not available/usable.\n"
                         % (area.releaseTop, area.name, area.version))
        parts = area.version.split("_")
        if len(parts) < 4:
            return
        series = "_".join(parts[:3])
        listed = dict(ProjectDb(self.database, area.arch).listAll(area.name, "^%s_.+" % series))
        others = [version for _, version, _ in listed.get(area.arch, []) if version != area.version]
        if others:
            sys.stderr.write("  In case this release has been deprecated, you can move your code to\n"
                             "  one of the following release(s) of release series \"%s\".\n\n  %s\n"
                             % (series, "\n  ".join(others)))
        else:
            sys.stderr.write("  Sorry, there is no other release installed which you can use for this "
                             "release series \"%s\".\n" % series)
        sys.stderr.write("***********************************************\n")


def fatal(text):
    """
    End with a fatal message.

    :param text: str
    :raises Ended: always
    """
    sys.stderr.write("SCRAM fatal: %s\n" % text)
    raise Ended(1)
