"""
The child processes the checks have started, to stop them all when the run itself is stopped.
"""
import signal
import threading

from WMCore.WMRuntime.Tools.ChildProcess import signalGroup


class Children(object):
    """
    Keep the process groups that run.

    The checks wait for their children in threads, which no KeyboardInterrupt reaches: the main thread stops the
    children instead, and the threads come back by themselves.
    """

    def __init__(self):
        self._groups = set()
        self._lock = threading.Lock()
        self.stopping = False

    @property
    def running(self):
        """Give the process groups that run, a frozenset of int."""
        with self._lock:
            return frozenset(self._groups)

    def started(self, pid):
        """
        Take note of a child; end it at once when the run is being stopped already.

        :param pid: int, its process group
        """
        with self._lock:
            self._groups.add(pid)
            stopping = self.stopping
        if stopping:
            signalGroup(pid, signal.SIGTERM)

    def ended(self, pid):
        """
        Forget a child that was waited for: its number may be another's soon.

        :param pid: int
        """
        with self._lock:
            self._groups.discard(pid)

    def stop(self):
        """Ask all children to end, and those that are still to come."""
        self.stopping = True
        for group in self.running:
            signalGroup(group, signal.SIGTERM)
