"""
Put cmsRun's performance tables into the performance section of a step.

Five sections are made, and each table goes into two: all of it, cast, into cmssw; what WMCore has always kept of it,
as written, into cpu, memory or storage, or for the other tables, cast, into summaries.

The storage section sums up what the storage statistics say about reading and writing. The names of their metrics are
those of StorageAccount in CMSSW (Utilities/StorageFactory): Timing-<protocol>-<operation>-<what>, where the protocol
tstoragefile is ROOT's view of all of them.
"""
import logging
from string import ascii_lowercase

SITE_STATISTICS = "XrdSiteStatistics"
_SECTIONS = ("summaries", "cpu", "memory", "storage", "cmssw")
# The last one's dashes are in the way of what reads it.
_MEMORY_NAMES = {"PeakValueRss": "PeakValueRss", "PeakValueVsize": "PeakValueVsize",
                 "LargestRssEvent-h-PSS": "PeakValuePss"}
# As many as the largest float has before its point: int() of a million takes seconds on python 3.6.
MAX_DIGITS = 309
_WORDS = {"true": True, "false": False}
_DIGITS = "0123456789"
_ROOT = "Timing-tstoragefile-"
# The vector forms count as well.
_VERBS = {"read": "read", "readv": "read", "write": "write", "writev": "write"}


def castMetricValue(value):
    """
    Make a number or a bool of a text that is one.

    A float has a point, and digits on one side of it at least; 1e-05 stays a text, as it always did, and so does a
    whole number of more than MAX_DIGITS.

    :param value: str; anything else is given back as it is
    :return: int, float, bool, or the text without the white space around it
    """
    if not isinstance(value, str):
        return value
    # No regular expression: to compile one takes as long as to read a tenth of a usual report.
    whole, point, rest = value.partition(".")
    if whole.isdecimal() and rest.isdecimal():
        # Most metrics are of this kind.
        return float(value)
    value = value.strip()
    digits = value[1:] if value.startswith("-") else value
    if digits and not digits.strip(_DIGITS):
        return int(value) if len(digits) <= MAX_DIGITS else value
    whole, point, rest = digits.partition(".")
    # WMCore never took -.5 for a number, only .5.
    if point and (whole.isdecimal() or not whole and rest and digits is value) and (rest.isdecimal() or not rest):
        return float(value)
    return _WORDS.get(value, value)


def withSite(values, site, value):
    """
    Add what a site measured to the list a metric has: XrdSiteStatistics names sites where others name metrics.

    :param values: list of dict, from before; anything else starts a new list
    :param site: str, such as cern.ch
    :param value: str, stays a text
    :return: list of dict of site and value, the same list if there was one
    """
    values = values if isinstance(values, list) else []
    values.append({"site": site, "value": value})
    return values


class PerformanceFiller(object):
    """
    Fill the performance section of one step.

    :param sections: ConfigSections
    :param performance: ConfigSection
    """

    def __init__(self, sections, performance):
        self.sections = sections
        self.performance = performance

    def fill(self, report):
        """
        Add the tables of one service.

        :param report: element, a `PerformanceReport`
        :return: bool, whether each metric has a name and a value; those that do not are left out
        """
        find = self.sections.find
        targets = {name: find(self.performance, name) for name in _SECTIONS}
        safeName, setValues = self.sections.safeName, self.sections.setValues
        complete = True
        for table in report:
            attributes = [metric.attrib for metric in table]
            values = [(safeName(one["Name"]), one["Value"]) for one in attributes if "Name" in one and "Value" in one]
            complete = complete and len(values) == len(attributes)
            cast = {name: castMetricValue(value) for name, value in values}
            self._addTable(targets["cmssw"], table, values, cast)
            metric = table.get("Metric")
            if metric == "Timing":
                setValues(targets["cpu"], dict(values))
            elif metric in ("SystemMemory", "ApplicationMemory"):
                setValues(targets["memory"], {_MEMORY_NAMES[name]: value for name, value in values
                                              if name in _MEMORY_NAMES})
            elif metric == "StorageStatistics":
                setValues(targets["storage"], summariseStorage(values))
            else:
                self._addTable(targets["summaries"], table, values, cast)
        return complete

    def _addTable(self, section, table, values, cast):
        """Add a table, its values also given cast, as a section of its own name; those of the sites share one."""
        metric = table.get("Metric")
        if metric is None:
            return
        bySite = table.get("Module") == SITE_STATISTICS
        into = self.sections.find(section, self.sections.safeName(SITE_STATISTICS if bySite else metric))
        if bySite:
            for name, value in values:
                self.sections.setValues(into, {name: withSite(vars(into).get(name), metric, value)})
        else:
            self.sections.setValues(into, cast)


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
