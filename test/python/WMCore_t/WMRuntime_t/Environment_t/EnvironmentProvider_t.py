"""Tests of Environment/EnvironmentProvider."""
import json

import pytest

from WMCore.WMRuntime.Environment.EnvDiff import EnvDiff
from WMCore.WMRuntime.Environment.EnvironmentProvider import EnvironmentProvider, Finding, Prepared


def test_whatWasPreparedIsWrittenWithoutTheValuesOfVariables():
    prepared = Prepared("wheels", "/opt/python3", (3, 9, 18), EnvDiff({"PYTHONPATH": "/secret/place"}, ["PYTHONHOME"]),
                        ["because"], ["apptainer", "exec"], [("psutil", "7.2.2", "/srv/wheels")])
    text = json.dumps(prepared.toDict())
    assert "/secret/place" not in text and "/secret/place" not in repr(prepared)
    assert json.loads(text) == {
        "provider": "wheels", "python": "/opt/python3", "version": "3.9.18", "reasons": ["because"],
        "environment": {"set": ["PYTHONPATH"], "unset": ["PYTHONHOME"]}, "prefix": ["apptainer", "exec"],
        "libraries": [{"name": "psutil", "version": "7.2.2", "where": "/srv/wheels"}]}


def test_aFindingIsWrittenWhole():
    found = Finding("initMissing", "error", "no init.sh", "publish the area again", "/cvmfs/area", "ls /cvmfs/area")
    assert json.loads(json.dumps(found.toDict()))["remedy"] == "publish the area again"


def test_aFindingHasAKnownSeverity():
    with pytest.raises(ValueError):
        Finding("initMissing", "fatal", "no init.sh", "publish the area again")


def test_aProviderAnswersAllFourQuestions():
    class Half(EnvironmentProvider):
        """Answers one."""
        @classmethod
        def create(cls, context):
            return cls()

    with pytest.raises(TypeError):
        Half()
