"""SetupCMSSWPset looks from outside as upstream's does; PSetSetup_t has what it does."""
import types

import pytest

pytestmark = pytest.mark.usefixtures("upstreamTree")


def script(scramArch, **options):
    """Make a script for a step."""
    from WMCore.WMRuntime.Scripts.SetupCMSSWPset import SetupCMSSWPset
    made = SetupCMSSWPset(**options)
    setup = types.SimpleNamespace(scramArch=scramArch, cmsswVersion="CMSSW_13_0_3")
    made.step = types.SimpleNamespace(data=types.SimpleNamespace(application=types.SimpleNamespace(setup=setup)))
    return made


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Set what CRAB's wrapper sets."""
    monkeypatch.setenv("CMSSW_VERSION", "CMSSW_12_6_0")
    monkeypatch.setenv("SCRAM_ARCH", "slc7_amd64_gcc900")


def test_theAttributesOfANewScriptAreUpstreams():
    made = script([])
    assert (made.crabPSet, made.process, made.jobBag, made.scram, made.configPickle, made.psetFile, made.stepSpace) == \
        (False, None, None, None, "Pset.pkl", None, None)
    assert type(made.tweak).__name__ == "PSetTweak" and made.logger.name == "root"


@pytest.mark.parametrize("known, first, whole", [
    (["el8_amd64_gcc12", "el9_amd64_gcc12"], "el8_amd64_gcc12", ["el8_amd64_gcc12", "el9_amd64_gcc12"]), ([], None, []),
    ("el8_amd64_gcc12", "slc7_amd64_gcc900", "el8_amd64_gcc12"), (None, "slc7_amd64_gcc900", None)])
def test_theArchitectureIsTheStepsFirst(known, first, whole):
    assert script(known).getScramVersion() == first
    assert script(known).getScramVersion(allSteps=True) == whole


def test_crabsReleaseAndArchitectureComeFromTheEnvironment(monkeypatch):
    made = script(["el8_amd64_gcc12"], crabPSet=True)
    assert made.getCmsswVersion() == "CMSSW_12_6_0" and made.getScramVersion() == "slc7_amd64_gcc900"
    assert made.getScramVersion(allSteps=True) == "slc7_amd64_gcc900"
    assert script([]).getCmsswVersion() == "CMSSW_13_0_3"
    monkeypatch.delenv("CMSSW_VERSION")
    assert made.getCmsswVersion() == ""


def test_theConfigurationCmsRunGetsReplacesTheOldOneWhole(tmp_path):
    from WMCore.WMRuntime.Scripts.SetupCMSSWPset import writeConfiguration
    path = tmp_path / "PSet.py"
    path.write_text("old")
    writeConfiguration(str(path), "Other.pkl")
    assert "with open('Other.pkl', 'rb') as handle:\n    process = pickle.load(handle)\n" in path.read_text()
    assert [known.name for known in tmp_path.iterdir()] == ["PSet.py"]
