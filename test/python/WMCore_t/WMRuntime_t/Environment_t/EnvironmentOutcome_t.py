"""Tests of Environment/EnvironmentOutcome."""
import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvironmentOutcome import EnvironmentOutcome
from WMCore.WMRuntime.Environment.EnvironmentProvider import Prepared
from WMCore.WMRuntime.Errors import WMRuntimeError


def encoded(text):
    """Write JSON as toVariable does."""
    return base64.b64encode(text.encode()).decode()


EMPTY = {"asked": {}, "prepared": [], "reasons": [], "stages": []}
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3))
def test_whatIsHandedOverReadsBackTheSame(reasons, stages):
    outcome = EnvironmentOutcome({"container": {"value": "auto", "where": "x"}}, [{"a": 1}], reasons, stages)
    text = outcome.toVariable()
    assert EnvironmentOutcome.fromVariable(text) == outcome
    assert not set(text).intersection("\n\0$`\\\"") and text == text.encode("ascii").decode("ascii")


def refused(text):
    """Make sure that a variable Startup did not write is an error that names it."""
    with pytest.raises(WMRuntimeError) as caught:
        EnvironmentOutcome.fromVariable(text)
    assert caught.value.code == 11014 and "WMRUNTIME_ENVIRONMENT_APPLIED" in str(caught.value)


@pytest.mark.parametrize("text", ["", "1", "nonsense", json.dumps(EMPTY), "\u00e9", "="] + [encoded(text) for text in (
    "1", "[]", "{}", "null", "\u00e9", '{"asked": [], "prepared": []}', "[" * 9999)])
def test_whatIsNoOutcomeIsRefused(text):
    refused(text)


@pytest.mark.parametrize("wrong", [
    {"prepared": 1}, {"prepared": ["x"]}, {"reasons": [1]}, {"reasons": {"a": "b"}}, {"stages": [["container"]]},
    {"stages": "container"}, {"stages": [None]}, {"asked": []}, {"asked": {"container": "auto"}}])
def test_anOutcomeWithOtherTypesInItIsRefused(wrong):
    refused(encoded(json.dumps(dict(EMPTY, **wrong))))


@given(st.text(max_size=40) | st.recursive(st.none() | st.integers() | TEXTS, lambda more: st.lists(more, max_size=2)
       | st.dictionaries(st.sampled_from(sorted(EMPTY)), more)).map(lambda value: encoded(json.dumps(value))))
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
