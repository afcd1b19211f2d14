"""
Test the job wrapper as a whole: arguments, CMS environment, python, sandbox, report and exit code.
"""
import os
import re
import sys
import time

import pytest

from WMCore_t.WrapperNode import SUCCESS, WrapperNode, checkFiles, readError, readReport, runBash


@pytest.fixture
def node(tmp_path):
    """
    Give a node with one python and a sandbox whose job succeeds.
    """
    made = WrapperNode(tmp_path)
    made.addPython("3.8.2-comp")
    made.addSandbox()
    return made


class TestSuccess(object):
    """
    A job that works.
    """

    def test_reportComesBackAndTheStatusIsZero(self, node):
        outcome = node.run("S.tar.bz2", "17", "0")
        assert outcome.status == 0, outcome.output
        report = readReport(node.start / "Report.0.pkl")
        assert report.steps == ["cmsRun1"] and report.completed is True
        checkFiles(node)
        assert (node.start / "job/WMSandbox/JobIndex.py").read_text() == "jobIndex = 17\n"
        assert (node.start / "job/WMSandbox/JobPackage.pcl").read_bytes() == b"package"

    def test_stationsAreMarked(self, node):
        output = node.run().output
        stations = re.findall(r"^======== (.+) (STARTING|FINISHED) at \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4} ====",
                              output, re.MULTILINE)
        assert [name for name, what in stations if what == "STARTING"] == [
            "WMAgent bootstrap", "WMAgent validate arguments", "WMAgent CMS environment load",
            "WMAgent COMP Python bootstrap", "WMAgent token verification", "WMAgent Unpack the job",
            "Current environment dump", "WMAgent Run the job", "WMAgent bring the report back",
            "WMAgent final job runtime checks"]
        assert sorted(name for name, what in stations if what == "STARTING") \
            == sorted(name for name, what in stations if what == "FINISHED")

    def test_retryCountNamesTheReport(self, node):
        node.addSandbox('save("WMTaskSpace/Report.3.pkl")\n')
        assert node.run("S.tar.bz2", "1", "3").status == 0
        checkFiles(node, 3)
        assert not (node.start / "Report.0.pkl").exists()

    def test_environmentOfTheJob(self, node):
        node.addSandbox('import json\njson.dump([dict(os.environ), sys.path, os.getcwd()], open("../e.json", "w"))\n'
                        + SUCCESS)
        assert node.run(PYTHONPATH="/site/python", LD_LIBRARY_PATH="/site/lib", PYTHONHOME="/site").status == 0
        import json
        environ, path, cwd = json.loads((node.start / "e.json").read_text())
        job = str(node.start / "job")
        assert cwd == job and path[1] == job
        assert environ["JOBSTARTDIR"] == str(node.start) and environ["WMAGENTJOBDIR"] == job
        assert environ["PYTHONPATH"] == "%s/WMCore.zip:%s:/site/python" % (job, job), "the sandbox goes first"
        assert environ["WMRUNTIME_START_PATH"] == "/usr/local/bin:/usr/bin:/bin"
        assert environ["WMRUNTIME_START_LD_LIBRARY_PATH"] == "/site/lib"
        assert environ["WMRUNTIME_START_PYTHONPATH"] == "/site/python"
        assert environ["PATH"].startswith(str(node.cms / "COMP"))
        assert "PYTHONHOME" not in environ

    def test_py3FutureIsSourcedButTheSandboxComesFirst(self, node):
        future = node.addFuture("%d.%d" % sys.version_info[:2])
        node.addSandbox('open("../path", "w").write(os.environ["PYTHONPATH"])\n' + SUCCESS)
        assert node.run().status == 0
        entries = (node.start / "path").read_text().split(":")
        assert entries[:3] == [str(node.start / "job/WMCore.zip"), str(node.start / "job"), str(future)]

    def test_exportedVariablesWithTheNamesOfLocalOnesReachTheJob(self, node):
        names = ["status", "name", "file", "root", "version", "state", "retry", "text", "value", "code", "try"]
        node.addSandbox('open("../v", "w").write(" ".join(os.environ.get(n, "LOST") for n in %r))\n%s' % (names, SUCCESS))
        assert node.run(**dict((name, "mine-" + name) for name in names)).status == 0
        assert (node.start / "v").read_text().split() == ["mine-" + name for name in names]
        saved = (node.start / "startup_environment.sh").read_text()
        assert all("export %s=mine-%s\n" % (name, name) in saved for name in names)

    def test_scriptThatChangesTheFieldSeparator(self, node):
        (node.cms / "cmsset_default.sh").write_text("IFS=/\nset -f\n")
        assert node.run().status == 0

    def test_rerunInTheSameDirectoryDoesNotTakeTheOldReport(self, node):
        assert node.run().status == 0
        node.addSandbox("sys.exit(3)\n")
        assert node.run().status == 3
        assert readError(node.start / "Report.0.pkl")[0] == 11007


class TestShell(object):
    """
    What a site's shell leaves in the environment does not change the wrapper.
    """

    @pytest.mark.parametrize("names", [
        "printf", "mv stat cp rm ln", "timeout cat tail date", "cd local shift read", "return", "exit",
        "unset set compgen declare builtin command", "trap wait kill export . source eval exec", "[ test : true echo"])
    def test_exportedFunctionsDoNotReplaceCommands(self, node, names):
        functions = dict(("BASH_FUNC_%s%%%%" % name, "() { :; }") for name in names.split())
        outcome = node.run(**functions)
        assert outcome.status == 0, outcome.output
        assert readReport(node.start / "Report.0.pkl").workload == "timed"
        checkFiles(node)

    @pytest.mark.parametrize("leftover", [
        {"SHELLOPTS": "errexit:nounset:noglob:posix:noclobber"}, {"SHELLOPTS": "allexport:keyword:pipefail"},
        {"BASHOPTS": "failglob:nullglob:nocasematch"}, {"POSIXLY_CORRECT": "1"},
        {"CDPATH": "/", "GLOBIGNORE": "*", "TMOUT": "1"}, {"PYTHONINSPECT": "1", "PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error", "PYTHONSTARTUP": "/no/such/file"}])
    def test_settingsOfAnotherShellOrPythonDoNotReachTheJob(self, node, leftover):
        node.addSandbox('assert not set(os.environ) & set(%r), os.environ\nassert not sys.flags.inspect\n'
                        'import warnings\nwarnings.warn("x")\n%s' % (sorted(leftover), SUCCESS))
        outcome = node.run(**leftover)
        assert outcome.status == 0, outcome.output
        assert readReport(node.start / "Report.0.pkl").workload == "timed"
        checkFiles(node)

    def test_startFileOfBashReachesNoChild(self, node):
        start = node.directory / "bash_env"
        start.write_text("printf() { :; }\nset -eu\nshopt -s expand_aliases\nalias local=false\necho x >> '%s/started'\n"
                         % node.directory)
        outcome = node.run(BASH_ENV=str(start), ENV=str(start))
        assert outcome.status == 0, outcome.output
        assert (node.directory / "started").read_text() == "x\n", "once, before the wrapper can do anything"

    def test_exportedFunctionsStayWhenTheFileIsSourced(self):
        assert runBash("printf() { echo mine; }; . \"$WRAPPER_UNDER_TEST\"; printf")[:2] == (0, "mine\n")


class TestArguments(object):
    """
    Exit codes 11001 and 11002.
    """

    @pytest.mark.parametrize("arguments, code, status", [
        (("",), 11001, 249), (("", "1", "0"), 11001, 249), (("S.tar.bz2",), 11002, 250), (("S.tar.bz2", "", "2"), 11002, 250)])
    def test_missingArguments(self, node, arguments, code, status):
        outcome = node.run(*arguments)
        retry = 2 if len(arguments) == 3 and arguments[2] == "2" else 0
        assert outcome.status == status
        assert "exit code %d " % code in outcome.output
        assert readError(node.start / ("Report.%d.pkl" % retry))[0] == code
        checkFiles(node, retry)

    @pytest.mark.parametrize("retry", ["", "x", "-1", "../../evil", "1 2"])
    def test_badRetryCountMeansZero(self, node, retry):
        assert node.run("", "", retry).status == 249
        checkFiles(node)
        assert sorted(os.listdir(str(node.directory))) == ["home", "os-release", "output.txt", "soft ware", "start dir"]

    def test_indexThatIsCodeNeverRuns(self, node):
        outcome = node.run("S.tar.bz2", "__import__('os').mkdir('evil')", "0")
        assert outcome.status == 11006 & 255
        assert "a number was expected" in readError(node.start / "Report.0.pkl")[2]
        assert not (node.start / "job").exists()


class TestCmsEnvironment(object):
    """
    Exit code 11003, and where the software is looked for.
    """

    def test_none11003(self, node):
        outcome = node.run(VO_CMS_SW_DIR=None, OSG_APP="/no/osg", CVMFS="/no/cvmfs")
        assert outcome.status == 251
        code, name, details = readError(node.start / "Report.0.pkl")
        assert (code, name) == (11003, "NoCmssetDefault")
        for path in ("/no/osg/cmssoft/cms/", "/no/cvmfs/", "/no/cvmfs/cms.cern.ch/", "/no-cvmfs/"):
            assert path + "cmsset_default.sh: not there" in details and path in outcome.output
        checkFiles(node)

    @pytest.mark.parametrize("variable, below", [("VO_CMS_SW_DIR", ""), ("OSG_APP", "cmssoft/cms"), ("CVMFS", ""),
                                                 ("CVMFS", "cms.cern.ch"), ("WMRUNTIME_CVMFS_ROOT", "")])
    def test_roots(self, node, variable, below):
        top = node.directory / "other place"
        (top / below).parent.mkdir(parents=True, exist_ok=True)
        os.rename(str(node.cms), str(top / below) if below else str(top))
        node.cms.mkdir()
        init = top / below / "COMP" / ("rhel8_" + node.machine) / "external/python3/3.8.2-comp/etc/profile.d/init.sh"
        init.write_text(init.read_text().replace(str(node.cms), str(top / below)))
        changes = {"VO_CMS_SW_DIR": None}
        changes[variable] = str(top)
        outcome = node.run(**changes)
        assert outcome.status == 0, outcome.output
        assert "CMS environment: %s" % (top / below) in outcome.output

    def test_hangingScriptIsGivenUp(self, node):
        (node.cms / "cmsset_default.sh").write_text("sleep 600\n")
        begin = time.time()
        outcome = node.run(WMA_CMSSET_TIMEOUT_SECS="1")
        assert outcome.status == 251 and time.time() - begin < 20
        assert "not done after 1 s" in readError(node.start / "Report.0.pkl")[2]

    def test_scriptThatEndsTheShellLeavesAReport(self, node):
        (node.cms / "cmsset_default.sh").write_text("exit 0\n")
        outcome = node.run()
        assert outcome.status == 251, outcome.output
        assert "it ended the shell" in readError(node.start / "Report.0.pkl")[2]

    def test_scriptThatTakesTheTrapsAndOptionsAway(self, node):
        (node.cms / "cmsset_default.sh").write_text("trap - EXIT TERM\nset -eu\n[ $# -eq 0 ] || export GOT_ARGS=$1\nfalse || true\n")
        node.addSandbox('assert "GOT_ARGS" not in os.environ\n' + SUCCESS)
        assert node.run().status == 0


class TestPython(object):
    """
    Exit codes 11004 and 11005, and which python is taken.
    """

    def test_noCompDirectory11004PrintsEveryPathTried11105(self, node):
        os.rename(str(node.cms / "COMP"), str(node.cms / "NOCOMP"))
        outcome = node.run(CVMFS="/no/cvmfs")
        assert outcome.status == 252
        code, name, details = readError(node.start / "Report.0.pkl")
        assert (code, name) == (11004, "NoCompPython")
        for root in (str(node.cms), "/no/cvmfs", "/no/cvmfs/cms.cern.ch"):
            for area in ("rhel8", "rhel7", "rhel6"):
                path = "%s/COMP/%s_%s/external/python3: no such directory" % (root, area, node.machine)
                assert path in details and path in outcome.output
        checkFiles(node)

    def test_brokenPythonsAreReported11005(self, node):
        prefix = node.addPython("3.9.1", script="#!/bin/sh\necho 'libpython3.9.so.1.0: cannot open' >&2\nexit 127\n")
        node.addPython("3.10.1", script="#!/no/such/interpreter\n")
        (node.cms / "COMP" / ("rhel8_" + node.machine) / "external/python3/3.8.2-comp/bin/python3").unlink()
        outcome = node.run()
        assert outcome.status == 253, outcome.output
        code, name, details = readError(node.start / "Report.0.pkl")
        assert (code, name) == (11005, "PythonNotRunnable")
        assert str(prefix.parent) + ":" in details and "3.9.1: libpython3.9.so.1.0: cannot open" in details
        assert "3.10.1: " in details and "3.8.2-comp/bin/python3: No such file" in details
        checkFiles(node)

    def test_brokenNewestPythonIsReportedAndTheNextTaken(self, node):
        node.addPython("3.9.1", script="#!/bin/sh\necho broken; exit 1\n")
        outcome = node.run()
        assert outcome.status == 0
        assert "3.9.1 does not work, trying the next: broken" in outcome.output
        assert "3.9.1 does not work" in (node.start / "wmagentJob.log").read_text()

    def test_hangingPythonIsGivenUp(self, node):
        node.addPython("3.9.1", script="#!/bin/sh\nsleep 600\n")
        outcome = node.run(WMA_PROBE_TIMEOUT_SECS="1")
        assert outcome.status == 0 and "not done after 1 s" in outcome.output

    def test_tooOldPythonIsNotTaken(self, node):
        node.addPython("3.99.0", script="#!/bin/sh\necho 'python 3.4 found, 3.6 or later needed'; exit 1\n")
        assert "python 3.4 found" in node.run().output

    def test_newestByVersionNotByTime10641(self, node):
        for version in ("3.10.1", "3.9.21", "3.8.20-comp"):
            node.addPython(version)
        for number, version in enumerate(("3.10.1", "3.9.21", "3.8.20-comp", "3.8.2-comp")):
            for folder, _, files in os.walk(str(node.cms / "COMP" / ("rhel8_" + node.machine) / "external/python3" / version)):
                for name in files + ["."]:
                    when = 1000000000 + 1000000 * number
                    os.utime(os.path.join(folder, name), (when, when))
        outcome = node.run()
        assert outcome.status == 0 and "/external/python3/3.10.1" in outcome.output

    def test_pinnedVersion(self, node):
        node.addPython("3.10.1")
        outcome = node.run(WMRUNTIME_PYTHON_VERSION="3.8.2-comp")
        assert outcome.status == 0
        assert "python3/3.8.2-comp/bin/python3 (WMRUNTIME_PYTHON_VERSION)" in outcome.output

    def test_pinnedVersionThatIsNotThereIsNotReplaced(self, node):
        outcome = node.run(WMRUNTIME_PYTHON_VERSION="3.7.7")
        assert outcome.status == 253
        assert "3.8.2-comp: WMRUNTIME_PYTHON_VERSION asks for 3.7.7" in readError(node.start / "Report.0.pkl")[2]

    def test_pinnedInterpreter(self, node):
        own = node.directory / "my python"
        os.rename(str(node.cms / "COMP" / ("rhel8_" + node.machine) / "external/python3/3.8.2-comp/bin/python3"), str(own))
        outcome = node.run(WMRUNTIME_PYTHON=str(own))
        assert outcome.status == 0 and "%s (WMRUNTIME_PYTHON)" % own in outcome.output

    def test_pinnedInterpreterThatDoesNotStart(self, node):
        outcome = node.run(WMRUNTIME_PYTHON="/no/such/python3")
        assert outcome.status == 253
        assert "/no/such/python3 (WMRUNTIME_PYTHON)" in readError(node.start / "Report.0.pkl")[2]

    @pytest.mark.parametrize("system, required, area", [
        ("alma9", "any", "rhel9"), ("el8", None, "rhel8"), ("el8", "any", "rhel8"), ("el7", "any", "rhel7"),
        ("el8", "rhel7", "rhel7"), ("el8", "rhel7,rhel8,rhel9", "rhel8"), ("el10", "any", "rhel9"), ("el10", "rhel8", "rhel8"),
        ("debian", "any", "rhel8"), ("debian", "rhel9", "rhel9"), ("alma9", "rhel5", "rhel9"), ("alma9", "../../x", "rhel9"),
        ("el8", "rhel7, rhel9", "rhel7"), ("el8", ",", "rhel8"), ("el8", "rhel7,any", "rhel8")])
    def test_areas(self, tmp_path, system, required, area):
        node = WrapperNode(tmp_path)
        node.setSystem(system)
        for name in ("rhel7", "rhel8", "rhel9"):
            node.addPython("3.8.2", area=name)
        outcome = node.run(REQUIRED_OS=required)
        assert outcome.status == 254, "there is nothing to unpack"
        assert "/COMP/%s_%s/external/python3/3.8.2" % (area, node.machine) in outcome.output
