"""Tests of Release/ReleaseVersion."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Release.ReleaseVersion import ReleaseVersion
from WMCore.WMRuntime.Tools.Scram import isCMSSWSupported, isEnforceGUIDInFileNameSupported


@pytest.mark.parametrize("this, supported", [
    ("CMSSW_1_2_3", ""), (None, "a"), ("CMSSW_1_2_3", "CMSSW_2_2_3"), ("CMSSW_1_2_3", "CMSSW_1_3_3"),
    ("CMSSW_1_2_3", "CMSSW_1_2_4"), ("CMSSW_1_2_3_pre1", "CMSSW_1_2_3"), ("CMSSW_1_2_3_pre2", "CMSSW_1_2_3_pre1"),
    ("CMSSW_7_1_25_patch2", "CMSSW_7_6_0"), ("CMSSW_7_3_2", "CMSSW_10_4_0"), ("a", "b")])
def test_anEarlierOrIncomparableReleaseIsNotSupported(this, supported):
    assert isCMSSWSupported(this, supported) is False


@pytest.mark.parametrize("this, supported", [
    ("CMSSW_1_2_3_pre1", "CMSSW_1_2_3_pre1"), ("CMSSW_2_2_3", "CMSSW_1_2_3"), ("CMSSW_1_3_3", "CMSSW_1_2_3"),
    ("CMSSW_1_2_4", "CMSSW_1_2_3"), ("CMSSW_2_0_0", "CMSSW_1_9_9"), ("CMSSW_14_2_0_pre3", "CMSSW_12_1_0")])
def test_theSameOrALaterReleaseIsSupported(this, supported):
    assert isCMSSWSupported(this, supported) is True


@pytest.mark.parametrize("release, answer", [
    (None, False), ("", False), ("CMSSW_11_0_0", True), ("CMSSW_11_1_0_pre1", True), ("CMSSW_10_2_20_UL", True),
    ("CMSSW_9_4_16_UL", True), ("CMSSW_7_1_45_patch3", True), ("CMSSW_7_1_45", False), ("CMSSW_10_6_8", True),
    ("CMSSW_10_6_7", False), ("CMSSW_10_6_9_patch1", True), ("CMSSW_10_5_8", False), ("CMSSW_9_3_17", True),
    ("CMSSW_8_0_33", False), ("CMSSW_X_Y_Z", False)])
def test_theReleasesThatKnowEnforceGUIDInFileName(release, answer):
    assert isEnforceGUIDInFileNameSupported(release) is answer


NAMES = st.one_of(
    st.builds("CMSSW_{}_{}_{}{}{}{}".format, st.integers(0, 20), st.integers(0, 9), st.integers(0, 40),
              st.sampled_from(["", "_pre1", "_pre4", "_pre12", "_cand1"]),
              st.sampled_from(["", "_UL", "_SLHC6", "_SLHC23", "_ROOT6", "_PY3", "_PYTHON3", "_DEVEL", "_UL_HLT"]),
              st.sampled_from(["", "_patch1", "_patch10", "_hltpatch2"])),
    st.builds("CMSSW_{}_{}{}_X{}".format, st.integers(0, 20), st.integers(0, 9),
              st.sampled_from(["", "_DEVEL", "_ROOT6", "_PY3"]),
              st.sampled_from(["", "_2021-07-07-1100", "_2023-02-01-2300"])))


# Whatever else has the form of a name: words nobody has used yet, in any order.
ANY_NAMES = st.from_regex(r"\A(CMSSW|CORAL)_[0-9]_[0-9]_([0-3]|X)(_(pre[0-3]|[a-zA-Z0-3.+-]{1,6}|X|2021-07-07-1100|hltpatch[01])){0,3}\Z")


@pytest.mark.parametrize("text, series, numbers, pre, patch, base, flags, date", [
    ("CMSSW_13_0_3", (13, 0), (13, 0, 3), None, None, None, (), None),
    ("CMSSW_13_0_3_patch1", (13, 0), (13, 0, 3), None, 1, "CMSSW_13_0_3", (), None),
    ("CMSSW_12_0_0_pre4", (12, 0), (12, 0, 0), 4, None, None, (), None),
    ("CMSSW_12_0_0_pre2_PYTHON3", (12, 0), (12, 0, 0), 2, None, None, ("PYTHON3",), None),
    ("CMSSW_10_2_20_UL", (10, 2), (10, 2, 20), None, None, None, ("UL",), None),
    ("CMSSW_6_2_0_SLHC23_patch1", (6, 2), (6, 2, 0), None, 1, "CMSSW_6_2_0_SLHC23", ("SLHC23",), None),
    ("CMSSW_7_0_0_ROOT6_patch2", (7, 0), (7, 0, 0), None, 2, "CMSSW_7_0_0_ROOT6", ("ROOT6",), None),
    ("CMSSW_5_2_6_hltpatch1", (5, 2), (5, 2, 6), None, 1, "CMSSW_5_2_6", (), None),
    ("CMSSW_12_0_0_pre4_patch1", (12, 0), (12, 0, 0), 4, 1, "CMSSW_12_0_0_pre4", (), None),
    ("CMSSW_12_0_X_2021-07-07-1100", (12, 0), None, None, None, None, (), "2021-07-07-1100"),
    ("CMSSW_12_0_DEVEL_X_2021-07-07-1100", (12, 0), None, None, None, None, ("DEVEL",), "2021-07-07-1100")])
def test_everyFormOfAReleaseIsTakenApart(text, series, numbers, pre, patch, base, flags, date):
    version = ReleaseVersion.parse(text)
    assert (version.series, version.numbers, version.pre, version.patch, version.base, version.flags, version.date) \
        == (series, numbers, pre, patch, base, flags, date)
    assert version.isIntegrationBuild is (numbers is None)


@pytest.mark.parametrize("text, special", [
    ("CMSSW_11_1_0_pre5_PY3", True), ("CMSSW_12_0_0_pre2_PYTHON3", True), ("CMSSW_12_0_DEVEL_X_2021-07-07-1100", True),
    ("CMSSW_12_0_0_pre2", False), ("CMSSW_7_0_0_ROOT6", False)])
def test_buildsWhosePythonIsNotThatOfTheirSeriesAreKnown(text, special):
    assert ReleaseVersion.parse(text).isSpecial is special


def test_theOrderIsThatOfDevelopment():
    ordered = ["CMSSW_12_0_X_2021-07-07-1100", "CMSSW_12_0_X_2021-07-08-2300", "CMSSW_12_0_0_pre2",
               "CMSSW_12_0_0_pre2_PYTHON3", "CMSSW_12_0_0_pre10", "CMSSW_12_0_0_cand1", "CMSSW_12_0_0",
               "CMSSW_12_0_0_SLHC6", "CMSSW_12_0_0_SLHC23", "CMSSW_12_0_0_patch2", "CMSSW_12_0_0_patch10",
               "CMSSW_12_0_1", "CMSSW_12_0_10", "CMSSW_12_1_X_2021-07-07-1100", "CMSSW_12_1_0_pre1"]
    assert [str(version) for version in sorted(map(ReleaseVersion.parse, reversed(ordered)))] == ordered


@given(st.one_of(NAMES, ANY_NAMES))
def test_whatWasParsedIsWrittenTheSameWay(text):
    assert str(ReleaseVersion.parse(text)) == text


@given(*[st.one_of(NAMES, ANY_NAMES)] * 3)
def test_theOrderIsTotal(one, two, three):
    a, b, c = map(ReleaseVersion.parse, (one, two, three))
    assert (a < b) + (b < a) + (a == b) == 1
    assert not (a < b and b < c) or a < c
    assert (a <= b) == (not b < a)


@given(NAMES)
def test_theBaseOfAPatchReleaseIsAFullReleaseOfTheSameNumbers(text):
    version = ReleaseVersion.parse(text)
    if version.base is not None:
        base = ReleaseVersion.parse(version.base)
        assert base.patch is None and base.base is None and base.numbers == version.numbers and base < version
    else:
        assert version.patch is None


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\ACMSSW_[0-9]+_[0-9]+_[0-9A-Za-z_+.-]{0,40}\Z"), st.none(),
                 st.integers(), st.binary(max_size=10)))
def test_whatIsNoReleaseIsAValueErrorAndAllElseHasAnOrder(text):
    try:
        version = ReleaseVersion.parse(text)
    except ValueError as ex:
        assert "is no release" in str(ex)
        return
    assert str(version) == text
    assert version.version is not None and not version < version
