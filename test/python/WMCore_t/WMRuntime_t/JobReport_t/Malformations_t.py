"""
What comes out of each kind of damage that was seen in job reports.

The fixtures are real reports of test/data/fjr, shortened and damaged the way the issue in the name tells; "cmssw" is
cms-sw/cmssw, "wmcore" dmwm/WMCore, "crabserver" dmwm/CRABServer. Those without a number follow
from the writer's source.
"""
import glob
import os

import attr
import pytest

from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
from WMCore.WMRuntime.JobReport.ReportParser import iterEvents, parse
from WMCore_t.WMRuntime_t.JobReport_t.Mutations import REPORTS

MALFORMED = os.path.join(REPORTS, "malformed")
BACKENDS = ("expat", "lxml")


@attr.s(frozen=True)
class Outcome(object):
    """Say what must come out of a file: counts of files and errors, repairs by kind, kinds of ReadErrors."""
    status = attr.ib()
    inputs = attr.ib()
    outputs = attr.ib()
    errors = attr.ib()
    exitCode = attr.ib()
    failed = attr.ib()
    repairs = attr.ib(factory=dict)
    readErrors = attr.ib(default=())


def _failed(status, repairs=None, errors=1, exitCode=8001, readErrors=()):
    """The report of the failed job: one input, two outputs, error 8001."""
    return Outcome(status, 1, 2, errors, exitCode, True, repairs or {}, readErrors)


def _good(status="complete", repairs=None, inputs=2):
    """The report of the job with two inputs."""
    return Outcome(status, inputs, 0, 0, 0, False, repairs or {})


def _ended(status="placeholder", repairs=None, errors=1, exitCode=8901, readErrors=()):
    """The report of the job with two inputs when it was ended."""
    return Outcome(status, 2, 0, errors, exitCode, True, repairs or {}, readErrors)


def _cut(inputs, outputs, exitCode=0, readErrors=("truncated",), errors=0):
    return Outcome("truncated", inputs, outputs, errors, exitCode, True, {}, readErrors)


def _unusable(kind):
    return Outcome("unusable", 0, 0, 0, 0, True, {}, (kind,))


OUTCOMES = {
    "cmssw47555_nulInMessage": _failed("repaired", {"controlCharacter": 3}),
    "wmcore10782_controlInMessage": _failed("repaired", {"controlCharacter": 1, "encoding": 1}),
    "wmcore8051_latin1InMessage": _failed("repaired", {"encoding": 3}),
    "cmssw50020_ampersandInPfn": _good("repaired", {"ampersand": 2}),
    "ampersandInType": _failed("repaired", {"ampersand": 1}),
    "cdataEndInMessage": _failed("repaired", {"cdataEnd": 2}),
    "cdataEndBeforeTag": _failed("repaired", {"cdataEnd": 2}),
    # Interleaved tags cannot be told apart: what precedes them is kept, and the code of the error that follows.
    "cmssw37944_interleavedTags": _cut(1, 1, readErrors=("malformed",)),
    "cmssw38554_interleavedBeforeError": _cut(1, 1, 8001, ("malformed", "failureTrace")),
    "cmssw38019_emptyPileupTags": _good(inputs=4),
    "wmcore11234_missingPileupTags": _good(inputs=4),
    "cmssw39778_truncatedInFile": _cut(1, 1),
    "cmssw39778_truncatedInTag": _cut(1, 0),
    "cmssw39778_truncatedInMessage": _cut(1, 2, 8001, ("truncated", "failureTrace")),
    "cmssw39778_truncatedInCharacter": _cut(1, 2, 8001, ("truncated", "failureTrace")),
    "cmssw39778_truncatedBeforeRootEnd": _cut(1, 2),
    "cmssw39778_truncatedInRootEnd": _cut(1, 2),
    "cmssw39778_truncatedInRootTag": _unusable("truncated"),
    "cmssw39778_finalPadding": _good(),
    "cmssw39778_garbageAtEnd": _good("repaired", {"garbageAtEnd": 30}),
    # More than the rest of an older closing: what it was cannot be told, so it is no success.
    "cmssw39778_otherGarbageAtEnd": _ended("repaired", {"garbageAtEnd": 33}, 0, 0, ("strayText",)),
    "cmssw39778_zerosAtEnd": _good("repaired", {"garbageAtEnd": 512}),
    "cmssw39778_errorInGarbage": _ended("repaired", {"garbageAtEnd": 78}, 0, 8021, ("failureTrace",)),
    # A crash after a new element was written over the start of the placeholder: its rest stays, well-formed.
    "cmssw39778_overwrittenPlaceholder": _ended(errors=0, readErrors=("failureTrace",)),
    "cmssw39778_overwrittenPlaceholderShort": _ended(errors=0, readErrors=("strayText",)),
    "cmssw41124_placeholder": _ended(),
    "cmssw41124_placeholderAfterError": _failed("placeholder", errors=2),
    "cmssw42576_placeholderPadded": _ended(),
    "cmssw42576_placeholderThenGarbage": _ended(repairs={"garbageAtEnd": 30}),
    "fallbackAttemptTail": _good(inputs=1),
    "fallbackAttemptTailThenPlaceholder": Outcome("placeholder", 1, 0, 1, 8901, True),
    "crabserver7571_noErrorCode": _failed("complete"),
    "crabserver7571_zeroErrorCode": _failed("complete"),
    "crabserver7571_wordAsErrorCode": _failed("complete"),
    "errorNameDamaged": _failed("complete"),
    "errorTagWithoutBracket": _ended(errors=0, readErrors=("failureTrace",)),
    "shutdownSignal": _ended("complete", errors=0, exitCode=0, readErrors=("shutdownSignal",)),
    "empty": _unusable("empty"),
    "blanks": _unusable("truncated"),
    "zeros": _unusable("malformed"),
    "notXml": _unusable("malformed"),
    "anotherRoot": _unusable("notAReport"),
    "doctypeEntityBomb": _unusable("doctype"),
    "doctypeExternalEntity": _unusable("doctype"),
    "doctypeExternalSubset": _unusable("doctype")}


def _path(name):
    return os.path.join(MALFORMED, name + ".xml")


def _outcome(result):
    return Outcome(result.status, len(result.report.inputFiles), len(result.report.outputFiles),
                   len(result.report.errors), result.exitCode, result.failed,
                   {repair.kind: repair.count for repair in result.repairs},
                   tuple(error.kind for error in result.errors))


def testEachFixtureHasAnOutcome():
    assert sorted(OUTCOMES) == sorted(os.path.basename(path)[:-len(".xml")]
                                      for path in glob.glob(os.path.join(MALFORMED, "*")))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", sorted(OUTCOMES))
def testDamageComesOutAsSaidAndTheFileStaysAsItIs(name, backend):
    pytest.importorskip("lxml" if backend == "lxml" else "xml")
    with open(_path(name), "rb") as source:
        before = source.read()
    result = parse(_path(name), backend=backend)
    assert _outcome(result) == OUTCOMES[name]
    assert (result.path, result.size) == (_path(name), len(before))
    with open(_path(name), "rb") as source:
        assert source.read() == before


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", sorted(OUTCOMES))
def testEventsAreTheStrictPartThenTheTrouble(name, backend):
    pytest.importorskip("lxml" if backend == "lxml" else "xml")
    outcome, result = OUTCOMES[name], parse(_path(name), backend=backend)
    sanitised = bool(set(outcome.repairs) - {"garbageAtEnd"})
    events, trouble = [], None
    try:
        for event in iterEvents(_path(name), backend=backend, sanitised=sanitised):
            events.append(event)
    except JobReportError as ex:
        trouble = ex
    assert events == list(result.report.items)
    assert (trouble is None) == (not outcome.readErrors)
    if trouble:
        assert trouble.code == 50115 and _path(name) in str(trouble) and trouble.trouble == result.errors[0]


@pytest.mark.parametrize("path, kind, word", [("/nowhere/FrameworkJobReport.xml", "noFile", "No such file"),
                                              (MALFORMED, "unreadable", "no regular file"),
                                              ("/dev/zero", "unreadable", "no regular file"),
                                              ("a\0b", "noFile", "null")])
def testWhatIsNoFileIsUnusable(path, kind, word):
    result = parse(path)
    assert _outcome(result) == _unusable(kind) and result.failed
    assert word in result.errors[0].message
    with pytest.raises(JobReportError):
        list(iterEvents(path))


def testRepairedTextIsTheOriginalAsFarAsItCanBe():
    messages = {name: parse(_path(name)).report.errors[0].text for name in OUTCOMES if "Message" in name
                and "truncated" not in name}
    assert u'record found\ufffd\ufffd\ufffd[0m' in messages["cmssw47555_nulInMessage"]
    assert u'\ufffd No "CastorDbRecord" record found \ufffdt\ufffd' in messages["wmcore8051_latin1InMessage"]
    assert "a[b[0]]>c && vector<int>x ]]> y; No" in messages["cdataEndInMessage"]
    pfns = [one.pfn for one in parse(_path("cmssw50020_ampersandInPfn")).report.inputFiles]
    assert [pfn.split("?")[1] for pfn in pfns] == ["svcClass=t0&stageHost=a&b", "a=1&b=2"]


def testADamagedErrorSaysThatItIsOne():
    error = parse(_path("errorNameDamaged")).report.errors[0]
    assert error.exitStatus == "8001" and "FrameworkErrXr" in " ".join(error.problems)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name, line, offset", [("cmssw39778_truncatedInFile", 60, 1970),
                                                ("cmssw39778_truncatedInTag", 41, 1291),
                                                ("cmssw37944_interleavedTags", 56, None)])
def testTheTroubleSaysWhere(name, line, offset, backend):
    pytest.importorskip("lxml" if backend == "lxml" else "xml")
    error = parse(_path(name), backend=backend).errors[0]
    assert error.line == line and error.elementsSeen == len(parse(_path(name)).report.items)
    assert offset is None or abs(error.offset - offset) < 12
