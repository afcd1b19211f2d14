"""Tests of Tools/CMSSWVersion."""
import pytest

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
