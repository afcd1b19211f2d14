"""Modules: the kinds of plug-ins a process is made of"""
from .Mixins import _ConfigureComponent, _Labelable, _ParameterTypeBase, _TypedParameterizable, _Unlabelable
from .SequenceTypes import _Sequenceable


class Source(_ConfigureComponent, _TypedParameterizable):
    """What delivers the events."""

    def _place(self, name, process):
        process._placeSource(name, self)


class SecSource(_ParameterTypeBase, _TypedParameterizable):
    """A second source of events inside a module (pileup)."""

    def __init__(self, type_, *blocks, **parameters):
        _ParameterTypeBase.__init__(self)
        _TypedParameterizable.__init__(self, type_, *blocks, **parameters)


class Looper(_ConfigureComponent, _TypedParameterizable):
    """What runs the events more than once."""

    def _place(self, name, process):
        process._placeLooper(name, self)


class Service(_ConfigureComponent, _TypedParameterizable, _Unlabelable):
    """A service, known by its type."""

    def _place(self, name, process):
        process._placeService(self.type_(), self)


class _Module(_ConfigureComponent, _TypedParameterizable, _Labelable, _Sequenceable):
    """A module that can be in a path."""


class EDProducer(_Module):
    """A module that makes products."""

    def _place(self, name, process):
        process._placeProducer(name, self)


class EDFilter(_Module):
    """A module that accepts or rejects events."""

    def _place(self, name, process):
        process._placeFilter(name, self)


class EDAnalyzer(_Module):
    """A module that only looks."""

    def _place(self, name, process):
        process._placeAnalyzer(name, self)


class OutputModule(_Module):
    """A module that writes events."""

    def _place(self, name, process):
        process._placeOutputModule(name, self)


class ESSource(_ConfigureComponent, _TypedParameterizable, _Labelable):
    """What delivers conditions."""

    def _place(self, name, process):
        process._placeESSource(name, self)


class ESProducer(_ConfigureComponent, _TypedParameterizable, _Labelable):
    """What makes conditions out of others."""

    def _place(self, name, process):
        process._placeESProducer(name, self)


class ESPrefer(_ConfigureComponent, _TypedParameterizable, _Labelable):
    """Which of several sources of the same conditions to take."""

    def _place(self, name, process):
        process._placeESPrefer(name, self)
