"""The process of the PSet pickle, kept in memory from tool to tool."""
import os
import pickle

try:
    # Python 2's, with the same results in a fraction of the time; the tools import the slow one.
    import cPickle as FAST
except ImportError:
    FAST = pickle
LOAD, DUMP = FAST.load, FAST.dump


class HeldProcess(object):
    """
    Answer pickle.load and pickle.dump of one file from memory.

    What makes the process is written and read once, so that what its making left behind is gone, as it is when each
    tool runs on its own; from then on the file is empty until flush.

    :param path: str, of the pickle
    """

    def __init__(self, path):
        self.path = os.path.realpath(path)
        self.process, self.held, self.write, self.stamp = None, False, None, None
        self.loads, self.dumps, self.touched = 0, 0, False
        for module in set((pickle, FAST)):
            self._hook(module, module.load, module.dump)

    def _hook(self, module, load, dump):
        def loadHeld(handle, *args, **kwargs):
            if not self._isOurs(handle):
                return load(handle, *args, **kwargs)
            self.touched = True
            if not self.isCurrent():
                self.process = LOAD(handle, *args, **kwargs)
                self.held, self.write, self.stamp = True, None, self._stampOf()
                self.loads += 1
            return self.process

        def dumpHeld(value, handle, *args, **kwargs):
            if not self._isOurs(handle):
                return dump(value, handle, *args, **kwargs)
            self.touched = True
            if not self.held:
                self.dumps += 1
                return DUMP(value, handle, *args, **kwargs)
            self.process = value
            self.write = lambda target: DUMP(value, target, *args, **kwargs)
            return None

        module.load, module.dump = loadHeld, dumpHeld

    def _isOurs(self, handle):
        name = getattr(handle, "name", None)
        return isinstance(name, (type(""), type(u""))) and os.path.realpath(name) == self.path

    def _stampOf(self):
        found = os.stat(self.path)
        return found.st_ino, found.st_size, found.st_mtime

    def isCurrent(self):
        """Tell whether what is held is what the file holds, or is to hold; a tool may have its own way of writing."""
        if not self.held or not os.path.exists(self.path):
            return False
        return os.path.getsize(self.path) == 0 if self.write else self._stampOf() == self.stamp

    def wasMissed(self):
        """Tell whether a tool found an empty file because it did not come for the process in the usual way."""
        return self.write is not None and not self.touched

    def flush(self):
        """Write what is not written yet."""
        if self.write and self.isCurrent():
            temporary = "%s.%d.tmp" % (self.path, os.getpid())
            with open(temporary, "wb") as handle:
                self.write(handle)
            os.rename(temporary, self.path)
            self.stamp = self._stampOf()
            self.dumps += 1
        self.write = None

    def look(self):
        """Give the process, not to be changed."""
        if not self.isCurrent():
            with open(self.path, "rb") as handle:
                pickle.load(handle)
        return self.process


def outputModules(process):
    """
    List the labels of the output modules.

    :param process: cms.Process
    :return: list of str
    """
    found = process.outputModules_() if hasattr(process, "outputModules_") else process.outputModules
    return [str(label) for label in found]
