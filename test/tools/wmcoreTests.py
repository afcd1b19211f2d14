"""
Run WMCore's own unit tests of what this project replaces, without and with this project's code on top.

    bin/run-tests wmcore TREE [--with DIR]... [--part FOLDER]... [--limit SECONDS]

WMCore's tests are not part of its package; they come from a checkout named on the command line. A test that passes
without this project's code and not with it is an error of this project. See docs/wmcore-tests.md.

The module is also the pytest plug-in that notes the outcomes: the processes it starts load it with ``-p wmcoreTests``.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SOURCE = os.path.join(TOP, "src")
#: Below test/python of the checkout: the runtime, the steps, the report, the PSet tweaks.
PARTS = ("WMCore_t/WMRuntime_t", "WMCore_t/WMSpec_t/Steps_t", "WMCore_t/FwkJobReport_t", "PSetTweaks_t")
#: The plug-in appends one JSON line for each event to the file this variable names.
OUTCOMES = "WMCORE_TESTS_OUTCOMES"
#: Seconds for one test, handed to the plug-in in this variable; a stage-out that fails waits ten minutes for its retry.
LIMIT = "WMCORE_TESTS_LIMIT"
#: Seconds for one process, when even the limit for a test does not end it.
TIME_LIMIT = 900
PASSED, TOO_LONG, ABSENT = "passed", "too long", "-"


class TestTookTooLong(BaseException):
    """End a test at its time limit; no Exception, for the code under test may catch those and go on."""

    __test__ = False


def note(**what):
    """Append one event to the outcome file, when this process has one."""
    path = os.environ.get(OUTCOMES)
    if path:
        with open(path, "a") as stream:
            stream.write(json.dumps(what) + "\n")


def lastWords(report):
    """Give the one line of a pytest report that says why."""
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    text = crash.message if crash else str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    said = [line for line in lines if line.strip().startswith("Message:")]  # WMException frames its message
    return (said[0] if said else lines[0] if crash else lines[-1]).strip()[:200]


def pytest_configure(config):
    """
    Limit the time of a test, and let a child that is started with an empty environment find this interpreter.

    SandboxCreator_t starts ``python`` with PYTHONPATH alone, so only the default path is searched.
    """
    config.pluginmanager.register(TimeLimit(float(os.environ[LIMIT])))
    os.defpath = os.path.dirname(sys.executable) + os.pathsep + os.defpath


class TimeLimit(object):
    """The time limit of the running test: a thread that signals the main one; LogArchive uses the alarm itself."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.timer = None
        signal.signal(signal.SIGUSR2, self.stop)

    def stop(self, *_):
        """End the test, and again two seconds later, when a bare `except:` has swallowed it."""
        self.start(2)
        raise TestTookTooLong("stopped after %g seconds" % self.seconds)

    def start(self, seconds):
        """Start the limit anew."""
        self.cancel()
        self.timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGUSR2))
        self.timer.daemon = True
        self.timer.start()

    def cancel(self):
        """Lift the limit."""
        if self.timer:
            self.timer.cancel()

    def pytest_runtest_setup(self):
        """Start the test's limit."""
        self.start(self.seconds)

    def pytest_runtest_teardown(self):
        """End the test's limit."""
        self.cancel()


def pytest_collection_modifyitems(items):
    """Note the tests of the file, so that one that never reports (a crash, a time limit) is not lost."""
    for item in items:
        note(test=item.nodeid, outcome="no result", why="the process ended before the test did")


def pytest_collectreport(report):
    """Note a file that cannot be imported."""
    if report.outcome != PASSED:
        note(test=report.nodeid or "collection", outcome="not imported" if report.failed else report.outcome,
             why=lastWords(report))


def pytest_runtest_logreport(report):
    """Note the outcome of a test: of its call, or of the set-up or tear-down that failed."""
    if report.when == "call" or report.outcome != PASSED:
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        why = "" if outcome == PASSED else lastWords(report)
        note(test=report.nodeid, outcome=TOO_LONG if TestTookTooLong.__name__ in why else outcome, why=why)


def pytest_sessionfinish():
    """Note which modules of this project the tests imported, the packages' own __init__ aside."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    note(ours=sorted({os.path.relpath(name, SOURCE) for name in files if name and name.startswith(SOURCE + os.sep)
                      and not name.endswith("__init__.py")}))


class Side(object):
    """One of the two ways to run the tests: a path to import from, and what came out."""

    def __init__(self, name, path, tree, limit):
        self.name = name
        self.tests = os.path.join(tree, "test", "python")
        entries = path + [self.tests, os.path.dirname(os.path.abspath(__file__))]
        self.env = dict(os.environ, PYTHONPATH=os.pathsep.join(entries), WMCORE_ROOT=tree, WMCORE_TEST_ROOT=self.tests,
                        PYTHONDONTWRITEBYTECODE="1", **{LIMIT: str(limit)})
        self.outcomes, self.reasons, self.ours, self.alone = {}, {}, {}, set()

    def where(self, module):
        """Say which file a module is imported from on this side, or why it cannot be."""
        done = subprocess.run([sys.executable, "-c", "import %s as m; print(m.__file__)" % module], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=TIME_LIMIT)
        return done.stdout.decode("utf-8", "replace").strip().splitlines()[-1]

    def runFile(self, name):
        """
        Run the tests of one file in one process, then alone those that did not pass: the files share state.

        :param name: str, the file, below test/python
        """
        found, why, self.ours[name] = self.runOnce(name)
        for test in [test for test, outcome in found.items() if outcome in ("failed", "error", "no result") and "::" in test]:
            again, whyAlone, _ = self.runOnce(test)
            if again.get(test) == PASSED:
                self.alone.add(test)
            found[test], why[test] = again.get(test, found[test]), whyAlone.get(test, why.get(test))
        self.outcomes[name] = found
        self.reasons.update(why)

    def runOnce(self, what):
        """
        Run a file or one test in a process of its own, in an empty directory.

        :param what: str, file or node id
        :return: (dict of node id to outcome, dict of node id to reason, list of this project's modules imported)
        """
        with tempfile.TemporaryDirectory(prefix="wmcoreTests-") as scratch:
            log, output, work = [os.path.join(scratch, part) for part in ("outcomes", "output", "work")]
            os.mkdir(work)
            open(log, "w").close()
            command = [sys.executable, "-m", "pytest", "-q", "-p", "wmcoreTests", "-p", "no:cacheprovider",
                       "-o", "python_files=*_t.py", "-c", os.devnull, "--rootdir", self.tests, os.path.join(self.tests, what)]
            limited = self.runLimited(command, dict(self.env, TMPDIR=work, **{OUTCOMES: log}), work, output)
            found, why, ours = {}, {}, []
            with open(log) as stream:
                for event in map(json.loads, stream):
                    ours = event.get("ours", ours)
                    if "test" in event and found.get(event["test"]) not in ("failed", "error", TOO_LONG):
                        found[event["test"]], why[event["test"]] = event["outcome"], event["why"]
            if not found:
                with open(output, errors="replace") as stream:
                    lines = [line for line in stream.read().splitlines() if line.strip()]
                found[what], why[what] = "no result", limited or (lines[-1] if lines else "pytest said nothing")
        return found, why, ours

    @staticmethod
    def runLimited(command, env, cwd, output):
        """Run a command for TIME_LIMIT seconds at most, then end what it started; say so in the returned text."""
        with open(output, "wb") as stream:
            child = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stream,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            try:
                child.wait(TIME_LIMIT)
                return ""
            except subprocess.TimeoutExpired:
                return "stopped after %d seconds" % TIME_LIMIT
            finally:
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                child.wait()


def findFiles(tree, parts):
    """List the test files of the checkout that are compared, below test/python."""
    tests = os.path.join(tree, "test", "python")
    found = []
    for part in (os.path.join(tests, part) for part in parts):
        if os.path.isfile(part):
            found.append(part)
        for folder, _, names in sorted(os.walk(part)):
            found.extend(os.path.join(folder, name) for name in sorted(names) if name.endswith("_t.py"))
    return [os.path.relpath(name, tests) for name in found]


def printFile(name, without, ours):
    """
    Print the tests of one file.

    :param name: str, the file
    :param without: Side
    :param ours: Side
    :return: (list of tests that pass without this project's code only, number that pass without)
    """
    first, second = without.outcomes[name], ours.outcomes[name]
    print("%s  (modules of this project imported: %d)" % (name, len(ours.ours[name])))
    broken, passing = [], 0
    for test in sorted(set(first) | set(second)):
        before, after = first.get(test, ABSENT), second.get(test, ABSENT)
        shown = [outcome + (", alone" if test in side.alone else "")
                 for outcome, side in ((before, without), (after, ours))]
        print("    %-64s %-16s %-16s" % (test[len(name):].lstrip(":") or "(the file)", shown[0], shown[1]))
        passing += before == PASSED
        if before == PASSED and after != PASSED:
            broken.append(test)
        for side, outcome in ((without, before), (ours, after)):
            if outcome not in (PASSED, ABSENT):
                print("        %s: %s" % (side.name, side.reasons.get(test, "")))
    if not passing:
        print("    nothing was compared: no test of this file passes without this project's code")
    sys.stdout.flush()
    return broken, passing


def parse(words):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bin/run-tests wmcore", description="WMCore's own tests, without and with this code")
    parser.add_argument("tree", metavar="TREE", help="a checkout of WMCore (its test/python is what is run)")
    parser.add_argument("--with", dest="standIns", metavar="DIR", action="append", default=[],
                        help="a directory of modules to import before WMCore's, on both sides: stand-ins of services")
    parser.add_argument("--part", dest="parts", metavar="FOLDER", action="append",
                        help="a folder or file below test/python (default: %s)" % " ".join(PARTS))
    parser.add_argument("--limit", metavar="SECONDS", type=float, default=60.0, help="for one test (default: %(default)s)")
    return parser.parse_args(words)


def main(words):
    """
    Compare the two runs and print them.

    :param words: list of str, the command line
    :return: int, 0 when something was compared and this project's code breaks none of it
    """
    given = parse(words)
    tree = os.path.abspath(given.tree)
    files = findFiles(tree, given.parts or PARTS)
    if not files:
        print("wmcoreTests: no *_t.py under %s; expected a checkout of WMCore. Nothing was compared."
              % os.path.join(tree, "test", "python"))
        return 1
    own = os.path.join(tree, "src", "python")
    upstream = ([own] if os.path.isdir(os.path.join(own, "WMCore")) else []) + os.environ["WMCORE_UPSTREAM"].split(os.pathsep)
    standIns = [os.path.abspath(name) for name in given.standIns]
    without = Side("without", standIns + upstream, tree, given.limit)
    ours = Side("with", [SOURCE] + standIns + upstream, tree, given.limit)
    for side in (without, ours):
        print("%-8s WMCore.WMRuntime.Bootstrap is %s" % (side.name, side.where("WMCore.WMRuntime.Bootstrap")))
    if [side.where("WMCore.WMRuntime.Bootstrap").startswith(SOURCE) for side in (without, ours)] != [False, True]:
        print("wmcoreTests: expected WMCore's without and this project's with; nothing was compared.")
        return 1
    print("\n%-68s %-16s %-16s" % ("test", "without", "with"))
    broken, passing = [], 0
    for name in files:
        without.runFile(name)
        ours.runFile(name)
        lost, some = printFile(name, without, ours)
        broken, passing = broken + lost, passing + some
    return conclude(files, without, ours, broken, passing)


def conclude(files, without, ours, broken, passing):
    """Print the sums and give the exit code."""
    touched = sum(1 for name in files if ours.ours[name])
    total = {test for side in (without, ours) for name in files for test in side.outcomes[name]}
    after = sum(list(ours.outcomes[name].values()).count(PASSED) for name in files)
    print("\n%d test files (%d of them import code of this project), %d tests: %d pass without this project's code, %d with it; "
          "broken by it: %d" % (len(files), touched, len(total), passing, after, len(broken)))
    for test in broken:
        print("broken: %s: %s" % (test, ours.reasons.get(test, "did not run")))
    if not passing:
        print("no test of WMCore's passes even without this project's code: nothing was compared")
    return 1 if broken or not passing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
