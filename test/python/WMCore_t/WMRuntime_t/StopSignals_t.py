"""Test what a process does when it is told to stop, in a process of its own each time."""
import os
import signal
import subprocess
import sys
import time

import pytest

# Short times, so that the tests need not wait for what protects a real job.
PREPARE = """
import logging, os, signal, sys, time
from WMCore.WMRuntime import StopSignals as module
from WMCore.WMRuntime.Errors import JobTerminated
module.LAST_RESORT_TIME = 0.5
def say(*words):
    os.write(1, (" ".join(str(word) for word in words) + "\\n").encode("ascii"))
def lastResort(number):
    say("last resort", number)
signals = module.StopSignals(lastResort, repeatAfter=%s, overdueAfter=%s)
"""


@pytest.fixture
def start(sourceTree):
    """Give a function that starts code and waits until it says `ready`; end what is left afterwards."""
    started = []

    def startCode(code, repeatAfter=20.0, overdueAfter=40.0, ignored=()):
        former = {number: signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
                  for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            # Without a buffer, where what comes together with `ready` would stay and communicate() never look.
            process = subprocess.Popen(
                [sys.executable, "-c", PREPARE % (repeatAfter, overdueAfter) + code], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, bufsize=0,
                env=dict(os.environ, PYTHONPATH=os.pathsep.join([sourceTree, os.environ.get("PYTHONPATH", "")])))
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
        started.append(process)
        assert process.stdout.readline() == b"ready\n", process.stderr.read().decode("utf-8", "replace")
        return process
    yield startCode
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def end(process, seconds=20):
    """Wait; give the status and what was said after `ready`."""
    out, err = process.communicate(timeout=seconds)
    assert b"Traceback" not in err, err.decode("utf-8", "replace")
    return process.returncode, out.decode("ascii").splitlines()


WAIT = """
signals.install()
try:
    say("ready")
    time.sleep(60)
except JobTerminated as ex:
    signals.hold()
    say("stopped by", ex.signalNumber)
sys.exit(3)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_aSignalIsRaisedInTheMainThreadWithItsNumber(start, number):
    process = start(WAIT)
    process.send_signal(number)
    assert end(process) == (3, ["stopped by %d" % number])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_aSignalIgnoredFromTheStartStaysIgnored(start, number):
    process = start("signals.install()\nsay('ready')\ntime.sleep(0.4)\nsay('done')\n", ignored=(number,))
    process.send_signal(number)
    assert end(process) == (0, ["done"])


FINISH = """
signals.install()
try:
    say("ready")
    time.sleep(60)
except JobTerminated as ex:
    %s
    say("finishing")
    time.sleep(0.4)
    say("finished after", ex.signalNumber)
signals.ignore()
say("ending")
time.sleep(0.2)
"""


@pytest.mark.parametrize("hold", ["pass", "signals.hold()"], ids=["whileChildrenAreStopped", "whileTheReportIsWritten"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_aSecondSignalDoesNotCutTheFirstOnesFinishShort(start, hold, second):
    process = start(FINISH % hold)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == b"finishing\n"
    process.send_signal(second)
    assert process.stdout.readline() == b"finished after 15\n"
    assert process.stdout.readline() == b"ending\n"
    # Nor the end of the process, whose status would be the signal's.
    process.send_signal(second)
    assert end(process) == (0, [])


def test_twoSignalsAtTheSameMomentAreOneStop(start):
    process = start(FINISH % "pass")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) * 10:
        process.send_signal(number)
    status, said = end(process)
    assert status == 0 and len(said) == 3 and said[1].startswith("finished after")


ELSEWHERE = """
import threading
signals.install()
def takeSignal():
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)
other = threading.Thread(target=takeSignal)
other.daemon = True
try:
    say("ready")
    other.start()
    %s
except JobTerminated as ex:
    say("stopped by", ex.signalNumber)
"""


@pytest.mark.parametrize("wait", ["time.sleep(60)", "os.read(os.pipe()[0], 1)", "[other.join(60)]"],
                         ids=["inASleep", "inARead", "inAJoin"])
def test_aSignalTakenByAnotherThreadEndsTheMainThreadsWait(start, wait):
    assert end(start(ELSEWHERE % wait)) == (0, ["stopped by 15"])


FORKED = """
signals.install()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, b"!")
    for turn in range(600):
        time.sleep(0.1)
    os._exit(0)
say("ready")
os.read(reading, 1)
os.kill(child, signal.SIGTERM)
say("child ended by", os.waitpid(child, 0)[1])
for turn in range(20):
    time.sleep(0.1)
say("job goes on", signals.received)
"""


def test_aForkedProcessEndsByItsSignalAndTheJobGoesOn(start):
    assert end(start(FORKED)) == (0, ["child ended by 15", "job goes on None"])


FLOOD = """
signals.install()
signal.signal(signal.SIGALRM, lambda *a: None)
try:
    say("ready")
    time.sleep(60)
except JobTerminated:
    pass
for turn in range(200000):
    os.kill(os.getpid(), signal.SIGALRM)
say("not blocked")
"""


def test_manyOtherSignalsAfterTheStopBlockNothing(start):
    """A pipe nobody drains fills up, and python then takes a lock inside its handler."""
    process = start(FLOOD)
    process.send_signal(signal.SIGTERM)
    assert end(process) == (0, ["not blocked"])


def test_aSecondInstallDoesNothing(start):
    process = start("import threading\nsignals.install()\nsignals.install()\nsay('ready')\ntime.sleep(0.4)\n"
                    "say(threading.active_count())\n")
    assert end(process) == (0, ["2"])


NEVER_NOTICED = """
import ctypes, threading
signals.install()
lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(64)
def sayWhenItHangs():
    asleep = 0
    while asleep < 5:
        time.sleep(0.02)
        with open("/proc/self/task/%d/stat" % os.getpid()) as handle:
            asleep = asleep + 1 if ") S " in handle.read() else 0
    say("ready")
threading.Thread(target=sayWhenItHangs).start()
# A mutex locked twice by the same thread: no signal ends the wait.
while True:
    lock(mutex)
"""


def test_aMainThreadThatNeverRunsPythonCodeAgainIsEndedAfterTheLastResort(start):
    process = start(NEVER_NOTICED, repeatAfter=0.5, overdueAfter=1.0)
    process.send_signal(signal.SIGTERM)
    status, said = end(process)
    assert (status, said) == (128 + 15, ["last resort 15"])


def test_aFirstSignalAfterTheHoldRaisesNothing(start):
    process = start("signals.install()\nsignals.hold()\nsay('ready')\ntime.sleep(0.4)\nsay('done', signals.received)\n")
    process.send_signal(signal.SIGTERM)
    assert end(process) == (0, ["done 15"])


SWALLOW = """
signals.install()
for turn in range(%d):
    try:
        if turn == 0:
            say("ready")
        time.sleep(60)
    except:
        say("swallowed")
"""


def test_anExceptionSwallowedIsRaisedOnceMore(start):
    process = start(SWALLOW % 2, repeatAfter=0.5)
    process.send_signal(signal.SIGTERM)
    assert end(process) == (0, ["swallowed", "swallowed"])


def test_aMainThreadThatNeverEndsIsEndedAfterTheLastResort(start):
    process = start(SWALLOW % 5, repeatAfter=0.5, overdueAfter=1.0)
    begin = time.time()
    process.send_signal(signal.SIGTERM)
    assert end(process) == (128 + signal.SIGTERM, ["swallowed", "swallowed", "last resort 15"])
    assert 0.9 < time.time() - begin < 10


def test_aReportThatTakesTooLongIsEndedToo(start):
    process = start("signals.install()\nsignals.hold()\nsay('ready')\ntime.sleep(60)\n", repeatAfter=0.3,
                    overdueAfter=0.6)
    process.send_signal(signal.SIGINT)
    assert end(process) == (128 + signal.SIGINT, ["last resort 2"])


@pytest.mark.parametrize("body", ["raise OSError('no space')", "time.sleep(60)"], ids=["fails", "hangs"])
def test_aLastResortThatFailsOrHangsDoesNotKeepTheProcess(start, body):
    code = "def broken(number):\n    %s\nsignals.lastResort = broken\n" % body + SWALLOW % 5
    process = start(code, repeatAfter=0.3, overdueAfter=0.6)
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 128 + signal.SIGTERM


def test_theTimesLeaveRoomBeforeHTCondorsKill():
    from WMCore.WMRuntime import StopSignals
    # Stopping a child takes ten seconds by default; HTCondor's KILL comes after thirty at the earliest.
    assert 10 < StopSignals.REPEAT_AFTER < StopSignals.OVERDUE_AFTER
    assert StopSignals.OVERDUE_AFTER + StopSignals.LAST_RESORT_TIME < 30
