"""The commands in docs/area-check.md, its cron line and its workflow are commands that exist."""
import os
import re
import shlex

import pytest

from WMCore.WMRuntime.Command.Main import makeParser

FILES = (os.path.join("docs", "area-check.md"), os.path.join("docs", "examples", "area-check.yml"))


def commandsIn(text):
    """Find the calls of `wmruntime area check`, a line each or folded over some."""
    joined = re.sub(r"\\?\n +(?=--)", " ", text)
    return re.findall(r"wmruntime (area check (?:--|/|\$).*?)(?:\"| >| \|\||`|\n|$)", joined)


@pytest.mark.parametrize("name", FILES)
def test_theCommandsAreThere(topDirectory, name):
    with open(os.path.join(topDirectory, name), encoding="utf-8") as handle:
        commands = commandsIn(handle.read())
    assert len(commands) >= 2
    for command in commands:
        arguments = makeParser().parse_args(shlex.split(command.replace("${{ matrix.version }}", "8")))
        assert bool(arguments.areas) != arguments.all


def test_everyCheckIsDescribed(topDirectory):
    from WMCore.WMRuntime.AreaCheck.CheckRunner import NAMES
    with open(os.path.join(topDirectory, FILES[0]), encoding="utf-8") as handle:
        assert tuple(re.findall(r"(?m)^\| `([a-z]+)` \|", handle.read())) == NAMES
