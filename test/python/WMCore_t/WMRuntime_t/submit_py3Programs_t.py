"""
Count the programs the job wrapper starts: each costs every job of every node a moment, on a busy one many.
"""
import calendar
import collections
import os
import re
import shlex
import sys
import time

import pytest

from WMCore_t.WrapperNode import WRAPPER, WrapperNode, readReport, runBash

SYSTEM = "/usr/local/bin:/usr/bin:/bin"
# A program in front of each of the system's: it notes the name and who started it.
COUNTER = '''#!/bin/sh
name=${0##*/}
printf '%%s %%s\\n' "$name" "$(/usr/bin/tr '\\0\\n' '  ' < /proc/$PPID/cmdline)" >> %s
%s
'''
FIND = '''for directory in /usr/local/bin /usr/bin /bin; do
    [ ! -x "$directory/$name" ] || exec "$directory/$name" "$@"
done
exit 127'''
# What is left, and who needs it. The wrapper's own bash comes on top.
BASH = collections.Counter(
    mv=2 + 2,       # the first report, the saved environment; the environments of cmsset_default.sh and of init.sh
    sort=1, ls=1,   # the job ad and the job's files, as printed
    bash=2,         # in which cmsset_default.sh and init.sh are sourced
    rm=2,           # of what these two leave
    timeout=2 + 2)  # around these two; Unpacker.py; the check of the report
PYTHON = 1 + 1 + 1 + 1  # the probe, Unpacker.py, Startup.py, the check of the report with Timestamps.py


def countPrograms(directory):
    """
    Put a counting program in front of each program of the system.

    :param directory: pathlib.Path to make
    :return: tuple of str, a PATH with these and nothing else; pathlib.Path of the file they write to
    """
    directory.mkdir()
    log = directory.parent / "programs.log"
    counter = directory.parent / "counter"
    counter.write_text(COUNTER % (shlex.quote(str(log)), FIND))
    counter.chmod(0o755)
    for place in SYSTEM.split(":"):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if not os.path.lexists(str(directory / name)):
                os.symlink(str(counter), str(directory / name))
    return str(directory), log


def printed(script, *arguments, **environ):
    """
    Give what a script prints after the wrapper is sourced; its status must be 0.
    """
    status, out, err = runBash(script, *arguments, **environ)
    assert status == 0, out + err
    return out


def test_aJobTakesNineteenProgramsOfTheWrapper(tmp_path):
    node = WrapperNode(tmp_path)
    path, log = countPrograms(tmp_path / "counted")
    node.addPython("3.8.2-comp", script=COUNTER % (shlex.quote(str(log)), 'exec %s -S "$@"' % shlex.quote(sys.executable)))
    node.addFuture("%d.%d" % sys.version_info[:2])
    node.addSandbox()
    ad = tmp_path / "job.ad"
    ad.write_text('MachineAttrGLIDEIN_CMSSite0 = "T2_XX_Test"\n')
    outcome = node.run(PATH=path, _CONDOR_JOB_AD=str(ad))
    assert outcome.status == 0 and readReport(node.start / "Report.0.pkl").workload == "timed", outcome.output
    assert "py3-future" in outcome.output and "WARNING" not in outcome.output
    names = collections.Counter(line.split()[0] for line in log.read_text().splitlines())
    assert names.pop("python3") == PYTHON
    assert names == BASH
    assert 1 + sum(BASH.values()) + PYTHON <= 19


def test_ofAWholeJobTheWrapperStartsNoMore(workerNode, tmp_path):
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
    path, log = countPrograms(tmp_path / "counted")
    result = runJob(workerNode, JobRequest(), str(tmp_path / "job"),
                    environment={"PATH": "%s:%s" % (path, workerNode.environment()["PATH"])})
    assert result.exit.shellCode == 0, result.output()
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
    names = collections.Counter(name for name, parent in lines if "submit_py3.sh" in parent)
    expected = BASH - collections.Counter(bash=2, mv=2)  # these are started by timeout, and by the bash it starts
    assert names == expected and len(lines) > 2 * sum(names.values()), "the rest is not the wrapper's"


def test_noProgramIsNamedByItsPathWhereItWouldNotBeCounted():
    with open(WRAPPER) as handle:
        code = [line for line in handle.read().split("\n") if not line.lstrip().startswith("#")]
    assert not [line for line in code if re.search(r"(?<![\w$}])/(usr/)?(local/)?s?bin/", line)]


@pytest.mark.parametrize("versions, sorts", [(("3.8.2",), 0), (("3.8.2", "3.9.1"), 1)])
def test_oneVersionIsNotSorted(tmp_path, versions, sorts):
    path, log = countPrograms(tmp_path / "counted")
    for name in versions:
        (tmp_path / "python3" / name).mkdir(parents=True)
    status, out, _ = runBash('PATH=$2; wma_versions "$1"', str(tmp_path / "python3"), path)
    assert (status, out.split()) == (0, sorted(versions, reverse=True))
    assert (log.read_text().count("sort ") if log.exists() else 0) == sorts


class TestWithoutPrograms(object):
    """
    What bash does in place of programs.
    """

    @pytest.mark.parametrize("environ", [{}, {"TZ": "JST-9", "LC_ALL": "de_DE.UTF-8"}, {"TZ": "UTC"}])
    def test_marksAreInUtcAndRecordsInLocalTime(self, tmp_path, environ):
        out = printed('WMA_LOG=$1 wma_mark "a station" STARTING; wma_log INFO x; date +%Z', str(tmp_path / "log"), **environ)
        marked = time.strptime(re.search("STARTING at (.*) ====", out).group(1), "%a %b %d %H:%M:%S UTC %Y")
        assert abs(calendar.timegm(marked) - time.time()) < 60
        local = time.strptime((tmp_path / "log").read_text()[:19], "%Y-%m-%d %H:%M:%S")
        assert abs(calendar.timegm(local) - 9 * 3600 * ("JST" in out) - time.time()) < 60

    @pytest.mark.parametrize("data, expected", [
        (b"", b""), (b"\n\n", b""), (b"one", b"one"), (b"a\n\nb\n", b"a|b"), (b"a\0b\nc", b"ab|c"), (b"\xff\n", b"\xff"),
        (b"".join(b"%d\n" % n for n in range(9)), b"3|4|5|6|7|8"), (b"x" * 600 + b"\nend\n", b"x" * 500 + b"|end"),
        (b"".join(b"%d\n" % n for n in range(99999)), b"99993|99994|99995|99996|99997|99998"), (b"y" * 99999, b"y" * 500)])
    def test_lastLines(self, tmp_path, data, expected):
        (tmp_path / "file").write_bytes(data)
        assert printed('wma_last_lines "$1"', str(tmp_path / "file")) == expected.decode("utf-8", "replace")
        assert printed('wma_last_lines "$1"', str(tmp_path / "none")) == ""

    def test_machineAndDirectoriesAreNamedAsTheProgramsDo(self, tmp_path):
        (tmp_path / "real" / "x").mkdir(parents=True)
        (tmp_path / "link").symlink_to("real")
        out = printed('wma_machine; wma_real "$1/link/x"; wma_real "$1/none"', str(tmp_path), HOSTTYPE="x86_64-linux")
        real = os.path.realpath(str(tmp_path))
        assert out.split("\n")[:3] == [os.uname().machine, real + "/real/x", str(tmp_path) + "/none"]

    @pytest.mark.parametrize("change, ours", [
        (":", 0), ("cp r x; mv x r", 0), ("rm r", 1), (": > r", 1), ("printf x >> r", 1), ("printf '\\200\\003\\0' > r", 1),
        ("WMA_REPORT_TEXT=; wma_write_report r 11005 PythonNotRunnable b; WMA_REPORT_TEXT=x", 1)])
    def test_aReportIsOursWhileItIsWhatWasWritten(self, tmp_path, change, ours):
        assert runBash('cd "$1"; WMA_REPORT=r; wma_write_report r 11004 NoCompPython a; %s\nwma_report_is_ours' % change,
                       str(tmp_path))[0] == ours

    def test_filesOfAnEnvironmentArePrivateAndDoNotStay(self, tmp_path):
        (tmp_path / "set").write_text('stat -c %a .wma.*; umask; exit 3\n')
        out = printed('cd "$1"; umask 022; wma_load 30 "" "$1/set" ""; echo "$? $WMA_ANSWER"', str(tmp_path))
        assert out == "3 600|600|0022 (status 3; 124: not done after 30 s)\n" and os.listdir(str(tmp_path)) == ["set"]
