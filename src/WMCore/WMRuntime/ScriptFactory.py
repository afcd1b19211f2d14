"""
Runtime scripts by name: WMCore.WMRuntime.Scripts.<name> holds class <name>.
"""
import traceback

from WMCore.WMRuntime.NeedsWMCore import needsWMCore

with needsWMCore(__name__):
    from WMCore.WMException import WMException
    from WMCore.WMFactory import WMFactory

NAMESPACE = "WMCore.WMRuntime.Scripts"


class ScriptFactoryException(WMException):
    """Say which script could not be had, and why."""


class ScriptFactory(WMFactory):
    """Make scripts from the Scripts folder."""

    def __init__(self):
        WMFactory.__init__(self, self.__class__.__name__, NAMESPACE)


def getScript(scriptName):
    """
    Make a script.

    :param scriptName: str, its module's and class' name
    :return: ScriptInterface
    :raises ScriptFactoryException: when it cannot be imported or made
    """
    try:
        return ScriptFactory().loadObject(scriptName)
    except WMException as ex:
        raise ScriptFactoryException("ScriptFactory Unable to load Object: %s\n%s" % (scriptName, ex))
    except Exception as ex:
        raise ScriptFactoryException("Error creating object %s of %s in ScriptFactory:\n%s: %s\n%s" % (
            scriptName, NAMESPACE, type(ex).__name__, ex, traceback.format_exc()))
