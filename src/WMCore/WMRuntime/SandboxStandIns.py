"""
What a sandbox has in place of modules that would load much of what no job uses.

WMCore's WMSpec takes urlopen from future.moves, which imports tkinter, xmlrpc, test and more at once, because python 2
had other names for them; urlopen itself, which no job calls, is taken from a module that is loaded late (LateModules).
The step template of CMSSW names an exception of the ConfigCache, and with it comes the client of CouchDB, which has
ended jobs by an import that nodes do not have (#12426); who uses the ConfigCache are the fetchers, on the agent.
"""
import attr

from WMCore.WMRuntime.ModuleIndex import ModuleSource

_MOVES = b'''"""In a sandbox: modules are loaded when they are imported."""
'''

_URLLIB_REQUEST = b'''"""In a sandbox: urllib.request is loaded when something of it is used."""
import sys
import types
import urllib.parse
import urllib.request


def urlopen(*args, **kwargs):
    return urllib.request.urlopen(*args, **kwargs)


def Request(*args, **kwargs):
    return urllib.request.Request(*args, **kwargs)


class _Moved(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        return getattr(urllib.request if hasattr(urllib.request, name) else urllib.parse, name)


sys.modules[__name__].__class__ = _Moved
'''

_CONFIG_CACHE = b'''"""In a sandbox: what can be caught of the ConfigCache, which is for the agent."""
from WMCore.WMException import WMException


class ConfigCacheException(WMException):
    pass
'''


@attr.s(frozen=True)
class StandIn(ModuleSource):
    """
    Be the source of a module that a sandbox has in place of the installed one.

    :param content: bytes
    """
    content = attr.ib(default=b"", repr=False)

    def read(self):
        """
        Give the source.

        :return: bytes
        """
        return self.content


#: tuple of StandIn
STAND_INS = tuple(StandIn(name, isPackage, __file__, content=content) for name, isPackage, content in (
    ("future.moves", True, _MOVES), ("future.moves.urllib.request", False, _URLLIB_REQUEST),
    ("WMCore.Cache.WMConfigCache", False, _CONFIG_CACHE)))
