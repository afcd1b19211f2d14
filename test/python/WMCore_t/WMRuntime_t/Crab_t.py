"""
What CRAB calls on a worker node, called the way CRAB calls it.

CRAB has its own wrapper and no Unpacker, Startup or step executor; it imports the names below from
WMCore.zip. The calls are those of its CMSRunAnalysis.py, cmscp.py and TaskWorker (CRABServer, 2025).
"""
import json
import os
import subprocess
import sys

import pytest

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "..", "data")


def crab(code, tree, environment=None, cwd=None):
    """Run CRAB's side in a process of its own, our tree first on its path."""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(tree), PYTHONDONTWRITEBYTECODE="1")
    env.update(environment or {})
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(done.stdout.decode("utf-8").strip().splitlines()[-1])


@pytest.fixture
def tree(sourceTree, upstreamTree):
    """Give the path of a job: ours first, upstream behind."""
    return [sourceTree] + upstreamTree + [entry for entry in sys.path if entry.endswith("site-packages")]


@pytest.fixture
def siteEnvironment(workerNode, tmp_path):
    """Give the environment of a job after cmsset_default.sh."""
    env = workerNode.environment(requiredOS="rhel8", jobAd="", machineAd="", home=str(tmp_path))
    env["PATH"] = "%s/common:%s" % (workerNode.cvmfs, env["PATH"])
    env["SITECONFIG_PATH"] = os.path.join(workerNode.cvmfs, "SITECONF", "local")
    env["CMS_PATH"] = workerNode.cvmfs
    return env


def test_theScramSessionOfTheJobWrapper(tree, siteEnvironment, workerNode, tmp_path):
    arch = workerNode.releases["CMSSW_13_0_3"]["arch"]
    said = crab("""
import json, os, sys
from WMCore.WMRuntime.Tools.Scram import Scram
scram = Scram(version='CMSSW_13_0_3', directory=os.getcwd(), architecture=%r)
steps = [scram.project(), scram.runtime()]
tool = scram('echo $CMSSW_VERSION; echo oops >&2; exit 65', runtimeDir=os.getcwd(), cleanEnv=True)
out = scram.getStdout()
payload = scram('echo $PYTHONPATH-$MARK', runtimeDir=os.getcwd(), cleanEnv=False)
print(json.dumps([steps, tool, out, payload, scram.getStdout(), 'Exit Status' in scram.diagnostic()]))
""" % arch, tree, dict(siteEnvironment, MARK="kept", PYTHONPATH=os.pathsep.join(tree)), cwd=str(tmp_path))
    assert said[0] == [0, 0]
    assert said[1] == 65
    assert said[2].split() == ["CMSSW_13_0_3", "oops"]
    assert said[3] == 0 and said[4].strip().endswith("-kept")
    assert not any(entry in said[4] for entry in tree)
    assert said[5]


@pytest.mark.parametrize("options", [
    "version='CMSSW_99_0_0', directory=os.getcwd(), architecture='el8_amd64_gcc12'",
    "version='CMSSW_13_0_3', directory='/nonexistent/place', architecture='el8_amd64_gcc12'",
    "version='CMSSW_13_0_3', directory=os.getcwd(), architecture='el8_amd64_gcc12', command='/nonexistent/scram'",
    "version=None, directory=os.getcwd(), architecture=None",
])
def test_aScramThatFailsNeverRaises(options, tree, siteEnvironment, tmp_path):
    said = crab("""
import json, os
from WMCore.WMRuntime.Tools.Scram import Scram
scram = Scram(%s)
print(json.dumps([bool(scram.project()), bool(scram.runtime()), len(scram.diagnostic()) > 10]))
""" % options, tree, siteEnvironment, cwd=str(tmp_path))
    assert said == [True, True, True]


def test_setupLoggingInTheCurrentDirectory(tree, tmp_path):
    assert crab("""
import json, logging
from WMCore.WMRuntime.Bootstrap import setupLogging
setupLogging('.')
logging.info('from CRAB')
print(json.dumps(open('wmagentJob.log').read().count('from CRAB')))
""", tree, cwd=str(tmp_path)) == 1


def test_theReportAsJson(tree):
    said = crab("""
import json
from WMCore.FwkJobReport.Report import Report, FwkJobReportException
report = Report('cmsRun')
report.parse(%r, 'cmsRun')
print(json.dumps([report.getExitCode(), sorted(report.__to_json__(None)['steps'])]))
""" % os.path.join(DATA, "fjr", "CMSSWFailReport.xml"), tree)
    assert said[0] != 0 and said[1] == ["cmsRun"]


def test_siteConfigurationAndStageOut(tree, siteEnvironment):
    said = crab("""
import json
from WMCore.Storage.SiteLocalConfig import loadSiteLocalConfig
from WMCore.Storage.StageOutMgr import StageOutMgr
from WMCore.Storage.StageOutError import StageOutFailure
from WMCore.Storage.Registry import retrieveStageOutImpl
from WMCore.Algorithms.Alarm import Alarm, alarmHandler
from WMCore.WMException import WMException
from Utils.FileTools import calculateChecksums
from Utils.Utilities import decodeBytesToUnicode
config = loadSiteLocalConfig()
pnn = config.localStageOut['phedex-node'] if 'phedex-node' in config.localStageOut else None
StageOutMgr()
retrieveStageOutImpl('cp')
StageOutFailure('message', Command='cp', Protocol='x')
print(json.dumps([config.siteName, pnn]))
""", tree, siteEnvironment)
    assert all(said)


def test_theTaskWorkersTables(tree):
    said = crab("""
import json
from WMCore.WMRuntime.Tools.Scram import ARCH_TO_OS, SCRAM_TO_ARCH
print(json.dumps([ARCH_TO_OS, SCRAM_TO_ARCH]))
""", tree)
    assert said[0]["el8"] == ["rhel8"] and said[0]["slc7"] == ["rhel7"]
    assert {"amd64": "X86_64", "aarch64": "aarch64", "ppc64le": "ppc64le"}.items() <= said[1].items()


def test_psetTweaks(tree, tmp_path):
    assert crab("""
import json
from PSetTweaks.PSetTweak import PSetTweak
tweak = PSetTweak()
tweak.addParameter('process.maxEvents.input', 'customTypeCms.untracked.int32(5)')
tweak.persist('tweak.json', formatting='simplejson')
print(json.dumps(json.load(open('tweak.json'))))
""", tree, cwd=str(tmp_path))
