"""
What a runtime script is: something to call in a step's directory before the payload runs.
"""


class ScriptInterface(object):
    """
    Serve as base of the scripts.

    ScriptInvoke sets `task`, `step`, `job` and `stepSpace` before the call.
    """

    def __init__(self):
        self.stepSpace = None

    def __call__(self):
        """
        Do the script's work; to be overridden.

        :return: int, exit status, 0 for success
        """
        return 0
