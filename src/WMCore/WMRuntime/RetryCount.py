"""
Which try of the job this is, also when the job package that says so cannot be read.

WMAgent fetches Report.<retry>.pkl: a report under another number is lost.
"""
import logging
import os
import re

_REPORT = re.compile(r"Report\.(\d{1,6})\.pkl")
# HTCondor's job ad, one `Name = value` per line; SimpleCondorPlugin lists the report to bring back.
_TRANSFER_OUTPUT = re.compile(r'^\s*TransferOutput(?:Files)?\s*=\s*"([^"]*)"', re.MULTILINE | re.IGNORECASE)
_MAX_AD_BYTES = 4 * 1024 * 1024
VARIABLE = "WMAGENT_RETRY_COUNT"


def _fromJobAd(path):
    """Read the number of the report that HTCondor is to bring back; the last entry of a name counts."""
    try:
        with open(path, "r", encoding="utf-8", errors="replace") as handle:
            entries = _TRANSFER_OUTPUT.findall(handle.read(_MAX_AD_BYTES))
    except OSError:
        return None
    numbers = _REPORT.findall(entries[-1]) if entries else []
    return int(numbers[-1]) if numbers else None


def _fromDirectory(directory):
    """Read the number off the report the wrapper makes before anything else; the highest is the latest."""
    try:
        matches = [_REPORT.match(name) for name in os.listdir(directory)]
    except OSError:
        return None
    numbers = [int(match.group(1)) for match in matches if match and match.group(0) == match.string]
    return max(numbers) if numbers else None


def learnRetryCount(startDir, environ=None, job=None):
    """
    Find out the retry count, with or without the job.

    The wrapper's word counts before the job's: HTCondor fetches the report that the wrapper was started for.

    :param startDir: str, the job's start directory, where the wrapper left an empty Report.N.pkl
    :param environ: mapping, the environment; os.environ when None
    :param job: Job, None when it cannot be read
    :return: int, 0 when nothing tells
    """
    environ = os.environ if environ is None else environ
    ofJob = job.get("retry_count") if job else None
    stated = environ.get(VARIABLE, "").strip()
    if re.match(r"\d{1,6}\Z", stated):
        if ofJob is not None and ofJob != int(stated):
            logging.warning("The job's package says retry %s, the wrapper was started for retry %s, which counts",
                            ofJob, stated)
        return int(stated)
    if ofJob is not None:
        return ofJob
    found = _fromDirectory(startDir)
    if found is None and environ.get("_CONDOR_JOB_AD"):
        found = _fromJobAd(environ["_CONDOR_JOB_AD"])
    return found or 0
