"""
Tell, while a job runs, which station it has come to: read off wmagentJob.log.
"""
import os
import re
import sys
import threading

#: The record of the log (module, pattern of its message) that shows a job at a station, and how to say it.
STATIONS = (
    ("submit_py3", r"=+ (?:WMAgent )?(.*) STARTING at ", "wrapper", "{0}"),
    ("submit_py3", r"(python [0-9.]+): (.*)$", "", "{0}, {1}"),
    ("JobExecution", r"((?:Loading|Building|Executing|Completing) .*?)(?: at directory.*)?$", "Startup", "{0}"),
    ("ScramArch", r"Choosing from .*?: (.*)$", "", "{0}"),
    ("CMSSW", r"Running SCRAM$", "SCRAM", "session of the release"),
    ("StepScript", r"Invoking: .*ScriptInvoke (\S+) (\S+)", "ScriptInvoke", "{1} for {0}"),
    ("CmsRun", r"Executing CMSSW", "cmsRun", "the payload"),
    ("ExecuteMaster", r"StepName: (\S+), StepType: (\S+), with result: (.*)$", "step", "{0} ({1}) gave {2}"),
)
_RECORD = re.compile(r"^\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d),\d+:[A-Z]+:(\w+):(.*)$")


def stationOf(line):
    """
    Say what a line of wmagentJob.log tells of the job's way.

    :param line: str
    :return: str for a person to read, or None when the line shows no station
    """
    record = _RECORD.match(line.rstrip("\n"))
    if not record:
        return None
    for module, pattern, station, text in STATIONS:
        found = record.group(2) == module and re.match(pattern, record.group(3))
        if found:
            return "%s  %-13s %s" % (record.group(1), station, text.format(*found.groups()))
    return None


class LogFollower(threading.Thread):
    """
    Print what a growing log tells, until told to stop.

    :param path: str, the log; it may not exist yet
    :param say: callable taking a line, returning what to print or None
    """

    def __init__(self, path, say=stationOf):
        super(LogFollower, self).__init__(daemon=True)
        self.path = path
        self.say = say
        self.finished = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.finished.set()
        self.join(5)

    def run(self):
        while not os.path.exists(self.path):
            if self.finished.wait(0.05):
                return
        with open(self.path, encoding="utf-8", errors="replace") as handle:
            last, begun = False, ""
            while not last:
                last = self.finished.wait(0.1)
                for piece in handle:
                    begun += piece
                    # The writer may be in the middle of a line.
                    if begun.endswith("\n"):
                        self._print(begun)
                        begun = ""

    def _print(self, line):
        text = self.say(line)
        if text:
            sys.stdout.write(text.rstrip("\n") + "\n")
            sys.stdout.flush()
