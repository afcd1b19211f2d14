"""
Test what the job wrapper leaves behind: unpacking, report, exit code, throttle, what is printed.
"""
import os
import re
import stat
import sys
import time

import pytest

from WMCore_t.WrapperNode import SUCCESS, TIMESTAMPS, WRAPPER, WrapperNode, checkFiles, readError, readReport


@pytest.fixture
def node(tmp_path):
    """
    Give a node with one python and a sandbox whose job succeeds.
    """
    made = WrapperNode(tmp_path)
    made.addPython("3.8.2-comp")
    made.addSandbox()
    return made


class TestUnpacking(object):
    """
    Exit code 11006: the Unpacker's exit status is obeyed.
    """

    @pytest.mark.parametrize("part, text", [(0, "0 bytes"), (300, "damaged")])
    def test_truncatedOrEmptySandboxEndsTheJob7755And7025(self, node, part, text):
        whole = (node.start / "S.tar.bz2").read_bytes()
        (node.start / "S.tar.bz2").write_bytes(whole[:part])
        outcome = node.run()
        assert outcome.status == 11006 & 255 == 254
        code, name, details = readError(node.start / "Report.0.pkl")
        assert (code, name) == (11006, "UnpackFailed")
        assert "S.tar.bz2" in details and text in details and "what to do" in details
        assert "WMAgent Run the job" not in outcome.output
        checkFiles(node)

    def test_missingUnpacker(self, node):
        (node.start / "Unpacker.py").unlink()
        assert node.run().status == 254
        assert "Unpacker.py ended with status 2 " in readError(node.start / "Report.0.pkl")[2]

    @pytest.mark.parametrize("program", ["import sys; sys.exit(7)", "import os; os.kill(os.getpid(), 9)", "syntax error"])
    def test_unpackerThatLeavesNoReport(self, node, program):
        (node.start / "Unpacker.py").write_text(program)
        assert node.run().status == 254
        assert "Unpacker.py ended with status" in readError(node.start / "Report.0.pkl")[2]

    def test_unpackerThatMakesNoJobDirectory(self, node):
        (node.start / "Unpacker.py").write_text("pass\n")
        assert node.run().status == 254
        assert "cannot enter" in readError(node.start / "Report.0.pkl")[2]

    def test_hangingUnpackerIsGivenUp(self, node):
        (node.start / "Unpacker.py").write_text("import time; time.sleep(600)\n")
        assert node.run(WMA_UNPACK_TIMEOUT_SECS="1").status == 254

    def test_sandboxNameWithBlanksAndShellCharacters(self, node):
        node.addSandbox(name="my $(touch evil) 'S'.tar.bz2")
        assert node.run("my $(touch evil) 'S'.tar.bz2", "1", "0").status == 0
        assert not (node.start / "evil").exists()


class TestReport(object):
    """
    Which report comes back, and the exit code.
    """

    @pytest.mark.parametrize("status", [1, 65, 81, 195])
    def test_exitCodeIsStartups(self, node, status):
        node.addSandbox(SUCCESS + "sys.exit(%d)\n" % status)
        assert node.run().status == status
        assert readReport(node.start / "Report.0.pkl").steps == ["cmsRun1"]

    def test_startupWithoutAnyReport(self, node):
        node.addSandbox("sys.exit(4)\n")
        outcome = node.run()
        assert outcome.status == 4
        code, name, details = readError(node.start / "Report.0.pkl")
        assert (code, name) == (11007, "NoReportOfItsOwn") and "status 4" in details
        checkFiles(node)

    def test_successWithoutAReportIsNoSuccess(self, node):
        node.addSandbox("")
        assert node.run().status == 255
        assert readError(node.start / "Report.0.pkl")[0] == 11007

    def test_startupKilled(self, node):
        node.addSandbox("os.kill(os.getpid(), 9)\n")
        assert node.run().status == 137
        assert "status 137 " in readError(node.start / "Report.0.pkl")[2]

    @pytest.mark.parametrize("damage", ["b''", "b'\\x80\\x03c'", "b'(dp0\\n.'", "open('../Report.0.pkl','rb').read()[:-40]"])
    def test_unreadableFinalReportIsNotBroughtBack11817(self, node, damage):
        node.addSandbox('save("../Report.0.pkl", "early")\nos.makedirs("WMTaskSpace")\n'
                        'open("WMTaskSpace/Report.0.pkl", "wb").write(%s)\nsys.exit(9)\n' % damage)
        assert node.run().status == 9
        assert readReport(node.start / "Report.0.pkl").steps == ["early"]
        checkFiles(node)

    def test_hostilePickleIsNotExecutedByTheCheck(self, node):
        node.addSandbox('os.makedirs("WMTaskSpace")\n'
                        'open("WMTaskSpace/Report.0.pkl", "wb").write(b"cos\\nmkdir\\n(V../evil\\ntR.")\nsys.exit(9)\n')
        assert node.run().status == 9
        assert not (node.start / "evil").exists() and readError(node.start / "Report.0.pkl")[0] == 11007

    def test_earlyReportWithAnErrorIsKept(self, node):
        node.addSandbox('save("../Report.0.pkl", "CRITICAL")\nsys.exit(1)\n')
        assert node.run().status == 1
        assert readReport(node.start / "Report.0.pkl").completed is True

    def test_reportWithoutStepsIsReplaced(self, node):
        node.addSandbox('save("../Report.0.pkl", None)\nsys.exit(1)\n')
        assert node.run().status == 1
        assert readError(node.start / "Report.0.pkl")[0] == 11007

    @pytest.mark.parametrize("place", ["../Report.0.pkl", "WMTaskSpace/Report.0.pkl", "Report.0.pkl"])
    def test_goodReportIsKeptOnAFullDisk(self, node, place):
        node.addPython("3.9.1", script='#!/bin/sh\ncase $* in *Timestamps.py*) ulimit -f 0 ;; esac\nexec "%s" -S "$@"\n'
                       % sys.executable)
        node.addSandbox("save(%r)\n" % place)
        outcome = node.run()
        assert outcome.status == 0 and "no WMTiming section: OSError: [Errno 27] File too large" in outcome.output
        assert readReport(node.start / "Report.0.pkl").steps == ["cmsRun1"]
        checkFiles(node)

    def test_checkOfAReportNeedsNoTemporaryFile(self):
        with open(WRAPPER) as handle:
            assert not re.search(r"^[^#]*<<\s*'?[A-Z]", handle.read(), re.MULTILINE), \
                "on a full disk bash 4.2 cannot give a here-document, and an empty check accepts anything"

    def test_timestampsComeFromTheJobDirectoryNotFromHome11718(self, node):
        wrong = node.home / "job" / "Utils"
        wrong.mkdir(parents=True)
        (wrong / "Timestamps.py").write_text("raise RuntimeError('the wrong one')\n")
        outcome = node.run()
        assert outcome.status == 0 and "the wrong one" not in outcome.output
        assert readReport(node.start / "Report.0.pkl").workload == "timed"

    @pytest.mark.parametrize("program", [
        None, "raise RuntimeError('no')", "import sys\nopen(sys.argv[1].split('=')[1], 'w')", "raise SystemExit('no')",
        "import os\nos._exit(3)", "import os\nos.kill(os.getpid(), 9)", "import sys\nsys.stdout.close()\nsys.exit(2)",
        "import os, sys\nos.remove(sys.argv[1].split('=')[1])"])
    def test_timestampsThatFailCostNothingButTheTiming(self, node, program):
        node.addSandbox(timestamps=program)
        outcome = node.run()
        assert outcome.status == 0 and "no WMTiming section" in outcome.output
        assert readReport(node.start / "Report.0.pkl").steps == ["cmsRun1"]
        checkFiles(node)

    def test_whatTimestampsLeavesRunningIsNotWaitedFor(self, node):
        node.addSandbox(timestamps="import subprocess\nsubprocess.Popen(['sleep', '30'])\n" + TIMESTAMPS)
        begin = time.time()
        assert node.run().status == 0 and time.time() - begin < 20
        assert readReport(node.start / "Report.0.pkl").workload == "timed"

    def test_pythonThatIsGoneAtTheEndLeavesAReportOfTheWrapper(self, node):
        node.addSandbox(SUCCESS + "import shutil\nshutil.rmtree(os.environ['PYTHON3_ROOT'])\n")
        init = node.addPython("3.9.1") / "etc/profile.d/init.sh"
        init.write_text(init.read_text() + "export PYTHON3_ROOT\n")
        outcome = node.run()
        assert outcome.status == 255 and "is not brought back: timeout: " in outcome.output
        assert readError(node.start / "Report.0.pkl")[0] == 11007
        checkFiles(node)

    def test_upstreamsTimestampsAddsTheTiming(self, node):
        pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")
        Timestamps = pytest.importorskip("Utils.Timestamps", reason="needs WMCore")
        path = os.environ.get("PYTHONPATH", "")
        with open(Timestamps.__file__) as handle:
            node.addSandbox("from WMCore.FwkJobReport.Report import Report\nos.mkdir('WMTaskSpace')\n"
                            "Report('cmsRun1').save('WMTaskSpace/Report.0.pkl')\n", timestamps=handle.read())
        path = os.pathsep.join(os.path.abspath(entry) for entry in path.split(os.pathsep) if entry)
        outcome = node.run(PYTHONPATH=path)
        assert outcome.status == 0, outcome.output
        timing = readReport(node.start / "Report.0.pkl").WMTiming
        assert timing.WMTotalWallClockTime >= 0

    def test_wrappersReportIsWhatUpstreamsWouldBe(self, node):
        Report = pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")
        from WMCore_t.WMRuntime_t.Unpacker_t import plainData
        ad = node.directory / "job.ad"
        ad.write_text('MachineAttrGLIDEIN_CMSSite0 = "T2_XX_Test"\n')
        node.run("", "1", "0", _CONDOR_JOB_AD=str(ad))
        code, name, details = readError(node.start / "Report.0.pkl")
        ours = Report.Report()
        ours.load(str(node.start / "Report.0.pkl"))
        theirs = Report.Report()
        theirs.data.completed = False
        theirs.data.hostName = os.uname().nodename
        theirs.data.siteName = "T2_XX_Test"
        theirs.addError("CRITICAL", code, name, details)
        assert plainData(ours.data) == plainData(theirs.data)
        assert ours.getExitCode() == 11001 and not ours.taskSuccessful() and ours.__to_json__(None)

    def test_wrappersReportAndUnpackersAreEqual(self, node, monkeypatch):
        from WMCore.WMRuntime import Unpacker
        from WMCore_t.WMRuntime_t.Unpacker_t import plainData
        node.run("", "1", "0")
        code, name, details = readError(node.start / "Report.0.pkl")
        monkeypatch.delenv("WMRUNTIME_SITE_NAME", raising=False)
        twin = node.directory / "twin.pkl"
        twin.write_bytes(Unpacker.reportPickle(code, name, details))
        ours, other = readReport(node.start / "Report.0.pkl"), readReport(twin)
        assert vars(ours).keys() == vars(other).keys()
        assert plainData(ours) == plainData(other)


class TestThrottle(object):
    """
    A failed job lasts a while (#7232).
    """

    def test_failedJobLastsTheFloor7232(self, node):
        begin = time.time()
        outcome = node.run("", WMA_MIN_JOB_RUNTIMESECS="3")
        assert 2 <= time.time() - begin < 20 and "to last 3 s" in outcome.output

    def test_successDoesNotSleep(self, node):
        begin = time.time()
        assert node.run(WMA_MIN_JOB_RUNTIMESECS="300").status == 0
        assert time.time() - begin < 60

    def test_floorIsFiveMinutesWhenNotSet(self, node):
        process = node.begin("", WMA_MIN_JOB_RUNTIMESECS=None)
        end = time.time() + 20
        while "to last 300 s" not in node.output() and time.time() < end:
            time.sleep(0.05)
        process.terminate()
        outcome = node.finish(process, 20)
        assert outcome.status == 249 and "to last 300 s" in outcome.output, "a signal ends the sleep, the code stays"


class TestSecrets(object):
    """
    What is printed.
    """

    def test_secretsAreMasked(self, node):
        ad = node.directory / "job.ad"
        ad.write_text('Owner = "cms"\nMachineAttrGLIDEIN_CMSSite0 = "T2_XX_Test"\nClaimId = "hidden1"\n'
                      'x509userproxy = "hidden2"\nEnvironment = "A=1 MY_TOKEN=hidden3 B=\'x hidden4\'"\nArgs = "a"')
        creds = node.directory / "hidden5"
        creds.mkdir()
        (creds / "cms.use").write_text("hidden6")
        outcome = node.run(_CONDOR_JOB_AD=str(ad), _CONDOR_CREDS=str(creds), MY_TOKEN="hidden7", X509_USER_PROXY="hidden8",
                           DB_PASSWORD="hidden9", my_secret="hidden10", PLAIN="shown\nCMS_X=1")
        assert outcome.status == 0
        assert "hidden" not in outcome.output and "hidden" not in (node.start / "wmagentJob.log").read_text()
        assert "  PLAIN=$'shown\\nCMS_X=1'\n" in outcome.output
        assert "Site name:  T2_XX_Test" in outcome.output
        lines = [line for line in outcome.output.splitlines() if re.match(r"  (Owner|Args|ClaimId|x509)", line)]
        assert lines == ['  Args = "a"', "  ClaimId = (not shown)", '  Owner = "cms"', "  x509userproxy = (not shown)"]

    def test_tokenIsUsedAndDescribedWhenTheToolIsThere(self, node):
        creds = node.directory / "creds"
        creds.mkdir()
        (creds / "cms.use").write_text("secret")
        tools = node.directory / "tools"
        tools.mkdir()
        node.addSandbox('open("../token", "w").write(os.environ["BEARER_TOKEN_FILE"])\n' + SUCCESS)
        outcome = node.run(_CONDOR_CREDS=str(creds))
        assert "httokendecode did not describe the CMS token (127" in outcome.output, "'command -v httokendecode ls' was always true"
        assert (node.start / "token").read_text() == str(creds / "cms.use")
        (tools / "httokendecode").write_text("#!/bin/sh\necho claims of $1\n")
        (tools / "httokendecode").chmod(0o755)
        outcome = node.run(_CONDOR_CREDS=str(creds), PATH="%s:/usr/bin:/bin" % tools)
        assert "claims of -H" in outcome.output


class TestExpectedFiles(object):
    """
    Report and log exist on every exit path (#6923, PR #8447).
    """

    def test_logHasTheReasonInStartupsOwnForm8447(self, node):
        node.run("")
        log = (node.start / "wmagentJob.log").read_text()
        assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}:ERROR:submit_py3:no sandbox given.*11001", log, re.MULTILINE)

    def test_existingLogIsAppendedTo(self, node):
        (node.start / "wmagentJob.log").write_text("before\n")
        node.run("")
        assert (node.start / "wmagentJob.log").read_text().startswith("before\n")

    def test_startDirectoryThatCannotBeWritten(self, node):
        (node.start / "Report.0.pkl").mkdir()
        (node.start / "Report.0.pkl" / "in the way").mkdir()
        outcome = node.run()
        assert outcome.status == 255 and "cannot write %s" % (node.start / "Report.0.pkl") in outcome.output
        assert "WMAgent Run the job" not in outcome.output

    def test_startEnvironmentIsPrivate(self, node):
        node.run("")
        assert stat.S_IMODE((node.start / "startup_environment.sh").stat().st_mode) == 0o600
