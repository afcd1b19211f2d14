"""
Test which pythons areas are built from.
"""
import os
import sys

import pytest
from packaging.specifiers import SpecifierSet

from WMCore.WMRuntime.Environment.Description import SystemNeeds
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.PythonPrefix import PythonPrefix, choosePrefix, describePrefix
from WMCore_t.WMRuntime_t.Publishing_t.SmallAreas import fakePrefix


def program(tmp_path, text):
    path = tmp_path / "bin" / "python3"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(tmp_path)


def test_aPrefixIsDescribedByItsOwnPython(interpreters):
    for series, path in interpreters.items():
        if series != "2.7":
            prefix = describePrefix(os.path.dirname(os.path.dirname(path)))
            assert prefix.series == series and prefix == describePrefix(path) and prefix.machine == os.uname()[4]
            assert os.path.isfile(os.path.join(prefix.stdlib, "os.py")) and not os.path.islink(prefix.executable)


def test_theCallersVariablesDoNotColourTheAnswer(tmp_path, interpreters, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "json.py").write_text("raise ImportError")
    assert describePrefix(interpreters["3.9"]).version[:2] == (3, 9)


@pytest.mark.parametrize("text, expected", [
    ("exit 3", "status 3"), ("echo nonsense", "Expecting value"), ("kill -9 $$", "status 137"),
    ('echo \'{"implementation": "PyPy", "version": [3, 9, 18], "release": "final"}\'', "found PyPy"),
    ('echo \'{"implementation": "CPython", "version": [2, 7, 18], "release": "final"}\'', "released CPython 3"),
    ('echo \'{"implementation": "CPython", "version": [3, 14, 0], "release": "candidate"}\'', "candidate")])
def test_whatIsNoReleasedCpythonIsRefused(tmp_path, text, expected):
    with pytest.raises(WMRuntimeError, match="(?s)No area can be built from the python %s.*%s" % (tmp_path, expected)):
        describePrefix(program(tmp_path, text))


def test_aPrefixWithoutPythonIsRefused(tmp_path):
    with pytest.raises(WMRuntimeError, match="bin/python3"):
        describePrefix(str(tmp_path))


def test_aVirtualEnvironmentStandsForWhatItWasMadeFrom():
    found = describePrefix(sys.executable)
    assert found.prefix == os.path.realpath(sys.base_prefix) and found.version == tuple(sys.version_info[:3])


def test_theTestsOwnFakeIsDescribedAsItIs(tmp_path):
    fake = fakePrefix(tmp_path / "prefix")
    described = describePrefix(str(tmp_path / "prefix"))
    assert (described.version, described.prefix, described.machine) == (fake.version, fake.prefix, fake.machine)


def needs(text):
    return SystemNeeds("rhel8", SpecifierSet(text), ("x86_64",), {}, (), 28)


def prefixes(*versions):
    return [PythonPrefix("", tuple(map(int, version.split("."))), version, "", (), "x86_64") for version in versions]


@pytest.mark.parametrize("specifiers, chosen", [(">=3.8", "3.8.18"), (">=3.9", "3.9.2"), ("==3.6.*", "3.6.15"),
                                                (">=3.8,!=3.8.18", "3.8.2"), (">3.10", "3.11.7")])
def test_theOldestSeriesThatWillDoIsChosenInItsLatestVersion(specifiers, chosen):
    found = choosePrefix(prefixes("3.11.7", "3.8.2", "3.8.18", "3.9.2", "3.6.15", "3.10.0"), needs(specifiers))
    assert found.versionText == chosen


def test_thereMayBeNone():
    with pytest.raises(WMRuntimeError, match="expected python >=3.8, found 3.6.15(.|\n)*--python"):
        choosePrefix(prefixes("3.6.15"), needs(">=3.8"))
