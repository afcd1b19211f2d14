"""Test that runtime scripts are made by their names."""
import sys
import types

import pytest

pytestmark = pytest.mark.usefixtures("upstreamTree")


def provide(monkeypatch, name, **content):
    """Put a module into the Scripts folder."""
    module = types.ModuleType("WMCore.WMRuntime.Scripts." + name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_aScriptIsMadeByItsName():
    from WMCore.WMRuntime.ScriptFactory import getScript
    from WMCore.WMRuntime.ScriptInterface import ScriptInterface
    script = getScript("SetupCMSSWPset")
    assert type(script).__name__ == "SetupCMSSWPset" and isinstance(script, ScriptInterface)


def test_everyCallMakesANewOne():
    from WMCore.WMRuntime.ScriptFactory import getScript
    assert getScript("SetupCMSSWPset") is not getScript("SetupCMSSWPset")


def test_aScriptThatIsNotThereIsNamedWithTheReason():
    from WMCore.WMRuntime.ScriptFactory import ScriptFactoryException, getScript
    with pytest.raises(ScriptFactoryException, match="(?s)NoSuchScript.*ModuleNotFoundError"):
        getScript("NoSuchScript")


def test_aModuleWithoutTheClassIsNamedWithTheReason(monkeypatch):
    from WMCore.WMRuntime.ScriptFactory import ScriptFactoryException, getScript
    provide(monkeypatch, "Empty")
    with pytest.raises(ScriptFactoryException, match="(?s)Empty.*AttributeError"):
        getScript("Empty")


def test_5572AnErrorOfTheScriptsOwnIsShownInFull(monkeypatch):
    from WMCore.WMRuntime.ScriptFactory import ScriptFactoryException, getScript

    class Broken(object):
        def __init__(self):
            raise ValueError("the cause")
    provide(monkeypatch, "Broken", Broken=Broken)
    details = "(?s)Broken.*ValueError: the cause.*Traceback.*ScriptFactory_t.py"
    with pytest.raises(ScriptFactoryException, match=details):
        getScript("Broken")


def test_theExceptionIsAWMExceptionAsUpstreams():
    from WMCore.WMException import WMException
    from WMCore.WMRuntime.ScriptFactory import ScriptFactoryException
    assert issubclass(ScriptFactoryException, WMException)
