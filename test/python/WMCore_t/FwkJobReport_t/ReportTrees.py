"""
Compare WMCore Reports to the last member of the last section.
"""
import copy
import os
import pickle
import warnings

from WMCore_t.WMSpec_t.Steps_t.StepHarness import upstreamModule


def upstreamParser():
    """Load the XMLParser that lies behind ours."""
    import WMCore.FwkJobReport
    return upstreamModule(WMCore.FwkJobReport, "XMLParser")


def fill(parser, path, steps=("cmsRun1",)):
    """
    Fill a new Report from a file.

    :param parser: module with xmlToJobReport
    :param path: str
    :param steps: names of the steps the Report has before
    :return: (Report, the exception or None)
    """
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    for name in steps:
        report.addStep(name)
    trouble = None
    with warnings.catch_warnings():
        # Upstream leaves the file open.
        warnings.simplefilter("ignore" if parser.__name__.startswith("upstream") else "error", ResourceWarning)
        try:
            parser.xmlToJobReport(report, str(path))
        except Exception as ex:
            trouble = ex.with_traceback(None)
    return report, trouble


def tree(value, path="", parent=None):
    """
    Give all that a section is made of, inner members and types included, as a flat dict: a failure then shows what differs.

    :param value: ConfigSection or plain value
    :param path: str, where it is
    :param parent: the section it is in
    :return: dict of path to type and value
    """
    if hasattr(value, "_internal_settings"):
        members = dict(vars(value))
        assert members.pop("_internal_parent_ref") is parent
        pairs, below = members.items(), value
    elif isinstance(value, dict):
        pairs, below = value.items(), None
    elif isinstance(value, (list, tuple)):
        pairs, below = enumerate(value), None
    elif isinstance(value, set):
        return {path: ("set", sorted(map(repr, value)))}
    else:
        return {path: (type(value).__name__, repr(value))}
    found = {path: (type(value).__name__, len(value) if below is None else "")}
    for name, one in pairs:
        found.update(tree(one, "%s/%r" % (path, name), below))
    return found


def differences(mine, theirs):
    """
    Compare two trees.

    :param mine: dict from tree
    :param theirs: dict from tree
    :return: dict of path to both values, of what is not equal
    """
    return {path: (mine.get(path), theirs.get(path)) for path in set(mine) | set(theirs)
            if mine.get(path) != theirs.get(path)}


def withoutNote(report):
    """Give a report's tree without the section that says how cmsRun's report was read."""
    if hasattr(report.report, "jobReport"):
        report = copy.deepcopy(report)
        del report.report.jobReport
    return tree(report.data)


def pickled(report, directory):
    """Write a report as WMCore does and load it again."""
    from WMCore.FwkJobReport.Report import Report
    path = os.path.join(str(directory), "Report.pkl")
    report.persist(path)
    again = Report()
    again.unpersist(path)
    assert pickle.loads(pickle.dumps(report.data)) is not None
    return again
