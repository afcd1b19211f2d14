"""
Turn a job report into plain values that can be compared between two runs of the same job.
"""
import re

#: What differs between two runs of one job on one node whoever runs it: times, machine, identifiers
#: made by chance, and what follows from them (a checksum of a file that holds a GUID). Of these only
#: the type is compared.
VOLATILE_NAMES = frozenset([
    "startTime", "stopTime", "hostName", "ceName", "guid", "checksums", "size", "WMTiming",
    "WMCMSSWSubprocess",
])
#: The same, where WMCore leaves a number in exponent form as text (1e-05 s) and makes 1.2 s a float.
MEASURED_NAMES = frozenset(["performance"])


def sectionToDict(value):
    """
    Turn a ConfigSection and all below it into dictionaries and lists.

    :param value: ConfigSection or plain value
    :return: plain value
    """
    if hasattr(value, "_internal_settings"):
        return {name: sectionToDict(getattr(value, name)) for name in value._internal_settings}
    if isinstance(value, dict):
        return {str(key): sectionToDict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sectionToDict(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return value


def _typeName(value):
    return "<%s>" % type(value).__name__


def _numberOrType(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return _typeName(value)
    return "<number>"


def _shape(value, leaf):
    """Keep the names of a plain value, and of what they hold only what leaf() says."""
    if isinstance(value, dict):
        return {name: _shape(item, leaf) for name, item in value.items()}
    return leaf(value)


def _steady(value, startDir):
    """Reduce the volatile parts to their shape and name the job's own directory <start>."""
    if isinstance(value, dict):
        reduced = {}
        for name, item in value.items():
            if name in VOLATILE_NAMES:
                reduced[name] = _shape(item, _typeName)
            elif name in MEASURED_NAMES:
                reduced[name] = _shape(item, _numberOrType)
            else:
                reduced[name] = _steady(item, startDir)
        return reduced
    if isinstance(value, list):
        return [_steady(item, startDir) for item in value]
    if isinstance(value, str):
        text = value.replace(startDir, "<start>")
        return re.sub(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "<guid>", text)
    return value


def snapshot(path, startDir):
    """
    Load a report as the agent does and give what must not depend on who ran the job.

    :param path: str, Report.N.pkl
    :param startDir: str, the job's start directory
    :return: dict; error details are apart, under "details", by step and error
    """
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    report.load(path)
    whole = _steady(sectionToDict(report.data), startDir)
    details = {}
    for step in whole.get("steps", []):
        errors = whole.get(step, {}).get("errors", {})
        for name, error in errors.items():
            if isinstance(error, dict) and "details" in error:
                details[step, name] = error.pop("details")
    whole["details"] = details
    return whole


def errorsOf(snap):
    """
    List the errors of a snapshot in their order.

    :param snap: dict from snapshot
    :return: list of (step, exit code, type)
    """
    found = []
    for step in snap.get("steps", []):
        errors = snap.get(step, {}).get("errors", {})
        for number in range(errors.get("errorCount", 0)):
            error = errors["error%d" % number]
            found.append((step, error["exitCode"], error["type"]))
    return found


def differences(left, right, path=""):
    """
    Say where two snapshots differ.

    :param left: plain value
    :param right: plain value
    :param path: str, where in the report these values stand
    :return: list of (path, left value, right value)
    """
    if isinstance(left, dict) and isinstance(right, dict):
        found = []
        for name in sorted(set(left) | set(right), key=str):
            here = "%s.%s" % (path, name)
            if name not in left or name not in right:
                found.append((here, left.get(name, "<absent>"), right.get(name, "<absent>")))
            else:
                found.extend(differences(left[name], right[name], here))
        return found
    return [] if left == right else [(path, left, right)]
