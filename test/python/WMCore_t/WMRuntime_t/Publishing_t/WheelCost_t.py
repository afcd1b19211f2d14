"""Tests of WheelCost."""
import io
import os
import tarfile

import pytest
from WMCore_t.WMRuntime_t.Environment_t.Wheels import entryOf, makeWheel

from WMCore.WMRuntime.Environment.WheelIndex import indexBytes
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Publishing.WheelCost import WheelCost, sizeText


@pytest.mark.parametrize("size, text", [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (155584, "156 kB"),
                                        (5 * 10 ** 6, "5 MB"), (78 * 10 ** 9, "78 GB"), (2.97e12, "2.97 TB"),
                                        (10 ** 19, "1e+04 PB")])
def testSizesAreWrittenForPeople(size, text):
    assert sizeText(size) == text


def testTheTransferOfAJobAndOfADayAreSaid(tmp_path):
    entries = [entryOf(makeWheel(tmp_path, name)) for name in ("one", "two")]
    cost = WheelCost.of(entries)
    assert cost.size == sum(os.path.getsize(str(path)) for path in tmp_path.iterdir()) + len(indexBytes(entries))
    assert cost.perDay() == 500000 * cost.size and cost.perDay(3) == 3 * cost.size
    assert cost.text().startswith("2 wheels, ") and cost.text().endswith(" a day for 500000 jobs")


def testWithoutWheelsNothingIsPaid():
    assert WheelCost.of(()) == WheelCost(0, 0)


def testASandboxTellsWhatItsWheelsCost(tmp_path):
    path = str(tmp_path / "sandbox.tar.bz2")
    with tarfile.open(path, "w:bz2") as tar:
        for name, size in (("WMCore.zip", 500), ("wheels/wheels.json", 20), ("wheels/a-1-py3-none-any.whl", 300)):
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(b"x" * size))
    assert WheelCost.ofSandbox(path) == WheelCost(1, 320)
    with pytest.raises(WMRuntimeError, match="cannot be read"):
        WheelCost.ofSandbox(str(tmp_path))
