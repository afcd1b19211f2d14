"""
Mixins: the base classes of everything that can stand in a CMSSW configuration

Names of classes and of private attributes are those of CMSSW's own FWCore.ParameterSet.Mixins, because pickles made from
them are read by class-less unpicklers that look for `_TypedParameterizable__type` and the like (SetupCMSSWPset).
"""
import copy

INDENT = "    "


def indented(text):
    """
    Shift all lines but the first to the right.

    :param text: python text
    :return: the text, for use as an argument inside a call
    """
    return text.replace("\n", "\n" + INDENT)


class _ConfigureComponent(object):
    """Anything that may be an attribute of a Process."""

    def _place(self, name, process):
        raise TypeError("%s cannot be placed in a process under the name %s" % (type(self).__name__, name))


class _ParameterTypeBase(object):
    """A typed value, tracked unless told otherwise."""

    def __init__(self):
        self.__isTracked = True

    def isTracked(self):
        """:return: whether the parameter is part of the provenance"""
        return self.__isTracked

    def setIsTracked(self, trackness):
        """
        :param trackness: False makes the parameter untracked
        """
        self.__isTracked = bool(trackness)

    def configTypeName(self):
        """:return: name of the type as C++ code calls it, "untracked int32" """
        return type(self).__name__ if self.isTracked() else "untracked " + type(self).__name__

    def pythonTypeName(self):
        """:return: the constructor as python text, "cms.untracked.int32" """
        return "cms." + type(self).__name__ if self.isTracked() else "cms.untracked." + type(self).__name__


class _SimpleParameterTypeBase(_ParameterTypeBase):
    """A parameter with one value; subclasses tell in _isValid which."""

    def __init__(self, value):
        super(_SimpleParameterTypeBase, self).__init__()
        self._value = None
        self.setValue(value)

    def value(self):
        """:return: the plain python value"""
        return self._value

    def setValue(self, value):
        """
        :param value: plain python value, or a parameter of the same type
        :raises ValueError: when the type cannot hold it
        """
        if isinstance(value, type(self)):
            value = value.value()
        value = self._convert(value)
        if not self._isValid(value):
            raise ValueError("%r is not a valid %s" % (value, type(self).__name__))
        self._value = value

    @staticmethod
    def _convert(value):
        return value

    @staticmethod
    def _isValid(value):
        raise NotImplementedError

    def pythonValue(self):
        """:return: the value as python text"""
        return repr(self._value)

    def dumpPython(self):
        """:return: the parameter as python text"""
        return "%s(%s)" % (self.pythonTypeName(), self.pythonValue())

    def __eq__(self, other):
        return self._value == (other.value() if isinstance(other, _SimpleParameterTypeBase) else other)

    def __ne__(self, other):
        return not self == other

    def __lt__(self, other):
        return self._value < (other.value() if isinstance(other, _SimpleParameterTypeBase) else other)

    def __gt__(self, other):
        return self._value > (other.value() if isinstance(other, _SimpleParameterTypeBase) else other)

    __hash__ = None

    def __bool__(self):
        return bool(self._value)

    __nonzero__ = __bool__

    def __repr__(self):
        return self.dumpPython()

    __str__ = __repr__


class _ValidatingParameterListBase(list, _ParameterTypeBase):
    """A parameter that is a list; subclasses tell in _itemIsValid of what."""

    def __init__(self, *items):
        if len(items) == 1 and not self._itemIsValid(items[0]):
            items = tuple(items[0])
        list.__init__(self, [self._checked(item) for item in items])
        _ParameterTypeBase.__init__(self)

    @classmethod
    def _itemIsValid(cls, item):
        raise NotImplementedError

    @classmethod
    def _checked(cls, item):
        if not cls._itemIsValid(item):
            raise TypeError("%r is not valid in a %s" % (item, cls.__name__))
        return item

    @staticmethod
    def _pythonItem(item):
        return item.dumpPython() if hasattr(item, "dumpPython") else repr(item)

    def value(self):
        """:return: the items as a plain list"""
        return list(self)

    def setValue(self, value):
        """
        :param value: the new items
        """
        self[:] = [self._checked(item) for item in value]

    def append(self, item):
        """
        :param item: a value the list can hold
        """
        list.append(self, self._checked(item))

    def extend(self, items):
        """
        :param items: values the list can hold
        """
        list.extend(self, [self._checked(item) for item in items])

    def __setitem__(self, key, value):
        checked = [self._checked(item) for item in value] if isinstance(key, slice) else self._checked(value)
        list.__setitem__(self, key, checked)

    def dumpPython(self):
        """:return: the parameter as python text; the items as one list, as old pythons limit a call to 255 arguments"""
        items = ",\n".join(INDENT + indented(self._pythonItem(item)) for item in self)
        return "%s([\n%s\n])" % (self.pythonTypeName(), items) if self else "%s()" % self.pythonTypeName()

    def __repr__(self):
        return self.dumpPython()

    __str__ = __repr__


class _Parameterizable(object):
    """Something with named parameters."""

    def __init__(self, *blocks, **parameters):
        self.__dict__["_Parameterizable__parameterNames"] = []
        for block in blocks:
            if not isinstance(block, _Parameterizable):
                raise ValueError("Only PSets may be given without a name, found %r" % (block,))
            for name, value in block.parameters_().items():
                setattr(self, name, copy.deepcopy(value))
        for name, value in parameters.items():
            setattr(self, name, value)

    def parameterNames_(self):
        """:return: list of the parameters' names"""
        return list(self.__parameterNames)

    def parameters_(self):
        """:return: dict of the parameters by name"""
        return dict((name, self.__dict__[name]) for name in self.__parameterNames)

    def hasParameter(self, path):
        """
        :param path: list of names, from the outside in
        :return: whether there is such a parameter
        """
        current = self
        for name in path:
            if not hasattr(current, name):
                return False
            current = getattr(current, name)
        return True

    def __setattr__(self, name, value):
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif isinstance(value, _ParameterTypeBase):
            if name not in self.__parameterNames:
                self.__parameterNames.append(name)
            self.__dict__[name] = value
        elif name in self.__parameterNames:
            self.__dict__[name].setValue(value)  # keeps the type and the trackedness
        else:
            raise TypeError("%s does not already exist, so it can only be set to a CMS python configuration type" % name)

    def __delattr__(self, name):
        if name in self.__dict__.get("_Parameterizable__parameterNames", ()):
            self.__parameterNames.remove(name)
        object.__delattr__(self, name)

    def clone(self, **changes):
        """
        Copy deeply, with changes.

        :param changes: parameters by name; None takes one away
        :return: the copy
        """
        twin = copy.deepcopy(self)
        for name, value in changes.items():
            if value is None:
                delattr(twin, name)
            else:
                setattr(twin, name, value)
        return twin

    def copy(self):
        """:return: a deep copy"""
        return copy.deepcopy(self)

    def dumpParameters_(self):
        """:return: list of `name = value` as python text"""
        return ["%s = %s" % (name, value.dumpPython()) for name, value in self.parameters_().items()]


class _TypedParameterizable(_Parameterizable):
    """A plug-in: parameters and the name of the C++ class."""

    def __init__(self, type_, *blocks, **parameters):
        self.__dict__["_TypedParameterizable__type"] = type_
        super(_TypedParameterizable, self).__init__(*blocks, **parameters)

    def type_(self):
        """:return: name of the C++ class"""
        return self.__type

    def dumpPython(self):
        """:return: the plug-in as python text"""
        arguments = ["%r" % self.__type] + self.dumpParameters_()
        return "cms.%s(%s)" % (type(self).__name__, indented(",\n".join(arguments)))

    def __repr__(self):
        return self.dumpPython()


class _Labelable(object):
    """Something that knows its name in the process."""

    def label_(self):
        """
        :return: the name
        :raises RuntimeError: when it is in no process
        """
        if not self.hasLabel_():
            raise RuntimeError("module has no label.  Perhaps it wasn't inserted into the process?")
        return self.__label

    def hasLabel_(self):
        """:return: whether it has been placed in a process"""
        return self.__dict__.get("_Labelable__label") is not None

    def setLabel(self, label):
        """
        :param label: the name, None takes it away
        """
        self.__label = label

    def _name(self):
        return self.label_()


class _Unlabelable(object):
    """Something known by its type in the process."""
