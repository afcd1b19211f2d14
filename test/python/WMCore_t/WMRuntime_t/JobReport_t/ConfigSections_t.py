"""Tests of the cheap way to add sections: the result is what WMCore's own way gives."""
import pytest

pytest.importorskip("WMCore.Configuration", reason="needs WMCore")

from WMCore.Configuration import ConfigSection  # noqa: E402
from WMCore.WMRuntime.JobReport.ConfigSections import ConfigSections  # noqa: E402
from WMCore_t.FwkJobReport_t.ReportTrees import differences, tree  # noqa: E402

VALUES = {"text": "a", "number": 5, "lumis": {1: 2, 3: None}, "names": ["a", "b"], "nothing": None}


def theirs():
    top = ConfigSection("top")
    section = top.section_("files")
    for name, value in VALUES.items():
        setattr(section, name, value)
    section.section_("runs")
    section.number = 6
    return top


def testTheSameTreeAsByTheirOwnWay():
    top = ConfigSection("top")
    sections = ConfigSections(top)
    files = sections.add(top, "files", VALUES)
    assert sections.find(top, "files") is files and sections.find(files, "runs") is files.runs
    sections.setValues(files, {"number": 6, "runs": "a section stays one"})
    assert differences(tree(top), tree(theirs())) == {}
    assert top.dictionary_whole_tree_() == theirs().dictionary_whole_tree_()


def testTwoSectionsShareNothing():
    top = ConfigSection("top")
    sections = ConfigSections(top)
    one, two = sections.add(top, "one", VALUES), sections.add(top, "two", {})
    one.more = 1
    one.section_("below")
    assert two.listSections_() == [] and "more" not in VALUES


@pytest.mark.parametrize("name", ["section_", "_internal_settings", "_internal_x", "__class__", "dictionary_", "__eq__"])
def testNamesThatWouldHideAPartOfTheSectionAreChanged(name):
    assert ConfigSections(ConfigSection("top")).safeName(name) == "x_" + name


def testOtherNamesStayAsTheyAre():
    sections = ConfigSections(ConfigSection("top"))
    assert [sections.safeName(name) for name in ("", "source", "123", "a-b", "_a")] == ["", "source", "123", "a-b", "_a"]
