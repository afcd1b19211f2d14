"""Test that one area is built by one at a time, and that whoever was killed stands in nobody's way."""
import os
import subprocess
import sys

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.AreaLock import areaLock

HOLD = "import sys, fcntl, os, time\nhandle = open(sys.argv[1], 'w')\nfcntl.flock(handle, fcntl.LOCK_EX)\n" \
       "print('held', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def path(tmp_path):
    """Name a lock that nobody holds."""
    return str(tmp_path / "lock")


def test_aLockIsThereForItsHolderAlone(path):
    with areaLock(path):
        with pytest.raises(WMRuntimeError, match="Another build(.|\n)*lock is locked(.|\n)*what to do"):
            with areaLock(path):
                pass
        assert os.path.exists(path)
    assert not os.path.exists(path)
    with areaLock(path):
        pass


def test_aLockEndsWithTheProcessThatHeldIt(path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WMRuntimeError, match="Another build"):
            with areaLock(path):
                pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with areaLock(path):
        assert os.path.exists(path)


def test_aLockThatSomebodyRemovedIsNobodyElses(path):
    with areaLock(path):
        os.unlink(path)
        with areaLock(path):
            pass
        with open(path, "w"):
            pass
    assert os.path.exists(path)


def test_whatCannotBeLockedIsSaid(path):
    with pytest.raises(WMRuntimeError, match="cannot be locked(.|\n)*nowhere"):
        with areaLock(os.path.join(path, "nowhere")):
            pass
