"""
Start a child process, wait for it with a time limit, and stop it with all it started.

Every child of the runtime comes from here: its output goes to files while it is produced, it leads a
process group of its own, it cannot outlive its time limit, and its exit status is read exactly once
(an `os.wait4` beside `Popen.wait` turned failures into successes upstream).
"""
import os
import signal
import subprocess
import tempfile
import time

import attr

POLL_SECONDS = 0.05


@attr.s(frozen=True)
class ChildExit(object):
    """
    Hold how a child ended and what it used.

    :param pid: int, its process id, which was also its process group
    :param returnCode: int from 0 to 255, or None when a signal ended it
    :param signal: int, the signal that ended it, or None
    :param timedOut: bool, whether it was stopped because its time was over
    :param userTime: float, user CPU seconds of the child and the children it waited for
    :param sysTime: float, system CPU seconds, likewise
    :param startTime: float, seconds since the epoch
    :param endTime: float, seconds since the epoch
    :param maxRss: int, bytes, largest resident set of one process among them
    """
    pid = attr.ib(type=int)
    returnCode = attr.ib()
    signal = attr.ib(default=None)
    timedOut = attr.ib(default=False)
    userTime = attr.ib(default=0.0)
    sysTime = attr.ib(default=0.0)
    startTime = attr.ib(default=0.0)
    endTime = attr.ib(default=0.0)
    maxRss = attr.ib(default=0)

    @property
    def shellCode(self):
        """Give the status as a shell would: the return code, or 128 plus the signal."""
        return self.returnCode if self.signal is None else 128 + self.signal

    @property
    def ok(self):
        """Tell whether the child ended by itself with status 0."""
        return self.returnCode == 0 and not self.timedOut


class _Streams(object):
    """Open what the child gets as standard streams, and close what was opened here."""

    def __init__(self, stdin, stdout, stderr):
        self.opened = []
        try:
            self.stdin = self._input(stdin)
            self.stdout = self._output(stdout)
            same = isinstance(stderr, str) and stderr == stdout
            self.stderr = self.stdout if same else self._output(stderr)
        except Exception:
            self.close()
            raise

    def _keep(self, handle):
        self.opened.append(handle)
        return handle

    def _input(self, data):
        if data is None:
            return self._keep(open(os.devnull, "rb"))
        handle = self._keep(tempfile.TemporaryFile())
        handle.write(data)
        handle.seek(0)
        return handle

    def _output(self, target):
        if target is None:
            return self._keep(open(os.devnull, "wb"))
        if isinstance(target, str):
            return self._keep(open(target, "ab"))
        return target

    def close(self):
        """Close the files opened here."""
        for handle in self.opened:
            handle.close()


def groupAlive(group):
    """
    Tell whether any process of a group is left.

    :param group: int, process group id
    :return: bool
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signalGroup(group, number):
    """
    Send a signal to a process group; one that is gone already is no error.

    :param group: int, process group id
    :param number: int, signal
    """
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def stopGroup(group, grace, reap=lambda: True):
    """
    End a process group: SIGTERM, SIGCONT for the stopped, and SIGKILL for what is left after the grace.

    :param group: int, process group id
    :param grace: float seconds between SIGTERM and SIGKILL
    :param reap: callable that waits, without blocking, for the group's leader when that is our child, and
        tells whether it is gone
    """
    signalGroup(group, signal.SIGTERM)
    signalGroup(group, signal.SIGCONT)
    end = time.monotonic() + grace
    while time.monotonic() < end:
        if reap() and not groupAlive(group):
            return
        time.sleep(0.02)
    signalGroup(group, signal.SIGKILL)


class _Child(object):
    """A running child, reaped here and nowhere else."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid
        self.startTime = time.time()
        self.status = None
        self.usage = None

    def poll(self):
        """Reap the child if it has ended; return whether it has."""
        if self.status is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.status, self.usage = status, usage
                # Popen must not wait for this pid again: it may soon be somebody else's.
                self.process.returncode = status
        return self.status is not None

    def waitFor(self, seconds):
        """Wait until the child has ended or the seconds are over; return whether it has ended."""
        end = None if seconds is None else time.monotonic() + seconds
        pause = 0.001
        while not self.poll():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS)
        return True

    def stop(self, grace):
        """End the whole group and reap the child."""
        stopGroup(self.pid, grace, self.poll)
        self.waitFor(grace + 1)

    def exit(self, timedOut):
        """Give the ChildExit of a reaped child."""
        bySignal = os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None
        code = os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None
        return ChildExit(self.pid, code, bySignal, timedOut, self.usage.ru_utime, self.usage.ru_stime,
                         self.startTime, time.time(), self.usage.ru_maxrss * 1024)


def runChild(args, env=None, cwd=None, stdin=None, stdout=None, stderr=None, timeout=None, stopGrace=10.0,
             onStart=None):
    """
    Run a program to its end.

    When the time limit is over, and when an exception such as JobTerminated passes through, the
    child's whole group is stopped: SIGTERM, after stopGrace seconds SIGKILL.

    :param args: list of str, the program and its arguments
    :param env: dict, the child's whole environment; None for a copy of ours
    :param cwd: str, directory to start in
    :param stdin: bytes for its standard input, None for none
    :param stdout: str path to append to, an open file, or None to discard
    :param stderr: likewise; the same path as stdout gives one stream in order
    :param timeout: float seconds, None for no limit
    :param stopGrace: float seconds between SIGTERM and SIGKILL
    :param onStart: callable taking the pid, called once the child runs
    :return: ChildExit
    :raises OSError: when the program cannot be started or a file cannot be opened
    """
    streams = _Streams(stdin, stdout, stderr)
    try:
        process = subprocess.Popen(args, env=env, cwd=cwd, stdin=streams.stdin, stdout=streams.stdout,
                                   stderr=streams.stderr, start_new_session=True, close_fds=True)
    finally:
        streams.close()
    child = _Child(process)
    try:
        if onStart is not None:
            onStart(child.pid)
        ended = child.waitFor(timeout)
    except BaseException:
        child.stop(stopGrace)
        raise
    if not ended:
        child.stop(stopGrace)
    return child.exit(timedOut=not ended)


def _readText(handle, maxBytes):
    """Read a file as text, its middle left out and said so when it is larger than maxBytes."""
    size = handle.seek(0, os.SEEK_END)
    handle.seek(0)
    if size <= maxBytes:
        return handle.read().decode("utf-8", "replace")
    head = handle.read(maxBytes // 2).decode("utf-8", "replace")
    handle.seek(size - maxBytes // 2)
    tail = handle.read().decode("utf-8", "replace")
    return "%s\n[... %d bytes left out ...]\n%s" % (head, size - 2 * (maxBytes // 2), tail)


def runCaptured(args, mergeStderr=False, maxBytes=1024 * 1024, **options):
    """
    Run a program and give its output as text.

    The output goes through temporary files, so a program that prints without end fills no memory.

    :param args: list of str, the program and its arguments
    :param mergeStderr: bool, whether both streams go, in order, into the first text
    :param maxBytes: int, the longest text kept of each stream; the middle is cut, and the text says so
    :param options: as for runChild, without stdout and stderr
    :return: tuple of ChildExit, str, str
    :raises OSError: as runChild
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        result = runChild(args, stdout=out, stderr=out if mergeStderr else err, **options)
        return result, _readText(out, maxBytes), _readText(err, maxBytes)
