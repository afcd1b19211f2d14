"""Tests of Environment/EnvDiff."""
import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.EnvCapture import parseEnvironment
from WMCore.WMRuntime.Environment.EnvDiff import (NOISE, EnvDiff, isVariableName, localText, portableText,
                                                  quoteForBash)

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z").filter(
    lambda name: name not in NOISE and not name.startswith(("BASH", "LD_", "POSIXLY", "LC_", "LANG", "MALLOC_"))
    and name not in ("UID", "EUID", "PPID", "IFS", "GLIBC_TUNABLES"))
# Any bytes but NUL, as os.environ would give them.
VALUES = st.binary(max_size=40).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
ENVIRONMENTS = st.dictionaries(NAMES, VALUES, max_size=6)


@given(ENVIRONMENTS, ENVIRONMENTS)
def test_applyingADifferenceGivesTheSecondEnvironment(before, after):
    assert EnvDiff.between(before, after).apply(before) == after


@given(ENVIRONMENTS, ENVIRONMENTS)
def test_applyingTwiceIsApplyingOnce(before, after):
    diff = EnvDiff.between(before, after)
    assert diff.apply(diff.apply(before)) == diff.apply(before)


@given(ENVIRONMENTS)
def test_anEnvironmentDoesNotDifferFromItself(environ):
    diff = EnvDiff.between(environ, environ)
    assert (diff.toSet, diff.toUnset) == ({}, ())


@given(ENVIRONMENTS, ENVIRONMENTS)
def test_theWrittenFormReadsBackTheSame(before, after):
    diff = EnvDiff.between(before, after)
    assert EnvDiff.fromDict(diff.toDict()) == diff


@given(VALUES)
def test_portableTextReadsBackTheSame(value):
    assert localText(portableText(value)) == value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENVIRONMENTS, ENVIRONMENTS)
def test_bashGetsEveryValueAsItIs(before, after):
    """2.2.4: newlines, quotes, `;` and undecodable bytes go through bash and back, unsets included."""
    text = EnvDiff.between(before, after).toBash()
    run = subprocess.run(["/bin/bash", "--noprofile", "--norc", "-c", os.fsencode(text + "exec /usr/bin/env -0\n")],
                         env=before, stdout=subprocess.PIPE, check=True)
    assert {name: value for name, value in parseEnvironment(run.stdout).items() if name not in NOISE} == after


@pytest.mark.parametrize("name", ["BASH_FUNC_module%%", "a b", "1A", "", "A\n", "A;rm", None, 3])
def test_whatIsNoVariableNameIsRefused(name):
    assert not isVariableName(name)
    with pytest.raises(ValueError):
        EnvDiff({name: "x"})


def test_exportedFunctionsAndShellNoiseAreNoDifference():
    diff = EnvDiff.between({"SHLVL": "1", "PWD": "/a"}, {"SHLVL": "2", "PWD": "/b", "_": "env", "BASH_FUNC_f%%": "() { :; }"})
    assert (diff.toSet, diff.toUnset) == ({}, ())


def test_aNulIsRefused():
    with pytest.raises(ValueError):
        quoteForBash("a\0b")
    with pytest.raises(ValueError):
        EnvDiff({"A": "a\0b"})


def test_settingAndUnsettingOneNameIsRefused():
    with pytest.raises(ValueError, match="both"):
        EnvDiff({"A": "1"}, ["A"])


@pytest.mark.parametrize("data", [None, [], {}, {"set": {}}, {"set": [], "unset": []}, {"set": {"A": 1}, "unset": []},
                                  {"set": {"A;B": "1"}, "unset": []}, {"set": {}, "unset": ["A B"]}])
def test_aDictOfAnotherShapeIsOneClearError(data):
    with pytest.raises(ValueError):
        EnvDiff.fromDict(data)
