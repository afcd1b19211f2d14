"""
A SIGTERM, cron's or a CI's, that ends a command as ^C does: with its children, and with nothing left half done.
"""
import contextlib
import signal


@contextlib.contextmanager
def terminationInterrupts():
    """
    Raise KeyboardInterrupt for a SIGTERM that comes while the block runs; to be used in the main thread.

    :return: context manager
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number, _frame):
    raise KeyboardInterrupt()
