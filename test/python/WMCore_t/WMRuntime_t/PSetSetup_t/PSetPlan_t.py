"""Plans: what is joined, what the files say, and which python is asked."""
import json

import attr
import pytest

from WMCore.WMRuntime.PSetSetup import PSetDriver
from WMCore.WMRuntime.PSetSetup.PSetPlan import CHECK_SOURCE, JsonFile, PSetPlan, ToolCall
from WMCore.WMRuntime.Release.CmsRunPython import PythonAnswer


def tweak(name, *flags, **settings):
    """Make a call that tweaks."""
    return ToolCall("edm_pset_tweak.py", ("--input_pkl", "P") + flags, name, [JsonFile(name, {name: 1})], tweaks=True,
                    **settings)


def test_neighboursWithTheSameFlagsBecomeOneCallInTheirOrder():
    plan = PSetPlan("P", [tweak("a"), tweak("b"), tweak("c", "--skip_if_set"), tweak("d")]).merged()
    assert [call.arguments for call in plan.calls] == [
        ["--input_pkl", "P", "--json", "a", "b"], ["--input_pkl", "P", "--skip_if_set", "--json", "c"],
        ["--input_pkl", "P", "--json", "d"]]
    assert plan.calls[0].why == "a, b"


def test_nothingIsJoinedOverAnotherCall():
    between = ToolCall("other.py", ("--input_pkl", "P"))
    assert PSetPlan("P", [tweak("a"), between, tweak("b")]).merged().calls == (tweak("a"), between, tweak("b"))


def test_otherToolsAreNeverJoined():
    calls = (ToolCall("other.py", ("x",)), ToolCall("other.py", ("x",)))
    assert PSetPlan("P", calls).merged().calls == calls


def test_mergingTwiceIsMergingOnce():
    plan = PSetPlan("P", [tweak("a"), tweak("b"), tweak("c", "-x"), tweak("d", "-x")]).merged()
    assert plan.merged() == plan


def test_thePlanAndItsFilesAreWritten(tmp_path):
    each = JsonFile(str(tmp_path / "each"), [{"@outputModule@": 1}], perOutputModule=True)
    calls = [attr.evolve(tweak("a"), files=[JsonFile(str(tmp_path / "a"), {"\u00fc": 1}), each]),
             ToolCall(CHECK_SOURCE, sourceTypes=["PoolSource"])]
    PSetPlan("P", calls).write(str(tmp_path / "plan"))
    written = json.loads((tmp_path / "plan").read_text())
    assert written["format"] == 1 and written["pickle"] == "P"
    assert [call["id"] for call in written["calls"]] == [1, 2]
    assert written["calls"][0]["perOutputModule"] == {each.path: each.content}
    assert written["calls"][1]["sourceTypes"] == ["PoolSource"]
    assert json.loads((tmp_path / "a").read_text()) == {"\u00fc": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "plan"]


@pytest.mark.parametrize("answer, expected", [
    (PythonAnswer(2, sure=True), (["python"], False)), (PythonAnswer(3, sure=True), (["python3", "python"], False)),
    (PythonAnswer(3), (["python3", "python"], True)), (PythonAnswer(2), (["python3", "python"], True)),
    (PythonAnswer(None), (["python3", "python"], True))])
def test_thePythonIsAskedOnlyWhereFilesDoNotTell(monkeypatch, answer, expected):
    class Known(object):
        @staticmethod
        def fromEnvironment(environ):
            return Known()

        @staticmethod
        def cmsRunPython():
            return answer
    monkeypatch.setattr(PSetDriver, "Release", Known)
    assert PSetDriver.choosePythons({"CMSSW_BASE": "/x"}) == expected


def test_thePythonIsAskedWhereThereIsNoRelease():
    assert PSetDriver.choosePythons({"not a name": "x"}) == (["python3", "python"], True)
