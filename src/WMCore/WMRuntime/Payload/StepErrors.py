"""
Look at, and put in order, the errors in the report of a step.

WMCore judges a step by its first error that has a code. They are added as they are found out, so the strongest
is put first here, by the one order of WMRuntime.Errors.
"""
from WMCore.WMRuntime.Errors import errorRank


def _errors(step):
    """List the error sections of a step; none when there is no step."""
    section = getattr(step, "errors", None)
    return [getattr(section, "error%d" % number) for number in range(getattr(section, "errorCount", 0))]


def errorCodes(step):
    """
    List the codes of a step's errors.

    :param step: ConfigSection of the step, or None
    :return: tuple of int in the order of the errors; None for an error without one
    """
    return tuple(getattr(error, "exitCode", None) for error in _errors(step))


def strongestFirst(step):
    """
    Order the errors of a step by what they say about the cause; equals keep their order.

    :param step: ConfigSection of the step
    """
    errors = _errors(step)
    ordered = sorted(errors, key=lambda error: errorRank(getattr(error, "exitCode", None)))
    contents = [dict(vars(error)) for error in ordered]
    for section, content in zip(errors, contents):
        # The sections keep their names and places, their contents change.
        name = section._internal_name
        vars(section).clear()
        vars(section).update(content, _internal_name=name)
