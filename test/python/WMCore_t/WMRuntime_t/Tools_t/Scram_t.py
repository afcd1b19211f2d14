"""Tests of Tools/Scram, on a scram stand-in of their own (FakeScram)."""
import ast
import json
import os
import signal
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Tools.Scram import Scram
from WMCore.WMRuntime.Tools.ScramSession import BASH_NAME, JSON_NAME, SESSION_VARIABLE
from WMCore_t.WMRuntime_t.Tools_t.FakeScram import ARCH, RELEASE, FakeScram

SETTINGS = ("WMRUNTIME_START_PATH", "WMRUNTIME_START_LD_LIBRARY_PATH", "WMRUNTIME_START_PYTHONPATH", SESSION_VARIABLE,
            "CMS_PATH", "VO_CMS_SW_DIR", "OSG_APP", "SITECONFIG_PATH", "CMSSW_BASE", "SCRAM_ARCH")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return FakeScram(tmp_path / "scram")


@pytest.fixture
def make(fake, tmp_path):
    """Give a function that makes a Scram in a directory with a space and a quote in its name."""
    step = tmp_path / "the step's dir"
    step.mkdir()

    def scram(**options):
        wanted = dict(command=fake.command, version=RELEASE, architecture=ARCH, directory=str(step), retryPauses=())
        wanted.update(options)
        return Scram(**wanted)
    scram.step = str(step)
    return scram


@pytest.fixture
def ready(make):
    """Give a Scram whose project and runtime are done."""
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    return scram


# -- the environment


def test_section2_2_4_valuesThatNoTextCanBeSplitOnArriveWhole(fake, make):
    """Upstream split at `;` + newline, dropped the word "export " and kept quotes."""
    fake.write("runtime.txt", "export MULTI=\"a;\nexport FAKE=b\";\nexport WORD=\"do export this\";\n"
                              "export QUOTES=\"it's \\\"q\\\" \\\\ \\`x\\` \\$HOME\";\nexport PATH=\"/r/bin:$PATH\";\n"
                              "odd() { :; };\n")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert scram.runtimeEnv["MULTI"] == "a;\nexport FAKE=b"
    assert scram.runtimeEnv["WORD"] == "do export this"
    assert scram.runtimeEnv["QUOTES"] == "it's \"q\" \\ `x` $HOME"
    assert "FAKE" not in scram.runtimeEnv
    assert scram("printf '%s' \"$MULTI|$WORD|$QUOTES\"") == 0
    assert scram.getStdout() == "a;\nexport FAKE=b|do export this|it's \"q\" \\ `x` $HOME"


def test_landmine_unsetsOfScramReachTheCommand(fake, make, monkeypatch):
    monkeypatch.setenv("XRD_STALE", "1")
    fake.write("runtime.txt", "unset XRD_STALE;\n")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    for clean in (True, False):
        assert scram("echo ${XRD_STALE-unset}", cleanEnv=clean) == 0
        assert scram.stdout == "unset\n"


def test_section2_2_1_scramStartsWithoutTheWrappersPython(fake, make, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "/wrapper")
    monkeypatch.setenv("WMRUNTIME_START_PYTHONPATH", "")
    monkeypatch.setenv("WMRUNTIME_START_LD_LIBRARY_PATH", "/site/lib")
    for action in ("project", "runtime"):
        fake.before(action, 'echo "$PYTHONPATH|$PYTHONHOME|$LD_LIBRARY_PATH" >>"$home/seen"')
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    with open(os.path.join(fake.home, "seen")) as handle:
        assert handle.read() == "||/site/lib\n" * 2


def test_cmsdist9361_theSitesPerlModulesDoNotReachScram(fake, make, monkeypatch):
    monkeypatch.setenv("PERL5LIB", "/osg/perl")
    for action in ("project", "runtime"):
        fake.before(action, 'echo "${PERL5LIB-unset}" >>"$home/seen"')
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    with open(os.path.join(fake.home, "seen")) as handle:
        assert handle.read() == "unset\n" * 2
    assert scram("echo $PERL5LIB", cleanEnv=False) == 0
    assert scram.stdout == "/osg/perl\n", "the payload keeps what the site gave it"


def test_issue5725_initialiseRunsInTheSameShellAndTheArchIsForced(fake, make):
    scram = make(command="scramv1", initialise="export PATH='%s':$PATH; export SCRAM_ARCH=other; cd /" % fake.home)
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert [call[1] for call in fake.calls] == [ARCH, ARCH]


def test_issue10970_whatACleanAndAFullEnvironmentHold(ready, monkeypatch):
    monkeypatch.setenv("X509_USER_PROXY", "/tmp/x509")
    monkeypatch.setenv("SITECONFIG_PATH", "/site conf")
    monkeypatch.setenv("_CONDOR_JOB_AD", "/a b.ad")
    monkeypatch.setenv("NOT_ON_THE_LIST", "1")
    monkeypatch.setenv("PYTHONPATH", "/wrapper")
    text = 'echo "$X509_USER_PROXY|$SITECONFIG_PATH|$_CONDOR_JOB_AD|$NOT_ON_THE_LIST|${PYTHONPATH-unset}|$CMSSW_VERSION"'
    assert ready(text, cleanEnv=True) == 0
    assert ready.stdout == "/tmp/x509|/site conf|/a b.ad||unset|%s\n" % RELEASE
    assert ready(text, cleanEnv=False) == 0
    assert ready.stdout == "/tmp/x509|/site conf|/a b.ad|1|unset|%s\n" % RELEASE


@pytest.mark.parametrize("command", [None, b"ls", 7, "echo \0"])
def test_whatIsNoTextIsNoCommand(ready, command):
    assert ready(command) == 126
    assert "is no text to be used as a command" in ready.diagnostic()


def test_osgAppLeadsToTheSoftware(ready, monkeypatch):
    monkeypatch.setenv("OSG_APP", "/osg/app")
    assert ready("echo $VO_CMS_SW_DIR") == 0
    assert ready.stdout == "/osg/app/cmssoft/cms\n"


def test_issue6179_theRunningPythonGetsItsOwnEnvironmentWhole(fake, make, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/wrapper/python")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/wrapper/lib")
    fake.write("runtime.txt", 'export PYTHONPATH="/release/python";\nexport PYTHONHOME="/release";\n'
                              'export LD_LIBRARY_PATH="/release/lib";\n')
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    code = "import os; print([os.environ.get(n) for n in ('PYTHONPATH', 'PYTHONHOME', 'LD_LIBRARY_PATH', 'CMSSW_VERSION')])"
    for clean in (True, False):
        assert scram('%s -c "%s"\n' % (sys.executable, code), cleanEnv=clean) == 0, scram.stdout
        seen = ast.literal_eval(scram.stdout.strip())
        assert seen[0].split(":")[-1] == "/wrapper/python" and "/release" not in seen[0]
        assert seen[1:] == [None, "/wrapper/lib", RELEASE]
    assert scram("echo $PYTHONPATH:$PYTHONHOME:$LD_LIBRARY_PATH") == 0
    assert scram.stdout.strip() == "/release/python:/release:/release/lib"


def test_hackLdLibPathHandsTheModuleSearchPathOn(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path + [str(tmp_path / "from sys.path")])
    assert ready(sys.executable + " -c 'import os; print(os.environ[\"PYTHONPATH\"])'", hackLdLibPath=True) == 0
    assert "from sys.path" in ready.stdout
    assert ready("echo $PYTHONPATH", hackLdLibPath=True) == 0
    assert "from sys.path" not in ready.stdout


# -- commands


@pytest.mark.parametrize("command, code", [("exit 65", 65), ("exit 84", 84), ("bash -c 'exit 139'", 139), ("true", 0), ("false", 1),
                                           ("kill -11 $$", 128 + signal.SIGSEGV), ("sh -c 'kill -9 $$'", 128 + signal.SIGKILL),
                                           ("nosuchcommand", 127)])
def test_section2_2_3_theCommandsOwnExitCodeIsGiven(ready, command, code):
    """Every failure was 5 (CRABServer#7571, CRABServer#9357); a signal was negative, which passed as success (2.1.4)."""
    assert ready(command) == code
    assert ready.code == code


def test_section2_1_2_aCommandHasATimeLimit(ready):
    assert ready("trap 'exit 0' TERM; sleep 30 & wait", timeout=0.3) == 124
    assert "time limit" in ready.diagnostic()


def test_bothStreamsInOrderAndUndecodableBytesAsText(ready):
    assert ready("echo one; echo two >&2; printf 'b\\377d\\n'") == 0
    assert ready.getStdout() == "one\ntwo\nb\ufffdd\n"
    assert isinstance(ready.stderr, str)


@pytest.mark.parametrize("action, codes", [("project", (3, 1)), ("runtime", (0, 4))])
def test_issue11320_whatScramSaidIsText(fake, make, action, codes):
    """project() kept bytes, and reports read `Stdout: b''`."""
    fake.before(action, "printf 'caf\\303\\251 \\377\\n' >&2; exit 1")
    scram = make()
    assert (scram.project(), scram.runtime()) == codes
    assert "caf\u00e9 \ufffd" in scram.stderr and scram.stderr in scram.diagnostic()
    assert "b'" not in scram.diagnostic() and isinstance(scram.stdout, str)


def test_theCommandRunsInTheAreaOrWhereItIsTold(ready, tmp_path):
    assert ready("pwd") == 0
    assert ready.stdout.strip() == ready.projectArea
    assert ready("pwd", runtimeDir=str(tmp_path)) == 0
    assert ready.stdout.strip() == str(tmp_path)


def test_aMissingRunDirectoryIsAStatus(ready):
    assert ready("true", runtimeDir="/nonexistent/dir") == 127
    assert "/nonexistent/dir" in ready.diagnostic()


def test_envCmdAndInitialiseRunBeforeTheCommand(make):
    scram = make(initialise="export ONE=1", envCmd="export TWO=$ONE$ONE")
    assert (scram.project(), scram.runtime()) == (0, 0)
    assert scram("echo $TWO; exit 9") == 9
    assert scram.stdout == "11\n"
    for text in ("false", "exit 0", "exit 9"):
        scram.initialise = text
        assert scram("true") == 2
    scram.initialise, scram.envCmd = None, "exit 0"
    assert scram("true") == 2, "the command never ran"


def test_section2_2_2_aCommandWithoutASessionTellsWhatScramSaid(fake, make):
    """2.2.2: "runtime environment is empty" hid what scram had said."""
    with pytest.raises(RuntimeError, match="project"):
        make()("true")
    fake.before("runtime", "echo 'SCRAM fatal: the reason' >&2; exit 1")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 4)
    with pytest.raises(RuntimeError, match="(?s)runtime.*SCRAM fatal: the reason"):
        scram("true")


# -- a program


def test_aProgramStartsWithoutAShellInTheReleasesEnvironment(fake, make, tmp_path, monkeypatch):
    fake.write("runtime.txt", "export RELEASE_SAYS=\"a b\";\nexport PATH=\"%s/bin:$PATH\";\n" % tmp_path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "tell"
    program.write_text('#!/bin/sh\nprintf "%s|" "$RELEASE_SAYS" "$ONE" "$SCRAM_ARCH" "$NOT_ON_THE_LIST" "$PWD" "$@"\n'
                       'exit 9\n')
    program.chmod(0o755)
    monkeypatch.setenv("NOT_ON_THE_LIST", "1")
    scram = make(initialise="export ONE=1")
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    monkeypatch.setenv("SCRAM_ARCH", "other")
    started, original = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda args, **more: started.append(args[0]) or original(args, **more))
    assert scram.runProgram(["tell", "it's", "$HOME"], runtimeDir=str(tmp_path)) == scram.code == 9
    assert scram.getStdout() == "a b|1|%s||%s|it's|$HOME|" % (ARCH, tmp_path)
    assert started == ["tell"] and "tell 'it'\"'\"'s' '$HOME'" in scram.diagnostic()
    said = scram.stdout
    assert scram("tell \"it's\" '$HOME'", runtimeDir=str(tmp_path)) == 9
    assert scram.stdout == said, "a call gives it the same"


def test_aProgramThatCannotStartOrEndIsAStatus(ready, tmp_path):
    assert ready.runProgram(["nosuchprogram"]) == 127 and "nosuchprogram" in ready.diagnostic()
    assert ready.runProgram([str(tmp_path)]) == 126
    assert ready.runProgram(["true"], runtimeDir="/nonexistent") == 127
    assert ready.runProgram(["sleep", "60"], timeout=0.2) == 124
    assert ready.runProgram(["sh", "-c", "kill -9 $$"]) == 137
    assert ready.runProgram(["a\0b"]) == 127


def test_aProgramWithoutASessionIsAnError(make):
    with pytest.raises(RuntimeError, match="project"):
        make().runProgram(["true"])
    pretending = make(test=True)
    assert (pretending.project(), pretending.runtime(), pretending.runProgram(["nosuchprogram"])) == (0, 0, 0)


# -- failures


def test_theCodesOfEachFailure(fake, make):
    assert make(initialise="false").project() == 2
    assert make(initialise=". /nonexistent.sh").project() == 2
    assert make(initialise="exit 0").project() != 0, "an initialise that ends the shell is no success"
    fake.before("project", "exit 1")
    assert make().project() == 3
    fake.before("project", "")
    fake.before("runtime", "exit 1")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 4)
    scram.initialise = "false"
    assert scram.runtime() == 2


def test_runtimeAfterAFailedProjectKeepsTheStory(fake, make):
    fake.before("project", "echo 'ERROR: Project \"CMSSW\" is not available for arch X.' >&2; exit 1")
    scram = make()
    assert (scram.project(), scram.runtime()) == (3, 1)
    assert "is not available for arch" in scram.diagnostic()
    assert make().runtime() == 1


@pytest.mark.parametrize("text", ["kill -9 $$", "kill -11 $$"])
def test_section2_1_4_aSignalIsAFailure(fake, make, text):
    fake.before("project", text)
    assert make().project() == 3
    fake.before("project", "")
    fake.before("runtime", text)
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 4)


def test_section2_1_2_aStuckScramIsStopped(fake, make):
    fake.before("project", "sleep 60")
    scram = make(timeouts={"project": 0.4})
    assert scram.project() == 3
    assert "time limit of 0.4 s" in scram.diagnostic()
    fake.before("project", "")
    fake.before("runtime", "sleep 60")
    scram = make(timeouts={"runtime": 0.4})
    assert (scram.project(), scram.runtime()) == (0, 4)


def test_aFailingCvmfsIsTriedAgainAndTheAttemptsAreTold(fake, make):
    flaky = ('[ -f "$home/%(a)s.seen" ] || { touch "$home/%(a)s.seen"; mkdir -p "$PWD/half/.SCRAM"; '
             'echo "/cvmfs/x: Transport endpoint is not connected" >&2; exit 1; }')
    for action in ("project", "runtime"):
        fake.before(action, flaky % {"a": action})
    scram = make(retryPauses=(0.01, 0.01))
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert fake.actions() == ["project", "project", "runtime", "runtime"]
    assert [attempt.code for attempt in scram.attempts] == [1, 0, 1, 0]
    assert "Attempts: 4" in scram.diagnostic()


def test_aScramEndedByASignalIsTriedAgain(fake, make):
    """A page of the program that CVMFS cannot give is a SIGBUS."""
    fake.before("project", '[ -f "$home/seen" ] || { touch "$home/seen"; kill -7 $$; }')
    scram = make(retryPauses=(0.01,))
    assert scram.project() == 0, scram.diagnostic()
    assert [attempt.code for attempt in scram.attempts] == [128 + signal.SIGBUS, 0]


def test_theTriesAreCounted(fake, make):
    fake.before("project", "echo 'Input/output error' >&2; exit 1")
    assert make(retryPauses=(0.01, 0.01)).project() == 3
    assert len(fake.calls) == 3


def test_aReleaseThatDoesNotExistIsNotTriedAgain(fake, make):
    fake.before("project", "echo 'ERROR: Project \"CMSSW\" version \"V\" is not available for arch A.' >&2; exit 1")
    assert make(retryPauses=(0.01, 0.01)).project() == 3
    assert len(fake.calls) == 1


@pytest.mark.parametrize("runtime, said", [
    ('echo; exit 0', "CMSSW_BASE"),
    ('echo "export SCRAM_ARCH=\\"el9_amd64_gcc12\\";"', "el9_amd64_gcc12"),
    ('echo "export CMSSW_RELEASE_BASE=/gone CMSSW_BASE=$PWD;"; exit 0', "/gone"),
    ('echo "export CMSSW_BASE=$PWD CMSSW_VERSION=V SCRAMRT_SET=CMSSW:CMSSW_1_1_1:%s:V3:SRT_;"; exit 0' % ARCH, "CMSSW_1_1_1"),
    ('echo "********** ERROR: Missing Release top ************" >&2', "vanished"),
    ('echo "exit 0;"', "left no environment"),
    ('echo "false"; exit 0', "runtime failed"),
    ('echo "if ("; exit 0', "runtime failed")])
def test_section5_scramSaysZeroAndTheEnvironmentIsUseless(fake, make, runtime, said):
    """`--arch B` inside an area of A, a vanished release: rc 0 and an environment of nothing, or of something else."""
    fake.before("runtime", runtime)
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 4), scram.diagnostic()
    assert said in scram.diagnostic()
    assert scram.runtimeEnv == {}
    assert not os.path.exists(scram.sessionFile)


def test_anAreaOfBeforeInTheCallersEnvironmentIsNoAnswer(fake, make, monkeypatch):
    monkeypatch.setenv("CMSSW_BASE", "/elsewhere")
    monkeypatch.setenv("CMSSW_VERSION", RELEASE)
    fake.before("runtime", "exit 0")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 4)
    assert "/elsewhere" in scram.diagnostic()


def test_credentialsAreNotInTheDiagnostic(ready, monkeypatch):
    monkeypatch.setenv("BEARER_TOKEN", "eyJhbGciOi.secret")
    ready("env | grep BEARER; echo $BEARER_TOKEN")
    assert "eyJhbGciOi" in ready.stdout
    assert "eyJhbGciOi" not in ready.diagnostic()


@pytest.mark.parametrize("options", [
    {"version": None}, {"version": "../../etc"}, {"version": "CMSSW\0"}, {"version": 13}, {"command": "/nonexistent/scram"},
    {"command": "un'balanced"}, {"directory": "/nonexistent"}, {"directory": "a\0b"}, {"architecture": ["el8"]},
    {"architecture": "el8\0"}, {"initialise": "if ("}, {"initialise": b"x"}, {"command": ""}, {"directory": "/proc/1"}])
def test_crabsCallsNeverRaise(make, options, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    scram = make(**options)
    assert scram.project() in (2, 3)
    assert scram.runtime() == 1
    assert isinstance(scram.diagnostic(), str) and isinstance(scram.getStdout(), str)


def test_crabsCallsNeverRaiseWhenBashOrTheDiskIsMissing(make, monkeypatch):
    monkeypatch.setattr("WMCore.WMRuntime.Environment.EnvCapture.BASH", "/nonexistent/bash")
    assert make().project() == 3
    monkeypatch.undo()
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent/tmp")
    assert make().project() == 3


def test_crabsConstructorAndAVanishedDirectory(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(str(gone))
    gone.rmdir()
    scram = Scram(version=RELEASE, architecture=ARCH, unheardOf=1)
    assert scram.project() == 3


# -- the area


def test_section2_2_5_aBrokenAreaIsMovedAsideAndMadeAnew(fake, make):
    area = os.path.join(make.step, RELEASE)
    os.makedirs(os.path.join(area, "src"))
    scram = make()
    assert scram.project() == 0, scram.diagnostic()
    assert fake.actions() == ["project", "project"]
    assert os.path.isdir(area + ".broken.1/src")
    assert "renamed to %s.broken.1" % area in scram.diagnostic()
    assert os.path.isfile(os.path.join(area, ".SCRAM", ARCH, "Environment"))


def test_anAreaWhoseReleaseIsGoneIsMadeAnew(fake, make):
    assert make(storeSession=False).project() == 0
    with open(os.path.join(make.step, RELEASE, ".SCRAM", ARCH, "Environment"), "w") as handle:
        handle.write("RELEASETOP=/gone\n")
    assert make().project() == 0
    assert fake.actions() == ["project"] * 3


def test_aWholeAreaIsKeptAsItIs(fake, make):
    make(storeSession=False).project()
    mark = os.path.join(make.step, RELEASE, "src", "mine")
    _write("", mark)
    assert make().project() == 0
    assert os.path.exists(mark)
    assert fake.actions() == ["project", "project"]


def test_section2_2_6_anAreaMadeForAnotherArchIsAFailure(fake, make):
    fake.before("project", "arch=el8_amd64_gcc10")
    scram = make(retryPauses=(0.01,))
    assert scram.project() == 3
    assert "set up for el8_amd64_gcc10, not for %s" % ARCH in scram.diagnostic()
    assert len(fake.calls) == 1


def test_section2_2_7_noArchIsNotAnArchCalledNone(fake, make):
    """A list of which no arch fitted became `--arch None`."""
    scram = make(architecture=None, initialise="export SCRAM_ARCH=%s" % ARCH)
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert [call[1] for call in fake.calls] == [ARCH, ARCH]


BARE = """#!/bin/bash
echo "$1 $3" >>'%(home)s/calls'
[ "$1" = --arch ] && shift 2
case $1 in
  project) mkdir -p "$3" ;;
  runtime) echo 'export GREETING="Hello World";' ;;
esac
"""


def test_aBareAreaThatScramHasJustMadeIsUsed(fake, make):
    """WMCore's scramulator.py makes a directory and prints one variable, and is what WMCore's own tests set up."""
    fake.write("scramv1", BARE % {"home": fake.home})
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert scram.runtimeEnv == {"GREETING": "Hello World", "SCRAM_ARCH": ARCH}
    assert scram("echo $GREETING") == 0
    assert scram.stdout == "Hello World\n"
    again = make()
    assert (again.project(), again.runtime(), again.sessionReused) == (0, 0, True)
    assert len(fake.calls) == 2


def test_aBareAreaFromBeforeIsNot(fake, make):
    os.mkdir(os.path.join(make.step, RELEASE))
    fake.write("scramv1", BARE % {"home": fake.home})
    assert make().project() == 0
    assert sorted(os.listdir(make.step)) == [RELEASE, RELEASE + ".broken.1"]


def test_aScramThatSaysZeroAndMakesNothingIsNotTriedAgain(fake, make):
    fake.before("project", "exit 0")
    scram = make(retryPauses=(0.01,))
    assert scram.project() == 3
    assert "is not there" in scram.diagnostic()
    assert len(fake.calls) == 1


def test_aReleaseThatIsNotThereYetIsTriedAgain(fake, make):
    os.rename(fake.top, fake.top + ".gone")
    fake.before("project", 'case $(wc -l <"$home/calls") in 2) mv "%s.gone" "%s" ;; esac' % (fake.top, fake.top))
    scram = make(retryPauses=(0.01,))
    assert scram.project() == 0, scram.diagnostic()
    assert len(fake.calls) == 2


def test_anInitialiseThatEndsTheShellIsNoSuccessForAnAreaFromBefore(fake, make):
    assert make(storeSession=False).project() == 0
    assert make(initialise="exit 0").project() == 2


def test_theProcessesOfAStepAreCounted(fake, make, monkeypatch):
    """One bash for each action, one scram for two of them; a second object starts bash for its commands only."""
    started = []
    original = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda args, **options: started.append(args[0]) or original(args, **options))
    for number, expected in ((1, 5), (2, 3)):
        scram = make()
        assert (scram.project(), scram.runtime()) == (0, 0)
        assert [scram("true") for _command in range(3)] == [0, 0, 0]
        assert started == ["/bin/bash"] * expected
        assert fake.actions() == ["project", "runtime"]
        del started[:]


def test_anAreaForAnotherArchFromBeforeIsMovedAside(fake, make):
    os.makedirs(os.path.join(make.step, RELEASE, "config"))
    os.makedirs(os.path.join(make.step, RELEASE, ".SCRAM", "slc7_amd64_gcc700"))
    with open(os.path.join(make.step, RELEASE, ".SCRAM", "slc7_amd64_gcc700", "Environment"), "w") as handle:
        handle.write("RELEASETOP=%s\n" % fake.top)
    assert make().project() == 0
    assert os.path.isdir(os.path.join(make.step, RELEASE + ".broken.1"))


# -- the session


def test_section2_2_2_scramRunsOncePerStep(fake, make):
    for number in range(3):
        scram = make()
        assert (scram.project(), scram.runtime()) == (0, 0)
        assert scram("echo $CMSSW_BASE") == 0
        assert scram.stdout.strip() == os.path.join(make.step, RELEASE)
        assert scram.sessionReused is (number > 0)
    assert fake.actions() == ["project", "runtime"]


def test_aScriptInTheSessionUsesItToo(fake, ready, sourceTree):
    """ScriptInvoke's own environment is the release's, not the base the session was taken against."""
    code = ("import sys; sys.path[:0] = sys.argv[1].split(':')\nfrom WMCore.WMRuntime.Tools.Scram import Scram\n"
            "s = Scram(command=sys.argv[2], version=%r, architecture=%r, directory=sys.argv[3])\n"
            "print(s.project(), s.runtime(), s.sessionReused)" % (RELEASE, ARCH))
    with open(os.path.join(ready.directory, "script.py"), "w") as handle:
        handle.write(code)
    command = "%s ../script.py '%s' '%s' ..\n" % (sys.executable, ":".join([str(sourceTree)] + [p for p in sys.path if p]),
                                                  fake.command)
    assert ready(command) == 0, ready.stdout
    assert "0 0 True" in ready.stdout
    assert fake.actions() == ["project", "runtime"]


def test_theStoredBashTextGivesTheSameEnvironment(fake, make):
    fake.write("runtime.txt", "export ODD=\"a'b\n\\\"c;\";\nunset HOME;\n")
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    path = os.path.join(make.step, BASH_NAME)
    text = ". '%s'; printf '%%s|' \"$ODD\" \"${HOME-unset}\" \"$SCRAM_SESSION_ARCH\" \"$SCRAM_SESSION_RELEASE\"; " \
           "env | grep -c SCRAM_SESSION_" % path.replace("'", "'\\''")
    run = subprocess.run(["/bin/bash", "--noprofile", "--norc", "-c", text], stdout=subprocess.PIPE)
    assert run.stdout.decode() == "a'b\n\"c;|unset|%s|%s|0\n" % (ARCH, RELEASE)
    assert subprocess.call(["/bin/bash", "-n", path]) == 0


def _write(text, *parts, mode="w"):
    with open(os.path.join(*parts), mode) as handle:
        handle.write(text)


def _age(path):
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("spoil", [
    lambda fake, area: _age(os.path.join(fake.top, "config", "toolbox")),
    lambda fake, area: os.rename(fake.top, fake.top + ".gone") or os.makedirs(fake.top),
    lambda fake, area: os.rename(area, area + ".gone"),
    lambda fake, area: os.rename(os.path.join(area, "config"), os.path.join(area, "gone")),
    lambda fake, area: _write("MORE=1\n", area, ".SCRAM", ARCH, "Environment", mode="a"),
    lambda fake, area: _write("{", area, "..", JSON_NAME),
    lambda fake, area: _write("[]", area, "..", JSON_NAME),
    lambda fake, area: os.unlink(os.path.join(area, "..", JSON_NAME))])
def test_aStaleSessionIsNotUsed(fake, make, ready, spoil):
    spoil(fake, ready.projectArea)
    again = make()
    assert (again.project(), again.runtime(), again.sessionReused) == (0, 0, False), again.diagnostic()
    assert fake.actions().count("runtime") == 2
    third = make()
    assert (third.project(), third.runtime(), third.sessionReused) == (0, 0, True)


@pytest.mark.parametrize("name", ["PATH", "LD_LIBRARY_PATH", "CMS_PATH", "SITECONFIG_PATH", "VO_CMS_SW_DIR",
                                  "SCRAM_IGNORE_RUNTIME_HOOK"])
def test_aChangedBaseEnvironmentMakesASessionStale(fake, make, ready, monkeypatch, name):
    monkeypatch.setenv(name, os.environ.get(name, "") + ":/usr/bin")
    again = make()
    assert (again.project(), again.runtime(), again.sessionReused) == (0, 0, False)


@pytest.mark.parametrize("options", [{"version": "CMSSW_13_0_4"}, {"architecture": None}, {"initialise": "true"},
                                     {"storeSession": False}])
def test_anotherRequestDoesNotGetTheSessionNorReplaceIt(fake, make, ready, options):
    with open(ready.sessionFile) as handle:
        before = handle.read()
    fake.write("runtime.txt", 'export SCRAMRT_SET="";\n')
    other = make(**options)
    if options.get("version"):
        os.makedirs(fake.top.replace(RELEASE, options["version"]))
    assert (other.project(), other.runtime(), other.sessionReused) == (0, 0, False), other.diagnostic()
    with open(ready.sessionFile) as handle:
        assert handle.read() == before


def test_whoNamesNoInitialiseTakesTheStepsSession(fake, make):
    first = make(initialise="export ONE=1")
    assert (first.project(), first.runtime()) == (0, 0)
    second = make()
    assert (second.project(), second.runtime(), second.sessionReused) == (0, 0, True)
    assert second.runtimeEnv["ONE"] == "1"


@pytest.mark.parametrize("byInitialise", [False, True])
def test_aSiteHookThatChangesMakesASessionStale(make, tmp_path, monkeypatch, byInitialise):
    hooks = tmp_path / "sw" / "etc" / "scramrc" / "SCRAM" / "hooks" / "runtime"
    hooks.mkdir(parents=True)
    options = {"initialise": "export CMS_PATH='%s'" % (tmp_path / "sw")} if byInitialise else {}
    if not byInitialise:
        monkeypatch.setenv("CMS_PATH", str(tmp_path / "sw"))
    first = make(**options)
    assert (first.project(), first.runtime()) == (0, 0)
    (hooks / "new").write_text("x")
    second = make(**options)
    assert (second.project(), second.runtime(), second.sessionReused) == (0, 0, False)


def test_aDirectoryThatCannotKeepASessionIsNoFailure(make, monkeypatch):
    def refuse(*arguments):
        raise OSError("No space left on device")
    monkeypatch.setattr("WMCore.WMRuntime.Tools.ScramSession._replaceFile", refuse)
    scram = make()
    assert (scram.project(), scram.runtime()) == (0, 0)
    assert scram("true") == 0


def test_theStoredFileHoldsWhatOthersRead(ready):
    with open(ready.sessionFile) as handle:
        data = json.load(handle)
    assert (data["format"], data["project"], data["release"], data["architecture"]) == (1, "CMSSW", RELEASE, ARCH)
    assert data["area"] == ready.projectArea
    assert data["set"]["CMSSW_VERSION"] == RELEASE
    assert data["unset"] == []
    assert sorted(name for name in os.listdir(ready.directory) if name.startswith("scramSession")) == [JSON_NAME, BASH_NAME]


# -- test mode, and the rest of what callers know


def test_testModeStartsNoProcess(tmp_path, monkeypatch):
    monkeypatch.setattr("WMCore.WMRuntime.Tools.ScramAttempts.runShell", None)
    scram = Scram(initialise="/bin/date", architecture="slc5_amd64_gcc454", version="CMSSW_X_Y_Z", directory=str(tmp_path),
                  test=True)
    assert scram.project() == 0
    assert os.path.isdir(scram.projectArea)
    assert "project CMSSW CMSSW_X_Y_Z" in scram.lastExecuted
    assert scram.runtime() == 0
    assert "ru -sh" in scram.lastExecuted and "TEST_MODE" in scram.runtimeEnv
    assert scram("echo hello") == 0
    assert scram.lastExecuted == "echo hello"
    assert os.listdir(str(tmp_path)) == ["CMSSW_X_Y_Z"]


def test_preCommandIsBashThatEndsWith2(make):
    run = subprocess.run(["/bin/bash", "-c", make(initialise="false").preCommand() + "exit 0"])
    assert run.returncode == 2
    assert "SCRAM_ARCH" in make().preCommand()
    assert make(architecture=None).preCommand() == ""


def test_relativeDirectoriesAndCommandsWithOptionsWork(fake, make, monkeypatch):
    monkeypatch.chdir(make.step)
    os.mkdir("sub")
    scram = make(directory="sub", command="/usr/bin/env %s" % fake.command)
    assert (scram.project(), scram.runtime()) == (0, 0), scram.diagnostic()
    assert scram.projectArea == os.path.join(make.step, "sub", RELEASE)
