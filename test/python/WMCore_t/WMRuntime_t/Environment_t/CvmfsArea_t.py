"""The python of an area: what sabotage leads the job wrapper and CvmfsArea to, and what each is called."""
import os
import shutil
import subprocess

import attr
import pytest

from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions
from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Environment.CompAreas import packageOf
from WMCore.WMRuntime.Environment.CvmfsArea import CvmfsArea
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, EnvironmentContext
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons
from WMCore.WMRuntime.WorkerNode.PythonArea import installPython
from WMCore_t.WMRuntime_t.Environment_t.Sabotages import NEXT, OTHER, SABOTAGES, SAME, SpoiledArea
from WMCore_t.WrapperNode import OS_RELEASES, WRAPPER, readError

MACHINE = os.uname().machine
INIT = '''_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH="$_top/bin${PATH:+:$PATH}" LD_LIBRARY_PATH="$_top/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
'''
TAKE = 'cd "$1" || exit 9\n. "$2"\nwma_begin 0 > /dev/null\nwma_find_python || exit\n' \
       'printf "TAKEN %s\\n" "$WMA_PYTHON"\nenv -0 > environment'


@pytest.fixture(scope="module")
def python():
    """Give the interpreter the areas hold: of those with a shared libpython the newest, where there is one."""
    found = list(findMachinePythons().values())[::-1]
    shared = [one for one in found if one.version[0] == 3 and os.path.isdir(one.libraries)
              and any(name.startswith("libpython%s.so." % one.series) for name in os.listdir(one.libraries))]
    return (shared or [one for one in found if one.version[0] == 3])[0]


@pytest.fixture(scope="module")
def template(tmp_path_factory, python):
    """Give a laid out python."""
    top = tmp_path_factory.mktemp("template")
    installPython(str(top / "area"), python, str(top / "libraries"))
    link = top / "area" / "lib" / ("python" + python.series)
    target = os.path.realpath(str(link))
    link.unlink()
    os.symlink(target, str(link))
    (top / "area" / "etc" / "profile.d").mkdir(parents=True)
    (top / "area" / "etc" / "profile.d" / "init.sh").write_text(INIT)
    return top / "area"


class Site(object):
    """
    A CMS root with an area of rhel8, whose newest version jobs take, and one of rhel7; the container runs el8.
    """

    def __init__(self, directory, template, python):
        self.cms = directory / "soft ware"
        self.start = directory / "start dir"
        self.start.mkdir(parents=True)
        self.names = {SAME: python.versionText + "-wm2", NEXT: python.versionText + "-wm1",
                      OTHER: python.versionText + "-old"}
        self.arch = {"x86_64": "amd64"}.get(MACHINE, MACHINE)
        self.publish(template, "rhel8", "el8_%s_gcc8" % self.arch, self.names[SAME], self.names[NEXT])
        self.publish(template, "rhel7", "slc7_%s_gcc630" % self.arch, self.names[OTHER])
        (directory / "os-release").write_text(OS_RELEASES["el8"])
        self.environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(directory), "VO_CMS_SW_DIR": str(self.cms),
                        "WMRUNTIME_OS_RELEASE": str(directory / "os-release"), "REQUIRED_OS": "any",
                        "WMRUNTIME_CVMFS_ROOT": str(self.cms), "PYTHONDONTWRITEBYTECODE": "1"}

    def publish(self, template, system, arch, *versions, **where):
        """Lay an area out, and the link of its system."""
        top = self.cms / where.get("path", "COMP")
        for name in versions:
            shutil.copytree(str(template), str(top / arch / "external" / "python3" / name), symlinks=True)
        if not (top / ("%s_%s" % (system, MACHINE))).exists():
            os.symlink(arch, str(top / ("%s_%s" % (system, MACHINE))))

    @property
    def area(self):
        """Give the area to spoil."""
        return SpoiledArea(self.cms / "COMP" / ("rhel8_" + MACHINE), self.names[SAME])

    def alone(self):
        """Take all away that a job could do with instead."""
        shutil.rmtree(str(self.area.python3 / self.names[NEXT]))
        (self.cms / "COMP" / ("rhel7_" + MACHINE)).unlink()

    def wrapper(self, **changes):
        """
        Let the wrapper find a python.

        :return: (int status, str what it said, str python it took)
        """
        # root reads what nobody may read
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        process = subprocess.Popen(command + ["bash", "--noprofile", "--norc", "-c", TAKE, "test", str(self.start), WRAPPER],
                                   env=dict(self.environ, **changes), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        out = process.communicate(timeout=60)[0].decode("utf-8", "replace")
        return process.returncode, out, out.rpartition("\nTAKEN ")[2].strip() if process.returncode == 0 else ""

    def left(self):
        """Give the environment the wrapper left."""
        data = (self.start / "environment").read_bytes().decode("utf-8", "surrogateescape")
        return dict(item.split("=", 1) for item in data.split("\0") if item)

    def provider(self, pin="", timeout=60.0):
        """Give the provider for a job."""
        return CvmfsArea(EnvironmentContext(loadDescription(), EnvironmentRequest(pythonVersion=pin)), timeout)

    def node(self, **changes):
        """Give the facts of the node."""
        return NodeFacts.fromEnviron(dict(self.environ, **changes))


@pytest.fixture
def site(tmp_path, template, python):
    """Give a site nothing is wrong with."""
    return Site(tmp_path, template, python)


def versionOf(path):
    return path.split("/external/python3/")[1].split("/")[0]


def codes(findings):
    return [finding.code for finding in findings]


def byName(sabotage):
    return sabotage.name


def skipWhereItCannotBe(sabotage, site):
    if sabotage.name == "truncatedLibpython" and not list((site.area.version / "lib").glob("libpython3.*.so.*")):
        pytest.skip("no interpreter of this machine has a shared libpython")
    if sabotage.name.startswith("unreadable") and os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root reads what nobody may read, and there is no setpriv")


def test_aSoundAreaHasNoFindingAndBothTakeItsNewest(site):
    assert site.provider().check(site.node()) == ()
    status, out, taken = site.wrapper()
    assert (status, versionOf(taken)) == (0, site.names[SAME]), out
    assert "WARNING" not in out
    prepared = site.provider().prepare(site.node())
    assert prepared.python == taken and ".".join(map(str, prepared.version)) == site.names[SAME].split("-")[0]
    left = site.left()
    assert {name: prepared.environment.apply(site.environ)[name] for name in ("PATH", "LD_LIBRARY_PATH")} == \
        {name: left[name] for name in ("PATH", "LD_LIBRARY_PATH")}
    assert "it is the newest of 2 that works" in prepared.reasons


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=byName)
def test_aSabotageLeadsTheWrapperToTheRightFallback(site, sabotage):
    skipWhereItCannotBe(sabotage, site)
    sabotage.spoil(site.area)
    status, out, taken = site.wrapper(**sabotage.environ)
    assert (status, taken and versionOf(taken)) == (0, site.names.get(sabotage.leadsTo, sabotage.leadsTo)), out
    assert sabotage.words in out
    left = site.left()
    assert "PYTHONHOME" not in left and left["PATH"].endswith(":/usr/local/bin:/usr/bin:/bin")
    assert not [name for name in left if name.startswith("BASH_FUNC_")]
    assert ("py3-future" in left.get("PYTHONPATH", "")) is False
    assert sorted(os.listdir(str(site.start))) == ["Report.0.pkl", "environment", "startup_environment.sh", "wmagentJob.log"]


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", [one for one in SABOTAGES if one.leadsTo in (NEXT, OTHER)], ids=byName)
def test_aSabotageWithoutAFallbackLeadsToOneErrorThatListsAllTried(site, sabotage):
    skipWhereItCannotBe(sabotage, site)
    site.alone()
    sabotage.spoil(site.area)
    status, out, _ = site.wrapper(**sabotage.environ)
    code, _, details = readError(site.start / "Report.0.pkl")
    assert status == 1 and code in (11004, 11005), out
    assert code == (11005 if os.path.isdir(str(site.area.python3)) else 11004)
    assert out.count("ERROR: ") == 1
    for path in ("WMRuntime", "COMP"):
        for system in ("rhel8", "rhel7", "rhel6"):
            assert "/%s/%s_%s" % (path, system, MACHINE) in details
    if sabotage.leadsTo == NEXT:
        assert "    %s: " % site.names[SAME] in details


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=byName)
def test_aSabotageIsFoundAndNamedAndCvmfsAreaTakesWhatTheWrapperTakes(site, sabotage):
    skipWhereItCannotBe(sabotage, site)
    sabotage.spoil(site.area)
    provider, node = site.provider(timeout=2.0 if "WMA_PROBE_TIMEOUT_SECS" in sabotage.environ else 30.0), site.node(
        **{name: value for name, value in sabotage.environ.items() if not name.startswith("WMA_")})
    found = provider.check(node)
    assert sabotage.code in codes(found), found
    named = [finding for finding in found if finding.code == sabotage.code][0]
    assert named.message and named.remedy and str(site.cms) in named.path
    if os.geteuid() != 0 or not sabotage.name.startswith("unreadable"):  # root reads all
        prepared = provider.prepare(node)
        assert versionOf(prepared.python) == site.names.get(sabotage.leadsTo, sabotage.leadsTo)


def test_thereAreTwentySabotagesAndMoreEachWithANameOfItsOwn():
    assert len({one.name for one in SABOTAGES}) == len(SABOTAGES) >= 20


def test_whatWouldBreakTheFirstChoiceIsAnError(site):
    site.area.init.unlink()
    assert [finding.severity for finding in site.provider().check(site.node())] == [ERROR]


def test_aPythonHomeOfTheJobReachesNeitherThePythonNorWhatComesLater(site):
    assert site.wrapper(PYTHONHOME="/nowhere")[0] == 0 and "PYTHONHOME" not in site.left()
    prepared = site.provider().prepare(site.node(PYTHONHOME="/nowhere"))
    assert "PYTHONHOME" in prepared.environment.toUnset


def test_theRuntimesOwnAreaIsTakenBeforeComp11699(site, template):
    site.publish(template, "rhel8", "builds-1", "3.0.0-wm1", path="WMRuntime")
    _, out, taken = site.wrapper()
    assert "/WMRuntime/rhel8_%s/external/python3/3.0.0-wm1/bin/python3\n" % MACHINE in out
    assert taken.endswith("/WMRuntime/builds-1/external/python3/3.0.0-wm1/bin/python3")
    assert site.provider().prepare(site.node()).python == taken


def test_aRunningJobKeepsItsFilesWhenTheAreaIsReplaced(site, template):
    site.publish(template, "rhel8", "builds/rhel8-1", site.names[SAME], path="WMRuntime")
    taken = site.wrapper()[2]
    link = site.cms / "WMRuntime" / ("rhel8_" + MACHINE)
    link.unlink()
    os.symlink("builds/rhel8-2", str(link))
    environ = site.left()
    assert subprocess.check_output([taken, "-c", "import this, os; print(os.__file__)"], env=environ).count(b"rhel8-1") == 1
    assert packageOf(taken) == os.path.dirname(os.path.dirname(taken))
    assert withoutWrapperPython({"PATH": environ["PATH"]}, [taken]) == {"PATH": site.environ["PATH"]}


def test_aPublishedPythonChangesNothingWhereTheAreaHasADefault10642(site, template):
    (site.area.python3 / "default").write_text(site.names[NEXT] + "\n")
    before = site.wrapper()[2]
    site.publish(template, "rhel8", "el8_%s_gcc8" % site.arch, "99.0.0-new")
    assert site.wrapper()[2] == before and versionOf(before) == site.names[NEXT]
    prepared = site.provider().prepare(site.node())
    assert prepared.python == before and "the area's file default names it" in prepared.reasons


def test_aDefaultThatDoesNotStartIsReplacedLoudly(site):
    (site.area.python3 / "default").write_text(site.names[NEXT] + "\n")
    (site.area.python3 / site.names[NEXT] / "bin" / "python3").unlink()
    status, out, taken = site.wrapper()
    assert (status, versionOf(taken)) == (0, site.names[SAME])
    assert "%s does not work, trying the next" % site.names[NEXT] in out


@pytest.mark.parametrize("which", [NEXT, OTHER])
def test_aPinOfTheJobIsTakenByBoth(site, which):
    name = site.names[which]
    status, out, taken = site.wrapper(WMRUNTIME_PYTHON_VERSION=name)
    assert (status, versionOf(taken)) == (0, name), out
    prepared = site.provider(pin=name).prepare(site.node())
    assert prepared.python == taken and "%s is asked for" % name in prepared.reasons


def test_aPinThatIsNowhereIsAnErrorOfBoth(site):
    status, _, _ = site.wrapper(WMRUNTIME_PYTHON_VERSION="3.0.9")
    assert status == 1 and readError(site.start / "Report.0.pkl")[0] == 11005
    provider = site.provider(pin="3.0.9")
    with pytest.raises(WMRuntimeError) as caught:
        provider.prepare(site.node())
    assert caught.value.code == 11014
    for name in site.names.values():
        assert "%s: 3.0.9 is asked for" % name in caught.value.context
    assert "pinnedMissing" in codes(provider.check(site.node()))


def test_nothingThereIsToldWithEachPath(site):
    shutil.rmtree(str(site.cms))
    provider, node = site.provider(), site.node()
    available = provider.available(node)
    assert not available.ok and "/WMRuntime/rhel8_%s" % MACHINE in available.reason
    assert codes(provider.check(node)) == ["areaMissing"]
    with pytest.raises(WMRuntimeError):
        provider.prepare(node)


def test_anAreaOfAnotherCpuIsLookedAtAndNotStarted(site):
    site.area.say("touch '%s'" % (site.start / "started"))
    node = attr.evolve(site.node(), machine="aarch64" if MACHINE != "aarch64" else "ppc64le")
    top = site.cms / "COMP"
    for system in ("rhel8", "rhel7"):
        os.rename(str(top / ("%s_%s" % (system, MACHINE))), str(top / ("%s_%s" % (system, node.machine))))
    assert {"areaWrongCpu", "pythonWrongCpu"} <= set(codes(site.provider().check(node)))
    assert not (site.start / "started").exists()


def test_thePythonForAContainerThatIsNotEnteredYetIsNotStartedHere(site):
    site.area.program.unlink()
    library = site.area.python3 / site.names[NEXT] / "etc" / "started"
    (site.area.python3 / site.names[NEXT] / "bin" / "python3").unlink()
    program = site.area.python3.resolve() / site.names[NEXT] / "bin" / "python3"
    program.write_text("#!/bin/sh\ntouch '%s'\n" % library)
    program.chmod(0o755)
    prepared = site.provider().prepare(attr.evolve(site.node(), container="/images/el8"))
    assert prepared.python == str(program) and not library.exists()
    assert ".".join(map(str, prepared.version)) == site.names[NEXT].split("-")[0]
    assert str(program.parent) in prepared.environment.toSet["PATH"]
    assert any("it is for the inside of /images/el8" in reason for reason in prepared.reasons)


def test_aNewerContainerTakesTheNewestOlderAreaAndSaysSo11893(site):
    with open(site.environ["WMRUNTIME_OS_RELEASE"], "w") as handle:
        handle.write(OS_RELEASES["alma9"])
    status, out, taken = site.wrapper()
    assert (status, versionOf(taken)) == (0, site.names[SAME])
    assert "its libraries may not fit (#11893)" in out
    assert any("#11893" in reason for reason in site.provider().prepare(site.node()).reasons)


def test_itsVersionsAreReadWithoutStartingAnything(site):
    site.area.say("touch '%s'" % (site.start / "started"))
    assert [version.name for version in AreaVersions.read(str(site.area.python3)).versions] == [
        site.names[SAME], site.names[NEXT]]
    assert site.provider().available(site.node()).ok and not (site.start / "started").exists()
