"""
Hold elements of a job report as they are written, and what all values of the model have in common.
"""
import attr

from WMCore.WMRuntime.JobReport.Reading import asNumber


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
        :raises ValueError: when a dict has other fields than its class, or is none where one must be
        """
        names = [field.name for field in cls.__attrs_attrs__]
        if not isinstance(data, dict) or sorted(data) != sorted(names):
            raise ValueError("%s is made from a dict of %s, not from %.200r" % (cls.__name__, ", ".join(names), data))
        try:
            return cls(**{name: cls._fieldFromPlain(name, data[name]) for name in names})
        except (TypeError, AttributeError) as ex:
            raise ValueError("%s cannot be made from %.200r: %s" % (cls.__name__, data, ex))

    @classmethod
    def _fieldFromPlain(cls, name, value):
        if name in cls.NESTED:
            return tuple(cls.NESTED[name].fromDict(one) for one in value)
        return tuple(value) if isinstance(value, list) else value


def attributeProperty(name, meaning):
    """
    Make a property that gives an attribute as written.

    :param name: str, the attribute
    :param meaning: str, what it is, for the property's documentation
    :return: property
    """
    return property(lambda self: self.attributes.get(name), doc="str or None, %s." % meaning)


# eq and repr come from Value. Frozen costs 0.2 us an object, and a usual report has 20 to 450 of them.
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

    exitStatus = attributeProperty("ExitStatus", "the exit code as written")
    type = attributeProperty("Type", "the class of the error, such as CMSException")

    @property
    def exitCode(self):
        """int, or None when the exit status is missing or no number."""
        return asNumber(self.exitStatus)


class SkippedFile(Element):
    """Hold an input file that could not be opened and was left out."""
    __slots__ = ()

    lfn = attributeProperty("Lfn", "the logical file name")
    pfn = attributeProperty("Pfn", "the physical file name")


class FallbackAttempt(Element):
    """Hold an input file that was opened at another site; why is text after the element and not kept."""
    __slots__ = ()

    lfn = attributeProperty("Lfn", "the logical file name")
    pfn = attributeProperty("Pfn", "the physical file name that failed")


class SkippedEvent(Element):
    """Hold an event whose processing failed and was passed over."""
    __slots__ = ()

    run = attributeProperty("Run", "the run number as written")
    event = attributeProperty("Event", "the event number as written")


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
