"""The provider of containers: which image, the container it prepares, and a job's program in it."""
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import time

import attr
import pytest

from WMCore.WMRuntime.Environment.ContainerImage import SCRATCH, ContainerImage
from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.EnvironmentProvider import EnvironmentContext
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.ImageTable import imageSystem, localPaths
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.WorkerNode.ClassAds import writeAds

STARTUP = """
import json, os, signal, sys, time
import jobCode
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
release = open("/etc/os-release").read()
with open("../report.json.tmp", "w") as handle:
    json.dump({"release": release, "cwd": os.getcwd(), "prefix": sys.prefix, "version": list(sys.version_info[:3]),
               "environ": dict(os.environ), "code": jobCode.__file__, "arguments": sys.argv[1:],
               "home": os.path.isdir(os.environ["HOME"])}, handle)
os.rename("../report.json.tmp", "../report.json")
if "wait" in sys.argv:
    time.sleep(60)
sys.exit(70)
"""


def provider(container="auto", gpu=False):
    """The provider of a request."""
    request = EnvironmentRequest(container=container, gpu=gpu, origins={"container": "a test"})
    return ContainerImage.create(EnvironmentContext(loadDescription(), request))


@pytest.fixture(scope="module", autouse=True)
def namespaces(workerNode):
    """Skip where the kernel allows no namespaces, as a real apptainer would fail."""
    done = subprocess.run([os.path.join(workerNode.root, "bin", "apptainer"), "exec", workerNode.images["rhel9"], "true"],
                          stderr=subprocess.PIPE)
    if done.returncode == 255 and b"unshare" in done.stderr:
        pytest.skip("this machine allows neither mount nor user namespaces: %s" % done.stderr)


@pytest.fixture
def node(workerNode, tmp_path):
    """The facts of a job that was started on the worker node, with ads and code."""
    job = tmp_path / "start" / "job"
    job.mkdir(parents=True)
    (job / "Startup.py").write_text(STARTUP)
    (job / "jobCode.py").write_text("")
    ads = writeAds(str(job.parent), "rhel9")
    environ = workerNode.environment("rhel9", ads.job, ads.machine, str(job.parent))
    environ.update({"PYTHONPATH": "%s:/elsewhere" % job, "JOBSTARTDIR": str(job.parent), "SECRET": "no",
                    "X509_USER_PROXY": str(tmp_path / "x509"), "WMAGENT_RETRY_COUNT": "0"})
    (tmp_path / "x509").write_text("credential")
    # Also where the tests run in a container themselves.
    return attr.evolve(NodeFacts.fromEnviron(environ, str(job)), container="")


def areaPython(workerNode, system):
    """The python of an area of the node."""
    folder = os.path.join(workerNode.cvmfs, "COMP", "%s_%s" % (system, platform.machine()), "external", "python3")
    return os.path.join(folder, os.listdir(folder)[0], "bin", "python3")


class TestChoice(object):

    @pytest.mark.parametrize("required, system", [("rhel9", "rhel9"), ("rhel7", "rhel7"), ("any", "rhel8"), ("", "rhel8"),
                                                  ("rhel6,rhel9", "rhel9"), ("nonsense", "rhel8")])
    def test_the_image_follows_the_required_system(self, node, workerNode, tmp_path, required, system):
        (tmp_path / "os-release").write_text("ID=debian\n")
        environ = dict(node.environ, REQUIRED_OS=required, WMRUNTIME_OS_RELEASE=str(tmp_path / "os-release"))
        available = provider().available(attr.evolve(node, environ=environ))
        assert available.ok and workerNode.images[system] in available.reason

    def test_an_image_named_by_its_path_is_taken(self, node, workerNode):
        available = provider(workerNode.images["rhel7"]).available(node)
        assert available.ok and "(rhel7)" in available.reason

    def test_no_image_names_all_places(self, node):
        facts = attr.evolve(node, roots=("/no/cms.cern.ch",), environ=dict(node.environ, REQUIRED_OS="rhel9"))
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(facts)
        assert raised.value.code == 11014
        assert "/no/unpacked.cern.ch/" in raised.value.context and " /cvmfs/unpacked.cern.ch/" in raised.value.context

    @pytest.mark.parametrize("required, places", [("rhel6", "/el6:"), ("rhel6,rhel10", "/el10:")])
    def test_a_required_system_whose_image_is_not_there_is_not_replaced(self, node, workerNode, required, places):
        facts = attr.evolve(node, environ=dict(node.environ, REQUIRED_OS=required), machine="x86_64")
        assert "rhel6" not in workerNode.images and "rhel10" not in workerNode.images
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(facts)
        assert raised.value.code == 11014 and places in raised.value.context and "/el8:" not in raised.value.context

    def test_a_required_system_that_nobody_describes_is_not_replaced(self, node):
        available = provider().available(attr.evolve(node, environ=dict(node.environ, REQUIRED_OS="rhel5")))
        assert not available.ok and "no image of rhel5" in available.reason

    def test_an_image_under_cvmfs_is_taken_from_where_the_nodes_cvmfs_is(self, node, workerNode):
        asked = "/cvmfs/unpacked.cern.ch/registry.hub.docker.com/cmssw/el7:" + node.machine
        available = provider(asked).available(node)
        assert available.ok and "%s (rhel7)" % workerNode.images["rhel7"] in available.reason
        inside = attr.evolve(node, container=workerNode.images["rhel7"], system="rhel7")
        assert provider(asked).prepare(inside).prefix == ()
        with pytest.raises(WMRuntimeError) as raised:
            provider(asked).prepare(attr.evolve(inside, container="/images/pilot", system="rhel9"))
        assert "(rhel7), found rhel9" in raised.value.context

    def test_another_cpu_has_another_image_or_none(self, node):
        assert "for sparc64" in provider().available(attr.evolve(node, machine="sparc64")).reason

    def test_who_asks_for_none_gets_no_provider(self):
        assert provider("") is None

    def test_images_lie_where_the_nodes_cvmfs_is(self):
        assert localPaths("/cvmfs/a/b", ["/x/cms.cern.ch", "/y", "/cvmfs/cms.cern.ch"]) == ["/x/a/b", "/cvmfs/a/b"]
        assert localPaths("/images/a.sif", ["/x/cms.cern.ch"]) == ["/images/a.sif"]

    def test_the_system_of_an_image_is_read_in_it(self, tmp_path):
        (tmp_path / "etc").mkdir()
        (tmp_path / "usr" / "lib").mkdir(parents=True)
        assert imageSystem(str(tmp_path)) is None
        (tmp_path / "usr" / "lib" / "os-release").write_text('PLATFORM_ID="platform:el9"\n')
        for target in ("/usr/lib/os-release", "../usr/lib/os-release"):
            os.symlink(target, str(tmp_path / "etc" / "os-release"))
            assert imageSystem(str(tmp_path)) == "rhel9"
            os.unlink(str(tmp_path / "etc" / "os-release"))
        (tmp_path / "etc" / "redhat-release").write_text("CentOS release 6.10 (Final)\n")
        assert imageSystem(str(tmp_path)) == "rhel6"


class TestJobInside(object):

    def start(self, workerNode, node, *arguments):
        """Prepare the container and start the program with an area's python."""
        prepared = provider().prepare(node)
        python = areaPython(workerNode, prepared.inside.system)
        command, environ = prepared.launch([python, "Startup.py"] + list(arguments), dict(prepared.inside.environ, EXTRA="a,$b"))
        return subprocess.Popen(command, env=environ, cwd=node.jobDirectory, stderr=subprocess.PIPE, start_new_session=True)

    def report(self, node, tries=1500):
        """Wait for what the program reported."""
        path = os.path.join(os.path.dirname(node.jobDirectory), "report.json")
        while not os.path.exists(path) and tries:
            tries -= 1
            time.sleep(0.02)
        with open(path) as handle:
            return json.load(handle)

    def test_it_sees_another_system_and_its_own_files(self, workerNode, node):
        child = self.start(workerNode, node, "one", "two words")
        _, err = child.communicate(timeout=60)
        assert child.returncode == 70, err
        report = self.report(node)
        assert 'VERSION_ID="9.4"' in report["release"]
        assert report["cwd"] == node.jobDirectory and report["code"] == os.path.join(node.jobDirectory, "jobCode.py")
        assert report["arguments"] == ["one", "two words"] and report["home"]
        assert report["prefix"].startswith(workerNode.root)
        environ = report["environ"]
        assert "SECRET" not in environ and environ["EXTRA"] == "a,$b"
        assert environ["X509_USER_PROXY"] == node.environ["X509_USER_PROXY"]
        assert environ["HOME"] == os.path.dirname(node.jobDirectory) == environ["JOBSTARTDIR"]
        assert environ["PYTHONPATH"] == node.jobDirectory

    def test_in_there_the_facts_are_those_that_were_told(self, workerNode, node):
        inside = provider().prepare(node).inside
        self.start(workerNode, node).communicate(timeout=60)
        environ = self.report(node)["environ"]
        assert {name: value for name, value in inside.environ.items() if environ.get(name) != value} == {}
        assert inside.container == environ["APPTAINER_CONTAINER"] and inside.system == "rhel9"

    def test_sigterm_to_the_front_process_reaches_it(self, workerNode, node):
        child = self.start(workerNode, node, "wait")
        self.report(node)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 143
        child.stderr.close()

    def test_ads_and_credentials_cannot_be_changed_and_the_jobs_directory_can(self, node):
        prepared = provider().prepare(node)
        script = "cat $X509_USER_PROXY; for f in $X509_USER_PROXY $_CONDOR_JOB_AD $_CONDOR_MACHINE_AD; do " \
                 "(echo x >>$f) 2>/dev/null && echo changed $f; done; echo ok >../made; echo t >/tmp/t"
        command, environ = prepared.launch(["/bin/sh", "-c", script], prepared.inside.environ)
        assert subprocess.check_output(command, env=environ) == b"credential"
        start = os.path.dirname(node.jobDirectory)
        assert os.path.exists(os.path.join(start, "made")) and os.path.exists(os.path.join(start, SCRATCH, "tmp", "t"))

    def test_the_prefix_and_the_difference_do_it_too(self, node):
        prepared = provider().prepare(node)
        out = subprocess.check_output(list(prepared.prefix) + ["/bin/sh", "-c", "echo $WMAGENT_RETRY_COUNT; . /etc/os-release; "
                                      "echo $VERSION_ID"], env=prepared.environment.apply(node.environ))
        assert out.split() == [b"0", b"9.4"]

    def test_values_of_variables_are_not_in_the_record(self, node):
        node = attr.evolve(node, environ=dict(node.environ, BEARER_TOKEN="very-secret"))
        prepared = provider().prepare(node)
        assert "very-secret" not in json.dumps(prepared.toDict()) + repr(prepared)

    def test_a_gpu_that_is_not_there_is_a_reason_and_no_failure(self, node):
        if os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/kfd"):
            pytest.skip("this machine has a GPU")
        assert any("this node has none" in reason for reason in provider(gpu=True).prepare(node).reasons)

    def test_an_image_of_rhel6_which_has_no_os_release_is_known(self, node, workerNode, tmp_path):
        image = tmp_path / "el6"
        shutil.copytree(workerNode.images["rhel7"], str(image), symlinks=True)
        for path in [image / "etc" / "os-release", image / "usr" / "lib" / "os-release"]:
            if os.path.lexists(str(path)):
                path.unlink()
        (image / "etc" / "redhat-release").write_text("CentOS release 6.10 (Final)\n")
        assert provider(str(image)).prepare(node).inside.system == "rhel6"

    def test_what_the_node_would_preload_is_not_preloaded(self, node):
        environ = dict(node.environ, APPTAINERENV_LD_PRELOAD="/evil.so", SINGULARITYENV_EVIL="1", APPTAINER_PID="1")
        prepared = provider().prepare(attr.evolve(node, environ=environ))
        out = subprocess.check_output(list(prepared.prefix) + ["/bin/sh", "-c", "echo $LD_PRELOAD$EVIL."],
                                      env=prepared.environment.apply(environ), stderr=subprocess.STDOUT)
        assert out == b".\n"
        assert {"APPTAINERENV_LD_PRELOAD", "SINGULARITYENV_EVIL", "APPTAINER_PID"} <= set(prepared.toDict()["environment"]["unset"])

    def test_the_images_own_python_is_told(self, node):
        inside = provider().prepare(node).inside
        assert (inside.executable == "") == (inside.version == ()) == (not shutil.which("python3", path="/usr/bin:/bin"))


class TestFailures(object):

    def test_a_container_that_does_not_start_is_found_out_before_the_job_is_gone(self, node, tmp_path):
        environ = dict(node.environ, APPTAINER_BINDPATH=node.environ["APPTAINER_BINDPATH"] + ",/no/such/storage")
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(attr.evolve(node, environ=environ))
        assert raised.value.code == 11014 and "/no/such/storage doesn't exist" in raised.value.context

    def test_an_image_without_a_shell_does_not_start(self, node, tmp_path):
        (tmp_path / "image" / "etc").mkdir(parents=True)
        with pytest.raises(WMRuntimeError) as raised:
            provider(str(tmp_path / "image")).prepare(node)
        assert "status 255" in raised.value.context

    def test_an_image_of_another_system_than_the_table_says(self, node, workerNode, tmp_path):
        shutil.copytree(workerNode.images["rhel7"], str(tmp_path / "x"), symlinks=True)
        path = tmp_path / "cvmfs" / "unpacked.cern.ch" / "registry.hub.docker.com" / "cmssw"
        path.mkdir(parents=True)
        os.rename(str(tmp_path / "x"), str(path / ("el9:" + node.machine)))
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(attr.evolve(node, roots=(str(tmp_path / "cvmfs" / "cms.cern.ch"),)))
        assert "expected rhel9, found rhel7" in raised.value.context

    def test_no_program(self, node):
        bare = attr.evolve(node, environ=dict(node.environ, PATH="/usr/bin:/bin"))
        if shutil.which("apptainer", path="/usr/bin:/bin") or shutil.which("singularity", path="/usr/bin:/bin"):
            pytest.skip("this machine has a real apptainer")
        assert not provider().available(bare).ok
        assert [finding.code for finding in provider().check(bare)] == ["containerProgram"]

    @pytest.mark.parametrize("name", ["a,b", "a:b"])
    def test_a_start_directory_that_no_bind_can_name(self, node, tmp_path, name):
        job = tmp_path / name / "job"
        job.mkdir(parents=True)
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(attr.evolve(node, jobDirectory=str(job)))
        assert name in raised.value.context

    def test_check_finds_nothing_wrong_with_the_node(self, node):
        assert provider().check(node) == ()

    def test_check_names_an_image_that_is_gone(self, node):
        finding, = provider("/no/image").check(node)
        assert (finding.code, finding.path) == ("containerImage", "/no/image")

    def test_the_command_to_repeat_it_is_one_that_works(self, node, capsys):
        from WMCore.WMRuntime.Command.Main import main
        for asked, words in (("auto", []), ("/no/$image", ["--image", "/no/$image"])):
            facts = attr.evolve(node, roots=("/no/cms.cern.ch",))
            command = shlex.split(provider(asked).check(facts)[0].command)
            assert command == ["wmruntime", "container", "exec"] + words + ["--", "cat", "/etc/os-release"]
            assert main(command[1:3] + ["--show"] + command[3:]) in (0, 1)
            assert "usage:" not in capsys.readouterr().err

    def test_check_tells_what_a_container_said_that_does_not_start(self, node, tmp_path):
        (tmp_path / "image" / "etc").mkdir(parents=True)
        finding, = provider(str(tmp_path / "image")).check(node)
        assert finding.code == "containerStart" and "FATAL" in finding.message


class TestNested(object):

    def test_a_container_of_the_right_system_will_do(self, node):
        nested = attr.evolve(node, container="/images/pilot", system="rhel9")
        prepared = provider().prepare(nested)
        assert prepared.prefix == () and "already" in prepared.reasons[0] and prepared.inside == nested
        assert prepared.launch(["a"], {"B": "c"}) == (["a"], {"B": "c"})
        assert provider().available(nested).ok

    def test_of_another_system_it_will_not(self, node):
        with pytest.raises(WMRuntimeError) as raised:
            provider().prepare(attr.evolve(node, container="/images/pilot", system="rhel7"))
        assert raised.value.code == 11014 and "found rhel7 in /images/pilot" in raised.value.context

    def test_inside_a_container_it_is_noticed(self, workerNode, node, sourceTree, sandboxPackages):
        code = "from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts as N; f = N.fromEnviron(); print(f.container, f.system)"
        shutil.copytree(os.path.join(sourceTree, "WMCore"), os.path.join(node.jobDirectory, "WMCore"))
        shutil.copytree(os.path.join(sandboxPackages, "attr"), os.path.join(node.jobDirectory, "attr"))
        prepared = provider().prepare(node)
        words, environ = prepared.launch([areaPython(workerNode, "rhel9"), "-c", code], prepared.inside.environ)
        out = subprocess.check_output(words, env=environ)
        assert out.decode().split() == [workerNode.images["rhel9"], "rhel9"]


REAL = [path for path in (shutil.which("apptainer"), shutil.which("singularity")) if path]


@pytest.mark.skipif(not REAL, reason="this machine has no real apptainer or singularity")
def test_the_real_program_takes_the_command_line(workerNode, node, tmp_path):
    image = tmp_path / "image"
    for name in ("etc", "proc", "sys", "dev", "tmp", "usr", "bin", "lib", "lib64"):
        (image / name).mkdir(parents=True)
    (image / "etc" / "os-release").write_text('ID="almalinux"\nID_LIKE="rhel"\nVERSION_ID="9.4"\n')
    system = ",".join("%s:%s:ro" % (os.path.realpath(path), path) for path in ("/usr", "/bin", "/lib", "/lib64")
                      if os.path.isdir(path))
    environ = dict(node.environ, PATH=os.path.dirname(REAL[0]) + ":/usr/bin:/bin", APPTAINER_BINDPATH=system)
    prepared = provider(str(image)).prepare(attr.evolve(node, environ=environ))
    assert prepared.inside.system == "rhel9"
    words, environ = prepared.launch(["/bin/sh", "-c", 'printf "%s" "$VALUE"; exit 9'], dict(prepared.inside.environ, VALUE="a,$b"))
    done = subprocess.run(words, env=environ, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (9, b"a,$b")
