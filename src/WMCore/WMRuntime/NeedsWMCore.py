"""
Say in one clear error that a module needs WMCore, when WMCore is not there.
"""
from contextlib import contextmanager

_UPSTREAM_PACKAGES = ("WMCore", "Utils", "PSetTweaks", "future", "past")


class WMCoreMissing(ImportError):
    """
    Say which module needs WMCore, what was not found, and what to do.

    An ImportError, so that whoever imports the module as an option need not know this class.
    """


@contextmanager
def needsWMCore(module):
    """
    Guard the imports of upstream's modules at the top of one of ours.

    :param module: str, name of the module that has the imports
    :raises WMCoreMissing: when something of WMCore, or of what it imports, is not on the path
    """
    try:
        yield
    except ModuleNotFoundError as ex:
        if (ex.name or "").split(".")[0] not in _UPSTREAM_PACKAGES:
            raise
        raise WMCoreMissing(
            "%s needs WMCore, which is not on the Python path: no module %s.\n"
            "  what to do: put wmcore and future on the path behind wmcore-runtime, for example in a directory made by"
            " `pip install --no-deps --target DIR wmcore future`; in a job, check that WMCore.zip and the job's"
            " directory are on PYTHONPATH" % (module, ex.name)) from None
