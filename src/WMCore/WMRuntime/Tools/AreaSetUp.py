"""
Have scram make a project area and give its environment, again where the failure may pass.
"""
import os

import attr

from WMCore.WMRuntime.Tools.ScramChecks import mayPass, runtimeProblem
from WMCore.WMRuntime.Tools.ScramScript import INITIALISE_FAILED

PROJECT_FAILED = 3
RUNTIME_FAILED = 4


@attr.s(frozen=True)
class AreaSetUp(object):
    """
    Hold what setting up an area takes.

    :param area: ProjectArea
    :param version: str, the release
    :param script: ScramScript
    :param environ: dict, scram's environment
    :param attempts: ScramAttempts, the record
    :param pauses: sequence of seconds to wait before each further try
    :param pause: callable taking seconds, which waits
    """
    area = attr.ib()
    version = attr.ib()
    script = attr.ib()
    environ = attr.ib()
    attempts = attr.ib()
    pauses = attr.ib()
    pause = attr.ib()

    def makeArea(self):
        """
        Run scram project until the area is good, what can be mended is mended, or the tries are used up.

        A broken area that was there before is renamed and made anew, once and without a pause.

        :return: tuple of int, 0 or the code of the failure, and str, the problem
        """
        directory = os.path.dirname(self.area.path)
        stages = self.script.project(self.version, directory)
        pauses, mended = list(self.pauses), False
        while True:
            existed = os.path.lexists(self.area.path)
            run = self.attempts.start("project", stages, self.environ, directory)
            ran = run.stage == "project"
            problem = self.area.problem(justMade=not existed) if ran and run.exit.ok else "scram project failed"
            if problem is None:
                return 0, ""
            self.attempts.note(problem)
            broken = ran and os.path.lexists(self.area.path) and self.area.problem() is not None
            mend = broken and existed and not mended
            again = mend or (pauses and (mayPass(run) or self.area.vanishedRelease()))
            if not again or (broken and not self._clearAway()):
                return INITIALISE_FAILED if run.stage == "initialise" else PROJECT_FAILED, problem
            if mend:
                mended = True
            else:
                self.pause(pauses.pop(0))

    def _clearAway(self):
        try:
            aside = self.area.moveAside()
        except OSError as ex:
            self.attempts.note("it cannot be renamed: %s" % ex)
            return False
        self.attempts.note("it was renamed to %s and is made anew" % aside)
        return True

    def takeEnvironment(self):
        """
        Run scram runtime until its environment, `attempts.lastRun.environ`, is good or the tries are used up.

        :return: tuple of int, 0 or the code of the failure, and str, the problem
        """
        stages, pauses = self.script.runtime(self.area.path), list(self.pauses)
        while True:
            run = self.attempts.start("runtime", stages, self.environ, self.area.path, capture=True)
            problem = runtimeProblem(run, self.environ, self.area, self.version)
            if problem is None:
                return 0, ""
            self.attempts.note(problem)
            if not pauses or not mayPass(run):
                return INITIALISE_FAILED if run.stage == "initialise" else RUNTIME_FAILED, problem
            self.pause(pauses.pop(0))
