"""
Test the Unpacker beyond the archive: job package, error reports, command line.
"""
import ast
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime import Unpacker
from WMCore.WMRuntime.Unpacker import UnpackError
from WMCore_t.Counts import examples
from WMCore_t.WMRuntime_t.Unpacker_t import goodMembers, plainData, start, writeSandbox
from WMCore_t.WrapperNode import readPickle

PROGRAM = Unpacker.__file__
FIXTURES = (start,)


class TestInstallPackage(object):
    """
    The job package and the index.
    """

    def area(self):
        os.makedirs("job area/WMSandbox")
        return os.path.abspath("job area")

    def test_packageIsCopiedWithoutAShell(self, start):
        name = "pack age; touch injected $(touch injected)"
        with open(name, "wb") as handle:
            handle.write(b"pickle")
        Unpacker.installPackage(self.area(), name, "7")
        assert (start / "job area/WMSandbox/JobPackage.pcl").read_bytes() == b"pickle"
        assert not os.path.exists("injected")
        assert (start / "job area/WMSandbox/JobIndex.py").read_text() == "jobIndex = 7\n"

    @pytest.mark.parametrize("index", ["1; import os", "", "-1", "0x10", "1.0", "os.getpid()", "1\n", None, u"\u0661"])
    def test_indexThatIsNoNumberIsNeverWrittenAsPython(self, start, index):
        (start / "p").write_text("x")
        with pytest.raises(UnpackError, match="index"):
            Unpacker.installPackage(self.area(), "p", index)
        assert os.listdir("job area/WMSandbox") == []

    @pytest.mark.parametrize("index, text", [(0, "0"), (123456789, "123456789"), ("007", "7")])
    def test_numbers(self, start, index, text):
        (start / "p").write_text("x")
        Unpacker.installPackage(self.area(), "p", index)
        assert (start / "job area/WMSandbox/JobIndex.py").read_text() == "jobIndex = %s\n" % text

    def test_missingOrEmptyPackage(self, start):
        area = self.area()
        with pytest.raises(UnpackError, match="no such file"):
            Unpacker.installPackage(area, "p", 1)
        (start / "p").write_text("")
        with pytest.raises(UnpackError, match="empty"):
            Unpacker.installPackage(area, "p", 1)


class TestErrorReports(object):
    """
    What is left behind on failure.
    """

    NASTY = u"a <b> & \"c\" 'd' ]]> \x00 \x1b[0m \ud800 \uffff caf\u00e9 \U0001f600 \\u0041\r\n\tend"

    def test_xmlIsValidWhateverTheMessage(self, start):
        Unpacker.makeErrorReport(self.NASTY, 11006, self.NASTY)
        root = ElementTree.parse("FrameworkJobReport.xml").getroot()
        assert root.tag == "FrameworkJobReport" and root.attrib["Status"] == "Failed"
        assert u"caf\u00e9" in root.attrib["Name"]
        error = root.find("FrameworkError")
        assert error.attrib == {"ExitStatus": "11006", "Type": "BootstrapError"}
        assert u"a <b> & \"c\" 'd' ]]> ? ?[0m ? ? caf\u00e9 \U0001f600 \\u0041" in error.text
        assert os.listdir(".") == ["FrameworkJobReport.xml"]

    def test_xmlGivesUpstreamsParserTheCode(self, start):
        Report = pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")
        Unpacker.makeErrorReport("job-1", 11006, "it broke")
        report = Report.Report("cmsRun1")
        report.parse("FrameworkJobReport.xml")
        assert report.getExitCode() == 11006
        assert report.data.cmsRun1.errors.error0.type == "BootstrapError"
        assert report.data.cmsRun1.errors.error0.details.strip() == "it broke"

    def test_pickleIsWhatUpstreamsReportWouldBe(self, start, monkeypatch):
        Report = pytest.importorskip("WMCore.FwkJobReport.Report", reason="needs WMCore")
        monkeypatch.setenv("WMRUNTIME_SITE_NAME", "T2_XX_Test")
        text = self.NASTY.replace(u"\ud800", "?")
        (start / "r.pkl").write_bytes(Unpacker.reportPickle(11006, "UnpackFailed", self.NASTY))
        ours = Report.Report()
        ours.load("r.pkl")
        theirs = Report.Report()
        theirs.data.completed = False
        theirs.data.hostName = socket.gethostname()
        theirs.data.siteName = "T2_XX_Test"
        theirs.addError("CRITICAL", 11006, "UnpackFailed", text)
        theirs.save("theirs.pkl")
        theirs.load("theirs.pkl")
        assert plainData(ours.data) == plainData(theirs.data)
        assert ours.getExitCode() == 11006 and not ours.taskSuccessful()
        ours.save("again.pkl")

    @settings(max_examples=examples(100), deadline=None)
    @given(st.text())
    def test_anyTextSurvivesThePickle(self, text):
        error = readPickle(Unpacker.reportPickle(11006, "UnpackFailed", text)).CRITICAL.errors.error0
        assert error.details == "".join("?" if u"\ud800" <= char <= u"\udfff" else char for char in text)

    def test_runUnpackerLeavesBothReportsAndExitsWithOne(self, start):
        with pytest.raises(SystemExit) as info:
            Unpacker.runUnpacker(sandbox="none.tar", package="p", jobIndex=1, jobname="j", report="Report.3.pkl")
        assert info.value.code == 1
        assert sorted(os.listdir(".")) == ["FrameworkJobReport.xml", "Report.3.pkl"]
        message = ElementTree.parse("FrameworkJobReport.xml").getroot().find("FrameworkError").text
        assert "none.tar" in message and "what to do" in message
        assert b"none.tar" in (start / "Report.3.pkl").read_bytes()

    def test_fourArgumentsAreEnoughAsToday(self, start):
        with pytest.raises(SystemExit):
            Unpacker.runUnpacker("none.tar", "p", 1, "j")
        assert os.listdir(".") == ["FrameworkJobReport.xml"]


class TestProgram(object):
    """
    Run the plain file, without anything of ours on the path.
    """

    def run(self, *arguments, **environ):
        env = dict((key, value) for key, value in os.environ.items()
                   if not key.startswith(("WMAGENT_", "PYTHON")))
        env.update(environ)
        process = subprocess.Popen([sys.executable, "-S", PROGRAM] + list(arguments), env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, universal_newlines=True)
        return process.communicate(timeout=60)[0], process.returncode

    def test_unpacksWithOptions(self, start):
        writeSandbox(goodMembers(), "my sandbox.tar.bz2")
        (start / "JobPackage.pkl").write_text("p")
        output, status = self.run("--sandbox=my sandbox.tar.bz2", "--package=JobPackage.pkl", "--index=5")
        assert (status, (start / "job/WMSandbox/JobIndex.py").read_text()) == (0, "jobIndex = 5\n"), output

    def test_takesOptionsInTwoWordsToo(self, start):
        writeSandbox(goodMembers())
        (start / "P").write_text("p")
        output, status = self.run("--sandbox", "S.tar.bz2", "--package", "P", "--index", "6", WMAGENT_INDEX="7")
        assert (status, (start / "job/WMSandbox/JobIndex.py").read_text()) == (0, "jobIndex = 6\n"), output
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}:INFO:Unpacker:3 members of S.tar.bz2 unpacked to ", output)

    def test_takesSettingsFromTheEnvironment(self, start):
        writeSandbox(goodMembers())
        (start / "P").write_text("p")
        _, status = self.run(WMAGENT_SANDBOX="S.tar.bz2", WMAGENT_PACKAGE="P", WMAGENT_INDEX="6", WMAGENT_JOBNAME="n")
        assert status == 0 and os.path.isfile("job/Startup.py")

    @pytest.mark.parametrize("arguments, text", [
        ([], "No Sandbox provided"), (["--sandbox=s"], "No Job Package provided"),
        (["--sandbox=s", "--package=p"], "No Job Index provided"), (["--unknown=1"], "--unknown is not known"),
        (["--sandbox=s", "p"], "p is not known"), (["--sandbox=s", "--index"], "--index has no value"),
        (["--sandbox=s", "--package=p", "--index=1;x"], "index")])
    def test_badArgumentsGiveAReport(self, start, arguments, text):
        output, status = self.run(*arguments)
        assert status == 1 and text in output
        assert text in ElementTree.parse("FrameworkJobReport.xml").getroot().find("FrameworkError").text


@pytest.mark.parametrize("series", ["3.6", "3.8", "3.13"])
def test_aJobThatCanBeUnpackedLoadsNothingElse(start, interpreters, series):
    """Each module is some files of CVMFS; what only an error report or another compression needs waits for it."""
    python = interpreters.get(series)
    if not python:
        pytest.skip("no python %s on this machine" % series)
    writeSandbox(goodMembers())
    (start / "P").write_text("p")
    code = "import sys, Unpacker; Unpacker.main(sys.argv[1:]); print(sorted(sys.modules))"
    output = subprocess.check_output([python, "-S", "-B", "-c", code, "--sandbox=S.tar.bz2", "--package=P", "--index=1"],
                                     env={"PYTHONPATH": os.path.dirname(os.path.abspath(Unpacker.__file__))})
    loaded = set(ast.literal_eval(output.decode()))
    assert "tarfile" in loaded and not loaded & {
        "ssl", "socket", "http", "urllib", "email", "pickle", "logging", "tempfile", "random", "zipfile",
        "getopt", "gettext", "locale", "gzip", "importlib.util", "xml"}
