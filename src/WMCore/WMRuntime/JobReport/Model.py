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

# A number longer than this is none: int() of a million digits takes seconds on python 3.6.
MAX_DIGITS = 20


def asNumber(text):
    """
    Read a whole number.

    :param text: str or None
    :return: int, or None when there is no text or it is no number
    """
    if text is None or len(text) > MAX_DIGITS:
        return None
    try:
        return int(text)
    except ValueError:
        return None


def _toPlain(value):
    if isinstance(value, Value):
        return value.toDict()
    if isinstance(value, tuple):
        return [_toPlain(one) for one in value]
    return dict(value) if isinstance(value, dict) else value


class Value(object):
    """
    Compare, show and convert the values of the model by their fields.

    attrs would write these methods for each class when it is imported; that takes longer than to parse a usual report.
    NESTED names the class of the values in a field that holds a tuple of them.
    """
    __slots__ = ()
    NESTED = {}

    def __eq__(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in self.__attrs_attrs__)

    __hash__ = None

    def __repr__(self):
        fields = ", ".join("%s=%r" % (field.name, getattr(self, field.name)) for field in self.__attrs_attrs__)
        return "%s(%s)" % (type(self).__name__, fields)

    def toDict(self):
        """
        Give the value as dicts, lists, texts and numbers that json writes.

        :return: dict of field to value
        """
        return {field.name: _toPlain(getattr(self, field.name)) for field in self.__attrs_attrs__}

    @classmethod
    def fromDict(cls, data):
        """
        Make the value again from what toDict gave.

        :param data: dict, may have been through json
        :return: an equal value
        :raises ValueError: when the data has other fields than the class, or lists where it has dicts
        """
        names = [field.name for field in cls.__attrs_attrs__]
        if not isinstance(data, dict) or sorted(data) != sorted(names):
            raise ValueError("%s is made from a dict of %s, not from %.200r" % (cls.__name__, ", ".join(names), data))
        return cls(**{name: cls._fieldFromPlain(name, data[name]) for name in names})

    @classmethod
    def _fieldFromPlain(cls, name, value):
        if name in cls.NESTED:
            return tuple(cls.NESTED[name].fromDict(one) for one in value)
        return tuple(value) if isinstance(value, list) else value


def _attribute(name, meaning):
    return property(lambda self: self.attributes.get(name), doc="str or None, %s." % meaning)


def _subElement(name, meaning):
    return property(lambda self: self.texts.get(name), doc="str or None, %s." % meaning)


# eq and repr come from Value.
@attr.s(frozen=True, slots=True, eq=False, repr=False)
class Element(Value):
    """
    Hold an element as it is written; the root's small children are kinds of it.

    :param name: str, the element's name
    :param attributes: dict of str to str, in the order of the file
    :param text: str, the text before the first child; cut in the middle when it is too long, which the text says
    :param children: tuple of UnknownElement
    :param problems: tuple of str, what is wrong with the element's numbers
    """
    name = attr.ib()
    attributes = attr.ib(factory=dict)
    text = attr.ib(default="")
    children = attr.ib(default=())
    problems = attr.ib(default=())


class UnknownElement(Element):
    """
    Keep an element this model has no class for: `ReadBranches`, `GeneratorInfo`, `StorageStatistics`, `Process`,
    `MessageSummary`, `MemoryService`, `ShutdownSignal`, and what later releases will write.
    """
    __slots__ = ()


Element.NESTED = {"children": UnknownElement}


class FrameworkError(Element):
    """Hold what ended cmsRun; `text` is the message."""
    __slots__ = ()

    exitStatus = _attribute("ExitStatus", "the exit code as written")
    type = _attribute("Type", "the class of the error, such as CMSException")

    @property
    def exitCode(self):
        """int, or None when the exit status is missing or no number."""
        return asNumber(self.exitStatus)


class SkippedFile(Element):
    """Hold an input file that could not be opened and was left out."""
    __slots__ = ()

    lfn = _attribute("Lfn", "the logical file name")
    pfn = _attribute("Pfn", "the physical file name")


class FallbackAttempt(Element):
    """Hold an input file that was opened at another site; why is text after the element and not kept."""
    __slots__ = ()

    lfn = _attribute("Lfn", "the logical file name")
    pfn = _attribute("Pfn", "the physical file name that failed")


class SkippedEvent(Element):
    """Hold an event whose processing failed and was passed over."""
    __slots__ = ()

    run = _attribute("Run", "the run number as written")
    event = _attribute("Event", "the event number as written")


class AnalysisFile(Element):
    """Hold a file of an analysis, such as TFileService's; its children are `FileName` and one for each property."""
    __slots__ = ()

    @property
    def fileName(self):
        """str, or None when there is no `FileName`; the last one counts."""
        names = [child.text for child in self.children if child.name == "FileName"]
        return names[-1] if names else None

    @property
    def values(self):
        """dict of property name to its `Value`, None for a property without one; the last of a name counts."""
        return {child.name: child.attributes.get("Value") for child in self.children if child.name != "FileName"}


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
    :param inputs: tuple of dict, the files that contributed, each its sub-element names (`LFN`, `PFN`, `FastCopying`) to
        their texts
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

    metric = _attribute("Metric", "what the table is about, such as Timing; a site's name for XrdSiteStatistics")
    module = _attribute("Module", "the module a PerformanceModule is about")

    @classmethod
    def _fieldFromPlain(cls, name, value):
        return tuple((metric, text) for metric, text in value) if name == "values" else value


@attr.s(frozen=True, slots=True, eq=False, repr=False)
class PerformanceReport(Value):
    """
    Hold the tables one service of cmsRun wrote.

    :param name: str, the element's name
    :param sections: tuple of PerformanceSection, in the order of the file
    :param problems: tuple of str, what is wrong with the tables
    """
    name = attr.ib()
    sections = attr.ib(default=())
    problems = attr.ib(default=())

    NESTED = {"sections": PerformanceSection}


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
    items = attr.ib(default=(), converter=tuple)

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
