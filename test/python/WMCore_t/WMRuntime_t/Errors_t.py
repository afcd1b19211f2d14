"""The table of exit codes and the shape of errors."""
import pytest

from WMCore.WMRuntime.Errors import (EXIT_CODES, INFRASTRUCTURE, PAYLOAD, RUNTIME, SITE, USER, JobTerminated,
                                     WMRuntimeError, exitCodeInfo, processStatus)


@pytest.mark.parametrize("code", sorted(EXIT_CODES))
def test_section2_4_noCodeLooksLikeSuccessToAProcessAndEachHasSomebodyWhoCanMendIt(code):
    assert 1 <= EXIT_CODES[code].processStatus <= 255
    assert EXIT_CODES[code].category in (SITE, INFRASTRUCTURE, PAYLOAD, USER, RUNTIME)


def test_theWrapperAndBootstrapShareNoNumber_7273():
    setters = {}
    for info in EXIT_CODES.values():
        setters.setdefault(info.setBy.split(",")[0], set()).add(info.code)
    assert not setters["submit_py3.sh"] & setters["Bootstrap"]


def test_section2_4_theCodesOfTheTaskLookUpAreExplained():
    """WMCore's own table has none of them."""
    for code, name in ((11101, "TaskLookupError"), (11102, "TaskNotFound"), (11103, "TaskNotInJob")):
        assert EXIT_CODES[code].name == name and EXIT_CODES[code].meaning


@pytest.mark.parametrize("code, status", [(0, 0), (1, 1), (255, 255), (256, 1), (11004, 252), (50513, 81), (8001, 65)])
def test_processStatusIsTheLowByteButNeverZeroForAFailure(code, status):
    assert processStatus(code) == status


def test_anErrorSaysWhatWhereAndWhatToDo():
    text = str(WMRuntimeError(11006, "the sandbox is cut off", "job.tar.bz2: 10 bytes", "send the job again"))
    assert text == ("the sandbox is cut off [11006 UnpackFailed]\n  job.tar.bz2: 10 bytes\n"
                    "  what to do: send the job again")


def test_anErrorKnowsItsCategoryAndWhetherARetryCanHelp():
    error = WMRuntimeError(11004, "no python")
    assert (error.category, error.retryable) == ("site", True)


def test_anUnknownCodeIsAnAnswerNotAnError():
    assert exitCodeInfo(4242).name == "Unknown"


def test_jobTerminatedPassesThroughExceptException():
    assert not issubclass(JobTerminated, Exception)
    assert JobTerminated(15).signalNumber == 15


@pytest.mark.parametrize("code, name", [(8021, "CmsRunError"), (139, "Signal11"), (60307, "StageOutFailure")])
def test_aCodeOutsideTheTableIsExplainedByItsRange(code, name):
    assert exitCodeInfo(code).name == name
