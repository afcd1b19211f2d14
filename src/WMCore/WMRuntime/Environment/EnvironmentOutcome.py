"""
What became of a job's environment: what was asked for, what was made ready, and why.

A job that has to change its python or go into a container starts Startup a second time; what the first
one did reaches the second in a variable, which also keeps it from being done twice.
"""
import base64
import json

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

APPLIED_VARIABLE = "WMRUNTIME_ENVIRONMENT_APPLIED"
# Name, type, type of what is in it.
_HANDED_OVER = (("asked", dict, dict), ("prepared", list, dict), ("reasons", list, str), ("stages", list, str))


@attr.s(frozen=True)
class EnvironmentOutcome(object):
    """
    Hold what became of a job's environment.

    :param asked: dict of str to dict, as EnvironmentRequest.toDict gives it
    :param prepared: tuple of dict, as Prepared.toDict gives them
    :param reasons: tuple of str
    :param stages: tuple of str, those for which a process was already replaced
    :param error: WMRuntimeError, why the job cannot run, or JobTerminated; None when it can
    """
    asked = attr.ib(factory=dict, type=dict, hash=False)
    prepared = attr.ib(default=(), converter=tuple)
    reasons = attr.ib(default=(), converter=tuple)
    stages = attr.ib(default=(), converter=tuple)
    error = attr.ib(default=None)

    def adding(self, prepared=None, reason=None, stage=None):
        """
        Give the outcome with one thing more.

        :param prepared: Prepared, or None
        :param reason: str, or None
        :param stage: str, or None
        :return: EnvironmentOutcome
        """
        more = self if prepared is None else attr.evolve(
            self, prepared=self.prepared + (prepared.toDict(),),
            reasons=self.reasons + tuple("%s: %s" % (prepared.provider, one) for one in prepared.reasons))
        return attr.evolve(more, reasons=more.reasons + ((reason,) if reason else ()),
                           stages=more.stages + ((stage,) if stage else ()))

    def failed(self, error):
        """
        Give the outcome of a job that cannot run.

        :param error: WMRuntimeError, or JobTerminated
        :return: EnvironmentOutcome
        """
        return attr.evolve(self, error=error)

    def toDict(self):
        """
        Give it for runtimeInfo.json.

        :return: dict
        """
        found = {"asked": self.asked, "prepared": list(self.prepared), "reasons": list(self.reasons)}
        if self.error is not None:
            found["error"] = str(self.error)
        return found

    def toVariable(self):
        """
        Write it for the process that is started next.

        :return: str, base64 of JSON: an old singularity hands no value with a backslash over, and would lose it
        """
        text = json.dumps(dict(self.toDict(), stages=list(self.stages)), sort_keys=True)
        return base64.b64encode(text.encode("ascii")).decode("ascii")

    @classmethod
    def fromVariable(cls, text):
        """
        Read what the process before this one wrote.

        :param text: str
        :return: EnvironmentOutcome
        :raises WMRuntimeError: when it is something else: nothing may then be started again
        """
        try:
            data = json.loads(base64.b64decode(text, validate=True).decode("ascii"))
            values = [data[name] for name, _, _ in _HANDED_OVER]
            for value, (_, kind, parts) in zip(values, _HANDED_OVER):
                ofValues = value.values() if isinstance(value, dict) else value
                if not isinstance(value, kind) or not all(isinstance(one, parts) for one in ofValues):
                    raise ValueError("its parts have the wrong types")
            return cls(*values)
        except (ValueError, KeyError, TypeError, RecursionError) as ex:
            raise WMRuntimeError(11014, "What was done about the job's environment cannot be read.",
                                 "%s: expected what Startup writes, found %.80r: %s" % (APPLIED_VARIABLE, text, ex),
                                 "do not set this variable")
