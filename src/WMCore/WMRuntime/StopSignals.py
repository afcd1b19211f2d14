"""
What the runtime does when it is told to stop.

HTCondor sends SIGTERM to every process of a job at once, SIGKILL some time later. In between, the report
has to get to disk: the first signal raises JobTerminated in the main thread, wherever that is; a thread made
beforehand sees to it that the end comes in time even when the exception is swallowed or the main thread hangs.

Python runs its handlers in the main thread between two bytecodes. A signal the system gives to another thread,
or to the main one just before it starts to wait, is so noticed only when that wait is over. The thread therefore
reads the signals from python's wakeup descriptor, which is written at once, and gives a signal that stays
unnoticed to the main thread itself.
"""
import logging
import os
import signal
import threading
import time

from WMCore.WMRuntime.Errors import JobTerminated

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Seconds the main thread has to notice a signal before it is sent to that thread itself, once and again.
NOTICE_TIME = 0.5
#: Seconds from the first signal until it is raised once more, in case a bare `except:` swallowed it. Longer
#: than it takes to stop a child.
REPEAT_AFTER = 15.0
#: Seconds from the first signal until the last resort writes the report instead of the main thread.
OVERDUE_AFTER = 25.0
#: Seconds the last resort may take.
LAST_RESORT_TIME = 4.0


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
        self.handled = []
        self.mainThread = None
        self.wakeRead, self.wakeWrite = os.pipe()
        os.set_blocking(self.wakeWrite, False)

    def install(self):
        """
        Handle the signals from now on, but for those the job was started to ignore.

        Call it in the main thread, the only one python lets set handlers.
        """
        self.mainThread = threading.get_ident()
        signal.set_wakeup_fd(self.wakeWrite)
        watcher = threading.Thread(target=self._watch, name="StopSignals")
        watcher.daemon = True
        watcher.start()
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)
                self.handled.append(number)

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

    def _watch(self):
        """Wait for the first signal, then for the time to be over, unless the process ends before."""
        number = self._firstSignal()
        begin = time.monotonic()
        while self.received is None and time.monotonic() - begin < self.repeatAfter:
            time.sleep(NOTICE_TIME)
            if self.received is None:
                signal.pthread_kill(self.mainThread, number)
        time.sleep(max(0.0, begin + self.repeatAfter - time.monotonic()))
        if not self.finishing:
            signal.pthread_kill(self.mainThread, number)
        time.sleep(max(0.0, begin + self.overdueAfter - time.monotonic()))
        writer = threading.Thread(target=self._writeLast, args=(number,), name="LastResort")
        writer.daemon = True
        writer.start()
        writer.join(LAST_RESORT_TIME)
        os._exit(128 + number)

    def _firstSignal(self):
        """Give the number of the first of our signals; python writes those of other handlers as well."""
        while True:
            number = ord(os.read(self.wakeRead, 1))
            if number in self.handled:
                return number

    def _writeLast(self, number):
        try:
            self.lastResort(number)
        except Exception as ex:
            logging.error("The last resort could not write a report: %s", ex)
