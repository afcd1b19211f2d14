"""Test the base of the runtime scripts, which needs nothing of WMCore."""
from WMCore.WMRuntime.ScriptInterface import ScriptInterface


def test_aScriptThatOverridesNothingSucceeds():
    assert ScriptInterface()() == 0


def test_aScriptThatSkipsTheBasesInitStillGetsItsStepSpaceFromTheInvoker():
    class Script(ScriptInterface):
        def __call__(self):
            return 3 if self.stepSpace is None else 0
    script = Script()
    assert script() == 3
    script.stepSpace = object()
    assert script() == 0
