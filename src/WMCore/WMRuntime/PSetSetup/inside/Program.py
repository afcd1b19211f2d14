"""
Run a plan of cmssw-wm-tools calls in this one python, the release's.

    python psetDriver <plan> <record> <log> <name of this python> [--ask]

FWCore is imported by the first tool and stays, and so does the process, in memory. What only a failure or another
process needs is imported then: each module is a file or more of CVMFS.
"""
import errno
import io
import json
import os
import sys
import time

from .HeldProcess import HeldProcess, outputModules
from .Surroundings import Surroundings
from .ToolFile import Refused, compiled, findProgram

PYTHON2 = sys.version_info[0] == 2
# What the tools themselves ask python3 before they choose it (cms-sw/cmssw-wm-tools).
QUESTION = "FWCore.PythonFramework.CmsRun"
# The pythons of CMSSW read this through their sitecustomize; one that does not finds FWCore all the same.
RELEASE_PATH = "PYTHON27PATH" if PYTHON2 else "PYTHON3PATH"
MODULE_MARK, SOURCE_MARK = "@outputModule@", "@sourceType@"
RUNNING, DONE, FAILED, WRONG_PYTHON = "running", "done", "failed", "wrongPython"


def native(value):
    """
    Make str of the texts of JSON, which in python 2 are not.

    :param value: a JSON value
    :return: the same with str only
    """
    if isinstance(value, dict):
        return dict((native(key), native(item)) for key, item in value.items())
    if isinstance(value, list):
        return [native(item) for item in value]
    return value.encode("utf-8") if PYTHON2 and isinstance(value, type(u"")) else value


def writeJson(path, value):
    """
    Write a JSON file, whole or not at all.

    :param path: str
    :param value: a JSON value
    """
    temporary = "%s.%d.tmp" % (path, os.getpid())
    with open(temporary, "wb") as handle:
        handle.write(json.dumps(value, indent=1, sort_keys=True).encode("ascii"))
    os.rename(temporary, path)


class Driver(object):
    """
    Run the calls of a plan, and keep a record on disk of how far it is.

    :param plan: dict
    :param recordPath: str
    :param logPath: str, where the tools' output goes
    :param python: str, the name this python was started by
    """

    def __init__(self, plan, recordPath, logPath, python):
        self.plan, self.recordPath, self.python = plan, recordPath, python
        self.log = io.open(logPath, "ab", 0)
        self.surroundings, self.held = Surroundings(), HeldProcess(plan["pickle"])
        self.record = {"format": 1, "state": RUNNING, "calls": [], "log": logPath, "pid": os.getpid(),
                       "python": {"path": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3]}}

    def save(self, state=None):
        """
        Write the record.

        :param state: str, or None to keep it
        """
        self.record.update(state=state or self.record["state"], loads=self.held.loads, dumps=self.held.dumps)
        writeJson(self.recordPath, self.record)

    def say(self, text):
        """
        Write a line of the driver's own into the log, whatever the locale is.

        :param text: str
        """
        line = text + "\n"
        self.log.write(line if isinstance(line, bytes) else line.encode("utf-8", "backslashreplace"))

    def run(self):
        """
        Run the plan up to its end or to the first call that fails.

        :return: int, status for this process
        """
        os.dup2(self.log.fileno(), 1)
        os.dup2(self.log.fileno(), 2)
        writing = {"id": None, "program": "write the process", "arguments": [self.held.path], "why": "after all tools"}
        done = all(self.runOne(call) == 0 for call in self.plan["calls"])
        # After a failure, too: what the tools made of the process up to there is worth a look.
        done = self.runOne(writing) == 0 and done
        self.save(DONE if done else FAILED)
        return int(not done)

    def runOne(self, call):
        """
        Run one call.

        :param call: dict
        :return: int, its status
        """
        entry = dict((name, call[name]) for name in ("id", "program", "arguments", "why"))
        entry.update(how="running", status=None)
        self.record["calls"].append(entry)
        self.save()
        self.say("==> %s %s  # %s" % (call["program"], " ".join(call["arguments"]), call["why"]))
        begin, start = time.time(), os.fstat(self.log.fileno()).st_size
        try:
            entry["how"], entry["status"] = self.start(call, entry)
        except Exception:
            import traceback
            traceback.print_exc()
            entry["how"], entry["status"] = "builtIn", 1
        finally:
            self.surroundings.leave()
            entry["seconds"] = round(time.time() - begin, 4)
            entry["output"] = [start, os.fstat(self.log.fileno()).st_size]
        return entry["status"]

    def start(self, call, entry):
        """Give (str how, int status) of a call that is made, checked or left out."""
        if call.get("sourceTypes"):
            kind = str(self.held.look().source.type_())
            if kind not in call["sourceTypes"]:
                self.say("Left out: the source is a %s" % kind)
                return "leftOut", 0
            entry["arguments"] = [argument.replace(SOURCE_MARK, kind) for argument in call["arguments"]]
        if call["program"] == "check the source":
            return "builtIn", self.checkSource()
        if call["id"] is None:
            self.held.flush()
            return "builtIn", 0
        for path, template in sorted(call.get("perOutputModule", {}).items()):
            self.expand(path, template)
        try:
            path = findProgram(call["program"])
            code = compiled(path, self.python)
        except Refused as refusal:
            entry["reason"] = str(refusal)
            return "ownProcess", self.apart(call["program"], entry["arguments"])
        self.held.touched = False
        status = self.surroundings.run(code, path, entry["arguments"])
        if status != 0 and self.held.wasMissed():
            self.surroundings.leave()
            entry["reason"] = "driven it gave %d, before it read or wrote the process by pickle.load and dump" % status
            return "ownProcess", self.apart(call["program"], entry["arguments"])
        return "driven", status

    def checkSource(self):
        """Give 1 for a process without a source."""
        process = self.held.look()
        if getattr(process, "source", None) is not None:
            return 0
        self.say("The process has no source. It has: %s"
                 % ", ".join(name for name in dir(process) if not name.startswith("__")))
        return 1

    def expand(self, path, template):
        """Write a tweak file with the template repeated for each output module."""
        text = json.dumps(template)
        groups = [group for label in outputModules(self.held.look()) for group in
                  json.loads(text.replace(MODULE_MARK, label))]
        writeJson(path, groups)

    def apart(self, program, arguments):
        """Run a tool in its own process and give its status, as a shell's."""
        import subprocess
        self.held.flush()
        try:
            status = subprocess.call([program] + arguments, stdout=self.log, stderr=self.log)
        except EnvironmentError as error:
            self.say("%s cannot be started: %s" % (program, error))
            return 126 if getattr(error, "errno", None) == errno.EACCES else 127
        return 128 - status if status < 0 else status


def isRightPython():
    """Ask what the tools ask before they take python3."""
    try:
        __import__(QUESTION)
    except Exception:
        return False
    return True


def main(planPath, recordPath, logPath, python, *options):
    """
    Run a plan.

    :param planPath: str, of the plan
    :param recordPath: str, of the record to write
    :param logPath: str, of the file for the tools' output
    :param python: str, the name this python was started by
    :param options: `--ask` to run nothing unless this is the python the tools would take
    :return: int, 0 when all calls gave 0
    """
    with io.open(planPath, encoding="utf-8") as handle:
        plan = native(json.load(handle))
    sys.path[1:1] = [entry for entry in os.environ.get(RELEASE_PATH, "").split(os.pathsep)
                     if entry and entry not in sys.path]
    del sys.path[0]  # where this program is; a tool has its own there
    driver = Driver(plan, recordPath, logPath, python)
    if "--ask" in options and not isRightPython():
        driver.save(WRONG_PYTHON)
        return 0
    return driver.run()
