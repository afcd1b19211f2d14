"""
Example of a plugin: propose the python that a site has installed for its jobs.

The site names the directory in SITE_PYTHON_HOME; without it the plugin stays out of the way.
"""
import os

from WMCore.WMRuntime.Interpreter.Interpreter import Rejected
from WMCore.WMRuntime.Interpreter.InterpreterProvider import SCRIPTS, Candidate, InterpreterProvider
from WMCore.WMRuntime.Interpreter.StartEnvironment import foreignStart

VARIABLE = "SITE_PYTHON_HOME"


class SitePython(InterpreterProvider):
    """Propose bin/python3 of the site's directory, after what was pinned and before the release's own."""
    name = "site python"
    priority = 15

    @classmethod
    def create(cls, context):
        """Take part for the runtime's scripts on nodes of a site that has such a python."""
        return cls() if context.purpose in SCRIPTS and context.environ.get(VARIABLE) else None

    def candidates(self, context):
        """Propose the one python, or say why there is none."""
        home = context.environ[VARIABLE]
        if not os.path.isdir(home):
            yield Rejected(home, self.name, "%s names no directory" % VARIABLE)
            return
        yield Candidate(os.path.join(home, "bin", "python3"), foreignStart(context), "%s is %s" % (VARIABLE, home))
