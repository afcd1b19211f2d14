"""Tests of Environment/AutoEnvironment: what is asked of which provider, and what is started with it."""
import os
import sys

import attr
import pytest

from WMCore.WMRuntime.Environment import AutoEnvironment as module, NodeFacts
from WMCore.WMRuntime.Environment.AutoEnvironment import AutoEnvironment, loadProviders, versionDirectory
from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.EnvironmentOutcome import APPLIED_VARIABLE, EnvironmentOutcome
from WMCore.WMRuntime.Environment.EnvironmentProvider import (CONTAINER, LIBRARIES, PYTHON, Availability,
                                                              EnvironmentProvider, Prepared)
from WMCore.WMRuntime.Errors import WMRuntimeError

AREA = "/cvmfs/area/external/python3/%s/bin/python3"
OWN = "%d.%d.%d" % tuple(sys.version_info[:3])


class Started(BaseException):
    """Says what execve was called with."""


class Plain(EnvironmentProvider):
    """Is there, and has nothing to find fault with."""

    @classmethod
    def create(cls, context):
        return cls()

    def available(self, node):
        return Availability(True, "always")

    def check(self, node):
        return ()


class Box(Plain):
    """A container of RHEL 9 without a python of its own."""
    name = "box"
    gives = CONTAINER
    inside = {"system": "rhel9", "executable": "", "version": (), "container": "/images/el9"}

    def prepare(self, node):
        if node.container:
            return Prepared(self.name, inside=node, reasons=["in one already"])
        inside = attr.evolve(node, **self.inside)
        return Prepared(self.name, prefix=["/bin/box", "exec"], inside=inside, reasons=["because"])


class Roomy(Box):
    """A container whose image has a python of its own, one that will do."""
    name = "roomy"
    inside = dict(Box.inside, executable="/opt/bin/python3", version=(3, 11, 7))


class Area(Plain):
    """An area with one python for each system."""
    name = "area"
    gives = PYTHON

    def prepare(self, node):
        path = AREA % ("3.9.14-comp" if node.system != "rhel9" else "3.9.21-wm1")
        return Prepared(self.name, path, (3, 9), EnvDiff({"PATH": os.path.dirname(path) + ":/bin"}),
                        ["for %s" % node.system])


class Away(Plain):
    """Asked first, and not there."""
    name = "away"
    priority = 1

    def available(self, node):
        return Availability(False, "it is not mounted")

    def prepare(self, node):
        raise AssertionError("asked although it is away")


class Refusing(Plain):
    """There, and unable."""
    name = "refusing"
    priority = 2

    def prepare(self, node):
        raise WMRuntimeError(11014, "it does not start", "/cvmfs/area", "mend it")


class Raising(Plain):
    """Fails as nobody foresaw, and would be asked first."""
    name = "raising"
    priority = 3

    def available(self, node):
        raise KeyError("oops")

    def prepare(self, node):
        raise AssertionError("not reached")


class Shelf(Plain):
    """Libraries."""
    name = "shelf"
    gives = LIBRARIES

    def prepare(self, node):
        path = os.pathsep.join(["/job/shelf"] + [one for one in [node.environ.get("PYTHONPATH")] if one])
        return Prepared(self.name, environment=EnvDiff({"PYTHONPATH": path}, ["PYTHONHOME"]), reasons=["psutil"],
                        libraries=[("psutil", "7", "/job/shelf")])


class Broken(Plain):
    """Fails as nobody foresaw."""
    name = "broken"
    gives = LIBRARIES

    def prepare(self, node):
        raise KeyError("oops")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Give a function that runs AutoEnvironment with these providers; `started` and `reports` tell what it did."""
    (tmp_path / "os-release").write_text('PLATFORM_ID="platform:el8"\n')
    monkeypatch.setattr(sys, "path", list(sys.path))
    # These tests may themselves run in a container.
    monkeypatch.setattr(NodeFacts, "CONTAINER_MARK", str(tmp_path / "not in a container"))
    monkeypatch.setattr(AutoEnvironment, "_leaveReport", lambda self, command: apply.reports.append(command))

    def execve(path, command, environ):
        apply.started.append((command, environ))
        raise Started(path)

    def apply(*providers, **environ):
        monkeypatch.setattr(module, "loadProviders", lambda environ, kinds: sorted(
            providers, key=lambda provider: provider.priority))
        apply.environ = dict({"WMRUNTIME_OS_RELEASE": str(tmp_path / "os-release"), "PATH": "/bin"}, **environ)
        try:
            return AutoEnvironment(str(tmp_path), "/start/job/Startup.py", apply.environ)()
        except Started:
            return None
    monkeypatch.setattr(os, "execve", execve)
    apply.directory, apply.reports, apply.started = tmp_path, [], []
    return apply


@pytest.mark.parametrize("path, name", [
    ("/cvmfs/cms.cern.ch/COMP/rhel8_x86_64/external/python3/3.9.14-comp/bin/python3", "3.9.14-comp"),
    ("/usr/bin/python3", "3.6.8"), ("/a/external/python3/3.8/lib/bin/python3", "3.6.8"), ("", "3.6.8")])
def test_aPythonIsNamedAsPinsNameIt(path, name):
    assert versionDirectory(path, (3, 6, 8)) == name


class TestPython(object):
    def test_aPinThatTheRunningPythonMeetsChangesNothing(self, job):
        outcome = job(Area, WMRUNTIME_PYTHON_VERSION=OWN)
        assert not job.started and outcome.error is None
        assert outcome.reasons == ("the job's python is %s, %s" % (OWN, sys.executable),)

    def test_anotherPythonIsStartedInThePlaceOfThisOne(self, job):
        (job.directory / "environment.cfg").write_text("[python]\nversion = 3.9.14-comp\n")
        assert job(Area) is None
        (command, environ), = job.started
        assert command == [AREA % "3.9.14-comp", "/start/job/Startup.py"]
        assert environ["PATH"] == "/cvmfs/area/external/python3/3.9.14-comp/bin:/bin"
        assert environ["PYTHONPATH"] == "%s/WMCore.zip:%s" % (job.directory, job.directory)
        assert job.reports == [command], "a job that never starts has no other report"

    def test_nothingOfTheRunningPythonGoesWithIt_10765(self, job):
        job(Area, WMRUNTIME_PYTHON_VERSION="3.9.14-comp", PYTHONHOME="/old", PYTHONPATH="/old/future", PATH="/old/bin:/bin",
            LD_LIBRARY_PATH="/old/lib", WMRUNTIME_START_PATH="/bin", WMRUNTIME_START_LD_LIBRARY_PATH="",
            WMRUNTIME_START_PYTHONPATH="/site/modules")
        environ = job.started[0][1]
        assert "/old" not in "".join(value for name, value in environ.items() if name != APPLIED_VARIABLE)
        assert environ["PYTHONPATH"].split(":")[2:] == ["/site/modules"]
        assert environ["WMRUNTIME_START_PATH"] == "/bin" and environ["WMRUNTIME_START_PYTHONPATH"] == "/site/modules"

    def test_whatForeignProgramsGetBackIsKnownUnderUpstreamsWrapper_too(self, job):
        job(Area, WMRUNTIME_PYTHON_VERSION="3.9.14-comp", PATH="/usr/bin:/bin", LD_LIBRARY_PATH="/site/lib")
        environ = job.started[0][1]
        assert environ["WMRUNTIME_START_PATH"] == "/usr/bin:/bin"
        assert environ["WMRUNTIME_START_LD_LIBRARY_PATH"] == "/site/lib" and environ["WMRUNTIME_START_PYTHONPATH"] == ""

    def test_itIsStartedOnceOnly(self, job):
        job(Area, WMRUNTIME_PYTHON_VERSION="3.9.14-comp")
        handed = job.started[0][1]
        again = job(Area, **handed)
        assert len(job.started) == 1 and again.error.code == 11014
        assert "3.9.14-comp" in str(again.error) and OWN in str(again.error)

    def test_theSecondProcessKnowsTheReasonsOfTheFirst(self, job):
        applied = EnvironmentOutcome(reasons=["area: for rhel8"], stages=[PYTHON]).toVariable()
        outcome = job(Area, WMRUNTIME_PYTHON_VERSION=OWN, **{APPLIED_VARIABLE: applied})
        assert outcome.reasons[0] == "area: for rhel8" and outcome.error is None
        assert APPLIED_VARIABLE not in job.environ, "a job that this job starts has an environment of its own"

    def test_theWrappersOwnPinIsStronger(self, job):
        outcome = job(Area, WMRUNTIME_PYTHON_VERSION="3.9.14-comp", WMRUNTIME_PYTHON="/opt/python3")
        assert not job.started and "WMRUNTIME_PYTHON is set" in outcome.reasons[0]

    def test_theFirstProviderThatCanIsTaken(self, job):
        job(Area, Refusing, Away, Raising, WMRUNTIME_PYTHON_VERSION="3.9.14-comp")
        assert job.started[0][0][0] == AREA % "3.9.14-comp"

    def test_whenNobodyCanEachSaysWhy(self, job):
        outcome = job(Refusing, Away, Raising, WMRUNTIME_PYTHON_VERSION="3.9.14-comp")
        text = str(outcome.error)
        assert outcome.error.code == 11014 and not job.started
        assert "WMRUNTIME_PYTHON_VERSION asks for" in text and "away: it is not mounted" in text
        assert "refusing: it does not start" in text and "raising: KeyError" in text and "what to do:" in text


class TestContainer(object):
    def test_theJobIsContinuedInTheContainerWithAPythonForItsSystem(self, job):
        assert job(Box, Area, WMRUNTIME_CONTAINER="auto") is None
        assert job.started[0][0] == ["/bin/box", "exec", AREA % "3.9.21-wm1", "/start/job/Startup.py"]
        handed = EnvironmentOutcome.fromVariable(job.started[0][1][APPLIED_VARIABLE])
        assert handed.stages == (CONTAINER, PYTHON) and handed.reasons == ("box: because", "area: for rhel9")

    def test_theImagesOwnPythonIsTakenWhenItWillDo(self, job):
        job(Roomy, Area, WMRUNTIME_CONTAINER="auto")
        assert job.started[0][0] == ["/bin/box", "exec", "/opt/bin/python3", "/start/job/Startup.py"]

    def test_thePythonOfAnImagesSystemIsTheLastChoice(self, job, monkeypatch):
        monkeypatch.setattr(Roomy, "inside", dict(Roomy.inside, executable="/usr/bin/python3"))
        job(Roomy, Area, WMRUNTIME_CONTAINER="auto")
        assert job.started[0][0][2] == AREA % "3.9.21-wm1"
        job(Roomy, Away, WMRUNTIME_CONTAINER="auto")
        assert job.started[1][0][2] == "/usr/bin/python3"
        handed = EnvironmentOutcome.fromVariable(job.started[1][1][APPLIED_VARIABLE])
        assert "/usr/bin/python3 of the image: A python for rhel9 cannot be had" in handed.reasons[-1]

    def test_theImagesOwnPythonIsNotTakenAgainstAPin(self, job):
        job(Roomy, Area, WMRUNTIME_CONTAINER="auto", WMRUNTIME_PYTHON_VERSION="3.9")
        assert job.started[0][0][2] == AREA % "3.9.21-wm1"

    def test_aPythonThatIsTooOldForTheSystemIsNotTaken(self, job, monkeypatch):
        monkeypatch.setattr(Roomy, "inside", dict(Roomy.inside, version=(3, 6, 8)))
        job(Roomy, Area, WMRUNTIME_CONTAINER="auto")
        assert job.started[0][0][2] == AREA % "3.9.21-wm1"

    def test_insideNothingIsStartedAnyMore(self, job):
        job(Box, Area, WMRUNTIME_CONTAINER="auto")
        handed = job.started[0][1]
        inside = job(Box, Area, APPTAINER_CONTAINER="/images/el9", **handed)
        assert len(job.started) == 1 and inside.error is None
        assert inside.reasons[:2] == ("box: because", "area: for rhel9")

    def test_aJobThatIsInNoContainerAlthoughItIsSaidToBeDoesNotRun(self, job):
        applied = EnvironmentOutcome(stages=[CONTAINER]).toVariable()
        outcome = job(Box, Area, WMRUNTIME_CONTAINER="auto", **{APPLIED_VARIABLE: applied})
        assert not job.started and outcome.error.code == 11014 and APPLIED_VARIABLE in str(outcome.error)

    def test_theVersionInThereIsThatOfThePythonThatRuns(self, job):
        def planned(*providers, **environ):
            environ = dict({"PATH": "/bin", "WMRUNTIME_CONTAINER": "auto"}, **environ)
            auto = AutoEnvironment(str(job.directory), "Startup.py", environ)
            auto.ask()
            auto.providers = providers
            place = auto.plan(NodeFacts.NodeFacts.fromEnviron(environ, str(job.directory)))[1]
            return place.executable, place.version
        assert planned(Box, Area) == (AREA % "3.9.21-wm1", (3, 9))
        assert planned(Roomy, Area) == ("/opt/bin/python3", (3, 11, 7))
        assert planned(Roomy, Area, WMRUNTIME_PYTHON="/my/python3") == ("/my/python3", tuple(sys.version_info[:3]))

    def test_aJobThatIsInAContainerStaysThere(self, job):
        outcome = job(Box, Area, WMRUNTIME_CONTAINER="auto", SINGULARITY_CONTAINER="/pilot/image")
        assert not job.started and "box: in one already" in outcome.reasons

    def test_withoutAProviderTheJobEndsSayingSo(self, job):
        outcome = job(Area, WMRUNTIME_CONTAINER="/images/el9")
        assert "The container /images/el9 that WMRUNTIME_CONTAINER asks for cannot be had" in str(outcome.error)

    def test_GPUsWithoutAContainerAreNotLostSilently(self, job):
        outcome = job(Box, WMRUNTIME_CONTAINER_GPU="yes")
        assert "WMRUNTIME_CONTAINER_GPU" in outcome.reasons[0] and not job.started

    def test_whatCannotBeStartedIsAnError(self, job, monkeypatch):
        def fail(path, command, environ):
            raise OSError(8, "Exec format error")
        monkeypatch.setattr(os, "execve", fail)
        outcome = job(Box, Area, WMRUNTIME_CONTAINER="auto")
        assert outcome.error.code == 11014 and "/bin/box" in str(outcome.error) and "Exec format" in str(outcome.error)


class TestLibraries(object):
    def test_thisProcessAndItsChildrenImportThem(self, job):
        outcome = job(Shelf, PYTHONPATH="/job/WMCore.zip", PYTHONHOME="/old")
        assert sys.path[0] == "/job/shelf" and sys.path.count("/job/shelf") == 1
        assert job.environ["PYTHONPATH"] == "/job/shelf:/job/WMCore.zip" and "PYTHONHOME" not in job.environ
        assert outcome.prepared[0]["libraries"] == [{"name": "psutil", "version": "7", "where": "/job/shelf"}]

    def test_anErrorNobodyForesawIsTheJobsReportAndNotItsEnd(self, job):
        outcome = job(Broken)
        assert outcome.error.code == 11014 and "KeyError" in str(outcome.error)

    def test_anUnreadableRequestIsTheJobsReport(self, job):
        (job.directory / "environment.cfg").write_text("[python]\nversion = ../../evil\n")
        assert "environment.cfg" in str(job(Area).error) and not job.started


def test_onlyWhatIsAskedForIsImported():
    import subprocess
    code = ("import sys\nfrom WMCore.WMRuntime.Environment.AutoEnvironment import loadProviders\n"
            "found = [one.gives for one in loadProviders({}, %r)]\n"
            "print(found, 'WMCore.WMRuntime.Environment.ContainerImage' in sys.modules)")
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    said = subprocess.check_output([sys.executable, "-c", code % ((LIBRARIES,),)], env=environ).decode()
    assert said.split() == ["['libraries']", "False"]


def test_aProviderOfTheEnvironmentsSettingIsLoaded(tmp_path, monkeypatch):
    (tmp_path / "siteshelf.py").write_text(
        "from WMCore.WMRuntime.Environment.EnvironmentProvider import EnvironmentProvider\n"
        "class SiteShelf(EnvironmentProvider):\n    name, priority, gives = 'site', 7, 'libraries'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = loadProviders({"WMRUNTIME_ENVIRONMENTS": "siteshelf:SiteShelf, nowhere:Lost"}, ())
    assert [provider.name for provider in found] == ["site"]
