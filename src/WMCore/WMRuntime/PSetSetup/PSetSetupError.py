"""
The failure of setting a PSet up.
"""
from WMCore.WMRuntime.Errors import WMRuntimeError

# The number of all that fails before cmsRun; that it was not SCRAM is in the name.
PRE_SCRIPT_FAILURE = 50513
_HINT = "psetTools.log has all that the tools printed, psetCalls.json each call and its status"


class PSetSetupError(WMRuntimeError):
    """
    Say which tool failed, on what, and what it said.

    :param message: str, what happened
    :param context: str, the call, the PSet's line, the end of the output
    :param status: int, the exit status of the tool or of the driver
    """

    def __init__(self, message, context, status):
        super(PSetSetupError, self).__init__(PRE_SCRIPT_FAILURE, message, context, _HINT)
        self.name = "PSetSetupFailure"
        self.status = status
