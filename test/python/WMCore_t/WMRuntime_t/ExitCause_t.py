"""The one order of precedence of what decides a step's exit code."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Errors import (EXIT_CODES, EXIT_RULES, NO_CODE, PLACEHOLDER, STOPPED, errorRank, exitCause,
                                     isRealCode, processStatus)

STATUSES = st.integers(0, 255)
CODES = st.one_of(st.none(), st.sampled_from([0, NO_CODE, PLACEHOLDER, 8001, 65, 50115]), st.integers(1, 99999))
LISTS = st.lists(CODES, max_size=4)
WATCHDOG = st.one_of(st.none(), st.sampled_from([50660, 50664]))
SIGNALS = st.one_of(st.none(), st.sampled_from([15, 2, 1]))
FACTS = st.fixed_dictionaries({"processStatus": STATUSES, "reportCodes": LISTS, "watchdogCode": WATCHDOG,
                               "stopSignal": SIGNALS})


def test_theOrderIsTheOneThatIsWrittenDown():
    assert [cause for cause, _reason, _find in EXIT_RULES] == [
        "watchdog", "stopSignal", "reportCode", "payloadSignal", "processStatus", "placeholder", "errorWithoutCode",
        "success"]
    assert all(reason for _cause, reason, _find in EXIT_RULES)


@pytest.mark.parametrize("status, codes, cause, code", [
    (65, [8001], "reportCode", 8001), (1, [8028], "reportCode", 8028), (66, [], "processStatus", 66),
    (0, [8006], "reportCode", 8006), (65, [8020, 8001], "reportCode", 8020),
    (134, [0], "payloadSignal", 134), (65, [0], "processStatus", 65), (66, [None], "processStatus", 66),
    (139, [PLACEHOLDER], "payloadSignal", 139), (139, [PLACEHOLDER, 8001], "reportCode", 8001),
    (65, [PLACEHOLDER], "processStatus", 65), (197, [PLACEHOLDER], "placeholder", 8901), (197, [], "processStatus", 197),
    (0, [PLACEHOLDER], "placeholder", 8901), (0, [0], "errorWithoutCode", NO_CODE),
    (0, [None, PLACEHOLDER], "placeholder", 8901), (0, [], "success", 0)])
def test_10749_eachCauseGivesItsCode(status, codes, cause, code):
    found = exitCause(processStatus=status, reportCodes=codes)
    assert (found.cause, found.code) == (cause, code)


def test_theRuntimesOwnActsComeBeforeAllTheirEchoes():
    assert exitCause(143, [8001], 50660, 15).code == 50660
    assert exitCause(143, [8001], None, 15).code == STOPPED


@given(STATUSES.filter(bool), LISTS, WATCHDOG, SIGNALS)
def test_aFailedProcessIsNeverASuccess(status, codes, watchdog, signalNumber):
    assert exitCause(status, codes, watchdog, signalNumber).code != 0


@given(STATUSES, LISTS.filter(bool))
def test_anErrorInTheReportIsNeverASuccess(status, codes):
    assert exitCause(status, codes).code != 0


@given(FACTS)
def test_successMeansThatNothingSpeaksOfAFailure(facts):
    failed = any([facts["processStatus"], facts["reportCodes"], facts["watchdogCode"], facts["stopSignal"]])
    assert (exitCause(**facts).code == 0) == (not failed)


@given(FACTS, st.data())
def test_addingACauseNeverWeakensTheAnswer(facts, data):
    before = exitCause(**facts)
    stronger = dict(facts, **data.draw(st.one_of(
        st.builds(dict, watchdogCode=st.sampled_from([50660, 50664])),
        st.builds(dict, stopSignal=st.just(15)),
        st.builds(dict, reportCodes=CODES.filter(isRealCode).map(lambda code: facts["reportCodes"] + [code])),
        st.builds(dict, processStatus=st.integers(129, 192)))))
    after = exitCause(**stronger)
    assert after.rank <= before.rank
    if after.rank == before.rank == exitCause(reportCodes=[8001]).rank:
        assert after.code == before.code, "the first error of a report is the one that counts"


@given(STATUSES, LISTS)
def test_thePlaceholderNeverMasksACause(status, codes):
    found = exitCause(status, codes + [PLACEHOLDER])
    without = exitCause(status, [code for code in codes if code != PLACEHOLDER])
    if without.rank < found.rank:
        assert (without.cause, without.code) == ("processStatus", processStatus(PLACEHOLDER))
        assert found.code == PLACEHOLDER
    assert found == exitCause(status, [PLACEHOLDER] + codes)
    if status not in (0, processStatus(PLACEHOLDER)) or any(isRealCode(code) for code in codes):
        assert found.code != PLACEHOLDER


@given(STATUSES.filter(bool), st.one_of(st.just(0), st.integers(7000, 8900)))
def test_CS7571_crabsRule_theReportsCodeUnlessItIsZero(status, code):
    assert exitCause(status, [code]).code == (code or status)


@given(st.integers(7000, 8999).filter(lambda code: code & 255))
def test_CS7571_crabsRule_theReportsCodeWhenTheProcessHasItsLowByte(code):
    assert exitCause(code & 255, [code]).code == code


def test_errorsOfAReportAreRankedByTheSameOrder():
    codes = [NO_CODE, PLACEHOLDER, 8001, STOPPED, 50660, None, 139]
    assert sorted(codes, key=errorRank) == [50660, STOPPED, 8001, 139, PLACEHOLDER, NO_CODE, None]


@pytest.mark.parametrize("code", [code for code in sorted(EXIT_CODES) if code not in (PLACEHOLDER, STOPPED)])
def test_everyCodeOfTheTableIsAReasonOfItsOwn(code):
    assert isRealCode(code) and exitCause(reportCodes=[code]).code == code
