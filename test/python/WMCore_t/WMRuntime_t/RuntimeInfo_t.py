"""Test runtimeInfo.json against upstream's on the same sandboxes."""
import json
import os

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import TASK_PATH, JobSandbox, makePackage, makeWorkload

WRITE = ["-c", "from WMCore.WMRuntime.Bootstrap import createWMRuntimeJson as create; import os; create(os.getcwd())"]


def chained():
    """Build a workload with two cmsRun steps, the second reading the first's output."""
    workload = makeWorkload(("cmsRun1", "cmsRun2", "stageOut1"))
    helper = workload.getTaskByPath(TASK_PATH).getStepHelper("cmsRun2")
    helper.setupChainedProcessing("cmsRun1", "OUT")
    helper.keepOutput(False)
    return workload


@pytest.mark.parametrize("lfns", [("/store/a.root", "/store/b.root"), ("/store/a.root",), ("MCFakeFile-1",), ()])
def test_theContentIsUpstreamsValueByValue(tmp_path, upstreamTree, lfns):
    written = {}
    for ours in (True, False):
        box = JobSandbox(tmp_path / str(ours), chained(), makePackage(lfns=lfns))
        environ = box.environment(upstreamTree, ours)
        assert box.run(upstreamTree, arguments=WRITE, PYTHONPATH=environ["PYTHONPATH"]) == 0, box.text("err")
        written[ours] = json.loads(box.text("job/runtimeInfo.json"))
    assert written[True] == written[False]
    assert written[True]["number_of_cmsRuns"] == 2 and written[True]["worker_os"] == "rhel8,rhel9"


def test_aFailureIsLoggedAndNoMore12426(tmp_path, upstreamTree):
    box = JobSandbox(tmp_path / "start")
    os.remove(os.path.join(box.sandbox, "WMWorkload.pkl"))
    assert box.run(upstreamTree, arguments=WRITE) == 0
    assert "the job goes on without" in box.text("err")
    assert not os.path.exists(os.path.join(box.jobDir, "runtimeInfo.json"))


@pytest.mark.parametrize("arch", [None, "", [], "slc7_amd64_gcc900", ["el8_amd64_gcc12", "el9_amd64_gcc12"],
                                  ("slc6_amd64_gcc530",), b"el8_amd64_gcc12", 5, ["nonsense"]])
def test_theRequiredOSIsBossAirs(upstreamTree, arch):
    from WMCore.BossAir.Plugins.BasePlugin import BasePlugin
    from WMCore.WMRuntime.RuntimeInfo import scramArchToRequiredOS
    if isinstance(arch, bytes):
        assert scramArchToRequiredOS(arch) == scramArchToRequiredOS(arch.decode("ascii")) == "rhel8"
    else:
        assert scramArchToRequiredOS(arch) == BasePlugin.scramArchtoRequiredOS(arch)
