"""
Stand-in for apptainer and singularity: `exec` on unpacked images. Runs inside the node, on python 3.6 and newer.

The command line, messages and exit codes are those of apptainer 1.3 (cmd/internal/cli, internal/pkg/runtime): a wrong
option ends with 1, what is FATAL with 255, a payload ended by a signal with 128 and its number. Options that apptainer
has and this does not do are refused by their own message, so that nothing seems to work that would not.
"""
import json
import os
import pwd
import signal
import sys
import tempfile

from ApptainerOptions import GLOBAL, SWITCHES, VALUED, Fatal, Refused, parse, splitBinds
from CallLog import recordCall
from ContainerRoot import ContainerRoot, enterNamespaces

VERSION = "1.3.4-wmruntime"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What --cleanenv lets through (internal/pkg/util/env/clean.go).
ALWAYS_PASSED = ("TERM", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy",
                 "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")
PREFIXES = ("APPTAINER_", "SINGULARITY_")
MACHINE_FILE = ".wmruntime-machine"
# Current directories that are not mounted without being asked for (container_linux.go, addCwdMount).
NOT_AS_CWD = ("/", "/etc", "/bin", "/mnt", "/usr", "/var", "/opt", "/sbin", "/lib", "/lib64")
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)


def checkImage(image):
    """
    Make sure that an image is an unpacked one.

    :param image: str
    :return: str, absolute path
    :raises Fatal: when it is not
    """
    if "://" in image:
        raise Fatal("this stand-in fetches no images: %s" % image)
    path = os.path.abspath(image)
    try:
        os.lstat(os.path.realpath(path))
    except OSError as error:
        raise Fatal("could not open image %s: failed to retrieve path for %s: lstat %s: %s"
                    % (path, path, os.path.realpath(path), error.strerror.lower()))
    if not os.path.isdir(path):
        raise Fatal("could not open image %s: image format not recognized (this stand-in takes directories)" % path)
    return os.path.realpath(path)


class Container(object):
    """One `exec`: what was asked, and how the process inside comes about."""

    def __init__(self, options, image, command, environ):
        self.options, self.command, self.environ = options, command, environ
        self.image = checkImage(image)
        self.home, self.homeInside = self._home()
        site = [environ.get(prefix + name, "") for prefix in PREFIXES for name in ("BIND", "BINDPATH")]
        self.binds = splitBinds(options.get("bind", []) + site)
        self.missing = [source for source, _, _ in self.binds if not os.path.exists(source)]

    def _home(self):
        spec = (self.options.get("home") or [""])[-1]
        source, _, target = spec.partition(":")
        own = pwd.getpwuid(os.getuid()).pw_dir if _known(os.getuid()) else "/"
        return (os.path.abspath(source) if source else None), (target or source or own)

    def variables(self):
        """
        Say which variables the process inside gets.

        :return: (dict as they are, dict of those that a shell still evaluates)
        """
        clean = "cleanenv" in self.options
        inside = {name: value for name, value in self.environ.items() if (not clean or name in ALWAYS_PASSED)
                  and not name.startswith(("APPTAINER", "SINGULARITY")) and name not in ("PATH", "LD_LIBRARY_PATH")}
        if clean:
            inside["LANG"] = "C"
        asked = {}
        for prefix in ("SINGULARITYENV_", "APPTAINERENV_"):
            asked.update((name[len(prefix):], value) for name, value in self.environ.items() if name.startswith(prefix))
        for spec in self.options.get("env", []):
            asked.update(part.partition("=")[::2] for part in spec.split(","))
        if asked.pop("HOME", None) is not None:
            _say("WARNING: Overriding HOME environment variable with APPTAINERENV_HOME is not permitted")
        path = asked.pop("PREPEND_PATH", "") + ":" + asked.pop("PATH", DEFAULT_PATH) + ":" + asked.pop("APPEND_PATH", "")
        libraries = asked.pop("LD_LIBRARY_PATH", "")
        bound = ",".join("%s:%s%s" % (source, target, ":ro" if readOnly else "") for source, target, readOnly in self.binds)
        inside.update({"HOME": self.homeInside, "PATH": path.strip(":"), "PS1": "Apptainer> ",
                       "LD_LIBRARY_PATH": (libraries + ":" if libraries else "") + "/.singularity.d/libs"})
        for prefix in PREFIXES:
            inside.update({prefix + "CONTAINER": self.image, prefix + "NAME": os.path.basename(self.image),
                           prefix + "BIND": bound, prefix + "ENVIRONMENT": "/.singularity.d/env/91-environment.sh"})
        inside["APPTAINER_COMMAND"] = "exec"
        if "no-eval" in self.options:
            inside.update(asked)
            return inside, {}
        return inside, asked

    def enter(self, session):
        """
        Change into the container; the process that calls this is in it afterwards.

        :param session: str, an empty directory
        :raises Fatal: when that cannot be done
        """
        for source in self.missing:
            raise Fatal("container creation failed: mount %s->%s error: while mounting %s: mount source %s doesn't exist"
                        % (source, source, source, source))
        workdir = (self.options.get("workdir") or [None])[-1]
        if workdir and not os.path.isdir(workdir):
            raise Fatal("container creation failed: failed to initialize workdir: %s does not exist" % workdir)
        root = ContainerRoot(self.image, session)
        self._system(root, workdir and os.path.abspath(workdir))
        if self.home:
            root.add(self.home, self.homeInside)
        for source, target, readOnly in self.binds:
            root.add(source, target, readOnly)
        cwd = os.getcwd()
        try:
            enterNamespaces("userns" in self.options)
            root.enter()
        except OSError as error:
            raise Fatal("container creation failed: %s" % error.strerror)
        asked = (self.options.get("cwd", []) + self.options.get("pwd", []) or [cwd])[-1]
        for directory in (asked, self.homeInside, "/"):
            try:
                os.chdir(directory)
                break
            except OSError:
                pass  # as apptainer does: the home directory, then the root

    def _system(self, root, workdir):
        """Want what every container has: the machine's part of the image, devices, temporary directories, /proc."""
        try:
            with open(os.path.join(self.image, MACHINE_FILE)) as handle:
                machine = json.load(handle)
        except (OSError, ValueError):
            machine = []  # an image with all its files of its own
        for path in machine:
            if os.path.exists(path):
                root.add(path, path, True)
        contained = "contain" in self.options
        for path in ("/proc", "/sys"):
            root.add(path, path)
        if contained:
            root.add(None, "/dev")
            for name in ("null", "zero", "full", "random", "urandom", "tty"):
                root.add("/dev/" + name, "/dev/" + name)
            root.add(None, "/dev/shm")
        else:
            root.add("/dev", "/dev")
        for path, name in (("/tmp", "tmp"), ("/var/tmp", "var_tmp")):
            if workdir:
                os.makedirs(os.path.join(workdir, name), exist_ok=True)
            root.add(os.path.join(workdir, name) if workdir else None if contained else path, path)
        if not contained:
            own = os.path.expanduser("~")
            if "no-home" not in self.options and not self.home and os.path.isdir(own):
                root.add(own, own)
            if os.getcwd() not in NOT_AS_CWD:
                root.add(os.getcwd(), os.getcwd())
        root.add(None, "/.singularity.d")
        for path in ("/etc/hosts", "/etc/resolv.conf", "/etc/localtime"):
            if os.path.exists(path):
                root.add(os.path.realpath(path), path, True)


def _known(uid):
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def _say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def inside(container, session):
    """
    Become the payload; this is the child's side.

    :param container: Container
    :param session: str
    :return: int, exit code when there is no payload to become
    """
    try:
        variables, evaluated = container.variables()
        container.enter(session)
        command = container.command
        if evaluated:
            text = "".join('export %s="%s"\n' % (name, value.replace('"', '\\"')) for name, value in evaluated.items())
            command = ["/bin/sh", "-c", text + 'exec "$@"', "sh"] + command
        # python ignores these two; what it starts would inherit that.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.environ["PATH"] = variables["PATH"]
        os.execvpe(command[0], command, variables)
    except Fatal as error:
        _say("FATAL:   %s" % error)
    except OSError as error:
        name, missing = container.command[0], isinstance(error, FileNotFoundError)
        _say('FATAL:   "%s": executable file not found in $PATH' % name if missing else
             "FATAL:   exec %s failed: %s" % (name, error.strerror))
    return 255


def watch(child, blocked):
    """
    Pass signals on to the payload and wait for it.

    :param child: int, its process id
    :param blocked: set of signals that are blocked until now
    :return: int, its exit code, 128 and the signal when that ended it
    """
    for number in PASSED_ON:
        signal.signal(number, lambda got, frame: os.kill(child, got))
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def execute(options, words):
    """
    Run a command in a container.

    :param options: dict, of parse
    :param words: list of str, image and command
    :return: int, exit code
    :raises Refused: when a word is missing
    :raises Fatal: when there is no such image
    """
    if len(words) < 2:
        raise Refused("requires at least 2 arg(s), only received %d" % len(words))
    container = Container(options, words[0], words[1:], dict(os.environ))
    for kind in ("nv", "rocm"):
        if kind in options:
            _say("INFO:    Could not find any %s files on this host!" % kind)
    session = tempfile.mkdtemp(prefix="apptainer-session-", dir="/tmp")
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os._exit(inside(container, session))
        return watch(child, blocked)
    finally:
        os.rmdir(session)


def main(log, program, arguments):
    """
    Do what the command line says.

    :param log: str, the node's log of calls
    :param program: str, apptainer or singularity
    :param arguments: list of str, after the program's name
    :return: int, exit code
    """
    try:
        recordCall(log, program, arguments)
    except OSError:
        pass  # the node is another user's: apptainer works for everybody
    if arguments == ["--version"]:
        print("%s version %s" % (program, VERSION))
        return 0
    name = program
    try:
        _, words = parse(arguments, GLOBAL, {"config": "c"})
        if not words or words[0] != "exec":
            raise Refused("this stand-in fakes `exec` only" if words else "invalid command")
        name = words[0]
        options, words = parse(words[1:], SWITCHES, VALUED)
        return execute(options, words)
    except Refused as error:
        _say('Error for command "%s": %s\n\nOptions for %s command:\n' % (name, error, name))
        for option in sorted(list(SWITCHES) + list(VALUED)):
            _say("      --%s" % option)
        _say("\nRun '%s --help' for more detailed usage information." % program)
        return 1
    except Fatal as error:
        _say("FATAL:   %s" % error)
        return 255


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
