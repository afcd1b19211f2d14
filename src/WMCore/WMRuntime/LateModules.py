"""
Load modules of the standard library when something of them is used.

WMCore imports urllib.request in every job, for code that no job runs. With it come http, ssl and email: 50 files of the
python's library, from CVMFS as a rule, in each process. Others are imported as well and seldom used: bz2 and lzma by
shutil, to see whether they are there. What reports a failure is not among them: by then CVMFS may be gone (#9868).
importlib's LazyLoader does not do: it loads a module as soon as it is imported for the second time.
"""
import sys
import threading
import types
from importlib import import_module
from importlib.machinery import PathFinder

#: dict of str module to tuple of str, what is imported with it: WMCore's DQMUpload relies on the errors.
LATE = {"urllib.request": ("urllib.error", "urllib.response"), "urllib.error": (), "urllib.response": (),
        "xml.etree.ElementTree": (), "bz2": (), "lzma": (), "queue": (), "socket": (), "typing": (), "glob": ()}


class LateModule(types.ModuleType):
    """Be a module that is not loaded; its names are there as soon as one is asked for."""

    def __getattr__(self, name):
        # The import system asks for such names; a loaded module has those that its own file defines.
        if not name.startswith("__") or name == "__all__":
            self.__loader__.load(self)
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError("module %r has no attribute %r" % (self.__name__, name))


class LateLoader(object):
    """
    Make a module, and load it later.

    :param loader: importlib's loader of the module
    """

    def __init__(self, loader):
        self.loader = loader
        self.lock = threading.RLock()
        self.isLoaded = False

    def create_module(self, spec):
        """Give the module that is not loaded."""
        return LateModule(spec.name)

    def exec_module(self, module):
        """Leave it so."""

    def load(self, module):
        """
        Load the module; another thread that needs it waits.

        :param module: LateModule
        """
        with self.lock:
            if self.isLoaded:
                return
            # Modules that it imports may look at what there is of it.
            self.isLoaded = True
            try:
                self.loader.exec_module(module)
            except BaseException:
                self.isLoaded = False
                raise


class LateFinder(object):
    """
    Find modules that are loaded late.

    :param late: dict of str module to tuple of str, what is imported with it
    """

    def __init__(self, late):
        self.late = late

    def find_spec(self, fullname, path=None, _target=None):
        """
        Find a module.

        :param fullname: str, its dotted name
        :param path: list of str, of its package
        :return: ModuleSpec; None for all others
        """
        spec = PathFinder.find_spec(fullname, path) if fullname in self.late else None
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        spec.loader = LateLoader(spec.loader)
        for name in self.late[fullname]:
            import_module(name)
        return spec


def importLate(late=LATE):
    """
    Have modules loaded late from now on.

    :param late: dict of str module to tuple of str, what is imported with it
    """
    sys.meta_path.insert(0, LateFinder(late))
