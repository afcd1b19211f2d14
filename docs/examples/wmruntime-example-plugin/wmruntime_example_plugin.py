"""
Example of two plugins.

SitePython proposes the python that a site has installed for its jobs. The site names the directory in
SITE_PYTHON_HOME; without it the plugin stays out of the way.

ProfiledCmsRun lets a workload ask for `cmsRunIgProf` or `cmsRunPython3IgProf`: cmsRun under igprof, the profiler
that comes with a release. The profile is igprof.gz in the step's directory, and is in the job's log archive.
"""
import os
import shutil

from WMCore.WMRuntime.Interpreter.Interpreter import Rejected
from WMCore.WMRuntime.Interpreter.InterpreterProvider import SCRIPTS, Candidate, InterpreterProvider
from WMCore.WMRuntime.Interpreter.StartEnvironment import foreignStart
from WMCore.WMRuntime.Payload.ExecutableProvider import Executable, ExecutableProvider, FromRelease

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


class ProfiledCmsRun(ExecutableProvider):
    """Find cmsRun and its twin under igprof, for a step that names them with IgProf at the end."""
    name = "igprof"
    priority = 30
    suffix = "IgProf"

    def find(self, name, context):
        """Find igprof in the release's environment, and in the release what it is to profile."""
        if name not in ("cmsRunIgProf", "cmsRunPython3IgProf"):
            return None
        profiler = shutil.which("igprof", path=context.searchPath or "")
        profiled = FromRelease().find(name[:-len(self.suffix)], context)
        if profiler is None or profiled is None:
            return None
        # main.sh adds the job report, the PSet and the arguments.
        command = "igprof -d -t %s -pp -z -o igprof.gz %s" % (profiled.name, profiled.name)
        return Executable(command, profiler, profiled.python, profiled.version,
                          ("%s profiles %s" % (profiler, profiled.path),) + tuple(profiled.reasons))

    def names(self, context):
        """List what there is, for the message to whoever names something else."""
        return [name for name in ("cmsRunIgProf", "cmsRunPython3IgProf") if self.find(name, context)]
