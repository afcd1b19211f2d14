"""
Sum up what cmsRun's storage statistics say about reading and writing.

The names of the metrics are those of StorageAccount in CMSSW (Utilities/StorageFactory):
Timing-<protocol>-<operation>-<what>, where the protocol tstoragefile is ROOT's view of all of them.
"""
import logging
from string import ascii_lowercase

_ROOT = "Timing-tstoragefile-"
# The vector forms count as well.
_VERBS = {"read": "read", "readv": "read", "write": "write", "writev": "write"}


def summariseStorage(values):
    """
    Compute the totals and rates that go into a report's storage section.

    :param values: iterable of (str, str), names and values as written
    :return: dict of str to number; empty when the statistics count no reads, which makes the rates meaningless
    """
    numbers, protocols = _select(values)
    if not numbers.get(_ROOT + "read-numOperations"):
        logging.error("The storage statistics count no read operation; no storage performance goes into the report")
        return {}

    def total(verb, what, combine=lambda single, vector: single + vector):
        """Combine an operation with its vector form, readv or writev, for the protocol in use."""
        start = "Timing-%s-%s" % (protocols.get(verb), verb)
        return combine(numbers.get("%s-%s" % (start, what), 0), numbers.get("%sv-%s" % (start, what), 0))

    megabytes, milliseconds, reads = (total("read", what) for what in ("totalMegabytes", "totalMsecs", "numOperations"))
    rootReads = numbers[_ROOT + "read-numOperations"]
    return {"readTotalMB": megabytes,
            "readMBSec": megabytes / milliseconds * 1000 if milliseconds > 0 else 0,
            "readAveragekB": 1024 * megabytes / reads if reads > 0 else 0,
            "readMaxMSec": total("read", "maxMsecs", max),
            "readPercentageOps": numbers.get(_ROOT + "readActual-numOperations", 0) / rootReads,
            "readTotalSecs": numbers.get(_ROOT + "read-totalMsecs", 0) / 1000,
            "readNumOps": rootReads,
            "writeTotalSecs": numbers.get(_ROOT + "write-totalMsecs", 0) / 1000,
            "writeTotalMB": total("write", "totalMegabytes"),
            "readCachePercentageOps": numbers.get(_ROOT + "readViaCache-numSuccessfulOperations", 0) / rootReads}


def _select(values):
    """Keep the numbers; find which protocol reads and which writes, the first that counts operations."""
    numbers, protocols = {}, {}
    for name, value in values:
        if name.startswith("Timing-"):
            try:
                numbers[name] = float(value)
            except ValueError:
                continue
    for name, number in numbers.items():
        parts = name.split("-", 3)
        if number and len(parts) == 4 and parts[3].startswith("numOperations") and parts[2] in _VERBS \
                and len(parts[1]) == 4 and not parts[1].strip(ascii_lowercase):
            protocols.setdefault(_VERBS[parts[2]], parts[1])
    return numbers, protocols
