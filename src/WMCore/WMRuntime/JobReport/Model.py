"""
Hold what cmsRun wrote into a FrameworkJobReport.xml.

The writer is FWCore/MessageLogger/src/JobReport.cc of CMSSW; names in quotes are its element and attribute names.
Text is kept as written, without the white space around it: what it is cast to belongs to whoever fills a report
from it. What is missing is None. A number that is none is no error here: its text stays, and `problems` of the
item it lies in says so. Not kept, because nothing of WMCore reads them: the names inside `Branches`, text after an
element's end, and attributes of `Runs`, `Run`, `LumiSection`, `Inputs` and `Metric` besides the ones named below.

The dicts inside the values are shared and read-only by agreement, so that a list of 100,000 lumis is stored once.
"""
import attr

from WMCore.WMRuntime.JobReport.Element import (AnalysisFile, Element, FallbackAttempt, FrameworkError, SkippedEvent,
                                                SkippedFile, UnknownElement, Value, attributeProperty)
from WMCore.WMRuntime.JobReport.Reading import asNumber


def _subElement(name, meaning):
    return property(lambda self: self.texts.get(name), doc="str or None, %s." % meaning)


# eq and repr come from Value.
@attr.s(frozen=True, slots=True, eq=False, repr=False)
class Run(Value):
    """
    Hold the luminosity sections of one run in a file.

    :param number: str, the run number as written; None when it is missing
    :param eventsPerLumi: dict of int to int or None, the number of a section to its events, in the order of the file;
        a section that comes again adds its events, as WMCore.DataStructs.Run does
    :param repeated: tuple of (int, int or None), each section that came again with the events it then had
    """
    number = attr.ib()
    eventsPerLumi = attr.ib(factory=dict)
    repeated = attr.ib(default=())

    def toDict(self):
        """
        Give the run as json writes it; the sections as a list of pairs, because keys of json are texts.

        :return: dict
        """
        return {"number": self.number, "eventsPerLumi": [list(pair) for pair in self.eventsPerLumi.items()],
                "repeated": [list(pair) for pair in self.repeated]}

    @classmethod
    def _fieldFromPlain(cls, name, value):
        if name == "number":
            return value
        pairs = tuple((lumi, events) for lumi, events in value)
        return dict(pairs) if name == "eventsPerLumi" else pairs


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class JobFile(Value):
    """
    Hold what input and output files have in common.

    :param name: str, the element's name
    :param attributes: dict of str to str, the element's own attributes; cmsRun writes none
    :param texts: dict of sub-element name to its text, in the order of the file, the last of a name counts; an empty
        element has an empty text. `Runs`, `Inputs` and `Branches` are not in it.
    :param runs: tuple of Run, in the order of the file
    :param inputs: tuple of dict, the files that contributed, each its sub-element names (`LFN`, `PFN`, `FastCopying`)
        to their texts
    :param extras: tuple of UnknownElement, the sub-elements that say more than their text: with attributes (`State`) or
        children (`LumiSections` of old releases), and those a later one of the same name replaced in texts
    :param problems: tuple of str, what is wrong with the file's numbers
    """
    name = attr.ib()
    attributes = attr.ib(factory=dict)
    texts = attr.ib(factory=dict)
    runs = attr.ib(default=())
    inputs = attr.ib(default=())
    extras = attr.ib(default=())
    problems = attr.ib(default=())

    NESTED = {"runs": Run, "extras": UnknownElement}
    EVENTS = None

    lfn = _subElement("LFN", "the logical file name")
    pfn = _subElement("PFN", "the physical file name")
    catalog = _subElement("Catalog", "the catalogue the physical name is from")
    moduleLabel = _subElement("ModuleLabel", "the label of the module that read or wrote it")
    guid = _subElement("GUID", "the file's own identifier")

    @property
    def state(self):
        """str or None, closed, or open for a file cmsRun did not come to close."""
        states = [extra.attributes.get("Value") for extra in self.extras if extra.name == "State"]
        return states[-1] if states else None

    @property
    def events(self):
        """int, the events read or written; None when the number is missing or none."""
        return asNumber(self.texts.get(self.EVENTS))


class InputFile(JobFile):
    """Hold an `InputFile`: a file cmsRun read."""
    __slots__ = ()
    EVENTS = "EventsRead"

    inputType = _subElement("InputType", "primaryFiles, secondaryFiles or mixingFiles")
    inputSourceClass = _subElement("InputSourceClass", "the class of the source")
    eventsRead = _subElement("EventsRead", "the events read, as written")


class OutputFile(JobFile):
    """Hold a `File`: a file cmsRun wrote."""
    __slots__ = ()
    EVENTS = "TotalEvents"

    outputModuleClass = _subElement("OutputModuleClass", "the class of the output module")
    dataType = _subElement("DataType", "the data type")
    branchHash = _subElement("BranchHash", "the hash of the branches")
    totalEvents = _subElement("TotalEvents", "the events written, as written")


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class PerformanceSection(Value):
    """
    Hold one table of a `PerformanceReport`.

    :param kind: str, the element's name, PerformanceSummary or PerformanceModule
    :param attributes: dict of str to str
    :param values: tuple of (str, str), names and values of the metrics, in the order of the file and with those that
        come again; None for a missing name or value
    """
    kind = attr.ib()
    attributes = attr.ib(factory=dict)
    values = attr.ib(default=())

    metric = attributeProperty("Metric", "what the table is about, such as Timing; a site's name for XrdSiteStatistics")
    module = attributeProperty("Module", "the module a PerformanceModule is about")

    @classmethod
    def _fieldFromPlain(cls, name, value):
        return tuple((metric, text) for metric, text in value) if name == "values" else value


class PerformanceReport(Element):
    """
    Hold the tables one service of cmsRun wrote.

    :param children: tuple of PerformanceSection, in the order of the file
    """
    __slots__ = ()
    NESTED = {"children": PerformanceSection}

    @property
    def sections(self):
        """tuple of PerformanceSection, the children by their own name."""
        return self.children


# The class of each direct child of the root; any other is an UnknownElement.
ITEM_CLASSES = {"InputFile": InputFile, "File": OutputFile, "AnalysisFile": AnalysisFile,
                "FrameworkError": FrameworkError, "SkippedFile": SkippedFile, "SkippedEvent": SkippedEvent,
                "FallbackAttempt": FallbackAttempt, "PerformanceReport": PerformanceReport}


def _itemsOf(itemClass, meaning):
    def select(self):
        return tuple(item for item in self.items if item.__class__ is itemClass)
    return property(select, doc="tuple of %s, %s, in the order of the file." % (itemClass.__name__, meaning))


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class FrameworkJobReport(Value):
    """
    Hold a whole report.

    :param items: tuple of InputFile, OutputFile, AnalysisFile, FrameworkError, SkippedFile, SkippedEvent,
        FallbackAttempt, PerformanceReport and UnknownElement, the direct children of the root in the order of the file
    """
    items = attr.ib(default=())

    inputFiles = _itemsOf(InputFile, "the files read")
    outputFiles = _itemsOf(OutputFile, "the files written")
    analysisFiles = _itemsOf(AnalysisFile, "the files of analyses")
    errors = _itemsOf(FrameworkError, "the errors, cmsRun's placeholder 8901 among them")
    skippedFiles = _itemsOf(SkippedFile, "the files left out")
    skippedEvents = _itemsOf(SkippedEvent, "the events passed over")
    fallbackAttempts = _itemsOf(FallbackAttempt, "the files opened elsewhere")
    performanceReports = _itemsOf(PerformanceReport, "the performance tables, by service")
    unknownElements = _itemsOf(UnknownElement, "everything else")

    @property
    def problems(self):
        """tuple of str, what is wrong with numbers in the items, with the item's element name in front."""
        return tuple("%s: %s" % (item.name, problem) for item in self.items for problem in item.problems)

    @classmethod
    def _fieldFromPlain(cls, name, value):
        return tuple(ITEM_CLASSES.get(item.get("name"), UnknownElement).fromDict(item) for item in value)
