"""How a child process is started, waited for and stopped."""
import os
import signal
import sys
import threading
import time

import pytest

from WMCore.WMRuntime.Errors import JobTerminated
from WMCore.WMRuntime.Tools.ChildProcess import groupAlive, runCaptured, runChild


def bash(script, **options):
    return runCaptured(["/bin/bash", "-c", script], **options)


def untilGone(pid, seconds=5):
    """Wait until a process is gone or only its zombie is left; return whether it is."""
    end = time.time() + seconds
    while time.time() < end:
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as handle:
                if handle.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("code", [0, 1, 7, 65, 139, 255])
def test_theReturnCodeIsTheChildsOwn(code):
    ended, _, _ = bash("exit %d" % code)
    assert (ended.returnCode, ended.signal, ended.ok) == (code, None, code == 0)


def test_section2_1_1a_aFastChildsFailureIsNeverLost_11665():
    # wait4 beside Popen.wait turned one failure in 300 of a bare /bin/false into success (#11665).
    assert {runChild(["/bin/false"]).returnCode for _ in range(300)} == {1}


def test_aSignalIsNoReturnCode():
    ended, _, _ = bash("kill -SEGV $$")
    assert (ended.returnCode, ended.signal, ended.shellCode, ended.ok) == (None, signal.SIGSEGV, 139, False)


def test_section2_1_1c_outputGoesToTheFileWhileItIsProduced(tmp_path):
    log = tmp_path / "log"
    seen = []

    def look(_):
        def read():
            end = time.time() + 10
            while time.time() < end and not seen:
                if log.exists() and log.read_text() == "early\n":
                    seen.append(True)
                    (tmp_path / "go").touch()
                time.sleep(0.01)
        threading.Thread(target=read, daemon=True).start()

    script = "echo early; for i in $(seq 1000); do [ -e %s ] && exit 0; sleep 0.01; done; exit 9" % (tmp_path / "go")
    ended = runChild(["/bin/bash", "-c", script], stdout=str(log), stderr=str(log), onStart=look)
    assert ended.returnCode == 0 and seen


def test_oneFileForBothStreamsKeepsTheirOrder(tmp_path):
    log = str(tmp_path / "log")
    runChild(["/bin/bash", "-c", "echo a; echo b >&2; echo c"], stdout=log, stderr=log)
    with open(log, encoding="utf-8") as handle:
        assert handle.read() == "a\nb\nc\n"


def test_theTimeLimitStopsAChildThatIgnoresTerm():
    ended, out, _ = bash("trap '' TERM; echo started; sleep 60", timeout=0.5, stopGrace=0.2)
    assert ended.timedOut and ended.signal == signal.SIGKILL and not ended.ok and out == "started\n"


def test_issue12439_theTimeLimitStopsGrandchildrenToo(tmp_path):
    pidFile = tmp_path / "pid"
    ended, _, _ = bash("sleep 60 & echo $! >%s; wait" % pidFile, timeout=0.5, stopGrace=2)
    assert ended.timedOut
    assert untilGone(int(pidFile.read_text()))
    assert not groupAlive(ended.pid)


def test_aStoppedChildIsEndedToo():
    ended, _, _ = bash("kill -STOP $$; exit 0", timeout=0.3, stopGrace=2)
    assert ended.timedOut and ended.signal == signal.SIGTERM


def test_anExceptionEndsTheChildAndPassesOn(tmp_path):
    pids = []

    def interrupt(pid):
        pids.append(pid)
        raise JobTerminated(signal.SIGTERM)

    with pytest.raises(JobTerminated):
        runChild(["/bin/sleep", "60"], onStart=interrupt, stopGrace=2)
    assert untilGone(pids[0])


def test_usageIsTheChilds():
    ended = runChild([sys.executable, "-c", "sum(range(3000000))"])
    assert 0 < ended.userTime < 60 and ended.startTime <= ended.endTime and ended.maxRss > 1000000


def test_inputReachesTheChildAndNothingIsInherited():
    assert bash("cat", stdin=b"text\n")[1] == "text\n"
    assert bash("cat")[1] == ""


def test_longOutputIsCutInTheMiddleAndSaysSo():
    ended, out, _ = bash("echo first; head -c 2000000 /dev/zero | tr '\\0' x; echo; echo last", maxBytes=1000)
    assert ended.ok and len(out) < 1100
    assert out.startswith("first\n") and out.endswith("last\n") and "bytes left out" in out


def test_undecodableOutputBecomesText():
    assert bash(r"printf 'a\377b'")[1] == "a\ufffdb"


def test_aMissingProgramRaises():
    with pytest.raises(OSError):
        runChild(["/nonexistent/program"])


def test_theChildLeadsItsOwnSession():
    ended, out, _ = runCaptured([sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"])
    assert ended.ok and out == "True\n"


def test_noDescriptorIsLeaked():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        bash("exit 1")
    assert len(os.listdir("/proc/self/fd")) == before
