"""
What became of the calls of a plan: the record that the driver leaves, psetCalls.json.
"""
import os
import re

from WMCore.WMRuntime.Payload.LogTail import cleanText
from WMCore.WMRuntime.PSetSetup.PSetSetupError import PSetSetupError
from WMCore.WMRuntime.Tools.ScramSession import MAX_FILE_BYTES

DONE = "done"
_LAST_BYTES, _LAST_LINES = 16 * 1024, 30


class PSetCalls(object):
    """
    Hold a record.

    :param record: dict as the driver writes it
    :param logPath: str, of the tools' output
    """

    def __init__(self, record, logPath):
        self.record = record
        self.logPath = logPath

    @property
    def state(self):
        """Give how the driver ended, a str; `running` when it was ended from outside."""
        return self.record.get("state")

    def summary(self):
        """
        Give what belongs into runtimeInfo.json.

        :return: dict
        """
        calls = self.record.get("calls", [])
        ways = [call.get("how") for call in calls]
        return {"python": self.record.get("python"), "state": self.state, "calls": len(calls),
                "driven": ways.count("driven"), "ownProcess": ways.count("ownProcess"),
                "seconds": round(sum(call.get("seconds") or 0 for call in calls), 3)}

    def describe(self, seconds):
        """
        Say in one line per call how it went, then what the tools printed.

        :param seconds: float, how long the driver ran
        :return: str
        """
        lines = ["PSet tools in python %(version)s, %(path)s" % self.record["python"] + ", %.2f s" % seconds]
        for call in self.record.get("calls", []):
            lines.append("  %s: %s, status %s, %s s%s" % (
                call["program"], call["why"], call.get("status"), call.get("seconds"),
                {"ownProcess": ", in its own process: %s" % call.get("reason"), "leftOut": ", left out"}.get(
                    call.get("how"), "")))
        return "\n".join(lines + ["What they printed:", self._output(0, MAX_FILE_BYTES)])

    def _output(self, start, end):
        try:
            with open(self.logPath, "rb") as handle:
                handle.seek(start)
                return cleanText(handle.read(max(0, end - start)))
        except OSError as ex:
            return "(%s)" % ex

    def check(self, plan, configuration, status):
        """
        Raise unless every call succeeded.

        :param plan: PSetPlan that was run
        :param configuration: str, path of the configuration file, or None
        :param status: int, the driver's exit status
        :raises PSetSetupError: with the tool, its arguments, its output and the line of the configuration
        """
        if self.state == DONE and status == 0:
            return
        failed = next((call for call in self.record.get("calls", []) if call.get("status") != 0), None)
        if failed is None:
            raise PSetSetupError("The PSet tools' python ended with status %s" % status,
                                 "after %d of %d calls" % (len(self.record.get("calls", [])), len(plan.calls)), status)
        begin, end = failed.get("output") or (0, MAX_FILE_BYTES)
        said = self._output(max(begin, end - _LAST_BYTES), end)
        code = failed.get("status")
        message = "%s failed with exit code %s (%s)" % (failed["program"], code, failed["why"]) \
            if code is not None else "The PSet tools' python ended with status %s during %s (%s)" % (
                status, failed["program"], failed["why"])
        context = ["command: %s %s" % (failed["program"], " ".join(failed["arguments"]))]
        context += [line for line in [lineOf(configuration, said)] if line]
        context += ["its output ends with:"] + said.splitlines()[-_LAST_LINES:]
        raise PSetSetupError(message, "\n  ".join(context), status if code is None else code)


def lineOf(configuration, output):
    """
    Find the line of a configuration that a traceback leads to.

    :param configuration: str, path of the file, or None
    :param output: str, what a tool printed
    :return: str, such as `PSet.py, line 12: process.foo = 1`; None when none is named
    """
    found = re.findall(r'File "%s", line (\d+)' % re.escape(configuration), output) if configuration else []
    if not found:
        return None
    number = int(found[-1])
    try:
        with open(configuration, encoding="utf-8", errors="replace") as handle:
            text = next((line for count, line in enumerate(handle, 1) if count == number), "")
    except OSError:
        text = ""
    return "%s, line %d: %s" % (os.path.basename(configuration), number, text.strip())
