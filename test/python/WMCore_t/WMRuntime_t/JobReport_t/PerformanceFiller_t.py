"""Tests of the sums over storage statistics."""
import pytest

from WMCore.WMRuntime.JobReport.PerformanceFiller import summariseStorage

ROOT = [("Timing-tstoragefile-read-numOperations", "4"), ("Timing-tstoragefile-readActual-numOperations", "2"),
        ("Timing-tstoragefile-readViaCache-numSuccessfulOperations", "1"),
        ("Timing-tstoragefile-read-totalMsecs", "3000"), ("Timing-tstoragefile-write-totalMsecs", "500")]
READ = [("Timing-dcap-read-numOperations", "3"), ("Timing-dcap-readv-numOperations", "1"),
        ("Timing-dcap-read-totalMegabytes", "6"), ("Timing-dcap-readv-totalMegabytes", "2"),
        ("Timing-dcap-read-totalMsecs", "4000"), ("Timing-dcap-read-maxMsecs", "7"), ("Timing-dcap-readv-maxMsecs", "9"),
        ("Timing-file-read-numOperations", "0"), ("Timing-file-read-totalMegabytes", "100")]


def testAReadAndItsVectorFormAreAddedForTheProtocolThatReads():
    values = summariseStorage(ROOT + READ)
    assert values["readTotalMB"] == 8 and values["readMaxMSec"] == 9
    assert values["readMBSec"] == 2 and values["readAveragekB"] == 2048
    assert (values["readPercentageOps"], values["readCachePercentageOps"], values["readNumOps"]) == (0.5, 0.25, 4)
    assert (values["readTotalSecs"], values["writeTotalSecs"], values["writeTotalMB"]) == (3, 0.5, 0)


def testWithoutAProtocolThereAreNoRates():
    values = summariseStorage(ROOT)
    assert values["readMBSec"] == values["readAveragekB"] == values["readTotalMB"] == 0


@pytest.mark.parametrize("values", [[], READ, [(name, "0") for name, _ in ROOT], [("Timing-x", "y"), ("other", "1")]])
def testStatisticsWithoutReadsGiveNothing(values):
    assert summariseStorage(values) == {}


def testAValueThatIsNoNumberCostsOnlyItself():
    assert summariseStorage(ROOT + [("Timing-dcap-read-maxMsecs", "long")] + READ[:1])["readMaxMSec"] == 0
