"""
Test what the job wrapper does when the job is stopped: the signal is passed on, the report comes back, nothing sleeps.
"""
import os
import signal
import subprocess
import time

import pytest

from WMCore_t.WrapperNode import SUCCESS, WrapperNode, readError, readReport

# a Startup that, told to stop, takes a while and then writes its report
POLITE = '''
def stop(number, frame):
    time.sleep(0.2)
    with open("../signals", "a") as handle:
        handle.write("%d\\n" % number)
    save("WMTaskSpace/Report.0.pkl", "stopped")
    sys.exit(81)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, stop)
open("../ready", "w").close()
while True:
    time.sleep(0.1)
'''
STUBBORN = '''
import subprocess
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
with open("../pids", "w") as handle:
    handle.write("%d %d" % (os.getpid(), child.pid))
os.rename("../pids", "../ready")
while True:
    time.sleep(0.1)
'''
# a step as main.sh runs it: in a session of its own, process.id holds the number of the payload
STEP = '''
import subprocess
os.makedirs("WMTaskSpace/cmsRun1")
step = subprocess.Popen(["bash", "-c", "%s\\nsleep 1000 & echo $! > process.id; wait $!; wait"], cwd="WMTaskSpace/cmsRun1",
                        start_new_session=True)
while not (os.path.exists("WMTaskSpace/cmsRun1/process.id") and open("WMTaskSpace/cmsRun1/process.id").read()):
    time.sleep(0.02)
with open("../pids", "w") as handle:
    handle.write("%%d %%s" %% (step.pid, open("WMTaskSpace/cmsRun1/process.id").read()))
'''
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]


@pytest.fixture
def node(tmp_path):
    """
    Give a node with one python; failed jobs would sleep five minutes on it.
    """
    made = WrapperNode(tmp_path)
    made.addPython("3.8.2-comp")
    return made


def isAlive(pid):
    """
    Tell whether a process is there and no zombie.
    """
    try:
        with open("/proc/%d/stat" % pid) as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except EnvironmentError:
        return False


def begin(node, startup, **changes):
    """
    Start the wrapper and wait until Startup runs.
    """
    node.addSandbox(startup)
    process = node.begin("S.tar.bz2", "1", "0", WMA_MIN_JOB_RUNTIMESECS="300", **changes)
    node.waitFor("ready")
    return process


@pytest.mark.parametrize("number, status", SIGNALS)
def test_signalIsForwardedOnceAndTheReportComesBack(node, number, status):
    process = begin(node, POLITE)
    start = time.time()
    os.kill(process.pid, number)
    outcome = node.finish(process, 30)
    assert outcome.status == status, outcome.output
    assert time.time() - start < 15, "no throttle sleep follows a kill"
    assert "sleeping" not in outcome.output and "killing it" not in outcome.output
    assert (node.start / "signals").read_text() == "%d\n" % number
    assert readReport(node.start / "Report.0.pkl").steps == ["stopped"]
    assert (node.start / "job").is_dir(), "nothing is removed"
    assert [n for n in os.listdir(str(node.start)) if ".tmp" in n] == []


def test_signalToAllProcessesAtOnceIsNoRaceOnTheReport4699(node):
    process = begin(node, POLITE)
    pids = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as handle:
                    session = handle.read().rsplit(")", 1)[1].split()[3]
            except EnvironmentError:
                continue
            if int(session) == process.pid:
                pids.append(int(name))
    assert len(pids) >= 2
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    outcome = node.finish(process, 30)
    assert outcome.status == 143
    assert readReport(node.start / "Report.0.pkl").steps == ["stopped"]


def test_secondSignalChangesNothing(node):
    process = begin(node, POLITE)
    for _ in range(3):
        process.terminate()
        time.sleep(0.1)
    assert node.finish(process, 30).status == 143
    assert (node.start / "signals").read_text() == "15\n"
    assert readReport(node.start / "Report.0.pkl").steps == ["stopped"]


def test_startupThatDoesNotStopIsKilledWithItsChildrenElsewhere(node):
    process = begin(node, STUBBORN, WMA_STOP_GRACE_SECS="1")
    pids = [int(word) for word in (node.start / "ready").read_text().split()]
    start = time.time()
    process.terminate()
    outcome = node.finish(process, 30)
    assert outcome.status == 143 and time.time() - start < 15, outcome.output
    assert areGone(pids)
    code, name, details = readError(node.start / "Report.0.pkl")
    assert (code, name) == (50669, "StoppedBySignal") and "SIGTERM" in details


def areGone(pids, seconds=5):
    """
    Tell whether processes are gone, soon.
    """
    end = time.time() + seconds
    while any(isAlive(pid) for pid in pids) and time.time() < end:
        time.sleep(0.05)
    return not any(isAlive(pid) for pid in pids)


@pytest.mark.parametrize("trap, end, status", [
    ("", "os.kill(os.getpid(), 9)", 137), ("", "os._exit(3)", 3),
    pytest.param("trap '' TERM", "os.kill(os.getpid(), 9)", 137, marks=pytest.mark.slow)])
def test_stepOfAStartupThatDiedAloneIsStopped(node, trap, end, status):
    node.addSandbox(STEP % trap + end + "\n")
    outcome = node.run()
    pids = [int(word) for word in (node.start / "pids").read_text().split()]
    assert len(pids) == 2 and areGone(pids), outcome.output
    assert outcome.status == status and "left steps running: SIGTERM" in outcome.output
    assert ("SIGKILL" in outcome.output) == bool(trap)
    assert readError(node.start / "Report.0.pkl")[0] == 11007


def test_processElsewhereIsNotTakenForAStep(node):
    other = subprocess.Popen(["sleep", "1000"], cwd=str(node.directory), start_new_session=True)
    try:
        numbers = [str(other.pid), "0", "-1", "1", "", "x", "999999999", "$(touch evil)", "1 2"]
        node.addSandbox('for step, number in enumerate(%r):\n    os.makedirs("WMTaskSpace/cmsRun%%d" %% step)\n'
                        '    with open("WMTaskSpace/cmsRun%%d/process.id" %% step, "w") as handle:\n'
                        '        handle.write(number + "\\n")\n%s' % (numbers, SUCCESS))
        outcome = node.run()
        assert outcome.status == 0 and "left steps running" not in outcome.output
        assert isAlive(other.pid) and not (node.start / "job" / "evil").exists()
    finally:
        other.kill()
        other.wait()


def test_startupWithoutAReportGivesTheSignalsCode(node):
    process = begin(node, 'open("../ready", "w").close()\ntime.sleep(1000)\n')
    process.terminate()
    assert node.finish(process, 30).status == 143
    assert readError(node.start / "Report.0.pkl")[0] == 50669


def test_earlyReportOfStartupIsKeptOnAKill(node):
    process = begin(node, 'save("../Report.0.pkl", "early")\nopen("../ready", "w").close()\ntime.sleep(1000)\n')
    process.terminate()
    assert node.finish(process, 30).status == 143
    assert readReport(node.start / "Report.0.pkl").steps == ["early"]


def test_startupThatEndsWellAfterTheSignal(node):
    process = begin(node, 'signal.signal(signal.SIGTERM, lambda *a: None)\nopen("../ready", "w").close()\n'
                          'time.sleep(0.5)\n' + SUCCESS)
    process.terminate()
    assert node.finish(process, 30).status == 143
    assert readReport(node.start / "Report.0.pkl").steps == ["cmsRun1"]


def test_killedWrapperLeavesALoadableReportAndTheLog(node):
    process = begin(node, 'open("../ready", "w").write(str(os.getpid()))\ntime.sleep(1000)\n')
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    node.waitFor("ready")
    os.kill(int((node.start / "ready").read_text()), signal.SIGKILL)
    code, name, details = readError(node.start / "Report.0.pkl")
    assert (code, name) == (11007, "NoReportOfItsOwn") and "killed" in details
    assert (node.start / "wmagentJob.log").stat().st_size > 0


@pytest.mark.parametrize("where", ["cmsset", "unpacker"])
def test_signalDuringTheBootstrap(node, where):
    node.addSandbox()
    if where == "cmsset":
        (node.cms / "cmsset_default.sh").write_text('touch "%s/ready"\nsleep 1000\n' % node.start)
    else:
        (node.start / "Unpacker.py").write_text("import time\nopen('ready', 'w').close()\ntime.sleep(1000)\n")
    process = node.begin("S.tar.bz2", "1", "0", WMA_MIN_JOB_RUNTIMESECS="300")
    node.waitFor("ready")
    start = time.time()
    process.terminate()
    outcome = node.finish(process, 30)
    assert outcome.status == 143 and time.time() - start < 10, outcome.output
    code, _, details = readError(node.start / "Report.0.pkl")
    assert code == 50669 and "stopped by SIGTERM" in details
    assert (node.start / "wmagentJob.log").exists()


def test_signalDuringThePythonSearch(node):
    node.addSandbox()
    node.addPython("3.9.1", script='#!/bin/sh\ntouch "%s/ready"\nsleep 30\nexit 1\n' % node.start)
    process = node.begin("S.tar.bz2", "1", "0", WMA_MIN_JOB_RUNTIMESECS="300")
    node.waitFor("ready")
    process.terminate()
    assert node.finish(process, 30).status == 143
    assert readError(node.start / "Report.0.pkl")[0] == 50669


def test_signalWhileTheReportIsBroughtBack(node):
    node.addSandbox(timestamps='import time\nopen("../ready", "w").close()\ntime.sleep(0.5)\n')
    process = node.begin("S.tar.bz2", "1", "0")
    node.waitFor("ready")
    process.terminate()
    assert node.finish(process, 30).status == 143
    assert readReport(node.start / "Report.0.pkl").steps == ["cmsRun1"]
