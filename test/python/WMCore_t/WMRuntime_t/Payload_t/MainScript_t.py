"""Tests of `<step>-main.sh` with a SCRAM and a cmsRun of their own: two shell scripts, no release."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import attr
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Payload.ExecutableChoice import ExecutableRequest
from WMCore.WMRuntime.Payload.MainScript import MainArguments, extraArguments, mainScript, writeMainScript
from WMCore.WMRuntime.Payload.PayloadExit import readPayloadExit
from WMCore_t.Counts import examples

ARCH, RELEASE = "el8_amd64_gcc12", "CMSSW_13_0_3"

SCRAM = """#!/bin/bash
# Fakes scram: makes an empty area, prints one variable; SCRAM_FAILS names the part that fails.
echo "$@" >> "$CALLS"
case $1 in
    project) [ "$SCRAM_FAILS" = project ] && exit 9; [ "$SCRAM_FAILS" = enter ] || mkdir -p "$3" ;;
    runtime) [ "$SCRAM_FAILS" = runtime ] && exit 9; echo 'export FROM_SCRAM="yes; it is";' ;;
esac
exit 0
"""

CMSRUN = """#!/bin/bash
# Fakes cmsRun: writes what it got to seen.txt and ends with CMSRUN_EXIT.
{ printf '%s\\n' "$@"; echo "FROM_SCRAM=$FROM_SCRAM"; echo "SCRAM_ARCH=$SCRAM_ARCH"
  echo "FRONTIER_LOG_LEVEL=$FRONTIER_LOG_LEVEL"; echo "SETUP=$SETUP"; } > seen.txt
echo to stdout; echo to stderr >&2
exit "${CMSRUN_EXIT:-0}"
"""


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


class Step(object):
    """A step's directory with its script, the fakes on the path."""

    def __init__(self, directory, bin):
        self.directory = directory
        self.environ = {"PATH": "%s:/usr/bin:/bin" % bin, "CALLS": str(bin / "calls.txt"), "HOME": "/"}
        self.calls = bin / "calls.txt"

    def arguments(self, setup="", executable="cmsRun", extra=()):
        return MainArguments(setup, ARCH, "scram", "CMSSW", RELEASE, "FrameworkJobReport.xml", executable, "PSet.py",
                             extra)

    def start(self, arguments=None, words=None, **environ):
        script = writeMainScript("cmsRun1", str(self.directory), arguments or self.arguments())
        words = (arguments or self.arguments()).words() if words is None else words
        return subprocess.Popen(["/bin/bash", script] + words, cwd=str(self.directory),
                                env=dict(self.environ, **environ), stdin=subprocess.DEVNULL, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)

    def run(self, *args, **environ):
        process = self.start(*args, **environ)
        self.stdout, self.stderr = process.communicate(timeout=30)
        return process.returncode

    @property
    def status(self):
        """What the file says when the script has ended."""
        return json.loads((self.directory / "cmsRun1-status.json").read_text())

    @property
    def statusNow(self):
        """What the file says while the script runs, or after it was killed."""
        return readPayloadExit(str(self.directory / "cmsRun1-status.json"))

    @property
    def seen(self):
        return (self.directory / "seen.txt").read_text().splitlines()


@pytest.fixture
def step(tmp_path):
    bin = tmp_path / "bin"
    bin.mkdir()
    program(bin / "scram", SCRAM)
    program(bin / "cmsRun", CMSRUN)
    directory = tmp_path / "step dir"
    directory.mkdir()
    return Step(directory, bin)


def session(step, release=RELEASE, arch=ARCH, area=None):
    area = area or str(step.directory / RELEASE)
    (step.directory / "scramSession.sh").write_text(
        "# stored by a test\n#\nSCRAM_SESSION_RELEASE='%s'; SCRAM_SESSION_ARCH='%s'; SCRAM_SESSION_AREA='%s'\n"
        "unset CALLS\nexport FROM_SCRAM='the session'\n" % (release, arch, area))


def waitFor(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "what is waited for does not happen"
        time.sleep(0.01)


def testScriptIsCleanUnderShellcheck(step):
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    path = writeMainScript("cmsRun1", str(step.directory), step.arguments(". /a b/setup.sh"))
    result = subprocess.run([shellcheck, path], stdout=subprocess.PIPE, universal_newlines=True)
    assert result.stdout == "" and result.returncode == 0


def testSuccessLeavesStatusProcessIdAndEnvironment(step):
    assert step.run() == 0
    assert step.seen == ["-j", "FrameworkJobReport.xml", "PSet.py", "FROM_SCRAM=yes; it is", "SCRAM_ARCH=" + ARCH,
                         "FRONTIER_LOG_LEVEL=warning", "SETUP="]
    status = step.status
    assert status == {"stage": "payload", "exitCode": 0, "signal": None, "executable": "cmsRun",
                      "pid": int((step.directory / "process.id").read_text())}
    assert step.calls.read_text().splitlines() == ["project CMSSW " + RELEASE, "runtime -sh"]
    assert sorted(name for name in os.listdir(str(step.directory)) if name.endswith(".new")) == []


def testOutputAndErrorsOfCmsRunShareTheOutputLog(step):
    step.run()
    assert "to stdout" in step.stdout and "to stderr" in step.stdout
    assert step.stderr == ""


def testArgumentsAfterTheEighthArePassedToCmsRun(step):
    assert step.run(step.arguments(extra=("maxEvents=3", "two words", "", "$HOME"))) == 0
    assert step.seen[:7] == ["-j", "FrameworkJobReport.xml", "PSet.py", "maxEvents=3", "two words", "", "$HOME"]


@pytest.mark.parametrize("fails, code, stage", [("project", 71, "project"), ("enter", 72, "enter"),
                                                ("runtime", 73, "runtime")])
def testScramFailuresHaveTheirOwnStageAndStatus(step, fails, code, stage):
    """A failing `scram runtime` without output passed upstream: eval of nothing is a success."""
    assert step.run(SCRAM_FAILS=fails) == code
    assert (step.status["stage"], step.status["exitCode"]) == (stage, code)
    assert not (step.directory / "seen.txt").exists()


@pytest.mark.parametrize("code", [70, 71, 72, 73])
def testSection2_2_8_cmsRunsOwn70To73CannotBeTakenForScrams_8026(step, code):
    assert step.run(CMSRUN_EXIT=str(code)) == code
    assert (step.status["stage"], step.status["exitCode"], step.status["signal"]) == ("payload", code, None)


@pytest.mark.parametrize("arch", [None, ""])
def testSection2_2_7_noArchIsNotAnArchCalledNone(step, arch):
    """A step may leave the arch to SCRAM; upstream's template does by default."""
    arguments = attr.evolve(step.arguments(), arch=arch)
    assert step.run(arguments, SCRAM_ARCH="site_default") == 0
    assert "SCRAM_ARCH=site_default" in step.seen
    session(step, arch="")
    step.calls.unlink()
    assert step.run(arguments) == 0
    assert not step.calls.exists() and "FROM_SCRAM=the session" in step.seen


def testCmsdist9361_theSitesPerlModulesReachCmsRunButNotScram(step):
    for name, text in (("scram", SCRAM), ("cmsRun", CMSRUN)):
        place = 'echo "%s <$PERL5LIB>" >> "%s/perl.txt"' % (name, step.directory)
        program(step.calls.parent / name, text.replace("#!/bin/bash\n", "#!/bin/bash\n%s\n" % place))
    assert step.run(PERL5LIB="/osg/perl") == 0
    assert (step.directory / "perl.txt").read_text().splitlines() == ["scram <>", "scram <>", "cmsRun </osg/perl>"]


def testTooFewArgumentsAreAUsageError(step):
    assert step.run(None, ["", ARCH, "scram", "CMSSW", RELEASE]) == 70
    assert "Usage" in step.stderr
    assert step.status["stage"] == "arguments"


@pytest.mark.parametrize("text, seen", [
    ("", ""), ("export SETUP=a; export SETUP=$SETUP/b", "a/b"), ('echo "Software Setup...";', ""),
    (". '{0}/set up.sh' prod", "prod 1"), ("declare -x SETUP=declared", "declared"), ("false", "")])
def testSetupIsShellTextInTheScriptsOwnShell(step, text, seen):
    (step.directory / "set up.sh").write_text('export SETUP="$1 $#"\n')
    assert step.run(step.arguments(text.format(step.directory))) == 0
    assert step.seen[-1] == "SETUP=" + seen


def testFileSourcedBySetupDoesNotGetTheScriptsArguments(step):
    (step.directory / "bare.sh").write_text('export SETUP="$#"\n')
    assert step.run(step.arguments(". ./bare.sh")) == 0
    assert step.seen[-1] == "SETUP=0"


def testSetupThatExitsIsNoSuccess(step):
    assert step.run(step.arguments("exit 0")) == 71
    assert (step.status["stage"], step.status["exitCode"]) == ("setup", 71)


def testMissingExecutableIs127AndOneThatMayNotBeExecutedIs126(step):
    assert step.run(step.arguments(executable="cmsRunNowhere")) == 127
    assert step.status["stage"] == "payload" and step.status["executable"] == "cmsRunNowhere"
    (step.directory / "plain").write_text("#!/bin/bash\n")
    assert step.run(step.arguments(executable="./plain")) == 126


def testExecutableMayHaveSpacesOrOptions(step):
    program(step.directory / "my cmsRun", CMSRUN)
    assert step.run(step.arguments(executable=str(step.directory / "my cmsRun"))) == 0
    assert step.run(step.arguments(executable="cmsRun -n 4")) == 0
    assert step.seen[:3] == ["-n", "4", "-j"]


def testQuotesInTheExecutableMeanNothingAndAllItsWordsAreTaken(step):
    assert step.run(step.arguments(executable='"cmsRun" -n 4')) == 127
    assert step.run(step.arguments(executable="cmsRun\n\t-n 4 ")) == 0
    assert ExecutableRequest.of("cmsRun\n\t-n 4 ").words == ("cmsRun", "-n", "4")


def testExecutableIsQuotedInTheStatusFile(step):
    assert step.run(step.arguments(executable='no"such\\thing\n')) == 127
    assert step.status["executable"] == 'no"such\\thing?'


def testSignalOfThePayloadIsInTheStatusFile(step):
    program(step.directory / "dies", "#!/bin/bash\nkill -SEGV $$\n")
    assert step.run(step.arguments(executable="./dies")) == 128 + 11
    assert (step.status["exitCode"], step.status["signal"]) == (139, 11)


def testStoredSessionSparesBothScramCalls(step):
    (step.directory / RELEASE).mkdir()
    session(step)
    assert step.run(step.arguments("echo not needed; exit 5")) == 0
    assert "FROM_SCRAM=the session" in step.seen
    assert not step.calls.exists()


@pytest.mark.parametrize("other", [{"release": "CMSSW_9_0_0"}, {"arch": "slc7_amd64_gcc700"}, {"area": "/nowhere/x"}])
def testSessionThatDoesNotFitIsNotUsed(step, other):
    (step.directory / RELEASE).mkdir()
    session(step, **other)
    assert step.run() == 0
    assert "FROM_SCRAM=yes; it is" in step.seen and "asking SCRAM" in step.stdout


def testBrokenSessionFileIsNotUsed(step):
    (step.directory / "scramSession.sh").write_text("if then '\n")
    assert step.run() == 0
    assert "FROM_SCRAM=yes; it is" in step.seen


@pytest.mark.parametrize("name", ["TERM", "INT", "USR2"])
def testSignalIsForwardedAndThePayloadsOwnStatusKept(step, name):
    program(step.directory / "waits", "#!/bin/bash\ntrap 'sleep 0.2; exit 9' %s\ntouch ready\n"
                                      "while :; do sleep 0.02; done\n" % name)
    process = step.start(step.arguments(executable="./waits"))
    waitFor((step.directory / "ready").exists)
    waitFor(lambda: step.statusNow.pid)
    assert step.statusNow.exitCode is None and step.statusNow.pid == int((step.directory / "process.id").read_text())
    process.send_signal(getattr(signal, "SIG" + name))
    process.communicate(timeout=10)
    assert process.returncode == 9
    assert (step.status["exitCode"], step.status["signal"]) == (9, None)


def testSignalBeforeThePayloadEndsTheScript(step):
    process = step.start(step.arguments("touch ready; sleep 0.5"))
    waitFor((step.directory / "ready").exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143
    assert (step.status["stage"], step.status["exitCode"]) == ("setup", 143)
    assert not (step.directory / "seen.txt").exists()


def killedScript(step, arguments, ready):
    """Let the script come to where `ready` is made, kill it, and stop what it started."""
    process = step.start(arguments)
    waitFor((step.directory / ready).exists)
    process.kill()
    process.wait()
    # On a busy machine the script is killed before it has started what waits.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)


@pytest.mark.parametrize("fake, stage", [("setup", "setup"), ("scram", "project"), ("cmsRun", "payload")])
def testKilledScriptLeavesTheStageItWasIn(step, fake, stage):
    waits = "#!/bin/bash\ntouch '%s/ready'\nsleep 60\n" % step.directory
    if fake != "setup":
        program(step.calls.parent / fake, waits)
    killedScript(step, step.arguments("touch ready; sleep 60" if fake == "setup" else ""), "ready")
    found = step.statusNow
    assert (found.stage, found.exitCode, found.signal) == (stage, None, None)
    assert found.executable == "cmsRun"


def testThePayloadsStageIsWrittenBeforeThePayloadRuns(step):
    program(step.calls.parent / "cmsRun", "#!/bin/bash\ncp cmsRun1-status.json seen.json\n")
    assert step.run() == 0
    assert readPayloadExit(str(step.directory / "seen.json")).stage == "payload"


def testAnEarlierRunsStatusIsNotTakenForThisOnes(step):
    assert step.run(CMSRUN_EXIT="65") == 65
    killedScript(step, step.arguments("touch ready; sleep 60"), "ready")
    assert (step.statusNow.stage, step.statusNow.exitCode) == ("setup", None)


def testOneProgramKeepsTheBooksOfARun(step):
    """The last status is renamed into place; all before it, and process.id, bash writes by itself."""
    (step.directory / RELEASE).mkdir()
    session(step)
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    script = writeMainScript("cmsRun1", str(step.directory), step.arguments())
    # A file for each process, as the lines of several would be torn in one.
    command = [strace, "-ff", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", str(step.calls.parent / "trace")]
    subprocess.check_call(command + ["/bin/bash", script] + step.arguments().words(), cwd=str(step.directory),
                          env=step.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    traces = "".join(path.read_text() for path in step.calls.parent.glob("trace.*"))
    programs = re.findall(r'execve\("([^"]*)".* = 0$', traces, re.MULTILINE)
    assert sorted(os.path.basename(path) for path in programs) == ["bash", "cmsRun", "mv"]


def testHeadersCommandRerunsTheStepByHand_11444(step):
    arguments = step.arguments("export SETUP='a  b'", extra=("it's", "two\nlines # and a comment"))
    assert step.run(arguments) == 0
    first = step.seen
    (step.directory / "seen.txt").unlink()
    text = (step.directory / "cmsRun1-main.sh").read_text()
    command = next(line[1:] for line in text.splitlines() if "cmsRun1-main.sh" in line and line.startswith("#   cd "))
    subprocess.check_call(["/bin/bash", "-c", command], cwd="/", env=step.environ, stdout=subprocess.DEVNULL)
    assert step.seen == first


def testHeaderStaysAComment(step):
    for word in ("a\nrm -rf x", "a\rb", "\x1b[0m'"):
        text = mainScript("cmsRun1", "/a\nb", step.arguments(word))
        header = text[:text.index("\nwmDirectory=")]
        assert all(line.startswith("#") or not line for line in header.splitlines())


def headerOf(text):
    return text[:text.index("\nwmDirectory=")]


def testTheHeaderSaysWhatRunsAndWhy(step):
    text = mainScript("cmsRun1", "/", step.arguments(), ["cmsRun (/x/cmsRun, python 2), policy matchPSet",
                                                        "because: PSet.py:1: the print statement"])
    assert "# Executable: cmsRun (/x/cmsRun, python 2), policy matchPSet\n#   because: PSet.py:1: the" in headerOf(text)


def testManyOrLongRemarksAreCut(step):
    header = headerOf(mainScript("cmsRun1", "/", step.arguments(), ["x" * 5000] + ["y"] * 100))
    assert "and 77 more lines, in the job's log" in header and len(header) < 3000


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
@example(["a\nrm -rf /", "b\r\nexit 3", "\0", "\x1b]0;t\x07", "\x85next", "\u2028", "\u202e", "\ud800", "\udcff", "'", "\\"])
def testWhateverARemarkHoldsItStaysAComment(remarks):
    arguments = MainArguments("", ARCH, "scram", "CMSSW", RELEASE, "F.xml", "cmsRun", "PSet.py")
    text = mainScript("cmsRun1", "/", arguments, remarks)
    plain = mainScript("cmsRun1", "/", arguments)
    assert all(line.startswith("#") for line in headerOf(text).splitlines() if line)
    assert text.endswith(plain[plain.index("\nwmDirectory="):]) and text.startswith(headerOf(plain))
    added = text[len(headerOf(plain)):text.index("\nwmDirectory=")]
    assert not [char for char in added if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]
    text.encode("utf-8")


def testAScriptWithHostileRemarksRuns(step):
    path = writeMainScript("cmsRun1", str(step.directory), step.arguments(), ["a\nexit 9", "\udcff\0", "`touch bad` $(touch bad)"])
    ended = subprocess.run(["/bin/bash", path] + step.arguments().words(), cwd=str(step.directory), env=step.environ,
                           stdout=subprocess.DEVNULL)
    assert ended.returncode == 0 and not (step.directory / "bad").exists()


def testScriptNeedsNoBashNewerThan4_2(step):
    """RHEL7 has bash 4.2."""
    text = mainScript("cmsRun1", "/", step.arguments())
    for newer in ("@Q}", "@A}", "declare -n", "local -", "wait -n", "mapfile -d", "${!#"):
        assert newer not in text


def testScriptIsReplacedAsAWhole(step):
    path = writeMainScript("cmsRun1", str(step.directory), step.arguments())
    script = step.directory / "cmsRun1-main.sh"
    script.write_text("exit 3\n")
    assert writeMainScript("cmsRun1", str(step.directory), step.arguments()) == path == str(script)
    assert script.read_text().startswith("#!/bin/bash") and "exit 3\n" not in script.read_text()
    assert not os.path.exists(path + ".new")


@pytest.mark.parametrize("value, words", [("", ()), (None, ()), ("a=1 'b c'", ("a=1", "b c")), (["x y", 3], ("x y", "3"))])
def testExtraArgumentsAreShellWords(value, words):
    assert extraArguments(value) == words


def testUnclosedQuotationIsRefused():
    with pytest.raises(ValueError):
        extraArguments("it's")
