"""What one version of python in an area is found to lack; how whole areas fare is in CvmfsArea_t."""
import os

import pytest

from WMCore.WMRuntime.Environment.AreaVersions import AreaVersion
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR
from WMCore.WMRuntime.Environment.VersionInspection import VersionInspection


@pytest.fixture(name="version")
def fixtureVersion(tmp_path):
    """Give the directory of a version whose program is a script and whose library is all there."""
    top = tmp_path / "3.9.1"
    for folder in ("bin", "etc/profile.d", "lib/python3.9/encodings", "lib/python3.9/logging"):
        (top / folder).mkdir(parents=True)
    (top / "etc/profile.d/init.sh").write_text("# nothing\n")
    (top / "bin/python3").write_text("#!/bin/sh\n")
    (top / "bin/python3").chmod(0o755)
    for name in ("os", "encodings/__init__", "getopt", "hashlib", "logging/__init__", "pickle", "subprocess", "tarfile",
                 "zipfile"):
        (top / "lib/python3.9" / (name + ".py")).write_text("x = 1\n")
    return top


def inspect(top):
    """Give what is found, as {code: message}."""
    findings = VersionInspection(AreaVersion(top.name, str(top)), "x86_64", None, ERROR).findings()
    return {finding.code: finding.message for finding in findings}


def test_aVersionThatIsAllThereHasNoFindings(version):
    assert inspect(version) == {}


@pytest.mark.parametrize("name, code", [
    ("lib/libpython3.9.so.1.0", "libraryTruncated"), ("lib/python3.9/waits.so", "libraryNotFile"),
    ("lib/python3.9/waits.py", "libraryNotFile"), ("bin/python3", "pythonNotExecutable"),
    ("etc/profile.d/init.sh", "initUnreadable"), ("lib/python3.9/os.py", "libraryNotFile")])
def test_aPipeInAnyPlaceIsNamedAndNotWaitedFor(version, name, code):
    if (version / name).exists():
        (version / name).unlink()
    os.mkfifo(str(version / name))
    assert code in inspect(version)


def test_aPipeInPlaceOfTheProgramOfALauncherIsNotWaitedFor(version):
    os.rename(str(version / "lib/python3.9"), str(version / "lib/elsewhere"))
    assert inspect(version) == {}
    (version / "bin/python3").unlink()
    os.mkfifo(str(version / "bin/python3"))
    assert set(inspect(version)) == {"pythonNotExecutable", "stdlibIncomplete"}


def test_oneThingIsCountedInTheSingularAndMoreInThePlural(version):
    for count in (1, 2):
        (version / "lib/python3.9" / ("closed%d.py" % count)).write_text("")
        (version / "lib/python3.9" / ("closed%d.py" % count)).chmod(0o600)
        os.symlink("nowhere", str(version / "lib/python3.9" / ("link%d" % count)))
        said = inspect(version)
        assert said["libraryUnreadable"].startswith("%d file%s that not everybody may read: closed1.py" % (
            count, "s" * (count > 1)))
        assert said["libraryLinkBroken"].startswith("%d link%s to nowhere: link1" % (count, "s" * (count > 1)))
