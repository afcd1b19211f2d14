"""Tests of Release/ScramArch."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Release.ScramArch import ScramArch, compilerVersion

ARCHS = st.builds("{}{}_{}_{}{}{}".format, st.sampled_from(["slc", "el", "cs", "cc", "alma", "rocky", "osx"]),
                  st.integers(5, 11),
                  st.sampled_from(["amd64", "aarch64", "ppc64le", "riscv64", "ia32", "x86-64-v3"]),
                  st.sampled_from(["gcc", "icc", "blah"]),
                  st.sampled_from(["", "491", "630", "700", "820", "9", "10", "12", "1020"]),
                  st.sampled_from(["", "_skylake", "-v3"]))


@pytest.mark.parametrize("text, system, machine", [
    ("slc5_amd64_gcc462", "rhel6", "X86_64"), ("slc6_amd64_gcc530", "rhel6", "X86_64"),
    ("slc7_ppc64le_gcc630", "rhel7", "ppc64le"), ("cc8_amd64_gcc9", "rhel8", "X86_64"),
    ("cs8_aarch64_gcc10", "rhel8", "aarch64"), ("el8_amd64_gcc12", "rhel8", "X86_64"),
    ("alma8_amd64_gcc11", "rhel8", "X86_64"), ("rocky9_amd64_gcc12", "rhel9", "X86_64"),
    ("el9_riscv64_gcc13", "rhel9", "riscv64"), ("el10_amd64_gcc14", "rhel10", "X86_64"),
    ("el8_x86-64-v3_gcc12", "rhel8", "X86_64")])
def test_everyArchHasItsSystemAndItsMachines(text, system, machine):
    arch = ScramArch.parse(text)
    assert (arch.requiredOS, arch.machine) == ((system,), machine)


def test_anotherSystemAndAnotherCpuAreUnknownNotWrong():
    arch = ScramArch.parse("osx108_ia32_gcc481")
    assert (arch.requiredOS, arch.machine, arch.osVersion) == ((), None, 108)


@pytest.mark.parametrize("older, newer", [
    ("slc7_amd64_gcc900", "el8_amd64_gcc8"), ("el8_amd64_gcc9", "el8_amd64_gcc12"), ("el8_amd64_gcc820", "el8_amd64_gcc9"),
    ("slc7_amd64_gcc630", "slc7_amd64_gcc700"), ("el9_amd64_gcc12", "el10_amd64_gcc12"),
    ("cs8_amd64_gcc12", "el8_amd64_gcc12")])
def test_newerSystemsAndCompilersComeLater(older, newer):
    assert ScramArch.parse(older) < ScramArch.parse(newer)


@pytest.mark.parametrize("text", ["el8_amd64_gcc12\n", "el08_amd64_gcc12", "el8_amd64", "EL8_amd64_gcc12", "", "../el8_a_gcc1"])
def test_whatOnlyLooksLikeAnArchIsRefused(text):
    with pytest.raises(ValueError):
        ScramArch.parse(text)


@pytest.mark.parametrize("digits, version", [("", ()), ("9", (9,)), ("12", (12,)), ("491", (4, 9, 1)), ("820", (8, 2, 0)),
                                             ("900", (9, 0, 0)), ("1020", (10, 2, 0)), ("10", (10,)), ("81", (8, 1))])
def test_compilerDigitsAreReadAsAVersion(digits, version):
    assert compilerVersion(digits) == version


@given(ARCHS, ARCHS, ARCHS)
def test_theOrderIsTotal(one, two, three):
    a, b, c = (ScramArch.parse(text) for text in (one, two, three))
    assert (a < b) + (b < a) + (a == b) == 1
    assert not (a < b and b < c) or a < c
    assert (a <= b) == (not b < a) and (a > b) == (b < a) and (a >= b) == (not a < b)
    assert sorted([a, b, c]) == sorted([c, b, a])


@given(ARCHS)
def test_whatWasParsedIsWrittenTheSameWay(text):
    assert ScramArch.parse(text).format() == text == ScramArch.parse(text).text


@given(st.one_of(st.text(max_size=30), st.binary(max_size=30), st.none(), st.integers()))
def test_whatIsNoArchIsAValueError(text):
    try:
        ScramArch.parse(text)
    except ValueError as ex:
        assert "scram arch" in str(ex)
