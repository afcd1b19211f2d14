"""
Put cmsRun's performance tables into the performance section of a step.

Five sections are made, and each table goes into two: all of it, cast, into cmssw; what WMCore has always kept of it,
as written, into cpu, memory or storage, or for the other tables, cast, into summaries.
"""
from WMCore.WMRuntime.JobReport.StorageStatistics import summariseStorage

SITE_STATISTICS = "XrdSiteStatistics"
_SECTIONS = ("summaries", "cpu", "memory", "storage", "cmssw")
# The last one's dashes are in the way of what reads it.
_MEMORY_NAMES = {"PeakValueRss": "PeakValueRss", "PeakValueVsize": "PeakValueVsize",
                 "LargestRssEvent-h-PSS": "PeakValuePss"}
# As many as the largest float has before its point: int() of a million takes seconds on python 3.6.
MAX_DIGITS = 309
_WORDS = {"true": True, "false": False}


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
    value = value.strip()
    digits = value[1:] if value.startswith("-") else value
    if digits and not digits.strip("0123456789"):
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
            pairs = [(one.get("Name"), one.get("Value")) for one in table]
            values = [(safeName(name), value) for name, value in pairs if name is not None and value is not None]
            complete = complete and len(values) == len(pairs)
            self._addTable(targets["cmssw"], table, values)
            metric = table.get("Metric")
            if metric == "Timing":
                setValues(targets["cpu"], dict(values))
            elif metric in ("SystemMemory", "ApplicationMemory"):
                setValues(targets["memory"], {_MEMORY_NAMES[name]: value for name, value in values
                                              if name in _MEMORY_NAMES})
            elif metric == "StorageStatistics":
                setValues(targets["storage"], summariseStorage(values))
            else:
                self._addTable(targets["summaries"], table, values)
        return complete

    def _addTable(self, section, table, values):
        """Add a table as a section of its own name; those of the sites share one."""
        metric = table.get("Metric")
        if metric is None:
            return
        bySite = table.get("Module") == SITE_STATISTICS
        into = self.sections.find(section, self.sections.safeName(SITE_STATISTICS if bySite else metric))
        if bySite:
            for name, value in values:
                self.sections.setValues(into, {name: withSite(vars(into).get(name), metric, value)})
        else:
            self.sections.setValues(into, {name: castMetricValue(value) for name, value in values})
