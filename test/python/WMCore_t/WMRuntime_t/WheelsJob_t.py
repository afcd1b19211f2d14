"""
Whole jobs whose sandbox carries a wheel of the real psutil, under our wrapper and under upstream's.
"""
import json
import os
import shutil
import zipfile

import pytest
from WMCore_t.WMRuntime_t.Environment_t.Wheels import makeWheelhouse

pytestmark = pytest.mark.slow
RELEASE = "CMSSW_13_0_3"


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory):
    """Give a wheelhouse with psutil, packed from the running environment's own copy."""
    psutil = pytest.importorskip("psutil")
    site = os.path.dirname(os.path.dirname(psutil.__file__))
    info = "psutil-%s.dist-info" % psutil.__version__
    try:
        with open(os.path.join(site, info, "WHEEL")) as handle:
            tags = [line.split(": ")[1].strip() for line in handle if line.startswith("Tag: ")]
    except OSError:
        pytest.skip("this psutil was not installed from a wheel")
    if not tags[0].startswith("cp36-abi3-manylinux"):
        pytest.skip("this psutil is not for every python: %s" % tags)
    directory = tmp_path_factory.mktemp("house")
    path = str(directory / ("psutil-%s-%s.whl" % (psutil.__version__, tags[0])))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for top in ("psutil", info):
            for folder, _, names in os.walk(os.path.join(site, top)):
                for name in names:
                    if not name.endswith(".pyc"):
                        inside = os.path.join(folder, name)
                        archive.write(inside, os.path.relpath(inside, site))
    makeWheelhouse(directory, [path])
    return str(directory)


def run(node, directory, wrapper, wheelhouse):
    """Run a job with wheels under a wrapper; give its result."""
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, findWrapper, runJob

    def place(startDir):
        shutil.copyfile(findWrapper(wrapper), os.path.join(startDir, "submit_py3.sh"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WMRUNTIME_WHEELHOUSE", wheelhouse)
        # Where the areas of this node are is what the agent would see of them on CVMFS.
        patch.setenv("VO_CMS_SW_DIR", os.path.join(node.root, "cvmfs", "cms.cern.ch"))
        return runJob(node, JobRequest(release=RELEASE), str(directory / "job"), stageHook=place,
                      environment={"WMA_MIN_JOB_RUNTIMESECS": "0"})


@pytest.mark.parametrize("wrapper", ["ours", "upstream"])
def testAJobTakesTheLibraryItsAreaLacksAndNothingOfItReachesCmsRun(workerNode, upstreamTree, tmp_path, wheelhouse,
                                                                    wrapper):
    result = run(workerNode, tmp_path, wrapper, wheelhouse)
    with open(result.log, encoding="utf-8", errors="replace") as handle:
        log = handle.read()
    assert result.exit.shellCode == 0, result.output()[-4000:] + log[-4000:]
    with open(os.path.join(result.startDir, "job", "runtimeInfo.json"), encoding="utf-8") as handle:
        said = json.load(handle)["environment"]
    (prepared,) = said["prepared"]
    (library,) = prepared["libraries"]
    assert (prepared["provider"], library["name"]) == ("wheels", "psutil")
    assert any("this python has no psutil, taken from psutil-" in reason for reason in prepared["reasons"])
    assert "wheels.unpacked" in library["where"]
    assert os.path.isfile(os.path.join(library["where"], "psutil", "__init__.py"))
    assert "this python has no psutil, taken from" in log
    with open(result.stepFile("cmsRun1", "scramSession.json"), encoding="utf-8") as handle:
        assert "wheels" not in json.dumps(json.load(handle)["set"])
