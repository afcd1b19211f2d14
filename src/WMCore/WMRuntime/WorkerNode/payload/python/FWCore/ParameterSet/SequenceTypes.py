"""SequenceTypes: paths, sequences, tasks and schedules, as far as a configuration needs them to be loaded and pickled"""
from .Mixins import _ConfigureComponent, _Labelable


class _Sequenceable(object):
    """What can stand in a path; `+` and `*` both mean "then", `~` inverts a filter, `-` ignores it."""

    def __add__(self, other):
        return _SequenceCollection(self, other)

    __mul__ = __add__

    def __invert__(self):
        return _SequenceOperator("~", self)

    def __neg__(self):
        return _SequenceOperator("-", self)

    def _members(self):
        return [self]

    def _text(self):
        return "process." + self.label_()


class _SequenceOperator(_Sequenceable):
    def __init__(self, sign, operand):
        self._sign, self._operand = sign, operand

    def _members(self):
        return self._operand._members()

    def _text(self):
        return self._sign + self._operand._text()


class _SequenceCollection(_Sequenceable):
    def __init__(self, *parts):
        self._parts = []
        for part in parts:
            self._parts.extend(part._parts if isinstance(part, _SequenceCollection) else [part])

    def _members(self):
        return [member for part in self._parts for member in part._members()]

    def _text(self):
        return "+".join(part._text() for part in self._parts)


class _ModuleSequenceType(_ConfigureComponent, _Labelable, _Sequenceable):
    """A named sequence."""

    def __init__(self, *parts):
        tasks = [part for part in parts if isinstance(part, Task)]
        steps = [part for part in parts if not isinstance(part, Task)]
        self._tasks = tasks
        self._seq = _SequenceCollection(*steps) if steps else None

    def associate(self, *tasks):
        """
        :param tasks: Tasks with modules that run when something asks for their products
        """
        self._tasks.extend(tasks)

    def __iadd__(self, other):
        self._seq = _SequenceCollection(self._seq, other) if self._seq else _SequenceCollection(other)
        return self

    __imul__ = __iadd__

    def moduleNames(self):
        """:return: set of the labels of the modules within"""
        names = set()
        for member in (self._seq._members() if self._seq else []) + self._tasks:
            nested = hasattr(member, "moduleNames")
            names.update(member.moduleNames() if nested else [member.label_()])
        return names

    def dumpPython(self):
        """:return: the sequence as python text"""
        parts = ([self._seq._text()] if self._seq else []) + ["process." + task.label_() for task in self._tasks]
        return "cms.%s(%s)" % (type(self).__name__, ", ".join(parts))


class Sequence(_ModuleSequenceType):
    """Modules that run one after the other."""

    def _place(self, name, process):
        process._placeSequence(name, self)


class Path(_ModuleSequenceType):
    """Trigger path."""

    def _place(self, name, process):
        process._placePath(name, self)


class EndPath(_ModuleSequenceType):
    """Path of output modules and analyzers."""

    def _place(self, name, process):
        process._placeEndPath(name, self)


class FinalPath(EndPath):
    """Path of output modules that runs last."""


class Task(_ConfigureComponent, _Labelable):
    """Modules that run when something asks for their products."""

    def __init__(self, *items):
        self._items = list(items)

    def add(self, *items):
        """
        :param items: modules or Tasks
        """
        self._items.extend(items)

    def moduleNames(self):
        """:return: set of the labels of the modules within"""
        names = set()
        for item in self._items:
            names.update(item.moduleNames() if isinstance(item, Task) else [item.label_()])
        return names

    def _place(self, name, process):
        process._placeTask(name, self)

    def dumpPython(self):
        """:return: the Task as python text"""
        return "cms.%s(%s)" % (type(self).__name__, ", ".join("process." + item.label_() for item in self._items))


class ConditionalTask(Task):
    """Modules that run when another module of the same path asks for their products."""


class Schedule(_ConfigureComponent, list):
    """The paths to run, in order."""

    def __init__(self, *paths, **keywords):
        list.__init__(self, paths)
        self._tasks = list(keywords.get("tasks", []))

    def associate(self, *tasks):
        """
        :param tasks: Tasks
        """
        self._tasks.extend(tasks)

    def _place(self, name, process):
        process._placeSchedule(name, self)

    def dumpPython(self):
        """:return: the schedule as python text"""
        return "cms.Schedule(%s)" % ", ".join("process." + path.label_() for path in self)


def ignore(module):
    """
    Let a path go on whatever the filter says.

    :param module: the filter
    :return: what to put into the path
    """
    return -module
