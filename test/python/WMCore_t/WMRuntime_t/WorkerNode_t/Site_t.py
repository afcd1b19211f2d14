"""Tests of the site around the node: what WMCore reads of it, and the ClassAds."""
import json
import os
import subprocess
import sys
import zlib

import pytest

from WMCore.WMRuntime.WorkerNode.ClassAds import writeAds


def inUpstream(upstreamTree, code, environ):
    """Run code with upstream's WMCore alone on the path; return what it prints as JSON."""
    env = dict(environ, PYTHONPATH=os.pathsep.join(upstreamTree))
    done = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def testWMCoreLoadsTheSiteConfiguration(workerNode, upstreamTree):
    code = ("import json; from WMCore.Storage.SiteLocalConfig import loadSiteLocalConfig\n"
            "c = loadSiteLocalConfig(); print(json.dumps([c.siteName, c.localStageOut, c.stageOuts, c.frontierProxies]))")
    siteName, local, stageOuts, proxies = inUpstream(upstreamTree, code, {"SITECONFIG_PATH": workerNode.siteConfig})
    assert siteName == "T2_XX_Box"
    assert local["phedex-node"] == "T2_XX_Box" and local["command"] == "gfal2"
    assert [(out["phedex-node"], out["command"], out["storageSite"]) for out in stageOuts] == \
        [("T2_XX_Box", "gfal2", "T2_XX_Box")]
    assert proxies == ["http://squid.example.org:3128"]


def testStageOutManagerCopiesIntoTheNodesStorage(workerNode, upstreamTree, tmp_path):
    (tmp_path / "out.root").write_text("payload")
    code = ("import json; from WMCore.Storage.StageOutMgr import StageOutMgr\n"
            "m = StageOutMgr(); m.retryPauseTime = 0; m.numberOfRetries = 1\n"
            "f = m({'LFN': '/store/unmerged/box/out.root', 'PFN': %r, 'PNN': None, 'StageOutCommand': None,"
            " 'Checksums': None, 'GUID': None})\n"
            "print(json.dumps([f['PFN'], f['PNN'], f['StageOutCommand']]))" % str(tmp_path / "out.root"))
    environ = workerNode.environment(home=str(tmp_path))
    environ.update(SITECONFIG_PATH=workerNode.siteConfig, JOBSTARTDIR=str(tmp_path))
    # The wrapper leaves the start environment there; the gfal2 back-end sources it in an empty shell.
    (tmp_path / "startup_environment.sh").write_text("export PATH='%s'\n" % environ["PATH"])
    pfn, pnn, command = inUpstream(upstreamTree, code, environ)
    assert pfn == os.path.join(workerNode.storage, "store/unmerged/box/out.root")
    assert (pnn, command) == ("T2_XX_Box", "gfal2")
    with open(pfn) as handle:
        assert handle.read() == "payload"
    call = workerNode.calls("gfal-copy")[-1]
    assert call["exit"] == 0 and call["argv"][-1] == "file://" + pfn


def gfal(node, program, *arguments):
    """Run one of the node's gfal programs in an empty environment."""
    done = subprocess.run([os.path.join(node.root, "bin", program)] + list(arguments), env={"PATH": os.defpath},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def testGfalCopyChecksTheChecksumAndKeepsWhatIsThere(workerNode, tmp_path):
    source, target = tmp_path / "a", tmp_path / "deep" / "b"
    source.write_bytes(b"payload")
    urls = ["file://%s" % source, "file://%s" % target]
    code, _, said = gfal(workerNode, "gfal-copy", "-p", "-K", "adler32:00000001", *urls)
    assert code == 5 and "checksum do not match" in said and os.listdir(str(target.parent)) == []
    good = "adler32:%08x" % (zlib.adler32(b"payload") & 0xffffffff)
    assert gfal(workerNode, "gfal-copy", "-t", "2400", "-T", "2400", "-p", "-v", "--abort-on-failure", "-K", good, *urls)[0] == 0
    assert target.read_bytes() == b"payload"
    assert gfal(workerNode, "gfal-copy", *urls)[0] == 17
    assert gfal(workerNode, "gfal-copy", "-f", *urls)[0] == 0
    assert gfal(workerNode, "gfal-rm", "-t", "600", urls[1])[0] == 0 and not target.exists()
    assert gfal(workerNode, "gfal-rm", urls[1])[0] == 2


def testGfalCopyRefusesWhatTheNodeCannotReach(workerNode, tmp_path):
    assert gfal(workerNode, "gfal-copy", "/no/such/file", str(tmp_path / "x"))[0] == 2
    code, _, said = gfal(workerNode, "gfal-copy", str(tmp_path), "davs://example.org/x")
    assert code == 22 and "local files only" in said
    assert gfal(workerNode, "gfal-copy", "--nonsense")[0] == 2
    assert workerNode.calls("gfal-copy")[-1]["exit"] == 2


def testSiteIsReachedThroughCvmfsToo(workerNode):
    linked = os.path.join(workerNode.cvmfs, "SITECONF", "local")
    assert os.path.realpath(linked) == os.path.realpath(workerNode.siteConfig)
    assert not os.path.isabs(os.readlink(linked))


@pytest.mark.parametrize("resize, expected", [(False, "false"), (True, "true")])
def testAdsSayWhatWMCoreReads(tmp_path, resize, expected):
    ads = writeAds(str(tmp_path), "rhel7", "T2_XX_Box", cores=8, memory=16000, resize=resize)
    with open(ads.job) as handle:
        job = dict(line.rstrip("\n").split(" = ", 1) for line in handle)
    with open(ads.machine) as handle:
        machine = dict(line.rstrip("\n").split(" = ", 1) for line in handle)
    assert job["WMCore_ResizeJob"] == expected and job["MachineAttrGLIDEIN_CMSSite0"] == '"T2_XX_Box"'
    assert machine["GLIDEIN_REQUIRED_OS"] == '"rhel7"' and (machine["Cpus"], machine["Memory"]) == ("8", "16000")


def testUpstreamsReaderUnderstandsTheAds(tmp_path, upstreamTree):
    ads = writeAds(str(tmp_path), "rhel8", cores=4, memory=8000, resize=True)
    code = ("import json; from PSetTweaks.WMTweak import readAdValues\n"
            "print(json.dumps([readAdValues(['glidein_required_os'], 'machine'),"
            " readAdValues(['memory', 'cpus'], 'machine', castInt=True), readAdValues(['wmcore_resizejob'], 'job')]))")
    assert inUpstream(upstreamTree, code, {"_CONDOR_JOB_AD": ads.job, "_CONDOR_MACHINE_AD": ads.machine}) == [
        {"glidein_required_os": '"rhel8"'}, {"memory": 8000, "cpus": 4}, {"wmcore_resizejob": "true"}]


def testQuotesInAdsAreEscaped(tmp_path):
    ads = writeAds(str(tmp_path), site='T2_"X"\\')
    with open(ads.job) as handle:
        assert 'MachineAttrGLIDEIN_CMSSite0 = "T2_\\"X\\"\\\\"\n' in handle.readlines()
