"""
The one error of the package: a job report that cannot be used as it is.
"""
from WMCore.WMRuntime.Errors import WMRuntimeError

BAD_JOB_REPORT = 50115


class JobReportError(WMRuntimeError):
    """
    Say which report is bad, where, and what to do; its code is 50115, BadJobReportXML.

    :param path: str, the report
    :param trouble: ReadError, the first thing that is wrong with it
    :param hint: str, what to do about it; None for what holds for every bad report
    """

    def __init__(self, path, trouble, hint=None):
        if hint is None:
            hint = ("keep the file, read the end of cmsRun's log for the cause (a crash leaves a report that ends "
                    "in the middle), and look with: wmruntime fjr show %s" % path)
        super(JobReportError, self).__init__(BAD_JOB_REPORT, "The job report %s cannot be used: %s"
                                             % (path, trouble.message), trouble.describe(), hint)
        self.path = path
        self.trouble = trouble
