"""Tests of Release/NeededLibraries."""
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WMCore.WMRuntime.Release.NeededLibraries import ElfError, readNeeded
from WMCore_t.WMRuntime_t.Release_t.ReleaseTrees import elfNeeding, write

NAMES = ("libpython3.9.so.1.0", "libstdc++.so.6", "libc.so.6")


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_theLibrariesAreReadInEveryWidthAndByteOrder(tmp_path, bits, order):
    assert readNeeded(write(str(tmp_path / "lib.so"), elfNeeding(NAMES, bits, order))) == NAMES


def test_aLibraryThatNeedsNothingHasNone(tmp_path):
    assert readNeeded(write(str(tmp_path / "lib.so"), elfNeeding(()))) == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the system's dynamic linker")
def test_aRealProgramNeedsWhatTheDynamicLinkerLoadsForIt():
    needed = readNeeded(os.path.realpath("/bin/sh"))
    try:
        listed = subprocess.check_output(["ldd", os.path.realpath("/bin/sh")]).decode("utf-8")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no ldd here, or a static shell")
    assert needed and all(name in listed for name in needed)


def test_whatIsNoElfFileIsOneErrorThatNamesIt(tmp_path):
    os.mkfifo(str(tmp_path / "pipe"))
    write(str(tmp_path / "script"), "#!/bin/sh\n")
    write(str(tmp_path / "empty"), b"")
    for name in ("script", "empty", "missing", "pipe", ""):
        with pytest.raises(ElfError) as caught:
            readNeeded(str(tmp_path / name))
        assert str(tmp_path / name) in str(caught.value)


@given(data=st.data(), bits=st.sampled_from([32, 64]), order=st.sampled_from(["<", ">"]))
def test_aDamagedFileGivesAnAnswerOrOneError(tmp_path_factory, data, bits, order):
    content = bytearray(elfNeeding(NAMES, bits, order))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[:data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    path = write(str(tmp_path_factory.getbasetemp() / "damaged.so"), bytes(content))
    try:
        assert isinstance(readNeeded(path), tuple)
    except ElfError as ex:
        assert path in str(ex)
