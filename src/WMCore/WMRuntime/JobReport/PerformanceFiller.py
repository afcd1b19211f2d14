"""
Put cmsRun's performance tables into the performance section of a step.

Five sections are made, and each table goes into two: all of it, cast, into cmssw; what WMCore has always kept of it,
as written, into cpu, memory or storage, or for the other tables, cast, into summaries.
"""
from WMCore.WMRuntime.JobReport.MetricCasts import SITE_STATISTICS, castMetricValue, withSite
from WMCore.WMRuntime.JobReport.StorageStatistics import summariseStorage

_SECTIONS = ("summaries", "cpu", "memory", "storage", "cmssw")
# The last one's dashes are in the way of what reads it.
_MEMORY_NAMES = {"PeakValueRss": "PeakValueRss", "PeakValueVsize": "PeakValueVsize",
                 "LargestRssEvent-h-PSS": "PeakValuePss"}


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
