"""Tests of WheelTarget."""
import platform
import sys

import attr
import pytest
from packaging.tags import Tag, parse_tag, sys_tags

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelTarget import PYTHONS, WheelTarget, targetsOf


def testPlatformsAreThoseOfPep600NewestFirstWithTheirOldNames():
    assert WheelTarget("rhel6", "x86_64", (3, 6)).platforms == tuple("%s_x86_64" % name for name in (
        "manylinux_2_12", "manylinux2010", "manylinux_2_11", "manylinux_2_10", "manylinux_2_9", "manylinux_2_8",
        "manylinux_2_7", "manylinux_2_6", "manylinux_2_5", "manylinux1", "linux"))
    assert WheelTarget("rhel7", "ppc64le", (3, 8)).platforms == (
        "manylinux_2_17_ppc64le", "manylinux2014_ppc64le", "linux_ppc64le")


@pytest.mark.parametrize("target, takes, refuses", [
    (("rhel6", "x86_64", (3, 6)), "cp36-cp36m-manylinux1_x86_64", "cp36-cp36m-manylinux2014_x86_64"),
    (("rhel7", "x86_64", (3, 9)), "cp39-cp39-manylinux_2_17_x86_64", "cp39-cp39-manylinux_2_28_x86_64"),
    (("rhel8", "aarch64", (3, 9)), "cp39-cp39-manylinux_2_28_aarch64", "cp39-cp39-manylinux_2_28_x86_64"),
    (("rhel9", "ppc64le", (3, 12)), "cp36-abi3-manylinux2014_ppc64le", "cp313-abi3-manylinux2014_ppc64le"),
    (("rhel9", "x86_64", (3, 12)), "py2.py3-none-any", "py2-none-any")])
def testATargetTakesWhatPipWouldTakeThere(target, takes, refuses):
    ranks = WheelTarget(*target).ranks
    assert any(tag in ranks for tag in parse_tag(takes)) and not any(tag in ranks for tag in parse_tag(refuses))


def testTheTagsOfThisVeryPythonAreFoundInTheOrderPackagingHasThem():
    machine = platform.machine()
    target = WheelTarget("rhel7", machine, tuple(sys.version_info[:2]))
    here = [tag for tag in sys_tags()
            if tag.interpreter.startswith("cp") and tag.platform == "manylinux2014_" + machine]
    assert here and sorted(here, key=target.ranks.get) == here
    assert min(target.ranks[tag] for tag in here) < target.ranks[Tag("py3", "none", "any")]


def testEachPythonOfEachSystemIsATargetTheOldestSystemFirst():
    description = loadDescription()
    targets = targetsOf(description)
    for system, cpu in description.targets():
        pythons = [target.python for target in targets if (target.system, target.cpu) == (system.name, cpu)]
        assert pythons == [python for python in PYTHONS if system.python.contains("%d.%d" % python)] and pythons
    order = [target.glibc for target in targets if (target.cpu, target.python) == ("x86_64", (3, 9))]
    assert order == sorted(order) and len(order) > 2
    assert {target.system for target in targetsOf(description, systems=["rhel8"])} == {"rhel8"}
    assert len(targetsOf(description, ["rhel8"], ["x86_64"], [(3, 9)])) == 1


def testASystemWhoseLibcIsNotKnownIsNamed():
    with pytest.raises(WMRuntimeError, match="found rhel11"):
        WheelTarget("rhel11", "x86_64", (3, 9))
    assert WheelTarget("rhel11", "x86_64", (3, 9), 41).platforms[0] == "manylinux_2_41_x86_64"


def testTheDescriptionOfAPersonSaysTheLibcOfItsSystems():
    description = loadDescription()
    newer = [attr.evolve(system, glibc=system.glibc + 1) for system in description.systems]
    for target in targetsOf(attr.evolve(description, systems=newer)):
        assert target.glibc == description.system(target.system).glibc + 1


def testTargetsOfADescriptionWithoutSystemsAreNone():
    assert targetsOf(attr.evolve(loadDescription(), systems=())) == ()
