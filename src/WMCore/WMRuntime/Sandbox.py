"""
The part of the sandbox that belongs to one step: the files the workload's fetchers put there.
"""
import importlib
import inspect
import os


def moduleDirectory(module):
    """
    Find the directory of a module or a function that lies in a directory, not in an archive.

    :param module: module, class or function
    :return: str, absolute path
    :raises RuntimeError: when it has no file
    """
    try:
        path = inspect.getsourcefile(module)
    except TypeError:
        path = None
    if not path:
        raise RuntimeError("%r has no source file, so its directory is not known" % (module,))
    return os.path.dirname(os.path.abspath(path))


class Sandbox(object):
    """
    Give access to the files of WMSandbox/<task>/<step>.

    :param taskName: str, name of the task, not its path
    :param stepName: str
    :raises ImportError: when the sandbox has no such step
    """

    def __init__(self, taskName, stepName):
        self.moduleName = "WMSandbox.%s.%s" % (taskName, stepName)
        self.module = importlib.import_module(self.moduleName)
        self.directory = moduleDirectory(self.module)

    def listFiles(self):
        """
        List what is there, but for the files that make it a package.

        :return: list of str, names
        """
        return [name for name in os.listdir(self.directory) if not name.startswith("__init__")]

    def getFile(self, filename):
        """
        Find a file.

        :param filename: str, its name
        :return: str, its path
        :raises RuntimeError: when it is not there
        """
        present = self.listFiles()
        if filename not in present:
            raise RuntimeError("Cannot find file %s in %s; found there: %s"
                               % (filename, self.directory, ", ".join(sorted(present)) or "nothing"))
        return os.path.join(self.directory, filename)
