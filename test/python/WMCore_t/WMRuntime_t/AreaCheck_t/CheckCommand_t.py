"""The wmruntime area check command."""
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

from WMCore.WMRuntime.Command.Main import main

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)
STATIC = ("--only", "layout", "--only", "cpu", "--only", "manifest")


@pytest.fixture(name="area")
def fixtureArea(workerNode):
    """Give the path of a good area."""
    return os.path.join(workerNode.cvmfs, "COMP", "rhel8_" + os.uname().machine)


def test_aGoodAreaGivesStatusZeroAndOneLine(area, capsys):
    assert main(["area", "check", area] + list(STATIC)) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("COMP/rhel8_") and " good " in out[0] and "1 area in" in out[-1]


def test_aBrokenAreaGivesStatusOneAndTellsAllOfIt(workerNode, capsys):
    area = os.path.join(workerNode.cvmfs, "COMP", "rhel8_ppc64le")
    assert main(["area", "check", area] + list(STATIC)) == 1
    out = capsys.readouterr().out
    assert "error pythonMissing" in out and "what to do" in out
    assert "repeat it: wmruntime area check %s --only layout" % area in out


def test_theCommandOfAFindingRepeatsIt(workerNode, tmp_path, capsys):
    area = os.path.join(workerNode.cvmfs, "COMP", "rhel9_aarch64")
    report = str(tmp_path / "report.json")
    assert main(["area", "check", area, "--json", report] + list(STATIC)) == 1
    with open(report, encoding="utf-8") as handle:
        checks = json.load(handle)["areas"][0]["checks"]
    for check in checks:
        words = shlex.split(check["command"])
        assert words[0] == "wmruntime"
        again = str(tmp_path / "again.json")
        capsys.readouterr()
        assert main(words[1:] + ["--json", again]) == (1 if check["status"] == "failed" else 0)
        with open(again, encoding="utf-8") as handle:
            repeated = json.load(handle)["areas"][0]["checks"]
        assert [(one["check"], [finding["code"] for finding in one["findings"]]) for one in repeated] == [
            (check["check"], [finding["code"] for finding in check["findings"]])]


def test_allAreasOfARootAreToldInEveryForm(workerNode, tmp_path, capsys):
    pytest.importorskip("jinja2")
    pytest.importorskip("junitparser")
    (tmp_path / "root" / "COMP").mkdir(parents=True)
    for name in os.listdir(os.path.join(workerNode.cvmfs, "COMP")):
        if name.startswith("rhel") and name != "rhel7_ppc64le":
            os.symlink(os.path.join(workerNode.cvmfs, "COMP", name), str(tmp_path / "root" / "COMP" / name))
    assert main(["area", "check", "--all", "--root", str(tmp_path / "root"), "--junit", str(tmp_path / "a.xml"),
                 "--json", str(tmp_path / "a.json"), "--html", str(tmp_path / "a.html")] + list(STATIC)) == 1
    assert re.search("COMP/rhel7_ppc64le +broken +missing", capsys.readouterr().out)
    areas = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["areas"]
    suites = ElementTree.parse(str(tmp_path / "a.xml")).getroot().findall("testsuite")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert len(areas) == len(suites) == page.count('<a class="cell ') == 15 and "missing" in page


@pytest.mark.parametrize("words, told", [
    ((), "Say which areas"), (("--all", "/x/COMP/rhel8_x86_64"), "Say which areas"),
    (("/nowhere/COMP/rhel8_x86_64",), "no such directory"), (("--all", "--root", "/nowhere"), "no areas under"),
    (("--all", "--only", "colour"), "layout, manifest"), (("--all", "--description", "/nowhere.cfg"), "/nowhere.cfg")])
def test_whatCannotBeCheckedIsOneErrorThatSaysWhatToDo(words, told, capsys):
    assert main(["area", "check"] + list(words)) == 1
    said = capsys.readouterr().err
    assert said.startswith("wmruntime: ") and told in said


def test_aReportThatCannotBeWrittenLeavesTheStatusAtOne(area, capsys):
    assert main(["area", "check", area, "--json", "/nowhere/a.json", "--only", "cpu"]) == 1
    assert "/nowhere/a.json" in capsys.readouterr().err


def test_theWorkDirectoryIsKeptWhereItIsNamedAndNeverReused(area, tmp_path, capsys):
    work = str(tmp_path / "work")
    assert main(["area", "check", area, "--only", "layout", "--work", work]) == 0
    assert os.listdir(work)
    assert main(["area", "check", area, "--only", "layout", "--work", work]) == 1
    assert "does not exist yet" in capsys.readouterr().err


def test_theCommandLineNeedsNoneOfTheReportsLibraries(workerNode):
    code = ("import sys; from WMCore.WMRuntime.Command.Main import main\n"
            "for name in ('jinja2', 'junitparser', 'rich'): sys.modules[name] = None\n"
            "status = main(['area', 'check', sys.argv[1], '--only', 'cpu'])\n"
            "assert main(['area', 'check', sys.argv[1], '--only', 'cpu', '--html', '/nowhere/a.html']) == 1\n"
            "sys.exit(status)")
    area = os.path.join(workerNode.cvmfs, "COMP", "rhel8_" + os.uname().machine)
    done = subprocess.run([sys.executable, "-c", code, area], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, universal_newlines=True)
    assert done.returncode == 0, done.stderr
    assert "jinja2 is needed" in done.stderr


@pytest.mark.slow
def test_aSigtermStopsTheChecksAndLeavesNothingBehind(workerNode, tmp_path):
    area = os.path.join(workerNode.cvmfs, "COMP", "rhel8_" + os.uname().machine)
    environ = dict(os.environ, TMPDIR=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-m", "WMCore.WMRuntime.Command.Main", "area", "check", area,
                                "--only", "job", "--node", workerNode.root], env=environ, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not [name for name in os.listdir(str(tmp_path)) if name.startswith("wmruntime-area-check-")]:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130 and "interrupted" in said
    assert not [name for name in os.listdir(str(tmp_path)) if name.startswith("wmruntime-area-check-")]
