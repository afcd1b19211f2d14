"""The versions of an area's package, and the order in which they are tried."""
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Environment.AreaVersions import AreaVersions, isAskedFor, leadingVersion, versionKey
from WMCore_t.WrapperNode import runBash

NAMES = ("3.8.2-comp", "3.10.1-comp", "3.9.14-comp", "3.9.14-wm2", "3.9.14-wm10")


def make(directory, names=NAMES, default=None):
    for name in names:
        os.makedirs(str(directory / name))
    if default is not None:
        (directory / "default").write_bytes(default)
    return str(directory)


def names(versions):
    return [version.name for version in versions]


def test_versionsAreOrderedByNumberNotByTextOrTime10641(tmp_path):
    found = AreaVersions.read(make(tmp_path, NAMES + ("README", "latest")))
    assert names(found.candidates()) == ["3.10.1-comp", "3.9.14-wm10", "3.9.14-wm2", "3.9.14-comp", "3.8.2-comp"]
    assert found.versions[0].version == (3, 10, 1) and found.versions[0].python.endswith("/3.10.1-comp/bin/python3")
    assert (found.ignored, found.default, found.problem) == ((), "", "")


def test_theDefaultGoesFirstSoThatPublishingChangesNothing10642(tmp_path):
    directory = make(tmp_path, default=b"3.9.14-comp\n")
    before = AreaVersions.read(directory).candidates()[0]
    os.mkdir(os.path.join(directory, "3.13.0-comp"))
    found = AreaVersions.read(directory)
    assert found.candidates()[0] == before and before.name == "3.9.14-comp"
    assert names(found.candidates())[1] == "3.13.0-comp"


@pytest.mark.parametrize("default", [b"", b"3.7\n", b"../3.8.2-comp", b"3.8.2-comp\n3.9\n", b"3.8.2-comp\r\n", b"\xff\xfe",
                                     b"3.8.2-comp\0", b"/etc", b"3" * 5000])
def test_aDefaultThatNamesNoVersionIsTold(tmp_path, default):
    found = AreaVersions.read(make(tmp_path, default=default))
    assert found.default == "" and "expected one of the version directories" in found.problem
    assert names(found.candidates())[0] == "3.10.1-comp"


@pytest.mark.parametrize("make_", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path),
                                   lambda path: os.symlink("/dev/zero", path)], ids=["pipe", "directory", "broken", "device"])
def test_aDefaultThatIsNoFileIsToldAndNotWaitedFor(tmp_path, make_):
    make_(str(tmp_path / "default"))
    found = AreaVersions.read(make(tmp_path))
    assert found.problem.startswith("%s cannot be read: " % (tmp_path / "default"))
    assert found.default == "" and names(found.candidates())[0] == "3.10.1-comp"


def test_aDefaultIsReadAsFarAsTheWrapperReadsIt(tmp_path):
    directory = make(tmp_path, default=b"3.8.2-comp" + b"\n" * 190 + b"3.9.14-comp")
    assert AreaVersions.read(directory).default == "3.8.2-comp"
    assert runBash('wma_candidates "$1"', directory)[1].split()[0] == "3.8.2-comp"


def test_namesThatAreNoVersionAreIgnoredAndTold(tmp_path):
    found = AreaVersions.read(make(tmp_path, NAMES + ("3.9 beta", "3.9\n9.9", "3;x")))
    assert found.ignored == ("3.9\n9.9", "3.9 beta", "3;x") and len(found.candidates()) == len(NAMES)


@pytest.mark.parametrize("pin,expected", [
    ("", "3.10.1-comp"), ("3.9.14-wm2", "3.9.14-wm2"), ("3.9", "3.9.14-wm10"), ("3.9.14", "3.9.14-wm10"), ("3", "3.10.1-comp"),
    ("3.9.1", None), ("3.9.14-wm1", None), ("2.7", None)])
def test_aPinNamesAVersionWhollyOrByItsFirstNumbers(tmp_path, pin, expected):
    found = names(AreaVersions.read(make(tmp_path)).candidates(pin))
    assert (found[0] if found else None) == expected


def test_aPinThatFitsTheDefaultTakesIt(tmp_path):
    found = AreaVersions.read(make(tmp_path, default=b"3.9.14-wm2"))
    assert names(found.candidates("3.9"))[0] == "3.9.14-wm2"
    assert names(found.candidates("3.8")) == ["3.8.2-comp"]


def test_noDirectoryIsAnOSError(tmp_path):
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError):
            AreaVersions.read(str(path))


@given(st.lists(st.text(max_size=12)))
def test_anyNamesHaveAnOrder(texts):
    assert sorted(sorted(texts, key=versionKey), key=versionKey) == sorted(texts, key=versionKey)
    assert all(len(leadingVersion(text)) <= 3 and isAskedFor(text, text) for text in texts)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(st.from_regex(r"\A[1-9][0-9]{0,2}(\.[0-9]{1,3}){0,3}(-(comp|wm)[1-9]?)?\Z"), max_size=6), st.binary(max_size=8))
def test_theOrderIsTheWrappers(tmp_path_factory, some, default):
    directory = make(tmp_path_factory.mktemp("python3"), some, default)
    status, out, _ = runBash('wma_candidates "$1"', directory)
    assert status == 0
    assert out.split() == names(AreaVersions.read(directory).candidates())
