"""
Run WMCore's own unit tests of what this project replaces, without and with this project's code on top.

WMCore's tests are not part of its package; they come from a checkout named on the command line. The two
runs must give the same answer for every test: a test that passes without our code and not with it fails.
"""
import os
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
#: Below test/python of the checkout: the runtime, the steps, the report, the PSet tweaks.
PARTS = ("WMCore_t/WMRuntime_t", "WMCore_t/WMSpec_t/Steps_t", "WMCore_t/FwkJobReport_t", "PSetTweaks_t")


def runTests(tree, path):
    """
    Run the tests and collect the outcome of each.

    :param tree: str, checkout of WMCore
    :param path: list of str, entries of PYTHONPATH
    :return: dict of test name to outcome
    """
    tests = os.path.join(tree, "test", "python")
    files = [os.path.join(folder, name) for part in PARTS
             for folder, _, names in os.walk(os.path.join(tests, part)) for name in sorted(names)
             if name.endswith("_t.py")]
    if not files:
        sys.exit("wmcoreTests: no tests under %s; expected a checkout of WMCore" % tests)
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(path + [tests]), WMCORE_ROOT=tree)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-o", "python_files=*_t.py",
               "--continue-on-collection-errors", "--rootdir", tests, "-c", os.devnull] + files
    done = subprocess.run(command, env=env, cwd=tests, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, timeout=3000)
    outcomes = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        found = re.match(r"(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+::\S+|\S+_t\.py)", line)
        if found:
            outcomes[found.group(2)] = found.group(1)
    return outcomes


def main(tree):
    """
    Compare the two runs and print them.

    :param tree: str, checkout of WMCore
    :return: int, 0 when our code breaks none of the tests
    """
    upstream = os.environ["WMCORE_UPSTREAM"].split(os.pathsep)
    without = runTests(tree, upstream)
    ours = runTests(tree, [os.path.join(TOP, "src")] + upstream)
    broken = sorted(name for name, outcome in without.items() if outcome == "PASSED" and ours.get(name) != "PASSED")
    for name in sorted(set(without) | set(ours)):
        print("%-8s %-8s %s" % (without.get(name, "-"), ours.get(name, "-"), name))
    print("WMCore's tests: %d pass without this project's code, %d with it; broken by it: %d" % (
        list(without.values()).count("PASSED"), list(ours.values()).count("PASSED"), len(broken)))
    for name in broken:
        print("broken: %s" % name)
    if not list(without.values()).count("PASSED"):
        print("no test of WMCore's passes even without this project's code: nothing was compared")
        return 1
    return 1 if broken else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: bin/run-tests wmcore TREE, a checkout of WMCore")
    sys.exit(main(os.path.abspath(sys.argv[1])))
