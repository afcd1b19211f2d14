"""Tests of Environment/EnvironmentOutcome."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvironmentOutcome import EnvironmentOutcome
from WMCore.WMRuntime.Environment.EnvironmentProvider import Prepared
from WMCore.WMRuntime.Errors import WMRuntimeError

TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_whatIsHandedOverReadsBackTheSame(reasons, stages):
    outcome = EnvironmentOutcome({"container": {"value": "auto", "where": "x"}}, [{"a": 1}], reasons, stages)
    text = outcome.toVariable()
    assert EnvironmentOutcome.fromVariable(text) == outcome
    assert "\n" not in text and "\0" not in text and text == text.encode("ascii").decode("ascii")


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", "null", "nonsense", '{"asked": [], "prepared": []}', "[" * 9999,
                                  '{"asked": {}, "prepared": 1, "reasons": [], "stages": []}'])
def test_whatStartupDidNotWriteIsRefused(text):
    with pytest.raises(WMRuntimeError) as caught:
        EnvironmentOutcome.fromVariable(text)
    assert caught.value.code == 11014 and "WMRUNTIME_ENVIRONMENT_APPLIED" in str(caught.value)


@given(st.text(max_size=40))
def test_anyTextGivesAnOutcomeOrTheError(text):
    try:
        assert isinstance(EnvironmentOutcome.fromVariable(text), EnvironmentOutcome)
    except WMRuntimeError as ex:
        assert ex.code == 11014


def test_eachReasonIsKeptWithWhoGaveIt():
    outcome = EnvironmentOutcome().adding(reason="first").adding(Prepared("wheels", reasons=["second"]), stage="libraries")
    assert outcome.reasons == ("first", "wheels: second") and outcome.stages == ("libraries",)
    assert [one["provider"] for one in outcome.toDict()["prepared"]] == ["wheels"]


def test_theErrorIsWrittenForPeople():
    error = WMRuntimeError(11014, "no python", "/cvmfs", "mend it")
    assert "what to do: mend it" in EnvironmentOutcome(error=error).toDict()["error"]
