#!/usr/bin/env python3
"""
Unpack a sandbox on a worker node, so that the job's Startup.py can be run.

It travels beside the sandbox and runs as a plain file, before anything else of WMCore is there: standard library only,
python 3.6 or later. Of that it loads as little as it can: each module is some files of CVMFS, and a fresh node has none.

    python3 Unpacker.py --sandbox=FILE --package=FILE --index=N --jobname=NAME [--report=FILE]
"""
import bz2
import os
import re
import shutil
import stat
import sys
import tarfile
import time
import zipimport

options = {
    "sandbox=": "WMAGENT_SANDBOX",
    "package=": "WMAGENT_PACKAGE",
    "index=": "WMAGENT_INDEX",
    "jobname=": "WMAGENT_JOBNAME",
    "report=": "WMAGENT_REPORT",
}

UNPACK_FAILED = 11006

# Real sandboxes hold tens of members and some MB; with user code some hundred MB.
MAX_MEMBERS = 100000
MAX_MEMBER_BYTES = 4 * 1024 ** 3
MAX_TOTAL_BYTES = 8 * 1024 ** 3
COPY_BYTES = 1024 ** 2
READ_BYTES = 256 * 1024

_STEP_SECTIONS = ("site", "output", "input", "performance", "parameters", "logs")


class UnpackError(Exception):
    """Tell what is wrong with a file (message, str) and what to do about it (hint, str)."""

    def __init__(self, message, hint):
        super(UnpackError, self).__init__("%s\n  what to do: %s" % (message, hint))
        self.message = message
        self.hint = hint


RESUBMIT = "submit the job again; if it fails elsewhere too, build the sandbox anew on the agent"
REBUILD = "build the sandbox anew on the agent; do not run this one"


def _log(level, message):
    """Write a record to standard error, in the form of the job's log; logging would be seven modules more."""
    now = time.time()
    try:
        print("%s,%03d:%s:Unpacker:%s" % (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)), now % 1 * 1000, level,
                                          message), file=sys.stderr, flush=True)
    except OSError:
        pass  # a log that cannot be written does not keep a job from running


def _gzipOpen(path, mode):
    import gzip
    return gzip.open(path, mode)


def _xzOpen(path, mode):
    import lzma
    return lzma.open(path, mode)


# Sandboxes are bzip2; the others load what they need.
_OPENERS = ((b"BZh", bz2.open), (b"\x1f\x8b", _gzipOpen), (b"\xfd7zXZ\x00", _xzOpen))


def _insideName(name):
    """Give a member's name as a plain relative path: "" for the top directory, None when it leads outside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name or (not parts and not name.startswith(".")):
        return None
    return "/".join(parts)


def _isRealDirectory(path):
    """Tell a directory from everything else, links to directories among it."""
    return stat.S_ISDIR(os.lstat(path).st_mode)


class CountingStream(object):
    """
    Read a decompressed archive (stream, file object), at most limit bytes; the last bytes say whether it is whole.
    """

    def __init__(self, stream, limit):
        self.stream = stream
        self.left = limit
        self.tail = b""

    def read(self, size):
        """Read like a file."""
        data = self.stream.read(size)
        self.left -= len(data)
        self.tail = (self.tail + data[-2 * tarfile.BLOCKSIZE:])[-2 * tarfile.BLOCKSIZE:]
        if self.left < 0:
            raise UnpackError("the archive is too long when decompressed", REBUILD)
        return data


class SandboxArchive(object):
    """
    Unpack a tar archive into a directory, and nothing outside it.

    Each member is checked before it is written. tarfile's own filters are not relied on: python 3.6 has none, and some
    later ones have broken ones (CVE-2007-4559, gh-107845).

    :param path: str, the archive: tar, plain or with gzip, bzip2 or xz
    :param maxMembers: int, more members than this are refused
    :param maxMemberBytes: int, a larger file is refused
    :param maxTotalBytes: int, more bytes in all files together are refused
    """

    def __init__(self, path, maxMembers=MAX_MEMBERS, maxMemberBytes=MAX_MEMBER_BYTES, maxTotalBytes=MAX_TOTAL_BYTES):
        self.path = path
        self.maxMembers = maxMembers
        self.maxMemberBytes = maxMemberBytes
        self.maxTotalBytes = maxTotalBytes
        self.base = None
        self.links = []
        self.total = 0

    def extractTo(self, directory):
        """
        Unpack all members.

        :param directory: str, an existing, empty directory
        :return: int, number of members
        :raises UnpackError: when the archive is damaged or a member is not acceptable; what was written so far stays
        """
        self.base = os.path.realpath(directory)
        count = 0
        try:
            with self._open() as raw:
                # padding and headers come on top of the files' bytes
                stream = CountingStream(raw, self.maxTotalBytes + (self.maxMembers + 20) * 4 * tarfile.BLOCKSIZE)
                with tarfile.open(fileobj=stream, mode="r|", bufsize=READ_BYTES) as archive:
                    for member in archive:
                        count += 1
                        if count > self.maxMembers:
                            raise UnpackError("more than %d members" % self.maxMembers, REBUILD)
                        self._extract(archive, member)
                while stream.read(COPY_BYTES):
                    continue  # to the end, where the decompressor checks its sums
                if not count or stream.tail.strip(b"\0") or len(stream.tail) < 2 * tarfile.BLOCKSIZE:
                    raise UnpackError("the archive ends after %d members without the two empty blocks that close a tar"
                                      " archive: it was cut short" % count, RESUBMIT)
            self._checkLinks()
        except UnpackError as ex:
            raise UnpackError("sandbox %s: %s" % (self.path, ex.message), ex.hint)
        except Exception as ex:
            what = "%s: %s, after %d members" % (type(ex).__name__, ex, count)
            if getattr(ex, "errno", None) is None:
                raise UnpackError("sandbox %s: the archive is damaged, %s" % (self.path, what), RESUBMIT)
            raise UnpackError("sandbox %s: cannot be unpacked to %s, %s" % (self.path, directory, what),
                              "check the space and the rights on the disk of this node, and " + RESUBMIT)
        return count

    def _open(self):
        """Open the archive by what its first bytes say, not by its name."""
        if not os.path.isfile(self.path):
            raise UnpackError("there is no such file in %s, the batch system should have transferred it" % os.getcwd(),
                              RESUBMIT)
        with open(self.path, "rb") as handle:
            head = handle.read(512)
        for magic, opener in _OPENERS:
            if head.startswith(magic):
                return opener(self.path, "rb")
        if head[257:262] != b"ustar":
            raise UnpackError("a tar archive, plain or with gzip, bzip2 or xz, was expected; it has %d bytes and begins"
                              " with %r" % (os.path.getsize(self.path), head[:16]), RESUBMIT)
        return open(self.path, "rb")

    def _extract(self, archive, member):
        """Check one member and write it. Nothing else than the four kinds has business in a sandbox."""
        name = _insideName(member.name)
        writers = ((member.isdir(), self._makeDirectory), (member.issym(), self._makeSymlink),
                   (member.islnk(), self._makeHardlink), (member.isreg(), self._writeFile))
        writer = next((write for fits, write in writers if fits), None)
        if name is None or (name == "" and not member.isdir()):
            raise UnpackError("member %r: a path inside the job directory was expected" % member.name, REBUILD)
        if writer is None:
            raise UnpackError("member %r is neither file, directory nor link (tar type %r)" % (member.name, member.type),
                              REBUILD)
        self._makeParents(name, member)
        target = os.path.join(self.base, name)
        if os.path.lexists(target) and not (member.isdir() and _isRealDirectory(target)):
            raise UnpackError("member %r is there twice" % member.name, REBUILD)
        writer(archive, member, name, target)

    def _makeParents(self, name, member):
        """
        Make the directories above a member; none of them may be a link, or the member would be written elsewhere.
        """
        path = self.base
        for part in name.split("/")[:-1]:
            path = os.path.join(path, part)
            if not os.path.lexists(path):
                os.mkdir(path, 0o755)
            if not _isRealDirectory(path):
                raise UnpackError("member %r lies below %r, which is not a directory"
                                  % (member.name, os.path.relpath(path, self.base)), REBUILD)

    @staticmethod
    def _makeDirectory(_archive, member, name, target):
        """Make a directory; its owner can always write there."""
        if name:
            os.makedirs(target, exist_ok=True)
            os.chmod(target, member.mode & 0o755 | 0o700)

    def _writeFile(self, archive, member, _name, target):
        """Write a regular file, without set-user-id bits and write access for others."""
        self.total += member.size
        if member.size > self.maxMemberBytes or self.total > self.maxTotalBytes or member.size < 0:
            raise UnpackError("member %r: %d bytes, %d in all; allowed are %d per file and %d in all"
                              % (member.name, member.size, self.total, self.maxMemberBytes, self.maxTotalBytes),
                              REBUILD)
        source = archive.extractfile(member)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as sink:
            shutil.copyfileobj(source, sink, COPY_BYTES)
            written = sink.tell()
            os.fchmod(sink.fileno(), member.mode & 0o755 | 0o600)
        if written != member.size:
            raise UnpackError("member %r: %d bytes expected, %d found" % (member.name, member.size, written), RESUBMIT)
        # a .pyc is checked against the time of its source
        mtime = min(max(member.mtime, 0), 2 ** 33)
        os.utime(target, (mtime, mtime))

    def _makeSymlink(self, _archive, member, name, target):
        """Make a symbolic link to a place inside; where it really leads is checked at the end."""
        link = member.linkname
        goal = os.path.normpath(os.path.join(os.path.dirname(name), link))
        if not link or "\0" in link or link.startswith("/") or goal.split("/")[0] == "..":
            raise UnpackError("member %r is a link to %r, outside the job directory" % (member.name, link), REBUILD)
        os.symlink(link, target)
        self.links.append((target, member))

    def _makeHardlink(self, _archive, member, _name, target):
        """Make a hard link to a regular file unpacked before."""
        goal = os.path.join(self.base, _insideName(member.linkname) or "")
        # real: not through a symbolic link, neither as the file nor on the way to it
        if os.path.realpath(goal) != goal or not os.path.isfile(goal):
            raise UnpackError("member %r is a hard link to %r, a file that comes before it in the archive was expected"
                              % (member.name, member.linkname), REBUILD)
        os.link(goal, target)

    def _checkLinks(self):
        """Follow each symbolic link, now that all are there: links through links must stay inside as well."""
        for path, member in self.links:
            real = os.path.realpath(path)
            if real != self.base and not real.startswith(self.base + os.sep):
                raise UnpackError("member %r is a link to %r, which leads out of the job directory"
                                  % (member.name, member.linkname), REBUILD)


class ConfigSection(object):
    """
    Stand for WMCore.Configuration.ConfigSection, with the attributes its pickle has.

    :param name: str, name of the section
    :param content: dict of attributes; a dict value is a section
    :param parent: ConfigSection or None
    """

    def __init__(self, name, content, parent=None):
        self._internal_documentation = ""
        self._internal_name = name
        self._internal_settings = set(content)
        self._internal_docstrings = {}
        self._internal_children = set(key for key in content if isinstance(content[key], dict))
        self._internal_parent_ref = parent
        self._internal_skipChecks = False
        for key, value in content.items():
            setattr(self, key, ConfigSection(key, value, self) if isinstance(value, dict) else value)


def pickleSections(name, content):
    """
    Pickle a tree of WMCore.Configuration.ConfigSection without having WMCore.

    :param name: str, name of the top section
    :param content: dict of attributes; a dict value is a section
    :return: bytes
    """
    import pickle
    # protocol 0: a class is named once, in two lines of text that no string can hold
    data = pickle.dumps(ConfigSection(name, content), protocol=0)
    return data.replace(("c%s\nConfigSection\n" % __name__).encode(), b"cWMCore.Configuration\nConfigSection\n")


def reportPickle(exitCode, errorType, details):
    """
    Make the report of a job that failed before it began, as WMCore's Report().addError(...) and save(...) would.

    :param exitCode: int, full exit code
    :param errorType: str, name of the error
    :param details: str, what happened
    :return: bytes, a pickle that WMCore's Report().load() reads
    """
    import socket
    step = {"id": None, "status": exitCode, "outputModules": []}
    step.update((name, {}) for name in _STEP_SECTIONS)
    step["analysis"] = {"files": {"fileCount": 0}}
    step["fallback"] = {"files": {"fileCount": 0}}
    step["skipped"] = {"events": {}, "files": {"fileCount": 0}}
    step["cleanup"] = {"removed": {"fileCount": 0}, "unremoved": {}}
    step["errors"] = {"errorCount": 1, "error0": {
        "exitCode": exitCode, "type": errorType, "details": details.encode("utf-8", "replace").decode("utf-8")}}
    report = {"steps": ["CRITICAL"], "workload": "Unknown", "completed": False, "hostName": socket.gethostname()}
    if os.environ.get("WMRUNTIME_SITE_NAME"):
        report["siteName"] = os.environ["WMRUNTIME_SITE_NAME"]
    report["CRITICAL"] = step
    return pickleSections("FrameworkJobReport", report)


def _writeFile(path, data):
    """Write a file under a temporary name, then rename it."""
    temporary = "%s.tmp.%d" % (path, os.getpid())
    with open(temporary, "wb") as handle:
        handle.write(data)
    os.rename(temporary, path)


def makeErrorReport(jobName, exitCode, message):
    """
    Write FrameworkJobReport.xml in the current directory, saying that the job could not be set up.

    :param jobName: str or None, name of the job
    :param exitCode: int, exit code
    :param message: str, what happened
    """
    # With it come urllib, http, ssl and email: as much to load as all the rest, and only for a job that fails.
    from xml.sax.saxutils import escape, quoteattr
    notXml = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
    name = quoteattr(notXml.sub("?", jobName or "unknown"))
    text = ('<?xml version="1.0" encoding="UTF-8"?>\n<FrameworkJobReport Status="Failed" Name=%s>\n'
            '<ExitCode Value="%d"/>\n<FrameworkError ExitStatus="%d" Type="BootstrapError">\n%s\n</FrameworkError>\n'
            '</FrameworkJobReport>\n') % (name, int(exitCode), int(exitCode), escape(notXml.sub("?", message)))
    _writeFile("FrameworkJobReport.xml", text.encode("utf-8"))


def _extractStartup(jobDir):
    """Copy Startup.py out of WMCore.zip, where the wrapper expects it; read as all that will be imported from it."""
    archive = os.path.join(jobDir, "WMCore.zip")
    member = "WMCore/WMRuntime/Startup.py"
    if not os.path.isfile(archive):
        raise UnpackError("WMCore.zip is not in the sandbox", REBUILD)
    try:
        source = zipimport.zipimporter(archive).get_data(member)
    except OSError:
        raise UnpackError("WMCore.zip in the sandbox holds no %s" % member, REBUILD)
    except Exception as ex:
        raise UnpackError("WMCore.zip in the sandbox is damaged, %s: %s" % (type(ex).__name__, ex), REBUILD)
    _writeFile(os.path.join(jobDir, "Startup.py"), source)


def createWorkArea(sandbox):
    """
    Unpack the sandbox to the directory job of the current directory.

    It is unpacked beside it and renamed at the end: job is whole or not there. A job directory an earlier run left is
    renamed to job.old-1, job.old-2...; its files were mixed with the new ones once.

    :param sandbox: str, path of the sandbox archive
    :return: str, absolute path of the job directory
    :raises UnpackError: when the sandbox is damaged, not acceptable or incomplete
    """
    currentDir = os.getcwd()
    jobDir = os.path.join(currentDir, "job")
    temporary = os.path.join(currentDir, "job.tmp-" + os.urandom(8).hex())
    os.mkdir(temporary, 0o700)
    try:
        count = SandboxArchive(sandbox).extractTo(temporary)
        _extractStartup(temporary)
        if not os.path.isdir(os.path.join(temporary, "WMSandbox")):
            raise UnpackError("sandbox %s: no directory WMSandbox in it, it holds: %s"
                              % (sandbox, ", ".join(sorted(os.listdir(temporary)))), REBUILD)
        os.makedirs(os.path.join(temporary, "StartupScript"), exist_ok=True)
        os.chmod(temporary, 0o755)
        if os.path.lexists(jobDir):
            number = 1
            while os.path.lexists("%s.old-%d" % (jobDir, number)):
                number += 1
            os.rename(jobDir, "%s.old-%d" % (jobDir, number))
            _log("WARNING", "%s was there already: renamed to %s.old-%d" % (jobDir, jobDir, number))
        os.rename(temporary, jobDir)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _log("INFO", "%d members of %s unpacked to %s" % (count, sandbox, jobDir))
    _log("INFO", "PYTHONPATH=%s" % os.environ.get("PYTHONPATH"))
    return jobDir


def _jobIndex(value):
    """Give the job index as an integer: JobIndex.py is python code that Startup imports."""
    if not re.match(r"[0-9]{1,18}\Z", str(value)):
        raise UnpackError("job index %r: a number was expected" % (value,),
                          "check the arguments of the job, and " + RESUBMIT)
    return int(value)


def installPackage(jobArea, jobPackage, jobIndex):
    """
    Put the job package and the job's index in it where Bootstrap looks for them.

    :param jobArea: str, the job directory
    :param jobPackage: str, path of the job package, a pickle
    :param jobIndex: int, or str of digits: key of the job in the package
    :raises UnpackError: when the package is missing or empty, or the index is not a number
    """
    index = _jobIndex(jobIndex)
    target = os.path.join(jobArea, "WMSandbox")
    if not os.path.isfile(jobPackage) or os.path.getsize(jobPackage) == 0:
        found = "it is empty or no file" if os.path.exists(jobPackage) else "there is no such file"
        raise UnpackError("job package %s: %s, the pickle of a job package was expected" % (jobPackage, found),
                          RESUBMIT)
    package = os.path.join(target, "JobPackage.pcl")
    shutil.copyfile(jobPackage, package + ".tmp")
    os.rename(package + ".tmp", package)
    _writeFile(os.path.join(target, "JobIndex.py"), ("jobIndex = %d\n" % index).encode("ascii"))


def _fail(jobname, report, message):
    """Write both reports, log the message, and leave."""
    _log("ERROR", message)
    try:
        if report:
            _writeFile(report, reportPickle(UNPACK_FAILED, "UnpackFailed", message))
        makeErrorReport(jobname, UNPACK_FAILED, message)
    except EnvironmentError as ex:
        _log("ERROR", "Cannot write an error report: %s" % ex)
    sys.exit(1)


def runUnpacker(sandbox, package, jobIndex, jobname, report=None):
    """
    Unpack the sandbox and install the job package; on failure write the error reports and leave.

    :param sandbox: str, path of the sandbox archive
    :param package: str, path of the job package
    :param jobIndex: int or str of digits, the job's key in the package
    :param jobname: str or None, name of the job for FrameworkJobReport.xml
    :param report: str or None, where to write an error report as WMCore's pickle
    :raises SystemExit: with status 1 when it fails
    """
    try:
        # before minutes are spent on the sandbox
        _jobIndex(jobIndex)
        jobArea = createWorkArea(sandbox)
        installPackage(jobArea, package, jobIndex)
    except UnpackError as ex:
        _fail(jobname, report, "Unable to create job area for bootstrap\n%s" % ex)
    except Exception:
        import traceback
        _fail(jobname, report, "Unable to create job area for bootstrap\n%s" % traceback.format_exc())


def _settings(arguments):
    """
    Read the command line: --name=VALUE or --name VALUE, for each of `options`; without it, its variable.

    :param arguments: list of str
    :return: (dict of str option to str or None, str what is wrong or None)
    """
    settings = {option.rstrip("="): os.environ.get(name) for option, name in options.items()}
    rest = list(arguments)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if not option.startswith("--") or option[2:] not in settings:
            return settings, "%s is not known; known are %s" % (option, ", ".join("--" + name for name in settings))
        if not equals and not rest:
            return settings, "%s has no value" % option
        settings[option[2:]] = value if equals else rest.pop(0)
    return settings, None


def main(arguments):
    """
    Run as a program.

    :param arguments: list of str, the command line without the program's name
    :raises SystemExit: with status 1 when it fails
    """
    settings, problem = _settings(arguments)
    if problem:
        _fail(settings["jobname"], settings["report"], "Error in the arguments: %s" % problem)
    for name, label in (("sandbox", "Sandbox"), ("package", "Job Package"), ("index", "Job Index")):
        if not settings[name]:
            _fail(settings["jobname"], settings["report"],
                  "No %s provided\n  what to do: give --%s= or set %s" % (label, name, options[name + "="]))
    runUnpacker(sandbox=settings["sandbox"], package=settings["package"], jobIndex=settings["index"],
                jobname=settings["jobname"], report=settings["report"])


if __name__ == "__main__":
    main(sys.argv[1:])
