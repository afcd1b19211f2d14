"""
Import from WMCore.zip and compile each module once.

The import system asks a loader that names no file for it, and zipimporter, from python 3.6 to 3.13, compiles the
module to answer, throws the code away, and compiles it again to run it: a quarter to a third of the CPU that a job
spends on importing.
"""
import os
import sys
from importlib.machinery import ModuleSpec
from zipimport import ZipImportError, zipimporter


class SandboxImporter(zipimporter):
    """Find modules in a zip by its directory alone."""

    def find_spec(self, fullname, target=None):
        """
        Find a module.

        :param fullname: str, its dotted name
        :param target: not used
        :return: ModuleSpec; None when it is not in the zip
        """
        try:
            isPackage = self.is_package(fullname)
        except ZipImportError:
            return self._findNamespace(fullname)
        path = os.path.join(self.archive, self.prefix + fullname.rpartition(".")[2])
        spec = ModuleSpec(fullname, self, is_package=isPackage,
                          origin=os.path.join(path, "__init__.py") if isPackage else path + ".py")
        spec.has_location = True
        if isPackage:
            spec.submodule_search_locations.append(path)
        return spec

    def _findNamespace(self, fullname):
        """Find a directory that is no package; its spec has no loader, so nothing is compiled for it."""
        if hasattr(zipimporter, "find_spec"):
            return super(SandboxImporter, self).find_spec(fullname)
        portions = self.find_loader(fullname)[1]
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations.extend(portions)
        return spec if portions else None


def importOnce():
    """Have the modules of zips imported so from now on."""
    sys.path_hooks[:] = [SandboxImporter if hook is zipimporter else hook for hook in sys.path_hooks]
    for path, finder in list(sys.path_importer_cache.items()):
        if type(finder) is zipimporter:  # pylint: disable=unidiomatic-typecheck
            del sys.path_importer_cache[path]
