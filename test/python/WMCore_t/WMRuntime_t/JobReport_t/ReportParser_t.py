"""
The parser under 100,000 mutations (`bin/run-tests nightly`; else fewer), huge texts, and within its limits.

The damage of Mutations is done to reports of failed jobs; nothing of it may crash the parser, make it hang, open a file
or a connection, or make a success of them.
"""
import errno
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings

from WMCore.WMRuntime import JobReport
from WMCore.WMRuntime.JobReport import ReportAttempt
from WMCore.WMRuntime.JobReport.Element import FrameworkError
from WMCore.WMRuntime.JobReport.JobReportError import JobReportError
from WMCore.WMRuntime.JobReport.Reading import Limits
from WMCore.WMRuntime.JobReport.ParseResult import STATUSES, TRUNCATED
from WMCore.WMRuntime.JobReport.ReportParser import iterEvents, parse
from WMCore_t.Counts import examples, nightly
from WMCore_t.WMRuntime_t.JobReport_t.Mutations import (PLACEHOLDER, ROOT_END, Mutator, applied, errorNamesLeft,
                                                        failedReports, goodReports, readReport)
from WMCore_t.WMRuntime_t.JobReport_t.Reports import reports

BACKENDS = ("expat", "lxml")
QUICK_MUTATIONS = 600
SLOW_MUTATIONS = nightly(100000, 10000)
# Letters of FrameworkError and ExitStatus: with four missing of the one and three of the other, any element could be it.
MAX_LEFT = 24 - 4 - 3
# The bound: 2 s for 1 MB; everything mutated here is smaller. Of the CPU, for the machine may be busy; who
# waits for something uses none, and gets more time.
MAX_SECONDS = 2
MAX_WAIT = 30
TIMERS = ((signal.SIGPROF, signal.ITIMER_PROF, MAX_SECONDS), (signal.SIGALRM, signal.ITIMER_REAL, MAX_WAIT))
SECRET = "the-content-of-a-local-file"
MEGA = 1024 * 1024


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Name each back end that is there."""
    if request.param == "lxml":
        pytest.importorskip("lxml")
    return request.param


class Watch(object):
    """
    See what files and connections are opened while a report is read, and stop a reading that hangs.

    libxml2 opens files without python's audit events: for it there are a file with a secret, and a listening port.

    :param directory: pathlib.Path, for the secret and the report
    """

    def __init__(self, directory):
        self.path = str(directory / "FrameworkJobReport.xml")
        secret = directory / "secret.txt"
        secret.write_text(SECRET)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(5)
        self.listener.setblocking(False)
        url = "http://127.0.0.1:%d/x" % self.listener.getsockname()[1]
        self.docTypes = tuple(text.encode("ascii") for text in (
            '<!DOCTYPE FrameworkJobReport [<!ENTITY x SYSTEM "%s">]>' % secret.as_uri(),
            '<!DOCTYPE FrameworkJobReport [<!ENTITY x SYSTEM "%s">]>' % url,
            '<!DOCTYPE FrameworkJobReport [<!ENTITY %% x SYSTEM "%s">%%x;]>' % url,
            '<!DOCTYPE FrameworkJobReport SYSTEM "%s">' % url,
            '<!DOCTYPE FrameworkJobReport PUBLIC "-//x" "%s">' % secret.as_uri(),
            '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;">]>'))
        self.events = []
        self.watching = False
        if sys.version_info >= (3, 8):
            sys.addaudithook(self._audit)
        self._before = [signal.signal(number, self._hangs) for number, _, _ in TIMERS]

    def _audit(self, event, arguments):
        if not self.watching:
            return
        if event == "open" and arguments[0] != self.path:
            self.events.append((event, arguments))
        elif event.split(".")[0] in ("socket", "subprocess", "urllib", "ctypes", "exec") or event.startswith("os."):
            self.events.append((event, arguments))

    @staticmethod
    def _hangs(number, frame):
        raise AssertionError("reading took more than %d s of the CPU, or %d s" % (MAX_SECONDS, MAX_WAIT))

    def close(self):
        """Stop watching; fail when somebody connected."""
        self.watching = False
        for (number, _, _), before in zip(TIMERS, self._before):
            signal.signal(number, before)
        try:
            self.listener.accept()
            pytest.fail("a connection was opened")
        except OSError as ex:
            assert ex.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
        finally:
            self.listener.close()
        assert not self.events

    def parse(self, data, backend):
        """Write the data where the report lies, and read it."""
        with open(self.path, "wb") as out:
            out.write(data)
        self.watching = True
        for _, timer, seconds in TIMERS:
            signal.setitimer(timer, seconds)
        try:
            return parse(self.path, backend=backend)
        finally:
            for _, timer, _ in TIMERS:
                signal.setitimer(timer, 0)
            self.watching = False


@pytest.fixture
def watch(tmp_path):
    """Watch the readings of a test."""
    # The back ends and what only trouble needs are imported, and the codecs known, before anything counts.
    for module in pkgutil.iter_modules(JobReport.__path__, JobReport.__name__ + "."):
        if not module[1].endswith(".LxmlReader"):
            importlib.import_module(module[1])
    for name in BACKENDS:
        try:
            (tmp_path / "first.xml").write_bytes(goodReports()[0])
            parse(str(tmp_path / "first.xml"), backend=name)
        except ImportError:
            continue
    watching = Watch(tmp_path)
    yield watching
    watching.close()


def checkMutations(watch, backend, bases, count, seed):
    """
    Read mutations of reports of failed jobs.

    :return: dict of status, or "lost" for those in which nothing of the error is left, to how many there were
    """
    seen = dict.fromkeys(STATUSES + ("lost",), 0)
    for number, base in enumerate(bases):
        for plans in Mutator(base, seed + number, watch.docTypes).mutations(count // len(bases)):
            data = applied(plans, base)
            result = watch.parse(data, backend)
            assert result.size == len(data) and result.status in STATUSES
            if not result.failed:
                left = errorNamesLeft(plans, base)
                assert len(left) <= MAX_LEFT, (seed + number, left, data[-600:])
                seen["lost"] += 1
            elif result.status == "repaired" or seen[result.status] % 50 == 0:
                assert SECRET not in json.dumps(result.toDict())
            seen[result.status] += 1
    return seen


@pytest.mark.parametrize("seed", [1])
def testMutationsNeverCrashNorMakeASuccessOfAFailure(watch, backend, seed):
    seen = checkMutations(watch, backend, failedReports(), QUICK_MUTATIONS, seed)
    assert sum(seen[status] for status in STATUSES) >= QUICK_MUTATIONS - 10
    assert all(seen.values()), "some way out was never taken: %r" % seen
    # Else the exception swallows the rule.
    assert seen["lost"] < QUICK_MUTATIONS // 5


@pytest.mark.slow
def testManyMutations(watch, backend, tell):
    seen = checkMutations(watch, backend, failedReports(), SLOW_MUTATIONS, 1000)
    whole = checkMutations(watch, backend, [readReport("CMSSWFailReport.xml")], 500, 2000)
    tell("%s: %d mutations of short reports %r, %d of a whole one %r" % (
        backend, SLOW_MUTATIONS, seen, 500, whole))
    assert sum(seen[status] for status in STATUSES) >= SLOW_MUTATIONS - 10
    assert seen["lost"] < SLOW_MUTATIONS // 5


@pytest.mark.parametrize("count", [60, pytest.param(400, marks=pytest.mark.slow)])
def testMutationsOfGoodReportsNeverCrash(watch, backend, count):
    for number, base in enumerate(goodReports()):
        for plans in Mutator(base, 50 + number, watch.docTypes).mutations(count):
            result = watch.parse(applied(plans, base), backend)
            json.dumps(result.toDict())
            assert result.exitCode >= 0 and (result.failed or not result.errors)


def testEveryTruncationOfAFailureIsAFailure(watch, backend):
    for base in failedReports()[:4]:
        for end in range(len(base.rstrip()) - len(ROOT_END) - 100, len(base.rstrip())):
            result = watch.parse(base[:end], backend)
            assert result.failed and result.status == TRUNCATED


@pytest.mark.parametrize("others", [(b"\0", b"<", b">", b'"', b"x"),
                                    pytest.param((b"&", b" ", b"/", b"0", b"\xff"), marks=pytest.mark.slow)])
def testEveryByteOfAnErrorElementMayFlip(watch, backend, others):
    for base in failedReports()[1:4]:
        start = base.index(b"<FrameworkError")
        for place in range(start - 2, min(base.index(ROOT_END), start + 90)):
            for other in others:
                assert watch.parse(base[:place] + other + base[place + 1:], backend).failed


def testEveryRestOfAnOverwrittenPlaceholderIsAFailure(watch, backend):
    """The crash leaves any length of the placeholder behind the last element; from `/>` on it is known."""
    good = goodReports()[0]
    end = good.index(ROOT_END)
    for rest in range(3, len(PLACEHOLDER)):
        for element in (b'<SkippedEvent Run="1" Event="2"/>\n',
                        b'<FallbackAttempt Pfn="a" Lfn="b" />\n<![CDATA[\nwhy\n\n]]>\n'):
            result = watch.parse(good[:end] + element + PLACEHOLDER[-rest:] + good[end:], backend)
            assert (result.status, result.failed, result.exitCode) == ("placeholder", True, 8901), PLACEHOLDER[-rest:]


@given(report=reports())
@settings(max_examples=examples(40), deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def testAWholeReportIsCompleteAndItsModelWhatWasWritten(tmp_path, backend, report):
    data, model = report
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(data)
    result = parse(str(path), backend=backend)
    assert result.report == model and not result.repairs
    assert result.status == ("placeholder" if result.exitCode == 8901 or [
        error.exitCode for error in model.errors][-1:] == [8901] else "complete")
    assert result.failed == bool(result.errors or model.errors)
    assert [error.kind for error in result.errors] in ([], ["shutdownSignal"])


def _giant(text):
    """Give the report of the failed job with a long text in its message."""
    report = readReport("CMSSWFailReport.xml")
    place = report.index(b'No "CastorDbRecord"')
    return report[:place] + text + report[place:]


@pytest.mark.parametrize("unit", [b"x" * 64, b"word ", b"<![CDATA[", b"&", b"\0\xff", b"&amp;", b"<a>", b"\n", b"]]>"])
def testAMessageOfOneMegabyteTakesNoTwoSeconds(watch, backend, unit):
    result = watch.parse(_giant(unit * (MEGA // len(unit))), backend)
    assert result.failed and result.exitCode == 8001
    assert all(len(error.text) <= Limits().maxMessage + 100 for error in result.report.errors)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [b"x" * 99 + b"\n", b"x" * 199 + b"&<\0\xff\n"])
def testAMessageOfFiftyMegabytesIsReadAndCut(tmp_path, backend, unit):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(_giant(unit * (50 * MEGA // len(unit))))
    result = parse(str(path), backend=backend)
    assert result.exitCode == 8001 and result.status in ("complete", "repaired")
    message = result.report.errors[0].text
    assert len(message) <= Limits().maxMessage + 100
    assert message.startswith("cms::Exception caught") and message.endswith("EventProcessorFailure END")
    assert "left out" in message


@pytest.mark.slow
def testFiftyMegabytesOfRubbishEndAtALimitAndTheCodeIsKept(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(_giant(b"&<>\0 \xff" * (50 * MEGA // 6)))
    result = parse(str(path), backend=backend)
    assert (result.status, result.failed, result.exitCode) == (TRUNCATED, True, 8001)
    assert len(result.report.outputFiles) == 2


@pytest.mark.parametrize("last", [
    b'<FallbackAttempt Pfn="a" Lfn="b"/>\n<![CDATA[\nsaid: \0 <tag> %s\n]]>', b'<!-- a > \xff %s -->', b'<?pi a > \x01 %s?>',
    b'<SkippedFile Pfn="x?y=1>2&z=\0%s" Lfn="b"/>', b'<Foo>\xe9%s</Foo>'])
def testWhatStandsLastInAReportThatIsRepairedIsNoStrayText(tmp_path, backend, last):
    path = tmp_path / "report.xml"
    for word in (b"", b"]]" if b"CDATA" not in last else b""):
        path.write_bytes(b"<FrameworkJobReport>\n" + last % word + b"\n</FrameworkJobReport>\n")
        result = parse(str(path), backend=backend)
        assert (result.status, result.errors, result.failed) == ("repaired", (), False)
    path.write_bytes(b"<FrameworkJobReport>\n" + last % b"" + b"\nermination\"/>\n</FrameworkJobReport>\n")
    assert parse(str(path), backend=backend).failed


def testALimitPassedIsSaidAndNothingIsRead(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(readReport("CMSSWFailReport.xml"))
    result = parse(str(path), Limits(maxBytes=1000), backend)
    assert (result.status, result.errors[0].kind, result.report.items) == ("unusable", "tooLarge", ())
    assert "127168 bytes, expected at most 1000" in result.errors[0].message
    with pytest.raises(JobReportError) as caught:
        list(iterEvents(str(path), Limits(maxBytes=1000), backend))
    assert str(path) in str(caught.value) and "at most 1000" in str(caught.value) and "what to do" in str(caught.value)


def testTooDeepAnElementEndsTheReadingWithWhatCameBefore(watch, backend):
    good = goodReports()[0]
    end = good.index(ROOT_END)
    result = watch.parse(good[:end] + b"<a>" * 5000 + b"</a>" * 5000 + good[end:], backend)
    assert (result.status, len(result.report.inputFiles)) == (TRUNCATED, 2)
    assert result.errors[0].kind == "tooLarge"


def testAPipeIsNotWaitedFor(tmp_path):
    os.mkfifo(str(tmp_path / "pipe"))
    started = time.time()
    assert parse(str(tmp_path / "pipe")).errors[0].kind == "unreadable"
    assert time.time() - started < MAX_SECONDS


class FailingFile(io.BytesIO):
    """Fail as a broken disk does, at the read of a number."""
    reads = failing = 0

    def read(self, size=-1):
        """Read, or fail."""
        self.reads += 1
        if self.reads == self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super(FailingFile, self).read(size)


@pytest.mark.parametrize("damage", [b"", b"<Foo>&</Foo>"], ids=["whole", "malformed"])
@pytest.mark.parametrize("failing", range(1, 9))
def testAReadErrorIsATroubleAndWhatWasCompleteIsKept(tmp_path, backend, monkeypatch, failing, damage):
    path = tmp_path / "FrameworkJobReport.xml"
    data = goodReports()[0].replace(ROOT_END, damage + ROOT_END)
    path.write_bytes(data)
    opened = []

    def openFailing(_path, _mode, buffering=-1):
        """Open a file that fails."""
        source = FailingFile(data)
        source.failing = failing
        opened.append(source)
        return source

    monkeypatch.setattr(ReportAttempt, "open", openFailing, raising=False)
    limits = Limits(blockBytes=len(data) // 4)
    result = parse(str(path), limits, backend)
    kinds = [error.kind for error in result.errors]
    if damage:
        # A second reading, through the Sanitiser, may need fewer reads than the first.
        assert (result.status, kinds) == ("repaired", []) or kinds in (["malformed"], ["unreadable"])
    elif any(source.reads >= failing for source in opened):
        assert kinds == ["unreadable"] and os.strerror(errno.EIO) in result.errors[0].message
        assert (result.status, result.failed) == ("truncated" if result.report.items else "unusable", True)
        assert result.errors[0].elementsSeen == len(result.report.items)
        assert result.report.items or failing < 3
    else:
        assert failing > 5 and result.status == "complete"


def testAFileThatIsThereAndCannotBeReadIsNoMissingOne(tmp_path, backend):
    # The system refuses to read the speed of a device that has none.
    for path in [str(tmp_path)] + [one for one in ("/sys/class/net/lo/speed",) if os.path.exists(one)]:
        result = parse(path, backend=backend)
        assert (result.status, result.errors[0].kind) == ("unusable", "unreadable") and path in result.errors[0].message


def testEventsComeOneByOneAndTheLastIsNotWaitedFor(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    good = goodReports()[0]
    path.write_bytes(good[:good.index(b"<InputFile>")] + good[good.index(b"<InputFile>"):good.index(b"<GeneratorInfo")]
                     * 2000 + b"broken < >")
    events = iterEvents(str(path), backend=backend)
    assert next(events).name == "InputFile"
    count = 1
    with pytest.raises(JobReportError) as caught:
        for _ in events:
            count += 1
    assert count == 4000 == caught.value.trouble.elementsSeen


def testAHiddenErrorEndsTheEventsToo(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(failedReports()[1].replace(b"<FrameworkError", b"|FrameworkError"))
    with pytest.raises(JobReportError) as caught:
        list(iterEvents(str(path), backend=backend))
    assert caught.value.trouble.exitStatus == 8901


def testASignalsEndHidesNoOtherSign(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    text = "<FrameworkJobReport><ShutdownSignal/>%s</FrameworkJobReport>"
    for rest, kinds in (("", ["shutdownSignal"]), ("|FrameworkError", ["shutdownSignal", "failureTrace"])):
        path.write_bytes((text % rest).encode("ascii"))
        result = parse(str(path), backend=backend)
        assert [error.kind for error in result.errors] == kinds and result.failed and result.exitCode == 0


def testADamagedNameStillGivesAnErrorAndOtherNamesNone(tmp_path, backend):
    path = tmp_path / "FrameworkJobReport.xml"
    for name in "FrameworkErrXr", "FrameworkEror", "FrameworkFrameworkError", "F", "Framewo\xe9kError":
        text = u'<FrameworkJobReport><%s ExitStatus="8021" Type="x"/></FrameworkJobReport>' % name
        path.write_bytes(text.encode("utf-8"))
        result = parse(str(path), backend=backend)
        assert result.exitCode == 8021 and result.report.errors[0].__class__ is FrameworkError
    for name in "ReadBranches", "GeneratorInfo", "RandomServiceStateFile", "FrameworkVersion", "Process":
        path.write_bytes(("<FrameworkJobReport><%s Value='1'/></FrameworkJobReport>" % name).encode("ascii"))
        result = parse(str(path), backend=backend)
        assert not result.failed and result.report.items[0].name == name


@pytest.mark.parametrize("child", [
    "<%s>text</%s>" % (name, name) for name in ("Foo", "F", "For", "Frame", "Framework", "Err", "Error", "Work", "rrr",
                                                "FrameworkBuildTag1")]
    + ["<Foo %s='%s'>text</Foo>" % (name, value) for value in ("ok", "7") for name in (
        "Status", "Exit", "ExitCode", "State", "Stats", "its", "Size", "Set", "Site")]
    + ["<Foo exitStatus='ok'/>", "<Frame Status='8' Exit='3'/>"])
def testAShortOrOtherNameIsNoDamagedError(tmp_path, backend, child):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(("<FrameworkJobReport>%s</FrameworkJobReport>" % child).encode("ascii"))
    result = parse(str(path), backend=backend)
    assert not result.failed and not result.report.errors and len(result.report.items) == 1


def testAnyByteOfAnErrorsNamesMayBeFlippedCutOrDoubled(watch, backend):
    """Up to three letters may be missing; of a status without its tag, two."""
    error = b'<FrameworkError ExitStatus="8021" Type="FileReadError"/>'
    for base in failedReports()[3:4]:
        start = base.index(error)
        for place in range(start, start + len(b"<FrameworkError ExitStatus=")):
            for count in 1, 2, 3:
                rest = base[place + count:]
                for damaged in (base[:place] + rest, base[:place + count] + base[place:],
                                base[:place] + b"x" * count + rest):
                    assert watch.parse(damaged, backend).failed, damaged[start:start + 80]


@pytest.mark.parametrize("child, code", [
    ('<Foo ExitStatus="bad"/>', 8001), ('<Foo xitStatus="8021"/>', 8021), ('<Foo ExitStat="8021"/>', 8021),
    ('<FrameworkErr ExitStat="8021"/>', 8021), ('<FrameworkErr xitStatus="80 21"/>', 8001),
    ('<FrameworkFrameworkError Status="8021"/>', 8001)])
def testOneOfTheTwoNamesOfAnErrorIsEnough(tmp_path, backend, child, code):
    path = tmp_path / "FrameworkJobReport.xml"
    path.write_bytes(("<FrameworkJobReport>%s</FrameworkJobReport>" % child).encode("ascii"))
    result = parse(str(path), backend=backend)
    assert result.failed and result.exitCode == code and len(result.report.errors) == 1
