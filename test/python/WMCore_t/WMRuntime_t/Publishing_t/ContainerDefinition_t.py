"""Definitions of images: what they are built upon, and that their commands make the area's python the image's."""
import os
import re
import shutil
import subprocess

import attr
import pytest

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.ContainerDefinition import (APPTAINER, FORMATS, OCI, PREFIX, definitionTargets,
                                                             sourceReference, writeDefinition)
from WMCore.WMRuntime.Publishing.InitScript import pythonInit

DESCRIPTION = loadDescription()
TARGETS = definitionTargets(DESCRIPTION)


def sections(text):
    """Split an apptainer definition: dict of section to its text, "" for the head."""
    parts = re.split(r"(?m)^%(\w+)(.*)\n", "\n" + text)
    return dict([("", parts[0])] + [(parts[at], parts[at + 2]) for at in range(1, len(parts), 3)])


def commands(text, form):
    """Give the bash text that a definition runs while the image is built."""
    if form == APPTAINER:
        return sections(text)["post"] + sections(text)["test"]
    return re.search(r"(?ms)^RUN (.*?)\nENV", text).group(1)


def test_there_is_one_for_each_system_and_cpu_that_the_description_has_an_image_for():
    assert [(target.system.name, target.cpu) for target in TARGETS] == [
        (system.name, cpu) for system, cpu in DESCRIPTION.targets() if cpu in system.images]
    assert len(definitionTargets(DESCRIPTION, "rhel8")) == 3 and len(definitionTargets(DESCRIPTION, None, "ppc64le")) == 3


@pytest.mark.parametrize("system, cpu", [("rhel6", "ppc64le"), ("rhel5", None), (None, "sparc64")])
def test_what_the_description_has_no_image_for_is_refused_with_what_it_has(system, cpu):
    with pytest.raises(WMRuntimeError) as raised:
        definitionTargets(DESCRIPTION, system, cpu)
    assert "rhel7 aarch64 ppc64le x86_64" in raised.value.context


@pytest.mark.parametrize("image, source", [
    ("/cvmfs/unpacked.cern.ch/registry.hub.docker.com/cmssw/el8:x86_64", "docker.io/cmssw/el8:x86_64"),
    ("/cvmfs/unpacked.cern.ch/gitlab-registry.cern.ch/a/b/c:latest", "gitlab-registry.cern.ch/a/b/c:latest"),
    ("/cvmfs/cms.cern.ch/images/el8.sif", None)])
def test_where_an_unpacked_image_came_from(image, source):
    assert sourceReference(image) == source


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_parts_of_an_apptainer_definition(target):
    parts = sections(writeDefinition(DESCRIPTION, target))
    assert parts[""].splitlines()[2:4] == ["Bootstrap: docker", "From: " + sourceReference(target.image)]
    assert parts["files"].split() == ["WMRuntime/" + target.name, PREFIX + "/area"]
    assert set(parts) == {"", "files", "post", "environment", "labels", "test", "help"}
    assert DESCRIPTION.sha256 in parts["labels"] and str(target.system.python) in parts["test"]


def test_the_parts_of_a_containerfile():
    target, = definitionTargets(DESCRIPTION, "rhel9", "aarch64")
    text = writeDefinition(DESCRIPTION, target, "areas/mine", OCI)
    assert [line.split()[0] for line in text.splitlines() if re.match("[A-Z]", line)] == [
        "FROM", "LABEL", "COPY", "SHELL", "RUN", "ENV"]
    assert "FROM --platform=linux/arm64 docker.io/cmssw/el9:aarch64\n" in text
    assert "COPY areas/mine/ /opt/wmruntime/area/\n" in text


def test_upon_a_local_image_apptainer_builds_and_others_cannot():
    target = attr.evolve(TARGETS[0], image="/images/el8.sif")
    assert "Bootstrap: localimage\nFrom: /images/el8.sif\n" in writeDefinition(DESCRIPTION, target)
    with pytest.raises(WMRuntimeError):
        writeDefinition(DESCRIPTION, target, form=OCI)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("form", FORMATS)
def test_its_commands_are_clean_bash(tmp_path, form):
    script = tmp_path / "post.sh"
    script.write_text("#!/bin/bash\n" + commands(writeDefinition(DESCRIPTION, TARGETS[0], form=form), form))
    done = subprocess.run(["shellcheck", str(script)], stdout=subprocess.PIPE)
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture
def image(workerNode, tmp_path, sandboxPackages):
    """What becomes /opt/wmruntime of an image: an area with a python of the node, and the libraries that are needed."""
    top = tmp_path / "image"
    comp = os.path.join(workerNode.cvmfs, "COMP", "rhel8_%s" % os.uname()[4], "external", "python3")
    python = top / "area" / "external" / "python3" / "3.8.99-wm1"
    shutil.copytree(os.path.join(comp, os.listdir(comp)[0]), str(python), symlinks=True)
    (python.parent / "default").write_text("3.8.99-wm1\n")
    series = os.path.basename([path for path in os.listdir(str(python / "lib")) if path.startswith("python3")][0])[6:]
    for name in os.listdir(str(python / "lib")):
        # The node's pythons share their standard library by relative links.
        link = str(python / "lib" / name)
        if os.path.islink(link):
            real = os.path.realpath(os.path.join(comp, os.listdir(comp)[0], "lib", name))
            os.unlink(link)
            os.symlink(real, link)
    (python / "etc" / "profile.d" / "init.sh").write_text(pythonInit("3.8.99-wm1", series, ["py3-all/1"], False))
    packages = top / "area" / "external" / "py3-all" / "1" / "lib" / ("python" + series) / "site-packages"
    # They run on every python3 from 3.6 on.
    shutil.copytree(sandboxPackages, str(packages))
    return top


def inContainer(workerNode, image, command, system="rhel8"):
    """Run bash in a container that has the directory at /opt/wmruntime; return (exit code, stdout, stderr)."""
    words = [os.path.join(workerNode.root, "bin", "apptainer"), "exec", "--contain", "--bind", workerNode.root, "--bind",
             "%s:%s" % (image, PREFIX), workerNode.images[system], "/bin/bash", "-c", command]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode == 255 and "unshare" in err:
        pytest.skip("this machine allows neither mount nor user namespaces: %s" % err)
    return done.returncode, out, err


@pytest.mark.parametrize("form", FORMATS)
def test_its_commands_make_the_areas_python_that_of_the_image(workerNode, image, form):
    target, = definitionTargets(DESCRIPTION, "rhel8", "x86_64")
    code, _, err = inContainer(workerNode, image, commands(writeDefinition(DESCRIPTION, target, form=form), form))
    assert code == 0, err
    ask = "/opt/wmruntime/bin/python3 -c 'import sys, attr; print(sys.prefix, attr.__file__, *sys.argv[1:])' 'a b' c"
    code, out, err = inContainer(workerNode, image, ask)
    assert code == 0, err
    words = out.split(" ", 2)
    assert words[0] == "/opt/wmruntime/area/external/python3/3.8.99-wm1"
    assert words[1].startswith("/opt/wmruntime/area/external/py3-all/1/") and words[2] == "a b c\n"


def test_a_python_out_of_range_or_a_library_that_lacks_ends_the_build(workerNode, image):
    other, = definitionTargets(DESCRIPTION, "rhel6", "x86_64")
    code, _, err = inContainer(workerNode, image, commands(writeDefinition(DESCRIPTION, other, form=OCI), OCI))
    assert code == 1 and "is not ==3.6.*" in err
    target, = definitionTargets(DESCRIPTION, "rhel8", "x86_64")
    text = commands(writeDefinition(DESCRIPTION, target, form=OCI), OCI)
    shutil.rmtree(str(next((image / "area" / "external" / "py3-all").rglob("past"))))
    code, _, err = inContainer(workerNode, image, text)
    assert code == 1 and "past" in err
    os.unlink(str(image / "area" / "external" / "python3" / "default"))
    assert inContainer(workerNode, image, text)[0] != 0
