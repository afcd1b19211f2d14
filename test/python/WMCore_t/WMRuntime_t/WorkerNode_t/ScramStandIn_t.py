"""Tests of the scram stand-in: every row of the table of observed behaviour, for V2 and V3."""
import os
import re
import shutil
import subprocess
import time

import pytest

V2, V3 = "CMSSW_10_6_30", "CMSSW_13_0_3"
RELEASES = ("CMSSW_8_0_31", "CMSSW_10_6_30", "CMSSW_12_0_0", "CMSSW_13_0_3", "CMSSW_13_0_3_patch1")
NON_INTERACTIVE = "WARNING: In non-interactive mode release checks"


class Shell(object):
    """A shell on the node, in which cmsset_default.sh was sourced; areas are those that tests share."""

    def __init__(self, node, folder, areas=None):
        self.node = node
        self.folder = str(folder)
        self.areas = areas

    def arch(self, release):
        return self.node.releases[release]["arch"]

    def run(self, command, folder=None, **environ):
        env = self.node.environment(home=self.folder)
        env.update(environ)
        done = subprocess.run(["/bin/bash", "-c", '. "$VO_CMS_SW_DIR/cmsset_default.sh" || exit 99\n' + command],
                              cwd=str(folder or self.folder), env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        assert done.returncode != 99
        return done

    def project(self, release, **environ):
        done = self.run("scramv1 --arch %s project CMSSW %s" % (self.arch(release), release), **environ)
        assert done.returncode == 0, done.stderr
        return os.path.join(self.folder, release)

    def area(self, release):
        """Give an area that no test changes, made once."""
        if release not in self.areas.made:
            self.areas.made[release] = Shell(self.node, self.areas.folder).project(release)
        return self.areas.made[release]

    def variables(self, command, folder, **environ):
        done = self.run(command + " && env -0", folder, **environ)
        assert done.returncode == 0, done.stderr
        # bash itself changes these two from command to command
        return dict(item.split("=", 1) for item in done.stdout.split("\0")
                    if "=" in item and not item.startswith(("_=", "SHLVL=")))


class Areas(object):
    """What areas there are by release, below a folder."""

    def __init__(self, folder):
        self.folder, self.made = folder, {}


@pytest.fixture(scope="module")
def areas(tmp_path_factory):
    return Areas(tmp_path_factory.mktemp("areas"))


@pytest.fixture
def shell(workerNode, areas, tmp_path):
    yield Shell(workerNode, tmp_path, areas)
    workerNode.clearScramFault()


@pytest.fixture
def otherArch(workerNode):
    """Give names of architectures of the same system that know no release, removed afterwards."""
    made = []

    def make(compiler, release=None):
        name = re.sub("gcc.*$", compiler, workerNode.releases[V3]["arch"])
        top = os.path.join(workerNode.cvmfs, name)
        os.makedirs(os.path.join(top, "cms", "cms-common"))
        made.append(top)
        if release:
            target = os.path.join(top, "cms", "cmssw", release)
            shutil.copytree(workerNode.releaseDirectory(release), target, symlinks=True)
            admin = os.path.join(target, ".SCRAM")
            os.rename(os.path.join(admin, workerNode.releases[release]["arch"]), os.path.join(admin, name))
        return name

    yield make
    for top in made:
        shutil.rmtree(top)


@pytest.mark.parametrize("release", RELEASES)
def testProjectMakesAnAreaOfTheRelease(shell, release):
    area = shell.project(release)
    arch = shell.arch(release)
    with open(os.path.join(area, ".SCRAM", arch, "Environment")) as handle:
        assert handle.read() == "RELEASETOP=%s\n" % shell.node.releaseDirectory(release)
    assert os.path.isfile(os.path.join(area, "config", "Self.xml"))
    assert os.path.isdir(os.path.join(area, "config", "toolbox", arch, "tools", "selected"))
    assert os.path.isfile(os.path.join(area, ".SCRAM", arch, "chkarch"))
    assert os.listdir(os.path.join(area, "lib", arch)) == []
    assert not os.path.exists(os.path.join(area, "external"))


@pytest.mark.parametrize("release, text", [(V3, 'ERROR: Project "CMSSW" version "CMSSW_99_0_0" is not available for arch %s.'),
                                           (V2, 'ERROR: Unable to find release area for "CMSSW" version "CMSSW_99_0_0" for arch %s.')])
@pytest.mark.parametrize("how", ["scramv1 --arch %s project CMSSW CMSSW_99_0_0", "SCRAM_ARCH=%s scram project CMSSW_99_0_0"])
def testUnknownReleaseEndsWithOne(shell, release, text, how):
    version = shell.node.releases[release]["scramVersion"]
    done = shell.run(how % shell.arch(release), SCRAM_VERSION=version)
    assert done.returncode == 1
    assert done.stdout == ""
    assert text % shell.arch(release) in done.stderr
    assert "Please make sure you have used the correct name/version." in done.stderr
    assert 'You can run "scram list $projectname" to get' in done.stderr
    assert os.listdir(shell.folder) == []


def testReleaseOfOneOtherArchIsTakenWithAWarning(shell, otherArch):
    other = otherArch("gcc11")
    done = shell.run("scramv1 project CMSSW %s" % V3, SCRAM_ARCH=other)
    assert done.returncode == 0
    assert "WARNING: Release %s is not available for architecture %s." % (V3, other) in done.stdout
    assert "Developer's area is created for available architecture %s." % shell.arch(V3) in done.stdout
    assert os.path.isdir(os.path.join(shell.folder, V3, ".SCRAM", shell.arch(V3)))


def testReleaseOfSeveralOtherArchsIsRefusedWithTheList(shell, otherArch):
    first = otherArch("gcc11", V3)
    asked = otherArch("gcc10")
    done = shell.run("scramv1 project CMSSW %s" % V3, SCRAM_ARCH=asked)
    assert done.returncode == 1
    assert '"CMSSW" is currently available for following archs.' in done.stderr
    assert "Please set SCRAM_ARCH properly and re-run the command." in done.stderr
    assert first in done.stderr and shell.arch(V3) in done.stderr


def testForcedArchHasNoFallback(shell, otherArch):
    other = otherArch("gcc11")
    done = shell.run("scramv1 --arch %s project CMSSW %s" % (other, V3))
    assert done.returncode == 1
    assert "is not available for arch %s." % other in done.stderr
    assert "Please make sure" in done.stderr


def testArchOfAnotherSystemIsAnUnknownRelease(shell):
    done = shell.run("scramv1 project CMSSW %s" % V3, SCRAM_ARCH=shell.arch(V2))
    assert done.returncode == 1
    assert "is not available for arch %s." % shell.arch(V2) in done.stderr
    assert "currently available" not in done.stderr


@pytest.mark.parametrize("release", [V2, V3])
def testExistingAreaIsLeftAloneEvenWhenBroken(shell, release):
    area = shell.project(release)
    shutil.rmtree(os.path.join(area, "config", "toolbox"))
    done = shell.run("scramv1 --arch %s project CMSSW %s" % (shell.arch(release), release))
    assert done.returncode == 0
    assert ("WARNING: There already exists %s/%s area for SCRAM_ARCH %s."
            % (shell.folder, release, shell.arch(release)) in done.stderr)
    assert not os.path.exists(os.path.join(area, "config", "toolbox"))


@pytest.mark.parametrize("command", ["scramv1 runtime -sh", "scram tool list", "scramv1 ru -csh"])
def testOutsideAnAreaTheErrorIsFatalAndStdoutEmpty(shell, command):
    done = shell.run(command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert ("SCRAM fatal: Unable to locate the top of local release. Please run this command from a SCRAM-based area."
            in done.stderr)
    assert shell.run("eval `scramv1 runtime -sh`").returncode == 0


@pytest.mark.parametrize("release", [V2, V3])
@pytest.mark.parametrize("flag", ["", "-zsh"])
def testBadShellFlagEndsWithOne(shell, release, flag):
    area = shell.area(release)
    done = shell.run("scramv1 runtime " + flag, area)
    assert done.returncode == 1
    assert 'SCRAM fatal: Error parsing arguments. See "scram -help" for usage info.' in done.stderr
    assert ("Unknown option: zsh" in done.stderr) == (release == V2 and flag == "-zsh")


@pytest.mark.parametrize("release", [V2, V3])
def testVanishedReleaseStillPrintsTheEnvironment(shell, release):
    area = shell.area(release)
    before = shell.run("scramv1 runtime -sh", area).stdout
    top = shell.node.releaseDirectory(release)
    os.rename(top, top + ".gone")
    try:
        done = shell.run("scramv1 runtime -sh", area)
    finally:
        os.rename(top + ".gone", top)
    assert done.returncode == 0
    assert "********** ERROR: Missing Release top ************" in done.stderr
    assert 'The release area "%s"' % top in done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(before.splitlines())


def testReleaseWithoutMakeDataCountsAsVanishedAndOthersAreSuggested(shell):
    area = shell.area("CMSSW_13_0_3_patch1")
    makeData = os.path.join(shell.node.releaseDirectory("CMSSW_13_0_3_patch1"), ".SCRAM", shell.arch(V3), "MakeData")
    os.rename(makeData, makeData + ".gone")
    try:
        done = shell.run("scramv1 runtime -sh", area)
    finally:
        os.rename(makeData + ".gone", makeData)
    assert done.returncode == 0
    assert 'release(s) of release series "CMSSW_13_0".' in done.stderr
    assert "  CMSSW_13_0_3\n" in done.stderr


def testOtherArchOptionInsideAnAreaGivesAnAlmostEmptyEnvironment(shell):
    area = shell.area(V3)
    done = shell.run("scramv1 --arch el8_amd64_gcc99 runtime -sh", area)
    assert done.returncode == 0
    assert "CMSSW_BASE" not in done.stdout and "CMSSW_RELEASE_BASE" not in done.stdout


@pytest.mark.parametrize("release", [V2, V3])
def testArchOfTheAreaWinsAndIsPrintedOnlyWhenDifferent(shell, release):
    area = shell.area(release)
    line = 'export SCRAM_ARCH="%s";' % shell.arch(release)
    assert line in shell.run("scramv1 runtime -sh", area, SCRAM_ARCH="slc5_amd64_gcc434").stdout
    assert line not in shell.run("scramv1 runtime -sh", area, SCRAM_ARCH=shell.arch(release)).stdout


def testV2PrintsTheArchWhenTheCallerHasNone(shell):
    # The host's default is the area's own architecture, so that only the caller's lack of one can be the reason.
    done = shell.run("unset SCRAM_ARCH; scramv1 runtime -sh", shell.area("CMSSW_8_0_31"), REQUIRED_OS="rhel6")
    assert 'export SCRAM_ARCH="%s";' % shell.arch("CMSSW_8_0_31") in done.stdout
    done = shell.run("unset SCRAM_ARCH; scramv1 runtime -sh", shell.area(V3))
    assert "SCRAM_ARCH=" not in done.stdout.replace("SRT_", "")


def testForeignHostSystemIsWarnedAboutAndNotFatal(shell):
    made = shell.run("scramv1 --arch %s project CMSSW %s" % (shell.arch(V3), V3), REQUIRED_OS="rhel9")
    text = "WARNING: You are trying to use SCRAM architecture 'el8' on host with operating system 'el9'."
    assert made.returncode == 0 and text in made.stdout
    done = shell.run("scramv1 runtime -sh", os.path.join(shell.folder, V3), REQUIRED_OS="rhel9")
    assert done.returncode == 0 and text in done.stderr and "WARNING" not in done.stdout
    quiet = shell.run("scramv1 runtime -sh", os.path.join(shell.folder, V3), REQUIRED_OS="rhel8")
    assert "trying to use" not in quiet.stderr
    ignored = shell.run("scramv1 runtime -sh", os.path.join(shell.folder, V3), REQUIRED_OS="rhel9",
                        SCRAM_IGNORE_SITE_RUNTIME_HOOK="1")
    assert "trying to use" not in ignored.stderr and "LC_ALL" not in ignored.stdout


def testForeignCpuIsAnErrorTextAndNotFatal(shell, otherArch, workerNode):
    real = os.path.join(workerNode.cvmfs, "common", "cmsos")
    os.rename(real, real + ".real")
    try:
        with open(real, "w") as handle:
            handle.write("#!/bin/sh\necho el8_riscv64\n")
        os.chmod(real, 0o755)
        done = shell.run("scramv1 --arch %s project CMSSW %s" % (shell.arch(V3), V3))
    finally:
        os.rename(real + ".real", real)
    assert done.returncode == 0
    assert re.search(r"ERROR: You are trying to use SCRAM architecture '\w+' on 'riscv64' host. This will not build/run.",
                     done.stdout)


def testMissingScramVersionIsNamed(shell):
    done = shell.run("scramv1 arch", SCRAM_VERSION="V9_1_0")
    assert done.returncode == 1
    assert "Unable to find SCRAM version V9_1_0. Something wrong with the sw installation." in done.stderr
    area = shell.project(V3)
    with open(os.path.join(area, "config", "scram_version"), "w") as handle:
        handle.write("V9_1_0\n")
    assert "Unable to find SCRAM version V9_1_0." in shell.run("scramv1 runtime -sh", area).stderr


@pytest.mark.parametrize("version, stream", [("V3_00_30", "stdout"), ("V2_2_9_pre04", "stderr")])
@pytest.mark.parametrize("command", ["scramv1", "scramv1 nonsense"])
def testUnknownCommandPrintsTheHelp(shell, version, stream, command):
    done = shell.run(command, SCRAM_VERSION=version)
    assert done.returncode == 1
    assert "Recognised Commands" in getattr(done, stream)
    assert "Recognised Commands" not in getattr(done, {"stdout": "stderr", "stderr": "stdout"}[stream])


@pytest.mark.parametrize("release, text", [(V3, "Traceback (most recent call last)"), (V2, "Can not create directory")])
def testUnwritableDirectoryFails(shell, release, text):
    # A directory in /proc takes no entries, not even from root.
    done = shell.run("scramv1 --arch %s project -d /proc/self CMSSW %s" % (shell.arch(release), release))
    assert done.returncode != 0
    if release == V3:
        assert done.returncode == 1
    assert text in done.stderr


def testListShowsReleasesAndSaysWhenThereAreNone(shell):
    done = shell.run("scramv1 --arch %s list CMSSW" % shell.arch(V3))
    assert done.returncode == 0
    assert "Listing installed projects available for platform >> %s" % shell.arch(V3) in done.stdout
    assert shell.node.releaseDirectory("CMSSW_13_0_3_patch1") in done.stdout
    compact = shell.run("scramv1 --arch %s list -c CMSSW_13_0_3" % shell.arch(V3))
    assert [line.split()[:2] for line in compact.stdout.splitlines()][0][0] == "CMSSW"
    none = shell.run("scramv1 list CMSSW", SCRAM_ARCH="el7_amd64_gcc8")
    assert none.returncode == 1 and none.stdout == ""
    assert ("SCRAM warning: >>>> No SCRAM project CMSSW available for architecture el7_amd64_gcc8. <<<<" in none.stderr)


def testNonInteractiveUseIsAlwaysWarnedAbout(shell):
    assert NON_INTERACTIVE in shell.run("scramv1 arch").stderr


def testArchIsEchoedUnchecked(shell):
    assert shell.run("scramv1 --arch no_such_arch arch").stdout == "no_such_arch\n"
    assert shell.run("scramv1 arch", SCRAM_ARCH="also_no_arch").stdout == "also_no_arch\n"


def testVersionOfASeriesMeansTheNewestDeployed(shell):
    assert shell.run("scramv1 version", SCRAM_VERSION="V3_00_30").stdout == "V3_00_60\n"
    assert shell.run("scramv1 version", SCRAM_VERSION="V2_2_9_pre04").stdout == "V2_2_9_pre15\n"
    assert shell.run("scramv1 version", shell.area(V2)).stdout.startswith("V2_")


def testV3HandsAV2ReleaseToV2AndBack(shell):
    area = shell.project(V2, SCRAM_VERSION="V3_00_30")
    assert 'SCRAMRT_SET="CMSSW:%s:%s:V2_' % (V2, shell.arch(V2)) in shell.run("scramv1 runtime -sh", area).stdout
    area = shell.project(V3, SCRAM_VERSION="V2_2_9_pre04")
    assert 'SCRAMRT_SET="CMSSW:%s:%s:V3_' % (V3, shell.arch(V3)) in shell.run("scramv1 runtime -sh", area).stdout


@pytest.mark.parametrize("short", ["ru", "runt"])
def testCommandsMayBeAbbreviated(shell, short):
    assert "CMSSW_BASE" in shell.run("scramv1 %s -sh" % short, shell.area(V3)).stdout


def testProjectMayBeAbbreviatedToOneLetter(shell):
    assert shell.run("scramv1 --arch %s p CMSSW %s" % (shell.arch(V3), V3)).returncode == 0
    assert shell.run("scramv1 --arch %s pr -n other CMSSW %s" % (shell.arch(V3), V3)).returncode == 0
    assert os.path.isdir(os.path.join(shell.folder, "other", ".SCRAM"))


def testRuntimeIsLinesOfExportsThatStartWithTheSession(shell):
    lines = shell.run("scramv1 runtime -sh", shell.area(V3), SCRAM_ARCH=shell.arch(V3)).stdout.splitlines()
    assert lines[0] == 'export SCRAMRT_SET="CMSSW:%s:%s:V3_00_60:SRT_";' % (V3, shell.arch(V3))
    assert all(re.match(r'export [A-Za-z_][A-Za-z0-9_]*=".*";$', line) for line in lines)
    assert any(line.startswith("export SRT_PATH_SCRAMRT=") for line in lines)
    assert any(line.startswith("export SRT_CMSSW_BASE_SCRAMRTDEL=") for line in lines)
    assert not any(line.startswith("export SCRAM_ARCH=") for line in lines)


def testRuntimeForCshUsesSetenv(shell):
    lines = shell.run("scramv1 runtime -csh", shell.area(V3)).stdout.splitlines()
    assert all(re.match(r'setenv [A-Za-z_][A-Za-z0-9_]* ".*";$', line) for line in lines)


@pytest.mark.parametrize("release", RELEASES)
def testPathsComeInTheOrderOfARealArea(shell, release):
    area = shell.area(release)
    arch = shell.arch(release)
    top = shell.node.releaseDirectory(release)
    overrides = os.path.join(shell.node.cvmfs, "share", "overrides")
    got = shell.variables("eval `scramv1 runtime -sh`", area, REQUIRED_OS="any")
    expected = [overrides + "/bin"] + ["%s/%s/%s%s" % (place, part, arch, tail) for place in (area, top)
                                       for part, tail in (("bin", ""), ("external", "/bin"))]
    if release.endswith("patch1"):
        base = shell.node.releaseDirectory("CMSSW_13_0_3")
        expected.append("%s/bin/%s" % (base, arch))
        assert got["CMSSW_FULL_RELEASE_BASE"] == base
    else:
        assert "CMSSW_FULL_RELEASE_BASE" not in got
    path = got["PATH"].split(":")
    assert path[:len(expected)] == expected
    assert path[len(expected)] == os.path.join(shell.node.cvmfs, "common")
    assert got["CMSSW_BASE"] == area and got["CMSSW_RELEASE_BASE"] == top
    assert got["CMSSW_VERSION"] == release
    libraries = got["LD_LIBRARY_PATH"].split(":")
    assert libraries[:3] == [os.path.join(area, part) for part in ("biglib/" + arch, "lib/" + arch,
                                                                  "external/%s/lib" % arch)]
    assert not any("/external/xz/" in folder for folder in path + libraries)


@pytest.mark.parametrize("release, present, absent", [
    ("CMSSW_8_0_31", ["PYTHONPATH"], ["PYTHON27PATH", "PYTHON3PATH"]),
    ("CMSSW_10_6_30", ["PYTHON27PATH", "PYTHON3PATH"], ["PYTHONPATH"]),
    ("CMSSW_13_0_3", ["PYTHON3PATH"], ["PYTHONPATH", "PYTHON27PATH"])])
def testPythonPathsFollowTheGeneration(shell, release, present, absent):
    area = shell.area(release)
    got = shell.variables("unset PYTHONPATH; eval `scramv1 runtime -sh`", area)
    for name in present:
        folders = got[name].split(":")
        assert folders[:3] == [os.path.join(shell.node.cvmfs, "share", "overrides", "python"),
                               os.path.join(area, "python"), os.path.join(area, "lib", shell.arch(release))]
        assert os.path.join(shell.node.releaseDirectory(release), "python") in folders
    assert not set(absent) & set(got)


def testCallersPathsAreKeptBehindAndUnchangedVariablesAreNotPrinted(shell):
    area = shell.area(V3)
    done = shell.run("scramv1 runtime -sh", area, LD_LIBRARY_PATH="/caller/lib", LANG="C", FOREIGN="x")
    assert re.search(r'^export LD_LIBRARY_PATH=".*:/caller/lib";$', done.stdout, re.M)
    assert "export LANG=" not in done.stdout and "FOREIGN" not in done.stdout


@pytest.mark.parametrize("name", ["quo\"te", "back`tick"])
def testQuotesAndBackticksInValuesAreEscaped(shell, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    inner = Shell(shell.node, folder)
    area = inner.project(V3)
    done = inner.run("scramv1 runtime -sh", area)
    assert 'export CMSSW_BASE="%s";' % area.replace('"', '\\"').replace("`", "\\`") in done.stdout
    assert inner.variables('eval "$(scramv1 runtime -sh)"', area)["CMSSW_BASE"] == area


def testAreaWithBlanksInItsPathWorks(shell, tmp_path):
    folder = tmp_path / "a folder with blanks"
    folder.mkdir()
    inner = Shell(shell.node, folder)
    area = inner.project(V2)
    assert inner.variables('eval "$(scramv1 runtime -sh)"', area)["CMSSW_BASE"] == area


def testSecondAreaReplacesTheFirstAndUnsetsWhatOnlyThatHad(shell):
    first = shell.area("CMSSW_13_0_3_patch1")
    second = shell.area("CMSSW_8_0_31")
    done = shell.run('eval "$(scramv1 runtime -sh)"; cd %s; scramv1 runtime -sh' % second, first)
    assert re.search(r"^unset  .*\bCMSSW_FULL_RELEASE_BASE\b.*;$", done.stdout, re.M)
    assert re.search(r"^unset  .*\bPYTHON3PATH\b", done.stdout, re.M)
    assert "Following environment variables are going to be unset." in done.stderr
    got = shell.variables('eval "$(scramv1 runtime -sh)"; cd %s; eval "$(scramv1 runtime -sh)"' % second, first)
    assert got["CMSSW_BASE"] == second
    assert first not in got["PATH"] and "CMSSW_FULL_RELEASE_BASE" not in got and "PYTHON3PATH" not in got


def testRuntimeTwiceChangesNothing(shell):
    area = shell.area(V3)
    once = shell.variables('eval "$(scramv1 runtime -sh)"', area)
    twice = shell.variables('eval "$(scramv1 runtime -sh)"; eval "$(scramv1 runtime -sh)"', area)
    assert twice == once


def testUnsetenvTakesTheEnvironmentBack(shell):
    area = shell.area(V3)
    before = shell.variables("true", area)
    after = shell.variables('eval "$(scramv1 runtime -sh)"; eval "$(scramv1 unsetenv -sh)"', area)
    assert after == before


def testInsideTheReleaseItselfReleaseBaseIsEmpty(shell):
    top = shell.node.releaseDirectory(V3)
    done = shell.run("scramv1 runtime -sh", top, SCRAM_ARCH=shell.arch(V3))
    assert 'export CMSSW_BASE="%s";' % top in done.stdout
    assert 'export CMSSW_RELEASE_BASE="";' in done.stdout


def testPrefixVariablesArePrepended(shell, tmp_path):
    (tmp_path / "mine").mkdir()
    got = shell.variables("eval `scramv1 runtime -sh`", shell.area(V3), SCRAM_PREFIX_PATH=str(tmp_path / "mine"))
    assert got["PATH"].split(":")[0] == str(tmp_path / "mine")


def testToolInfoOfV3(shell):
    area = shell.area(V3)
    done = shell.run("scram tool info python3", area)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "Tool info as configured in location %s" % area
    assert lines[1] == "+" * (len(lines[0]) + 1)
    assert lines[2:4] == ["", "Name : python3"]
    assert lines[4].startswith("Version : 3.9.14-")
    assert lines[5] == "+" * 20
    names = [line.split("=")[0] for line in lines[7:] if line]
    assert names == ["INCLUDE", "LIB", "LIBDIR", "PATH", "PYTHON3_BASE", "PYTHON3_COMPILE", "USE"]


def testToolInfoOfV2KeepsTheOrderOfTheFile(shell):
    lines = shell.run("scram tool info python", shell.area(V2)).stdout.splitlines()
    names = [line.split("=")[0] for line in lines[7:] if line]
    assert names[:7] == ["SCRAM_PROJECT", "PYTHON_BASE", "PYTHON_COMPILE", "LIB", "LIBDIR", "INCLUDE", "USE"]
    assert "SCRAM_PROJECT=no" in lines


@pytest.mark.parametrize("release, stream", [(V3, "stderr"), (V2, "stdout")])
def testUnknownToolEndsWithOne(shell, release, stream):
    done = shell.run("scram tool info nonsense", shell.area(release))
    assert done.returncode == 1
    assert ("SCRAM error: >>>> Tool nonsense is not setup for this project area. <<<<" in getattr(done, stream))


def testPython2OnlyReleaseHasNoToolPython3(shell):
    area = shell.area("CMSSW_8_0_31")
    assert shell.run("scram tool info python3", area).returncode == 1
    assert shell.run("scram tool info python", area).returncode == 0


def testToolTagPrintsTheValueAlone(shell):
    area = shell.area(V3)
    done = shell.run("scram tool tag python3 PYTHON3_BASE", area)
    assert done.returncode == 0
    assert re.match(r"%s/.*/external/python3/3\.9\.14-\w+\n$" % re.escape(shell.node.cvmfs), done.stdout)
    assert shell.run("scram tool tag nonsense X", area).returncode == 1


def testToolListNamesEveryManifest(shell):
    done = shell.run("scram tool list", shell.area(V2))
    names = [line.split()[0] for line in done.stdout.splitlines() if re.match(r" \S+ +\S+", line)]
    assert names == ["py2-pip", "python", "python-paths", "python3", "sqlite", "xz", "zlib"]


def testDamagedManifestIsAnErrorThatNamesIt(shell):
    area = shell.project(V3)
    path = os.path.join(area, "config", "toolbox", shell.arch(V3), "tools", "selected", "xz.xml")
    with open(path, "w") as handle:
        handle.write("<tool name='xz'")
    done = shell.run("scramv1 runtime -sh", area)
    assert done.returncode == 2 and done.stdout == ""
    assert path in done.stderr


def testScramClearsPythonpathAndLibrariesForItselfOnly(shell, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('the caller\\'s module was imported')\n")
    area = shell.project(V3, PYTHONPATH=str(tmp_path), LD_LIBRARY_PATH=str(tmp_path))
    got = shell.variables("eval `scramv1 runtime -sh`", area, PYTHONPATH=str(tmp_path), LD_LIBRARY_PATH="/mine")
    assert got["PYTHONPATH"] == str(tmp_path)
    assert got["LD_LIBRARY_PATH"].endswith(":/mine")


def testPythonhomeOfTheCallerBreaksV3AndNotV2(shell):
    areas = {release: shell.area(release) for release in (V2, V3)}
    assert shell.run("scramv1 runtime -sh", areas[V3], PYTHONHOME="/nowhere").returncode != 0
    assert shell.run("scramv1 runtime -sh", areas[V2], PYTHONHOME="/nowhere").returncode == 0


def testEveryCallIsRecordedWithItsExitCode(shell, workerNode):
    already = len(workerNode.calls("scram"))
    shell.project(V2)
    shell.run("scramv1 runtime -sh")
    calls = workerNode.calls("scram")[already:]
    assert [(call["argv"], call["exit"]) for call in calls] == [
        (["scram", "--arch", shell.arch(V2), "project", "CMSSW", V2], 0), (["scram", "runtime", "-sh"], 1)]
    assert {call["cwd"] for call in calls} == {os.path.realpath(shell.folder)}
    assert all(call["pid"] > 0 and abs(call["time"] - time.time()) < 60 for call in calls)


def testFaultExit(shell, workerNode):
    workerNode.setScramFault("project", "exit", 5)
    assert shell.run("scramv1 --arch %s project CMSSW %s" % (shell.arch(V3), V3)).returncode == 5
    assert os.listdir(shell.folder) == []
    assert shell.run("scramv1 arch").returncode == 0


def testFaultFlakyFailsTheFirstCallsOnly(shell, workerNode):
    area = shell.area(V3)
    workerNode.setScramFault("runtime", "flaky", 2)
    done = [shell.run("scramv1 ru -sh", area) for _ in range(3)]
    assert [item.returncode for item in done] == [1, 1, 0]
    assert "Transport endpoint is not connected" in done[0].stderr


def testFaultHangIsRecordedBeforeItHangs(shell, workerNode):
    area = shell.area(V3)
    workerNode.setScramFault("runtime", "hang", 30)
    already = len(workerNode.calls("scram"))
    env = workerNode.environment(home=shell.folder)
    child = subprocess.Popen([os.path.join(workerNode.cvmfs, "common", "scramv1"), "runtime", "-sh"], cwd=area, env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.time() + 20
        while len(workerNode.calls("scram")) == already and time.time() < deadline:
            time.sleep(0.05)
        assert child.poll() is None
        assert len(workerNode.calls("scram")) == already + 1
    finally:
        child.kill()
        child.wait()


def testCmssetDefaultOffersCmsrelAndCmsenvAndTheSite(shell):
    script = ("cmsrel CMSSW_13_0_3 && cd CMSSW_13_0_3 && cmsenv && "
              'echo "$CMSSW_BASE|$SITECONFIG_PATH|$CMS_PATH|$SCRAM_ARCH|${PYTHONPATH-unset}"')
    done = shell.run(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split("|") == [
        os.path.join(shell.folder, V3), os.path.join(shell.node.cvmfs, "SITECONF", "local"), shell.node.cvmfs,
        shell.arch(V3), "unset"]


def testCmssetDefaultKeepsWhatIsSetAndMayBeSourcedTwice(shell):
    done = shell.run('. "$VO_CMS_SW_DIR/cmsset_default.sh"; echo "$SITECONFIG_PATH $CMS_PATH $SCRAM_ARCH $PATH"',
                     SITECONFIG_PATH="/my/site", CMS_PATH="/my/cms", SCRAM_ARCH="my_arch")
    site, cms, arch, path = done.stdout.split()
    assert (site, cms, arch) == ("/my/site", "/my/cms", "my_arch")
    assert path.split(":").count(os.path.join(shell.node.cvmfs, "common")) == 1


@pytest.mark.parametrize("requiredOS, expected", [("rhel6", "slc6"), ("rhel7", "slc7"), ("rhel8", "el8"), ("rhel9", "el9"),
                                                  ("rhel10", "el10"), ("any", "el8"), ("rhel7,rhel8", "el8"), ("", "el8")])
def testHostPlaysTheContainerThatTheJobAskedFor(shell, requiredOS, expected):
    assert shell.run("cmsos", REQUIRED_OS=requiredOS).stdout.split("_")[0] == expected
    assert shell.run("unset SCRAM_ARCH; cmsarch", REQUIRED_OS=requiredOS).stdout.startswith(expected + "_")


def testManyCallsAtOnceLoseNoLine(shell, workerNode):
    already = len(workerNode.calls("condor_chirp"))
    chirp = os.path.join(workerNode.root, "bin", "condor_chirp")
    shell.run("for i in $(seq 20); do '%s' set_job_attr_delayed A ${i}_%s & done; wait" % (chirp, "x" * 3000))
    calls = workerNode.calls("condor_chirp")[already:]
    assert len({call["argv"][3] for call in calls}) == 20
