"""The site around a worker node in a box: SITECONF and what HTCondor offers its jobs."""
import os

from WMCore.WMRuntime.WorkerNode.NodeFiles import linkTo, writeJson, writeProgram, writeText

SITE_NAME = "T2_XX_Box"
STORAGE_ELEMENT = "T2_XX_Box"
VOLUME = "Box_Disk"
PROTOCOL = "posix"
# WMCore's `cp` back-end hands `[ a == b ]` to /bin/sh, which fails wherever that is no bash; gfal2 starts bash itself,
# and is what sites use.
STAGE_OUT_COMMAND = "gfal2"

_SITE_LOCAL_CONFIG = """<site-local-config>
  <site name="{site}">
    <event-data>
      <catalog volume="{volume}" protocol="{protocol}" url="trivialcatalog_file:{storageJson}?protocol={protocol}"/>
    </event-data>
    <local-stage-out>
      <phedex-node value="{element}"/>
      <command value="{command}"/>
      <catalog url="trivialcatalog_file:{storageJson}?protocol={protocol}"/>
    </local-stage-out>
    <stage-out>
      <method volume="{volume}" protocol="{protocol}" command="{command}"/>
    </stage-out>
    <calib-data>
      <frontier-connect>
        <load balance="proxies"/>
        <proxy url="http://squid.example.org:3128"/>
        <server url="http://frontier.example.org:8000/FrontierProd"/>
      </frontier-connect>
    </calib-data>
  </site>
</site-local-config>
"""


def writeSite(root):
    """
    Write SITECONF/local with a stage-out that copies to the node's storage/ directory, and HTCondor's programs.

    The shapes are those WMCore.Storage.SiteLocalConfig and RucioFileCatalog read.

    :param root: str, the node's directory; its absolute path goes into the files
    :return: list of str, files that hold that path, relative to root
    """
    local = os.path.join(root, "site", "SITECONF", "local")
    storageJson = os.path.join(local, "storage.json")
    config = writeText(os.path.join(local, "JobConfig", "site-local-config.xml"),
                       _SITE_LOCAL_CONFIG.format(site=SITE_NAME, volume=VOLUME, protocol=PROTOCOL,
                                                 element=STORAGE_ELEMENT, storageJson=storageJson,
                                                 command=STAGE_OUT_COMMAND))
    writeJson(storageJson, [{
        "site": SITE_NAME, "volume": VOLUME, "rse": STORAGE_ELEMENT, "type": "DISK", "fts": [],
        "protocols": [{"protocol": PROTOCOL, "access": "site-rw", "prefix": os.path.join(root, "storage")}]}])
    os.makedirs(os.path.join(root, "storage"), exist_ok=True)
    linkTo(os.path.join(root, "cvmfs", "cms.cern.ch", "SITECONF", "local"), "../../../site/SITECONF/local")
    _writeCondor(root)
    for name in ("gfal-copy", "gfal-rm"):
        writeProgram(os.path.join(root, "bin", name), "gfal")
    return [os.path.relpath(path, root) for path in (config, storageJson)]


def _writeCondor(root):
    writeProgram(os.path.join(root, "bin", "condor_chirp"), "condor_chirp")
    writeText(os.path.join(root, "condor", "condor_config"),
              "# Only its folder matters to a job: WMCore looks for main/condor/libexec/condor_chirp beside this file.\n")
    # A link to the folder, so that the program finds its node from its own name.
    linkTo(os.path.join(root, "condor", "main", "condor", "libexec"), "../../../bin")
