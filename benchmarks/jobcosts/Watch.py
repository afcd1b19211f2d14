"""
Run a command and watch it from outside: what it opens and executes, what it uses, and when.

    python3 -I Watch.py PLAN.json COMMAND [ARGUMENTS]

The plan, {"tree", "pythons", "inodes", "gate", "openDelay", "executeDelay", "result"}, names the fake CVMFS, the
directories its pythons' links lead to, the inodes of its pythons, whether opens and programs are watched and how many
seconds each waits, and the file for what was seen. The command gets the environment and the directory of this program.
"""
import ctypes
import json
import os
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import attr  # pylint: disable=wrong-import-position

from jobcosts.CpuClock import CpuClock  # pylint: disable=wrong-import-position
from jobcosts.Executions import ExecutionRecorder  # pylint: disable=wrong-import-position
from jobcosts.FileGate import FileGate  # pylint: disable=wrong-import-position
from jobcosts.TaskStats import TaskStats  # pylint: disable=wrong-import-position

# <sched.h>, <sys/mount.h>
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
SAMPLE_SECONDS = 0.01


class Watch(object):
    """
    Watch one command.

    :param plan: dict, see above
    """

    def __init__(self, plan):
        self.plan, self.opens, self.files, self.missing = plan, 0, set(), {}
        self.inside = plan["tree"] + os.sep
        self.linked = tuple(prefix + os.sep for prefix in plan["pythons"])
        self.inodes, self.threads = frozenset(plan["inodes"]), []
        self.recorder = ExecutionRecorder(ancestorsOf)
        self.clock = self._when(True, "CPU of a part of a job", CpuClock)
        self.stats = self._when(True, "CPU by program", TaskStats)
        self.gate = self._when(plan["gate"], "opened files and programs",
                               lambda: FileGate(self._onOpen, self._onExecute))

    def _when(self, wanted, what, make):
        try:
            return make() if wanted else None
        except OSError as error:
            self.missing[what] = str(error)
            return None

    def _onOpen(self, pid, path):
        if not path.startswith(self.inside):
            # The standard library of a python on the fake CVMFS lies there in reality; other programs' does not.
            if not path.startswith(self.linked) or not programOf(pid).startswith(self.inside):
                return 0
        self.opens += 1
        self.files.add(path)
        return self.plan["openDelay"]

    def _onExecute(self, pid, path, head):
        return self.plan["executeDelay"] if self.recorder.opened(time.time(), pid, path, head) else 0

    def start(self, command):
        """
        Start the command in a control group and, for the gate, a mount namespace of its own.

        :param command: list of str
        :return: int, its process id
        """
        ready, go = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if self.clock:
                    self.clock.join()
                if self.gate:
                    ownMounts()
                os.write(ready[1], b"1")
                os.read(go[0], 1)
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        os.close(ready[1])
        if not os.read(ready[0], 1):
            raise SystemExit("the command could not be prepared")
        if self.gate:
            self.gate.watch(pid)
        self.began = time.time()
        os.write(go[1], b"1")
        for descriptor in (ready[0], go[0], go[1]):
            os.close(descriptor)
        return pid

    def run(self, command):
        """
        Run the command to its end.

        :param command: list of str
        :return: dict, what was seen
        """
        wake, woken = os.pipe()
        for end in (wake, woken):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(woken)
        pid = self.start(command)
        poll = select.poll()
        for descriptor in [wake] + [part.descriptor for part in (self.gate,) if part] + [
                part.socket.fileno() for part in (self.stats,) if part]:
            poll.register(descriptor, select.POLLIN)
        nextSample = 0.0
        while True:
            now = time.monotonic()
            if self.clock and now >= nextSample:
                self.clock.sample()
                nextSample = now + SAMPLE_SECONDS
            most = max(0.0, nextSample - now) if self.clock else 1.0
            events = poll.poll(1000 * (self.gate.secondsToNext(most) if self.gate else most))
            self._handle()
            if any(descriptor == wake for descriptor, _ in events):
                os.read(wake, 64)
                done, status, usage = os.wait4(pid, os.WNOHANG)
                if done:
                    return self._result(time.time(), status, usage)

    def _handle(self):
        if self.gate:
            self.gate.handle()
            self.gate.answerDue()
        if self.stats:
            self.threads.extend(ended for ended in self.stats.ended() if ended.program in self.inodes)

    def _result(self, ended, status, usage):
        if self.clock:
            self.clock.sample()
        self._handle()
        for part in (self.gate, self.clock, self.stats):
            if part:
                part.close()
        return {"start": self.began, "end": ended, "status": status, "cpu": usage.ru_utime + usage.ru_stime,
                "maxRss": usage.ru_maxrss * 1024, "missing": self.missing,
                "samples": self.clock.samples if self.clock else None,
                "threads": [attr.astuple(one) for one in self.threads] if self.stats else None,
                "opens": self.opens if self.gate else None, "files": len(self.files) if self.gate else None,
                "executions": [attr.astuple(one) for one in self.recorder.executions] if self.gate else None}


def ownMounts():
    """
    Give the calling process a mount namespace of its own.

    :raises OSError: when it may not
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "unshare")


def programOf(pid):
    """Give the path of the program a process runs, or nothing when it is gone."""
    try:
        return os.readlink("/proc/%d/exe" % pid)
    except OSError:
        return ""


def ancestorsOf(pid):
    """
    Find the processes above one.

    :param pid: int
    :return: tuple of int, upwards, this program not included
    """
    found = []
    while pid > 1:
        try:
            with open("/proc/%d/stat" % pid, "rb") as handle:
                pid = int(handle.read().rpartition(b")")[2].split()[1])
        except OSError:
            break
        if pid == os.getpid():
            break
        found.append(pid)
    return tuple(found)


def main():
    """Read the plan, run the command, write the result."""
    with open(sys.argv[1], encoding="utf-8") as handle:
        plan = json.load(handle)
    result = Watch(plan).run(sys.argv[2:])
    with open(plan["result"], "w", encoding="utf-8") as handle:
        json.dump(result, handle)
    sys.exit(os.WEXITSTATUS(result["status"]) if os.WIFEXITED(result["status"]) else 128 + os.WTERMSIG(result["status"]))


if __name__ == "__main__":
    main()
