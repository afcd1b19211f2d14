"""
How much the tests try: WMRUNTIME_COUNTS is `quick`, `slow` or `nightly`, and bin/run-tests sets it.

The quick run takes a quarter of the examples of a property test, `bin/run-tests slow` all of them again, and
`bin/run-tests nightly` the large counts of what is damaged at random.
"""
import os

import pytest
from hypothesis import settings

LEVELS = ("quick", "slow", "nightly")
LEVEL = os.environ.get("WMRUNTIME_COUNTS") or "quick"
LEAST = 20
DEFAULT = 100


def examples(count):
    """
    Give the number of examples a property test takes in this run.

    :param count: int, all of them
    :return: int
    """
    return max(min(count, LEAST), count // 4) if LEVEL == "quick" else count


def nightly(count, otherwise):
    """
    Give a count of the nightly run, or a smaller one in all others.

    :param count: int
    :param otherwise: int
    :return: int
    """
    return count if LEVEL == "nightly" else otherwise


def loadProfile():
    """
    Choose the number of examples for the property tests that ask for none.

    :raises pytest.UsageError: when WMRUNTIME_COUNTS is none of LEVELS
    """
    if LEVEL not in LEVELS:
        raise pytest.UsageError("WMRUNTIME_COUNTS is %r; set it to one of %s" % (LEVEL, ", ".join(LEVELS)))
    # No deadline: a busy machine takes its time, and time limits are tested by tests of their own.
    settings.register_profile(LEVEL, max_examples=examples(DEFAULT), deadline=None)
    settings.load_profile(LEVEL)
