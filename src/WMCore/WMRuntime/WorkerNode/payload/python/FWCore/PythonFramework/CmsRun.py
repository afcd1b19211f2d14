"""
CmsRun: there in releases whose cmsRun embeds python 3 only, where it tells the cmssw-wm-tools to use python3

In CMSSW the module loads two C++ libraries and so can be imported by that python only.
"""
import sys

if sys.version_info[0] < 3:
    raise ImportError("FWCore.PythonFramework.CmsRun needs the python that cmsRun embeds, python 3")


class CmsRun(object):
    """Would run a process inside python; the stand-in only carries it."""

    def __init__(self, process):
        self._process = process

    def run(self):
        """
        :raises NotImplementedError: always, the worker node in a box runs cmsRun
        """
        raise NotImplementedError("The stand-in for CmsRun cannot run a process, use the command cmsRun")
