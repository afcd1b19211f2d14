"""
What the planning of a PSet looks at, and the two kinds of calls it makes.
"""
import json
import os
import pickle

import attr

from WMCore.WMRuntime.PSetSetup.PSetPlan import TWEAK, JsonFile, ToolCall


@attr.s(frozen=True, eq=False)
class PSetJob(object):
    """
    Hold a step and its job.

    :param step: WMStepHelper
    :param job: Job
    :param directory: str, the step's directory
    :param crab: bool, whether it is CRAB's: the user's number of threads and file names stay
    """
    step = attr.ib()
    job = attr.ib()
    directory = attr.ib()
    crab = attr.ib(default=False)

    @property
    def bag(self):
        """Give the job's baggage, a ConfigSection."""
        return self.job.getBaggage()

    @property
    def data(self):
        """Give the step's ConfigSection."""
        return self.step.data

    @property
    def configuration(self):
        """Give the section that describes the configuration."""
        return self.data.application.configuration

    @property
    def pickle(self):
        """Give the path of the pickle."""
        return self.path(getattr(self.data.application.command, "configurationPickle", "PSet.pkl"))

    @property
    def function(self):
        """Give the name of the function of a Tier-0 scenario, such as merge; None without one."""
        return getattr(self.configuration, "function", None)

    @property
    def isFromScenario(self):
        """Tell whether Configuration.DataProcessing makes the process; else it comes from a file of the sandbox."""
        return getattr(self.configuration, "scenario", None) not in (None, "")

    def path(self, name):
        """
        Give the path of a file of the step.

        :param name: str
        :return: str
        """
        return os.path.join(self.directory, name)

    def scenarioArguments(self):
        """
        Give the arguments that the workload was made with.

        :return: dict, empty when there are none
        """
        pickled = getattr(self.configuration, "pickledarguments", None)
        if pickled is None:
            return {}
        # Written with protocol 0, and kept as text in the workload (Templates/CMSSW.setGlobalTag).
        return pickle.loads(pickled if isinstance(pickled, bytes) else pickled.encode("utf-8"))

    def call(self, program, *options, **settings):
        """
        Make a call of a tool that changes the pickle.

        :param program: str
        :param options: its other arguments
        :param settings: more for ToolCall
        :return: ToolCall
        """
        onPickle = ("--input_pkl", self.pickle, "--output_pkl", self.pickle)
        return ToolCall(program, onPickle + tuple(str(option) for option in options), **settings)

    def tweak(self, name, content, why, *flags):
        """
        Make a call that sets parameters.

        :param name: str, for the file's name, PSetTweak<name>.json
        :param content: PSetTweak, or dict of parameter to value
        :param why: str
        :param flags: flags of edm_pset_tweak.py
        :return: list of one ToolCall, or of none when there is nothing to set
        """
        if not isinstance(content, dict):
            content = json.loads(content.simplejsonise())
        return self.tweakFile(JsonFile(self.path("PSetTweak%s.json" % name), content), why, *flags) if content else []

    def tweakFile(self, tweak, why, *flags):
        """
        Make a call that applies a tweak file.

        :param tweak: JsonFile
        :param why: str
        :param flags: flags of edm_pset_tweak.py
        :return: list of one ToolCall
        """
        return [self.call(TWEAK, *flags, why=why, files=[tweak], tweaks=True)]
