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


@pytest.mark.parametrize("policy", [None, "matchPSet", "preferPython3"])
def test_aSavedSpecCarriesTheExecutableAndItsPolicy(policy, tmp_path):
    from WMCore.WMSpec.WMWorkload import newWorkload
    plans = chainOf("CMSSW_13_0_3", ["el8_amd64_gcc12"], 2, executable="auto", executablePolicy=policy)
    buildWorkload("Example", plans).save(str(tmp_path / "spec.pkl"))
    loaded = newWorkload("none")
    loaded.load(str(tmp_path / "spec.pkl"))
    commands = [loaded.getTopLevelTask()[0].getStepHelper(name).data.application.command for name in ("cmsRun1", "cmsRun2")]
    assert [command.executable for command in commands] == ["auto", "auto"]
    # A spec without a policy is as WMAgent writes it: the setting is not there.
    assert [getattr(command, "executablePolicy", None) for command in commands] == [policy] * 2
    assert all(("executablePolicy" in command.dictionary_()) == (policy is not None) for command in commands)


def test_thePackageHoldsOneJobOfTheTask(chain, tmp_path):
    job = buildPackage(chain, str(tmp_path / "JobPackage.pkl"), events=25)
    with open(str(tmp_path / "JobPackage.pkl"), "rb") as handle:
        package = pickle.load(handle)
    assert package[1]["task"] == job["task"] == "/Example/ExampleTask"
    assert package[1]["mask"]["LastEvent"] == 25
