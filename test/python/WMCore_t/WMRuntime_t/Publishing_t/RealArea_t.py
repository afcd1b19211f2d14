"""
Build areas from the machine's pythons and real wheels, and use them as jobs do.
"""
import os
import shutil
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaBuilder import AreaRequest, buildArea
from WMCore.WMRuntime.Publishing.AreaPublisher import publishArea
from WMCore.WMRuntime.Publishing.AreaSwitch import AreaSwitch
from WMCore.WMRuntime.Publishing.PipDownload import PipDownload
from WMCore.WMRuntime.Publishing.PythonPrefix import describePrefix
from WMCore.WMRuntime.Publishing.WheelCollector import WheelCollector
from WMCore.WMRuntime.Publishing.WheelTarget import WheelTarget
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import MACHINE, snapshot
from WMCore_t.WrapperNode import runBash

pytestmark = pytest.mark.slow
SYSTEMS = {"3.6": "rhel6", "3.8": "rhel8"}
SERIES = ("3.6", "3.8", "3.9", "3.11", "3.12", "3.13")
USE = """
import importlib, sys, attr, packaging.version, future, ctypes, hashlib, json, ssl, sqlite3, subprocess, zlib
print(sys.prefix)
for name in sys.argv[1:]:
    print(importlib.import_module(name).__file__)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Give an index of real wheels for this machine; the tests that need one are skipped without an index to ask."""
    targets = [WheelTarget(SYSTEMS.get(series, "rhel9"), MACHINE, tuple(map(int, series.split(".")))) for series in SERIES]
    try:
        return WheelCollector(str(tmp_path_factory.mktemp("wheels")), PipDownload(python=sys.executable)).collect(
            loadDescription(), targets).index
    except WMRuntimeError as ex:
        pytest.skip("pip fetches no wheels here: %s" % ex)


@pytest.fixture(scope="module")
def makeRequest(interpreters, wheels):
    """Give what makes the request for an area of a series."""
    def make(series):
        if series not in interpreters:
            pytest.skip("this machine has no python %s" % series)
        prefix = describePrefix(interpreters[series])
        return AreaRequest(SYSTEMS.get(series, "rhel9"), MACHINE, prefix.versionText, prefix, loadDescription(), wheels)
    return make


@pytest.fixture(scope="module", params=SERIES)
def request_(request, makeRequest):
    """Give the request for an area of each series, one after the other."""
    return makeRequest(request.param)


@pytest.fixture(scope="module")
def area(request_, tmp_path_factory):
    """Give a built area of a series."""
    return buildArea(request_, 1, str(tmp_path_factory.mktemp("area")))


def use(area, manifest, *words, **environ):
    """Source the area's init.sh in an empty environment and run its python; give what it prints, by lines."""
    init = os.path.join(area, manifest.pythonDirectory, "etc/profile.d/init.sh")
    return subprocess.run(["/bin/bash", "-euc", '. "$0"; exec python3 "$@"', init] + list(words), stdout=subprocess.PIPE,
                          env=dict({"PATH": "/usr/bin:/bin"}, **environ), check=True).stdout.decode().splitlines()


def test_anAreaWorksWhereverItIsMoved(area, tmp_path):
    moved = str(tmp_path / "another place" / "area")
    shutil.copytree(area.directory, moved, symlinks=True)
    modules = [name for library in area.manifest.libraries for name in library.imports]
    found = use(moved, area.manifest, "-c", USE, *modules)
    assert found[0] == os.path.join(moved, area.manifest.pythonDirectory) and len(found) == 1 + len(modules)
    assert all(path.startswith(moved + "/external/py3-") for path in found[1:])
    assert not [text for text in area.warnings if "without" in text] and area.manifest.glibc.startswith("2.")


def test_noVariableOfALoaderIsNeeded10765(area):
    found = use(area.directory, area.manifest, "-c", "import os; print(sorted(os.environ))")
    assert "LD_LIBRARY_PATH" not in found[0] and "PYTHONHOME" not in found[0]


def test_importingCompilesAndWritesNothing(area):
    before = snapshot(area.directory)
    use(area.directory, area.manifest, "-c", USE, PYTHONDONTWRITEBYTECODE="")
    assert snapshot(area.directory) == before
    assert any(path.endswith(".pyc") for path in before)


def test_modulesComeFromTheirCompiledFiles(area):
    told = subprocess.run(["/bin/bash", "-euc", '. "$0"; exec python3 -v -c "import json.decoder, attr._make"',
                           os.path.join(area.directory, area.manifest.pythonDirectory, "etc/profile.d/init.sh")],
                          stderr=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"}, check=True).stderr.decode()
    assert "# code object from " in told
    assert [line for line in told.splitlines() if line.startswith("# code object from ") and ".pyc" not in line] == []


def test_theSameInputGivesTheSameBytes(area, request_, tmp_path):
    (tmp_path / "again").mkdir()
    buildArea(request_, 1, str(tmp_path / "again"))
    again, before = snapshot(tmp_path / "again"), snapshot(area.directory)
    assert [path for path in before if again.get(path) != before[path]] == [] and set(again) == set(before)


def test_anAreaIsSmall(area):
    assert area.manifest.size < 60e6 and len(area.manifest.files) < 2500


def test_theWrapperTakesAPublishedAreaAndHonoursItsDefault(makeRequest, tmp_path):
    request = makeRequest("3.9")
    switch = AreaSwitch(str(tmp_path / "WMRuntime"), request.name)
    publishArea(request, switch)
    publishArea(request, switch, keepDefault=True)
    assert wrapperPython(tmp_path) == 1
    assert wrapperPython(tmp_path, WMRUNTIME_PYTHON_VERSION="%s-wm2" % request.version) == 2


def wrapperPython(root, **environ):
    """Let the real wrapper look for its python under a root; give the number of the build it takes."""
    (root / "os-release").write_text('ID="almalinux"\nPLATFORM_ID="platform:el9"\n')
    status, out, err = runBash('cd "$1"; wma_find_python > log 2>&1 || cat log; "$WMA_PYTHON" -c "import sys, lxml; '
                               'print(sys.prefix)"', str(root), WMRUNTIME_CVMFS_ROOT=str(root), REQUIRED_OS="rhel9",
                               WMRUNTIME_OS_RELEASE=str(root / "os-release"), **environ)
    assert status == 0, out + err
    return int(out.strip().rpartition("-wm")[2])


def test_aJobGoesOnWithThePythonItStartedWith(makeRequest, tmp_path):
    """It imports from the build it began with, after that was found bad and gone back from."""
    request = makeRequest("3.9")
    switch = AreaSwitch(str(tmp_path), request.name)
    publishArea(request, switch)
    newer = publishArea(request, switch).manifest
    job = subprocess.Popen(["/bin/bash", "-euc", '. "$0"; exec python3 -c "$1"', os.path.join(
        switch.link, newer.pythonDirectory, "etc/profile.d/init.sh"),
        "print('started', flush=True); input(); import lxml.etree, tarfile, psutil; print(tarfile.__file__)"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"})
    assert job.stdout.readline() == b"started\n"
    assert switch.rollback() == (2, 1)
    out, _err = job.communicate(b"\n", timeout=60)
    assert job.returncode == 0 and "-wm2" in out.decode()
