"""The top of the node's /cvmfs/cms.cern.ch: set-up script, common programs, SCRAM itself and its project maps."""
import os

from WMCore.WMRuntime.WorkerNode.NodeFiles import copyModules, linkTo, writeProgram, writeText

#: What is deployed; releases that name an older version of the series are served by it, as on the real CVMFS.
SCRAM_VERSIONS = {"V2": "V2_2_9_pre15", "V3": "V3_00_60"}

_MAPS = {"cmssw.map": "CMSSW=$SCRAM_ARCH/cms/cmssw/CMSSW_*\n",
         "cmssw-patch.map": "CMSSW=$SCRAM_ARCH/cms/cmssw-patch/CMSSW_*\n",
         "coral.map": "CORAL=$SCRAM_ARCH/cms/coral/CORAL_*\n",
         "links.db": "", "site.cfg": ""}
_SCRAM_INIT = """# shellcheck shell=bash disable=SC2034
# The environment of this SCRAM, to be sourced.
SCRAMV1_ROOT=$(cd -P "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}./../.." && pwd)
SCRAMV1_VERSION="@VERSION@"
"""


def writeTop(cvmfs, insideFolder):
    """
    Write everything of the tree that is neither a release nor a COMP area.

    :param cvmfs: str, the node's cms.cern.ch directory
    :param insideFolder: str, folder of the python modules that run inside a node
    """
    writeProgram(os.path.join(cvmfs, "cmsset_default.sh"), "cmsset_default.sh")
    for name in ("scram", "cmsos", "cmsarch"):
        writeProgram(os.path.join(cvmfs, "common", name), name)
    linkTo(os.path.join(cvmfs, "common", "scramv1"), "scram")
    for name, text in _MAPS.items():
        writeText(os.path.join(cvmfs, "etc", "scramrc", name), text)
    for series, version in SCRAM_VERSIONS.items():
        home = os.path.join(cvmfs, "share", "lcg", "SCRAMV1", version)
        writeText(os.path.join(home, "etc", "profile.d", "init.sh"), _SCRAM_INIT.replace("@VERSION@", version))
        writeProgram(os.path.join(home, "bin", "scram"), "scram-home")
        writeProgram(os.path.join(home, "lib", "scram.py"), "scram.py")
        copyModules(os.path.join(insideFolder, "scram"), os.path.join(home, "lib", "scramStandIn"))
        writeText(os.path.join(cvmfs, "share", "etc", "default-scram", series), version + "\n")
    writeText(os.path.join(cvmfs, "share", "etc", "default-scramv1-version"), SCRAM_VERSIONS["V2"] + "\n")
    for name in ("bin", "python"):
        os.makedirs(os.path.join(cvmfs, "share", "overrides", name), exist_ok=True)
