"""
The command line that runs something in a container, and the environment it is started with.

Variables go by the environment (APPTAINERENV_NAME), not by --env: that one splits values at commas, and everybody on
the node can read a command line.
"""
import os

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import START_VARIABLES, allowedOnly, withoutWrapperPython
from WMCore.WMRuntime.Environment.EnvDiff import isVariableName

# The first holds the python of images made from this project's definitions (Publishing/ContainerDefinition).
DEFAULT_PATH = ("/opt/wmruntime/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# Where apptainer puts the libraries of the node's GPUs.
CONTAINER_LIBRARIES = "/.singularity.d/libs"
# What a job has besides allowedOnly's, when its start is continued in a container.
JOB_NAMES = ("REQUIRED_OS", "CVMFS", "JOBSTARTDIR", "WMAGENTJOBDIR", "BATCH_SYSTEM", "PYTHONDONTWRITEBYTECODE")
# The container's own business, or said of the outside.
_OUTSIDE_NAMES = frozenset(["HOME", "PATH", "SHELL", "WMRUNTIME_OS_RELEASE"]) | frozenset(START_VARIABLES.values())
_OUTSIDE_PREFIXES = ("APPTAINER_", "SINGULARITY_")
# What the program takes from its environment about itself: how it starts, where it may put things. Every option can be
# given there, too (apptainer, cmd/internal/cli/action_flags.go), and every variable of the inside: those are ours to say.
_PROGRAM_NAMES = ("CACHEDIR", "CONFIGDIR", "DISABLE_CACHE", "IGNORE_FAKEROOT_COMMAND", "IGNORE_SUBUID", "IGNORE_USERNS",
                  "LOCALCACHEDIR", "MESSAGELEVEL", "TMPDIR", "UNDERLAY", "UNSHARE_USERNS", "UNSQUASH", "USERNS")
_PROGRAM_VARIABLES = frozenset(prefix + name for prefix in _OUTSIDE_PREFIXES for name in _PROGRAM_NAMES)
# What these directories are in the scratch directory (apptainer exec --workdir).
TEMPORARY = {"/tmp": "tmp", "/var/tmp": "var_tmp"}
_TEMPORARY_NAMES = ("TMPDIR", "TMP", "TEMP")


@attr.s(frozen=True)
class ContainerCall(object):
    """
    Hold how commands are run in a container.

    :param runtime: ContainerRuntime
    :param image: str
    :param home: str, where the job was started: seen in the container, to write to, and its HOME
    :param directory: str, where commands start
    :param scratch: str, a directory that holds the container's /tmp and /var/tmp; else they are small and in memory
    :param binds: tuple of Bind
    :param site: tuple of str, the site's own binds
    :param gpu: str, "nv", "rocm" or empty
    """
    runtime = attr.ib()
    image = attr.ib(type=str)
    home = attr.ib(type=str)
    directory = attr.ib(type=str)
    scratch = attr.ib(type=str)
    binds = attr.ib(default=(), type=tuple)
    site = attr.ib(default=(), type=tuple)
    gpu = attr.ib(default="", type=str)

    @property
    def prefix(self):
        """
        Give the words before a command.

        :return: tuple of str
        """
        words = [self.runtime.path, "exec", "--cleanenv"] + ([] if self.runtime.evaluates else ["--no-eval"])
        words += ["--contain", "--workdir", self.scratch, "--home", "%s:%s" % (self.home, self.home)]
        words += ["--pwd", self.directory] + (["--" + self.gpu] if self.gpu else [])
        # The site's first, and as options: a bind below one of APPTAINER_BINDPATH fails (apptainer#1143).
        for spec in self.site + tuple(bind.spec for bind in self.binds):
            words += ["--bind", spec]
        return tuple(words + [self.image])

    def variables(self, environ, sees):
        """
        Choose what a command in the container gets of a job's environment.

        Of PATH and PYTHONPATH those directories stay that the container sees; the wrapper's python goes, it is
        one of another system.

        :param environ: dict, the job's
        :param sees: callable(str) that tells whether the container sees a path
        :return: dict
        """
        job = withoutWrapperPython(environ)
        result = allowedOnly(job)
        result.update((name, job[name]) for name in JOB_NAMES if name in job)
        for name in list(result):
            if name in _OUTSIDE_NAMES or name.startswith(_OUTSIDE_PREFIXES) or (
                    name in _TEMPORARY_NAMES and not sees(result[name])):
                del result[name]
        own = [entry for entry in job.get("PATH", "").split(":")
               if entry.startswith("/") and entry not in DEFAULT_PATH and sees(entry)]
        result["PATH"] = ":".join(own + list(DEFAULT_PATH))
        modules = [entry for entry in environ.get("PYTHONPATH", "").split(":") if (entry + "/").startswith(self.home + "/")]
        if modules:
            result["PYTHONPATH"] = ":".join(modules)
        # What withoutWrapperPython goes back to, in there.
        result.update({START_VARIABLES["PATH"]: result["PATH"], START_VARIABLES["LD_LIBRARY_PATH"]: CONTAINER_LIBRARIES,
                       START_VARIABLES["PYTHONPATH"]: ""})
        return result

    def environment(self, environ, variables):
        """
        Build the environment to start the command line with.

        :param environ: dict, the job's outside
        :param variables: dict, those to be set inside
        :return: (dict, list of str names that cannot be handed over)
        """
        result = {name: value for name, value in withoutWrapperPython(environ).items()
                  if name not in ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")
                  and (name in _PROGRAM_VARIABLES or not name.startswith(("APPTAINER", "SINGULARITY")))}
        lost = []
        for name, value in variables.items():
            if not isVariableName(name) or (self.runtime.evaluates and set(value).intersection("$`\\\n")):
                lost.append(name)
            else:
                result[self.runtime.variablePrefix + name] = value
        return result, sorted(lost)

    def layOut(self):
        """
        Make the scratch directory, and in it the mount points for what is seen below /tmp and /var/tmp.

        Those two are the scratch directory's in the container, and nobody makes mount points in a directory of the
        node: a job that was started below /tmp would have none.

        :raises OSError: when they cannot be made
        """
        specs = [(self.home, self.home)] + [(bind.path, bind.path) for bind in self.binds]
        specs += [tuple((spec.split(":") + [""])[:2]) for spec in self.site]
        for name in TEMPORARY.values():
            os.makedirs(os.path.join(self.scratch, name), exist_ok=True)
        for source, target in specs:
            for directory, name in TEMPORARY.items():
                point = os.path.normpath(os.path.join(self.scratch, name, (target or source)[len(directory) + 1:]))
                if (target or source).startswith(directory + "/") and not os.path.lexists(point):
                    _makePoint(point, os.path.isdir(source))


def _makePoint(path, isDirectory):
    os.makedirs(path if isDirectory else os.path.dirname(path), exist_ok=True)
    if not isDirectory:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def gpuOption(root="/"):
    """
    Tell which GPUs this node has.

    :param root: str, the directory that holds dev
    :return: str, "nv" for NVIDIA's, "rocm" for AMD's, empty for none
    """
    for option, device in (("nv", "dev/nvidiactl"), ("rocm", "dev/kfd")):
        if os.path.exists(os.path.join(root, device)):
            return option
    return ""
