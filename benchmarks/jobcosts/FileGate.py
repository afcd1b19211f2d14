"""
Hold back what a job opens and executes, by fanotify's permission events.

The kernel asks before each open and each exec on the marked mounts, and waits for the answer; an answer given later
is a delay that reaches every program alike: static ones, those with an environment of their own, the loader's and the
kernel's own opens. Answers wait side by side, so that two processes that open at once wait at once. Needs root.

Numbers and structures: <linux/fanotify.h>, fanotify(7).
"""
import ctypes
import heapq
import os
import struct
import time

FAN_CLOEXEC, FAN_NONBLOCK, FAN_CLASS_CONTENT, FAN_UNLIMITED_QUEUE = 0x1, 0x2, 0x4, 0x10
FAN_MARK_ADD, FAN_MARK_MOUNT = 0x1, 0x10
FAN_Q_OVERFLOW, FAN_OPEN_PERM, FAN_OPEN_EXEC_PERM = 0x4000, 0x10000, 0x40000
FAN_ALLOW, AT_FDCWD = 0x1, -100
_EVENT, _ANSWER = struct.Struct("=IBBHQii"), struct.Struct("=iI")
# What has no files of programs and software; devices and pipes must not wait.
PSEUDO = frozenset("proc sysfs devtmpfs devpts cgroup cgroup2 mqueue debugfs tracefs securityfs pstore bpf configfs "
                   "hugetlbfs fusectl autofs binfmt_misc nsfs rpc_pipefs efivarfs".split())


class FileGate(object):
    """
    Ask for, and answer, permission events.

    :param onOpen: callable(pid, path), called for each open; gives the seconds it waits
    :param onExecute: callable(pid, path, first bytes of the file), likewise for each file the kernel executes: a
        program, the interpreter of a script, the loader of a program
    :raises OSError: when the kernel refuses
    """

    def __init__(self, onOpen, onExecute):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.onOpen, self.onExecute = onOpen, onExecute
        self.waiting = []
        flags = FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE
        self.descriptor = self._checked(self.libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC), "fanotify_init")

    @staticmethod
    def _checked(result, what):
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, "%s: %s" % (what, os.strerror(number)))
        return result

    def watch(self, pid):
        """
        Mark all mounts of a process's mount namespace, which must be its own: else everybody else waits, too.

        :param pid: int
        """
        for place in mountPoints(pid):
            path = os.fsencode("/proc/%d/root%s" % (pid, place))
            if os.path.exists(path):
                self._checked(self.libc.fanotify_mark(
                    self.descriptor, FAN_MARK_ADD | FAN_MARK_MOUNT,
                    ctypes.c_uint64(FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM), AT_FDCWD, path), place)

    def handle(self):
        """Take the events that are there."""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return
        offset = 0
        while offset < len(data):
            length, _, _, _, mask, descriptor, pid = _EVENT.unpack_from(data, offset)
            offset += length
            if mask & FAN_Q_OVERFLOW or descriptor < 0:
                raise RuntimeError("fanotify lost events")
            self._ask(mask, descriptor, pid)

    def _ask(self, mask, descriptor, pid):
        path = os.readlink("/proc/self/fd/%d" % descriptor)
        if mask & FAN_OPEN_EXEC_PERM:
            seconds = self.onExecute(pid, path, os.pread(descriptor, 2, 0))
        else:
            seconds = self.onOpen(pid, path)
        if seconds:
            heapq.heappush(self.waiting, (time.monotonic() + seconds, descriptor))
        else:
            self._allow(descriptor)

    def _allow(self, descriptor):
        try:
            os.write(self.descriptor, _ANSWER.pack(descriptor, FAN_ALLOW))
        except FileNotFoundError:
            pass  # who asked was killed meanwhile
        os.close(descriptor)

    def answerDue(self):
        """Answer those whose time has come."""
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            self._allow(heapq.heappop(self.waiting)[1])

    def secondsToNext(self, most):
        """
        Tell how long nothing is due.

        :param most: float, seconds
        :return: float, seconds
        """
        return min(most, max(0.0, self.waiting[0][0] - time.monotonic())) if self.waiting else most

    def close(self):
        """Let all go; without a listener the kernel asks no more."""
        for _, descriptor in self.waiting:
            self._allow(descriptor)
        os.close(self.descriptor)


def mountPoints(pid):
    """
    Find the mounts that files of programs may lie on.

    :param pid: int
    :return: list of str, paths as that process sees them
    """
    points = []
    with open("/proc/%d/mountinfo" % pid, encoding="utf-8", errors="surrogateescape") as handle:
        for line in handle:
            fields = line.split()
            if fields[fields.index("-") + 1] not in PSEUDO:
                points.append(fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape"))
    return points
