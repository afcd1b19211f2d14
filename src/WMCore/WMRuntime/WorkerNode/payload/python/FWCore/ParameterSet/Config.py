"""
Config: the Process of a CMSSW configuration, and all that a configuration file reaches as `cms`

Its private attributes have the names they have in CMSSW (`_Process__source`, `_Process__outputmodules`, ...), and `source` is
also in the instance's own dictionary, so that a pickle looks the same to code that reads it without CMSSW.
"""
import importlib

from .Mixins import _ConfigureComponent, _Labelable, _Parameterizable
from .Modules import (EDAnalyzer, EDFilter, EDProducer, ESPrefer, ESProducer, ESSource, Looper, OutputModule, SecSource,
                      Service, Source)
from .SequenceTypes import ConditionalTask, EndPath, FinalPath, Path, Schedule, Sequence, Task, ignore
from .Types import (ESInputTag, EventID, EventRange, FileInPath, InputTag, LuminosityBlockID, LuminosityBlockRange, PSet,
                    VESInputTag, VEventID, VEventRange, VInputTag, VLuminosityBlockID, VLuminosityBlockRange, VPSet, bool,
                    double, int32, int64, string, uint32, uint64, untracked, vbool, vdouble, vint32, vint64, vstring,
                    vuint32, vuint64)

OPTIONS, MAX_EVENTS = "options", "maxEvents"


class Process(object):
    """One cmsRun job."""

    def __init__(self, name, *modifiers):
        if not str(name).isalnum():
            raise ValueError("Error: The process name %r may only have letters and digits" % (name,))
        self.__dict__["_Process__name"] = str(name)
        self.__dict__["_Process__modifiers"] = list(modifiers)
        for kind in ("filters", "producers", "analyzers", "outputmodules", "paths", "endpaths", "sequences", "tasks",
                     "services", "essources", "esproducers", "esprefers", "psets", "vpsets"):
            self.__dict__["_Process__" + kind] = {}
        for single in ("source", "looper", "schedule"):
            self.__dict__["_Process__" + single] = None
        self.options = self.defaultOptions_()
        self.maxEvents = self.defaultMaxEvents_()

    @staticmethod
    def defaultOptions_():
        """:return: PSet, the options every process has"""
        return untracked.PSet(numberOfThreads=untracked.uint32(1), numberOfStreams=untracked.uint32(0),
                              wantSummary=untracked.bool(False))

    @staticmethod
    def defaultMaxEvents_():
        """:return: PSet, all events"""
        return untracked.PSet(input=untracked.int32(-1))

    def __setattr__(self, name, value):
        if name.startswith("_Process__"):
            self.__dict__[name] = value
            return
        if not isinstance(value, _ConfigureComponent):
            raise TypeError("can only assign labels to an object that inherits from '_ConfigureComponent'\n"
                            "an instance of %s will not work - requested label is %s" % (type(value), name))
        if isinstance(value, Service):
            if name != value.type_():
                raise TypeError("an instance of %s can not be assigned the label '%s'.\nPlease either use the label '%s' or "
                                "use the 'add_' method instead." % (type(value), name, value.type_()))
            self.add_(value)
            return
        if name in (OPTIONS, MAX_EVENTS) and name in self.__dict__:
            value = self._withDefaults(name, value)
        self._take(name, value)

    def _withDefaults(self, name, value):
        defaults = self.defaultOptions_() if name == OPTIONS else self.defaultMaxEvents_()
        for parameter, setting in defaults.parameters_().items():
            if not hasattr(value, parameter):
                setattr(value, parameter, setting)
        return value

    def _take(self, name, value):
        if isinstance(value, _Labelable):
            value.setLabel(name)
        self.__dict__[name] = value
        value._place(name, self)

    def __delattr__(self, name):
        value = self.__dict__[name] if name in self.__dict__ else None
        if value is None:
            raise AttributeError("process has no attribute %s" % name)
        for kind in list(self.__dict__.values()):
            if type(kind) is dict and kind.get(name) is value:
                del kind[name]
        for single in ("source", "looper", "schedule"):
            if self.__dict__["_Process__" + single] is value:
                self.__dict__["_Process__" + single] = None
        del self.__dict__[name]

    def add_(self, value):
        """
        Add a Service, or another thing known by its type.

        :param value: the thing
        """
        if not isinstance(value, (Service, ESSource, ESProducer)):
            raise TypeError("%r needs a label, assign it to an attribute of the process" % (value,))
        self._take(value.type_(), value)

    def load(self, moduleName):
        """
        Add everything a python module defines.

        :param moduleName: name as for import; slashes and `.py` are understood too
        :return: the process
        """
        moduleName = moduleName.replace("/", ".")
        if moduleName.endswith(".py"):
            moduleName = moduleName[:-len(".py")]
        return self.extend(importlib.import_module(moduleName))

    def extend(self, other):
        """
        Add everything another object has that can be in a process.

        :param other: a module, or a process
        :return: the process
        """
        for name, item in list(vars(other).items()):
            if not name.startswith("_") and isinstance(item, _ConfigureComponent):
                setattr(self, item.type_() if isinstance(item, Service) else name, item)
        return self

    def name_(self):
        """:return: the process's name"""
        return self.__name

    process = property(name_)

    # Registered by what they are; a component calls the method of its kind.
    def _placeSource(self, name, module):
        if name != "source":
            raise ValueError("The label '%s' can not be used for a Source.  Only 'source' is allowed." % name)
        self.__source = module

    def _placeLooper(self, name, module):
        if name != "looper":
            raise ValueError("The label '%s' can not be used for a Looper.  Only 'looper' is allowed." % name)
        self.__looper = module

    def _placeSchedule(self, name, schedule):
        self.__schedule = schedule

    def _placeService(self, typeName, module):
        self.__services[typeName] = module

    def _placeProducer(self, name, module):
        self.__producers[name] = module

    def _placeFilter(self, name, module):
        self.__filters[name] = module

    def _placeAnalyzer(self, name, module):
        self.__analyzers[name] = module

    def _placeOutputModule(self, name, module):
        self.__outputmodules[name] = module

    def _placePath(self, name, path):
        self.__paths[name] = path

    def _placeEndPath(self, name, path):
        self.__endpaths[name] = path

    def _placeSequence(self, name, sequence):
        self.__sequences[name] = sequence

    def _placeTask(self, name, task):
        self.__tasks[name] = task

    def _placeESSource(self, name, module):
        self.__essources[name] = module

    def _placeESProducer(self, name, module):
        self.__esproducers[name] = module

    def _placeESPrefer(self, name, module):
        self.__esprefers[name] = module

    def _placePSet(self, name, pset):
        self.__psets[name] = pset

    def _placeVPSet(self, name, vpset):
        self.__vpsets[name] = vpset

    def source_(self):
        """:return: the Source, or None"""
        return self.__source

    def outputModules_(self):
        """:return: dict of the output modules by label"""
        return dict(self.__outputmodules)

    def services_(self):
        """:return: dict of the services by type"""
        return dict(self.__services)

    def producers_(self):
        """:return: dict of the producers by label"""
        return dict(self.__producers)

    def filters_(self):
        """:return: dict of the filters by label"""
        return dict(self.__filters)

    def analyzers_(self):
        """:return: dict of the analyzers by label"""
        return dict(self.__analyzers)

    def paths_(self):
        """:return: dict of the paths by label"""
        return dict(self.__paths)

    def endpaths_(self):
        """:return: dict of the end paths by label"""
        return dict(self.__endpaths)

    def schedule_(self):
        """:return: the Schedule, or None"""
        return self.__schedule

    def psets_(self):
        """:return: dict of the top level PSets by label"""
        return dict(self.__psets)

    # The value lies in the instance's dictionary as well, as in CMSSW; a property is found first.
    source = property(source_, lambda self, value: self._take("source", value))
    schedule = property(schedule_, lambda self, value: self._take("schedule", value))
    outputModules = property(outputModules_)
    services = property(services_)
    producers = property(producers_)
    filters = property(filters_)
    analyzers = property(analyzers_)
    paths = property(paths_)
    endpaths = property(endpaths_)
    psets = property(psets_)

    def dumpPython(self):
        """:return: the process as a python text that makes the same process"""
        lines = ["import FWCore.ParameterSet.Config as cms", "", "process = cms.Process(%r)" % self.__name]
        if self.__source is not None:
            lines.append("process.source = %s" % self.__source.dumpPython())
        plain = (self.__psets, self.__vpsets, self.__producers, self.__filters, self.__analyzers, self.__outputmodules,
                 self.__essources, self.__esproducers, self.__esprefers)
        for kind in plain + (self.__tasks, self.__sequences, self.__paths, self.__endpaths):
            for name, item in kind.items():
                lines.append("process.%s = %s" % (name, item.dumpPython()))
        for service in self.__services.values():
            lines.append("process.add_(%s)" % service.dumpPython())
        if self.__schedule is not None:
            lines.append("process.schedule = %s" % self.__schedule.dumpPython())
        return "\n".join(lines) + "\n"
