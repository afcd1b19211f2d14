"""Tests of Tools/ScramArch."""
import logging
import posix
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Release.ScramArch import ScramArch
from WMCore.WMRuntime.Tools import ScramArch as module
from WMCore.WMRuntime.Tools.ScramArch import (ARCH_TO_OS, ARCH_TO_SCRAM, OS_TO_ARCH, SCRAM_TO_ARCH, chooseScramArch,
                                              getPlatformMachine, getSingleScramArch, readRequiredOS)

ARCHS = st.builds("{}{}_{}_{}{}".format, st.sampled_from(["slc", "el", "cs", "cc", "alma", "rocky"]),
                  st.integers(5, 11), st.sampled_from(["amd64", "aarch64", "ppc64le", "riscv64", "ia32"]),
                  st.sampled_from(["gcc", "icc", "blah"]), st.sampled_from(["", "491", "630", "700", "820", "9", "10", "12"]))


@pytest.fixture
def machineAd(tmp_path, monkeypatch):
    """Give a function that writes a machine ad and points to it."""
    def write(text, machine="X86_64"):
        path = tmp_path / "machine.ad"
        path.write_text(text)
        monkeypatch.setenv("_CONDOR_MACHINE_AD", str(path))
        monkeypatch.setattr(module, "getPlatformMachine", lambda: machine)
    return write


@pytest.mark.parametrize("machine, wanted", [("X86_64", "el8_amd64_gcc11"), ("aarch64", "el8_aarch64_gcc11"),
                                             ("ppc64le", "el8_ppc64le_gcc11")])
@pytest.mark.parametrize("system", ["rhel8", None])
def test_section2_2_7_theCpuIsCompared(machine, wanted, system):
    """On aarch64 and ppc64le upstream answered el8_amd64_gcc11."""
    archs = ["el8_amd64_gcc11", "el8_aarch64_gcc11", "el8_ppc64le_gcc11"]
    assert chooseScramArch(archs, system, machine).arch == wanted


def test_landmine_x86NodeDoesNotGetPpc64le(machineAd):
    machineAd('GLIDEIN_REQUIRED_OS = "rhel8"\n')
    assert getSingleScramArch(["el8_ppc64le_gcc12", "el8_amd64_gcc12"]) == "el8_amd64_gcc12"


def test_landmine_compilersAreOrderedAsNumbers(machineAd):
    machineAd('GLIDEIN_REQUIRED_OS = "rhel8"\n')
    assert getSingleScramArch(["el8_amd64_gcc9", "el8_amd64_gcc12"]) == "el8_amd64_gcc12"
    assert getSingleScramArch(["el8_amd64_gcc10", "el8_amd64_gcc900"]) == "el8_amd64_gcc10"


@pytest.mark.parametrize("archs, wanted", [
    (["el8_ppc64le_gcc12", "el8_amd64_gcc12"], {"X86_64": "el8_amd64_gcc12", "ppc64le": "el8_ppc64le_gcc12"}),
    (["el8_amd64_gcc9", "el8_amd64_gcc12"], {"X86_64": "el8_amd64_gcc12"}),
    (["el8_aarch64_gcc12", "el8_riscv64_gcc9", "slc7_aarch64_gcc820"],
     {"aarch64": "el8_aarch64_gcc12", "riscv64": "el8_riscv64_gcc9"})])
@pytest.mark.parametrize("machine", ["X86_64", "aarch64", "ppc64le", "riscv64"])
@pytest.mark.parametrize("backwards", [False, True])
def test_landmine_aMixedListGivesEachCpuItsOwnOrNone(machineAd, archs, wanted, machine, backwards):
    machineAd('GLIDEIN_REQUIRED_OS = "rhel8"\n', machine)
    assert getSingleScramArch(archs[::-1] if backwards else archs) == wanted.get(machine)


@pytest.mark.parametrize("ad", ["", 'GLIDEIN_REQUIRED_OS = "any"\n', "Memory = 1\n"])
def test_section2_2_7_anUnknownSystemGivesTheMostRecentNotTheLastOfTheAlphabet(machineAd, ad):
    machineAd(ad)
    assert getSingleScramArch(["slc7_amd64_gcc900", "el8_amd64_gcc11", "el8_aarch64_gcc12"]) == "el8_amd64_gcc11"


def test_section2_2_7_noneFittingIsNoneAndTheReasonsAreLogged(machineAd, caplog):
    machineAd('GLIDEIN_REQUIRED_OS = "rhel9"\n')
    with caplog.at_level(logging.INFO):
        assert getSingleScramArch(["el8_amd64_gcc11", "el9_aarch64_gcc12", "nonsense"]) is None
    for part in ("needs rhel8", "needs a aarch64 CPU, this node has X86_64", "nonsense"):
        assert part in caplog.text


@pytest.mark.parametrize("number", ["8", "9", "10"])
@pytest.mark.parametrize("family", ["el", "cc", "cs", "alma", "rocky"])
def test_issue11895_everySystemFrom8To10IsKnown(family, number):
    assert ScramArch.parse("%s%s_amd64_gcc13" % (family, number)).requiredOS == ("rhel" + number,)
    assert chooseScramArch(["%s%s_amd64_gcc13" % (family, number)], "rhel" + number, "X86_64").arch


def test_theTablesKeepWhatTheirReadersKnow():
    known = {"slc5": ["rhel6"], "slc6": ["rhel6"], "slc7": ["rhel7"], "el8": ["rhel8"], "cc8": ["rhel8"],
             "cs8": ["rhel8"], "alma8": ["rhel8"], "el9": ["rhel9"], "cs9": ["rhel9"]}
    assert ARCH_TO_OS == known
    assert SCRAM_TO_ARCH == {"amd64": "X86_64", "aarch64": "aarch64", "ppc64le": "ppc64le"}
    assert OS_TO_ARCH == {"rhel6": ["slc5", "slc6"], "rhel7": ["slc7"], "rhel8": ["el8", "cc8", "cs8", "alma8"],
                          "rhel9": ["el9", "cs9"]}
    assert all(ARCH_TO_SCRAM[SCRAM_TO_ARCH[cpu]] == cpu for cpu in SCRAM_TO_ARCH)


def test_whatWMCoreItselfExpectsOfAListAndAString(machineAd):
    machineAd('Memory = 2048\nGLIDEIN_REQUIRED_OS = "rhel6" \n')
    assert getSingleScramArch("slc7_blah_blah") == "slc7_blah_blah"
    assert getSingleScramArch(["slc6_blah_blah", "slc7_blah_blah"]) == "slc6_blah_blah"
    assert getSingleScramArch(["slc6_blah_blah", "slc5_blah_blah"]) == "slc6_blah_blah"
    machineAd('GLIDEIN_REQUIRED_OS = "rhel7" \n')
    assert getSingleScramArch(["slc6_blah_blah", "slc5_blah_blah"]) is None
    assert getSingleScramArch(["slc7_blah_blah", "slc8_blah_blah"]) == "slc7_blah_blah"


def test_aCpuThatIsNotInTheTablesIsTakenLast():
    choice = chooseScramArch(["el9_sparc_gcc13", "el8_amd64_gcc11"], None, "X86_64")
    assert choice.arch == "el8_amd64_gcc11"


def test_aStringNoneAndAnEmptyListAreAnswered(monkeypatch):
    monkeypatch.delenv("_CONDOR_MACHINE_AD", raising=False)
    assert getSingleScramArch("anything") == "anything"
    assert getSingleScramArch(None) is None
    assert getSingleScramArch([]) is None


def test_theLastOfTwoEntriesInTheAdCounts(machineAd):
    machineAd('glidein_required_os = "rhel7"\nGLIDEIN_REQUIRED_OS = "rhel8"\n')
    assert readRequiredOS() == "rhel8"


def test_anAdThatIsNotThereIsNoAnswer(monkeypatch):
    assert readRequiredOS({"_CONDOR_MACHINE_AD": "/nonexistent/ad"}) is None


def test_aListOfRequiredSystemsFitsEach():
    assert chooseScramArch(["slc7_amd64_gcc700"], "rhel7,rhel8", "X86_64").arch == "slc7_amd64_gcc700"


@given(st.lists(st.one_of(ARCHS, st.text(max_size=20)), max_size=6), st.sampled_from([None, "any", "rhel7", "rhel8", "rhel9"]),
       st.sampled_from(["X86_64", "aarch64", "ppc64le", "s390x"]))
def test_everyArchIsChosenOrRejectedWithAReason(archs, system, machine):
    choice = chooseScramArch(archs, system, machine)
    assert {text for text, _reason in choice.rejected} | ({choice.arch} - {None}) == set(archs)
    assert all(reason for _text, reason in choice.rejected)
    if choice.arch:
        assert ScramArch.parse(choice.arch).machine in (None, machine) or machine == "s390x"


def test_theMachineIsNamedAsHTCondorDoes(monkeypatch):
    for machine, name in (("x86_64", "X86_64"), ("aarch64", "aarch64")):
        monkeypatch.setattr("os.uname", lambda: posix.uname_result(("Linux", "node", "5", "#1", machine)))
        assert getPlatformMachine() == name


def test_theMachineIsKnownWithoutStartingAProgram(monkeypatch):
    """platform.machine() starts `uname -p` up to python 3.8."""
    monkeypatch.setattr("platform.uname", None)
    assert getPlatformMachine()


def test_theModuleImportsWithoutWMCore(sourceTree):
    code = "import sys; sys.path.insert(0, %r)\nimport WMCore.WMRuntime.Tools.Scram\n" % str(sourceTree)
    code += "assert not [m for m in sys.modules if m.startswith(('WMCore.WMSpec', 'Utils', 'PSetTweaks'))]"
    subprocess.check_call([sys.executable, "-c", code], env={"PATH": "/usr/bin:/bin"})
