"""The example workload is a real one."""
import pickle

import pytest

pytest.importorskip("WMCore.WMSpec.WMWorkload")
from WMCore.WMRuntime.WorkerNode.ExampleWorkload import buildPackage, buildWorkload, chainOf  # noqa: E402


@pytest.fixture
def chain():
    return buildWorkload("Example", chainOf("CMSSW_13_0_3", ["el8_amd64_gcc12"], 3))


def test_stepsRunInOrderAndStageOutComesLast(chain):
    assert chain.getTopLevelTask()[0].listAllStepNames() == ["cmsRun1", "cmsRun2", "cmsRun3", "stageOut1", "logArch1"]


def test_eachStepReadsTheOneBeforeAndOnlyTheLastIsKept(chain):
    task = chain.getTopLevelTask()[0]
    steps = [task.getStepHelper("cmsRun%d" % number) for number in (1, 2, 3)]
    assert [getattr(step.data.input, "inputStepName", None) for step in steps] == [None, "cmsRun1", "cmsRun2"]
    assert [step.data.output.keep for step in steps] == [False, False, True]


def test_thePackageHoldsOneJobOfTheTask(chain, tmp_path):
    job = buildPackage(chain, str(tmp_path / "JobPackage.pkl"), events=25)
    with open(str(tmp_path / "JobPackage.pkl"), "rb") as handle:
        package = pickle.load(handle)
    assert package[1]["task"] == job["task"] == "/Example/ExampleTask"
    assert package[1]["mask"]["LastEvent"] == 25
