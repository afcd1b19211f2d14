"""What a tool finds and leaves around itself: arguments, search path, streams, environment, main module."""
from __future__ import print_function

import os
import sys
import types


class Surroundings(object):
    """Give a tool what a process of its own would find, and take away what it leaves."""

    def __init__(self):
        self.path, self.environ, self.directory = list(sys.path), dict(os.environ), os.getcwd()
        self.streams = sys.stdin, sys.stdout, sys.stderr
        # A module that goes takes its names along, which a process made by its functions may still need.
        self.mains = [sys.modules["__main__"]]

    def enter(self, path, arguments):
        """
        Make the module a tool runs as.

        :param path: str, of the tool
        :param arguments: list of str
        :return: module
        """
        main = types.ModuleType("__main__")
        main.__file__ = path
        self.mains.append(main)
        sys.modules["__main__"] = main
        sys.argv[:] = [path] + arguments
        sys.path[:] = [os.path.dirname(os.path.realpath(path))] + self.path
        if "random" in sys.modules:
            sys.modules["random"].seed()  # one that seeds with a text leaves its successors nothing random
        return main

    def leave(self):
        """Put everything back."""
        sys.stdin, sys.stdout, sys.stderr = self.streams
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.modules["__main__"] = self.mains[0]
        sys.path[:] = self.path
        os.chdir(self.directory)
        if dict(os.environ) != self.environ:
            os.environ.clear()
            os.environ.update(self.environ)

    def run(self, code, path, arguments):
        """
        Run a tool here, as the main program.

        :param code: code of the tool
        :param path: str, its file
        :param arguments: list of str
        :return: int, its status; what it raised is on stderr, as python leaves it there
        """
        main = self.enter(path, arguments)
        try:
            exec(code, main.__dict__)
        except SystemExit as stop:
            return statusOf(stop.code)
        except Exception:
            import traceback
            kind, error, trace = sys.exc_info()
            traceback.print_exception(kind, error, trace.tb_next)
            return 1
        return 0


def statusOf(code):
    """
    Make a status of what sys.exit was given, as python does.

    :param code: anything
    :return: int
    """
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 255
    print(code, file=sys.stderr)
    return 1
