"""
What the tests share: interpreters of the machine, upstream's WMCore, and one worker node in a box.
"""
import os
import signal
import sys

import pytest

from WMCore_t.Counts import loadProfile

TOLD = pytest.StashKey()
BYTECODE = pytest.StashKey()
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", "..", ".."))


def pytest_configure(config):
    """
    Choose the property tests' counts, keep bytecode, and take SIGINT and SIGHUP back.

    A shell without job control starts its background commands with SIGINT ignored, nohup with SIGHUP, and everything
    they start inherits that: bash cannot trap it any more, and the tests of these signals would wait for ever.
    """
    loadProfile()
    config.stash[TOLD] = []
    config.stash[BYTECODE] = keepBytecode()
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


def keepBytecode():
    """
    Keep the bytecode of the test files in the virtual environment: compiling them takes each process ten seconds.

    Only until all are imported: of a module that a test writes twice within a second python would take the first. No
    child inherits it. Python 3.6 can keep bytecode only beside the sources.

    :return: tuple of what sys.dont_write_bytecode and sys.pycache_prefix were
    """
    before = sys.dont_write_bytecode, getattr(sys, "pycache_prefix", None)
    if hasattr(sys, "pycache_prefix") and sys.prefix != sys.base_prefix:
        sys.dont_write_bytecode, sys.pycache_prefix = False, os.path.join(sys.prefix, "pycache")
    return before


def pytest_collection_finish(session):
    """Keep no more bytecode."""
    sys.dont_write_bytecode, sys.pycache_prefix = session.config.stash[BYTECODE]


def pytest_collection_modifyitems(config, items):
    """Leave the slow and matrix tests out unless they are asked for by -m."""
    if config.getoption("-m"):
        return
    for item in items:
        for name in ("slow", "matrix"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason="a %s test: run with -m %s" % (name, name)))


def sendable(value):
    """Give a value whose texts can all be encoded: logs of hostile bytes hold lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {sendable(key): sendable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(sendable(one) for one in value)
    return value


@pytest.hookimpl(hookwrapper=True)
def pytest_report_to_serializable():
    """Make a test's report fit to be sent from one of several processes to the one that prints."""
    outcome = yield
    outcome.force_result(sendable(outcome.get_result()))


def pytest_sessionfinish(session):
    """In one of several processes, hand what its tests told to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["told"] = session.config.stash[TOLD]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take what the tests of another process told."""
    node.config.stash[TOLD] += getattr(node, "workeroutput", {}).get("told", [])


def pytest_terminal_summary(terminalreporter, config):
    """Show the figures that tests told."""
    for line in config.stash[TOLD]:
        terminalreporter.write_line(line)


@pytest.fixture
def tell(request):
    """Give a function that puts a line into the summary of the run."""
    return request.config.stash[TOLD].append


@pytest.fixture(scope="session")
def interpreters():
    """Give the machine's interpreters, a dict of "3.6" to path."""
    from WMCore.WMRuntime.WorkerNode.MachinePythons import findMachinePythons
    return {series: python.executable for series, python in findMachinePythons().items()}


@pytest.fixture(scope="session")
def upstreamTree():
    """Give the path entries that hold upstream's WMCore and what it imports."""
    entries = [entry for entry in os.environ.get("WMCORE_UPSTREAM", "").split(os.pathsep) if entry]
    if not entries:
        pytest.skip("WMCORE_UPSTREAM does not name a directory with upstream's WMCore")
    return entries


@pytest.fixture(scope="session")
def sourceTree():
    """Give the directory that holds this project's packages."""
    return os.path.join(TOP, "src")


@pytest.fixture(scope="session")
def sandboxPackages():
    """Give the directory of the packages that a sandbox carries."""
    directory = os.environ.get("WMRUNTIME_SANDBOX_PACKAGES", "")
    if not os.path.isdir(directory):
        pytest.skip("WMRUNTIME_SANDBOX_PACKAGES does not name a directory")
    return directory


@pytest.fixture(scope="session")
def workerNode(tmp_path_factory):
    """Give one worker node in a box for the whole session."""
    from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
    return createNode(str(tmp_path_factory.mktemp("node") / "node"), log=lambda text: None)


@pytest.fixture(scope="session")
def builtSandbox(tmp_path_factory, upstreamTree):
    """Give a JobSandbox whose task was built; tests that change something copy it."""
    from WMCore_t.WMRuntime_t.JobSandbox import JobSandbox
    made = JobSandbox(tmp_path_factory.mktemp("built") / "start with space")
    made.build(upstreamTree)
    return made


@pytest.fixture(scope="session")
def topDirectory():
    """Give the checkout's top directory."""
    return TOP
