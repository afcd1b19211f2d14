"""
A bare worker node for tests of the job wrapper: a CMS software area with pythons, and a start directory with a sandbox.

It fakes cmsset_default.sh, the COMP areas and Startup.py; the wrapper and Unpacker.py in it are the real ones.
"""
import bz2
import io
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
WRAPPER = os.path.join(TOP, "bin", "submit_py3.sh")
UNPACKER = os.path.join(TOP, "src", "WMCore", "WMRuntime", "Unpacker.py")

OS_RELEASES = {
    "el7": 'NAME="Scientific Linux"\nVERSION="7.9 (Nitrogen)"\nID="scientific"\nID_LIKE="rhel centos fedora"\n'
           'VERSION_ID="7.9"\n',
    "el8": 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.9"\nPLATFORM_ID="platform:el8"\n',
    "alma9": 'NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n'
             'PLATFORM_ID="platform:el9"\n',
    "el10": 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nID_LIKE="centos fedora"\nVERSION_ID="10.0"\n'
            'PLATFORM_ID="platform:el10"\n',
    "debian": 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n',
}

# Startup.py of the fake sandboxes begins with this: `save` writes a report of one step.
STARTUP_HEAD = '''
import os, signal, sys, time
sys.path.insert(0, os.environ["JOBSTARTDIR"])
from Unpacker import pickleSections
def save(path, step="cmsRun1", **attributes):
    content = {"steps": [step] if step else [], "workload": "test", "completed": True}
    if step:
        content[step] = dict({"status": 0, "outputModules": [], "errors": {}}, **attributes)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "wb") as handle:
        handle.write(pickleSections("FrameworkJobReport", content))
'''
SUCCESS = 'save("WMTaskSpace/Report.0.pkl")\n'
# what Utils/Timestamps.py has to do: change the report, whose name it is given
TIMESTAMPS = '''
import os, sys
options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
assert float(options["wmJobEnd"]) >= float(options["wmJobStart"]) > 1e9, options
with open(options["reportFile"], "rb") as handle:
    data = handle.read()
with open(options["reportFile"], "wb") as handle:
    handle.write(data.replace(b"Vtest\\n", b"Vtimed\\n"))
'''


class Section(object):
    """
    Stand for a ConfigSection when WMCore is not there.
    """


class ReportReader(pickle.Unpickler):
    """
    Read a report without WMCore, and without importing what it names.
    """

    def find_class(self, module, name):
        if (module, name) == ("WMCore.Configuration", "ConfigSection"):
            return Section
        if (module, name) in (("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor"), ("__builtin__", "set"),
                              ("builtins", "set"), ("__builtin__", "object"), ("builtins", "object")):
            return super(ReportReader, self).find_class(module, name)
        raise pickle.UnpicklingError("%s.%s" % (module, name))


def readReport(path):
    """
    Read a report.

    :param path: path of the pickle
    :return: Section
    """
    with open(str(path), "rb") as handle:
        return readPickle(handle.read())


def readPickle(data):
    """
    Read the bytes of a report.
    """
    return ReportReader(io.BytesIO(data)).load()


def readError(path):
    """
    Read the first error of the step CRITICAL.

    :param path: path of the pickle
    :return: tuple of exit code, type, details
    """
    data = readReport(path)
    assert data.steps == ["CRITICAL"] and data.completed is False
    error = data.CRITICAL.errors.error0
    assert data.CRITICAL.status == error.exitCode and data.CRITICAL.errors.errorCount == 1
    return error.exitCode, error.type, error.details


class Outcome(object):
    """
    What a run of the wrapper left.

    :param status: int, process status
    :param output: str, standard output and error
    """

    def __init__(self, status, output):
        self.status = status
        self.output = output


class WrapperNode(object):
    """
    Build a node and run the wrapper on it.

    :param directory: pathlib.Path of an existing directory
    """

    def __init__(self, directory):
        self.directory = directory
        self.cms = directory / "soft ware" / "cms"
        self.start = directory / "start dir"
        self.home = directory / "home"
        for path in (self.cms, self.start, self.home):
            path.mkdir(parents=True)
        (self.cms / "cmsset_default.sh").write_text("export CMS_PATH='%s'\n" % self.cms)
        self.machine = os.uname().machine
        self.osRelease = directory / "os-release"
        self.setSystem("el8")

    def setSystem(self, name):
        """
        Choose the container's system, one of OS_RELEASES.
        """
        self.osRelease.write_text(OS_RELEASES[name])

    def addPython(self, version, area="rhel8", script=None, root=None):
        """
        Add a python to a COMP area; it is the test's own interpreter unless a script is given.

        :return: pathlib.Path of its directory
        """
        directory = (root or self.cms) / "COMP" / ("%s_%s" % (area, self.machine)) / "external" / "python3" / version
        (directory / "bin").mkdir(parents=True)
        (directory / "etc" / "profile.d").mkdir(parents=True)
        (directory / "etc" / "profile.d" / "init.sh").write_text(
            "PYTHON3_ROOT='%s'\nPYTHON3_VERSION=%s\nexport PATH=\"$PYTHON3_ROOT/bin:$PATH\"\n" % (directory, version))
        program = directory / "bin" / "python3"
        program.write_text(script or '#!/bin/sh\nexec "%s" -S "$@"\n' % sys.executable)
        program.chmod(0o755)
        return directory

    def addFuture(self, series, imports="", area="rhel8"):
        """
        Add a py3-future to a COMP area, whose init.sh puts it on the path of whatever python there is.

        :param series: str, the python whose site-packages it fills, such as 3.8
        :param imports: str, what its modules begin with
        :return: pathlib.Path of its site-packages
        """
        top = self.cms / "COMP" / ("%s_%s" % (area, self.machine)) / "external" / "py3-future" / "0.18.2"
        packages = top / "lib" / ("python" + series) / "site-packages"
        for name in ("future", "future/standard_library", "future/utils", "past", "past/builtins"):
            (packages / name).mkdir(parents=True)
            (packages / name / "__init__.py").write_text(imports)
        (top / "etc" / "profile.d").mkdir(parents=True)
        (top / "etc" / "profile.d" / "init.sh").write_text(
            "export PYTHONPATH='%s'${PYTHONPATH:+\":$PYTHONPATH\"}\n" % packages)
        return packages

    def addSandbox(self, startup=SUCCESS, timestamps=TIMESTAMPS, name="S.tar.bz2"):
        """
        Write a sandbox whose Startup.py is the given text, the job package and Unpacker.py to the start directory.
        """
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            archive.writestr("WMCore/WMRuntime/Startup.py", STARTUP_HEAD + startup)
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w") as archive:
            for member, text in (("WMSandbox/__init__.py", b""), ("WMCore.zip", zipped.getvalue()),
                                 ("Utils/Timestamps.py", (timestamps or "").encode())):
                if member.startswith("Utils") and timestamps is None:
                    continue
                info = tarfile.TarInfo(member)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text))
        (self.start / name).write_bytes(bz2.compress(plain.getvalue()))
        (self.start / "JobPackage.pkl").write_bytes(b"package")
        shutil.copy(UNPACKER, str(self.start / "Unpacker.py"))

    def environment(self, **changes):
        """
        Give the environment of a job; a change to None drops a variable.
        """
        environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "VO_CMS_SW_DIR": str(self.cms),
                   "WMRUNTIME_OS_RELEASE": str(self.osRelease), "REQUIRED_OS": "any",
                   "WMRUNTIME_CVMFS_ROOT": str(self.directory / "no-cvmfs"), "WMA_MIN_JOB_RUNTIMESECS": "0"}
        environ.update(changes)
        return dict((name, value) for name, value in environ.items() if value is not None)

    def begin(self, *arguments, **changes):
        """
        Start the wrapper.

        :return: subprocess.Popen; its output goes to the file output.txt beside the start directory
        """
        with open(str(self.directory / "output.txt"), "wb") as sink:
            return subprocess.Popen([WRAPPER] + list(arguments), cwd=str(self.start), env=self.environment(**changes),
                                    stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                                    start_new_session=True)

    def finish(self, process, seconds=60):
        """
        Wait for the wrapper; on a time-out its session is killed and the test fails.
        """
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError("the wrapper did not end:\n" + self.output())
        return Outcome(process.returncode, self.output())

    def output(self):
        """
        Give what the wrapper printed so far.
        """
        return (self.directory / "output.txt").read_bytes().decode("utf-8", "replace")

    def run(self, *arguments, **changes):
        """
        Run the wrapper to its end; without arguments, with those of an ordinary job.
        """
        return self.finish(self.begin(*(arguments or ("S.tar.bz2", "1", "0")), **changes))

    def waitFor(self, name, seconds=30):
        """
        Wait until a file exists in the start directory.
        """
        end = time.time() + seconds
        while not (self.start / name).exists():
            assert time.time() < end, "no %s:\n%s" % (name, self.output())
            time.sleep(0.02)


def runBash(script, *arguments, **environ):
    """
    Source the wrapper in bash and run a script after it.

    :return: tuple of status, standard output, standard error
    """
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    env.update(environ)
    process = subprocess.Popen(["bash", "--noprofile", "--norc", "-c", '. "$WRAPPER_UNDER_TEST"\n' + script, "test"]
                               + list(arguments), env=dict(env, WRAPPER_UNDER_TEST=WRAPPER), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def checkFiles(node, retry=0):
    """
    Check that what the batch system fetches is there and nothing half written lies about.
    """
    names = os.listdir(str(node.start))
    assert "Report.%d.pkl" % retry in names and "wmagentJob.log" in names
    assert not [name for name in names if ".tmp" in name or ".timing" in name]
    assert (node.start / "wmagentJob.log").stat().st_size > 0
