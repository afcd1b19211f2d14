"""
What the runtime does when it is told to stop.

HTCondor sends SIGTERM to every process of a job at once, SIGKILL some time later. In between, the report
has to get to disk: the first signal raises JobTerminated in the main thread, wherever that is; a thread made
beforehand sees to it that the end comes in time even when the exception is swallowed or the main thread hangs.

Python runs its handlers in the main thread between two bytecodes. A signal the system gives to another thread,
or to the main one just before it starts to wait, is so noticed only when that wait is over. The thread therefore
reads the signals from python's wakeup descriptor, which is written at once, and ends the main thread's wait with
a signal that means nothing. What a forked process is sent arrives at the same descriptor and comes to nothing.
"""
import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time

from WMCore.WMRuntime.Errors import JobTerminated

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Ends a wait of the main thread and has no other effect; its number is above those of SIGNALS, so python runs
#: their handlers first.
WAKE = signal.SIGWINCH
#: Seconds the main thread has to notice a signal before its wait is ended.
NOTICE_TIME = 0.5
#: Seconds from the first signal until it is raised once more, in case a bare `except:` swallowed it. Longer
#: than it takes to stop a child.
REPEAT_AFTER = 15.0
#: Seconds from the first signal until the last resort writes the report instead of the main thread.
OVERDUE_AFTER = 25.0
#: Seconds the last resort may take.
LAST_RESORT_TIME = 4.0


@contextlib.contextmanager
def raisingOnce():
    """
    Raise JobTerminated in this block on the first signal; for the time before there is a report to see to.

    A second one is the same stop over again, and must not break off the stopping of children.
    """
    received = []

    def stop(number, _frame):
        if not received:
            received.append(number)
            raise JobTerminated(number)

    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    handled = [(number, handler) for number, handler in before if handler not in (signal.SIG_IGN, None)]
    try:
        for number, _handler in handled:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in handled:
            signal.signal(number, handler)


class StopSignals(object):
    """
    Turn signals into JobTerminated, once, and watch the clock from then on.

    :param lastResort: callable taking the signal number; writes a report when the main thread does not
    :param repeatAfter: float, seconds
    :param overdueAfter: float, seconds
    """

    def __init__(self, lastResort, repeatAfter=REPEAT_AFTER, overdueAfter=OVERDUE_AFTER):
        self.lastResort = lastResort
        self.repeatAfter = repeatAfter
        self.overdueAfter = overdueAfter
        self.received = None
        self.finishing = False
        self.raisedAt = None
        self.woken = 0
        self.handled = []
        self.process = None
        self.mainThread = None
        self.wakeRead, self.wakeWrite = None, None

    def install(self):
        """
        Handle the signals from now on, but for those the job was started to ignore.

        Call it in the main thread, the only one python lets set handlers. A second call does nothing.
        """
        if self.process is not None:
            return
        self.process, self.mainThread = os.getpid(), threading.get_ident()
        self.wakeRead, self.wakeWrite = os.pipe()
        os.set_blocking(self.wakeWrite, False)
        # A full pipe is no news; python 3.6 has no word for it.
        signal.set_wakeup_fd(self.wakeWrite, **({"warn_on_full_buffer": False} if sys.version_info >= (3, 7) else {}))
        watcher = threading.Thread(target=self._watch, name="StopSignals")
        watcher.daemon = True
        watcher.start()
        signal.signal(WAKE, self._wake)
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self.handled.append(number)
                signal.signal(number, self._handle)

    def ignore(self):
        """Take no more signals: python resets its handlers while it exits, a late one would hide the status."""
        self.finishing = True
        for number in self.handled:
            signal.signal(number, signal.SIG_IGN)

    def hold(self):
        """Raise nothing from now on: the report is being written, which the clock alone may cut short."""
        self.finishing = True

    def _handle(self, number, _frame):
        # No logging and no locks here: the main thread may be inside any of them.
        if os.getpid() != self.process:
            # A forked process ends as if nobody had handled the signal; the job goes on.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        if self.received is None:
            self.received = number
        elif self.raisedAt is not None and now - self.raisedAt < self.repeatAfter * 0.9:
            # The same stop arrives twice, from the batch system and from the wrapper: no reason to break
            # off the stopping of children.
            return
        if not self.finishing:
            self.raisedAt = now
            raise JobTerminated(self.received)

    def _wake(self, _number, _frame):
        self.woken += 1

    def _watch(self):
        """Wait for the first signal, then for the time to be over, unless the process ends before."""
        number, begin = None, 0.0
        while number is None:
            number, begin = self._arrived(None), time.monotonic()
            if number is not None and not self._isNoticed(begin):
                number = None
        self._drainUntil(begin + self.repeatAfter)
        if not self.finishing:
            signal.pthread_kill(self.mainThread, number)
        self._drainUntil(begin + self.overdueAfter)
        writer = threading.Thread(target=self._writeLast, args=(number,), name="LastResort")
        writer.daemon = True
        writer.start()
        writer.join(LAST_RESORT_TIME)
        os._exit(128 + number)

    def _isNoticed(self, begin):
        """See to it that the main thread notices a signal; False when there was none for this process."""
        woken = self.woken
        while self.received is None and time.monotonic() - begin < self.repeatAfter:
            self._drainUntil(time.monotonic() + NOTICE_TIME)
            if self.received is None and self.woken != woken:
                return False
            if self.received is None:
                signal.pthread_kill(self.mainThread, WAKE)
        # A main thread that never runs python code again is a case for the last resort.
        return True

    def _arrived(self, timeout):
        """Give one of our signals that arrived within so many seconds, or None; python writes all of them."""
        if not select.select([self.wakeRead], [], [], timeout)[0]:
            return None
        ours = [number for number in os.read(self.wakeRead, 4096) if number in self.handled]
        return ours[0] if ours else None

    def _drainUntil(self, end):
        """Wait, and keep room in the pipe: when it is full, python takes a lock in its handler."""
        while time.monotonic() < end:
            self._arrived(max(0.0, end - time.monotonic()))

    def _writeLast(self, number):
        try:
            self.lastResort(number)
        except Exception as ex:
            logging.error("The last resort could not write a report: %s", ex)
