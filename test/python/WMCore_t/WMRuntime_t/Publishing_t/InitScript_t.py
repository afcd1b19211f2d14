"""
Test what the init.sh files of an area do to a shell that sources them.
"""
import os
import shutil
import subprocess

import pytest

from WMCore.WMRuntime.Publishing.InitScript import libraryInit, pythonInit

OPTIONS = ["set -eu", "set -u -o pipefail", "set -o posix -e", "set -f", "CDPATH=/usr:/", "cd() { echo no; }; export -f cd; "
           "unset -f cd", "shopt -s failglob nullglob", "IFS=/:"]


@pytest.fixture(params=["area", "with space", "new\nline", "qu'o\"te$x", "-dash", "end\n"])
def area(request, tmp_path):
    """Give an area with the init.sh of a python and of a library, under all kinds of names."""
    return writeArea(tmp_path / request.param)


def writeArea(top, ownLibraries=False):
    texts = {"python3/3.9.18-wm1": pythonInit("3.9.18-wm1", "3.9", ["py3-attrs/25.3.0", "py3-lxml/5.3.2"], ownLibraries),
             "py3-attrs/25.3.0": libraryInit("attrs", "25.3.0", "3.9")}
    for directory, text in texts.items():
        path = top / "external" / directory / "etc" / "profile.d" / "init.sh"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return top


def sourced(init, before="", after="", **environ):
    """Source a file in an empty environment; give what it leaves there."""
    script = "%s\n. \"$1\"\n%s\n/usr/bin/env -0" % (before, after)
    process = subprocess.Popen(["/bin/bash", "--noprofile", "--norc", "-c", script, "test", str(init)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=dict({"PATH": "/usr/bin:/bin"}, **environ))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    pairs = [item.partition("=")[::2] for item in out.decode("utf-8").split("\0") if item]
    return {name: value for name, value in pairs if name not in ("_", "SHLVL", "PWD", "OLDPWD")}


def pythonOf(area):
    return str(area / "external/python3/3.9.18-wm1")


def packages(area):
    return ":".join("%s/external/%s/lib/python3.9/site-packages" % (area, library)
                    for library in ("py3-attrs/25.3.0", "py3-lxml/5.3.2"))


@pytest.mark.parametrize("before", OPTIONS)
def test_aPythonIsFirstOnThePathWhateverTheShellIsSetTo(tmp_path, before):
    area = writeArea(tmp_path / "area")
    found = sourced(pythonOf(area) + "/etc/profile.d/init.sh", before)
    found.pop("CDPATH", None)
    assert found == {"PATH": pythonOf(area) + "/bin:/usr/bin:/bin", "PYTHONPATH": packages(area)}


def test_anAreaFindsItselfUnderAnyName(area):
    found = sourced(pythonOf(area) + "/etc/profile.d/init.sh", "set -eu")
    assert found == {"PATH": pythonOf(area) + "/bin:/usr/bin:/bin", "PYTHONPATH": packages(area)}


def test_aRelativePathWillDo(tmp_path):
    area = writeArea(tmp_path / "area")
    for where, name in ((pythonOf(area) + "/etc/profile.d", "init.sh"), (pythonOf(area), "etc/profile.d/init.sh")):
        process = subprocess.run(["/bin/bash", "-uc", 'shopt -u sourcepath; . "$0"; printf %s "$PATH"', name], cwd=where,
                                 stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"}, check=True)
        assert process.stdout.decode() == pythonOf(area) + "/bin:/usr/bin:/bin"


def test_sourcingTwiceIsSourcingOnce(tmp_path):
    init = pythonOf(writeArea(tmp_path / "area", ownLibraries=True)) + "/etc/profile.d/init.sh"
    assert sourced(init) == sourced(init, after='. "$1"; . "$1"')


def test_whatWasThereComesAfter(tmp_path):
    area = writeArea(tmp_path / "area", ownLibraries=True)
    found = sourced(pythonOf(area) + "/etc/profile.d/init.sh", PYTHONPATH="/a:/b", LD_LIBRARY_PATH="/c")
    assert found["PYTHONPATH"] == packages(area) + ":/a:/b"
    assert found["LD_LIBRARY_PATH"] == pythonOf(area) + "/lib:/c"


def test_emptySearchPathsGetNoEmptyEntry(tmp_path):
    # An empty entry is the directory one happens to be in.
    area = writeArea(tmp_path / "area", ownLibraries=True)
    found = sourced(pythonOf(area) + "/etc/profile.d/init.sh", PYTHONPATH="", LD_LIBRARY_PATH="")
    assert found["PYTHONPATH"] == packages(area) and found["LD_LIBRARY_PATH"] == pythonOf(area) + "/lib"


def test_anotherPythonsHomeIsTakenAway10765(tmp_path):
    found = sourced(pythonOf(writeArea(tmp_path / "area")) + "/etc/profile.d/init.sh", PYTHONHOME="/opt/python")
    assert "PYTHONHOME" not in found and "LD_LIBRARY_PATH" not in found


def test_aLinkedAreaIsNamedByItsOwnPlace(tmp_path):
    # What a job has started with stays when the link is switched.
    area = writeArea(tmp_path / "builds" / "rhel8_x86_64-1")
    (tmp_path / "rhel8_x86_64").symlink_to("builds/rhel8_x86_64-1")
    found = sourced(pythonOf(tmp_path / "rhel8_x86_64") + "/etc/profile.d/init.sh")
    assert found["PATH"].startswith(pythonOf(area)) and found["PYTHONPATH"] == packages(area)


def test_aLibraryAddsItselfAlone(area):
    found = sourced(area / "external/py3-attrs/25.3.0/etc/profile.d/init.sh", "set -eu", PYTHONPATH="/a")
    assert found == {"PATH": "/usr/bin:/bin",
                     "PYTHONPATH": "%s/external/py3-attrs/25.3.0/lib/python3.9/site-packages:/a" % area}


def test_nothingButTheVariablesIsLeftInTheShell(tmp_path):
    init = pythonOf(writeArea(tmp_path / "area")) + "/etc/profile.d/init.sh"
    snapshot = "snapshot() { compgen -v; compgen -A function; set +o; shopt -p; trap; pwd; }"
    script = '%s; x=$(snapshot); . "$0"; y=$(snapshot); export -n PYTHONPATH; diff <(echo "$x") <(echo "$y")' % snapshot
    process = subprocess.run(["/bin/bash", "-c", script, init], stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"})
    changed = [line[2:] for line in process.stdout.decode().splitlines() if line[:1] in "<>"]
    assert set(changed) <= {"PYTHONPATH", "x", "PIPESTATUS"}


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheckHasNothingToSay(tmp_path):
    area = writeArea(tmp_path / "area", ownLibraries=True)
    files = [os.path.join(folder, name) for folder, _folders, names in os.walk(str(area)) for name in names]
    process = subprocess.run(["shellcheck"] + files, stdout=subprocess.PIPE)
    assert (process.returncode, process.stdout.decode()) == (0, "") and len(files) == 2
