"""
A stand-in for the executor of a StageOut step: does what <start>/behave.json says for the step's name.

Behaviours: ok, fail (exit code 60311), raise, sysexit, sleep, swallow (sleep, and swallow the first
JobTerminated as a bare except does), hang (block signals of the main thread), truncate (leave half a step
report at the end of the job), noReport, code:<python>. Each writes <start>/<step>.began first.
"""
import json
import os
import signal
import time

from WMCore.WMSpec.Steps.Executor import Executor
from WMCore.WMSpec.Steps.WMExecutionFailure import WMExecutionFailure


class StageOut(Executor):
    """Behave."""

    def execute(self, emulator=None):
        """Do what is written for this step."""
        start = os.environ["PROBE_START"]
        with open(os.path.join(start, "behave.json"), encoding="utf-8") as handle:
            behaviour = json.load(handle).get(self.stepName, "ok")

        def sayBegan():
            with open(os.path.join(start, "%s.began" % self.stepName), "w", encoding="utf-8") as handle:
                handle.write(behaviour)
        # The signal comes as soon as the file is there.
        if behaviour not in ("swallow", "hang"):
            sayBegan()
        if behaviour == "fail":
            raise WMExecutionFailure(60311, "StageOutFailure", "the probe fails")
        if behaviour == "raise":
            raise ValueError("the probe raises")
        if behaviour == "sysexit":
            raise SystemExit(0)
        if behaviour == "sleep":
            time.sleep(60)
        if behaviour == "swallow":
            try:
                sayBegan()
                time.sleep(60)
            except:  # noqa: E722, the very thing upstream code does
                pass
            time.sleep(60)
        if behaviour == "hang":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.Signals)
            while True:
                try:
                    sayBegan()
                    time.sleep(60)
                except:  # noqa: E722
                    pass
        if behaviour.startswith("code:"):
            exec(behaviour[5:], {"self": self, "os": os, "start": start})
