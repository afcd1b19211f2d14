"""Types: the types of parameters of a CMSSW configuration"""
import re

from .Mixins import (_ConfigureComponent, _Labelable, _Parameterizable, _ParameterTypeBase, _SimpleParameterTypeBase,
                     _ValidatingParameterListBase, indented)

NUMBERS = (int, int if str is not bytes else long)  # pylint: disable=undefined-variable  # noqa: F821
MAX_32 = 2 ** 32 - 1
MAX_64 = 2 ** 64 - 1


class _Untracked(object):
    """`cms.untracked(parameter)` and `cms.untracked.type(value)`."""

    def __call__(self, parameter):
        parameter.setIsTracked(False)
        return parameter

    def __getattr__(self, name):
        if name.startswith("_") or name not in TYPES:
            raise AttributeError("cms.untracked has no type %s" % name)

        def construct(*args, **kwargs):
            return self(TYPES[name](*args, **kwargs))
        return construct


untracked = _Untracked()


class _Integer(_SimpleParameterTypeBase):
    _low, _high = 0, 0

    @staticmethod
    def _convert(value):
        if isinstance(value, str):
            return int(value, 16) if value.lower().startswith("0x") else int(value)
        return value

    @classmethod
    def _isValid(cls, value):
        return isinstance(value, NUMBERS) and cls._low <= value <= cls._high


class int32(_Integer):
    """32 bit integer."""
    _low, _high = -2 ** 31, 2 ** 31 - 1


class uint32(_Integer):
    """Unsigned 32 bit integer."""
    _high = MAX_32


class int64(_Integer):
    """64 bit integer."""
    _low, _high = -2 ** 63, 2 ** 63 - 1


class uint64(_Integer):
    """Unsigned 64 bit integer."""
    _high = MAX_64


class double(_SimpleParameterTypeBase):
    """Floating point number."""

    @staticmethod
    def _convert(value):
        return value if isinstance(value, bool_) else float(value)

    @staticmethod
    def _isValid(value):
        return isinstance(value, float)

    def pythonValue(self):
        """:return: the value as python text"""
        return "float(%r)" % str(self._value) if self._value - self._value != 0 else repr(self._value)


bool_ = bool


class bool(_SimpleParameterTypeBase):  # pylint: disable=redefined-builtin
    """Truth value."""

    @staticmethod
    def _convert(value):
        if isinstance(value, str) and value.lower() in ("true", "yes", "on", "t", "y", "false", "no", "off", "f", "n"):
            return value.lower() in ("true", "yes", "on", "t", "y")
        return bool_(value) if value in (0, 1) else value

    @staticmethod
    def _isValid(value):
        return isinstance(value, bool_)


class string(_SimpleParameterTypeBase):
    """Text."""

    @staticmethod
    def _isValid(value):
        return isinstance(value, str)

    def __contains__(self, part):
        return part in self._value


class FileInPath(string):
    """Path that CMSSW looks for in its search path."""


class InputTag(_SimpleParameterTypeBase):
    """Name of a product: label, instance, process."""

    def __init__(self, moduleLabel, productInstanceLabel="", processName=""):
        parts = [moduleLabel, productInstanceLabel, processName]
        while parts and not parts[-1]:
            parts.pop()
        super(InputTag, self).__init__(":".join(parts))

    @staticmethod
    def _isValid(value):
        return isinstance(value, str)

    def _part(self, index):
        return (self._value.split(":") + ["", ""])[index]

    def getModuleLabel(self):
        """:return: the module's label"""
        return self._part(0)

    def getProductInstanceLabel(self):
        """:return: the instance name"""
        return self._part(1)

    def getProcessName(self):
        """:return: the process"""
        return self._part(2)

    moduleLabel = property(getModuleLabel)
    productInstanceLabel = property(getProductInstanceLabel)
    processName = property(getProcessName)

    def pythonValue(self):
        """:return: the value as python text"""
        return ", ".join(repr(part) for part in self._value.split(":"))


class ESInputTag(InputTag):
    """Name of a product of the EventSetup."""

    def __init__(self, module="", data=""):
        super(ESInputTag, self).__init__(module, data)


class _Identifier(_SimpleParameterTypeBase):
    _pattern = None

    def __init__(self, first, *rest):
        super(_Identifier, self).__init__(self._fromNumbers(first, *rest) if rest else first)

    @staticmethod
    def _fromNumbers(*numbers):
        return ":".join(str(number) for number in numbers)

    @classmethod
    def _isValid(cls, value):
        return isinstance(value, str) and re.match(cls._pattern + "$", value) is not None


class EventID(_Identifier):
    """Event: run:lumi:event or run:event."""
    _pattern = r"\d+(:\d+)?:\d+"


class LuminosityBlockID(_Identifier):
    """Luminosity section: run:lumi."""
    _pattern = r"\d+:\d+"


class _Range(_Identifier):
    @staticmethod
    def _fromNumbers(*numbers):
        half = len(numbers) // 2
        return "-".join(":".join(str(number) for number in part) for part in (numbers[:half], numbers[half:]))


class LuminosityBlockRange(_Range):
    """Luminosity sections of one or more runs: run:lumi-run:lumi, `min` and `max` allowed."""
    _pattern = r"\d+(:(\d+|[mM][iI][nN]|[mM][aA][xX]))?(-\d+(:(\d+|[mM][aA][xX]))?)?"


class EventRange(_Range):
    """Events: run:lumi:event-run:lumi:event, or run:event-run:event, `min` and `max` allowed."""
    _pattern = r"\d+(:(\d+|[mM][iI][nN]|[mM][aA][xX])){1,2}(-\d+(:(\d+|[mM][aA][xX])){1,2})?"


class _Vector(_ValidatingParameterListBase):
    _item = None

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, NUMBERS) and cls._item._isValid(item)


class vint32(_Vector):
    """List of int32."""
    _item = int32


class vuint32(_Vector):
    """List of uint32."""
    _item = uint32


class vint64(_Vector):
    """List of int64."""
    _item = int64


class vuint64(_Vector):
    """List of uint64."""
    _item = uint64


class vdouble(_ValidatingParameterListBase):
    """List of double."""

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, NUMBERS + (float,)) and not isinstance(item, bool_)


class vbool(_ValidatingParameterListBase):
    """List of bool."""

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, bool_)


class vstring(_ValidatingParameterListBase):
    """List of string."""

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, str)


class _VectorOfText(_ValidatingParameterListBase):
    """List of identifiers, kept as what they were given as: text or object."""
    _item = None

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, cls._item) or isinstance(item, str) and cls._item._isValid(item)

    def value(self):
        """:return: the items as texts"""
        return [item if isinstance(item, str) else item.value() for item in self]


class VInputTag(_VectorOfText):
    """List of InputTag."""
    _item = InputTag


class VESInputTag(_VectorOfText):
    """List of ESInputTag."""
    _item = ESInputTag


class VEventID(_VectorOfText):
    """List of EventID."""
    _item = EventID


class VLuminosityBlockID(_VectorOfText):
    """List of LuminosityBlockID."""
    _item = LuminosityBlockID


class VLuminosityBlockRange(_VectorOfText):
    """List of LuminosityBlockRange."""
    _item = LuminosityBlockRange


class VEventRange(_VectorOfText):
    """List of EventRange."""
    _item = EventRange


class PSet(_ParameterTypeBase, _Parameterizable, _ConfigureComponent, _Labelable):
    """Named parameters."""

    def __init__(self, *blocks, **parameters):
        _ParameterTypeBase.__init__(self)
        _Parameterizable.__init__(self, *blocks, **parameters)

    def value(self):
        """:return: itself"""
        return self

    def setValue(self, value):
        """
        :param value: a PSet to take the place of this one's parameters
        """
        if not isinstance(value, _Parameterizable):
            raise TypeError("A PSet cannot be set to %r" % (value,))
        for name in self.parameterNames_():
            delattr(self, name)
        for name, parameter in value.parameters_().items():
            setattr(self, name, parameter)

    def _place(self, name, process):
        process._placePSet(name, self)

    def dumpPython(self):
        """:return: the PSet as python text"""
        inside = indented("\n" + ",\n".join(self.dumpParameters_()))
        return "%s(%s\n)" % (self.pythonTypeName(), inside) if self.parameterNames_() else "%s()" % self.pythonTypeName()

    def __repr__(self):
        return self.dumpPython()


class VPSet(_ValidatingParameterListBase, _ConfigureComponent, _Labelable):
    """List of PSet."""

    @classmethod
    def _itemIsValid(cls, item):
        return isinstance(item, PSet)

    def _place(self, name, process):
        process._placeVPSet(name, self)


TYPES = dict((cls.__name__, cls) for cls in (
    int32, uint32, int64, uint64, double, bool, string, FileInPath, InputTag, ESInputTag, EventID, LuminosityBlockID,
    LuminosityBlockRange, EventRange, vint32, vuint32, vint64, vuint64, vdouble, vbool, vstring, VInputTag, VESInputTag,
    VEventID, VLuminosityBlockID, VLuminosityBlockRange, VEventRange, PSet, VPSet))
